"""The live market stream: changes wait by market until the kernel comes to them, and then make one book."""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from time import monotonic
from typing import Any

import msgspec
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
        self._late_ms: dict[str, int] = {}
        self._epochs: dict[str, int] = {}
        self._caches: dict[str, MarketBookCache] = {}
        self._gone: set[str] = set()
        self._unsound: set[str] = set()
        self._known: set[str] = set()
        self._waiting: dict[str, list[_Waiting]] = {}
        self._intake = threading.Lock()
        self._timeout = description.streaming_timeout
        self._is_snap_waiting = False
        self._is_read = False

    # what the framework asks, on the kernel's thread

    def latency(self, market_id: str) -> float | None:
        """Return how many seconds the market's latest change took to arrive, None where there was none."""
        late_ms = self._late_ms.get(market_id)
        return None if late_ms is None else self._gauge.latency(late_ms)

    def reason_stale(self, market_id: str) -> str | None:
        """Return why the market's book may be out of date, None where it is current."""
        reason = self.stale_reason
        if reason is not None and self._epochs.get(market_id) != self._stale_epoch:
            return reason
        if market_id in self._unsound:
            return "a change of it could not be read, and no image has followed"
        return "the exchange no longer shows it on its stream" if market_id in self._gone else None

    def forget(self, market_id: str) -> None:
        """Let go of a market that has left the framework."""
        self._caches.pop(market_id, None)
        self._late_ms.pop(market_id, None)
        self._epochs.pop(market_id, None)
        self._unsound.discard(market_id)
        self._gone.discard(market_id)
        self._known.discard(market_id)
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
        self._late_ms[market_id] = late_ms = arrival - delta.pt
        if late_ms < gauge.least or arrival >= gauge.window_ends:
            gauge.note(arrival, late_ms)
        if self._timeout is not None:
            self.due = self._heard_at + self._timeout
        self._known.add(market_id)
        self._clk = delta.clk or self._clk
        if self._wait(market_id, [_Waiting(change, delta.pt, line, epoch)]):
            return (DeferredBooksEvent(partial(self._books_of, market_id)),)
        return ()

    def take(self, messages: Sequence[StreamMessage], is_first: bool) -> Iterator[Event]:
        """Put what changed to the waiting changes; yield an event for each market that had none."""
        is_image = is_first and messages[0].ct == "SUB_IMAGE"
        arrival = self._clock.epoch_ms
        changed: dict[str, list[_Waiting]] = {}
        for message in messages:
            publish_time = message.pt
            epoch = self._stale_epoch if message.status is None else -1
            for raw in message.mc or ():
                change = self._decode(raw)
                if change is None:
                    continue
                market_id = change.id
                assert market_id is not None
                if publish_time is None:
                    publish_time = arrival
                self._late_ms[market_id] = late_ms = arrival - publish_time
                self._gauge.note(arrival, late_ms)
                parts = changed.setdefault(market_id, [])
                if is_image and not parts:
                    change.img = True
                parts.append(_Waiting(change, publish_time, bytes(raw), epoch))
        for market_id, parts in changed.items():
            if self._wait(market_id, _newest_copy(parts)):
                yield DeferredBooksEvent(partial(self._books_of, market_id))
        shown_ids = set(changed)
        if self._timeout is not None:
            self.due = monotonic() + self._timeout
        if is_image:
            for market_id in sorted(self._known - shown_ids):
                yield DeferredCloseEvent(partial(self._last_book, market_id), self.stream_id)
            self._known = shown_ids
        else:
            self._known |= shown_ids

    def _decode(self, raw: msgspec.Raw) -> MarketChange | None:
        try:
            change = decode_market_change(raw)
            if change.id is None:
                raise DataError("a market change must hold the market's id, was none")
        except (*UNDECODABLE, DataError) as error:
            self._bad(f"{error}, was {shown(bytes(raw))}")
            self._resync("a market change could not be read")
            self._unsound.add(_id_of(raw))
            return None
        return change

    def _wait(self, market_id: str, parts: list[_Waiting]) -> bool:
        """Put all parts of a market's change to its waiting ones, at once: the kernel sees all or none of them.

        True where none waited before.
        """
        with self._intake:
            others = self._waiting.get(market_id)
            if others is None:
                self._waiting[market_id] = parts
                return True
            if parts[0].change.img:
                others.clear()
            others.extend(parts)
            if len(others) > _MOST_WAITING:
                _conflate(others)
            return False

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
            cache.update(MarketChange(market_id), cache.book.publish_time_epoch)
            for market_id, cache in self._caches.items()
            if cache.book is not None
            and cache.definition.status == "OPEN"
            and market_id not in self._waiting
            and market_id not in self._gone
        ]

    def _last_book(self, market_id: str) -> Any:
        self._gone.add(market_id)
        cache = self._caches.get(market_id)
        return {"id": market_id} if cache is None or cache.book is None else cache.book

    def _books_of(self, market_id: str) -> list[MarketBook]:
        """Apply all that waits of a market; return its book, and one of each closing that was passed over."""
        with self._intake:
            waiting = self._waiting.pop(market_id)
        books: list[MarketBook] = []
        last = waiting[-1]
        for each in waiting:
            change = each.change
            try:
                cache = self._caches.get(market_id)
                if cache is None or change.img:
                    cache = self._cache_for(market_id, change)
                closes = change.marketDefinition is not None and change.marketDefinition.get("status") == "CLOSED"
                if each is last or closes:
                    self._is_read = cache.book is not None and cache.book.built is not None
                    books.append(cache.update(change, each.publish_time, each.line))
                else:
                    cache.hold(change)
            except DataError as error:
                self._bad(str(error))
                known = self._caches.get(market_id)
                if known is not None and known.definition is ABSENT:
                    del self._caches[market_id]
        self._gone.discard(market_id)
        self._epochs[market_id] = last.epoch
        return books

    def _cache_for(self, market_id: str, change: MarketChange) -> MarketBookCache:
        cache = self._caches.get(market_id)
        if cache is None:
            if change.marketDefinition is None:
                raise DataError(f"the first change of market {market_id} must hold a marketDefinition")
            cache = MarketBookCache(market_id, self.stream_id, on_error=partial(self._bad_runners, market_id))
            self._caches[market_id] = cache
            self.description.market_ids.add(market_id)
        elif change.img:
            cache = self._caches[market_id] = cache.replacement()
        if change.img:
            self._unsound.discard(market_id)
        return cache

    def _bad_runners(self, market_id: str, number: int, error: Exception) -> None:
        self._bad(f"{error}, in the runner changes (rc) of market {market_id}")
        self._unsound.add(market_id)
        self.begin_anew()


def _id_of(raw: msgspec.Raw) -> str:
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
