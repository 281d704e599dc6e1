"""What logging controls and the journal are told of orders: each word with the status that it brought about."""

from collections.abc import Callable
from typing import Any

import pytest

from flumine_core import LoggingControl, OrderStatus

from .rig import MARKET, Rig

PENDING, LIVE, DONE = OrderStatus.PENDING, OrderStatus.EXECUTABLE, OrderStatus.EXECUTION_COMPLETE


class Told(LoggingControl):
    """Keeps the statuses that it is told of, by the order's id."""

    def __init__(self) -> None:
        super().__init__()
        self.placed: dict[str, list[Any]] = {}
        self.statuses: dict[str, list[Any]] = {}

    def process_order(self, event: Any) -> None:
        self.placed.setdefault(event.order.id, []).append(event.order.status)

    def process_order_status(self, event: Any) -> None:
        self.statuses.setdefault(event.order.id, []).append(event.order.status)


@pytest.fixture
def told(rig: Rig) -> Told:
    made = Told()
    rig.ask(lambda: rig.framework.add_logging_control(made))
    return made


def steps(told: Told, order: Any) -> list[Any]:
    """Return an order's statuses without repetitions."""
    found: list[Any] = []
    for status in told.statuses.get(order.id, ()):
        if not found or found[-1] is not status:
            found.append(status)
    return found


def test_a_life(rig: Rig, told: Told) -> None:
    order = rig.place(size=4.0)
    rig.settled(order)
    rig.ask(lambda: rig.market.cancel_order(order, 1.0))
    rig.wait_until(lambda: order.size_cancelled == 1.0 and order.status is LIVE)
    rig.ask(lambda: rig.market.update_order(order, "PERSIST"))
    rig.settled(order)
    rig.ask(lambda: rig.market.replace_order(order, 4.0))
    rig.wait_until(lambda: order.complete and len(order.trade.orders) == 2)
    replacement = order.trade.orders[1]
    rig.wait_until(lambda: replacement.status is LIVE)
    rig.exchange.market(MARKET).match_bet(replacement.bet_id)
    rig.wait_until(lambda: replacement.complete)
    rig.wait_until(lambda: steps(told, replacement)[-1:] == [DONE])
    assert told.placed == {order.id: [LIVE], replacement.id: [LIVE]}
    assert steps(told, order) == [
        PENDING,
        LIVE,
        OrderStatus.CANCELLING,
        LIVE,
        OrderStatus.UPDATING,
        LIVE,
        OrderStatus.REPLACING,
        DONE,
    ]
    assert steps(told, replacement) == [PENDING, LIVE, DONE]


def test_a_placing_that_is_matched_at_once(rig: Rig, told: Told) -> None:
    order = rig.place(price=1.5)
    rig.wait_until(lambda: order.complete)
    rig.wait_until(lambda: steps(told, order)[-1:] == [DONE])
    assert told.placed == {order.id: [LIVE]}


def test_a_refused_placing(rig: Rig, told: Told) -> None:
    report = {"status": "FAILURE", "code": "INSUFFICIENT_FUNDS"}
    rig.exchange.faults.add("http.before_execute", {"op": "placeOrders"}, 1, "report", **report)
    order = rig.place()
    rig.wait_until(lambda: order.complete)
    rig.wait_until(lambda: steps(told, order) == [PENDING, DONE])
    assert told.placed == {}


def test_an_outcome_that_nobody_told(rig: Rig, told: Told) -> None:
    rig.exchange.faults.add("order.publish", None, 1, "skip")
    rig.exchange.faults.add("http.write", {"op": "placeOrders"}, 1, "drop")
    order = rig.place()
    rig.wait_until(lambda: order.status is LIVE)
    rig.wait_until(lambda: steps(told, order) == [PENDING, OrderStatus.UNKNOWN, LIVE])
    assert told.placed == {order.id: [LIVE]}


def test_an_order_that_a_restart_takes_up(make_rig: Callable[..., Rig]) -> None:
    first = make_rig()
    order = first.place()
    first.settled(order)
    first.stop()
    second = make_rig()
    told = Told()
    second.ask(lambda: second.framework.add_logging_control(told))
    by_hand = second.exchange.place_external_bet(MARKET, 22, "LAY", 1.5, 20.0)
    second.wait_until(lambda: second.market.blotter.get_order_bet_id(by_hand) is not None)
    adopted = second.ask(lambda: second.market.blotter.get_order_bet_id(by_hand))
    again = second.ask(lambda: second.market.blotter[order.id])
    second.wait_until(lambda: steps(told, adopted) == [LIVE])
    assert told.placed == {adopted.id: [LIVE]}
    assert again.status is LIVE
