"""The live market stream: changes wait by market until the kernel comes to them, and then make one book."""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from time import monotonic
from typing import Any

from msgspec import Struct

from ..book.cache import MarketBookCache
from ..book.change import UNDECODABLE, MarketChange, decode_market_change
from ..book.definition import ABSENT
from ..book.marketbook import MarketBook
from ..clock import LiveClock
from ..contract.streams import MarketStream
from ..errors import DataError, SettingsError
from ..events import CloseMarketEvent, Event, MarketBooksEvent
from ..settings import Settings
from .conflation import UNMERGEABLE, merge
from .latency import LatencyGauge
from .marketsubscription import MarketSubscription
from .message import StreamMessage, decode_market_delta, decode_plain, decode_whole_delta, shown
from .streamkind import NEVER
from .subscription import Account, Reporter

_MOST_WAITING = 256
"""So many changes of one market may wait before they are merged into one."""


class DeferredBooksEvent(MarketBooksEvent):
    """Books that are made when the kernel comes to the event, on its thread, of all that has arrived by then."""

    def __init__(self, make: Callable[[], list[MarketBook]]) -> None:
        self._make = make
        self._made: list[MarketBook] | None = None

    @property
    def market_books(self) -> list[MarketBook]:  # type: ignore[override]
        """The books, made at the first look."""
        if self._made is None:
            self._made = self._make()
        return self._made


class DeferredCloseEvent(CloseMarketEvent):
    """The closing of a market that the exchange no longer shows: its last book is looked up on the kernel's thread."""

    def __init__(self, make: Callable[[], Any], stream_id: int) -> None:
        self._make = make
        self._made: Any = None
        self.streaming_unique_id = stream_id

    @property
    def market_book(self) -> Any:
        """The last book, or the market's id alone where there never was one."""
        if self._made is None:
            self._made = self._make()
        return self._made


class _Waiting(Struct, gc=False):
    """A change that the kernel has not come to: with publish time, its own bytes, and what it makes current."""

    change: MarketChange
    publish_time: int
    line: bytes | None
    epoch: int


class _Known:
    """What is known of one market.

    :ivar waiting: changes that the kernel has not come to, None where there are none.
    :ivar late_ms: by how much the latest change's arrival was later than its publish time.
    :ivar epoch: how current its book is.
    :ivar is_shown: the subscription has brought it.
    """

    __slots__ = ("cache", "epoch", "is_shown", "late_ms", "market_id", "waiting")

    def __init__(self, market_id: str) -> None:
        self.market_id = market_id
        self.waiting: list[_Waiting] | None = None
        self.late_ms = 0
        self.cache: MarketBookCache | None = None
        self.epoch = -1
        self.is_shown = True


