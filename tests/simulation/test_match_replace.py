"""A replace cancels at once and places the replacement at a later book, with a timing of its own."""

from typing import Any

import pytest

from flumine_core.order.kinds import LimitOrder
from flumine_core.order.report import PlaceReport, ReplaceReport
from flumine_core.order.states import OrderStatus

PRICES = {1: {"atb": [[2.0, 50]], "atl": [[2.04, 50]]}}
BOOKS = (300, 400, 480, 481, 520, 600, 1000, 1320, 1400, 1480, 1481, 1600)


def replaced(house: Any, new_price: float, delay: int = 0, **definition: Any) -> tuple[Any, Any]:
    house.book(0, PRICES, betDelay=delay, **definition)
    order = house.place("BACK", LimitOrder(3.0, 10))
    return order, new_price


def run(house: Any, new_price: float, delay: int, **definition: Any) -> tuple[Any, Any, int]:
    house.book(-20000, PRICES, **definition)
    order = house.place("BACK", LimitOrder(3.0, 10))
    house.book(-100, betDelay=delay)
    house.book(200)
    house.replace(order, new_price)
    cancelled_at = 0
    for ms in BOOKS:
        if any(isinstance(report, ReplaceReport) for report in house.book(ms)):
            cancelled_at = ms
    return order, house.orders[-1], cancelled_at


@pytest.mark.parametrize(
    ("delay", "new_price", "placed_ms"), [(0, 2.5, 520), (0, 2.0, 520), (1, 2.5, 1320), (1, 2.0, 1481)]
)
def test_cancel_knows_no_delay_the_replacement_does(house: Any, delay: int, new_price: float, placed_ms: int) -> None:
    order, replacement, cancelled_at = run(house, new_price, delay)
    assert cancelled_at == 481
    assert (order.size_cancelled, order.status) == (10, OrderStatus.EXECUTION_COMPLETE)
    assert replacement.placed_ms == placed_ms
    assert replacement.size_matched == (10 if new_price == 2.0 else 0)


def test_passive_delay_lets_a_passive_replacement_through(house: Any) -> None:
    _, replacement, _ = run(house, 2.5, 1, betDelayModels=["PASSIVE"])
    assert replacement.placed_ms == 520


def test_replacement_has_the_size_that_was_cancelled(house: Any) -> None:
    house.book(0, PRICES)
    order = house.place("LAY", LimitOrder(1.9, 10, "PERSIST", "OTHER", 3))
    house.book(200)
    house.replace(order, 1.8)
    house.book(400, {1: {"trd": [[1.9, 8]]}})
    house.book(600)
    house.book(700)
    replacement = house.orders[-1]
    assert (order.size_matched, order.size_cancelled) == (4, 6)
    assert replacement.order_type == LimitOrder(1.8, 6, "PERSIST")
    assert (replacement.bet_id, replacement.status) == ("23000002", OrderStatus.EXECUTABLE)


def test_failed_cancel_makes_no_replacement(house: Any) -> None:
    house.book(0, PRICES)
    order = house.place("LAY", LimitOrder(1.9, 10))
    house.book(200)
    house.replace(order, 1.8)
    house.book(300, status="SUSPENDED")
    (report,) = house.book(500, status="OPEN")
    assert (report.is_success, report.error_code) == (False, "ERROR_IN_ORDER")
    assert (order.status, house.orders) == (OrderStatus.EXECUTABLE, [order])
    assert house.book(600) == []


def test_failed_placing_loses_the_replacement(house: Any) -> None:
    house.book(0, PRICES)
    order = house.place("LAY", LimitOrder(1.9, 10))
    house.book(200)
    house.replace(order, 1.8)
    house.book(500, status="SUSPENDED")
    (report,) = house.book(600, status="OPEN")
    assert isinstance(report, PlaceReport)
    assert (report.is_success, report.error_code) == (False, "ERROR_IN_ORDER")
    assert (order.complete, house.orders[-1].complete, house.orders[-1].size_voided) == (True, True, 10)


def test_bet_filled_meanwhile_is_not_replaced(house: Any) -> None:
    house.book(0, PRICES)
    order = house.place("LAY", LimitOrder(1.9, 10))
    house.book(200)
    house.replace(order, 1.8)
    house.book(300, {1: {"trd": [[1.9, 80]]}})
    assert house.book(500) == []
    assert (order.size_matched, house.orders) == (10, [order])


def test_replacement_queues_anew_behind_bets_requested_before_its_placing(house: Any) -> None:
    house.book(0, {})
    order = house.place("LAY", LimitOrder(1.9, 10))
    house.book(200)
    house.replace(order, 1.8)
    house.book(500)
    other = house.place("LAY", LimitOrder(1.8, 10))
    house.book(501)
    house.book(700, {1: {"trd": [[1.8, 24]]}})
    replacement = house.orders[1]
    assert (replacement.placed_ms, other.placed_ms) == (501, 700)
    assert (other.size_matched, replacement.size_matched) == (10, 2)


def test_replacement_is_matched_like_any_bet(house: Any) -> None:
    house.book(0, PRICES)
    order = house.place("BACK", LimitOrder(3.0, 10))
    house.book(200)
    house.replace(order, 2.04)
    house.book(500)
    house.book(600)
    house.book(700, {1: {"trd": [[2.04, 104]]}})
    assert house.orders[-1].size_matched == 2  # behind 50


def test_cancel_latency_holds_a_replace_back(make_house: Any) -> None:
    house = make_house(cancel_latency=1.0)
    house.book(0, PRICES)
    order = house.place("LAY", LimitOrder(1.9, 10))
    house.book(200)
    house.replace(order, 1.8)
    for ms in (500, 1199):
        assert house.book(ms) == []
    assert len(house.book(1200)) == 1
    assert order.size_cancelled == 10
