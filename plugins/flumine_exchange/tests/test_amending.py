"""cancelOrders, updateOrders, replaceOrders."""

from typing import Any

import pytest
from wire import MARKET, Rpc, limit


def place(rpc: Rpc, *instructions: dict[str, Any]) -> list[str]:
    report = rpc.place(*(instructions or (limit("BACK", 3.0, 4.0, ref="one"),)))
    return [each["betId"] for each in report["instructionReports"]]


def cancel(rpc: Rpc, *instructions: dict[str, Any], **params: Any) -> Any:
    return rpc("cancelOrders", marketId=MARKET, instructions=list(instructions), **params)


def test_cancel_in_part_and_then_the_rest(rpc: Rpc) -> None:
    (bet_id,) = place(rpc)
    (part,) = cancel(rpc, {"betId": bet_id, "sizeReduction": 1.5})["instructionReports"]
    assert (part["status"], part["sizeCancelled"]) == ("SUCCESS", 1.5)
    (rest,) = cancel(rpc, {"betId": bet_id, "sizeReduction": 9.0})["instructionReports"]
    assert rest["sizeCancelled"] == 2.5
    (bet,) = rpc.exchange.ledger.bets()
    assert (bet.sc, bet.sr, bet.status) == (4.0, 0.0, "EC")


@pytest.mark.parametrize("is_matched", [True, False])
def test_bet_that_is_gone_cannot_be_cancelled(rpc: Rpc, is_matched: bool) -> None:
    (bet_id,) = place(rpc)
    if is_matched:
        rpc.exchange.market(MARKET).match_bet(bet_id)
    else:
        cancel(rpc, {"betId": bet_id})
    report = cancel(rpc, {"betId": bet_id})
    assert (report["status"], report["errorCode"]) == ("FAILURE", "BET_ACTION_ERROR")
    assert report["instructionReports"][0]["errorCode"] == "BET_TAKEN_OR_LAPSED"


def test_one_failure_of_two_is_told_as_processed_with_errors(rpc: Rpc) -> None:
    (bet_id,) = place(rpc)
    report = cancel(rpc, {"betId": bet_id}, {"betId": "1"})
    assert report["status"] == report["errorCode"] == "PROCESSED_WITH_ERRORS"
    assert [each.get("errorCode") for each in report["instructionReports"]] == [None, "INVALID_BET_ID"]


def test_cancel_limits(rpc: Rpc) -> None:
    assert cancel(rpc, *[{"betId": "1"}] * 61)["errorCode"] == "TOO_MANY_INSTRUCTIONS"
    assert cancel(rpc, {"betId": "1"}, {"betId": "1"})["errorCode"] == "DUPLICATE_BETIDS"
    assert rpc.error("cancelOrders", instructions=[{"betId": "1"}]) == "INVALID_INPUT_DATA"


def test_no_instructions_cancel_everything(rpc: Rpc) -> None:
    place(rpc, limit("BACK", 3.0, 4.0), limit("LAY", 1.5, 4.0, runner=22))
    report = rpc("cancelOrders", marketId=MARKET, instructions=[])
    assert (report["status"], len(report["instructionReports"])) == ("SUCCESS", 2)
    assert rpc.exchange.ledger.cancel_alls == 1
    assert rpc.exchange.ledger.live_bets() == []
    assert rpc("cancelOrders")["errorCode"] == "NO_ACTION_REQUIRED"


def test_update_changes_the_persistence(rpc: Rpc) -> None:
    (bet_id,) = place(rpc)
    instruction = {"betId": bet_id, "newPersistenceType": "PERSIST"}
    assert rpc("updateOrders", marketId=MARKET, instructions=[instruction])["status"] == "SUCCESS"
    assert rpc.exchange.ledger.bets()[0].persistence == "PERSIST"
    again = rpc("updateOrders", marketId=MARKET, instructions=[instruction])
    assert again["instructionReports"][0]["errorCode"] == "NO_ACTION_REQUIRED"


def replace(rpc: Rpc, bet_id: str, price: float, **params: Any) -> Any:
    instructions = [{"betId": bet_id, "newPrice": price}]
    return rpc("replaceOrders", marketId=MARKET, instructions=instructions, **params)


def test_replace_cancels_and_places_what_is_left(rpc: Rpc) -> None:
    (bet_id,) = place(rpc)
    rpc.exchange.market(MARKET).match_bet(bet_id, 1.0)
    report = replace(rpc, bet_id, 3.2)
    (answer,) = report["instructionReports"]
    assert report["status"] == answer["status"] == "SUCCESS"
    assert answer["cancelInstructionReport"]["sizeCancelled"] == 3.0
    new_id = answer["placeInstructionReport"]["betId"]
    old, new = rpc.exchange.ledger.bets()
    assert (old.sm, old.sc, old.status) == (1.0, 3.0, "EC")
    assert (new.bet_id, new.price, new.size, new.rfo, new.replaces) == (new_id, 3.2, 3.0, "one", bet_id)


@pytest.mark.parametrize(("price", "code"), [(3.03, "INVALID_ODDS"), (3.0, "INVALID_PRICE_EDIT")])
def test_replace_at_a_wrong_price_cancels_nothing(rpc: Rpc, price: float, code: str) -> None:
    (bet_id,) = place(rpc)
    (answer,) = replace(rpc, bet_id, price)["instructionReports"]
    assert (answer["status"], answer["errorCode"]) == ("FAILURE", code)
    assert [bet.status for bet in rpc.exchange.ledger.bets()] == ["E"]


def test_replace_that_is_cancelled_and_not_placed(rpc: Rpc) -> None:
    (bet_id,) = place(rpc)
    rpc.exchange.faults.add("http.before_execute", {"op": "replaceOrders"}, action="fail_place_leg")
    (answer,) = replace(rpc, bet_id, 3.2)["instructionReports"]
    assert (answer["status"], answer["errorCode"]) == ("FAILURE", "CANCELLED_NOT_PLACED")
    assert answer["cancelInstructionReport"]["status"] == "SUCCESS"
    assert answer["placeInstructionReport"]["status"] == "FAILURE"
    assert [bet.status for bet in rpc.exchange.ledger.bets()] == ["EC"]


def test_nothing_is_amended_while_the_market_is_suspended(rpc: Rpc) -> None:
    (bet_id,) = place(rpc, limit("BACK", 3.0, 4.0, persistenceType="PERSIST"))
    rpc.exchange.market(MARKET).suspend()
    assert cancel(rpc, {"betId": bet_id})["errorCode"] == "MARKET_SUSPENDED"
    assert replace(rpc, bet_id, 3.2)["errorCode"] == "MARKET_SUSPENDED"
    assert [bet.status for bet in rpc.exchange.ledger.bets()] == ["E"]
