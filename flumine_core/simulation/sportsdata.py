"""Middleware that replays recorded race and cricket data beside the market books of a simulation."""

from collections.abc import Generator
from datetime import timedelta
from typing import Any

import msgspec

from ..book.change import LATEST_MS, UNDECODABLE
from ..book.sportsdata import updated
from ..clock import to_datetime
from ..contract.middleware import Middleware
from ..errors import DataError, FlumineCoreError, SettingsError
from .companion import address_of, counterpart, recording_of, report
from .reader import Lines, open_lines

_DAY_MS = 24 * 3_600_000
_SHOWS_RUNNING = ("rt", "spd", "ord")


class SimulatedSportsDataMiddleware(Middleware):
    """Replays `directory/<market id>`, recorded messages of a sports data stream, in step with a market's books.

    With each book, every update published strictly before it is shown, in order, to the strategies subscribed to
    the book's stream: `check_sports_data`, then `process_sports_data`, both before middleware that was added later
    and before `check_market_book`. Each market has a reader of its own, so merged files do not disturb each other.

    Of a race, updates are left out until the scheduled minute in its id has come, or its progress shows a running
    time, a speed or an order (some races are off early).

    A missing file means no data; that and a file that breaks off are told in the framework's `stream_errors`, lines
    that cannot be used in its `bad_lines`, and the run goes on.

    :param operation: "raceSubscription" or "cricketSubscription".
    :param directory: where the files lie; None is where a recorder puts them: as the market's own recording, `race` or
        `cricket` standing for the `market` in its address.
    :raises SettingsError: on any other operation.
    """

    def __init__(self, operation: str, directory: str | None = None) -> None:
        if operation not in _FEEDS:
            raise SettingsError(f"operation must be one of {', '.join(_FEEDS)}, was {operation!r}")
        self.operation = operation
        self.directory = directory
        self._readers: dict[str, _Reader] = {}

    def add_market(self, market: Any) -> None:
        """Open the market's file."""
        try:
            if self.directory is None:
                address = counterpart(recording_of(market), self.operation.removesuffix("Subscription"))
            else:
                address = address_of(self.directory, market.market_id)
            lines = open_lines(address)
        except FlumineCoreError as error:
            report(market.flumine, f"no sports data of market {market.market_id}: {error}")
            return
        feed = _FEEDS[self.operation](market.market_id)
        self._readers[market.market_id] = _Reader(lines, feed, market.flumine)

    def __call__(self, market: Any) -> None:
        """Show what was published before the market's latest book."""
        reader = self._readers.get(market.market_id)
        if reader is None:
            return
        book = market.market_book
        framework = market.flumine
        strategies = framework.subscribers(book.streaming_unique_id)
        while reader.next_ms is not None and reader.next_ms < book.publish_time_epoch:
            update = reader.take(book.streaming_unique_id)
            if update is not None:
                framework.tell_sports_data(market, update, strategies)

    def remove_market(self, market: Any) -> None:
        """Close the market's file."""
        reader = self._readers.pop(market.market_id, None)
        if reader is not None:
            reader.close()


class _Feed:
    """One market's updates of one kind, over betfairlightweight's own cache."""

    changes_key: str
    market_key: str

    def __init__(self, market_id: str) -> None:
        self.market_id = market_id
        self.cache: Any = None

    def wants(self, change: dict[str, Any], publish_time: int) -> bool:
        return True

    def make_cache(self, change: dict[str, Any], publish_time: int) -> Any:
        raise NotImplementedError

    def resource(self, change: dict[str, Any], publish_time: int, unique_id: int) -> Any:
        if self.cache is None:
            self.cache = self.make_cache(change, publish_time)
        return updated(self.cache, change, publish_time, unique_id)


