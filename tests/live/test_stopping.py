"""A stop leaves nothing of its own at the exchange, whatever goes on meanwhile, and nothing of another's is touched."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from loguru import logger

from flumine_core import LimitOrder, Trade
from flumine_core.events import MarketBooksEvent
from flumine_core.order.states import OrderStatus

from .rig import MARKET, PATIENCE, Rig, Trader

PLACINGS = {"op": "placeOrders"}
SOON = {"on_stop": "cancel", "on_stop_timeout": 60.0}
"""Three seconds, of which less than two are for cancelling."""


class Slow(Trader):
    """Takes a tenth of a second for each book once it is told to."""

    seconds = 0.0

    def check_market_book(self, market: Any, market_book: Any) -> bool:
        time.sleep(self.seconds)
        return super().check_market_book(market, market_book)


class Raising(Trader):
    is_armed = False

    def process_orders(self, market: Any, orders: Any) -> None:
        if self.is_armed:
            raise ValueError("no model")


def in_flight(rig: Rig) -> Any:
    """Return an order that is placed and whose answer comes in 0.4 seconds, and nothing of it before."""
    fault = rig.exchange.faults.add("http.before_execute", PLACINGS, 1, "delay", seconds=0.4)
    order = rig.place(price=5.0)
    assert fault.struck.wait(PATIENCE)
    return order


def test_books_do_not_hold_up_the_cancel_of_a_placing_in_flight(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(**SOON)
    rig.trader.__class__ = Slow
    book = rig.ask(lambda: rig.market.market_book)
    in_flight(rig)
    rig.trader.seconds = 0.1
    for _ in range(100):
        rig.framework.post(MarketBooksEvent([book]))
    rig.stop()
    assert rig.ledger.live_bets() == []
    assert rig.ledger.requests["cancelOrders"] == 1


@pytest.mark.parametrize("is_stopped", [True, False])
def test_what_raises_meanwhile_keeps_nothing_from_being_cancelled(
    make_rig: Callable[..., Rig], is_stopped: bool
) -> None:
    rig = make_rig(raise_errors=True, **SOON)
    rig.trader.__class__ = Raising
    orders = [rig.place(), rig.place(price=4.0)]
    rig.settled(*orders)
    orders.append(in_flight(rig))
    rig.trader.is_armed = True
    if is_stopped:
        rig.framework.stop()
    else:
        rig.exchange.market(MARKET).match_bet(orders[0].bet_id, 1.0)
    rig.thread.join(PATIENCE)
    assert isinstance(rig.error, ValueError) and str(rig.error) == "no model"
    assert rig.ledger.live_bets() == []
    assert all(order.complete for order in orders)


def test_orders_of_a_market_are_cancelled_together(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(**SOON)

    def place() -> list[Any]:
        orders = [Trade(MARKET, 11, 0, rig.trader).create_order("BACK", LimitOrder(3.0, 2.0)) for _ in range(100)]
        with rig.market.transaction() as transaction:
            assert all(transaction.place_order(order, force=True) for order in orders)
        return orders

    orders = rig.ask(place)
    rig.settled(*orders)
    rig.stop()
    assert rig.ledger.live_bets() == []
    assert all(order.status is OrderStatus.EXECUTION_COMPLETE for order in orders)
    assert rig.ledger.requests["cancelOrders"] == 2


def test_bets_of_another_process_are_left_and_named(make_rig: Callable[..., Rig], tmp_path: Path) -> None:
    ours = {"journal": str(tmp_path / "ours.sqlite"), **SOON}
    theirs = make_rig(journal=str(tmp_path / "theirs.sqlite"), **SOON)
    told: list[str] = []
    order = theirs.place()
    theirs.settled(order)
    logger.enable("flumine_core")
    number = logger.add(lambda line: told.append(str(line)), format="{message}")
    try:
        for run in range(2):  # our journal has it from the second run on
            rig = make_rig(**ours)
            rig.wait_until(lambda: list(rig.market.blotter))  # noqa: B023
            rig.settled(rig.place())
            told.clear()
            rig.stop()
            assert [bet.bet_id for bet in rig.ledger.live_bets()] == [order.bet_id], run
            assert [left.bet_id for left in rig.framework.orders_at_exchange()] == [order.bet_id]
            (line,) = [line for line in told if line.startswith("left, since")]
            assert f"bet {order.bet_id}" in line
    finally:
        logger.remove(number)
        logger.disable("flumine_core")
    theirs.stop()
    assert rig.ledger.live_bets() == []


def test_what_the_journal_has_brought_back_is_cancelled(make_rig: Callable[..., Rig]) -> None:
    first = make_rig(on_stop="leave")
    first.settled(first.place())
    first.stop()
    assert len(first.ledger.live_bets()) == 1
    second = make_rig(**SOON)
    second.stop()
    assert second.ledger.live_bets() == []


def test_a_bet_that_has_followed_an_order_of_ours_is_cancelled(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(**SOON)
    order = rig.place()
    rig.settled(order)
    rig.exchange.place_external_bet(MARKET, 11, "BACK", 6.0, 3.0, rfo=order.customer_order_ref)
    rig.wait_until(lambda: len(list(rig.market.blotter)) == 2)
    rig.stop()
    assert rig.ledger.live_bets() == []
