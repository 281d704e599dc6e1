"""Bets that take the starting price are matched, missed or lapsed when it is known."""

from typing import Any

import pytest

from flumine_core.order.kinds import LimitOnCloseOrder, LimitOrder, MarketOnCloseOrder, OrderKind
from flumine_core.order.states import OrderStatus

AT_SP = "MARKET_ON_CLOSE"


def reconcile(house: Any, *orders: tuple[str, OrderKind], sp: Any = 3.5, **prices: Any) -> list[Any]:
    house.book(0, {1: prices})
    placed = [house.place(side, kind) for side, kind in orders]
    house.book(200)
    house.book(300, runners={1: {"bsp": sp}}, status="SUSPENDED", version=2, inPlay=True, bspReconciled=True)
    return placed


@pytest.mark.parametrize(
    ("side", "kind", "sp", "matched"),
    [
        ("BACK", MarketOnCloseOrder(10), 3.5, 10),
        ("LAY", MarketOnCloseOrder(10), 3.5, 4),
        ("BACK", LimitOnCloseOrder(10, 3.5), 3.5, 10),
        ("BACK", LimitOnCloseOrder(10, 3.55), 3.5, 0),
        ("LAY", LimitOnCloseOrder(10, 4.0), 3.5, 4),
        ("LAY", LimitOnCloseOrder(10, 3.5), 3.5, 4),
        ("LAY", LimitOnCloseOrder(10, 3.0), 3.5, 0),
        ("BACK", LimitOrder(10.0, 20, AT_SP), 3.5, 20),
    ],
)
def test_matched_at_the_starting_price(house: Any, side: str, kind: OrderKind, sp: float, matched: float) -> None:
    (order,) = reconcile(house, (side, kind), sp=sp)
    assert (order.size_matched, order.average_price_matched) == (matched, sp if matched else 0)
    assert (order.size_cancelled, order.size_lapsed) == (0, 0)
    assert order.status is OrderStatus.EXECUTION_COMPLETE


@pytest.mark.parametrize(
    ("price", "size", "sp", "matched", "cancelled", "lapsed"),
    [
        (1.9, 20, 3.5, 7.2, 12.8, 0),
        (1.5, 10, 3.5, 0, 0, 10),  # 5 at risk, below the minimum of 10
        (2.0, 10, 3.5, 4, 6, 0),
        (1.99, 100, 1.5, 198, -98, 0),
    ],
)
def test_lay_stakes_what_it_has_at_risk(
    house: Any,
    price: float,
    size: float,
    sp: float,
    matched: float,
    cancelled: float,
    lapsed: float,
) -> None:
    (order,) = reconcile(house, ("LAY", LimitOrder(price, size, AT_SP)), sp=sp)
    assert (order.size_matched, order.size_cancelled, order.size_lapsed) == (matched, cancelled, lapsed)
    assert (order.size_remaining, order.status) == (0, OrderStatus.EXECUTION_COMPLETE)


def test_minimum_liability_is_the_clients(house: Any, make_client: Any) -> None:
    house.book(0, {})
    client = make_client(min_bsp_liability=5)
    order = house.place("LAY", LimitOrder(1.5, 10, AT_SP), client=client)
    house.book(200)
    house.book(300, runners={1: {"bsp": 3.5}}, bspReconciled=True)
    assert order.size_matched == 2


def test_part_matched_before_is_kept(house: Any) -> None:
    (order,) = reconcile(house, ("BACK", LimitOrder(4.0, 10, AT_SP)), atb=[[5.0, 4]])
    assert (order.size_matched, order.average_price_matched) == (10, 4.1)  # 4 at 5.0, 6 at 3.5


@pytest.mark.parametrize("sp", [None, "NaN", "Infinity", 0])
@pytest.mark.parametrize(
    ("side", "kind"),
    [("BACK", MarketOnCloseOrder(10)), ("LAY", LimitOnCloseOrder(10, 4.0)), ("BACK", LimitOrder(4.0, 10, AT_SP))],
)
def test_missing_starting_price_leaves_the_bet_waiting(house: Any, side: str, kind: OrderKind, sp: Any) -> None:
    (order,) = reconcile(house, (side, kind), sp=sp)
    house.book(400, {1: {"trd": [[4.0, 50]]}}, status="OPEN", version=3)
    house.book(500, {1: {"trd": [[4.0, 90]]}})
    assert (order.size_matched, order.status) == (0, OrderStatus.EXECUTABLE)
    house.book(600, runners={1: {"bsp": 3.5}})
    assert order.average_price_matched == 3.5
    assert order.status is OrderStatus.EXECUTION_COMPLETE


def test_starting_price_first_known_when_closed_matches_nothing(house: Any) -> None:
    house.book(0, {})
    order = house.place("BACK", MarketOnCloseOrder(10))
    house.book(200)
    house.book(300, runners={1: {"bsp": 3.5}}, bspReconciled=True, status="CLOSED")
    assert (order.size_matched, order.status) == (0, OrderStatus.EXECUTABLE)


def test_other_bets_do_not_take_it(house: Any) -> None:
    orders = reconcile(house, ("BACK", LimitOrder(4.0, 10, "PERSIST")), ("BACK", LimitOrder(4.0, 10)))
    assert [order.size_matched for order in orders] == [0, 0]
    assert [order.size_lapsed for order in orders] == [0, 10]


def test_persistence_of_after_the_reconciliation_takes_no_starting_price(house: Any) -> None:
    (order,) = reconcile(house, ("BACK", LimitOrder(4.0, 10, "PERSIST")))
    house.book(400, status="OPEN", version=3)
    house.update(order, AT_SP)
    house.book(600, runners={1: {"bsp": 3.6}})
    assert order.size_matched == 0
    house.book(700, {1: {"trd": [[4.0, 50]]}})
    assert (order.size_matched, order.average_price_matched) == (10, 4)


@pytest.mark.parametrize("definition", [{"bspMarket": False}, {"bspReconciled": True}, {"inPlay": True}])
@pytest.mark.parametrize(
    ("kind", "error_code", "voided"),
    [
        (MarketOnCloseOrder(10), "MARKET_NOT_OPEN_FOR_BSP_BETTING", 0),
        (LimitOnCloseOrder(10, 3.0), "MARKET_NOT_OPEN_FOR_BSP_BETTING", 0),
        (LimitOrder(3.0, 10, AT_SP), "BET_ACTION_ERROR", 10),
    ],
)
def test_placing_needs_a_starting_price_to_come(
    house: Any, definition: dict[str, Any], kind: OrderKind, error_code: str, voided: float
) -> None:
    house.book(0, {}, **definition)
    order = house.place("BACK", kind)
    (report,) = house.book(200)
    assert (report.error_code, order.size_voided) == (error_code, voided)
    assert order.status is OrderStatus.EXECUTION_COMPLETE


def test_starting_price_bets_take_no_volume(house: Any) -> None:
    house.book(0, {})
    on_close = house.place("LAY", LimitOnCloseOrder(10, 4.0))
    resting = house.place("LAY", LimitOrder(3.0, 5))
    house.book(200)
    house.book(300, {1: {"trd": [[2.0, 10]]}})
    assert (on_close.size_matched, resting.size_matched) == (0, 5)
