"""What becomes of bets as their market lives: in play, starting prices, removals, results, re-opening."""

from typing import Any

import pytest
from wire import MARKET, Rpc, limit, wait_until

from flumine_exchange.exchange import Scenario


def bets(rpc: Rpc) -> dict[str, Any]:
    return {bet.rfo: bet for bet in rpc.exchange.ledger.bets()}


def test_persistence_decides_what_survives_the_off(rpc: Rpc) -> None:
    rpc.place(
        limit("BACK", 3.0, 20.0, ref="lapse"),
        limit("BACK", 3.0, 20.0, ref="persist", persistenceType="PERSIST"),
        limit("BACK", 3.0, 20.0, ref="sp", persistenceType="MARKET_ON_CLOSE"),
    )
    rpc.exchange.market(MARKET).turn_inplay(bet_delay=1, bsp={"11": 2.5})
    found = bets(rpc)
    assert (found["lapse"].sl, found["lapse"].status) == (20.0, "EC")
    assert (found["persist"].sr, found["persist"].status) == (20.0, "E")
    assert (found["sp"].sm, found["sp"].avp, found["sp"].status) == (20.0, 2.5, "EC")


def test_suspension_lapses_with_a_new_version_alone(rpc: Rpc) -> None:
    rpc.place(limit("BACK", 3.0, 20.0, ref="bet"))
    market = rpc.exchange.market(MARKET)
    market.suspend(lapses=False)
    market.resume()
    assert bets(rpc)["bet"].status == "E"
    market.suspend()
    assert (bets(rpc)["bet"].sl, bets(rpc)["bet"].status) == (20.0, "EC")


def test_on_close_bets_take_the_starting_price_or_lapse(rpc: Rpc) -> None:
    bet = {"orderType": "LIMIT_ON_CLOSE", "selectionId": 11, "side": "BACK"}
    rpc.place(
        bet | {"limitOnCloseOrder": {"liability": 10.0, "price": 2.0}, "customerOrderRef": "taken"},
        bet | {"limitOnCloseOrder": {"liability": 10.0, "price": 3.0}, "customerOrderRef": "lapsed"},
        {
            "orderType": "MARKET_ON_CLOSE",
            "selectionId": 11,
            "side": "LAY",
            "marketOnCloseOrder": {"liability": 30.0},
            "customerOrderRef": "lay",
        },
    )
    rpc.exchange.market(MARKET).turn_inplay(bsp={"11": 2.5})
    found = bets(rpc)
    assert (found["taken"].sm, found["taken"].avp) == (10.0, 2.5)
    assert (found["lapsed"].sm, found["lapsed"].sl, found["lapsed"].status) == (0.0, 10.0, "EC")
    assert (found["lay"].sm, found["lay"].avp) == (20.0, 2.5)
    late = rpc.place(bet | {"limitOnCloseOrder": {"liability": 10.0, "price": 2.0}})
    assert late["instructionReports"][0]["errorCode"] == "MARKET_NOT_OPEN_FOR_BSP_BETTING"


def test_removal_voids_reduces_and_refuses(rpc: Rpc) -> None:
    rpc.place(
        limit("BACK", 2.0, 10.0, runner=33, ref="voided"),
        limit("BACK", 2.0, 10.0, ref="reduced"),
        limit("BACK", 3.0, 5.0, runner=33, ref="unmatched", persistenceType="PERSIST"),
    )
    rpc.exchange.market(MARKET).remove_runner(33, adjustment_factor=20.0)
    found = bets(rpc)
    assert (found["voided"].sv, found["voided"].sm, found["voided"].status) == (10.0, 0.0, "EC")
    assert (found["unmatched"].sv, found["unmatched"].sr, found["unmatched"].status) == (5.0, 0.0, "EC")
    assert (found["reduced"].sm, found["reduced"].avp) == (10.0, 1.6)
    late = rpc.place(limit("BACK", 3.0, 5.0, runner=33))
    assert late["instructionReports"][0]["errorCode"] == "RUNNER_REMOVED"
    assert rpc.exchange.market(MARKET).book["33"]["atb"] == []


def test_removal_without_a_factor_voids_too(rpc: Rpc) -> None:
    market = rpc.exchange.market(MARKET)
    market.add_runner(44)
    market.set_price(44, back=[[5.0, 10.0]])
    kept = limit("BACK", 6.0, 3.0, runner=44, ref="live", persistenceType="PERSIST")
    rpc.place(limit("BACK", 5.0, 2.0, runner=44, ref="matched"), kept)
    market.remove_runner(44)
    found = bets(rpc)
    assert [(found[ref].sv, found[ref].sm, found[ref].status) for ref in ("matched", "live")] == [
        (2.0, 0.0, "EC"),
        (3.0, 0.0, "EC"),
    ]


def test_added_runner_may_be_bet_on(rpc: Rpc) -> None:
    market = rpc.exchange.market(MARKET)
    market.add_runner(44)
    market.set_price(44, back=[[5.0, 10.0]])
    (answer,) = rpc.place(limit("BACK", 5.0, 2.0, runner=44))["instructionReports"]
    assert answer["sizeMatched"] == 2.0


