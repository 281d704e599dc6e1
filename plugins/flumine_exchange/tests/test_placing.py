"""placeOrders: what is accepted, what is refused with which code, and what a batch is."""

import threading
from typing import Any

import pytest
from flumine_core.errors import SettingsError
from wire import MARKET, PATIENCE, Rpc, client_of, limit, wait_until

from flumine_exchange.exchange import Account, ExchangeSettings, Scenario


def code_of(report: dict[str, Any]) -> tuple[str, str | None, str | None]:
    return report["status"], report.get("errorCode"), report["instructionReports"][0].get("errorCode")


def test_bet_is_accepted_and_rests(rpc: Rpc) -> None:
    report = rpc.place(limit("BACK", 3.0, 2.0, ref="ref-1"), customerRef="abc", customerStrategyRef="strat")
    (answer,) = report["instructionReports"]
    assert (report["status"], report["customerRef"], report["marketId"]) == ("SUCCESS", "abc", MARKET)
    assert (answer["orderStatus"], answer["sizeMatched"]) == ("EXECUTABLE", 0.0)
    (bet,) = rpc.exchange.ledger.bets()
    assert (bet.bet_id, bet.rfo, bet.rfs, bet.price, bet.size) == (answer["betId"], "ref-1", "strat", 3.0, 2.0)
    assert (bet.status, bet.sr) == ("E", 2.0)


def test_bet_that_meets_the_book_is_matched_at_the_better_price(rpc: Rpc) -> None:
    (answer,) = rpc.place(limit("BACK", 1.99, 60.0))["instructionReports"]
    assert (answer["orderStatus"], answer["sizeMatched"]) == ("EXECUTION_COMPLETE", 60.0)
    assert answer["averagePriceMatched"] == pytest.approx(2.0, abs=0.01)


@pytest.mark.parametrize(
    ("instruction", "code"),
    [
        (limit("BACK", 1.015, 2.0), "INVALID_ODDS"),
        (limit("BACK", 2.0, 0.5), "INVALID_BET_SIZE"),
        (limit("BACK", 2.0, 2.001), "INVALID_BET_SIZE"),
        (limit("BACK", 2.0, 2.0, runner=99), "INVALID_RUNNER"),
        (limit("BACK", 2.0, 2.0, ref="x" * 33), "INVALID_CUSTOMER_ORDER_REF"),
        (limit("BACK", 2.0, 2.0, timeInForce="FILL_OR_KILL", minFillSize=3.0), "INVALID_MIN_FILL_SIZE"),
        (
            limit("BACK", 2.0, 2.0, timeInForce="FILL_OR_KILL", persistenceType="PERSIST"),
            "UNEXPECTED_PERSISTENCE_TYPE",
        ),
        (limit("BACK", 2.0, 2.0, minFillSize=1.0), "UNEXPECTED_MIN_FILL_SIZE"),
        (
            {"orderType": "MARKET_ON_CLOSE", "selectionId": 11, "side": "LAY", "marketOnCloseOrder": {"liability": 5}},
            "INVALID_BET_SIZE",
        ),
    ],
)
def test_bet_is_refused(rpc: Rpc, instruction: dict[str, Any], code: str) -> None:
    assert code_of(rpc.place(instruction)) == ("FAILURE", "BET_ACTION_ERROR", code)
    assert rpc.exchange.ledger.bets() == []
    assert rpc.exchange.ledger.transactions == {"trader": 1}


def test_small_stake_is_accepted_where_the_payout_is_large(rpc: Rpc) -> None:
    assert rpc.place(limit("BACK", 100.0, 0.1))["status"] == "SUCCESS"


def test_batch_is_placed_as_a_whole_or_not_at_all(rpc: Rpc) -> None:
    report = rpc.place(limit("BACK", 3.0, 2.0), limit("BACK", 1.015, 2.0))
    codes = [each["errorCode"] for each in report["instructionReports"]]
    assert (report["status"], codes) == ("FAILURE", ["ERROR_IN_ORDER", "INVALID_ODDS"])
    assert rpc.exchange.ledger.bets() == []


