"""Traded volume, halved, matches resting bets at their own prices, and is used up within a strategy."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flumine_core.book.price import PriceSize
from flumine_core.order.kinds import LimitOrder
from flumine_core.order.states import OrderStatus
from flumine_core.simulation.volume import traded_between


def sizes(*orders: Any) -> list[float]:
    return [order.size_matched for order in orders]


def test_volume_is_the_growth_of_the_table(house: Any) -> None:
    house.book(0, {1: {"trd": [[2.02, 100]]}})
    order = house.place("LAY", LimitOrder(2.02, 100))
    house.book(200)
    for ms, total, matched in ((300, 90, 0), (400, 95, 2.5), (500, 0, 2.5), (600, 95, 50)):
        house.book(ms, {1: {"trd": [[2.02, total]]}})
        assert order.size_matched == matched


def test_bet_is_matched_book_by_book(house: Any) -> None:
    house.book(0, {1: {"atl": [[2.04, 5]]}})
    order = house.place("BACK", LimitOrder(2.04, 15))
    house.book(200)
    house.book(300, {1: {"trd": [[2.04, 30]]}})
    assert (order.size_matched, order.status) == (10, OrderStatus.EXECUTABLE)
    house.book(400, {1: {"trd": [[2.04, 40], [2.1, 4]]}})
    assert (order.size_matched, order.status) == (15, OrderStatus.EXECUTION_COMPLETE)
    assert order.average_price_matched == 2.04


def test_better_placed_back_uses_volume_up(house: Any) -> None:
    house.book(0, {1: {"atl": [[2.04, 5]]}})
    a, b, c = (house.place("BACK", LimitOrder(*terms)) for terms in ((2.04, 6), (2.04, 15), (2.02, 3)))
    house.book(200)
    house.book(300, {1: {"trd": [[2.04, 30]]}})
    assert sizes(c, a, b) == [3, 6, 0]
    house.book(400, {1: {"trd": [[2.04, 40]]}})
    assert b.size_matched == 1  # 4 of its queue were left


def test_lays_come_first_by_falling_price(house: Any) -> None:
    house.book(0, {})
    kinds = (
        ("BACK", LimitOrder(2.02, 8)),
        ("LAY", LimitOrder(2.02, 8)),
        ("LAY", LimitOrder(2.04, 8)),
    )
    back, low, high = (house.place(side, kind) for side, kind in kinds)
    house.book(200)
    house.book(300, {1: {"trd": [[2.02, 40]]}})
    assert sizes(high, low, back) == [8, 8, 4]
    assert high.average_price_matched == 2.04


def test_equal_terms_are_served_in_order_of_request(house: Any) -> None:
    house.book(0, {})
    first, second = (house.place("LAY", LimitOrder(2.0, 8)) for _ in range(2))
    house.book(200)
    house.book(300, {1: {"trd": [[2.0, 20]]}})
    assert sizes(first, second) == [8, 2]


@pytest.mark.parametrize(
    ("side", "own", "traded", "matched"),
    [
        ("BACK", 2.0, 1.99, 0),
        ("BACK", 2.0, 2.0, 5),
        ("BACK", 2.0, 2.02, 5),
        ("LAY", 2.0, 2.02, 0),
        ("LAY", 2.0, 2.0, 5),
        ("LAY", 2.0, 1.99, 5),
    ],
)
def test_only_volume_at_the_price_or_better_counts(
    house: Any, side: str, own: float, traded: float, matched: float
) -> None:
    house.book(0, {})
    order = house.place(side, LimitOrder(own, 8))
    house.book(200)
    house.book(300, {1: {"trd": [[traded, 10]]}})
    assert (order.size_matched, order.average_price_matched) == (matched, own if matched else 0)


def test_volume_of_the_executing_book_counts(house: Any) -> None:
    house.book(0, {})
    order = house.place("LAY", LimitOrder(2.0, 8))
    house.book(200, {1: {"trd": [[2.0, 10]]}})
    assert order.size_matched == 5


def test_volume_of_earlier_books_does_not_count(house: Any) -> None:
    house.book(0, {})
    order = house.place("LAY", LimitOrder(2.0, 8))
    house.book(100, {1: {"trd": [[2.0, 10]]}})
    house.book(200, {1: {"trd": [[2.0, 14]]}})
    assert order.size_matched == 2


def test_runner_seen_first_brings_nothing(house: Any) -> None:
    house.book(0, {})
    order = house.place("LAY", LimitOrder(2.0, 8), selection_id=4)
    house.book(100, {4: {"trd": [[2.0, 10]]}}, runners={4: {"status": "ACTIVE"}})
    house.book(200, {4: {"trd": [[2.0, 16]]}})
    assert order.bet_id is not None
    assert order.size_matched == 3


def test_fill_that_rounds_to_nothing_still_clears_the_queue(house: Any) -> None:
    house.book(0, {1: {"atl": [[2.0, 5]]}})
    order = house.place("BACK", LimitOrder(2.0, 8))
    house.book(200)
    house.book(300, {1: {"trd": [[2.0, 10.008]]}})
    assert order.size_matched == 0
    house.book(400, {1: {"trd": [[2.0, 14.008]]}})
    assert order.size_matched == 2


def test_change_without_volume_matches_nothing(house: Any) -> None:
    house.book(0, {1: {"trd": [[2.0, 10]]}})
    order = house.place("LAY", LimitOrder(2.0, 8))
    house.book(200)
    house.book(300, {1: {"trd": [[2.0, 20]]}})
    for ms in (400, 500, 600):
        house.book(ms, {2: {"trd": [[2.0, ms]]}, 3: {"atb": [[2.0, ms]]}})
    assert order.size_matched == 5


def test_image_of_the_market_keeps_what_was_traded(house: Any) -> None:
    house.book(0, {1: {"trd": [[2.0, 10]]}})
    order = house.place("LAY", LimitOrder(2.0, 8))
    house.book(200)
    house.book(300, {1: {"trd": [[2.0, 16]]}}, img=True)
    assert order.size_matched == 3


levels = st.dictionaries(
    st.sampled_from([1.5, 2.0, 2.02, 3.0, 10.0]), st.floats(0.01, 500).map(lambda size: round(size, 2))
)


@given(levels, levels)
def test_traded_is_the_rounded_growth(before: dict[float, float], after: dict[float, float]) -> None:
    old = {price: PriceSize(price, size) for price, size in before.items()}
    new = [
        old[price] if price in old and old[price].size == size else PriceSize(price, size)
        for price, size in sorted(after.items())
    ]
    expected = {}
    for price, size in sorted(after.items()):
        growth = size - before[price] if price in before else size
        if growth > 0:
            expected[price] = round(growth, 2)
    traded = traded_between([old[price] for price in sorted(old)], new)
    assert traded == expected
    assert list(traded) == sorted(traded)
