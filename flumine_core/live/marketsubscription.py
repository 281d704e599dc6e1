"""A subscription to markets, as a description asks for it: books and raw data begin alike."""

from ..contract.streams import MarketStream
from ..settings import Settings
from .socket import Refused, StreamSocket
from .subscription import Account, LiveStream, Reporter


class MarketSubscription(LiveStream):
    """A live stream of the markets that a description asks for; what becomes of them is its sub-classes'."""

    change_op = "mcm"

    def __init__(self, description: MarketStream, account: Account, settings: Settings, reporter: Reporter) -> None:
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
