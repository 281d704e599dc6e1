"""All stream connections: who is connected, how many may be, and the subscriptions they hold."""

from collections import deque
from typing import TYPE_CHECKING

from flumine_core.clock import to_datetime

from .identity import Identity
from .marketstream import MarketStreams, MarketSubscription
from .orderstream import OrderStreams, OrderSubscription
from .sportsstream import SportStreams, SportSubscription
from .state import ExchangeState
from .subscription import Subscription

if TYPE_CHECKING:
    from .connection import StreamConnection


class Streams:
    """The stream side of the exchange."""

    def __init__(self, state: ExchangeState, identity: Identity) -> None:
        self.state = state
        self.identity = identity
        self.markets = MarketStreams(state)
        self.orders = OrderStreams(state)
        self.sports = SportStreams(state)
        self.connections: list[StreamConnection] = []
        self._number = 0
        self._admitted: dict[str, str] = {}
        self._connects: deque[float] = deque()

    def open(self, connection: "StreamConnection") -> str:
        """Take note of a connection; return its id."""
        self.connections.append(connection)
        self.state.ledger.count_open("stream", 1)
        self._number += 1
        now = to_datetime(self.state.clock.epoch_ms)
        return f"001-{now:%y%m%d%H%M%S}-{self._number:06d}"

    def close(self, connection: "StreamConnection") -> None:
        """Take note that a connection has ended."""
        if connection in self.connections:
            self.connections.remove(connection)
            self.state.ledger.count_open("stream", -1)
        settings = self.state.settings
        if settings.half_open_seconds and connection.id in self._admitted:
            wait = settings.wait(settings.half_open_seconds)
            self.state.clock.call_later(wait, lambda: self._forget(connection.id))
        else:
            self._forget(connection.id)

    def _forget(self, connection_id: str) -> None:
        self._admitted.pop(connection_id, None)

    def admit(self, connection: "StreamConnection", app_key: str) -> str:
        """Let an authenticated connection in; return the error code where there are too many, or too many a second."""
        now = self.state.clock.epoch_ms
        while self._connects and now - self._connects[0] >= 1000:
            self._connects.popleft()
        self._connects.append(now)
        if len(self._connects) > self.state.settings.connects_a_second:
            return "TOO_MANY_REQUESTS"
        if self.available(app_key) <= 0:
            return "MAX_CONNECTION_LIMIT_EXCEEDED"
        self._admitted[connection.id] = app_key
        return ""

    def available(self, app_key: str) -> int:
        """Return how many more connections an application key may have."""
        used = sum(each == app_key for each in self._admitted.values())
        return self.state.settings.connection_limit - used

    def add(self, subscription: Subscription) -> None:
        """Have changes sent to a subscription."""
        if isinstance(subscription, MarketSubscription):
            self.markets.subscriptions.append(subscription)
        elif isinstance(subscription, OrderSubscription):
            self.orders.subscriptions.append(subscription)
        elif isinstance(subscription, SportSubscription):
            self.sports.subscriptions.append(subscription)

    def remove(self, subscription: Subscription) -> None:
        """End a subscription."""
        subscription.stop()
        for each in (self.markets.subscriptions, self.orders.subscriptions, self.sports.subscriptions):
            if subscription in each:
                each.remove(subscription)  # type: ignore[arg-type]

    def drop(self, kind: str | None = None, action: str = "drop") -> int:
        """End the connections that have a subscription of a kind, or all; return how many."""
        found = [each for each in self.connections if kind is None or kind in each.subscriptions]
        for connection in list(found):
            connection.end(action)
        return len(found)