class LiveMarketStream(MarketSubscription):
    """Books of the markets that a description asks for.

    Whoever reads decodes what it must and puts each change to its market's waiting ones; an event goes to the
    kernel only where the market had none, so at most one event a market waits there however slow it is. The books
    are made, and the cache is touched, on the kernel's thread alone.

    :raises SettingsError: where the description asks for no market definitions: without them nothing can be traded.
    """

    brings_data = False

    def __init__(self, description: MarketStream, account: Account, settings: Settings, reporter: Reporter) -> None:
        super().__init__(description, account, settings, reporter)
        fields = description.market_data_filter.get("fields")
        if fields and "EX_MARKET_DEF" not in fields:
            raise SettingsError(f"market_data_filter fields must hold EX_MARKET_DEF, were {', '.join(fields)}")
        self._clock = LiveClock()
        self._gauge = LatencyGauge(repr(self))
        self._markets: dict[str, _Known] = {}
        self._gone: set[str] = set()
        self._unsound: set[str] = set()
        self._intake = threading.Lock()
        self._timeout = description.streaming_timeout
        self._is_snap_waiting = False
        self._is_read = False

    # what the framework asks, on the kernel's thread

    def latency(self, market_id: str) -> float | None:
        """Return how many seconds the market's latest change took to arrive, None where there was none."""
        known = self._markets.get(market_id)
        return None if known is None else self._gauge.latency(known.late_ms)

    def reason_stale(self, market_id: str) -> str | None:
        """Return why the market's book may be out of date, None where it is current."""
        reason = self.stale_reason
        if reason is not None:
            known = self._markets.get(market_id)
            if known is None or known.epoch != self._stale_epoch:
                return reason
        if market_id in self._unsound:
            return "a change of it could not be read, and no image has followed"
        return "the exchange no longer shows it on its stream" if market_id in self._gone else None

    def forget(self, market_id: str) -> None:
        """Let go of a market that has left the framework."""
        with self._intake:
            known = self._markets.get(market_id)
            if known is not None and known.waiting is None:
                del self._markets[market_id]
            elif known is not None:  # what waits makes it known anew
                known.cache, known.epoch, known.is_shown = None, -1, False
        self._unsound.discard(market_id)
        self._gone.discard(market_id)
        self.description.market_ids.discard(market_id)

    # whoever reads

    def _read(self, line: bytes) -> Iterable[Event]:
        """Take the usual line in one go: a change of one market, while all is current; any other as the base does."""
        try:
            delta = decode_whole_delta(line) if self._is_read else decode_market_delta(line)
        except UNDECODABLE:
            return super()._read(line)
        epoch = self._stale_epoch
        if len(delta.mc) != 1 or self._told_epoch != epoch or delta.id != self._subscription_id:
            return super()._read(line)
        change = delta.mc[0]
        market_id = change.id
        if market_id is None:
            return super()._read(line)
        arrival, gauge = self._clock.epoch_ms, self._gauge
        late_ms = arrival - delta.pt
        if late_ms < gauge.least or arrival >= gauge.window_ends:
            gauge.note(arrival, late_ms)
        if self._timeout is not None:
            self.due = self._heard_at + self._timeout
        self._clk = delta.clk or self._clk
        known = self._wait(market_id, late_ms, [_Waiting(change, delta.pt, line, epoch)])
        return () if known is None else (DeferredBooksEvent(partial(self._books_of, known)),)

    def take(self, messages: Sequence[StreamMessage], is_first: bool) -> Iterator[Event]:
        """Put what changed to the waiting changes; yield an event for each market that had none."""
        is_image = is_first and messages[0].ct == "SUB_IMAGE"
        arrival = self._clock.epoch_ms
        changed: dict[str, list[_Waiting]] = {}
        for message in messages:
            publish_time = message.pt
            epoch = self._stale_epoch if message.status is None else -1
            for raw in map(bytes, message.mc or ()):
                change = self._decode(raw)
                if change is None:
                    continue
                market_id = change.id
                assert market_id is not None
                if publish_time is None:
                    publish_time = arrival
                self._gauge.note(arrival, arrival - publish_time)
                parts = changed.setdefault(market_id, [])
                if is_image and not parts:
                    change.img = True
                parts.append(_Waiting(change, publish_time, raw, epoch))
        if self._timeout is not None:
            self.due = monotonic() + self._timeout
        shown_before = [each for each in self._markets.values() if each.is_shown] if is_image else []
        for market_id, parts in changed.items():
            known = self._wait(market_id, arrival - parts[-1].publish_time, _newest_copy(parts))
            if known is not None:
                yield DeferredBooksEvent(partial(self._books_of, known))
        if is_image:
            gone = [each for each in shown_before if each.market_id not in changed]
            for known in sorted(gone, key=lambda each: each.market_id):
                known.is_shown = False
                yield DeferredCloseEvent(partial(self._last_book, known), self.stream_id)

    def _decode(self, raw: bytes) -> MarketChange | None:
        try:
            change = decode_market_change(raw)
            if change.id is None:
                raise DataError("a market change must hold the market's id, was none")
        except (*UNDECODABLE, DataError) as error:
            self._bad(f"{error}, was {shown(raw)}")
            self._resync("a market change could not be read")
            self._unsound.add(_id_of(raw))
            return None
        return change

    def _wait(self, market_id: str, late_ms: int, parts: list[_Waiting]) -> _Known | None:
        """Put all parts of a market's change to its waiting ones, at once: the kernel sees all or none of them.

        Returns the market where none waited before.
        """
        with self._intake:
            known = self._markets.get(market_id)
            if known is None:
                known = self._markets[market_id] = _Known(market_id)
            known.late_ms = late_ms
            known.is_shown = True
            others = known.waiting
            if others is None:
                known.waiting = parts
                return known
            if parts[0].change.img:
                others.clear()
            others.extend(parts)
            if len(others) > _MOST_WAITING:
                _conflate(others)
            return None

    def synced(self, epoch: int) -> Iterator[Event]:
        """Be current when the kernel has come so far."""
        yield DeferredBooksEvent(partial(self._become_current, epoch))

    def missed(self) -> Iterator[Event]:
        """Have an image sent: nobody knows which market has missed a change."""
        self.begin_anew()
        yield from ()

    def on_due(self) -> Iterator[Event]:
        """Deliver the open markets again."""
        self.due = monotonic() + (self._timeout or NEVER)
        if not self._is_snap_waiting:
            self._is_snap_waiting = True
            yield DeferredBooksEvent(self._snap)

    # the kernel's thread

    def _become_current(self, epoch: int) -> list[MarketBook]:
        self.current(epoch)
        return []

    def _snap(self) -> list[MarketBook]:
        self._is_snap_waiting = False
        return [
            known.cache.update(MarketChange(market_id), known.cache.book.publish_time_epoch)
            for market_id, known in list(self._markets.items())
            if known.cache is not None
            and known.cache.book is not None
            and known.cache.definition.status == "OPEN"
            and known.waiting is None
            and market_id not in self._gone
        ]

    def _last_book(self, known: _Known) -> Any:
        self._gone.add(known.market_id)
        cache = known.cache
        return {"id": known.market_id} if cache is None or cache.book is None else cache.book

    def _books_of(self, known: _Known) -> list[MarketBook]:
        """Apply all that waits of a market; return its book, and one of each closing that was passed over."""
        with self._intake:
            waiting, known.waiting = known.waiting, None
        assert waiting is not None
        books: list[MarketBook] = []
        last = waiting[-1]
        for each in waiting:
            change = each.change
            try:
                cache = known.cache
                if cache is None or change.img:
                    cache = self._cache_for(known, change)
                closes = change.marketDefinition is not None and change.marketDefinition.get("status") == "CLOSED"
                if each is last or closes:
                    self._is_read = cache.book is not None and cache.book.built is not None
                    books.append(cache.update(change, each.publish_time, each.line))
                else:
                    cache.hold(change)
            except DataError as error:
                self._bad(str(error))
                if change.img:
                    self._unsound.add(known.market_id)
                    self.begin_anew()
                if known.cache is not None and known.cache.definition is ABSENT:
                    known.cache = None
        if self._gone:
            self._gone.discard(known.market_id)
        known.epoch = last.epoch
        return books

    def _cache_for(self, known: _Known, change: MarketChange) -> MarketBookCache:
        market_id, cache = known.market_id, known.cache
        if cache is None:
            if change.marketDefinition is None:
                raise DataError(f"the first change of market {market_id} must hold a marketDefinition")
            on_error = partial(self._bad_runners, market_id)
            cache = known.cache = MarketBookCache(market_id, self.stream_id, on_error=on_error)
            self.description.market_ids.add(market_id)
        elif change.img:
            if change.marketDefinition is None:
                raise DataError(f"an image of market {market_id} must hold a marketDefinition: left out")
            cache = known.cache = cache.replacement()
        if change.img:
            self._unsound.discard(market_id)
        return cache

    def _bad_runners(self, market_id: str, number: int, error: Exception) -> None:
        self._bad(f"{error}, in the runner changes (rc) of market {market_id}")
        self._unsound.add(market_id)
        self.begin_anew()


