"""In play a bet waits for the market's bet delay; passive and aggressive bets differ at the very edge."""

from typing import Any

import pytest

from flumine_core.order.kinds import LimitOrder
from flumine_core.order.states import OrderStatus

PRICES = {1: {"atb": [[2.0, 50]], "atl": [[2.04, 50]]}}
PASSIVE, AGGRESSIVE = LimitOrder(2.04, 2), LimitOrder(2.0, 2)


def start(house: Any, *kinds: LimitOrder, **definition: Any) -> list[Any]:
    house.book(0, PRICES, inPlay=True, betDelay=5, **definition)
    return [house.place("BACK", kind) for kind in kinds]


def test_passive_at_the_very_end_of_the_delay_aggressive_after_it(house: Any) -> None:
    passive, aggressive = start(house, PASSIVE, AGGRESSIVE)
    for ms in (100, 200, 4000, 5120, 5121, 5200):
        house.book(ms)
    assert (passive.placed_ms, aggressive.placed_ms) == (5120, 5121)


def test_other_delay_models_change_nothing(house: Any) -> None:
    passive, aggressive = start(house, PASSIVE, AGGRESSIVE, betDelayModels=["DYNAMIC"])
    for ms in (100, 200, 4000, 5120, 5121):
        house.book(ms)
    assert (passive.placed_ms, aggressive.placed_ms) == (5120, 5121)


def test_both_wait_in_one_package(house: Any) -> None:
    house.book(0, PRICES, inPlay=True, betDelay=5)
    passive, aggressive = house.order("BACK", PASSIVE), house.order("BACK", AGGRESSIVE)
    house.place_together(passive, aggressive)
    for ms in (200, 5120, 5121):
        house.book(ms)
    assert (passive.placed_ms, aggressive.placed_ms) == (5120, 5121)


def test_waiting_bet_gives_its_number_back(house: Any) -> None:
    house.book(0, PRICES, inPlay=True, betDelay=5)
    aggressive, passive = house.order("BACK", AGGRESSIVE), house.order("BACK", PASSIVE)
    house.place_together(aggressive, passive)
    house.book(5120)
    house.book(5200)
    assert (passive.bet_id, aggressive.bet_id) == ("23000001", "23000002")


def test_delay_is_the_one_at_the_request(house: Any) -> None:
    passive, _ = start(house, PASSIVE, AGGRESSIVE)
    house.book(100, betDelay=0)
    house.book(200)
    assert passive.bet_id is None
    later = house.place("BACK", PASSIVE)
    house.book(400, betDelay=7)
    assert later.placed_ms == 400


def test_suspension_during_the_delay_does_not_lapse(house: Any) -> None:
    house.book(0, PRICES, inPlay=True, betDelay=5)
    order = house.place("BACK", LimitOrder(2.0, 10))
    house.book(2000, status="SUSPENDED", version=2)
    house.book(3000, {1: {"atb": [[2.0, 0], [2.2, 30]]}}, status="OPEN", version=3)
    house.book(5200, {1: {"atb": [[2.2, 0]]}})
    assert (order.placed_ms, order.size_matched, order.average_price_matched) == (5200, 10, 2.2)


def test_suspended_book_before_refuses(house: Any) -> None:
    (order,) = start(house, AGGRESSIVE)
    house.book(5000, status="SUSPENDED")
    (report, *_) = house.book(5200, status="OPEN")
    assert report.error_code == "ERROR_IN_ORDER"
    assert (order.status, order.size_voided) == (OrderStatus.EXECUTION_COMPLETE, 2)


@pytest.mark.parametrize("delay", [1, 3, 5, 8, 12])
def test_edge_of_every_delay(house: Any, delay: int) -> None:
    house.book(0, PRICES, inPlay=True, betDelay=delay)
    passive, aggressive = house.place("BACK", PASSIVE), house.place("LAY", LimitOrder(2.04, 2))
    edge = delay * 1000 + 120
    for ms in (edge - 1, edge, edge + 1):
        house.book(ms)
    assert (passive.placed_ms, aggressive.placed_ms) == (edge, edge + 1)
