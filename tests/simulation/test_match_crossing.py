"""A bet that crosses takes visible levels at their own prices; what is left rests at the front."""

from typing import Any

import pytest

from flumine_core.errors import DataError
from flumine_core.order.kinds import LimitOrder

LADDERS = {
    1: {
        "atb": [[2.2, 10], [2.0, 10], [1.9, 30]],
        "atl": [[2.3, 5], [2.4, 10], [2.6, 50]],
    }
}


def place(house: Any, side: str, kind: LimitOrder) -> Any:
    house.book(0, LADDERS)
    order = house.place(side, kind)
    house.book(200)
    return order


@pytest.mark.parametrize(
    ("side", "price", "size", "matched", "average"),
    [
        ("BACK", 2.2, 4, 4, 2.2),
        ("BACK", 2.0, 25, 20, 2.1),
        ("BACK", 2.1, 25, 10, 2.2),
        ("BACK", 1.01, 60, 50, 1.98),
        ("BACK", 2.4, 5, 0, 0),
        ("LAY", 2.3, 5, 5, 2.3),
        ("LAY", 2.4, 20, 15, 2.37),
        ("LAY", 1000, 100, 65, 2.55),
        ("LAY", 2.2, 5, 0, 0),
    ],
)
def test_levels_are_taken_at_their_own_prices(
    house: Any, side: str, price: float, size: float, matched: float, average: float
) -> None:
    order = place(house, side, LimitOrder(price, size))
    assert (order.size_matched, order.average_price_matched) == (matched, average)
    assert order.size_remaining == round(size - matched, 2)


def test_minimum_fill_without_fill_or_kill_is_ignored(house: Any) -> None:
    order = place(house, "BACK", LimitOrder(2.0, 25, min_fill_size=25))
    assert (order.size_matched, order.average_price_matched, order.size_remaining) == (20, 2.1, 5)


def test_the_rest_has_no_queue(house: Any) -> None:
    order = place(house, "BACK", LimitOrder(2.0, 25))
    house.book(300, {1: {"trd": [[2.0, 4]]}})
    assert order.size_matched == 22  # half of the 4


def test_visible_volume_is_not_used_up(house: Any) -> None:
    house.book(0, LADDERS)
    first, second = (house.place("BACK", LimitOrder(2.2, 10)) for _ in range(2))
    house.book(200)
    assert (first.size_matched, second.size_matched) == (10, 10)


def test_each_fill_is_rounded(house: Any) -> None:
    house.book(0, {1: {"atb": [[2.0, 0.333], [1.95, 0.333], [1.9, 0.334]]}})
    order = house.place("BACK", LimitOrder(1.9, 1))
    house.book(200)
    assert (order.size_matched, order.size_remaining) == (0.99, 0.01)


@pytest.mark.parametrize(("side", "price"), [("BACK", 1.01), ("LAY", 1000)])
def test_outermost_price_on_an_empty_ladder_rests_without_queue(house: Any, side: str, price: float) -> None:
    own = "atl" if side == "BACK" else "atb"
    house.book(0, {1: {own: [[price, 100]]}})
    order = house.place(side, LimitOrder(price, 10))
    house.book(200)
    assert order.size_matched == 0
    house.book(300, {1: {"trd": [[price, 4]]}})
    assert order.size_matched == 2


def test_a_price_that_no_market_has_is_told_where_it_matches(house: Any) -> None:
    house.book(0, {1: {"atb": [[1e308, 10]]}})
    house.place("BACK", LimitOrder(2.0, 5))
    with pytest.raises(DataError, match=r"1e\+308"):
        house.book(200)