def test_batch_is_placed_in_part_without_best_execution(make_exchange: Any) -> None:
    rpc = Rpc(make_exchange(accounts=(Account(has_best_price_execution=False),)))
    report = rpc.place(limit("BACK", 3.0, 2.0), limit("BACK", 1.015, 2.0))
    assert [each["status"] for each in report["instructionReports"]] == ["SUCCESS", "FAILURE"]
    assert report["status"] == report["errorCode"] == "PROCESSED_WITH_ERRORS"


def test_too_many_instructions(rpc: Rpc) -> None:
    report = rpc.place(*[limit("BACK", 3.0, 2.0)] * 201)
    assert (report["status"], report["errorCode"]) == ("FAILURE", "TOO_MANY_INSTRUCTIONS")


@pytest.mark.parametrize(
    ("params", "error"),
    [
        ({"customerRef": "x" * 33}, "INVALID_INPUT_DATA"),
        ({"customerRef": "a b"}, "INVALID_INPUT_DATA"),
        ({"customerStrategyRef": "x" * 16}, "INVALID_INPUT_DATA"),
        ({"nonsense": 1}, "-32602 DSC-0018"),
    ],
)
def test_request_is_refused(rpc: Rpc, params: dict[str, Any], error: str) -> None:
    assert rpc.error("placeOrders", marketId=MARKET, instructions=[limit("BACK", 3.0, 2.0)], **params) == error


def test_unknown_market(rpc: Rpc) -> None:
    assert code_of(rpc.place(limit("BACK", 3.0, 2.0), market="1.9"))[1] == "INVALID_MARKET_ID"


def test_suspended_and_closed_markets_take_no_bets(rpc: Rpc) -> None:
    market = rpc.exchange.market(MARKET)
    market.suspend()
    assert code_of(rpc.place(limit("BACK", 3.0, 2.0)))[1] == "MARKET_SUSPENDED"
    market.close([11])
    assert code_of(rpc.place(limit("BACK", 3.0, 2.0)))[1] == "MARKET_NOT_OPEN_FOR_BETTING"


def test_customer_ref_comes_once_in_its_window(make_exchange: Any) -> None:
    rpc = Rpc(make_exchange(scale=1.0))
    instruction = limit("BACK", 3.0, 2.0)
    assert rpc.place(instruction, customerRef="same")["status"] == "SUCCESS"
    again = rpc.place(instruction, customerRef="same")
    assert code_of(again) == ("FAILURE", "DUPLICATE_TRANSACTION", "ERROR_IN_ORDER")
    assert len(rpc.exchange.ledger.bets()) == 1
    rpc.exchange.clock.advance(61)
    assert rpc.place(instruction, customerRef="same")["status"] == "SUCCESS"


def test_only_a_material_change_refuses_an_older_version(rpc: Rpc) -> None:
    market = rpc.exchange.market(MARKET)
    version = market.definition["version"]
    market.bump_version(is_material=False)
    assert rpc.place(limit("BACK", 3.0, 2.0), marketVersion={"version": version})["status"] == "SUCCESS"
    market.remove_runner(33)
    report = rpc.place(limit("BACK", 3.0, 2.0), marketVersion={"version": version})
    assert code_of(report) == ("FAILURE", "BET_ACTION_ERROR", "BET_TAKEN_OR_LAPSED")
    long = rpc.place(limit("BACK", 3.0, 2.0), marketVersion={"version": 10**12})
    assert long["errorCode"] == "INVALID_MARKET_VERSION"


