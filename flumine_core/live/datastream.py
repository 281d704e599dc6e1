"""The live data stream: market changes as they were received, for recording."""

from collections.abc import Iterator, Sequence

from ..clock import LiveClock
from ..contract.streams import DataStream
from ..errors import DataError
from ..events import Event, RawDataEvent
from ..settings import Settings
from .message import RawChange, StreamMessage, shown
from .socket import Refused, StreamSocket
from .subscription import Account, LiveStream, Reporter


class LiveDataStream(LiveStream):
    """Market changes, none conflated: each message becomes one event, its segments merged.

    Each change is a dict, and `change.raw` its bytes as received.
    """

    change_op = "mcm"

    def __init__(self, description: DataStream, account: Account, settings: Settings, reporter: Reporter) -> None:
        super().__init__(description.stream_id or 0, account, settings, reporter)
        self.description = description
        self._clock = LiveClock()

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

    def explained(self, error: Refused) -> str:
        """Return a refusal in words that say what to do."""
        if error.code == "SUBSCRIPTION_LIMIT_EXCEEDED":
            return f"{error}; market_filter {self.description.market_filter} must ask for fewer markets"
        return str(error)

    def take(self, messages: Sequence[StreamMessage], is_first: bool) -> Iterator[Event]:
        """Yield one event with all changes of a message."""
        data: list[RawChange] = []
        for message in messages:
            for raw in message.changes:
                try:
                    data.append(RawChange.of(raw))
                except DataError as error:
                    self._bad(f"{error}, was {shown(bytes(raw))}")
        for change in data:
            if isinstance(market_id := change.get("id"), str):
                self.description.market_ids.add(market_id)
        if data:
            publish_time = messages[-1].pt
            yield RawDataEvent(
                self.stream_id,
                messages[-1].clk,
                self._clock.epoch_ms if publish_time is None else publish_time,
                list(data),
            )
