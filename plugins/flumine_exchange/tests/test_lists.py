"""Lists and funds: current and cleared orders, catalogues, books, statement, heartbeat; their limits."""

import json
import threading
from typing import Any

import pytest
from wire import MARKET, Rpc, client_of, limit, wait_until

from flumine_exchange.exchange import Account, Scenario


def test_json_rpc_errors(rpc: Rpc) -> None:
    assert rpc.post("nonsense")["error"]["code"] == -32700
    assert rpc.raw("listNothing")["error"]["code"] == -32601
    assert rpc.raw("placeOrders", marketId=5, instructions=[])["error"]["code"] == -32602


def test_list_of_calls_is_answered_with_a_list(rpc: Rpc) -> None:
    call = {"jsonrpc": "2.0", "method": "SportsAPING/v1.0/listCurrentOrders", "params": {}}
    answers = rpc.post(json.dumps([call | {"id": 1}, call | {"id": 2}]))
    assert [answer["id"] for answer in answers] == [1, 2]


def test_explicit_nulls_are_as_good_as_nothing(rpc: Rpc) -> None:
    answer = rpc("listCurrentOrders", betIds=None, dateRange={"from": None, "to": None}, orderProjection=None)
    assert answer == {"currentOrders": [], "moreAvailable": False}


@pytest.fixture
def placed(rpc: Rpc) -> list[str]:
    """Three bets: one live, one matched, one cancelled."""
    report = rpc.place(
        limit("BACK", 3.0, 2.0, ref="live"),
        limit("BACK", 2.0, 2.0, runner=22, ref="matched"),
        limit("BACK", 3.0, 2.0, ref="cancelled"),
        customerStrategyRef="me",
    )
    ids = [each["betId"] for each in report["instructionReports"]]
    rpc("cancelOrders", marketId=MARKET, instructions=[{"betId": ids[2]}])
    return ids


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({}, ["live", "matched"]),
        ({"orderProjection": "EXECUTABLE"}, ["live"]),
        ({"orderProjection": "EXECUTION_COMPLETE"}, ["matched"]),
        ({"customerOrderRefs": ["matched"]}, ["matched"]),
        ({"customerStrategyRefs": ["you"]}, []),
        ({"marketIds": ["1.9"]}, []),
        ({"orderBy": "BY_MATCH_TIME"}, ["matched"]),
        ({"sortDir": "LATEST_TO_EARLIEST"}, ["matched", "live"]),
        ({"dateRange": {"from": "2100-01-01T00:00:00.000Z"}}, []),
    ],
)
def test_current_orders(rpc: Rpc, placed: list[str], params: dict[str, Any], expected: list[str]) -> None:
    orders = rpc("listCurrentOrders", **params)["currentOrders"]
    assert [order["customerOrderRef"] for order in orders] == expected
    for order in orders:
        parts = ("sizeMatched", "sizeRemaining", "sizeLapsed", "sizeCancelled", "sizeVoided")
        assert sum(order[part] for part in parts) == pytest.approx(order["priceSize"]["size"])


def test_current_orders_come_in_pages(rpc: Rpc, placed: list[str]) -> None:
    first = rpc("listCurrentOrders", recordCount=1)
    second = rpc("listCurrentOrders", recordCount=1, fromRecord=1)
    assert (first["moreAvailable"], second["moreAvailable"]) == (True, False)
    assert [page["currentOrders"][0]["betId"] for page in (first, second)] == placed[:2]
    assert rpc.error("listCurrentOrders", recordCount=1001) == "INVALID_INPUT_DATA"
    assert rpc.error("listCurrentOrders", betIds=["1"] * 251) == "REQUEST_SIZE_EXCEEDS_LIMIT"


def test_description_of_the_market_as_it_was(rpc: Rpc, placed: list[str]) -> None:
    order = rpc("listCurrentOrders", includeItemDescription=True)["currentOrders"][0]
    version = rpc.exchange.market(MARKET).definition["version"]
    assert order["currentItemDescription"] == {"marketVersion": {"version": version}}


def test_fourth_read_of_orders_at_a_time_is_refused(make_exchange: Any) -> None:
    exchange = make_exchange(scale=1.0, order_read_seconds=30.0)
    readers = [Rpc(exchange) for _ in range(4)]
    exchange.clock.freeze()
    threads = [threading.Thread(target=reader, args=("listCurrentOrders",)) for reader in readers[:3]]
    for thread in threads:
        thread.start()
    wait_until(lambda: exchange.ledger.requests.get("listCurrentOrders") == 3)
    assert readers[3].error("listCurrentOrders") == "TOO_MANY_REQUESTS"
    exchange.clock.advance(31)
    for thread in threads:
        thread.join(5)


def test_catalogue_projections_filters_and_weight(make_exchange: Any) -> None:
    markets = [Scenario(market_id="1.1"), Scenario(market_id="1.2", definition={"marketType": "PLACE"})]
    rpc = Rpc(make_exchange(markets))
    bare = rpc("listMarketCatalogue", filter={}, maxResults=10)
    assert [sorted(entry) for entry in bare] == [["marketId", "marketName", "totalMatched"]] * 2
    wanted = {"marketTypeCodes": ["PLACE"], "marketStartTime": {"from": "2020-01-01T00:00:00Z"}}
    (place,) = rpc("listMarketCatalogue", filter=wanted, maxResults=1, marketProjection=["EVENT"])
    assert place["marketId"] == "1.2"
    heavy = ["MARKET_DESCRIPTION", "RUNNER_METADATA"]
    assert rpc.error("listMarketCatalogue", filter={}, maxResults=101, marketProjection=heavy) == "TOO_MUCH_DATA"
    assert rpc.error("listMarketCatalogue", filter={}, maxResults=1001) == "INVALID_INPUT_DATA"
    rpc.exchange.market("1.2").close([11])
    assert [entry["marketId"] for entry in rpc("listMarketCatalogue", filter={}, maxResults=10)] == ["1.1"]


