"""Where the market's bet delay models name PASSIVE, only bets that would be matched at once wait."""

from typing import Any

import pytest

from flumine_core.order.kinds import LimitOnCloseOrder, LimitOrder, MarketOnCloseOrder
from flumine_core.order.package import OrderPackageType
from flumine_core.order.states import OrderStatus

PRICES = {1: {"atb": [[2.0, 50]], "atl": [[2.04, 50]]}, 2: {}}


def run(house: Any, *books: int) -> None:
    for ms in books:
        house.book(ms)


def test_passive_bet_is_placed_at_once_aggressive_one_waits(house: Any) -> None:
    house.book(0, PRICES, inPlay=True, betDelay=5, betDelayModels=["PASSIVE"])
    passive, aggressive = house.place("BACK", LimitOrder(2.04, 2)), house.place("BACK", LimitOrder(2.0, 2))
    run(house, 100, 200, 4000, 5120, 5121, 5200)
    assert (passive.placed_ms, aggressive.placed_ms) == (200, 5121)


def test_one_package_is_split(house: Any) -> None:
    house.book(0, PRICES, inPlay=True, betDelay=5, betDelayModels=["PASSIVE"])
    aggressive, passive = house.order("BACK", LimitOrder(2.0, 2)), house.order("BACK", LimitOrder(2.04, 2))
    house.place_together(aggressive, passive)
    run(house, 200, 5121)
    assert (passive.placed_ms, aggressive.placed_ms) == (200, 5121)


def test_waiting_bet_is_placed_as_soon_as_it_would_be_passive(house: Any) -> None:
    house.book(0, PRICES, inPlay=True, betDelay=5, betDelayModels=["PASSIVE"])
    order = house.place("BACK", LimitOrder(2.0, 2))
    house.book(200)
    house.book(1000, {1: {"atb": [[2.0, 0], [1.9, 5]]}})
    house.book(1100)
    assert (order.placed_ms, order.size_matched) == (1100, 0)


@pytest.mark.parametrize(("side", "price", "waits"), [("BACK", 1.01, True), ("LAY", 1000, True)])
def test_empty_ladder_counts_as_the_outermost_price(house: Any, side: str, price: float, waits: bool) -> None:
    house.book(0, PRICES, inPlay=True, betDelay=5, betDelayModels=["PASSIVE"])
    order = house.place(side, LimitOrder(price, 2), selection_id=2)
    run(house, 200)
    assert (order.bet_id is None) is waits


@pytest.mark.parametrize(("side", "price"), [("BACK", 1.02), ("LAY", 990)])
def test_any_other_price_is_passive_on_an_empty_ladder(house: Any, side: str, price: float) -> None:
    house.book(0, PRICES, inPlay=True, betDelay=5, betDelayModels=["PASSIVE"])
    order = house.place(side, LimitOrder(price, 2), selection_id=2)
    run(house, 200)
    assert order.placed_ms == 200


@pytest.mark.parametrize("kind", [LimitOnCloseOrder(10, 2.0), MarketOnCloseOrder(10)])
def test_starting_price_bets_never_wait_for_a_passive_delay(house: Any, kind: Any) -> None:
    house.book(0, PRICES, betDelay=5, betDelayModels=["PASSIVE"])
    order = house.place("BACK", kind)
    run(house, 200)
    assert order.placed_ms == 200


def test_models_are_the_ones_of_the_book_before(house: Any) -> None:
    house.book(0, PRICES, inPlay=True, betDelay=5)
    order = house.place("BACK", LimitOrder(2.04, 2))
    house.book(200, betDelayModels=["PASSIVE"])
    assert order.bet_id is None
    house.book(300)
    assert order.placed_ms == 300


def test_a_waiting_replace_cancels_at_once_what_it_has_asked_for_and_is_replaced_anew(house: Any) -> None:
    house.book(0, PRICES, inPlay=True, betDelay=5, betDelayModels=["PASSIVE"])
    order, waiting = house.order("BACK", LimitOrder(3.0, 2)), house.order("BACK", LimitOrder(2.0, 2))
    house.place_together(order, waiting)
    other = house.place("BACK", LimitOrder(3.0, 2))
    house.book(300)
    order.replace(2.9)
    other.replace(2.0)
    house.submit(OrderPackageType.REPLACE, order, other)
    run(house, 400, 500, 600)
    assert (order.status, other.size_cancelled) == (
        OrderStatus.EXECUTABLE,
        2.0,
    )  # its first package has placed it again
    run(house, 5200, 5300)
    house.replace(order, 2.0)
    house.book(5400)
    assert (order.complete, order.size_cancelled) == (True, 2.0)
    run(house, 5500, 5600)
    assert house.orders[-1].placed_ms == 5600
