"""A request waits out its latency; the first later book of its market executes it against the book before."""

from typing import Any

import pytest

from flumine_core.order.kinds import LimitOrder
from flumine_core.order.report import PlaceReport
from flumine_core.order.states import OrderStatus

BACK_NOW = LimitOrder(2.0, 10)
PRICES = {1: {"atb": [[2.0, 50]], "atl": [[2.04, 50]]}}


@pytest.mark.parametrize(("ms", "is_placed"), [(119, False), (120, False), (121, True)])
def test_latency_has_to_be_exceeded(house: Any, ms: int, is_placed: bool) -> None:
    house.book(0, PRICES)
    order = house.place("BACK", BACK_NOW)
    house.book(ms)
    assert (order.bet_id is not None) is is_placed


def test_bet_is_executed_against_the_book_before(house: Any) -> None:
    house.book(0, PRICES)
    order = house.place("BACK", LimitOrder(2.0, 10))
    house.book(100, {1: {"atb": [[2.2, 4]]}})
    house.book(200, {1: {"atb": [[2.2, 0], [2.0, 0]]}})
    assert order.size_matched == 10
    assert order.average_price_matched == 2.08  # 4 at 2.2, 6 at 2.0


def test_placed_time_is_the_executing_books(house: Any) -> None:
    house.book(0, PRICES)
    order = house.place("BACK", BACK_NOW)
    house.book(200)
    assert order.placed_ms == 200


def test_matched_in_full_at_placing_is_executable_until_the_book_is_through(house: Any) -> None:
    house.book(0, PRICES)
    order = house.place("BACK", BACK_NOW)
    house.book(200)
    assert order.status_log == [
        OrderStatus.PENDING,
        OrderStatus.EXECUTABLE,
        OrderStatus.EXECUTION_COMPLETE,
    ]


def test_closed_book_still_executes(house: Any) -> None:
    house.book(0, PRICES)
    order = house.place("BACK", BACK_NOW)
    house.book(200, status="CLOSED")
    assert order.size_matched == 10
    assert order.status is OrderStatus.EXECUTABLE


@pytest.mark.parametrize(
    ("request_name", "argument", "latency"),
    [("cancel", None, 170), ("update", "PERSIST", 150), ("replace", 3.0, 280)],
)
def test_other_requests_wait_as_long_as_the_settings_say(
    house: Any, request_name: str, argument: Any, latency: int
) -> None:
    house.book(0, PRICES)
    order = house.place("BACK", LimitOrder(2.5, 10))
    house.book(200)
    getattr(house, request_name)(order, argument)
    status = order.status
    house.book(200 + latency)
    assert order.status is status
    house.book(200 + latency + 1)
    assert order.status is not status


def test_latencies_come_from_the_settings(make_house: Any) -> None:
    house = make_house(place_latency=1.5)
    house.book(0, PRICES)
    order = house.place("BACK", BACK_NOW)
    house.book(1500)
    assert order.bet_id is None
    house.book(1501)
    assert order.bet_id is not None


def test_requests_are_executed_in_the_order_they_were_made(house: Any) -> None:
    house.book(0, PRICES)
    orders = [house.place("BACK", LimitOrder(2.5, size)) for size in (3, 1, 2)]
    reports = house.book(200)
    assert [report.order for report in reports] == orders
    assert [order.bet_id for order in orders] == ["23000001", "23000002", "23000003"]


def test_failed_placing_uses_up_a_bet_id(house: Any) -> None:
    house.book(0, PRICES)
    house.place("BACK", LimitOrder(2.5, 2), selection_id=9)
    order = house.place("BACK", LimitOrder(2.5, 2))
    house.book(200)
    assert order.bet_id == "23000002"


def test_unanswered_requests_are_dropped_when_the_stream_ends(house: Any) -> None:
    house.book(0, PRICES)
    first = house.place("BACK", BACK_NOW)
    resting = house.place("BACK", LimitOrder(2.5, 2))
    house.book(200)
    house.cancel(resting)
    last = house.place("BACK", BACK_NOW)
    reports = house.execution.end_stream()
    assert [report.order for report in reports] == [resting, last]
    assert {report.reason for report in reports} == {"market stream ended before the request was executed"}
    assert first.size_matched == 10
    assert list(house.execution.end_stream()) == []


def test_unmade_replacement_is_dropped_with_the_stream(house: Any) -> None:
    house.book(0, PRICES)
    order = house.place("BACK", LimitOrder(2.5, 2))
    house.book(200)
    house.replace(order, 3.0)
    house.book(500)
    assert [report.order for report in house.execution.end_stream()] == [house.orders[-1]]


@pytest.mark.parametrize(
    ("kind", "selection_id", "error_code"),
    [
        (LimitOrder(2.0, 2), 9, "INVALID_RUNNER"),
        (LimitOrder(2.0, None, bet_target_type="PAYOUT", bet_target_size=10), 1, "INVALID_BET_SIZE"),
        (LimitOrder(2.0), 1, "INVALID_BET_SIZE"),
        (LimitOrder(None, 2), 1, "INVALID_ODDS"),  # type: ignore[arg-type]
    ],
)
def test_nonsense_is_refused_not_raised(house: Any, kind: LimitOrder, selection_id: int, error_code: str) -> None:
    house.book(0, PRICES)
    order = house.place("BACK", kind, selection_id)
    (report,) = house.book(200)
    assert isinstance(report, PlaceReport)
    assert (report.is_success, report.error_code) == (False, error_code)
    assert order.status is OrderStatus.EXECUTION_COMPLETE
    assert order.size_remaining == 0


def test_market_without_a_book_refuses(house: Any) -> None:
    order = house.place("BACK", BACK_NOW)
    (report,) = house.book(200, PRICES)
    assert (report.is_success, report.error_code) == (False, "INVALID_MARKET_ID")
    assert order.status is OrderStatus.EXECUTION_COMPLETE


def test_bet_of_another_run_is_refused(house: Any) -> None:
    house.book(0, PRICES)
    order = house.order("BACK", LimitOrder(2.5, 2))
    order.client, order.bet_id = house.client, "1"
    order.placing()
    order.executable()
    house.cancel(order)
    (report,) = house.book(200)
    assert (report.is_success, report.error_code) == (False, "INVALID_BET_ID")
    assert order.status is OrderStatus.EXECUTABLE


def test_idle_market_reports_nothing(house: Any) -> None:
    assert house.book(0, PRICES) == []
    assert house.book(1, {1: {"trd": [[2.0, 5]]}}) == []


def test_requests_of_other_markets_are_left_alone(house: Any) -> None:
    house.book(0, PRICES)
    order = house.place("BACK", BACK_NOW)
    other = type("Other", (), {"market_id": "1.99", "market_book": None, "market_type": "WIN"})()
    book = house.cache.update(house.change(), 5000)
    other_book = type("Book", (), {"market_id": "1.99", "definition": book.definition})()
    assert list(house.execution.before_book(other, other_book)) == []
    assert order.bet_id is None
