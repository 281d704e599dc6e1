"""Orders over real sockets: placed, cancelled, updated, replaced on a local exchange."""

from collections.abc import Callable
from typing import Any

import pytest

from flumine_core import LimitOnCloseOrder, LimitOrder, MarketOnCloseOrder, OrderStatus, Trade

from .rig import MARKET, Rig

DONE = OrderStatus.EXECUTION_COMPLETE


def test_an_order_is_placed_and_cancelled(rig: Rig) -> None:
    order = rig.place()
    rig.settled(order)
    assert order.status is OrderStatus.EXECUTABLE
    assert rig.ask(lambda: rig.market.cancel_order(order))
    rig.wait_until(lambda: order.status is DONE)
    assert order.size_cancelled == 2.0
    rig.agrees()


def test_part_of_an_order_is_cancelled(rig: Rig) -> None:
    order = rig.place(size=5.0)
    rig.settled(order)
    rig.ask(lambda: rig.market.cancel_order(order, 1.5))
    rig.wait_until(lambda: order.status is OrderStatus.EXECUTABLE)
    assert (order.size_cancelled, order.size_remaining) == (1.5, 3.5)
    rig.agrees()


def test_an_order_is_updated(rig: Rig) -> None:
    order = rig.place()
    rig.settled(order)
    rig.ask(lambda: rig.market.update_order(order, "PERSIST"))
    rig.wait_until(lambda: order.order_type.persistence_type == "PERSIST")
    assert order.status is OrderStatus.EXECUTABLE
    assert rig.ledger.bet(order.bet_id).persistence == "PERSIST"


def test_an_order_is_replaced(rig: Rig) -> None:
    order = rig.place()
    rig.settled(order)
    rig.ask(lambda: rig.market.replace_order(order, 4.0))
    rig.wait_until(lambda: order.complete and len(order.trade.orders) == 2)
    replacement = order.trade.orders[1]
    rig.settled(replacement)
    assert replacement.status is OrderStatus.EXECUTABLE
    assert replacement.order_type.price == 4.0
    assert rig.ledger.bet(replacement.bet_id).replaces == order.bet_id
    rig.agrees()


def test_an_order_is_matched(rig: Rig) -> None:
    order = rig.place(price=1.5)
    rig.wait_until(lambda: order.status is DONE)
    assert (order.size_matched, order.average_price_matched) == (2.0, 2.0)
    resting = rig.place(price=3.0)
    rig.settled(resting)
    rig.exchange.market(MARKET).match_bet(resting.bet_id, 1.0)
    rig.wait_until(lambda: resting.size_matched == 1.0)
    assert resting.status is OrderStatus.EXECUTABLE
    rig.agrees()


def test_a_fill_or_kill_order_is_killed_or_filled_and_never_comes_back(rig: Rig) -> None:
    killed = rig.place(price=3.0, time_in_force="FILL_OR_KILL")
    filled = rig.place(price=1.5, time_in_force="FILL_OR_KILL")
    rig.wait_until(lambda: killed.complete and filled.complete)
    assert (killed.size_matched, filled.size_matched) == (0.0, 2.0)
    rig.agrees()
    assert killed.status_log[-1] is filled.status_log[-1] is DONE


@pytest.mark.parametrize("kind", [LimitOnCloseOrder(10.0, 3.0), MarketOnCloseOrder(10.0)])
def test_starting_price_orders_rest(rig: Rig, kind: Any) -> None:
    def run() -> Any:
        order = Trade(MARKET, 11, 0, rig.trader).create_order("LAY", kind)
        assert rig.market.place_order(order), order.violation_msg
        return order

    order = rig.ask(run)
    rig.settled(order)
    assert order.status is OrderStatus.EXECUTABLE
    rig.agrees()


