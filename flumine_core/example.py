"""The strategy that `demo` runs: back the favourite shortly before the off, offer what is matched at shorter odds."""

from typing import TYPE_CHECKING, Any

import attrs

from .contract.strategy import BaseStrategy
from .ladder import get_nearest_price, get_price, price_ticks_away
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
    :param least_price: runners below this price are passed over.
    """

    def __init__(
        self,
        stake: float = 5.0,
        seconds_to_start: float = 120.0,
        ticks: int = 4,
        least_price: float = 1.3,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.stake = stake
        self.seconds_to_start = seconds_to_start
        self.ticks = ticks
        self.least_price = least_price

    def check_market_book(self, market: "Market", market_book: "MarketBook") -> bool:
        """Look at open markets before the off, until an order was placed."""
        return (
            market_book.status == "OPEN"
            and not market_book.inplay
            and market.seconds_to_start <= self.seconds_to_start
            and not market.context.get(self.name)
        )

    def process_market_book(self, market: "Market", market_book: "MarketBook") -> None:
        """Back the runner with the lowest price that is not below `least_price`."""
        priced = [
            (price, runner)
            for runner in market_book.runners
            if runner.status == "ACTIVE"
            and (price := get_price(runner.ex.available_to_back, 0))
            and price >= self.least_price
        ]
        if not priced:
            return
        price, favourite = min(priced, key=lambda pair: pair[0])
        market.context[self.name] = True
        trade = Trade(market.market_id, favourite.selection_id, favourite.handicap, self)
        market.place_order(trade.create_order("BACK", _limit(price, self.stake, "LAPSE", _line_of(market))))

    def process_orders(self, market: "Market", orders: list[Order]) -> None:
        """Offer the closing lay once the backing order is matched, in the same trade."""
        for order in orders:
            is_matched = order.side == "BACK" and order.size_matched and not order.size_remaining
            if is_matched and len(order.trade.orders) == 1:
                line = _line_of(market)
                price = self._lower(order.average_price_matched, line)
                kind = _limit(price, order.size_matched, "PERSIST", line)
                market.place_order(order.trade.create_order("LAY", kind))

    def _lower(self, price: float, line: "Line | None") -> float:
        if line is None:
            return price_ticks_away(get_nearest_price(price), -self.ticks)
        steps = int((price - line.min_unit_value) // line.interval) - self.ticks
        return line.min_unit_value + max(steps, 0) * line.interval


@attrs.define
class Line:
    """The line of a market whose prices are not odds but units: runs, points, goals."""

    min_unit_value: float
    max_unit_value: float
    interval: float


def _line_of(market: "Market") -> Line | None:
    raw = market.definition.raw
    if raw.get("bettingType") != "LINE":
        return None
    return Line(raw["lineMinUnit"], raw["lineMaxUnit"], raw["lineInterval"])


def _limit(price: float, size: float, persistence_type: str, line: Line | None) -> LimitOrder:
    if line is None:
        return LimitOrder(price, size, persistence_type)
    return LimitOrder(price, size, persistence_type, price_ladder_definition="LINE_RANGE", line_range_info=line)
