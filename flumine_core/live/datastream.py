"""The live data streams: changes as they were received, for recording."""

from collections.abc import Callable, Iterator, Sequence

from ..clock import LiveClock
from ..errors import DataError
from ..events import Event, RawDataEvent
from .marketsubscription import MarketSubscription
from .message import RawChange, StreamMessage, shown
from .orderstream import LiveOrderStream
from .sportsstream import LiveSportsDataStream
from .subscription import LiveStream


class LiveDataStream(MarketSubscription):
    """Market changes, none conflated: each message becomes one event, its segments merged.

    Each change is a dict, and `change.raw` its bytes as received.
    """

    def take(self, messages: Sequence[StreamMessage], is_first: bool) -> Iterator[Event]:
        """Yield one event with all changes of a message."""
        for event in _raw_data(self, messages, self._bad):
            for change in event.data:
                if isinstance(market_id := change.get("id"), str):
                    self.description.market_ids.add(market_id)
            yield event


class LiveOrderDataStream(LiveOrderStream):
    """An account's order changes as they were received."""

    def take(self, messages: Sequence[StreamMessage], is_first: bool) -> Iterator[Event]:
        """Yield one event with all changes of a message."""
        yield from _raw_data(self, messages, self._bad)

    def dropped(self) -> Iterator[Event]:
        """Begin anew, with an image, with the next connection."""
        self._clk = None
        yield from ()


class LiveSportsRawStream(LiveSportsDataStream):
    """Changes of races or cricket matches as they were received."""

    def take(self, messages: Sequence[StreamMessage], is_first: bool) -> Iterator[Event]:
        """Yield one event with all changes of a message."""
        yield from _raw_data(self, messages, self._bad)


def _raw_data(
    stream: LiveStream, messages: Sequence[StreamMessage], on_bad: Callable[[str], None]
) -> Iterator[RawDataEvent]:
    data: list[RawChange] = []
    for message in messages:
        for raw in message.changes:
            try:
                data.append(RawChange.of(raw))
            except DataError as error:
                on_bad(f"{error}, was {shown(bytes(raw))}")
    if data:
        last = messages[-1]
        publish_time = LiveClock().epoch_ms if last.pt is None else last.pt
        yield RawDataEvent(stream.stream_id, last.clk, publish_time, list(data), stream.change_op)
