"""Whatever becomes of an accepted request, its place in the transactions of the hour is given back or used up once."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from flumine_core import BaseStrategy, LimitOrder, OrderStatus, SimulatedClient, Trade
from flumine_core.testing.market import MarketScript
from flumine_core.testing.run import run

OFFERED = MarketScript().runners(3).ladder(1, back=[(2.0, 100)], lay=[(2.2, 100)])


class Steps(BaseStrategy):
    """Does one step with each book."""

    def __init__(self, steps: Callable[[Any, Any], Iterator[Any]]) -> None:
        super().__init__(max_order_exposure=None, max_selection_exposure=None, max_live_trade_count=100)
        self.steps = steps
        self.running: Any = None

    def check_market_book(self, market: Any, market_book: Any) -> bool:
        self.running = self.running or self.steps(self, market)
        next(self.running, None)
        return False

    def place(self, market: Any, price: float, size: float = 2.0, selection_id: int = 1) -> Any:
        order = Trade(market.market_id, selection_id, 0, self).create_order("BACK", LimitOrder(price, size))
        assert market.place_order(order)
        return order


def counted(steps: Callable[[Any, Any], Iterator[Any]], script: MarketScript) -> tuple[int, int, int]:
    """Return what is under way, was counted, and failed, after a simulation."""
    client = SimulatedClient()
    run(Steps(steps), script, client=client)
    (control,) = client.trading_controls
    return control.pending_transaction_count, control.transaction_count, control.failed_transaction_count


def test_an_order_filled_while_its_replace_waited() -> None:
    done: list[Any] = []

    def steps(strategy: Any, market: Any) -> Iterator[Any]:
        yield
        order = strategy.place(market, 2.1)
        yield
        assert order.status is OrderStatus.EXECUTABLE
        market.replace_order(order, 2.12)
        yield
        done.append(order)

    script = OFFERED.wait(1).traded(2, 3.0, 1).wait(-0.9).traded(1, 2.1, 1000).traded(1, 2.1, 2).traded(1, 2.1, 2)
    assert counted(steps, script) == (0, 1, 0)
    assert done[0].status is OrderStatus.EXECUTION_COMPLETE and done[0].size_matched == 2.0


def test_an_order_whose_runner_was_removed_while_it_waited() -> None:
    done: list[Any] = []

    def steps(strategy: Any, market: Any) -> Iterator[Any]:
        yield
        done.append(strategy.place(market, 2.1))
        yield

    script = OFFERED.wait(-0.9).remove(1, 30.0).traded(2, 3.0, 1).traded(2, 3.0, 1)
    assert counted(steps, script) == (0, 0, 0)
    assert done[0].complete and done[0].size_voided == 2.0


@pytest.mark.parametrize("is_filled", [True, False])
def test_a_replace_that_the_end_of_the_stream_drops(is_filled: bool) -> None:
    def steps(strategy: Any, market: Any) -> Iterator[Any]:
        yield
        order = strategy.place(market, 2.1)
        yield
        market.replace_order(order, 2.12)
        yield
        assert order.complete is is_filled

    fill = 1 if is_filled else 2
    script = OFFERED.traded(2, 3.0, 1).wait(-0.9).traded(fill, 2.1, 1000).wait(-0.9).win(1)
    assert counted(steps, script) == (0, 1, 0)


@pytest.mark.parametrize("is_removed", [True, False])
def test_a_placing_that_the_end_of_the_stream_drops(is_removed: bool) -> None:
    def steps(strategy: Any, market: Any) -> Iterator[Any]:
        yield
        strategy.place(market, 2.1)
        yield

    script = OFFERED.wait(-0.95).remove(1 if is_removed else 2, 30.0).wait(-0.95).win(3)
    assert counted(steps, script) == (0, 0, 0)


def test_what_is_given_back_is_given_back_once() -> None:
    """A request that is still under way keeps its place when another one comes to nothing."""
    pending: list[int] = []

    def steps(strategy: Any, market: Any) -> Iterator[Any]:
        (control,) = market.flumine.clients.get_default().trading_controls
        yield
        order = strategy.place(market, 2.1)
        yield
        market.replace_order(order, 2.12)
        yield
        yield
        for _ in range(3):
            strategy.place(market, 2.1)
        pending.append(control.pending_transaction_count)
        yield
        pending.append(control.pending_transaction_count)

    script = OFFERED.traded(2, 3.0, 1).wait(-0.9).traded(1, 2.1, 1000).wait(-0.9).traded(2, 3.0, 1).wait(-0.9)
    assert counted(steps, script.traded(2, 3.0, 1)) == (0, 4, 0)
    assert pending == [4, 3]