def test_market_book_weight_and_orders(rpc: Rpc, placed: list[str]) -> None:
    heavy = {"priceData": ["EX_ALL_OFFERS", "EX_TRADED"]}
    assert rpc.error("listMarketBook", marketIds=["1.1"] * 7, priceProjection=heavy) == "TOO_MUCH_DATA"
    (book,) = rpc("listMarketBook", marketIds=[MARKET], priceProjection=heavy, orderProjection="ALL")
    first = book["runners"][0]
    assert first["ex"]["availableToLay"][-1] == {"price": 3.0, "size": 2.0}
    assert [order["customerOrderRef"] for order in first["orders"]] == ["live", "cancelled"]
    best = {"priceData": ["EX_BEST_OFFERS"], "exBestOffersOverrides": {"bestPricesDepth": 1}}
    (book,) = rpc("listMarketBook", marketIds=[MARKET], priceProjection=best)
    assert [len(runner["ex"]["availableToBack"]) for runner in book["runners"]] == [1, 1, 1]
    (one,) = rpc("listRunnerBook", marketId=MARKET, selectionId=22)
    assert [runner["selectionId"] for runner in one["runners"]] == [22]


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"betIds": [0, 2]}, ["live", "cancelled"]),
        ({"customerStrategyRefs": ["me"]}, ["live", "matched", "cancelled"]),
        ({"customerStrategyRefs": ["you"]}, []),
        ({"matchedSince": "2000-01-01T00:00:00.000Z"}, ["live", "matched"]),
        ({"matchedSince": "2100-01-01T00:00:00.000Z"}, ["live"]),
    ],
)
def test_orders_of_a_market_book_are_chosen(
    rpc: Rpc, placed: list[str], params: dict[str, Any], expected: list[str]
) -> None:
    if "betIds" in params:
        params = {"betIds": [placed[number] for number in params["betIds"]]}
    (book,) = rpc("listMarketBook", marketIds=[MARKET], orderProjection="ALL", **params)
    refs = {order["customerOrderRef"] for runner in book["runners"] for order in runner["orders"]}
    assert refs == set(expected)
    (one,) = rpc("listRunnerBook", marketId=MARKET, selectionId=22, orderProjection="ALL", **params)
    assert [order["customerOrderRef"] for order in one["runners"][0]["orders"]] == [
        ref for ref in expected if ref == "matched"
    ]


def test_profit_and_loss(rpc: Rpc, placed: list[str]) -> None:
    (market,) = rpc("listMarketProfitAndLoss", marketIds=[MARKET])
    assert {row["selectionId"]: row["ifWin"] for row in market["profitAndLosses"]} == {11: -2.0, 22: 2.0, 33: -2.0}


def test_heartbeat_cancels_the_bets_of_a_client_gone_silent(make_exchange: Any) -> None:
    rpc = Rpc(make_exchange(scale=1.0))
    rpc.place(limit("BACK", 3.0, 2.0))
    answer = rpc("heartbeat", "heartbeat", preferredTimeoutSeconds=5)
    assert answer == {"actionPerformed": "NONE", "actualTimeoutSeconds": 10}
    rpc.exchange.clock.advance(9)
    rpc("heartbeat", "heartbeat", preferredTimeoutSeconds=10)
    rpc.exchange.clock.advance(9)
    assert len(rpc.exchange.ledger.live_bets()) == 1
    rpc.exchange.clock.advance(2)
    wait_until(lambda: not rpc.exchange.ledger.live_bets())
    answer = rpc("heartbeat", "heartbeat", preferredTimeoutSeconds=0)
    assert answer == {"actionPerformed": "ALL_BETS_CANCELLED", "actualTimeoutSeconds": 0}


def test_account_details_and_rates(rpc: Rpc) -> None:
    assert rpc("getAccountDetails", "account")["currencyCode"] == "GBP"
    assert rpc("listCurrencyRates", "account") == [{"currencyCode": "GBP", "rate": 1.0}]
    assert rpc("getAccountStatement", "account") == {"accountStatement": [], "moreAvailable": False}


@pytest.mark.parametrize("is_delayed", [False, True])
def test_the_application_keys_of_an_account_are_its_own(make_exchange: Any, is_delayed: bool) -> None:
    accounts = (Account(username="other", app_key="other-key"), Account(is_delayed_key=is_delayed))
    exchange = make_exchange(accounts=accounts)
    rpc = Rpc(exchange, client_of(exchange, account=1))
    (app,) = rpc("getDeveloperAppKeys", "account")
    assert (app["appName"], app["appId"]) == ("trader", 2)
    assert app["appVersions"] == [
        {
            "owner": "trader",
            "versionId": 2,
            "version": "1.0-DELAY" if is_delayed else "1.0",
            "applicationKey": "local-app-key",
            "delayData": is_delayed,
            "subscriptionRequired": False,
            "ownerManaged": False,
            "active": True,
        }
    ]


def test_time_ranges(rpc: Rpc) -> None:
    (found,) = rpc("listTimeRanges", filter={}, granularity="DAYS")
    assert found["marketCount"] == 1
    assert found["timeRange"]["from"].endswith("T00:00:00.000Z")
    assert rpc.error("listTimeRanges", filter={}, granularity="YEARS") == "INVALID_INPUT_DATA"


def test_funds_are_told_to_the_test_too(rpc: Rpc) -> None:
    rpc.place(limit("BACK", 3.0, 2.0))
    assert rpc.exchange.funds() == rpc("getAccountFunds", "account")
    assert rpc.exchange.funds()["exposure"] == -2.0
