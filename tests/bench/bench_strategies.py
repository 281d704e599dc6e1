"""The strategies of the benchmark, the same text under either framework; importable by worker processes.

The environment's FLUMINE_CORE_BENCH_SIDE says which framework.
"""

import os
from typing import Any

if os.environ.get("FLUMINE_CORE_BENCH_SIDE") == "flumine":
    from flumine import BaseStrategy
    from flumine.order.order import OrderStatus
    from flumine.order.ordertype import LimitOrder
    from flumine.order.trade import Trade
    from flumine.utils import get_price, price_ticks_away
else:
    from flumine_core import (
        BaseStrategy,
        LimitOrder,
        OrderStatus,
        Trade,
        get_price,
        price_ticks_away,
    )

LIMITS: dict[str, Any] = {"max_order_exposure": 1000, "max_selection_exposure": 105}
WIDE: dict[str, Any] = dict.fromkeys(("max_order_exposure", "max_selection_exposure", "max_live_trade_count"), 10**9)


class NoOp(BaseStrategy):
    """Looks at nothing."""


class TopOfBook(BaseStrategy):
    """Reads best back, best lay and last price of every runner on every update."""

    def check_market_book(self, market: Any, market_book: Any) -> bool:
        return True

    def process_market_book(self, market: Any, market_book: Any) -> None:
        for runner in market_book.runners:
            get_price(runner.ex.available_to_back, 0)
            get_price(runner.ex.available_to_lay, 0)
            runner.last_price_traded  # noqa: B018


class InPlayLay(BaseStrategy):
    """Lays what trades below 2.0 in play, and cancels after two seconds."""

    def check_market_book(self, market: Any, market_book: Any) -> bool:
        return bool(market_book.inplay)

    def process_market_book(self, market: Any, market_book: Any) -> None:
        for runner in market_book.runners:
            if runner.status == "ACTIVE" and runner.last_price_traded and runner.last_price_traded < 2:
                lay = get_price(runner.ex.available_to_lay, 0)
                trade = Trade(market_book.market_id, runner.selection_id, runner.handicap, self)
                market.place_order(trade.create_order(side="LAY", order_type=LimitOrder(lay or 1000, 2.00)))

    def process_orders(self, market: Any, orders: list[Any]) -> None:
        for order in orders:
            if order.status == OrderStatus.EXECUTABLE and order.elapsed_seconds and order.elapsed_seconds > 2:
                market.cancel_order(order)


class Churn(BaseStrategy):
    """Places on every n-th update before the off, replaces after 5 seconds, cancels after 20."""

    every = 7

    def add(self, flumine: Any) -> None:
        self.count = 0
        self.resting: list[Any] = []

    def check_market_book(self, market: Any, market_book: Any) -> bool:
        return market_book.status == "OPEN" and not market_book.inplay

    def process_market_book(self, market: Any, market_book: Any) -> None:
        self.count += 1
        runners = market_book.runners
        runner = runners[self.count // self.every % len(runners)]
        back = get_price(runner.ex.available_to_back, 0)
        if self.count % self.every == 0 and runner.status == "ACTIVE" and back and back > 1.05:
            trade = Trade(market_book.market_id, runner.selection_id, runner.handicap, self)
            order = trade.create_order(side="LAY", order_type=LimitOrder(back, 2.00))
            if market.place_order(order):
                self.resting.append(order)
        for order in [each for each in self.resting if each.status == OrderStatus.EXECUTABLE]:
            age = order.elapsed_seconds
            if age and age > 5 and len(order.trade.orders) == 1:
                market.replace_order(order, price_ticks_away(order.order_type.price, -1))
                self.resting.remove(order)
        self.resting = [each for each in self.resting if not each.complete]

    def process_orders(self, market: Any, orders: list[Any]) -> None:
        for order in market.blotter.live_orders:
            age = order.elapsed_seconds
            if order.status == OrderStatus.EXECUTABLE and age and age > 20:
                market.cancel_order(order)


class Churn2(Churn):
    """Twice the orders."""

    every = 4


STRATEGIES: dict[str, tuple[type[BaseStrategy], dict[str, Any]]] = {
    "no-op": (NoOp, {}),
    "top": (TopOfBook, {}),
    "lay": (InPlayLay, LIMITS),
    "churn": (Churn, WIDE),
    "churn2": (Churn2, WIDE),
}
