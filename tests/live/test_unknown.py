"""Outcomes that nobody told, over real sockets: nothing is lost and nothing doubled."""

from collections.abc import Callable
from typing import Any

import pytest

from flumine_core import OrderStatus

from .rig import MARKET, Rig

DONE, LIVE = OrderStatus.EXECUTION_COMPLETE, OrderStatus.EXECUTABLE

AFTER = [
    ("http.after_execute", "drop", {}),
    ("http.after_execute", "rst", {}),
    ("http.after_execute", "status", {"status": 503}),
    ("http.after_execute", "html", {}),
    ("http.after_execute", "error", {"code": "TIMEOUT_ERROR"}),
    ("http.write", "half_body", {}),
    ("http.write", "hang", {}),
]
"""The call is carried out, and its answer is lost."""

BEFORE = [
    ("http.before_execute", "drop", {}),
    ("http.before_execute", "status", {"status": 502}),
    ("http.before_execute", "html", {}),
    ("http.before_execute", "error", {"code": "SERVICE_BUSY"}),
]
"""The call is not carried out, and nobody says so."""


def arm(rig: Rig, fault: tuple[str, str, dict[str, Any]], operation: str, count: Any = 1) -> Any:
    hook, action, params = fault
    return rig.exchange.faults.add(hook, {"op": operation}, count, action, **params)


def name(fault: Any) -> Any:
    return f"{fault[0]}-{fault[1]}" if isinstance(fault, tuple) else None


@pytest.mark.parametrize("fault", AFTER, ids=name)
@pytest.mark.parametrize("has_stream", [True, False], ids=["stream", "no-stream"])
def test_the_answer_to_a_placing_is_lost(rig: Rig, fault: Any, has_stream: bool) -> None:
    if not has_stream:
        rig.exchange.faults.add("order.publish", None, None, "skip")
    arm(rig, fault, "placeOrders")
    order = rig.place()
    rig.wait_until(lambda: order.status is LIVE)
    assert order.bet_id == rig.ledger.bets()[0].bet_id
    rig.ask(lambda: rig.market.cancel_order(order))
    rig.wait_until(lambda: order.status is DONE)
    rig.agrees()
    assert len(rig.ledger.bets()) == 1


@pytest.mark.parametrize("fault", BEFORE, ids=name)
def test_a_placing_is_lost_on_its_way(rig: Rig, fault: Any) -> None:
    arm(rig, fault, "placeOrders")
    order = rig.place()
    rig.wait_until(lambda: order.status is LIVE)
    assert OrderStatus.UNKNOWN in order.status_log
    rig.agrees()
    assert len(rig.ledger.bets()) == 1


def test_a_placing_that_never_arrives_is_not_placed(rig: Rig) -> None:
    arm(rig, ("http.before_execute", "drop", {}), "placeOrders", None)
    order = rig.place()
    rig.wait_until(lambda: order.status is OrderStatus.UNKNOWN)
    exposure = rig.ask(lambda: rig.market.blotter.selection_exposure(rig.trader, order.lookup))
    assert exposure == 2.0
    rig.wait_until(lambda: order.complete)
    assert "not placed" in order.violation_msg
    assert rig.framework.refusals[-1].order_id == order.id
    assert rig.ask(lambda: rig.market.blotter.selection_exposure(rig.trader, order.lookup)) == 0
    sends = rig.ledger.requests["placeOrders"]
    rig.agrees()
    assert rig.ledger.requests["placeOrders"] == sends
    assert rig.ledger.bets() == []


@pytest.mark.parametrize("has_reports", [True, False])
@pytest.mark.parametrize("has_stream", [True, False], ids=["stream", "no-stream"])
def test_a_duplicate_is_looked_up(rig: Rig, has_reports: bool, has_stream: bool) -> None:
    if not has_stream:
        rig.exchange.faults.add("order.publish", None, None, "skip")
    result: dict[str, Any] = {"status": "FAILURE", "errorCode": "DUPLICATE_TRANSACTION", "marketId": MARKET}
    if has_reports:
        result["instructionReports"] = [{"status": "FAILURE", "errorCode": "ERROR_IN_ORDER"}]
    rig.exchange.faults.add("http.after_execute", {"op": "placeOrders"}, 1, "replace", result=result)
    order = rig.place()
    rig.wait_until(lambda: order.status is LIVE)
    rig.agrees()


@pytest.mark.parametrize("seconds", [0.3, None], ids=["late", "never"])
def test_a_report_says_timeout(rig: Rig, seconds: float | None) -> None:
    params = {} if seconds is None else {"seconds": seconds}
    rig.exchange.faults.add("http.before_execute", {"op": "placeOrders"}, 1, "report_late", **params)
    arm(rig, ("http.before_execute", "drop", {}), "placeOrders", None)
    order = rig.place()
    rig.wait_until(lambda: order.status is (DONE if seconds is None else LIVE))
    rig.agrees()
    assert len(rig.ledger.bets()) == (seconds is not None)


