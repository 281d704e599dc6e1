"""What truly happened at the exchange: every accepted bet and event, written once and never changed."""

import threading
from collections import Counter
from typing import Any

import msgspec
from msgspec import Struct


class LedgerBet(Struct, frozen=True, kw_only=True):
    """One accepted bet as it is now; sizes in the account's currency, `price` and `avp` in decimal odds.

    :ivar rfo: customerOrderRef, "" where none was given; `rfs` is the customerStrategyRef.
    :ivar sm: size matched; `sr` remaining, `sc` cancelled, `sl` lapsed, `sv` voided.
    :ivar size: stake, or liability of an on-close bet.
    :ivar status: E (executable) or EC (execution complete).
    :ivar profit: None until the market is settled.
    :ivar replaces: the bet id that a replace put it in the place of; it has the same `rfo` as that one.
    """

    bet_id: str
    account: str
    rfo: str
    rfs: str
    market_id: str
    selection_id: int
    handicap: float
    side: str
    order_type: str
    persistence: str
    price: float
    size: float
    sm: float
    sr: float
    sc: float
    sl: float
    sv: float
    avp: float
    status: str
    placed_ms: int
    profit: float | None = None
    replaces: str | None = None


class LedgerEvent(Struct, frozen=True):
    """One thing that happened; `time_ms` in milliseconds since 1970 by the exchange's clock."""

    number: int
    time_ms: int
    kind: str
    detail: dict[str, Any]


class Ledger:
    """Append-only; safe to read from any thread, also after the exchange has stopped.

    Event kinds: placed, matched, cancelled, lapsed, voided, updated, reduced, settled, refused, request, login, logout,
    cancel_all, connection, fault, market, heartbeat, and error, a mistake of the exchange itself.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._bets: dict[str, LedgerBet] = {}
        self._events: list[LedgerEvent] = []
        self._requests: Counter[str] = Counter()
        self._open: Counter[str] = Counter()
        self._most_open: Counter[str] = Counter()
        self._transactions: Counter[str] = Counter()
        self._writes: list[tuple[str, int, int]] = []
        self.logins = 0
        self.failed_logins = 0
        self.keep_alives = 0
        self.cancel_alls = 0

    def record_bet(self, bet: LedgerBet) -> None:
        """Take the present state of a bet."""
        with self._lock:
            self._bets[bet.bet_id] = bet

    def record(self, time_ms: int, kind: str, **detail: Any) -> None:
        """Append an event."""
        with self._lock:
            self._events.append(LedgerEvent(len(self._events) + 1, time_ms, kind, detail))

    def count_request(self, operation: str) -> None:
        """Count a request that was read, executed or not."""
        with self._lock:
            self._requests[operation] += 1

    def count_transactions(self, username: str, number: int) -> None:
        """Count bets placed and actions failed."""
        with self._lock:
            self._transactions[username] += number

    def count_open(self, kind: str, change: int) -> None:
        """Take note of an opened (1) or closed (-1) connection, `kind` being http or stream."""
        with self._lock:
            self._open[kind] += change
            self._most_open[kind] = max(self._most_open[kind], self._open[kind])

    def note_write(self, stream: str, sequence: int, time_ns: int) -> None:
        """Take note that a stream message was handed to the socket."""
        self._writes.append((stream, sequence, time_ns))

    def write_times(self) -> list[tuple[str, int, int]]:
        """Return (stream, sequence, nanoseconds since 1970) of each message, where the settings have them kept.

        The sequence is the second part of the message's clk, between the points.
        """
        return list(self._writes)

    def bets(self) -> list[LedgerBet]:
        """Return all accepted bets, in the order of placing."""
        with self._lock:
            return list(self._bets.values())

    def bet(self, bet_id: str) -> LedgerBet | None:
        """Return one bet."""
        with self._lock:
            return self._bets.get(bet_id)

    def bets_by_ref(self, rfo: str) -> list[LedgerBet]:
        """Return the bets of a customerOrderRef: more than one that `replaces` none is a doubled bet."""
        return [bet for bet in self.bets() if bet.rfo == rfo]

    def live_bets(self) -> list[LedgerBet]:
        """Return the bets that are still executable."""
        return [bet for bet in self.bets() if bet.status == "E"]

    def events(self, kind: str | None = None) -> list[LedgerEvent]:
        """Return the events, of one kind or all."""
        with self._lock:
            return [event for event in self._events if kind is None or event.kind == kind]

    @property
    def requests(self) -> dict[str, int]:
        """How many requests of each operation came in."""
        with self._lock:
            return dict(self._requests)

    @property
    def transactions(self) -> dict[str, int]:
        """Bets placed and actions failed, by account; what the hourly limit is about."""
        with self._lock:
            return dict(self._transactions)

    @property
    def open_sockets(self) -> dict[str, int]:
        """Connections that are open now, by kind."""
        with self._lock:
            return dict(self._open)

    @property
    def most_open_sockets(self) -> dict[str, int]:
        """The most that were open at a time, by kind."""
        with self._lock:
            return dict(self._most_open)

    def summary(self) -> dict[str, Any]:
        """Return everything as plain values."""
        return {
            "bets": [msgspec.to_builtins(bet) for bet in self.bets()],
            "events": [msgspec.to_builtins(event) for event in self.events()],
            "requests": self.requests,
            "transactions": self.transactions,
            "open_sockets": self.open_sockets,
            "most_open_sockets": self.most_open_sockets,
            "logins": self.logins,
            "failed_logins": self.failed_logins,
            "keep_alives": self.keep_alives,
            "cancel_alls": self.cancel_alls,
        }
