"""A package may insist on a market version."""

from typing import Any

import pytest

from flumine_core.order.kinds import LimitOrder, MarketOnCloseOrder


@pytest.mark.parametrize(("version", "is_success"), [(7, True), (6, False), (8, False), (0, True), (None, True)])
def test_version_has_to_be_the_book_befores(house: Any, version: int | None, is_success: bool) -> None:
    house.book(0, {}, version=7)
    order = house.place("BACK", LimitOrder(2.0, 4), version=version)
    (report,) = house.book(200)
    assert report.is_success is is_success
    if not is_success:
        assert (report.error_code, order.size_lapsed) == ("BET_TAKEN_OR_LAPSED", 4)


def test_new_version_while_waiting_lapses(house: Any) -> None:
    house.book(0, {}, version=7)
    order = house.place("BACK", LimitOrder(2.0, 4), version=7)
    house.book(100, version=8)
    house.book(200)
    assert (order.size_lapsed, order.bet_id) == (4, None)


def test_starting_price_bet_has_nothing_to_lapse(house: Any) -> None:
    house.book(0, {}, version=7)
    order = house.place("BACK", MarketOnCloseOrder(4), version=6)
    (report,) = house.book(200)
    assert (report.error_code, order.size_lapsed) == ("BET_TAKEN_OR_LAPSED", 0)


def test_replacement_insists_too(house: Any) -> None:
    house.book(0, {}, version=7)
    order = house.place("BACK", LimitOrder(2.0, 4))
    house.book(200)
    house.replace(order, 3.0, version=6)
    house.book(600)
    house.book(700)
    replacement = house.orders[-1]
    assert (order.size_cancelled, replacement.size_lapsed, replacement.complete) == (4, 4, True)


@pytest.mark.parametrize(
    ("status", "runner", "error_code", "voided"),
    [
        ("SUSPENDED", "ACTIVE", "ERROR_IN_ORDER", 4),
        ("INACTIVE", "ACTIVE", "ERROR_IN_ORDER", 4),
        ("OPEN", "REMOVED", "RUNNER_REMOVED", 4),
    ],
)
def test_market_and_runner_have_to_be_open(
    house: Any, status: str, runner: str, error_code: str, voided: float
) -> None:
    house.book(0, {}, status=status, runners={1: {"status": runner}})
    order = house.place("BACK", LimitOrder(2.0, 4))
    (report,) = house.book(200)
    assert (report.error_code, order.size_voided, order.size_remaining) == (error_code, voided, 0)
