"""A removed runner voids its bets and reduces the others'."""

from typing import Any

import pytest

from flumine_core.order.kinds import LimitOnCloseOrder, LimitOrder, MarketOnCloseOrder
from flumine_core.order.states import OrderStatus


def remove(house: Any, ms: int, number: int = 3, factor: float | None = 30, **definition: Any) -> Any:
    values = {"status": "REMOVED", "adjustmentFactor": factor}
    return house.book(ms, runners={number: values}, **definition)


def start(house: Any, **definition: Any) -> None:
    factors = {number: {"adjustmentFactor": 40} for number in (1, 2)}
    house.book(0, {1: {"atb": [[2.0, 50]]}}, runners={3: {"adjustmentFactor": 30}, **factors}, **definition)


@pytest.mark.parametrize("market_type", ["WIN", "PLACE", "OTHER_PLACE", "MATCH_ODDS", None])
def test_matched_prices_are_reduced_in_every_market(house: Any, market_type: str | None) -> None:
    start(house, marketType=market_type)
    order = house.place("BACK", LimitOrder(2.0, 5))
    house.book(200)
    remove(house, 300)
    assert (order.size_matched, order.average_price_matched) == (5, 1.4)
    assert order.status is OrderStatus.EXECUTION_COMPLETE


@pytest.mark.parametrize(
    ("factor", "average"), [(2.4, 2.0), (2.5, 1.95), (49.5, 1.01), (90, 1.01), (0, 2.0), (None, 2.0)]
)
def test_small_factors_reduce_nothing_and_1_01_is_the_floor(house: Any, factor: float | None, average: float) -> None:
    start(house)
    order = house.place("BACK", LimitOrder(2.0, 5))
    house.book(200)
    remove(house, 300, factor=factor)
    assert order.average_price_matched == average


def test_each_fill_is_reduced_for_itself(house: Any) -> None:
    house.book(0, {1: {"atb": [[2.2, 10], [2.0, 10]]}})
    order = house.place("BACK", LimitOrder(2.0, 20))
    house.book(200)
    remove(house, 300, factor=12.5)
    assert order.average_price_matched == 1.84  # 1.93 and 1.75


def test_unmatched_part_is_left_alone(house: Any) -> None:
    start(house)
    order = house.place("BACK", LimitOrder(3.0, 5))
    house.book(200)
    remove(house, 300)
    house.book(400, {1: {"trd": [[3.0, 6]]}})
    assert (order.size_matched, order.average_price_matched) == (3, 3.0)


@pytest.mark.parametrize(
    ("market_type", "liability", "matched"),
    [("WIN", 10, 3.33), ("PLACE", 14, 4.67), ("OTHER_PLACE", 14, 4.67), ("ASIAN_HANDICAP", 20, 6.67)],
)
def test_lay_on_close_has_its_liability_scaled(house: Any, market_type: str, liability: float, matched: float) -> None:
    start(house, marketType=market_type)
    order = house.place("LAY", MarketOnCloseOrder(20))
    house.book(200)
    remove(house, 300)
    assert order.order_type.liability == pytest.approx(liability)
    house.book(400, runners={1: {"bsp": 4.0}}, bspReconciled=True)
    assert order.size_matched == matched


def test_matched_lay_on_close_is_scaled_in_size(house: Any) -> None:
    start(house)
    order = house.place("LAY", MarketOnCloseOrder(20))
    house.book(200)
    house.book(300, runners={1: {"bsp": 4.0}}, bspReconciled=True)
    assert order.size_matched == 6.67
    remove(house, 400)
    assert (order.size_matched, order.average_price_matched) == (3.33, 4.0)
    assert order.status is OrderStatus.EXECUTION_COMPLETE


@pytest.mark.parametrize(
    ("side", "kind"),
    [("BACK", MarketOnCloseOrder(20)), ("LAY", LimitOnCloseOrder(20, 9.0)), ("BACK", LimitOnCloseOrder(20, 2.0))],
)
def test_other_bets_on_close_are_not_scaled(house: Any, side: str, kind: Any) -> None:
    start(house)
    order = house.place(side, kind)
    house.book(200)
    remove(house, 300)
    assert order.order_type is kind


