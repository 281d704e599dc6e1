"""An update changes the bet's persistence at the request; the answer comes after the latency."""

from typing import Any

import pytest

from flumine_core.order.kinds import LimitOrder
from flumine_core.order.states import OrderStatus


def rest(house: Any, persistence: str = "LAPSE", **definition: Any) -> Any:
    house.book(0, {}, **definition)
    order = house.place("LAY", LimitOrder(2.0, 15, persistence))
    house.book(200)
    return order


def test_order_has_its_new_kind_with_the_answer(house: Any) -> None:
    order = rest(house)
    kind = order.order_type
    house.update(order, "PERSIST")
    assert order.order_type is kind
    (report,) = house.book(400)
    assert report.is_success
    assert order.order_type == LimitOrder(2.0, 15, "PERSIST")
    assert order.status is OrderStatus.EXECUTABLE


def test_bet_has_its_persistence_at_once(house: Any) -> None:
    order = rest(house)
    house.update(order, "PERSIST")
    house.book(210, status="SUSPENDED", version=2)
    assert (order.size_lapsed, order.status) == (0, OrderStatus.UPDATING)


def test_starting_price_is_taken_before_the_answer(house: Any) -> None:
    order = rest(house)
    house.update(order, "MARKET_ON_CLOSE")
    house.book(210, runners={1: {"bsp": 2.5}}, bspReconciled=True)
    assert (order.size_matched, order.average_price_matched) == (10, 2.5)


@pytest.mark.parametrize(
    ("meanwhile", "error_code"),
    [
        ({"status": "SUSPENDED"}, "ERROR_IN_ORDER"),
        ({"persistenceEnabled": False}, "INVALID_PERSISTENCE_TYPE"),
    ],
)
def test_failure_is_not_rolled_back(house: Any, meanwhile: dict[str, Any], error_code: str) -> None:
    order = rest(house)
    house.update(order, "PERSIST")
    house.book(300, **meanwhile)
    (report,) = house.book(400, status="OPEN")
    assert (report.is_success, report.error_code) == (False, error_code)
    assert (order.status, order.order_type.persistence_type) == (OrderStatus.EXECUTABLE, "PERSIST")
    house.book(500, status="SUSPENDED", version=2)
    assert order.size_lapsed == 0


def test_bet_filled_meanwhile_is_open_again_for_good(house: Any) -> None:
    order = rest(house)
    house.update(order, "PERSIST")
    house.book(300, {1: {"trd": [[2.0, 40]]}})
    assert order.status is OrderStatus.EXECUTION_COMPLETE
    (report,) = house.book(400)
    assert (report.is_success, report.error_code) == (False, "BET_ACTION_ERROR")
    assert (order.status_log[-2:], order.size_matched) == (
        [OrderStatus.EXECUTION_COMPLETE, OrderStatus.EXECUTABLE],
        15,
    )


def test_bet_open_again_is_completed_by_the_starting_price(house: Any) -> None:
    order = rest(house)
    house.update(order, "MARKET_ON_CLOSE")
    house.book(300, {1: {"trd": [[2.0, 40]]}})
    house.book(400)
    (report,) = house.book(500, runners={1: {"bsp": 2.5}}, bspReconciled=True)
    assert report.is_complete
    assert (order.size_matched, order.average_price_matched) == (15, 2.0)


def test_replacement_inherits_what_a_failed_update_asked_for(house: Any) -> None:
    order = rest(house)
    house.update(order, "PERSIST")
    house.book(300, status="SUSPENDED")
    house.book(400, status="OPEN")
    house.replace(order, 1.9)
    house.book(700)
    house.book(800)
    house.book(900, status="SUSPENDED", version=2)
    replacement = house.orders[-1]
    assert (replacement.size_remaining, replacement.size_lapsed) == (15, 0)