def test_profit_commission_balance_and_cleared_orders(rpc: Rpc) -> None:
    rpc.place(
        limit("BACK", 2.0, 10.0, ref="won"),
        limit("BACK", 2.0, 4.0, runner=22, ref="lost"),
        limit("BACK", 10.0, 2.0, ref="lapsed"),
        customerStrategyRef="me",
    )
    market = rpc.exchange.market(MARKET)
    market.close([11])
    market.settle()
    found = bets(rpc)
    assert (found["won"].profit, found["lost"].profit, found["lapsed"].profit) == (10.0, -4.0, None)
    orders = {each["customerOrderRef"]: each for each in rpc("listClearedOrders", betStatus="SETTLED")["clearedOrders"]}
    assert (orders["won"]["betOutcome"], orders["won"]["profit"], orders["won"]["priceMatched"]) == ("WON", 10.0, 2.0)
    assert (orders["lost"]["betOutcome"], orders["lost"]["sizeSettled"]) == ("LOST", 4.0)
    (lapsed,) = rpc("listClearedOrders", betStatus="LAPSED", customerStrategyRefs=["me"])["clearedOrders"]
    assert lapsed["sizeCancelled"] == 2.0
    (by_market,) = rpc("listClearedOrders", betStatus="SETTLED", groupBy="MARKET")["clearedOrders"]
    assert (by_market["profit"], by_market["commission"], by_market["betCount"]) == (6.0, 0.3, 2)
    funds = rpc("getAccountFunds", "account")
    assert (funds["availableToBetBalance"], funds["exposure"]) == (10_005.7, 0.0)
    assert rpc("listCurrentOrders")["currentOrders"] == []
    (item,) = rpc("getAccountStatement", "account")["accountStatement"]
    assert item["amount"] == 5.7


def test_statement_adds_up_when_a_settlement_is_taken_back(rpc: Rpc) -> None:
    rpc.place(limit("BACK", 2.0, 10.0))
    market = rpc.exchange.market(MARKET)
    market.close([11])
    market.settle()
    market.reopen()
    market.close([22])
    market.settle()
    items = rpc("getAccountStatement", "account")["accountStatement"]
    assert [(item["amount"], item["balance"]) for item in items] == [
        (-10.0, 9_990.0),
        (-9.5, 10_000.0),
        (9.5, 10_009.5),
    ]
    assert rpc("getAccountFunds", "account")["availableToBetBalance"] == 9_990.0


def test_market_is_settled_by_itself_some_time_later(rpc: Rpc) -> None:
    rpc.exchange.clock.freeze()
    rpc.place(limit("BACK", 2.0, 10.0, ref="won"))
    rpc.exchange.market(MARKET).close([11])
    assert bets(rpc)["won"].profit is None
    rpc.exchange.clock.advance(2)
    wait_until(lambda: bets(rpc)["won"].profit == 10.0)


def test_cleared_orders_come_in_pages_and_by_date(rpc: Rpc) -> None:
    rpc.place(*[limit("BACK", 2.0, 2.0) for _ in range(3)])
    market = rpc.exchange.market(MARKET)
    market.close([11])
    market.settle()
    page = rpc("listClearedOrders", betStatus="SETTLED", fromRecord=2, recordCount=2)
    assert (len(page["clearedOrders"]), page["moreAvailable"]) == (1, False)
    late = {"from": "2100-01-01T00:00:00.000Z"}
    assert rpc("listClearedOrders", betStatus="SETTLED", settledDateRange=late)["clearedOrders"] == []
    assert rpc.error("listClearedOrders", betStatus="LAPSED", groupBy="MARKET") == "INVALID_INPUT_DATA"


def test_reopened_market_is_settled_anew(rpc: Rpc) -> None:
    rpc.place(limit("BACK", 2.0, 10.0, ref="bet"))
    market = rpc.exchange.market(MARKET)
    market.close([11])
    market.settle()
    market.reopen()
    assert bets(rpc)["bet"].profit is None
    assert rpc("listClearedOrders", betStatus="SETTLED")["clearedOrders"] == []
    assert rpc("getAccountFunds", "account")["availableToBetBalance"] == 9_990.0
    assert len(rpc("listCurrentOrders")["currentOrders"]) == 1
    assert rpc.place(limit("BACK", 3.0, 2.0, ref="second"))["status"] == "SUCCESS"
    market.close([22])
    market.settle()
    assert bets(rpc)["bet"].profit == -10.0
    assert rpc("getAccountFunds", "account")["availableToBetBalance"] == 9_990.0


@pytest.mark.parametrize(("winners", "profit"), [([11], 10.0), ([11, 22], 0.0), ([22], -10.0)])
def test_dead_heat_shares_the_price(rpc: Rpc, winners: list[int], profit: float) -> None:
    rpc.place(limit("BACK", 2.0, 10.0, ref="bet"))
    market = rpc.exchange.market(MARKET)
    market.close(winners)
    market.settle()
    assert bets(rpc)["bet"].profit == profit


def test_line_market_settles_at_evens(make_exchange: Any) -> None:
    line = {
        "bettingType": "LINE",
        "marketType": "LINE_RANGE",
        "bspMarket": False,
        "lineMinUnit": 0.5,
        "lineMaxUnit": 100.5,
        "lineInterval": 1.0,
        "priceLadderDefinition": {"type": "LINE_RANGE"},
    }
    offers = {11: ([[50.5, 20.0]], [[52.5, 20.0]])}
    rpc = Rpc(make_exchange([Scenario(market_id=MARKET, runners=(11,), offers=offers, definition=line)]))
    assert rpc.place(limit("BACK", 50.7, 10.0))["instructionReports"][0]["errorCode"] == "INVALID_ODDS"
    rpc.place(limit("BACK", 50.5, 10.0, ref="bet"))
    market = rpc.exchange.market(MARKET)
    market.close([])
    market.settle(line_result=40)
    assert bets(rpc)["bet"].profit == 10.0
