"""Bets made of what the stream, the lists and the place reports say, with fields missing and unknown ones added."""

from types import SimpleNamespace
from typing import Any

import pytest

from flumine_core.live.answers import code_of, is_failure, reports_by_order
from flumine_core.live.bet import Bet

UO = {
    "id": "300", "p": 3.0, "s": 5.0, "side": "L", "status": "E", "pt": "P", "ot": "L", "pd": 1700000000000, "sm": 1.0,
    "sr": 3.0, "sl": 0, "sc": 1.0, "sv": 0, "avp": 2.987, "rfo": "ref", "rfs": "me", "newField": {"a": 1},
}  # fmt: skip


def test_a_bet_of_the_order_stream() -> None:
    bet = Bet.from_stream("1.1", 11, None, UO)
    assert (bet.bet_id, bet.market_id, bet.selection_id, bet.handicap) == ("300", "1.1", 11, 0.0)
    assert (bet.side, bet.persistence, bet.order_type, bet.status) == ("LAY", "PERSIST", "LIMIT", "EXECUTABLE")
    assert (bet.progress, bet.size_remaining, bet.totals.average_price_matched) == (2.0, 3.0, 2.99)
    assert (bet.customer_order_ref, bet.customer_strategy_ref, bet.source) == ("ref", "me", "stream")
    assert not bet.is_complete


@pytest.mark.parametrize("field", sorted(UO))
def test_a_missing_field_does_no_harm(field: str) -> None:
    bet = Bet.from_stream("1.1", 11, 0, {key: value for key, value in UO.items() if key != field})
    assert bet.bet_id == (None if field == "id" else "300")


def test_a_fill_without_a_price_takes_the_worst() -> None:
    bet = Bet.from_stream("1.1", 11, 0, {**UO, "avp": None})
    assert bet.average_price_matched == 3.0
    assert Bet.from_stream("1.1", 11, 0, {**UO, "avp": "NaN", "sm": 0}).average_price_matched == 0.0


def test_a_row_of_the_current_orders() -> None:
    row = {
        "betId": "9", "marketId": "1.1", "selectionId": 11, "handicap": 0.0, "priceSize": {"price": 3.0, "size": 2.0},
        "side": "BACK", "status": "EXECUTION_COMPLETE", "placedDate": "2026-11-24T05:37:41.000Z", "sizeMatched": 2.0,
        "averagePriceMatched": 3.1, "customerOrderRef": "ref", "unheardOf": [],
    }  # fmt: skip
    bet = Bet.from_current_order(row)
    assert (bet.placed_ms, bet.is_complete, bet.size_matched, bet.size) == (1795498661000, True, 2.0, 2.0)


def test_the_cleared_rows_of_a_bet_are_put_together() -> None:
    row = {"betId": "9", "marketId": "1.1", "selectionId": 11, "customerOrderRef": "ref"}
    settled = Bet.from_cleared_order({**row, "sizeSettled": 1.0, "priceMatched": 3.0}, "SETTLED")
    cancelled = Bet.from_cleared_order({**row, "sizeCancelled": 0.5}, "CANCELLED")
    lapsed = Bet.from_cleared_order({**row, "sizeCancelled": 0.25}, "LAPSED")
    bet = settled.merge_cleared(cancelled).merge_cleared(lapsed)
    assert (bet.size_matched, bet.size_cancelled, bet.size_lapsed, bet.size) == (1.0, 0.5, 0.25, 1.75)
    assert bet.is_complete


def asks(*names: str) -> list[Any]:
    return [
        SimpleNamespace(order=SimpleNamespace(id=name), instruction={"customerOrderRef": name, "selectionId": n})
        for n, name in enumerate(names)
    ]


def report(name: str | None, status: str = "SUCCESS") -> dict[str, Any]:
    return {"status": status} | ({"instruction": {"customerOrderRef": name}} if name else {})


def test_reports_are_found_by_name_and_not_by_place() -> None:
    found = reports_by_order(asks("a", "b"), {"instructionReports": [report("b", "FAILURE"), report("a")]})
    assert (found["a"]["status"], found["b"]["status"]) == ("SUCCESS", "FAILURE")


def test_nameless_reports_are_taken_only_where_they_can_be_nobody_elses() -> None:
    assert set(reports_by_order(asks("a", "b"), {"instructionReports": [report(None), report(None)]})) == {"a", "b"}
    assert set(reports_by_order(asks("a", "b"), {"instructionReports": [report("a"), report(None)]})) == {"a", "b"}
    assert set(reports_by_order(asks("a", "b"), {"instructionReports": [report(None)]})) == set()
    assert set(reports_by_order(asks("a", "b", "c"), {"instructionReports": [report("a"), report(None)]})) == {"a"}
    other = {"status": "SUCCESS", "instruction": {"selectionId": 99}}
    assert reports_by_order(asks("a"), {"instructionReports": [other]}) == {}


@pytest.mark.parametrize(
    ("own", "whole", "expected"),
    [
        ({"status": "FAILURE", "errorCode": "INVALID_ODDS"}, {"status": "FAILURE"}, True),
        ({"status": "FAILURE", "errorCode": "ERROR_IN_ORDER"}, {"errorCode": "DUPLICATE_TRANSACTION"}, False),
        ({"status": "TIMEOUT"}, {"status": "TIMEOUT"}, False),
        (None, {"status": "FAILURE", "errorCode": "MARKET_SUSPENDED"}, True),
        (None, {"status": "FAILURE", "errorCode": "SERVICE_UNAVAILABLE"}, False),
        (None, {"status": "SUCCESS"}, False),
        (None, {"status": "TIMEOUT"}, False),
        (None, "nonsense", False),
    ],
)
def test_what_counts_as_refused_for_certain(own: Any, whole: Any, expected: bool) -> None:
    assert is_failure(own, whole) is expected
    assert code_of(own, whole)