def test_a_bet_comes_after_it_was_given_up(rig: Rig) -> None:
    rig.exchange.faults.add("http.before_execute", {"op": "placeOrders"}, 1, "report_late", seconds=5.0)
    arm(rig, ("http.before_execute", "drop", {}), "placeOrders", None)
    order = rig.place()
    rig.wait_until(lambda: DONE in order.status_log)
    rig.wait_until(lambda: order.status is LIVE)
    rig.exchange.market(MARKET).match_bet(order.bet_id)
    rig.wait_until(lambda: order.status is DONE)
    rig.agrees()


def test_the_order_stream_is_ahead_of_the_answer(rig: Rig) -> None:
    rig.exchange.faults.add("http.write", {"op": "placeOrders"}, 1, "delay", seconds=0.5)
    order = rig.place(price=1.5)
    rig.wait_until(lambda: order.bet_id is not None and order.complete)
    assert order.size_matched == 2.0
    assert not rig.execution.is_idle
    rig.wait_until(lambda: rig.execution.is_idle)
    rig.agrees()


def test_the_order_stream_lags(rig: Rig) -> None:
    hold = rig.exchange.faults.add("order.publish", None, 3, "hold", seconds=0.5)
    order = rig.place()
    rig.settled(order)
    rig.ask(lambda: rig.market.cancel_order(order, 1.0))
    rig.wait_until(lambda: order.status is LIVE and order.size_cancelled == 1.0)
    assert hold.hits
    rig.agrees()


@pytest.mark.parametrize("seconds", [0.3, None], ids=["late", "never"])
def test_an_asynchronous_order_is_forgotten(rig: Rig, seconds: float | None) -> None:
    params = {} if seconds is None else {"seconds": seconds}
    rig.exchange.faults.add("http.before_execute", {"op": "placeOrders"}, 1, "forget_async", **params)
    order = rig.place(async_place_orders=True)
    rig.wait_until(lambda: order.status is (DONE if seconds is None else LIVE))
    assert rig.ledger.requests["placeOrders"] == 1
    rig.agrees()


def test_an_asynchronous_order_lapses_unseen(rig: Rig) -> None:
    rig.exchange.faults.add("order.publish", None, None, "skip")
    order = rig.place(async_place_orders=True)
    rig.wait_until(lambda: rig.ledger.bets())
    rig.exchange.market(MARKET).lapse_bet(rig.ledger.bets()[0].bet_id)
    rig.wait_until(lambda: order.status is DONE)
    rig.agrees()


