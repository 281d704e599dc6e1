"""A transaction that is executed books later: what has happened to its orders meanwhile stays as it is."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from flumine_core import BaseStrategy, LimitOrder, OrderStatus, Trade
from flumine_core.testing.market import MarketScript
from flumine_core.testing.run import Outcome, run

SCRIPT = MarketScript().runners(3).traded(2, 3.0, 1).traded(1, 2.1, 1000).traded(2, 3.0, 1).traded(2, 3.0, 1)


class Late(BaseStrategy):
    """Asks something of an order in a transaction that it executes once the order is filled, or never."""

    def __init__(self, ask: Callable[[Any, Any], bool], is_executing: bool) -> None:
        super().__init__()
        self.ask = ask
        self.is_executing = is_executing
        self.order: Any = None
        self.running: Iterator[None] | None = None

    def check_market_book(self, market: Any, market_book: Any) -> bool:
        self.running = self.running or self.steps(market)
        next(self.running, None)
        return False

    def steps(self, market: Any) -> Iterator[None]:
        self.order = Trade(market.market_id, 1, 0, self).create_order("BACK", LimitOrder(2.1, 2.0))
        assert market.place_order(self.order)
        yield
        transaction = market.transaction()
        assert self.ask(transaction, self.order)
        yield
        assert self.order.status is OrderStatus.EXECUTION_COMPLETE
        if self.is_executing:
            transaction.execute()


def outcome(ask: Callable[[Any, Any], bool], is_executing: bool) -> tuple[Outcome, Any]:
    strategy = Late(ask, is_executing)
    found = run(strategy, SCRIPT.win(1), settings={"raise_errors": False})
    return found, strategy.order


ASKS = [
    lambda transaction, order: transaction.cancel_order(order),
    lambda transaction, order: transaction.update_order(order, "PERSIST"),
    lambda transaction, order: transaction.replace_order(order, 2.12),
]


@pytest.mark.parametrize("ask", ASKS, ids=["cancel", "update", "replace"])
def test_a_filled_order_stays_filled_if_the_transaction_is_never_executed(ask: Any) -> None:
    found, order = outcome(ask, is_executing=False)
    assert order.status is OrderStatus.EXECUTION_COMPLETE
    assert order.trade.complete
    assert [refusal.control for refusal in found.refusals] == ["Transaction"]


@pytest.mark.parametrize("ask", ASKS, ids=["cancel", "update", "replace"])
def test_a_filled_order_stays_filled_if_the_transaction_is_executed_late(ask: Any) -> None:
    found, order = outcome(ask, is_executing=True)
    assert order.size_matched == 2.0
    assert order.status is OrderStatus.EXECUTION_COMPLETE
    assert order.trade.complete
    (refusal,) = found.refusals
    assert refusal.control == "Transaction"
    assert "the order was complete before the transaction was executed" in refusal.reason
    assert order.violation_msg == refusal.message
    assert order.client.transaction_count_total == 1  # nothing but the placing has been asked of the exchange
