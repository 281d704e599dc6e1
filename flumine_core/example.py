"""The strategy that `demo` runs: back the favourite shortly before the off, and offer what is matched at shorter odds."""

from typing import TYPE_CHECKING, Any

from .contract.strategy import BaseStrategy
from .ladder import get_price, price_ticks_away
from .order.kinds import LimitOrder
from .order.order import Order
from .order.trade import Trade

if TYPE_CHECKING:
    from .book.marketbook import MarketBook
    from .market.market import Market


class ExampleStrategy(BaseStrategy):
    """Back the favourite once a market, at the best price, and lay the matched stake a few ticks lower.

    An example of the interface, and no way to make money.

    :param stake: pounds of the backing order.
    :param seconds_to_start: how long before the advertised start it may begin.
    :param ticks: how many ticks below the price matched the closing lay is offered; it is kept in play.
    """

    def __init__(self, stake: float = 5.0, seconds_to_start: float = 120.0, ticks: int = 4, **options: Any) -> None:
        options.setdefault("max_live_trade_count", 2)
        super().__init__(**options)
        self.stake = stake
        self.seconds_to_start = seconds_to_start
        self.ticks = ticks

    def check_market_book(self, market: "Market", market_book: "MarketBook") -> bool:
        """Look at open markets before the off, until an order was placed."""
        return (
            market_book.status == "OPEN"
            and not market_book.inplay
            and market.seconds_to_start <= self.seconds_to_start
            and not market.context.get(self.name)
        )

    def process_market_book(self, market: "Market", market_book: "MarketBook") -> None:
        """Back the runner with the lowest price."""
        priced = [
            (price, runner)
            for runner in market_book.runners
            if runner.status == "ACTIVE" and (price := get_price(runner.ex.available_to_back, 0))
        ]
        if not priced:
            return
        price, favourite = min(priced, key=lambda pair: pair[0])
        market.context[self.name] = True
        trade = Trade(market.market_id, favourite.selection_id, favourite.handicap, self)
        market.place_order(trade.create_order("BACK", LimitOrder(price, self.stake)))

    def process_orders(self, market: "Market", orders: list[Order]) -> None:
        """Offer the closing lay once the backing order is matched."""
        for order in orders:
            if order.side != "BACK" or order.size_remaining or not order.size_matched:
                continue
            if len(order.trade.orders) > 1:
                continue
            price = price_ticks_away(order.average_price_matched, -self.ticks)
            closing = order.trade.create_order("LAY", LimitOrder(price, order.size_matched, "PERSIST"))
            market.place_order(closing)