class _RaceFeed(_Feed):
    changes_key = "rc"
    market_key = "mid"

    def __init__(self, market_id: str) -> None:
        super().__init__(market_id)
        self._start_ms: int | None = None
        self._is_off = False

    def wants(self, change: dict[str, Any], publish_time: int) -> bool:
        if self._is_off:
            return True
        if self._start_ms is None:
            self._start_ms = scheduled_ms(str(change.get("id")), publish_time)
        progress = change.get("rpc") or {}
        self._is_off = publish_time >= self._start_ms or any(progress.get(key) for key in _SHOWS_RUNNING)
        return self._is_off

    def make_cache(self, change: dict[str, Any], publish_time: int) -> Any:
        from betfairlightweight.streaming.cache import RaceCache

        return RaceCache(self.market_id, publish_time, change.get("id"), False)


class _CricketFeed(_Feed):
    changes_key = "cc"
    market_key = "marketId"

    def make_cache(self, change: dict[str, Any], publish_time: int) -> Any:
        from betfairlightweight.streaming.cache import CricketMatchCache

        return CricketMatchCache(self.market_id, change.get("eventId"), publish_time, False)


_FEEDS: dict[str, type[_Feed]] = {"raceSubscription": _RaceFeed, "cricketSubscription": _CricketFeed}


class _Reader:
    """Reads one update ahead, so that one can be asked when it was published before it is taken.

    :ivar next_ms: publish time (milliseconds) of the update that `take` gives; None after the last one.
    """

    def __init__(self, lines: Lines, feed: _Feed, framework: Any) -> None:
        self.next_ms: int | None = None
        self._lines = lines
        self._feed = feed
        self._framework = framework
        self._updates = self._read()
        self._change: dict[str, Any] = {}
        self._number = 0
        self._step()

    def take(self, unique_id: int) -> Any:
        """Return the next update as betfairlightweight's Race or CricketMatch, None where that cannot be made of it."""
        publish_time, change, number = self.next_ms, self._change, self._number
        assert publish_time is not None
        self._step()
        try:
            return self._feed.resource(change, publish_time, unique_id)
        except Exception as error:
            self._bad(number, f"{type(error).__name__}: {error}")
            return None

    def close(self) -> None:
        """Let go of the file."""
        self._updates.close()
        self._lines.close()
        self.next_ms = None

    def _step(self) -> None:
        try:
            self.next_ms, self._change, self._number = next(self._updates, (None, {}, 0))
        except FlumineCoreError as error:
            self.next_ms = None
            report(self._framework, f"sports data of market {self._feed.market_id} breaks off: {error}")

    def _bad(self, number: int, reason: str) -> None:
        name = self._lines.name
        self._framework.bad_lines.append(f"{name}:{number}: {reason}", name)

    def _read(self) -> Generator[tuple[int, dict[str, Any], int], None, None]:
        feed = self._feed
        for number, line in enumerate(self._lines, 1):
            try:
                message = msgspec.json.decode(line, type=dict[str, Any])
                publish_time = message.get("pt")
                if not (isinstance(publish_time, int) and 0 <= publish_time < LATEST_MS):
                    raise DataError(f"a publish time (pt) must be milliseconds since 1970, was {publish_time!r}")
                for change in message.get(feed.changes_key) or ():
                    if change.get(feed.market_key) == feed.market_id and feed.wants(change, publish_time):
                        yield publish_time, change, number
            except (*UNDECODABLE, ValueError, TypeError, AttributeError) as error:
                self._bad(number, str(error))


def scheduled_ms(race_id: str, publish_time: int) -> int:
    """Return when a race is due, in milliseconds since 1970.

    :param race_id: Betfair's, "28587288.1650": event and UTC start as HHMM.
    :param publish_time: of an update of the race (milliseconds): of the three days around it the nearest start counts.
    :raises DataError: on an id that is not built like that.
    """
    _, dot, start = race_id.partition(".")
    if not (dot and len(start) == 4 and start.isdigit() and start < "2400" and start[2:] < "60"):
        raise DataError(f"a race id must end in .HHMM, was {race_id!r}")
    midnight = to_datetime(publish_time).replace(hour=0, minute=0, second=0, microsecond=0)
    due = midnight + timedelta(hours=int(start[:2]), minutes=int(start[2:]))
    due_ms = round(due.timestamp() * 1000)
    return min((due_ms - _DAY_MS, due_ms, due_ms + _DAY_MS), key=lambda each: abs(each - publish_time))
