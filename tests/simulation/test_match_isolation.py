"""Each strategy is offered all of the traded volume, or all strategies share it."""

from typing import Any

import pytest

from flumine_core.order.kinds import LimitOrder


@pytest.mark.parametrize(("is_isolated", "second"), [(True, 8), (False, 2)])
def test_two_strategies(make_house: Any, is_isolated: bool, second: float) -> None:
    house = make_house(simulated_strategy_isolation=is_isolated)
    house.book(0, {})
    orders = [house.place("LAY", LimitOrder(2.0, 8), strategy=name) for name in ("a", "b")]
    house.book(200)
    house.book(300, {1: {"trd": [[2.0, 20]]}})
    assert [order.size_matched for order in orders] == [8, second]


def test_shared_volume_goes_by_price_over_all_strategies(make_house: Any) -> None:
    house = make_house(simulated_strategy_isolation=False)
    house.book(0, {})
    low = house.place("LAY", LimitOrder(2.0, 8), strategy="a")
    high = house.place("LAY", LimitOrder(2.02, 8), strategy="b")
    house.book(200)
    house.book(300, {1: {"trd": [[2.0, 20]]}})
    assert (high.size_matched, low.size_matched) == (8, 2)


def test_isolated_volume_is_shared_by_clients_of_one_strategy(house: Any, make_client: Any) -> None:
    house.book(0, {})
    orders = [house.place("LAY", LimitOrder(2.0, 8), client=make_client()) for _ in range(2)]
    house.book(200)
    house.book(300, {1: {"trd": [[2.0, 20]]}})
    assert [order.size_matched for order in orders] == [8, 2]


def test_runners_do_not_share(house: Any) -> None:
    house.book(0, {})
    orders = [house.place("LAY", LimitOrder(2.0, 8), selection_id=number) for number in (1, 2)]
    house.book(200)
    house.book(300, {1: {"trd": [[2.0, 20]]}})
    assert [order.size_matched for order in orders] == [8, 0]