def test_bets_on_the_removed_runner_are_voided(house: Any) -> None:
    start(house)
    matched = house.place("BACK", LimitOrder(2.0, 5))
    resting = house.place("BACK", LimitOrder(3.0, 4))
    on_close = house.place("BACK", MarketOnCloseOrder(7))
    house.book(200)
    waiting = house.place("BACK", LimitOrder(3.0, 2))
    remove(house, 300, number=1, factor=40)
    assert [order.size_voided for order in (matched, resting, on_close, waiting)] == [5, 4, 7, 2]
    assert [order.size_matched for order in (matched, resting, on_close)] == [0, 0, 0]
    assert [order.complete for order in (matched, resting, on_close, waiting)] == [True, True, False, True]
    house.book(500)
    assert waiting.bet_id is None


def test_bet_waiting_to_be_placed_on_close_is_scaled_too(house: Any) -> None:
    start(house)
    order = house.place("LAY", MarketOnCloseOrder(20))
    remove(house, 100)
    house.book(200)
    assert order.order_type.liability == pytest.approx(10)
    house.book(300, runners={1: {"bsp": 4.0}}, bspReconciled=True)
    assert order.size_matched == 3.33


def test_void_of_a_cancelled_part_leaves_less_than_nothing(house: Any) -> None:
    start(house)
    order = house.place("BACK", LimitOrder(3.0, 5))
    house.book(200)
    house.cancel(order, 2)
    house.book(400)
    remove(house, 500, number=1, factor=40)
    assert (order.size_voided, order.size_cancelled, order.size_remaining) == (5, 2, -2)
    house.book(600)
    assert order.status is OrderStatus.EXECUTABLE


def test_less_than_nothing_is_matched_by_volume_offered_again(house: Any) -> None:
    start(house)
    order = house.place("BACK", LimitOrder(3.0, 5))
    house.book(200)
    house.cancel(order, 2)
    house.book(400, {1: {"trd": [[2.9, 4]]}})
    house.book(450, {1: {"trd": [[3.0, 4]]}})
    assert order.size_matched == 2
    remove(house, 500, number=1, factor=40)
    assert (order.size_matched, order.size_remaining) == (-2, 0)
    assert order.status is OrderStatus.EXECUTION_COMPLETE


def test_removal_counts_once_but_again_with_another_factor(house: Any) -> None:
    start(house)
    order = house.place("BACK", LimitOrder(2.0, 5))
    house.book(200)
    remove(house, 300, factor=10)
    assert order.average_price_matched == 1.8
    house.book(400, version=2)
    assert order.average_price_matched == 1.8
    remove(house, 500, factor=20)
    assert order.average_price_matched == 1.44


def test_removal_of_before_the_first_order_is_not_repeated(house: Any) -> None:
    start(house)
    remove(house, 100)
    order = house.place("BACK", LimitOrder(2.0, 5))
    house.book(300)
    house.book(400, version=2)
    assert order.average_price_matched == 2.0


def test_two_removals_at_once_reduce_in_turn(house: Any) -> None:
    start(house)
    order = house.place("BACK", LimitOrder(2.0, 5))
    house.book(200)
    removed = {number: {"status": "REMOVED", "adjustmentFactor": 10 * number} for number in (2, 3)}
    house.book(300, runners=removed)
    assert order.average_price_matched == 1.12  # 2.0, then 1.6, then 1.12


def test_bet_on_a_removed_runner_is_refused(house: Any) -> None:
    start(house)
    order = house.place("BACK", LimitOrder(2.0, 5))
    remove(house, 100, number=1, factor=None)
    (report,) = house.book(200)
    assert (report.error_code, order.size_voided) == ("RUNNER_REMOVED", 5)


def test_replacement_not_placed_yet_is_not_voided(house: Any) -> None:
    start(house)
    order = house.place("BACK", LimitOrder(3.0, 5))
    house.book(200)
    house.replace(order, 4.0)
    house.book(500)
    replacement = house.orders[-1]
    remove(house, 510, number=1, factor=40)
    assert replacement.size_voided == 5  # refused at 510, by the book before; see below
