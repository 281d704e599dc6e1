"""The order stream: images, full states, matched totals, strategies, resume."""

from typing import Any

from wire import MARKET, Rpc, StreamClient, client_of, is_delta, limit, orders_of

from flumine_exchange.exchange import Account, Scenario


def connect(rpc: Rpc, make_stream: Any) -> StreamClient:
    stream: StreamClient = make_stream(rpc.exchange, rpc.client)
    return stream


def test_image_without_bets_is_empty(rpc: Rpc, make_stream: Any) -> None:
    image = connect(rpc, make_stream).orders()
    assert (image["op"], image["ct"], "oc" in image) == ("ocm", "SUB_IMAGE", False)


def test_image_holds_what_is_live_and_totals_of_what_was_matched(rpc: Rpc, make_stream: Any) -> None:
    rpc.place(limit("BACK", 3.0, 4.0, ref="live"))
    rpc.place(limit("BACK", 2.0, 5.0, ref="matched"))
    (change,) = connect(rpc, make_stream).orders()["oc"]
    assert (change["id"], change["fullImage"]) == (MARKET, True)
    (runner,) = change["orc"]
    assert [order["rfo"] for order in runner["uo"]] == ["live"]
    assert runner["mb"] == [[2.0, 5.0]]


def test_every_state_of_a_bet_is_told_whole(rpc: Rpc, make_stream: Any) -> None:
    stream = connect(rpc, make_stream)
    stream.orders()
    report = rpc.place(limit("BACK", 3.0, 4.0, ref="one"), customerStrategyRef="me")
    bet_id = report["instructionReports"][0]["betId"]
    market = rpc.exchange.market(MARKET)
    market.match_bet(bet_id, 1.0)
    rpc("updateOrders", marketId=MARKET, instructions=[{"betId": bet_id, "newPersistenceType": "PERSIST"}])
    rpc("cancelOrders", marketId=MARKET, instructions=[{"betId": bet_id}])
    found = [orders_of(stream.until(orders_of))[0] for _ in range(4)]
    assert [(each["status"], each["sm"], each["sr"], each["sc"], each["pt"]) for each in found] == [
        ("E", 0.0, 4.0, 0.0, "L"),
        ("E", 1.0, 3.0, 0.0, "L"),
        ("E", 1.0, 3.0, 0.0, "P"),
        ("EC", 1.0, 0.0, 3.0, "P"),
    ]
    last = found[-1]
    assert (last["rfo"], last["rfs"], last["avp"], last["p"], last["s"]) == ("one", "me", 3.0, 3.0, 4.0)
    assert last["pd"] <= last["md"] <= last["cd"]


def test_totals_by_price_and_strategy(rpc: Rpc, make_stream: Any) -> None:
    stream = connect(rpc, make_stream)
    stream.orders(orderFilter={"includeOverallPosition": False, "partitionMatchedByStrategyRef": True})
    rpc.place(limit("BACK", 1.99, 60.0), customerStrategyRef="me")
    runner = stream.until(is_delta)["oc"][0]["orc"][0]
    assert runner["smc"] == {"me": {"mb": [[1.99, 10.0], [2.0, 50.0]]}}
    assert "mb" not in runner
    rpc.place(limit("LAY", 2.02, 5.0), customerStrategyRef="you")
    assert stream.until(is_delta)["oc"][0]["orc"][0]["smc"] == {"you": {"ml": [[2.02, 5.0]]}}


def test_only_the_strategies_that_were_asked_for(rpc: Rpc, make_stream: Any) -> None:
    stream = connect(rpc, make_stream)
    stream.orders(orderFilter={"includeOverallPosition": False, "customerStrategyRefs": ["me"]})
    rpc.place(limit("BACK", 3.0, 2.0, ref="other"), customerStrategyRef="you")
    rpc.place(limit("BACK", 3.0, 2.0, ref="own"), customerStrategyRef="me")
    assert orders_of(stream.until(orders_of))[0]["rfo"] == "own"