def test_account_cannot_risk_more_than_it_has(make_exchange: Any) -> None:
    rpc = Rpc(make_exchange(accounts=(Account(balance=10.0, exposure_limit=-10.0),)))
    report = rpc.place(limit("BACK", 3.0, 6.0), limit("BACK", 3.0, 6.0, runner=22))
    assert report["errorCode"] == "INSUFFICIENT_FUNDS"
    assert rpc.exchange.ledger.bets() == []
    assert rpc.place(limit("BACK", 3.0, 6.0))["status"] == "SUCCESS"
    funds = rpc("getAccountFunds", "account")
    assert (funds["availableToBetBalance"], funds["exposure"]) == (4.0, -6.0)


def test_delayed_key_may_not_bet(make_exchange: Any) -> None:
    rpc = Rpc(make_exchange(accounts=(Account(is_delayed_key=True),)))
    assert code_of(rpc.place(limit("BACK", 3.0, 2.0)))[1] == "PERMISSION_DENIED"


def test_fill_or_kill_that_is_not_filled_expires(rpc: Rpc) -> None:
    (answer,) = rpc.place(limit("BACK", 3.0, 2.0, timeInForce="FILL_OR_KILL"))["instructionReports"]
    assert (answer["status"], answer["orderStatus"], answer["sizeMatched"]) == ("SUCCESS", "EXPIRED", 0.0)
    assert [bet.status for bet in rpc.exchange.ledger.bets()] == ["EC"]


def test_async_bet_is_pending_and_comes_on_the_stream(rpc: Rpc, make_stream: Any) -> None:
    stream = make_stream(rpc.exchange, rpc.client)
    stream.orders()
    (answer,) = rpc.place(limit("BACK", 3.0, 2.0, ref="later"), **{"async": True})["instructionReports"]
    assert (answer["orderStatus"], answer.get("betId")) == ("PENDING", None)
    order = stream.order(lambda order: order["rfo"] == "later")
    assert (order["status"], order["sr"]) == ("E", 2.0)


def test_bet_in_play_waits_for_the_bet_delay(make_exchange: Any) -> None:
    rpc = Rpc(make_exchange(scale=0.1))
    rpc.exchange.market(MARKET).turn_inplay(bet_delay=5)
    begin = rpc.exchange.clock.epoch_ms
    (answer,) = rpc.place(limit("BACK", 3.0, 2.0))["instructionReports"]
    assert answer["status"] == "SUCCESS"
    assert rpc.exchange.clock.epoch_ms - begin >= 500


def test_passive_bet_skips_the_bet_delay(make_exchange: Any) -> None:
    scenario = Scenario(market_id=MARKET, definition={"betDelayModels": ["PASSIVE"]})
    rpc = Rpc(make_exchange([scenario], scale=1.0))
    rpc.exchange.market(MARKET).turn_inplay(bet_delay=3)
    rpc.exchange.clock.freeze()
    (answer,) = rpc.place(limit("BACK", 3.0, 2.0))["instructionReports"]
    assert answer["orderStatus"] == "EXECUTABLE"


def test_bet_is_refused_where_the_market_is_suspended_during_the_delay(make_exchange: Any) -> None:
    rpc = Rpc(make_exchange(scale=1.0))
    market = rpc.exchange.market(MARKET)
    market.turn_inplay(bet_delay=5)
    rpc.exchange.clock.freeze()
    reports: list[dict[str, Any]] = []
    thread = threading.Thread(target=lambda: reports.append(rpc.place(limit("BACK", 3.0, 2.0))))
    thread.start()
    wait_until(lambda: rpc.exchange.ledger.requests.get("placeOrders"))
    market.suspend()
    rpc.exchange.clock.advance(6)
    thread.join(PATIENCE)
    assert code_of(reports[0]) == ("FAILURE", "MARKET_SUSPENDED", "MARKET_SUSPENDED")
    assert rpc.exchange.ledger.bets() == []


