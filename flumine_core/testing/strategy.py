"""A strategy that does as a test says: it places limit orders as soon as something is offered on a runner."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..contract.strategy import BaseStrategy
from ..order.kinds import LimitOrder
from ..order.order import Order
from ..order.trade import Trade

if TYPE_CHECKING:
    from ..book.marketbook import MarketBook
    from ..market.market import Market

Request = tuple[str, float, float]
"""("BACK" or "LAY", price, size in pounds)."""


class Placing(BaseStrategy):
    """Places one order of each request on every market, each a trade of its own, without limits of its own.

    It does so once a market, on the first open book with an offer (to back or to lay) on the runner.

    :param requests: in the order of placing, all on the same book.
    :param selection_id: the runner; the first one of the market if None.
    :param seconds_to_start: not before so many seconds are left to the market's start; None for no waiting.
    """

    def __init__(
        self,
        *requests: Request,
        selection_id: int | None = None,
        seconds_to_start: float | None = None,
        **options: Any,
    ) -> None:
        unlimited: dict[str, Any] = {
            "max_selection_exposure": None,
            "max_order_exposure": None,
            "max_live_trade_count": max(len(requests), 1),
        }
        super().__init__(**{**unlimited, **options})
        self.requests: Sequence[Request] = requests
        self.selection_id = selection_id
        self.seconds_to_start = seconds_to_start
        self.placed: list[Order] = []
        self._done: set[str] = set()

    def check_market_book(self, market: "Market", market_book: "MarketBook") -> bool:
        """Look at open books until the orders are placed."""
        is_time = self.seconds_to_start is None or market.seconds_to_start <= self.seconds_to_start
        return market_book.status == "OPEN" and is_time and market.market_id not in self._done

    def process_market_book(self, market: "Market", market_book: "MarketBook") -> None:
        """Place all orders, where the runner is offered."""
        wanted = self.selection_id or market_book.runners[0].selection_id
        (runner,) = (each for each in market_book.runners if each.selection_id == wanted)
        if not runner.ex.available_to_back and not runner.ex.available_to_lay:
            return
        self._done.add(market.market_id)
        for side, price, size in self.requests:
            trade = Trade(market.market_id, runner.selection_id, runner.handicap, self)
            order = trade.create_order(side, LimitOrder(price, size))
            self.placed.append(order)
            self.place_order(market, order)
