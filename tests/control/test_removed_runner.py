"""A runner that has been removed cannot win, whatever is still matched on it."""

from typing import Any

import pytest

from flumine_core import BaseStrategy, LimitOrder, Trade
from flumine_core.testing.market import MarketScript
from flumine_core.testing.run import run


class Backs(BaseStrategy):
    """Backs runners 1 and 3, and keeps the market's worst outcome at each book."""

    def __init__(self) -> None:
        super().__init__(max_live_trade_count=2)
        self.orders: list[Any] = []
        self.worst: list[float] = []

    def check_market_book(self, market: Any, market_book: Any) -> bool:
        return bool(market_book.runners[2].ex.available_to_back)

    def process_market_book(self, market: Any, market_book: Any) -> None:
        if not self.orders:
            for selection_id in (1, 3):
                order = Trade(market.market_id, selection_id, 0, self).create_order("BACK", LimitOrder(5.0, 10.0))
                self.orders.append(order)
                assert market.place_order(order)
        self.worst.append(market.blotter.market_exposure(self, market_book))


SCRIPT = MarketScript().runners(3).back(1, 5.0, 100).back(3, 5.0, 100).traded(2, 3.0, 1)


def test_the_runner_without_orders_may_still_win() -> None:
    strategy = Backs()
    run(strategy, SCRIPT.remove(3).traded(2, 3.0, 1))
    assert [order.size_matched for order in strategy.orders] == [10.0, 10.0]  # a removal without a factor voids nothing
    assert strategy.worst[-1] == -20.0


@pytest.mark.parametrize("number", [None, 0, 3])
def test_how_many_are_active_is_counted(number: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    from flumine_core.book.definition import Definition

    class Odd(Definition):
        def __init__(self, raw: dict[str, Any]) -> None:
            super().__init__(raw)
            self.number_of_active_runners = number

    monkeypatch.setattr("flumine_core.book.cache.Definition", Odd)
    strategy = Backs()
    run(strategy, SCRIPT)
    assert strategy.worst[-1] == -20.0