def test_bets_of_two_accounts_meet_each_other(make_exchange: Any) -> None:
    exchange = make_exchange(accounts=(Account(), Account(username="other", app_key="other-key")))
    one, other = Rpc(exchange), Rpc(exchange, client_of(exchange, 1))
    exchange.market(MARKET).set_price(11, back=[[1.9, 50]], lay=[[2.1, 50]])
    one.place(limit("BACK", 2.02, 5.0, ref="resting"))
    (answer,) = other.place(limit("LAY", 2.04, 3.0, ref="taking"))["instructionReports"]
    assert (answer["orderStatus"], answer["averagePriceMatched"]) == ("EXECUTION_COMPLETE", 2.02)
    resting, taking = exchange.ledger.bets()
    assert (resting.sm, resting.sr, taking.sm) == (3.0, 2.0, 3.0)
    assert (resting.account, taking.account) == ("trader", "other")


def test_what_one_bet_took_is_not_there_for_the_next(rpc: Rpc) -> None:
    rpc.place(limit("BACK", 2.0, 50.0))
    (answer,) = rpc.place(limit("BACK", 2.0, 2.0))["instructionReports"]
    assert answer["sizeMatched"] == 0.0
    assert [2.0, 50.0] not in rpc.exchange.market(MARKET).book["11"]["atb"]


@pytest.mark.parametrize(("size", "is_accepted"), [(9.0, False), (10.0, True)])
def test_least_stake_is_that_of_the_currency(make_exchange: Any, size: float, is_accepted: bool) -> None:
    rpc = Rpc(make_exchange(accounts=(Account(currency="HKD"),)))
    assert (rpc.place(limit("BACK", 3.0, size))["status"] == "SUCCESS") == is_accepted


def test_finest_ladder_has_every_hundredth(make_exchange: Any) -> None:
    definition = {"priceLadderDefinition": {"type": "FINEST"}}
    rpc = Rpc(make_exchange([Scenario(market_id=MARKET, definition=definition)]))
    assert rpc.place(limit("BACK", 3.01, 2.0))["status"] == "SUCCESS"
    assert rpc.place(limit("BACK", 3.015, 2.0))["status"] == "FAILURE"


@pytest.mark.parametrize("scope", ["account", "operation", "market"])
def test_scope_of_a_customer_ref(make_exchange: Any, scope: str) -> None:
    rpc = Rpc(make_exchange([Scenario(market_id=MARKET), Scenario(market_id="1.2")], customer_ref_scope=scope))
    rpc.place(limit("BACK", 3.0, 2.0), customerRef="ref")
    elsewhere = rpc.place(limit("BACK", 3.0, 2.0), market="1.2", customerRef="ref")
    cancelled = rpc("cancelOrders", marketId=MARKET, customerRef="ref")
    assert (elsewhere["status"] == "SUCCESS") == (scope == "market")
    assert (cancelled["status"] == "SUCCESS") == (scope == "operation")


@pytest.mark.parametrize("wrong", [{"start": "soon"}, {"scale": 0}, {"customer_ref_scope": "world"}])
def test_settings_that_make_no_sense(wrong: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match=next(iter(wrong))):
        ExchangeSettings(**wrong)


def test_target_payout_decides_the_stake(rpc: Rpc) -> None:
    instruction = limit("BACK", 4.0, 2.0, betTargetType="PAYOUT", betTargetSize=40.0)
    del instruction["limitOrder"]["size"]
    assert rpc.place(instruction)["status"] == "SUCCESS"
    assert rpc.exchange.ledger.bets()[0].size == 10.0


def test_transactions_above_the_hourly_limit_are_charged_for(make_exchange: Any) -> None:
    rpc = Rpc(make_exchange(transactions_an_hour=2, transaction_charge=0.5))
    for _ in range(4):
        rpc.place(limit("BACK", 3.0, 2.0))
    funds = rpc("getAccountFunds", "account")
    assert funds["availableToBetBalance"] == pytest.approx(10_000 - 8 - 2 * 0.5)
