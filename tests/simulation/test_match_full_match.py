"""A client with `simulated_full_match` is matched in full at placing, whatever the prices."""

from typing import Any

import pytest

from flumine_core.order.kinds import LimitOrder, MarketOnCloseOrder
from flumine_core.order.states import OrderStatus


def place(house: Any, make_client: Any, kind: Any, prices: dict[str, Any] | None = None) -> Any:
    house.book(0, {1: prices or {}})
    order = house.place("BACK", kind, client=make_client(simulated_full_match=True))
    house.book(200)
    return order


@pytest.mark.parametrize(
    ("prices", "average"),
    [({}, 3.0), ({"atl": [[3.0, 40]]}, 3.0), ({"atb": [[4.0, 5]]}, 3.5)],
)
def test_what_the_prices_leave_is_matched_at_the_own_price(
    house: Any, make_client: Any, prices: dict[str, Any], average: float
) -> None:
    order = place(house, make_client, LimitOrder(3.0, 10), prices)
    assert (order.size_matched, order.average_price_matched) == (10, average)
    assert order.status is OrderStatus.EXECUTION_COMPLETE


def test_killed_part_is_not_matched(house: Any, make_client: Any) -> None:
    kind = LimitOrder(4.0, 10, time_in_force="FILL_OR_KILL", min_fill_size=1)
    order = place(house, make_client, kind, {"atb": [[4.0, 5]]})
    assert (order.size_matched, order.size_cancelled) == (5, 5)


def test_starting_price_bet_is_not_matched(house: Any, make_client: Any) -> None:
    order = place(house, make_client, MarketOnCloseOrder(10))
    assert (order.size_matched, order.status) == (0, OrderStatus.EXECUTABLE)


def test_refused_bet_is_not_matched(house: Any, make_client: Any) -> None:
    house.book(0, {}, status="SUSPENDED")
    order = house.place("BACK", LimitOrder(3.0, 10), client=make_client(simulated_full_match=True))
    house.book(200)
    assert (order.size_matched, order.size_voided) == (0, 10)


def test_queue_of_a_matched_bet_still_uses_volume_up(house: Any, make_client: Any) -> None:
    house.book(0, {1: {"atl": [[3.0, 10]]}})
    full = make_client(simulated_full_match=True)
    house.place("BACK", LimitOrder(3.0, 5), client=full)
    resting = house.place("BACK", LimitOrder(3.0, 5), client=make_client())
    house.book(200, {1: {"trd": [[3.0, 40]]}})
    assert resting.size_matched == 0  # 20 of 40 went to the first one's queue, 10 to its own
