"""Race and cricket subscriptions: what recorded files hold of them, passed on."""

from typing import Any

import msgspec

from .state import ExchangeState
from .streamparams import MarketFilter, SportSubscribing
from .subscription import Line, Message, Subscription


class SportSubscription(Subscription):
    """One subscription to the changes of races (rcm) or of cricket matches (ccm)."""

    def __init__(self, line: Line, request: SportSubscribing, kind: str, streams: "SportStreams") -> None:
        self.kind = kind
        self.op, self.changes = ("rcm", "rc") if kind == "race" else ("ccm", "cc")
        self.filter = request.market_filter or MarketFilter()
        super().__init__(line, request, msgspec.to_builtins(self.filter))
        self._streams = streams

    def selects(self, change: Message) -> bool:
        """Whether the filter takes a change: by market and event alone."""
        market_id, event_id = change.get("mid", change.get("marketId")), change.get("eventId")
        if self.filter.market_ids and market_id not in self.filter.market_ids:
            return False
        return not self.filter.event_ids or event_id in self.filter.event_ids

    def image(self, only: list[str] | None = None) -> list[Message]:
        """Return the last change of each race or match."""
        return [each for each, _ in self._streams.latest(self.kind) if self.selects(each)]

    def patch(self, since: int) -> list[Message]:
        """Return the last change of those that changed after `since`."""
        return [each for each, sequence in self._streams.latest(self.kind) if sequence > since and self.selects(each)]

    def changed(self, changes: list[Message], sequence: int) -> None:
        """Take changes."""
        if self.is_live:
            found = [change for change in changes if self.selects(change)]
            self.sent = sequence
            if found:
                self.write(found)


class SportStreams:
    """All race and cricket subscriptions, and the last change of each race and match."""

    def __init__(self, state: ExchangeState) -> None:
        self.state = state
        self.subscriptions: list[SportSubscription] = []
        self._latest: dict[str, dict[Any, tuple[Message, int]]] = {"race": {}, "cricket": {}}

    def latest(self, kind: str) -> list[tuple[Message, int]]:
        """Return each race's or match's last change, with its sequence number."""
        return list(self._latest[kind].values())

    def publish(self, kind: str, changes: list[Message]) -> None:
        """Take changes of `kind` (race or cricket), as on the wire."""
        sequence = self.state.next_sequence()
        for change in changes:
            key = change.get("id") or change.get("marketId") or change.get("mid") or change.get("eventId")
            self._latest[kind][key] = (change, sequence)
        for subscription in self.subscriptions:
            if subscription.kind == kind:
                subscription.changed(changes, sequence)
