"""With `simulation_available_prices` resting bets are also matched by visible prices, book after book."""

from typing import Any

import pytest

from flumine_core.order.kinds import LimitOrder


@pytest.fixture
def house(make_house: Any) -> Any:
    return make_house(simulation_available_prices=True)


def rest(house: Any, side: str, price: float, size: float) -> Any:
    house.book(0, {})
    order = house.place(side, LimitOrder(price, size))
    house.book(200)
    return order


def test_levels_match_at_each_book_at_the_own_price(house: Any) -> None:
    order = rest(house, "BACK", 2.1, 20)
    house.book(300, {1: {"atb": [[2.2, 2], [2.12, 3]]}})
    house.book(400)
    assert (order.size_matched, order.average_price_matched) == (10, 2.1)


@pytest.mark.parametrize(
    ("side", "ladder", "levels", "matched"),
    [
        ("BACK", "atb", [[2.1, 4], [2.0, 5]], 4),
        ("BACK", "atl", [[2.2, 4]], 0),
        ("LAY", "atl", [[2.0, 4], [2.1, 5], [2.2, 6]], 9),
        ("LAY", "atb", [[2.1, 4]], 0),
    ],
)
def test_only_prices_as_good_count(
    house: Any, side: str, ladder: str, levels: list[list[float]], matched: float
) -> None:
    order = rest(house, side, 2.1, 20)
    house.book(300, {1: {ladder: levels}})
    assert order.size_matched == matched


def test_traded_volume_counts_first_and_the_queue_is_cleared(house: Any) -> None:
    house.book(0, {1: {"atl": [[2.1, 50]]}})
    order = house.place("BACK", LimitOrder(2.1, 20))
    house.book(200)
    house.book(300, {1: {"trd": [[2.1, 90]], "atb": [[2.12, 3]]}})
    assert order.size_matched == 3  # 45 of 50 ahead were matched, then a visible price
    house.book(400, {1: {"trd": [[2.1, 94]], "atb": [[2.12, 0]]}})
    assert order.size_matched == 5  # nothing is ahead any more


def test_crossing_bet_is_matched_again_by_the_executing_book(house: Any) -> None:
    house.book(0, {1: {"atb": [[2.2, 4]]}})
    order = house.place("BACK", LimitOrder(2.1, 20))
    house.book(200)
    assert order.size_matched == 8


def test_option_off_ignores_them(make_house: Any) -> None:
    order = rest(house := make_house(), "BACK", 2.1, 20)
    house.book(300, {1: {"atb": [[2.2, 2]]}})
    assert order.size_matched == 0


def test_runner_that_is_no_longer_active_keeps_its_last_prices(house: Any) -> None:
    order = rest(house, "BACK", 2.1, 20)
    house.book(300, {1: {"atb": [[2.2, 2]]}})
    house.book(400, {1: {"atb": [[2.2, 7]]}}, runners={1: {"status": "HIDDEN"}})
    house.book(500)
    assert order.size_matched == 6
