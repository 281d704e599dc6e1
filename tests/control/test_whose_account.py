"""An order goes to the account of its strategy, however it is placed, unless another account is named."""

from collections.abc import Callable
from typing import Any

import pytest

from flumine_core import BaseStrategy, LimitOrder, SimulatedClient, Trade
from flumine_core.errors import OrderError
from flumine_core.testing.market import MarketScript


class Places(BaseStrategy):
    """Places one order in the way that it is given."""

    def __init__(self, way: Callable[[Any, Any, Any], Any], client: Any = None) -> None:
        super().__init__(client=client)
        self.way = way
        self.order: Any = None

    def check_market_book(self, market: Any, market_book: Any) -> bool:
        return self.order is None

    def process_market_book(self, market: Any, market_book: Any) -> None:
        self.order = Trade(market.market_id, 1, 0, self).create_order("BACK", LimitOrder(2.0, 2.0))
        self.way(self, market, self.order)


def bare(strategy: Any, market: Any, order: Any) -> None:
    assert market.place_order(order)


def own(strategy: Any, market: Any, order: Any) -> None:
    assert strategy.place_order(market, order)


def grouped(strategy: Any, market: Any, order: Any) -> None:
    with market.transaction() as t:
        assert t.place_order(order)


def named(strategy: Any, market: Any, order: Any) -> None:
    with market.transaction(client=strategy.client) as t:
        assert t.place_order(order)


@pytest.fixture
def place(simulate: Any, tmp_path: Any) -> Callable[..., Any]:
    """Return a function that runs a strategy beside two accounts, and gives its order."""

    def run(way: Callable[[Any, Any, Any], Any], is_second: bool) -> tuple[Any, Any]:
        second = SimulatedClient(username="second")
        strategy = Places(way, second if is_second else None)
        path = str(MarketScript().runners(2).traded(1, 3.0, 1).write(tmp_path / "1.100000001"))
        framework = simulate(
            path, strategy, client=SimulatedClient(username="first"), before=lambda each: each.add_client(second)
        )
        return framework, strategy.order

    return run


@pytest.mark.parametrize("way", [bare, own, named])
@pytest.mark.parametrize("is_second", [False, True])
def test_it_goes_to_the_strategys_account(place: Any, way: Any, is_second: bool) -> None:
    _, order = place(way, is_second)
    assert order.client.username == ("second" if is_second else "first")


def test_another_account_may_be_named(place: Any) -> None:
    _, order = place(
        lambda strategy, market, order: market.place_order(order, client=market.flumine.clients.get_client("first")),
        True,
    )
    assert order.client.username == "first"


def test_a_transaction_of_nobody_in_particular_takes_no_order_of_a_strategy_with_an_account(place: Any) -> None:
    framework, order = place(grouped, True)
    assert order.status is None
    (fault,) = framework.faults.first.values()
    assert fault.error.startswith(OrderError.__name__) and "second" in fault.error