def place_many(rig: Rig, count: int) -> list[Any]:
    from flumine_core import LimitOrder, Trade

    def run() -> list[Any]:
        orders = []
        with rig.market.transaction() as transaction:
            for number in range(count):
                trade = Trade(MARKET, (11, 22, 33)[number % 3], 0, rig.trader)
                orders.append(trade.create_order("BACK", LimitOrder(3.0 + number * 0.1 // 0.05 * 0.05, 2.0)))
                transaction.place_order(orders[-1], force=True)
        return orders

    found: list[Any] = rig.ask(run)
    return found


def test_reports_come_in_another_order(rig: Rig) -> None:
    rig.exchange.faults.add("order.publish", None, None, "skip")
    for operation in ("placeOrders", "cancelOrders"):
        rig.exchange.faults.add("http.after_execute", {"op": operation}, 1, "shuffle_reports")
    orders = place_many(rig, 6)
    rig.settled(*orders)
    for order in orders:
        assert rig.ledger.bet(order.bet_id).rfo == order.customer_order_ref

    def cancel() -> None:
        with rig.market.transaction() as transaction:
            for order in orders[:3]:
                transaction.cancel_order(order)

    rig.ask(cancel)
    rig.wait_until(lambda: all(order.complete for order in orders[:3]))
    rig.agrees()


@pytest.mark.parametrize("operation", ["placeOrders", "cancelOrders", "listCurrentOrders"])
def test_an_unknown_field_is_passed_over(rig: Rig, operation: str) -> None:
    rig.exchange.faults.add("http.after_execute", {"op": operation}, 1, "add_field")
    if operation == "listCurrentOrders":
        rig.exchange.faults.add("order.publish", None, None, "skip")
        arm(rig, AFTER[0], "placeOrders")
    order = rig.place()
    rig.wait_until(lambda: order.status is LIVE)
    rig.ask(lambda: rig.market.cancel_order(order))
    rig.wait_until(lambda: order.complete)
    rig.agrees()


@pytest.mark.parametrize("size_reduction", [None, 0.5], ids=["all", "part"])
@pytest.mark.parametrize("fault", [*AFTER, *BEFORE], ids=name)
@pytest.mark.parametrize("has_stream", [True, False], ids=["stream", "no-stream"])
def test_the_answer_to_a_cancel_is_lost(rig: Rig, fault: Any, has_stream: bool, size_reduction: float | None) -> None:
    order = rig.place()
    rig.settled(order)
    if not has_stream:
        rig.exchange.faults.add("order.publish", None, None, "skip")
    arm(rig, fault, "cancelOrders")
    rig.ask(lambda: rig.market.cancel_order(order, size_reduction))
    rig.wait_until(lambda: order.status is (LIVE if size_reduction else DONE))
    assert order.size_cancelled == (size_reduction or 2.0)
    rig.agrees()
    assert rig.ledger.cancel_alls == 0


@pytest.mark.parametrize("has_stream", [True, False], ids=["stream", "no-stream"])
@pytest.mark.parametrize("size", [1.0, 2.0])
def test_a_cancel_races_a_match(rig: Rig, size: float, has_stream: bool) -> None:
    order = rig.place()
    rig.settled(order)
    if not has_stream:
        rig.exchange.faults.add("order.publish", None, None, "skip")
    args = {"bet_id": order.bet_id, "size": size}
    rig.exchange.faults.add(
        "http.before_execute",
        {"op": "cancelOrders"},
        1,
        "market",
        method="match_bet",
        args={**args, "market_id": MARKET},
    )
    rig.ask(lambda: rig.market.cancel_order(order))
    rig.wait_until(lambda: order.status is DONE)
    assert (order.size_matched, order.size_cancelled) == (size, 2.0 - size)
    rig.agrees()


@pytest.mark.parametrize("fault", [*AFTER, *BEFORE], ids=name)
@pytest.mark.parametrize("has_stream", [True, False], ids=["stream", "no-stream"])
def test_the_answer_to_an_update_is_lost(rig: Rig, fault: Any, has_stream: bool) -> None:
    order = rig.place()
    rig.settled(order)
    if not has_stream:
        rig.exchange.faults.add("order.publish", None, None, "skip")
    arm(rig, fault, "updateOrders")
    rig.ask(lambda: rig.market.update_order(order, "PERSIST"))
    rig.wait_until(lambda: order.status is LIVE)
    assert order.order_type.persistence_type == "PERSIST"
    assert rig.ledger.bet(order.bet_id).persistence == "PERSIST"


@pytest.mark.parametrize("fault", [*AFTER, *BEFORE], ids=name)
@pytest.mark.parametrize("has_stream", [True, False], ids=["stream", "no-stream"])
def test_the_answer_to_a_replace_is_lost(rig: Rig, fault: Any, has_stream: bool) -> None:
    order = rig.place()
    rig.settled(order)
    if not has_stream:
        rig.exchange.faults.add("order.publish", None, None, "skip")
    arm(rig, fault, "replaceOrders")
    rig.ask(lambda: rig.market.replace_order(order, 4.0))
    rig.wait_until(lambda: order.complete and len(order.trade.orders) == 2 and order.trade.orders[1].status is LIVE)
    replacement = order.trade.orders[1]
    assert [bet.bet_id for bet in rig.ledger.live_bets()] == [replacement.bet_id]
    rig.agrees()
    rig.ask(lambda: rig.market.cancel_order(replacement))
    rig.wait_until(lambda: replacement.complete)
    rig.agrees()


@pytest.mark.parametrize("status", ["FAILURE", "TIMEOUT"])
def test_a_replace_cancels_and_does_not_place(rig: Rig, status: str) -> None:
    order = rig.place()
    rig.settled(order)
    rig.exchange.faults.add("http.before_execute", {"op": "replaceOrders"}, 1, "fail_place_leg", status=status)
    rig.ask(lambda: rig.market.replace_order(order, 4.0))
    rig.wait_until(lambda: order.complete and len(order.trade.orders) == 2 and order.trade.orders[1].complete)
    assert rig.ledger.live_bets() == []
    assert rig.framework.refusals[-1].order_id == order.trade.orders[1].id
    rig.agrees()
    assert rig.ask(lambda: rig.market.blotter.selection_exposure(rig.trader, order.lookup)) == 0


def test_a_replace_finds_its_bet_matched(rig: Rig) -> None:
    order = rig.place()
    rig.settled(order)
    args = {"bet_id": order.bet_id, "market_id": MARKET}
    rig.exchange.faults.add("http.before_execute", {"op": "replaceOrders"}, 1, "market", method="match_bet", args=args)
    rig.ask(lambda: rig.market.replace_order(order, 4.0))
    rig.wait_until(lambda: order.status is DONE)
    assert order.size_matched == 2.0
    rig.agrees()
    assert len(rig.ledger.bets()) == 1


def test_a_hung_call_holds_up_no_other(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(read_timeout=400.0)
    hang = arm(rig, ("http.write", "hang", {}), "placeOrders")
    rig.place()
    assert hang.struck.wait(20)
    other = rig.place()
    rig.settled(other)
    rig.ask(lambda: rig.market.cancel_order(other))
    rig.wait_until(lambda: other.complete)


def test_nothing_is_sent_again_when_it_is_late(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(resend_within=0.0)
    arm(rig, ("http.before_execute", "drop", {}), "placeOrders", None)
    order = rig.place()
    rig.wait_until(lambda: order.complete)
    assert rig.ledger.requests["placeOrders"] == 1
    rig.agrees()
