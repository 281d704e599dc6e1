"""Recorded files as streams of market books: filters, bad lines, merging by publish time."""

import heapq
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from threading import get_ident

import msgspec

from ..book.cache import PENDING_BYTES, MarketBookCache
from ..book.change import UNDECODABLE, MarketChange, MarketChangeMessage, decode_message, decode_whole_message
from ..book.definition import ABSENT, Definition, parse_datetime
from ..contract.streams import HistoricalStream
from ..errors import DataError, StreamError
from ..events import MarketBooksEvent
from .openfiles import allow_open_files
from .reader import Lines, open_lines

_LEAST_PENDING = 1 << 17

_BARE_CR = "its lines must end in LF or CR LF, not in bare CR"

_SHORT = 512
"""Bytes of a line that waiting changes may keep in memory; of a longer one they keep their own part."""

_LINES_TO_A_DEFINITION = 20


class MarketFilter:
    """Which updates of a recorded market are delivered, by a description's listener_kwargs and lists.

    The rules are flumine's: they hold while a market is OPEN, anything else is always delivered; `inplay=True` wins
    over `seconds_to_start`; `max_inplay_seconds` counts from the first update that is in play.
    """

    def __init__(self, description: HistoricalStream) -> None:
        options = description.listener_kwargs
        self.inplay: bool | None = options.get("inplay")
        self.seconds_to_start: float | None = options.get("seconds_to_start")
        self.max_inplay_seconds: float | None = options.get("max_inplay_seconds")
        event_types = options.get("event_type_ids")
        if isinstance(event_types, str | int):
            event_types = [event_types]
        self.event_type_ids = None if event_types is None else {str(each) for each in event_types}
        self.market_types = None if description.market_types is None else set(description.market_types)
        self.country_codes = None if description.country_codes is None else set(description.country_codes)
        self.is_selecting = not (self.event_type_ids is self.market_types is self.country_codes is None)
        self.is_timing = not (self.inplay is self.seconds_to_start is self.max_inplay_seconds is None)
        self._inplay_since: dict[str, int] = {}

    def selects(self, definition: dict[str, object]) -> bool:
        """Whether a market of this definition is wanted at all."""
        return (
            (self.event_type_ids is None or str(definition.get("eventTypeId")) in self.event_type_ids)
            and (self.market_types is None or definition.get("marketType") in self.market_types)
            and (self.country_codes is None or definition.get("countryCode") in self.country_codes)
        )

    def delivers(self, cache: MarketBookCache, change: MarketChange, publish_time: int) -> bool:
        """Whether an update is delivered; to be asked before the cache takes it."""
        before, raw = cache.definition, change.marketDefinition
        status = before.status if raw is None else raw.get("status")
        in_play = before.in_play if raw is None else raw.get("inPlay")
        if self.max_inplay_seconds is not None and in_play and not before.in_play:
            self._inplay_since[cache.market_id] = publish_time
        if status != "OPEN":
            return True
        if self.inplay:
            if not in_play:
                return False
        elif self.seconds_to_start is not None:
            start_ms = _start_ms(cache, raw)
            if start_ms is not None and (start_ms - publish_time) / 1000 > self.seconds_to_start:
                return False
        if self.inplay is False and in_play:
            return False
        since = self._inplay_since.get(cache.market_id)
        return (
            self.max_inplay_seconds is None or since is None or (publish_time - since) / 1000 <= self.max_inplay_seconds
        )


def _start_ms(cache: MarketBookCache, raw: dict[str, object] | None) -> int | None:
    if raw is None:
        return cache.definition.market_time_ms
    value = raw.get("marketTime")  # nobody has looked at it yet
    start = parse_datetime(value) if isinstance(value, str | int) else None
    return None if start is None else round(start.timestamp() * 1000)


