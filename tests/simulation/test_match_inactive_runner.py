"""A runner that stops being ACTIVE has its last volume offered again at every later book."""

from typing import Any

import pytest

from flumine_core.order.kinds import LimitOrder
from flumine_core.order.states import OrderStatus


@pytest.mark.parametrize("status", ["REMOVED", "HIDDEN", "LOSER", None])
def test_last_volume_is_offered_again_and_again(house: Any, status: str | None) -> None:
    house.book(0, {1: {"trd": [[2.0, 10]]}})
    order = house.place("LAY", LimitOrder(2.0, 100))
    house.book(200)
    house.book(300, {1: {"trd": [[2.0, 14]]}})
    house.book(400, {1: {"trd": [[2.0, 90]]}}, runners={1: {"status": status}})
    assert order.size_matched == 4  # 2, and the same again
    house.book(500)
    house.book(600, {2: {"atb": [[2.0, 1]]}})
    assert order.size_matched == 8


def test_without_volume_in_the_last_book_nothing_is_offered(house: Any) -> None:
    house.book(0, {1: {"trd": [[2.0, 10]]}})
    order = house.place("LAY", LimitOrder(2.0, 100))
    house.book(200, {1: {"trd": [[2.0, 14]]}})
    house.book(300, {1: {"atb": [[1.9, 14]]}})
    house.book(400, {1: {"trd": [[2.0, 90]]}}, runners={1: {"status": "HIDDEN"}})
    house.book(500)
    assert order.size_matched == 2


def test_runner_active_again_brings_the_difference(house: Any) -> None:
    house.book(0, {1: {"trd": [[2.0, 10]]}})
    order = house.place("LAY", LimitOrder(2.0, 100))
    house.book(200)
    house.book(300, {1: {"trd": [[2.0, 20]]}}, runners={1: {"status": "HIDDEN"}})
    house.book(400, {1: {"trd": [[2.0, 24]]}})
    assert order.size_matched == 0
    house.book(500, {1: {"trd": [[2.0, 26]]}}, runners={1: {"status": "ACTIVE"}})
    assert order.size_matched == 8
    house.book(600, {1: {"trd": [[2.0, 30]]}})
    assert order.size_matched == 10


def test_last_volume_of_before_the_first_order_counts(house: Any) -> None:
    house.book(0, {1: {"trd": [[2.0, 10]]}})
    house.book(100, {1: {"trd": [[2.0, 14]]}})
    house.book(200, runners={1: {"status": "HIDDEN"}})
    order = house.place("LAY", LimitOrder(2.0, 100))
    house.book(400)
    house.book(500)
    assert order.size_matched == 4


def test_returning_runner_that_leaves_again_has_its_return_offered(house: Any) -> None:
    house.book(0, {1: {"trd": [[2.0, 10]]}})
    house.book(100, runners={1: {"status": "HIDDEN"}})
    order = house.place("LAY", LimitOrder(2.0, 100))
    house.book(300, {1: {"trd": [[2.0, 16]]}}, runners={1: {"status": "ACTIVE"}})
    house.book(400, runners={1: {"status": "HIDDEN"}})
    assert order.size_matched == 6


def test_closing_forgets_volumes(house: Any) -> None:
    house.book(0, {1: {"trd": [[2.0, 10]]}})
    order = house.place("LAY", LimitOrder(2.0, 100, "PERSIST"))
    house.book(200)
    house.book(300, {1: {"trd": [[2.0, 50]]}}, status="CLOSED")
    house.book(400, {1: {"trd": [[2.0, 60]]}}, status="OPEN")
    assert order.size_matched == 0
    house.book(500, {1: {"trd": [[2.0, 64]]}})
    assert order.size_matched == 2


def test_runner_never_active_since_the_market_opened_ends_the_pass(house: Any) -> None:
    house.book(0, {})
    before, blind, after = (
        house.place("LAY", LimitOrder(price, 10), selection_id=number)
        for price, number in ((3.0, 2), (2.5, 1), (2.0, 3))
    )
    other = house.place("LAY", LimitOrder(2.0, 10), selection_id=3, strategy="b")
    house.book(200)
    house.book(300, status="CLOSED", runners={1: {"status": "LOSER"}})
    house.book(400, status="SUSPENDED")
    house.book(500, status="SUSPENDED", version=2)
    assert before.size_lapsed == 10
    assert [order.size_lapsed for order in (blind, after, other)] == [0, 0, 0]
    assert after.status is OrderStatus.EXECUTABLE
    house.book(600, {2: {"trd": [[1.9, 8]]}, 3: {"trd": [[1.9, 8]]}})
    assert after.size_matched == 0
    assert ["runner (1, 0)" in told for told in house.stream_errors] == [True]


def test_a_runner_that_the_definition_lacks_at_the_opening_stays_active(house: Any) -> None:
    house.book(0)
    missing, order = (house.place("LAY", LimitOrder(2.0, 10, "PERSIST"), number) for number in (3, 1))
    house.book(200)
    house.book(300, status="CLOSED")
    del house.runners[3]
    house.book(400, status="OPEN")
    house.book(500, {number: {"trd": [[2.0, 8]]} for number in (1, 3)})
    assert order.size_matched == missing.size_matched == 4
    assert house.stream_errors == []