def test_a_big_transaction_is_sent_in_chunks(rig: Rig) -> None:
    def run() -> list[Any]:
        orders = []
        with rig.market.transaction() as transaction:
            for _ in range(205):
                orders.append(Trade(MARKET, 11, 0, rig.trader).create_order("BACK", LimitOrder(5.0, 2.0)))
                assert transaction.place_order(orders[-1], force=True)
        return orders

    orders = rig.ask(run)
    rig.wait_until(lambda: all(order.status is OrderStatus.EXECUTABLE for order in orders))
    assert rig.ledger.requests["placeOrders"] == 2

    def cancel() -> None:
        with rig.market.transaction() as transaction:
            for order in orders:
                transaction.cancel_order(order)

    rig.ask(cancel)
    rig.wait_until(lambda: all(order.complete for order in orders))
    assert rig.ledger.requests["cancelOrders"] == 4
    rig.agrees()


def test_an_asynchronous_order_is_bound_by_the_order_stream(rig: Rig) -> None:
    order = rig.place(async_place_orders=True)
    rig.wait_until(lambda: order.status is OrderStatus.EXECUTABLE)
    assert order.bet_id is not None
    rig.agrees()


def test_references_and_version_are_sent(rig: Rig) -> None:
    version = rig.ask(lambda: rig.market.market_book.version)
    order = rig.place(market_version=version)
    rig.settled(order)
    bet = rig.ledger.bet(order.bet_id)
    assert bet.rfo == order.customer_order_ref
    assert len(bet.rfo) == 32
    assert bet.rfs == rig.framework.settings.hostname[:15]
    rig.exchange.market(MARKET).remove_runner(33)
    late = rig.place(market_version=1)
    rig.wait_until(lambda: late.complete)
    assert "BET_TAKEN_OR_LAPSED" in late.violation_msg
    rig.agrees()


def test_a_refused_order_is_complete_and_says_why(rig: Rig) -> None:
    order = rig.place(price=3.0, size=2.0, time_in_force="FILL_OR_KILL", min_fill_size=5.0, force=True)
    rig.wait_until(lambda: order.complete)
    assert order.bet_id is None
    assert order.size_remaining == 0
    assert "INVALID_MIN_FILL_SIZE" in order.violation_msg
    assert rig.framework.refusals[-1].order_id == order.id
    rig.agrees()


def test_several_calls_share_a_connection(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig()
    before = rig.ledger.most_open_sockets["http"]
    for _ in range(10):
        rig.settled(rig.place())
    assert rig.ledger.most_open_sockets["http"] <= before + 1


def test_paper_orders_reach_no_exchange(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig({"paper_trade": True}, is_ready=False)
    assert rig.trader.first_book.wait(20)
    rig.place()
    assert rig.ledger.bets() == []


def test_without_an_order_stream_bets_are_listed(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig({"order_stream": False})
    order = rig.place()
    rig.settled(order)
    rig.exchange.market(MARKET).match_bet(order.bet_id)
    rig.wait_until(lambda: order.complete)
    assert order.size_matched == 2.0
    rig.agrees()


def test_a_batch_that_the_account_cannot_pay_for_is_refused_whole(rig: Rig) -> None:
    def run() -> list[Any]:
        orders = []
        with rig.market.transaction() as transaction:
            for size in (2.0, 20_000.0):
                kind = LimitOrder(5.0, size)
                orders.append(Trade(MARKET, 11, 0, rig.trader).create_order("BACK", kind))
                transaction.place_order(orders[-1], force=True)
        return orders

    orders = rig.ask(run)
    rig.wait_until(lambda: all(order.complete for order in orders))
    assert all("INSUFFICIENT_FUNDS" in order.violation_msg for order in orders)
    assert rig.ledger.bets() == []


def test_a_runner_is_removed(rig: Rig) -> None:
    resting, matched, other = rig.place(runner=33), rig.place(runner=33, price=1.5), rig.place(price=1.5)
    rig.wait_until(lambda: matched.complete and other.complete)
    rig.settled(resting)
    rig.exchange.market(MARKET).remove_runner(33, adjustment_factor=30.0)
    rig.wait_until(lambda: resting.complete and matched.size_voided == 2.0)
    rig.wait_until(lambda: other.average_price_matched < 2.0)
    rig.agrees()
    assert rig.ask(lambda: rig.market.blotter.selection_exposure(rig.trader, (MARKET, 33, 0))) == 0
