"""A run and what comes of it, as plain data: it can go to another process or machine unchanged."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import attrs

Row = dict[str, Any]
"""One order, market, refusal or fault: text, numbers, None."""

ORDER_COLUMNS = (
    "market_id",
    "order_id",
    "bet_id",
    "trade_id",
    "strategy",
    "client",
    "selection_id",
    "handicap",
    "side",
    "order_type",
    "price",
    "size",
    "persistence_type",
    "time_in_force",
    "status",
    "size_matched",
    "average_price_matched",
    "size_remaining",
    "size_cancelled",
    "size_lapsed",
    "size_voided",
    "profit",
    "runner_status",
    "date_time_created",
    "date_time_placed",
    "date_time_execution_complete",
    "is_refused",
    "violation_msg",
    "notes",
    "market_notes",
)

MARKET_COLUMNS = (
    "market_id",
    "event_id",
    "event_type_id",
    "market_type",
    "country_code",
    "venue",
    "market_start_datetime",
    "status",
    "orders",
    "size_matched",
    "profit",
)


MOST_MESSAGES = 1_000
"""How many bad lines of a whole run are told one by one; the rest are counted."""


@attrs.frozen
class Named:
    """A thing by name with its options: a strategy, control, middleware, worker, logging control or client.

    :ivar name: entry point or module:Class; of a client its type ("simulated", "betfair", a plugin's own word).
    :ivar options: plain data for its constructor.
    :ivar client: of a client control, the username of the client it watches; None for every client.
    """

    name: str
    options: Mapping[str, Any] = attrs.Factory(dict)
    client: str | None = None


@attrs.frozen
class Run:
    """All that a simulation is told.

    :ivar files: paths, globs, directories, archives and URLs.
    :ivar background_workers: what `[[workers]]` names, while `workers` is how many processes simulate.
    :ivar settings: names and values of settings that are not the defaults.
    :ivar event_processing: files of one event are merged by publish time.
    :ivar event_groups: event id -> name of a group; files of one group are merged, too.
    """

    strategies: tuple[Named, ...]
    files: tuple[str, ...] = ()
    clients: tuple[Named, ...] = (Named("simulated"),)
    trading_controls: tuple[Named, ...] = ()
    client_controls: tuple[Named, ...] = ()
    middleware: tuple[Named, ...] = ()
    background_workers: tuple[Named, ...] = ()
    logging_controls: tuple[Named, ...] = ()
    settings: Mapping[str, Any] = attrs.Factory(dict)
    blocked: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    listener_kwargs: Mapping[str, Any] = attrs.Factory(dict)
    event_processing: bool = False
    event_groups: Mapping[str, str] = attrs.Factory(dict)
    market_types: tuple[str, ...] = ()
    country_codes: tuple[str, ...] = ()
    workers: int = 1


@attrs.frozen
class Unit:
    """What is simulated by one framework: a file, or the files of a group.

    :ivar files: their addresses.
    :ivar group: the group's name, "" for a file by itself.
    :ivar size: stored bytes, to begin with the largest.
    :ivar sources: where they are, as `files` tells by name; whoever has them need not look.
    """

    files: tuple[str, ...]
    group: str = ""
    size: int = 0
    sources: tuple[Any, ...] = attrs.field(default=(), eq=False, repr=False)

    @property
    def name(self) -> str:
        """What messages call it."""
        return f"{self.group} ({', '.join(self.files)})" if self.group else self.files[0]


LOAD = "load"
"""What a plugin has failed in that is installed and cannot be used."""


@attrs.define
class Result:
    """What a simulation of some markets has come to; results of several are added in the order of their files.

    :ivar strategies: names of the strategies, in the order in which they were added.
    :ivar books: market books delivered; `market_count`: markets they were of; `seen`: strategy -> markets it was shown.
    :ivar markets, orders, refusals: one row each, where they are kept.
    :ivar refused: (strategy, control) -> how many requests it refused.
    :ivar faults: (plugin, hook) -> (how many exceptions, the first one's text).
    :ivar bad_lines: messages "file:line: what is wrong", no more than `MOST_MESSAGES`.
    :ivar bad_line_counts: file -> how many of its lines could not be used, told or not.
    :ivar lost: what could not be read, simulated or written, "file: why".
    :ivar unsettled: market -> a sentence on what was matched there, and has no profit since no book has closed it.
    :ivar totals: strategy -> sums over its orders.
    :ivar notices: what was passed over for a reason, such as a market that came twice.
    :ivar shown: of a unit, market -> the strategies that were shown it, which `seen` counts.
    :ivar refused_in: of a unit, market -> what of `refused` was refused there.
    :ivar logged: of a unit that another process simulates, what its logging controls are to handle.
    """

    strategies: list[str] = attrs.Factory(list)
    files: int = 0
    books: int = 0
    market_count: int = 0
    markets: list[Row] = attrs.Factory(list)
    orders: list[Row] = attrs.Factory(list)
    refusals: list[Row] = attrs.Factory(list)
    seen: dict[str, int] = attrs.Factory(dict)
    refused: dict[tuple[str, str], int] = attrs.Factory(dict)
    faults: dict[tuple[str, str], tuple[int, str]] = attrs.Factory(dict)
    bad_lines: list[str] = attrs.Factory(list)
    bad_line_counts: dict[str, int] = attrs.Factory(dict)
    lost: list[str] = attrs.Factory(list)
    notices: list[str] = attrs.Factory(list)
    unsettled: dict[str, str] = attrs.Factory(dict)
    totals: dict[str, "Totals"] = attrs.Factory(dict)
    shown: dict[str, list[str]] = attrs.Factory(dict)
    refused_in: dict[str, dict[tuple[str, str], int]] = attrs.Factory(dict)
    logged: bytes = b""

    @property
    def bad_line_count(self) -> int:
        """How many lines could not be used."""
        return sum(self.bad_line_counts.values())

    @property
    def error_count(self) -> int:
        """Exceptions, bad lines, lost files and notices together: 0 where all went well."""
        raised = sum(count for count, _ in self.faults.values())
        return raised + self.bad_line_count + len(self.lost) + len(self.notices)

    def note_fault(self, plugin: str, hook: str, count: int, text: str) -> None:
        """Count exceptions of a plugin."""
        before, first = self.faults.get((plugin, hook), (0, text))
        self.faults[(plugin, hook)] = (before + count, first)

    def forget(self, markets: Collection[str]) -> None:
        """Leave out of a unit's result what its markets of these ids have come to; their books are still counted."""
        self.markets = [row for row in self.markets if row["market_id"] not in markets]
        self.orders = [row for row in self.orders if row["market_id"] not in markets]
        self.refusals = [row for row in self.refusals if row["market_id"] not in markets]
        self.unsettled = {key: each for key, each in self.unsettled.items() if key not in markets}
        self.totals = {}
        self.count_orders(self.orders)
        seen, refused = Counter(self.seen), Counter(self.refused)
        for market_id in markets:
            seen.subtract(self.shown.pop(market_id, ()))
            refused.subtract(self.refused_in.pop(market_id, {}))
        self.seen, self.refused = dict(+seen), dict(+refused)

    def add(self, other: "Result") -> None:
        """Take up the counts and messages of another result, not its rows."""
        self.strategies.extend(name for name in other.strategies if name not in self.strategies)
        self.files += other.files
        self.books += other.books
        for name, seen in other.seen.items():
            self.seen[name] = self.seen.get(name, 0) + seen
        for key, refused in other.refused.items():
            self.refused[key] = self.refused.get(key, 0) + refused
        for (plugin, hook), (count, text) in other.faults.items():
            if hook != LOAD or (plugin, hook) not in self.faults:  # it fails anew in each framework
                self.note_fault(plugin, hook, count, text)
        self.bad_lines.extend(other.bad_lines[: MOST_MESSAGES - len(self.bad_lines)])
        for name, bad in other.bad_line_counts.items():
            self.bad_line_counts[name] = self.bad_line_counts.get(name, 0) + bad
        self.lost.extend(other.lost)
        self.notices.extend(other.notices)
        self.unsettled |= other.unsettled
        for name, totals in other.totals.items():
            self.totals.setdefault(name, Totals()).add(totals)

    def count_orders(self, orders: Iterable[Row]) -> None:
        """Add orders to the totals of their strategies."""
        for order in orders:
            self.totals.setdefault(order["strategy"], Totals()).count(order)


@attrs.define
class Totals:
    """Sums over orders; money in the account's currency, kept in hundredths so that no order of adding matters.

    :ivar staked: what was asked for by orders that no control refused (of starting-price lays the liability).
    """

    markets: set[str] = attrs.Factory(set)
    orders: int = 0
    staked_pence: int = 0
    matched_pence: int = 0
    profit_pence: int = 0

    def count(self, order: Row) -> None:
        """Add one order."""
        self.markets.add(order["market_id"])
        self.orders += 1
        if not order["is_refused"]:
            self.staked_pence += round((order["size"] or 0) * 100)
        self.matched_pence += round(order["size_matched"] * 100)
        self.profit_pence += round(order["profit"] * 100)

    def add(self, other: "Totals") -> None:
        """Take up the sums of others."""
        self.markets |= other.markets
        self.orders += other.orders
        self.staked_pence += other.staked_pence
        self.matched_pence += other.matched_pence
        self.profit_pence += other.profit_pence

    @property
    def staked(self) -> float:
        """What was asked for."""
        return self.staked_pence / 100

    @property
    def matched(self) -> float:
        """Stakes matched."""
        return self.matched_pence / 100

    @property
    def profit(self) -> float:
        """What was won or lost, before commission."""
        return self.profit_pence / 100
