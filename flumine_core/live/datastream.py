"""The live data streams: changes as they were received, for recording."""

from collections.abc import Callable, Iterator, Sequence

from ..clock import LiveClock
from ..contract.streams import DataStream
from ..errors import DataError
from ..events import Event, RawDataEvent
from ..settings import Settings
from .message import RawChange, StreamMessage, shown
from .orderstream import LiveOrderStream
from .socket import Refused, StreamSocket
from .sportsstream import LiveSportsDataStream
from .subscription import Account, LiveStream, Reporter


class LiveDataStream(LiveStream):
    """Market changes, none conflated: each message becomes one event, its segments merged.

    Each change is a dict, and `change.raw` its bytes as received.
    """

    change_op = "mcm"

    def __init__(self, description: DataStream, account: Account, settings: Settings, reporter: Reporter) -> None:
        super().__init__(description.stream_id or 0, account, settings, reporter)
        self.description = description

    def subscribe(self, connection: StreamSocket, initial_clk: str | None, clk: str | None) -> int:
        """Subscribe as the description asks for, to everything or to what changed since `clk`."""
        wanted = self.description
        return int(
            connection.subscribe_to_markets(
                wanted.market_filter,
                wanted.market_data_filter,
                initial_clk,
                clk,
                wanted.conflate_ms or 0,
                self.heartbeat_ms,
                True,
            )
        )

    def explained(self, error: Exception) -> str:
        """Return an error in words that say what to do."""
        if isinstance(error, Refused) and error.code == "SUBSCRIPTION_LIMIT_EXCEEDED":
            return f"{error}; market_filter {self.description.market_filter} must ask for fewer markets"
        return super().explained(error)

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
