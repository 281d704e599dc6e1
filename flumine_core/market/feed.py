"""How late and how current a market's book is, where it comes from a live stream."""

from typing import Any, Protocol

from ..book.marketbook import MarketBook


class Feed(Protocol):
    """What a live stream says of its books."""

    def latency(self, market_id: str) -> float | None: ...

    def reason_stale(self, market_id: str) -> str | None: ...


class Fed:
    """What a market knows of the stream that its latest book came by."""

    flumine: Any
    market_id: str
    latest_book: MarketBook | None

    @property
    def _feed(self) -> Feed | None:
        if self.latest_book is None:
            return None
        feed: Feed | None = self.flumine.feed_of(self.latest_book.streaming_unique_id)
        return feed

    @property
    def latency(self) -> float | None:
        """Seconds that the latest change took from its publishing to its arrival; None where nothing is live."""
        feed = self._feed
        return None if feed is None else feed.latency(self.market_id)

    @property
    def stale_reason(self) -> str | None:
        """Why the latest book may be out of date (its stream is down, or the exchange late); None where it is not."""
        feed = self._feed
        return None if feed is None else feed.reason_stale(self.market_id)

    @property
    def is_stale(self) -> bool:
        """Whether the latest book may be out of date, so that nothing is placed on it."""
        return self.stale_reason is not None
