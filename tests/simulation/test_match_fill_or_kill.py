"""FILL_OR_KILL: the whole minimum at once, on average no worse than the price, or nothing."""

from typing import Any

import pytest

from flumine_core.order.kinds import LimitOrder
from flumine_core.order.states import OrderStatus

LADDERS = {
    1: {
        "atb": [[2.2, 10], [2.0, 10], [1.9, 30]],
        "atl": [[2.3, 5], [2.4, 10], [2.6, 50]],
    }
}


def fill_or_kill(house: Any, side: str, price: float, size: float, least: float | None) -> tuple[Any, Any]:
    house.book(0, LADDERS)
    kind = LimitOrder(price, size, time_in_force="FILL_OR_KILL", min_fill_size=least)
    order = house.place(side, kind)
    (report, *_) = house.book(200)
    return order, report


@pytest.mark.parametrize(
    ("side", "price", "size", "least", "matched", "average"),
    [
        # worse than the best price: would rest
        ("BACK", 2.24, 5, None, 0, 0),
        ("LAY", 2.28, 5, None, 0, 0),
        # the best price: that level alone
        ("BACK", 2.2, 15, None, 0, 0),
        ("BACK", 2.2, 15, 5, 10, 2.2),
        ("BACK", 2.2, 10, None, 10, 2.2),
        ("LAY", 2.3, 5, None, 5, 2.3),
        ("LAY", 2.3, 6, None, 0, 0),
        # better: whole levels while the average holds
        ("BACK", 2.0, 25, None, 25, 2.06),
        ("BACK", 2.0, 50, None, 0, 0),
        ("BACK", 2.0, 50, 20, 20, 2.1),
        ("BACK", 2.1, 25, 5, 20, 2.1),
        ("LAY", 2.4, 20, 1, 15, 2.37),
    ],
)
def test_outcome(
    house: Any, side: str, price: float, size: float, least: float | None, matched: float, average: float
) -> None:
    order, report = fill_or_kill(house, side, price, size, least)
    assert report.is_success
    assert (order.size_matched, order.average_price_matched) == (matched, average)
    assert order.size_cancelled == round(size - matched, 2)
    assert (order.size_remaining, order.status) == (0, OrderStatus.EXECUTION_COMPLETE)


def test_minimum_above_the_size_is_refused(house: Any) -> None:
    order, report = fill_or_kill(house, "BACK", 2.0, 10, 11)
    assert report.error_code == "INVALID_MIN_FILL_SIZE"
    assert (order.size_cancelled, order.bet_id) == (10, None)


def test_empty_ladder_kills(house: Any) -> None:
    house.book(0, {})
    order = house.place("BACK", LimitOrder(1.01, 10, time_in_force="FILL_OR_KILL"))
    house.book(200)
    assert (order.size_matched, order.size_cancelled) == (0, 10)


def test_killed_bet_sees_no_volume(house: Any) -> None:
    house.book(0, {})
    order = house.place("LAY", LimitOrder(2.0, 10, time_in_force="FILL_OR_KILL"))
    house.book(200, {1: {"trd": [[2.0, 50]]}})
    assert order.size_matched == 0
