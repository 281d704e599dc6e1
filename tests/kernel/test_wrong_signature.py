"""What a strategy's callback raises is counted under that callback, however it came to be raised."""

import functools
from collections.abc import Callable
from typing import Any

import pytest

from flumine_core import BaseStrategy, LimitOrder, Trade
from flumine_core.testing.market import MarketScript
from flumine_core.testing.run import run

CALLBACKS = ["check_market_book", "process_market_book", "process_orders"]


class Places(BaseStrategy):
    """Places an order, and wants each book."""

    def process_new_market(self, market: Any, market_book: Any) -> None:
        order = Trade(market.market_id, 1, 0, self).create_order("BACK", LimitOrder(2.1, 2.0))
        market.place_order(order)

    def check_market_book(self, market: Any, market_book: Any) -> bool:
        return True


def decorated(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*arguments: Any) -> Any:
        return function(*arguments)

    return wrapper


def too_few(self: Any, market: Any) -> bool:
    return False


@decorated
def raising(self: Any, market: Any, content: Any) -> bool:
    raise ValueError


@pytest.mark.parametrize("callback", CALLBACKS)
@pytest.mark.parametrize("wrong", [too_few, raising])
def test_it_is_counted_under_its_name(callback: str, wrong: Callable[..., Any]) -> None:
    strategy = type("Wrong", (Places,), {callback: wrong})()
    script = MarketScript().runners(3).ladder(1, back=[(2.0, 100)], lay=[(2.2, 100)]).traded(2, 3.0, 1)
    found = run(strategy, script, settings={"raise_errors": False})
    assert found.faults.keys() == {("Wrong", f"strategy.{callback}")}
