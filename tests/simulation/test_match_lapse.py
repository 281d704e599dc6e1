"""A bet lapses where the market is suspended and its version changed, if its persistence says so."""

from typing import Any

import pytest

from flumine_core.order.kinds import LimitOrder
from flumine_core.order.states import OrderStatus

PRICES = {1: {"atl": [[2.04, 5]]}}


def rest(house: Any, persistence: str = "LAPSE") -> Any:
    house.book(0, PRICES)
    order = house.place("BACK", LimitOrder(2.04, 15, persistence))
    house.book(200)
    return order


def test_suspension_of_another_version_lapses_after_matching(house: Any) -> None:
    order = rest(house)
    house.book(300, status="SUSPENDED")
    assert (order.size_lapsed, order.status) == (0, OrderStatus.EXECUTABLE)
    house.book(400, status="OPEN", version=2)
    assert order.size_lapsed == 0
    house.book(500, {1: {"trd": [[2.04, 20]]}}, status="SUSPENDED", version=3)
    assert (order.size_matched, order.size_lapsed) == (5, 10)
    assert order.status is OrderStatus.EXECUTION_COMPLETE


@pytest.mark.parametrize("persistence", ["PERSIST", "MARKET_ON_CLOSE"])
def test_other_persistences_rest_on(house: Any, persistence: str) -> None:
    order = rest(house, persistence)
    house.book(300, status="SUSPENDED", version=2)
    house.book(400, status="OPEN", inPlay=True, version=3)
    assert (order.size_lapsed, order.status) == (0, OrderStatus.EXECUTABLE)
    house.book(500, {1: {"trd": [[2.04, 20]]}})
    assert order.size_matched == 5


def test_version_of_the_executing_book_counts(house: Any) -> None:
    house.book(0, PRICES)
    order = house.place("BACK", LimitOrder(2.04, 15))
    house.book(200, status="SUSPENDED", version=2)
    assert (order.size_lapsed, order.status) == (15, OrderStatus.EXECUTION_COMPLETE)


def test_version_seen_while_open_does_not_lapse_at_a_later_suspension(house: Any) -> None:
    order = rest(house)
    house.book(300, version=2)
    house.book(400, status="SUSPENDED")
    assert order.size_lapsed == 0


def test_lapsed_bet_is_matched_no_more(house: Any) -> None:
    order = rest(house)
    house.book(300, status="SUSPENDED", version=2)
    house.book(400, {1: {"trd": [[2.04, 50]]}}, status="OPEN", version=3)
    assert order.size_matched == 0
