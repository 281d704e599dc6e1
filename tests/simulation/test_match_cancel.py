"""A cancel takes what remains, at most what was asked for, of the bet as it then stands."""

from typing import Any

import pytest

from flumine_core.order.kinds import LimitOnCloseOrder, LimitOrder
from flumine_core.order.states import OrderStatus


def rest(house: Any, size: float = 15) -> Any:
    house.book(0, {})
    order = house.place("LAY", LimitOrder(2.0, size))
    house.book(200)
    return order


@pytest.mark.parametrize(
    ("reduction", "cancelled", "status"),
    [
        (None, 15, OrderStatus.EXECUTION_COMPLETE),
        (0, 15, OrderStatus.EXECUTION_COMPLETE),
        (15, 15, OrderStatus.EXECUTION_COMPLETE),
        (4.5, 4.5, OrderStatus.EXECUTABLE),
    ],
)
def test_size_cancelled(house: Any, reduction: float | None, cancelled: float, status: OrderStatus) -> None:
    order = rest(house)
    house.cancel(order, reduction)
    (report,) = house.book(400)
    assert (report.is_success, report.size_cancelled) == (True, cancelled)
    assert (order.size_cancelled, order.status) == (cancelled, status)


def test_never_more_than_is_left(house: Any) -> None:
    order = rest(house)
    house.cancel(order, 12)
    house.book(300, {1: {"trd": [[2.0, 20]]}})
    house.book(400)
    assert (order.size_matched, order.size_cancelled) == (10, 5)
    assert order.status is OrderStatus.EXECUTION_COMPLETE


def test_bet_is_matched_until_it_is_cancelled_and_not_after(house: Any) -> None:
    order = rest(house)
    house.cancel(order)
    house.book(370, {1: {"trd": [[2.0, 10]]}})
    house.book(371, {1: {"trd": [[2.0, 30]]}})
    assert (order.size_matched, order.size_cancelled) == (5, 10)


def test_bet_filled_meanwhile_is_cancelled_by_nothing(house: Any) -> None:
    order = rest(house)
    house.cancel(order)
    house.book(300, {1: {"trd": [[2.0, 40]]}})
    assert order.status is OrderStatus.EXECUTION_COMPLETE
    (report,) = house.book(400)
    assert (report.is_success, report.size_cancelled, order.size_cancelled) == (True, 0, 0)
    assert order.status_log[-2:] == [OrderStatus.EXECUTION_COMPLETE] * 2


def test_suspended_market_refuses(house: Any) -> None:
    order = rest(house)
    house.cancel(order)
    house.book(300, status="SUSPENDED")
    (report,) = house.book(400, status="OPEN")
    assert (report.is_success, report.error_code) == (False, "ERROR_IN_ORDER")
    assert (order.status, order.size_cancelled) == (OrderStatus.EXECUTABLE, 0)
    house.cancel(order)
    house.book(600)
    assert order.size_cancelled == 15


def test_bet_completed_before_a_failure_is_open_again_for_good(house: Any) -> None:
    order = rest(house)
    house.cancel(order)
    house.book(300, status="SUSPENDED", version=2)
    assert (order.size_lapsed, order.status) == (15, OrderStatus.EXECUTION_COMPLETE)
    (report,) = house.book(400, status="OPEN", version=3)
    assert not report.is_success
    assert order.status_log[-2:] == [OrderStatus.EXECUTION_COMPLETE, OrderStatus.EXECUTABLE]
    assert (order.size_remaining, order.size_lapsed) == (0, 15)


def test_negative_rest_is_cancelled_too(house: Any) -> None:
    order = rest(house, 5)
    house.cancel(order, 2)
    house.book(400)
    house.book(500, runners={1: {"status": "REMOVED", "adjustmentFactor": 20}})
    assert order.size_remaining == -2
    house.cancel(order)
    house.book(700)
    assert (order.size_cancelled, order.size_voided, order.size_remaining) == (0, 5, 0)
    assert order.status is OrderStatus.EXECUTION_COMPLETE


def test_bet_on_close_cannot_be_taken_back(house: Any) -> None:
    house.book(0, {})
    order = house.place("LAY", LimitOnCloseOrder(10, 3.0))
    house.book(200)
    house.replace(order, 4.0)
    (report,) = house.book(500)
    assert (report.is_success, report.error_code) == (False, "BET_ACTION_ERROR")
    assert order.status is OrderStatus.EXECUTABLE