def test_accounts_see_their_own_bets(make_exchange: Any, make_stream: Any) -> None:
    exchange = make_exchange(accounts=(Account(), Account(username="other", app_key="other-key")))
    one, other = Rpc(exchange), Rpc(exchange, client_of(exchange, 1))
    stream = connect(one, make_stream)
    stream.orders()
    other.place(limit("BACK", 3.0, 2.0, ref="theirs"))
    one.place(limit("BACK", 3.0, 2.0, ref="mine"))
    assert orders_of(stream.until(orders_of))[0]["rfo"] == "mine"


def test_resume_tells_what_changed_completed_bets_too(rpc: Rpc, make_stream: Any) -> None:
    first = connect(rpc, make_stream)
    image = first.orders()
    report = rpc.place(limit("BACK", 3.0, 4.0, ref="gone"), limit("BACK", 3.0, 4.0, ref="same"))
    bet_id = report["instructionReports"][0]["betId"]
    first.until(orders_of)
    last = first.until(orders_of)
    first.close()
    rpc.exchange.market(MARKET).match_bet(bet_id)
    clks = {"initialClk": image["initialClk"], "clk": last["clk"]}
    patch = connect(rpc, make_stream).orders(**clks)
    assert patch["ct"] == "RESUB_DELTA"
    assert [(each["rfo"], each["status"], each["sm"]) for each in orders_of(patch)] == [("gone", "EC", 4.0)]
    fresh = connect(rpc, make_stream).orders()
    assert [each["rfo"] for each in orders_of(fresh)] == ["same"]


def test_close_of_the_market_lapses_and_is_told(rpc: Rpc, make_stream: Any) -> None:
    stream = connect(rpc, make_stream)
    stream.orders()
    rpc.place(limit("BACK", 3.0, 4.0, persistenceType="PERSIST"))
    rpc.exchange.market(MARKET).close([11])
    order = stream.order(lambda order: order["status"] == "EC")
    assert (order["sl"], order["sr"]) == (4.0, 0.0)
    closed = stream.until(lambda message: message.get("oc") and message["oc"][0].get("closed"))
    assert closed["oc"][0] == {"id": MARKET, "closed": True}


def test_on_close_bet_has_its_liability_as_bsp(rpc: Rpc, make_stream: Any) -> None:
    stream = connect(rpc, make_stream)
    stream.orders()
    bet = {"orderType": "LIMIT_ON_CLOSE", "selectionId": 11, "side": "LAY"}
    rpc.place(bet | {"limitOnCloseOrder": {"liability": 20.0, "price": 3.0}})
    order = orders_of(stream.until(orders_of))[0]
    assert (order["ot"], order["pt"], order["s"], order["bsp"], order["status"]) == ("LOC", "MOC", 0, 20.0, "E")


def test_market_and_orders_on_one_connection(rpc: Rpc, make_stream: Any) -> None:
    stream = connect(rpc, make_stream)
    stream.markets()
    stream.orders()
    rpc.place(limit("BACK", 3.0, 2.0))
    assert {stream.until(is_delta)["op"], stream.until(is_delta)["op"]} == {"mcm", "ocm"}


def test_conflated_orders_leave_out_no_last_state(make_exchange: Any, make_stream: Any) -> None:
    rpc = Rpc(make_exchange([Scenario(market_id=MARKET)], scale=0.1))
    stream = connect(rpc, make_stream)
    stream.orders(conflateMs=3000)
    reports = rpc.place(*[limit("BACK", 3.0, 2.0, ref=f"ref-{number}") for number in range(3)])["instructionReports"]
    rpc("cancelOrders", marketId=MARKET, instructions=[{"betId": reports[0]["betId"]}])
    found: dict[str, str] = {}
    while found != {"ref-0": "EC", "ref-1": "E", "ref-2": "E"}:
        found |= {each["rfo"]: each["status"] for each in orders_of(stream.until(orders_of))}
