"""The live end as a hook plugin: what it makes of Betfair's stream descriptions and accounts."""

from typing import Any, Protocol

from ..contract.client import BaseClient, BetfairClient, Clients
from ..contract.hookspecs import hookimpl
from ..contract.streams import (
    BaseStream,
    CricketDataStream,
    DataStream,
    MarketStream,
    OrderDataStream,
    OrderStream,
    RaceDataStream,
    SportsDataStream,
)
from ..control.stream import StreamValidation
from ..errors import StreamError
from ..market.market import Market
from ..settings import Settings
from .datastream import LiveDataStream, LiveOrderDataStream, LiveSportsRawStream
from .marketstream import LiveMarketStream
from .orderstream import LiveOrderStream
from .sportsstream import LiveSportsDataStream
from .subscription import LiveStream

_MOST_TOLD = 1_000
"""So many sentences of each kind are kept; what follows is counted by the stream itself."""


class LiveFramework(Protocol):
    """What the live end uses of the framework that it belongs to."""

    clients: Clients
    bad_lines: list[str]
    stream_errors: list[str]
    trading_controls: list[Any]

    def add_stream(self, stream: Any) -> None: ...

    def add_trading_control(self, control: Any, **options: Any) -> None: ...


class LiveEnd:
    """Makes live streams of Betfair's, and adds what a live run needs beside what its user asks for.

    A stream that names no account of Betfair's takes the session of the framework's first.
    """

    def __init__(self, framework: LiveFramework) -> None:
        self._framework = framework
        self._streams: list[LiveStream] = []

    @hookimpl
    def flumine_start(self, framework: LiveFramework) -> None:
        """Add order streams and the control that keeps orders off stale markets."""
        if not any(isinstance(control, StreamValidation) for control in framework.trading_controls):
            framework.add_trading_control(StreamValidation)
        for client in framework.clients:
            if trades_live(client) and client.order_stream:
                make = client.order_stream_cls or OrderStream
                framework.add_stream(make(client, conflate_ms=client.order_stream_conflate_ms))

    @hookimpl
    def flumine_make_stream(self, description: BaseStream, settings: Settings) -> LiveStream | None:
        """Open a market, data, order, race or cricket stream."""
        makers: tuple[tuple[Any, Any], ...] = (
            (DataStream, LiveDataStream),
            (MarketStream, LiveMarketStream),
            (OrderDataStream, LiveOrderDataStream),
            (OrderStream, LiveOrderStream),
            ((RaceDataStream, CricketDataStream), LiveSportsRawStream),
            (SportsDataStream, LiveSportsDataStream),
        )
        for kind, make in makers:
            if isinstance(description, kind):
                account = self._account(description)
                if account is None:
                    return None
                stream: LiveStream = make(description, account, settings, self)
                self._streams.append(stream)
                return stream
        return None

    @hookimpl
    def flumine_remove_market(self, market: Market) -> None:
        """Let the streams forget a market that has left."""
        for stream in self._streams:
            if isinstance(stream, LiveMarketStream):
                stream.forget(market.market_id)

    def _account(self, description: Any) -> BetfairClient | None:
        clients = [description.client, *self._framework.clients]
        found = [client for client in clients if isinstance(client, BetfairClient)]
        if not found:
            return None
        if found[0].betting_client is None:
            raise StreamError(f"{description!r} needs an account: {found[0]!r} has no betting_client")
        return found[0]

    def bad_line(self, text: str) -> None:
        """Take note of a line that could not be used."""
        if len(self._framework.bad_lines) < _MOST_TOLD:
            self._framework.bad_lines.append(text)

    def trouble(self, text: str) -> None:
        """Take note of a connection's failure."""
        if len(self._framework.stream_errors) < _MOST_TOLD:
            self._framework.stream_errors.append(text)

    def renew_session(self, account: Any, dead_token: str | None) -> None:
        """Log in anew, unless somebody else has meanwhile."""


def trades_live(client: BaseClient) -> bool:
    """Whether a client's orders go to Betfair, so that their stream is to be listened to."""
    return (
        isinstance(client, BetfairClient)
        and client.betting_client is not None
        and not client.paper_trade
        and not client.market_recording_mode
    )
