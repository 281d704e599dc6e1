"""All markets of a framework, by id and by event."""

from collections import defaultdict
from collections.abc import Iterator

from ..order.order import Order
from .market import Market


class Markets:
    """The registry of markets; iterating gives the markets in order of first appearance."""

    def __init__(self) -> None:
        self.markets: dict[str, Market] = {}
        self.events: dict[str, list[Market]] = defaultdict(list)

    def add_market(self, market_id: str, market: Market) -> None:
        """Enter a market, or open again one that had closed."""
        if market_id in self.markets:
            self.markets[market_id].open_market()
        else:
            self.markets[market_id] = market
        self.enter_event(market)

    def enter_event(self, market: Market) -> None:
        """Enter a market under its event, as soon as that is known."""
        event_id = market.event_id
        if event_id and market not in self.events[event_id]:
            self.events[event_id].append(market)

    def remove_market(self, market_id: str) -> None:
        """Forget a market."""
        market = self.markets.pop(market_id)
        event = self.events.get(market.event_id)
        if event is not None and market in event:
            event.remove(market)
            if not event:
                del self.events[market.event_id]

    def get_order(self, market_id: str, order_id: str) -> Order | None:
        """Return an order by market and order id."""
        market = self.markets.get(market_id)
        if market is None or order_id not in market.blotter:
            return None
        return market.blotter[order_id]

    def get_order_from_bet_id(self, market_id: str, bet_id: str) -> Order | None:
        """Return an order by market and bet id."""
        market = self.markets.get(market_id)
        return None if market is None else market.blotter.get_order_bet_id(bet_id)

    @property
    def open_market_ids(self) -> list[str]:
        """Ids of the markets whose latest book is OPEN."""
        return [market.market_id for market in self if market.status == "OPEN"]

    @property
    def live_orders(self) -> bool:
        """Whether any open market has an order that is not complete."""
        return any(market.blotter.has_live_orders for market in self if not market.closed)

    def get(self, market_id: str) -> Market | None:
        """Return a market by id."""
        return self.markets.get(market_id)

    def __contains__(self, market_id: str) -> bool:
        return market_id in self.markets

    def __iter__(self) -> Iterator[Market]:
        return iter(list(self.markets.values()))

    def __len__(self) -> int:
        return len(self.markets)