def _id_of(raw: bytes) -> str:
    """Return the market's id of a change that cannot be used otherwise, empty where it has none."""
    try:
        return str(decode_plain(raw).get("id") or "")
    except DataError:
        return ""


def _newest_copy(parts: list[_Waiting]) -> list[_Waiting]:
    """Return the parts of a market's latest image alone, where a message holds several.

    A market that has moved to another event is imaged twice; the copy with the lower version is dead.
    """
    heads = [number for number, part in enumerate(parts) if part.change.img]
    if len(heads) < 2:
        return parts
    first = max(heads, key=lambda number: (_version(parts[number].change), number))
    return parts[first : next((number for number in heads if number > first), None)]


def _version(change: MarketChange) -> int:
    version = (change.marketDefinition or {}).get("version")
    return version if isinstance(version, int) else -1


def _conflate(waiting: list[_Waiting]) -> None:
    """Merge waiting changes into one, but for a market's closing, which everybody is to see."""
    try:
        changes = [each.change for each in waiting]
        if any(change.marketDefinition and change.marketDefinition.get("status") == "CLOSED" for change in changes):
            return
        merged = merge(changes)
    except UNMERGEABLE:
        return
    if merged is not None:
        waiting[:] = [_Waiting(merged, waiting[-1].publish_time, waiting[-1].line, waiting[-1].epoch)]
