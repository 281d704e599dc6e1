"""The live race and cricket streams: updates on top of betfairlightweight's resources."""

from collections.abc import Iterator, Sequence
from typing import Any

from ..book.sportsdata import updated
from ..clock import LiveClock
from ..contract.streams import SportsDataStream
from ..errors import DataError
from ..events import Event, SportsDataEvent
from ..settings import Settings
from .message import StreamMessage, decode_plain, shown
from .socket import StreamSocket
from .subscription import Account, LiveStream, Reporter


class LiveSportsDataStream(LiveStream):
    """Races or cricket matches as they change, each event holding the whole of those that did.

    The exchange knows no clk for these: each connection begins anew.
    """

    is_sports_data = True

    def __init__(self, description: SportsDataStream, account: Account, settings: Settings, reporter: Reporter) -> None:
        super().__init__(description.stream_id or 0, account, settings, reporter)
        self.description = description
        self.is_race = description.sports_data_filter == "raceSubscription"
        self.change_op = "rcm" if self.is_race else "ccm"
        self._clock = LiveClock()
        self._caches: dict[str, Any] = {}

    def subscribe(self, connection: StreamSocket, initial_clk: str | None, clk: str | None) -> int:
        """Subscribe to all races or matches that the key may see."""
        return int(connection.subscribe_to_races() if self.is_race else connection.subscribe_to_cricket_matches())

    def take(self, messages: Sequence[StreamMessage], is_first: bool) -> Iterator[Event]:
        """Yield one event with the races or matches that a message changed."""
        updates: dict[str, Any] = {}
        for message in messages:
            publish_time = self._clock.epoch_ms if message.pt is None else message.pt
            for raw in message.changes:
                try:
                    change = decode_plain(raw)
                    market_id = change.get("mid" if self.is_race else "marketId")
                    if not isinstance(market_id, str):
                        raise DataError(f"a change must hold the market's id, was {market_id!r}")
                    updates[market_id] = self._update(market_id, change, publish_time)
                except Exception as error:
                    self._bad(f"{error}, was {shown(bytes(raw))}")
        if updates:
            yield SportsDataEvent(list(updates.values()), self.stream_id)

    def dropped(self) -> Iterator[Event]:
        """Begin anew with the next connection."""
        self._caches = {}
        self._initial_clk = self._clk = None
        yield from ()

    def _update(self, market_id: str, change: dict[str, Any], publish_time: int) -> Any:
        cache = self._caches.get(market_id)
        if cache is None:
            cache = self._caches[market_id] = self._make_cache(market_id, change, publish_time)
        return updated(cache, change, publish_time, self.stream_id)

    def _make_cache(self, market_id: str, change: dict[str, Any], publish_time: int) -> Any:
        from betfairlightweight.streaming.cache import CricketMatchCache, RaceCache

        if self.is_race:
            return RaceCache(market_id, publish_time, change.get("id"), False)
        return CricketMatchCache(market_id, change.get("eventId"), publish_time, False)
