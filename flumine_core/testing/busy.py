"""A strategy that asks for everything there is: order kinds, sides, cancels, updates, replaces, a transaction."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..contract.strategy import BaseStrategy
from ..ladder import get_price
from ..order.kinds import LimitOnCloseOrder, LimitOrder, MarketOnCloseOrder, OrderKind
from ..order.states import OrderStatus
from ..order.trade import Trade

if TYPE_CHECKING:
    from ..book.marketbook import MarketBook
    from ..market.market import Market
    from ..order.order import Order


class Busy(BaseStrategy):
    """Does another thing on each open book of a market, then the same again; no way to make money."""

    def __init__(self, **options: Any) -> None:
        unlimited: dict[str, Any] = {
            "max_selection_exposure": None,
            "max_order_exposure": None,
            "max_live_trade_count": 1_000,
        }
        super().__init__(**{**unlimited, **options})

    def check_market_book(self, market: "Market", market_book: "MarketBook") -> bool:
        """Look at open books."""
        return market_book.status == "OPEN"

    def process_market_book(self, market: "Market", market_book: "MarketBook") -> None:
        """Do the next thing."""
        turn = market.context.get("busy", 0)
        market.context["busy"] = turn + 1
        active = [runner for runner in market_book.runners if runner.status == "ACTIVE"]
        if active:
            things: tuple[Callable[[Market, Any], None], ...] = (
                self._back,
                self._rest,
                self._replace,
                self._lay,
                self._reduce,
                self._at_starting_price,
                self._update,
                self._together,
                self._cancel,
            )
            things[turn % len(things)](market, active[turn % len(active)])

    def _place(self, market: "Market", runner: Any, side: str, kind: OrderKind) -> None:
        trade = Trade(market.market_id, runner.selection_id, runner.handicap, self)
        self.place_order(market, trade.create_order(side, kind))

    def _back(self, market: "Market", runner: Any) -> None:
        price = get_price(runner.ex.available_to_back, 0) or 2.0
        self._place(market, runner, "BACK", LimitOrder(price, 2.0))

    def _lay(self, market: "Market", runner: Any) -> None:
        price = get_price(runner.ex.available_to_lay, 0) or 2.0
        self._place(market, runner, "LAY", LimitOrder(price, 2.0, "PERSIST"))

    def _rest(self, market: "Market", runner: Any) -> None:
        self._place(market, runner, "BACK", LimitOrder(900.0, 4.0))

    def _at_starting_price(self, market: "Market", runner: Any) -> None:
        self._place(market, runner, "BACK", MarketOnCloseOrder(10.0))
        self._place(market, runner, "LAY", LimitOnCloseOrder(20.0, 3.0))

    def _together(self, market: "Market", runner: Any) -> None:
        with market.transaction() as transaction:
            for price in (500.0, 510.0):
                trade = Trade(market.market_id, runner.selection_id, runner.handicap, self)
                transaction.place_order(trade.create_order("BACK", LimitOrder(price, 2.0)))

    def _resting(self, market: "Market") -> "list[Order]":
        orders = market.blotter.strategy_orders(self)
        return [
            order
            for order in orders
            if order.status is OrderStatus.EXECUTABLE and isinstance(order.order_type, LimitOrder)
        ]

    def _replace(self, market: "Market", runner: Any) -> None:
        for order in self._resting(market)[:1]:
            self.replace_order(market, order, 800.0)

    def _reduce(self, market: "Market", runner: Any) -> None:
        for order in self._resting(market)[:1]:
            self.cancel_order(market, order, 1.0)

    def _update(self, market: "Market", runner: Any) -> None:
        for order in self._resting(market)[:1]:
            self.update_order(market, order, "PERSIST")

    def _cancel(self, market: "Market", runner: Any) -> None:
        for order in self._resting(market):
            self.cancel_order(market, order)