class RecordedStream:
    """One recorded file; iterate it for events, each holding the books that one line changed.

    The event object and its list are used again for the next line.

    :param on_bad_line: given a sentence that names file and line, and the file, for each line that cannot be used.
    :ivar line_number: the line read last, from 1.
    :ivar origins: market id -> the file it comes from; files that are merged share it.
    """

    def __init__(self, description: HistoricalStream, on_bad_line: Callable[[str, str], None]) -> None:
        self.description = description
        self.on_bad_line = on_bad_line
        self.lines: Lines | None = None
        self.line_number = 0
        self.origins: dict[str, str] = {}
        self._is_stopped = False
        self._filter = MarketFilter(description)
        self._caches: dict[str, MarketBookCache] = {}
        self._excluded: set[str] = set()
        self._share = 0  # of the bytes that may wait, what each market has

    @property
    def position(self) -> int:
        """Stored bytes read so far."""
        return 0 if self.lines is None else self.lines.position

    def stop(self) -> None:
        """End the iteration before the next line."""
        self._is_stopped = True

    def __iter__(self) -> Iterator[MarketBooksEvent]:
        """Yield events.

        :raises StreamError: if the file cannot be opened or read on.
        """
        event = MarketBooksEvent([])
        books = event.market_books
        timing = self._filter if self._filter.is_timing else None
        caches = self._caches
        self.lines = lines = open_lines(self.description.file_path)
        number = 0
        decode = decode_message
        last: dict[str | None, MarketChange] = {}  # of a line's changes the last one of each market
        try:
            for number, line in enumerate(lines, 1):
                try:
                    message = decode(line)
                except msgspec.ValidationError as error:
                    found = None if decode is decode_message else _decode_lazily(line)
                    if found is None:
                        self._bad(number, f"{error}, was {_shown(line)}")
                        continue
                    message = found
                except UNDECODABLE as error:
                    reason = _BARE_CR if b"\r" in line.strip() else str(error)
                    self._bad(number, f"{reason}, was {_shown(line)}" if line.strip() else "blank line")
                    continue
                changes = message.mc
                is_single = len(changes) == 1
                if not is_single or len(line) > _SHORT:
                    if not changes:
                        self._bad(number, f"no market changes (mc), was {_shown(line)}")
                        continue
                    if not is_single:
                        last = {change.id: change for change in changes}
                    for change in changes:
                        change.detach()
                publish_time = message.pt
                for change in changes:
                    try:
                        cache = caches.get(change.id)  # type: ignore[arg-type]
                        if cache is None or change.img or change.marketDefinition is not None:
                            cache = self._cache_for(change, cache)
                            if cache is None:
                                continue
                        if timing is not None and not timing.delivers(cache, change, publish_time):
                            cache.hold(change, number)
                            continue
                        if not is_single and last[change.id] is not change:  # its book comes once, after all of them
                            cache.hold(change, number)
                            continue
                        books.append(cache.update(change, publish_time, line, number))
                    except DataError as error:
                        self._bad(number, str(error))
                        self._forget_undefined(change.id)
                if books:
                    self.line_number = number
                    yield event
                    decode = decode_message if books[-1].built is None else decode_whole_message
                    books.clear()
                if self._is_stopped:
                    return
        except DataError as error:
            self._bad(number + 1, str(error).removeprefix(f"{lines.name}: "))
            return
        finally:
            self.line_number = number
            lines.close()
        if number == 0:
            raise StreamError(f"{self.description.file_path} is empty")

    def _cache_for(self, change: MarketChange, cache: MarketBookCache | None) -> MarketBookCache | None:
        """Return the cache that takes a change; None where the market is not wanted."""
        market_id, raw = change.id, change.marketDefinition
        if market_id is None:
            raise DataError("a market change must hold the market's id, was none")
        if market_id in self._excluded:
            return None
        if raw is not None and self._filter.is_selecting and not self._filter.selects(raw):
            self._excluded.add(market_id)
            self._caches.pop(market_id, None)
            return None
        if cache is None:
            if raw is None:
                raise DataError(f"the first change of market {market_id} must hold a marketDefinition")
            origin = self.origins.setdefault(market_id, self.description.file_path)
            if origin != self.description.file_path:
                self._excluded.add(market_id)
                raise DataError(
                    f"market {market_id} comes from {origin}, which is merged with this file: left out here"
                )
            options = self.description.listener_kwargs
            cache = MarketBookCache(
                market_id,
                self.description.stream_id or 0,
                bool(options.get("calculate_market_tv")),
                bool(options.get("cumulative_runner_tv")),
                self._bad_runners,
            )
            cache.thread = get_ident()
            self._caches[market_id] = cache
            self.description.market_ids.add(market_id)
            share = max(PENDING_BYTES // len(self._caches), _LEAST_PENDING)
            cache.pending_limit = share
            if share != self._share:
                self._share = share
                for each in self._caches.values():
                    each.pending_limit = share
        elif change.img:
            if raw is None:
                raise DataError(f"an image of market {market_id} must hold a marketDefinition: left out")
            Definition(raw)  # one that cannot be used does not cost what is known
            cache = self._caches[market_id] = cache.replacement()
        return cache

    def _forget_undefined(self, market_id: str | None) -> None:
        """Forget a market whose first definition could not be used."""
        cache = self._caches.get(market_id or "")
        if cache is not None and cache.definition is ABSENT:
            del self._caches[cache.market_id]

    def _bad_runners(self, number: int, error: Exception) -> None:
        self._bad(number, f"{error}, in the runner changes (rc)")

    def _bad(self, number: int, reason: str) -> None:
        path = self.description.file_path
        self.on_bad_line(f"{path}:{number}: {reason}", path)


class MergedStream:
    """Several recorded files as one stream, by publish time; of two at the same time, the one that waited longer.

    A market that two of the files hold is delivered from the first one that brings it alone.
    """

    def __init__(self, streams: Sequence[RecordedStream], on_error: Callable[[str], None]) -> None:
        self.streams = list(streams)
        self._on_error = on_error
        origins: dict[str, str] = {}
        for stream in self.streams:
            stream.origins = origins

    @property
    def position(self) -> int:
        """Stored bytes read so far, of all files."""
        return sum(stream.position for stream in self.streams)

    def stop(self) -> None:
        """End the iteration before the next line."""
        for stream in self.streams:
            stream.stop()

    def __iter__(self) -> Iterator[MarketBooksEvent]:
        """Yield events; a file that cannot be read is reported and left out from there on."""
        waiting: list[tuple[int, int, Iterator[MarketBooksEvent], MarketBooksEvent]] = []
        turn = 0

        def push(source: Iterator[MarketBooksEvent]) -> None:
            nonlocal turn
            try:
                event = next(source, None)
            except StreamError as error:
                self._on_error(str(error))
                return
            if event is not None:
                heapq.heappush(waiting, (event.market_books[0].publish_time_epoch, turn, source, event))
                turn += 1

        allow_open_files(len(self.streams))
        for stream in self.streams:
            push(iter(stream))
        while waiting:
            _, _, source, event = heapq.heappop(waiting)
            yield event
            push(source)


def _decode_lazily(line: bytes) -> MarketChangeMessage | None:
    """Decode a line whose runner changes are not as documented; their cache will say so."""
    try:
        return decode_message(line)
    except UNDECODABLE:
        return None


def event_of(path: str) -> str | None:
    """Return the event id in a file's first market definition, None where its first lines have none.

    :raises StreamError: if the file cannot be opened or read.
    """
    lines = open_lines(path)
    try:
        for line in islice(lines, _LINES_TO_A_DEFINITION):
            message = _decode_lazily(line)
            for change in () if message is None else message.mc:
                if change.marketDefinition is not None:
                    event_id = change.marketDefinition.get("eventId")
                    return None if event_id is None else str(event_id)
    except DataError:
        return None
    finally:
        lines.close()
    return None


def _shown(line: bytes) -> str:
    text = line[:60].decode("utf-8", "replace").rstrip()
    return repr(text + "..." if len(line) > 60 else text)
