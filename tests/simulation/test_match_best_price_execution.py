"""Without best price execution a bet that would get a better price than it asked for lapses."""

from typing import Any

import pytest

from flumine_core.order.kinds import LimitOrder

LADDERS = {1: {"atb": [[2.2, 10], [2.0, 10]], "atl": [[2.3, 5], [2.4, 10]]}}


@pytest.mark.parametrize(
    ("side", "price", "is_success"),
    [
        ("BACK", 2.18, False),
        ("BACK", 2.2, True),
        ("BACK", 2.22, True),
        ("LAY", 2.32, False),
        ("LAY", 2.3, True),
        ("LAY", 2.28, True),
    ],
)
def test_better_price_lapses_the_bet(house: Any, make_client: Any, side: str, price: float, is_success: bool) -> None:
    house.book(0, LADDERS)
    order = house.place(side, LimitOrder(price, 4), client=make_client(best_price_execution=False))
    (report, *_) = house.book(200)
    assert report.is_success is is_success
    if not is_success:
        assert report.error_code == "BET_LAPSED_PRICE_IMPROVEMENT_TOO_LARGE"
        assert (order.size_lapsed, order.size_matched, order.bet_id) == (4, 0, None)


def test_fill_or_kill_lapses_too(house: Any, make_client: Any) -> None:
    house.book(0, LADDERS)
    kind = LimitOrder(2.0, 15, time_in_force="FILL_OR_KILL")
    order = house.place("BACK", kind, client=make_client(best_price_execution=False))
    house.book(200)
    assert (order.size_lapsed, order.size_cancelled) == (15, 0)


def test_best_price_is_matched_in_full_depth_of_that_level(house: Any, make_client: Any) -> None:
    house.book(0, LADDERS)
    order = house.place("BACK", LimitOrder(2.2, 15), client=make_client(best_price_execution=False))
    house.book(200)
    assert (order.size_matched, order.size_remaining) == (10, 5)


def test_outermost_price_on_an_empty_ladder_rests(house: Any, make_client: Any) -> None:
    house.book(0, {})
    order = house.place("BACK", LimitOrder(1.01, 2), client=make_client(best_price_execution=False))
    (report, *_) = house.book(200)
    assert (report.is_success, order.size_remaining) == (True, 2)
