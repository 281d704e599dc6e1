"""Orders in flight count in every exposure, so that a burst cannot pass a cap."""

from typing import Any

import pytest

from flumine_core import BaseStrategy, LimitOrder, OrderStatus, Trade


class Burst(BaseStrategy):
    """Places five orders of 10 on one runner, each of a trade of its own, in the first suitable callback."""

    def __init__(self, way: str, **options: Any) -> None:
        super().__init__(max_live_trade_count=100, **options)
        self.way = way
        self.orders: list[Any] = []
        self.verdicts: list[bool] = []

    def check_market_book(self, market: Any, market_book: Any) -> bool:
        return market_book.status == "OPEN" and not self.orders and market.seconds_to_start < 300

    def process_market_book(self, market: Any, market_book: Any) -> None:
        runner = next(each for each in market_book.runners if each.status == "ACTIVE")
        for _ in range(5):
            trade = Trade(market.market_id, runner.selection_id, runner.handicap, self)
            self.orders.append(trade.create_order("BACK", LimitOrder(2.0, 10.0)))
        if self.way == "bare":
            self.verdicts = [market.place_order(order) for order in self.orders]
            return
        half = 2 if self.way == "two transactions" else 5
        for part in (self.orders[:half], self.orders[half:]):
            with market.transaction() as t:
                self.verdicts += [t.place_order(order) for order in part]


@pytest.mark.parametrize("way", ["bare", "one transaction", "two transactions"])
def test_of_five_orders_at_a_cap_one_passes(way: str, simulate: Any, market_file: Any) -> None:
    strategy = Burst(way, max_selection_exposure=10, max_order_exposure=10, max_market_exposure=10)
    framework = simulate(market_file(), strategy)
    assert strategy.verdicts == [True, False, False, False, False]
    assert [order.status for order in strategy.orders[1:]] == [OrderStatus.VIOLATION] * 4
    (market,) = framework.markets
    assert market.blotter.strategy_orders(strategy) == strategy.orders[:1]
    assert framework.refusal_counts == {("Burst", "StrategyExposure"): 4}
    refusal = framework.refusals[0]
    assert refusal.control == "StrategyExposure"
    assert refusal.order_id == strategy.orders[1].id
    assert refusal.reason and any(number == 20 for number in refusal.numbers.values())
    assert sum(order.size_matched for order in strategy.orders) <= 10


class Insistent(Burst):
    """Places what was refused once more, the very same orders."""

    def process_market_book(self, market: Any, market_book: Any) -> None:
        super().process_market_book(market, market_book)
        for order in self.orders:
            if order.status is OrderStatus.VIOLATION:
                self.verdicts.append(market.place_order(order))


@pytest.mark.parametrize("cap", ["max_selection_exposure", "max_market_exposure"])
def test_a_refused_order_is_refused_again(cap: str, simulate: Any, market_file: Any) -> None:
    caps = {"max_selection_exposure": None, "max_market_exposure": None, cap: 10}
    strategy = Insistent("bare", max_order_exposure=None, **caps)
    framework = simulate(market_file(), strategy)
    assert strategy.verdicts == [True] + [False] * 8
    assert framework.refusal_counts == {("Insistent", "StrategyExposure"): 8}
    assert sum(order.size_matched for order in strategy.orders) <= 10


class Replacer(BaseStrategy):
    """Has an order replaced at a worse price, and asks for another while the replacement is in flight."""

    def __init__(self, new_price: float, **options: Any) -> None:
        super().__init__(max_live_trade_count=100, **options)
        self.new_price = new_price
        self.first: Any = None
        self.replaced: bool | None = None
        self.more: list[bool] = []

    def check_market_book(self, market: Any, market_book: Any) -> bool:
        return market_book.status == "OPEN" and market.seconds_to_start < 300

    def process_market_book(self, market: Any, market_book: Any) -> None:
        runner = next(each for each in market_book.runners if each.status == "ACTIVE")
        trade = Trade(market.market_id, runner.selection_id, runner.handicap, self)
        if self.first is None:
            self.first = trade.create_order("LAY", LimitOrder(1.5, 10.0))
            assert market.place_order(self.first)
        elif self.replaced is None and self.first.status is OrderStatus.EXECUTABLE:
            self.replaced = market.replace_order(self.first, self.new_price)
        elif self.replaced and len(self.more) < 6:
            order = trade.create_order("LAY", LimitOrder(1.01, 10.0))
            self.more.append(market.place_order(order))


def test_replace_is_checked_at_its_new_price(simulate: Any, market_file: Any) -> None:
    strategy = Replacer(2.5, max_order_exposure=10, max_selection_exposure=10)
    framework = simulate(market_file(), strategy)
    assert strategy.replaced is False
    assert strategy.first.status is not OrderStatus.VIOLATION
    assert framework.refusal_counts[("Replacer", "StrategyExposure")] == 1


def test_replacement_counts_from_its_request_on(simulate: Any, market_file: Any) -> None:
    strategy = Replacer(2.0, max_order_exposure=10, max_selection_exposure=10)
    simulate(market_file(), strategy)
    assert strategy.replaced is True
    assert strategy.more == [False] * 6
