"""A resting bet queues behind what was visible at its very price."""

from typing import Any

import pytest

from flumine_core.order.kinds import LimitOrder

LADDERS = {1: {"atb": [[2.0, 20]], "atl": [[2.04, 5], [2.1, 7]]}}


def matched_after(house: Any, side: str, price: float, traded: float) -> float:
    house.book(0, LADDERS)
    order = house.place(side, LimitOrder(price, 100))
    house.book(200)
    house.book(300, {1: {"trd": [[price, traded]]}})
    return float(order.size_matched)


@pytest.mark.parametrize(
    ("side", "price", "queue"),
    [
        ("BACK", 2.04, 5),
        ("BACK", 2.1, 7),
        ("BACK", 2.06, 0),
        ("BACK", 2.2, 0),
        ("LAY", 2.0, 20),
        ("LAY", 2.02, 0),
        ("LAY", 1.9, 0),
    ],
)
def test_queue_is_the_size_at_exactly_the_price(house: Any, side: str, price: float, queue: float) -> None:
    assert matched_after(house, side, price, 60) == 30 - queue


@pytest.mark.parametrize("traded", [2, 9.98, 10])
def test_volume_up_to_the_queue_matches_nothing(house: Any, traded: float) -> None:
    assert matched_after(house, "BACK", 2.04, traded) == 0


def test_queue_shrinks_book_by_book(house: Any) -> None:
    house.book(0, LADDERS)
    order = house.place("BACK", LimitOrder(2.04, 15))
    house.book(200)
    for ms, total, matched in ((300, 6, 0), (400, 9, 0), (500, 12, 1), (600, 14, 2)):
        house.book(ms, {1: {"trd": [[2.04, total]]}})
        assert order.size_matched == matched


def test_cancellations_ahead_are_not_seen(house: Any) -> None:
    house.book(0, LADDERS)
    order = house.place("BACK", LimitOrder(2.04, 15))
    house.book(200)
    house.book(300, {1: {"atl": [[2.04, 0]]}})
    house.book(400, {1: {"trd": [[2.04, 8]]}})
    assert order.size_matched == 0


def test_queue_is_of_the_book_before(house: Any) -> None:
    house.book(0, LADDERS)
    order = house.place("BACK", LimitOrder(2.04, 15))
    house.book(200, {1: {"atl": [[2.04, 0]], "trd": [[2.04, 12]]}})
    assert order.size_matched == 1  # half of 12, of which 5 were ahead
    house.book(300, {1: {"trd": [[2.04, 16]]}})
    assert order.size_matched == 3
