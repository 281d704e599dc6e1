"""Faults of the HTTP side: what the client sees, and what the exchange has done meanwhile."""

import socket
import ssl
import threading
from contextlib import nullcontext
from typing import Any

import pytest
import requests
from wire import MARKET, Rpc, limit, orders_of, wait_until

from flumine_exchange.exchange import LocalExchange

BET = limit("BACK", 3.0, 2.0, ref="mine")


@pytest.fixture
def place(rpc: Rpc) -> Any:
    return lambda **params: rpc.place(BET, **params)


@pytest.mark.parametrize("action", ["drop", "rst"])
@pytest.mark.parametrize(("hook", "bets"), [("http.before_execute", 0), ("http.after_execute", 1), ("http.write", 1)])
def test_connection_ends_without_an_answer(rpc: Rpc, place: Any, hook: str, action: str, bets: int) -> None:
    rpc.exchange.faults.add(hook, {"op": "placeOrders"}, action=action)
    with pytest.raises(requests.ConnectionError):
        place()
    assert len(rpc.exchange.ledger.bets()) == bets
    assert place()["status"] == "SUCCESS"


def test_answers_are_changed_for_as_long_as_a_fault_without_count_is_armed(rpc: Rpc, place: Any) -> None:
    fault = rpc.exchange.faults.add("http.after_execute", {"op": "placeOrders"}, count=None, action="remove_reports")
    rpc.exchange.faults.add("http.after_execute", {"op": "placeOrders"}, count=None, action="add_field")
    assert all("instructionReports" not in place() for _ in range(3))
    rpc.exchange.faults.remove(fault.id)
    assert fault.hits == 3 and place()["instructionReports"]


@pytest.mark.parametrize(("action", "ends_with"), [("rst", ConnectionResetError), ("drop", None)])
def test_end_of_the_connection_as_the_socket_sees_it(
    exchange: LocalExchange, action: str, ends_with: type[Exception] | None
) -> None:
    # Python's own TLS sockets tell an end of both kinds in the same way: so the TLS is done beside the socket
    exchange.faults.add("http.before_execute", {"op": "certlogin"}, action=action)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.create_default_context(cafile=exchange.ca_file)
    tls = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
    port = int(exchange.identity_uri.split(":")[2].split("/")[0])
    with socket.create_connection(("127.0.0.1", port), timeout=10) as plain:
        is_shaken = False
        while not is_shaken:
            try:
                tls.do_handshake()
                is_shaken = True
            except ssl.SSLWantReadError:
                plain.sendall(outgoing.read())
                incoming.write(plain.recv(65536))
        tls.write(b"POST /api/certlogin HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n")
        plain.sendall(outgoing.read())
        with nullcontext() if ends_with is None else pytest.raises(ends_with):
            while plain.recv(65536):
                pass


def test_half_of_the_body(rpc: Rpc, place: Any) -> None:
    rpc.exchange.faults.add("http.write", {"op": "placeOrders"}, action="half_body")
    with pytest.raises(requests.exceptions.RequestException):
        place()
    assert len(rpc.exchange.ledger.bets()) == 1


@pytest.mark.parametrize(("hook", "bets"), [("http.before_execute", 0), ("http.after_execute", 1)])
def test_status_and_html(rpc: Rpc, hook: str, bets: int) -> None:
    rpc.exchange.faults.add(hook, {"op": "placeOrders"}, action="status", status=503, body="busy")
    body = {"jsonrpc": "2.0", "method": "SportsAPING/v1.0/placeOrders", "id": 1}
    body["params"] = {"marketId": MARKET, "instructions": [BET]}
    url = f"{rpc.exchange.api_uri}betting/json-rpc/v1"
    headers = {"X-Application": rpc.client.app_key, "X-Authentication": rpc.client.session_token}
    response = rpc.session.post(url, json=body, headers=headers, timeout=5)
    assert (response.status_code, response.text) == (503, "busy")
    assert len(rpc.exchange.ledger.bets()) == bets
    rpc.exchange.faults.add(hook, {"op": "placeOrders"}, action="html")
    response = rpc.session.post(url, json=body, headers=headers, timeout=5)
    assert (response.status_code, response.headers["Content-Type"]) == (200, "text/html")


def test_answer_hangs_and_others_do_not(rpc: Rpc, place: Any) -> None:
    rpc.exchange.faults.add("http.after_execute", {"op": "placeOrders"}, action="hang")
    with pytest.raises(requests.ReadTimeout):
        rpc.session.post(
            f"{rpc.exchange.api_uri}betting/json-rpc/v1",
            json={"method": "SportsAPING/v1.0/placeOrders", "params": {"marketId": MARKET, "instructions": [BET]}},
            headers={"X-Application": rpc.client.app_key, "X-Authentication": rpc.client.session_token},
            timeout=(5, 0.3),
        )
    wait_until(lambda: len(rpc.exchange.ledger.bets()) == 1)
    assert len(rpc("listCurrentOrders")["currentOrders"]) == 1


def test_error_code(rpc: Rpc) -> None:
    rpc.exchange.faults.add("http.before_execute", {"op": "listCurrentOrders"}, action="error", code="SERVICE_BUSY")
    assert rpc.error("listCurrentOrders") == "SERVICE_BUSY"
    assert rpc("listCurrentOrders")["currentOrders"] == []


def test_timeout_and_the_bet_appears_later(rpc: Rpc, make_stream: Any, place: Any) -> None:
    stream = make_stream(rpc.exchange, rpc.client)
    stream.orders()
    rpc.exchange.faults.add("http.before_execute", {"op": "placeOrders"}, action="report_late", seconds=0.1)
    report = place()
    assert (report["status"], report["instructionReports"][0]["status"]) == ("TIMEOUT", "TIMEOUT")
    assert rpc.exchange.ledger.bets() == []
    assert stream.order(lambda order: order["rfo"] == "mine")["status"] == "E"


def test_late_bet_is_placed_once_however_often_it_is_sent(rpc: Rpc, place: Any) -> None:
    rpc.exchange.clock.freeze()
    rpc.exchange.faults.add("http.before_execute", {"op": "placeOrders"}, action="report_late", seconds=10)
    assert place(customerRef="same")["status"] == "TIMEOUT"
    assert place(customerRef="same")["errorCode"] == "DUPLICATE_TRANSACTION"
    rpc.exchange.clock.advance(11)
    wait_until(lambda: len(rpc.exchange.ledger.bets()) == 1)


def test_timeout_and_the_bet_never_appears(rpc: Rpc, place: Any) -> None:
    rpc.exchange.faults.add("http.before_execute", {"op": "placeOrders"}, action="report", status="TIMEOUT")
    assert place()["status"] == "TIMEOUT"
    assert rpc.exchange.ledger.bets() == []


def test_timeout_though_the_bet_was_placed(rpc: Rpc, place: Any) -> None:
    rpc.exchange.faults.add("http.after_execute", {"op": "placeOrders"}, action="report", status="TIMEOUT")
    assert place()["status"] == "TIMEOUT"
    assert len(rpc.exchange.ledger.bets()) == 1


def test_async_bet_is_forgotten(rpc: Rpc, place: Any) -> None:
    rpc.exchange.faults.add("http.before_execute", {"op": "placeOrders"}, action="forget_async")
    report = place(**{"async": True})
    assert report["instructionReports"][0]["orderStatus"] == "PENDING"
    assert rpc.exchange.ledger.bets() == []


def test_duplicate_without_reports(rpc: Rpc, place: Any) -> None:
    place(customerRef="again")
    rpc.exchange.faults.add("http.after_execute", {"op": "placeOrders"}, action="remove_reports")
    report = place(customerRef="again")
    assert report["errorCode"] == "DUPLICATE_TRANSACTION"
    assert "instructionReports" not in report


def test_unknown_field_shuffled_reports_and_another_result(rpc: Rpc) -> None:
    bets = [limit("BACK", 3.0, 2.0, ref=f"ref-{number}") for number in range(5)]
    faults = rpc.exchange.faults
    faults.add("http.after_execute", {"op": "placeOrders"}, action="add_field", name="newField", value=1)
    faults.add("http.after_execute", {"op": "placeOrders"}, action="shuffle_reports")
    faults.add("http.after_execute", {"op": "placeOrders"}, action="instruction", index=0, code="INVALID_ODDS")
    report = rpc.place(*bets)
    refs = [each["instruction"]["customerOrderRef"] for each in report["instructionReports"]]
    assert refs != sorted(refs)
    assert all(each["newField"] == 1 for each in report["instructionReports"])
    assert report["status"] == "PROCESSED_WITH_ERRORS"
    assert "betId" not in report["instructionReports"][0]


def test_market_changes_on_receipt(rpc: Rpc, place: Any) -> None:
    args = {"market_id": MARKET}
    rpc.exchange.faults.add("http.before_execute", {"op": "placeOrders"}, action="market", method="suspend", args=args)
    assert place()["errorCode"] == "MARKET_SUSPENDED"


def test_mistake_of_the_exchange_is_told(rpc: Rpc) -> None:
    rpc.exchange.faults.add("http.before_execute", action="market", method="no such thing")
    assert rpc.error("listCurrentOrders") == "UNEXPECTED_ERROR"
    assert "no such operation" in rpc.exchange.ledger.events("error")[0].detail["error"]
    rpc("listCurrentOrders")


def test_cancel_races_a_match(rpc: Rpc, place: Any) -> None:
    (report,) = place()["instructionReports"]
    args = {"market_id": MARKET, "bet_id": report["betId"], "size": 1.25}
    rpc.exchange.faults.add(
        "http.before_execute", {"op": "cancelOrders"}, action="market", method="match_bet", args=args
    )
    answer = rpc("cancelOrders", marketId=MARKET, instructions=[{"betId": report["betId"]}])
    assert answer["instructionReports"][0]["sizeCancelled"] == 0.75


def test_session_is_revoked_between_two_calls(rpc: Rpc, place: Any) -> None:
    rpc.exchange.faults.add("http.before_execute", {"op": "placeOrders"}, action="revoke_sessions")
    assert rpc.error("placeOrders", marketId=MARKET, instructions=[BET]) == "INVALID_SESSION_INFORMATION"
    assert rpc.exchange.ledger.bets() == []
    rpc.client.login()
    assert place()["status"] == "SUCCESS"


def test_stream_tells_before_the_answer(rpc: Rpc, make_stream: Any, place: Any) -> None:
    stream = make_stream(rpc.exchange, rpc.client)
    stream.orders()
    rpc.exchange.clock.freeze()
    rpc.exchange.faults.add("http.after_execute", {"op": "placeOrders"}, action="delay", seconds=60)
    answers: list[Any] = []
    thread = threading.Thread(target=lambda: answers.append(place()))
    thread.start()
    stream.order(lambda order: order["rfo"] == "mine")
    assert answers == []
    rpc.exchange.clock.advance(61)
    thread.join(5)
    assert answers[0]["status"] == "SUCCESS"


def test_lists_come_in_small_pages(make_exchange: Any) -> None:
    rpc = Rpc(make_exchange(page_size=2))
    rpc.place(BET, BET, BET)
    first, second = (rpc("listCurrentOrders", fromRecord=start, recordCount=1000) for start in (0, 2))
    assert [(len(page["currentOrders"]), page["moreAvailable"]) for page in (first, second)] == [(2, True), (1, False)]


def test_replaced_bet_may_lose_its_references(make_exchange: Any) -> None:
    rpc = Rpc(make_exchange(replacement_keeps_refs=False))
    (report,) = rpc.place(BET)["instructionReports"]
    rpc("replaceOrders", marketId=MARKET, instructions=[{"betId": report["betId"], "newPrice": 3.5}])
    assert [(bet.rfo, bet.replaces) for bet in rpc.exchange.ledger.bets()] == [("mine", None), ("", report["betId"])]


def test_cleared_orders_come_late(rpc: Rpc, place: Any) -> None:
    (report,) = place()["instructionReports"]
    market = rpc.exchange.market(MARKET)
    market.match_bet(report["betId"])
    market.close([11])
    market.settle()
    rpc.exchange.faults.add("http.after_execute", {"op": "listClearedOrders"}, count=2, action="empty")
    found = [len(rpc("listClearedOrders", betStatus="SETTLED")["clearedOrders"]) for _ in range(3)]
    assert found == [0, 0, 1]


def test_idle_connection_is_closed_by_the_server(make_exchange: Any) -> None:
    exchange = make_exchange(idle_http_seconds=2.5)  # scaled: 50 ms
    rpc = Rpc(exchange)
    rpc("listCurrentOrders")
    wait_until(lambda: exchange.ledger.open_sockets["http"] == 0)


@pytest.mark.parametrize("action", ["bad_certificate", "drop", "rst"])
def test_handshake_fails(rpc: Rpc, action: str) -> None:
    rpc.exchange.faults.add("tls.accept", {"server": "http"}, action=action)
    rpc.session.close()
    with pytest.raises(requests.ConnectionError):
        rpc("listCurrentOrders")
    rpc("listCurrentOrders")


def test_port_is_closed_and_opened_again(rpc: Rpc) -> None:
    rpc.exchange.refuse_connections("http")
    rpc.session.close()
    with pytest.raises(requests.ConnectionError, match="refused"):
        rpc("listCurrentOrders")
    rpc.exchange.take_connections("http")
    rpc("listCurrentOrders")


def test_order_publishing_is_held_skipped_repeated_and_replayed(rpc: Rpc, make_stream: Any) -> None:
    stream = make_stream(rpc.exchange, rpc.client)
    stream.orders()
    faults = rpc.exchange.faults
    faults.add("order.publish", action="skip")
    rpc.place(limit("BACK", 3.0, 2.0, ref="skipped"))
    faults.add("order.publish", action="duplicate")
    rpc.place(limit("BACK", 3.0, 2.0, ref="twice"))
    faults.add("order.publish", action="replay", number=1)
    rpc.place(limit("BACK", 3.0, 2.0, ref="last"))
    refs = [orders_of(stream.until(orders_of))[0]["rfo"] for _ in range(4)]
    assert refs == ["twice", "twice", "last", "twice"]


def test_bet_lapses_at_once_with_a_code(rpc: Rpc, make_stream: Any, place: Any) -> None:
    stream = make_stream(rpc.exchange, rpc.client)
    stream.orders()
    rpc.exchange.faults.add("order.publish", action="lapse", code="PRICE_INVALID")
    place(**{"async": True})
    order = stream.order(lambda order: order["status"] == "EC")
    assert (order["sl"], order["lsrc"]) == (2.0, "PRICE_INVALID")


def test_unknown_bet_is_told(rpc: Rpc, make_stream: Any, place: Any) -> None:
    stream = make_stream(rpc.exchange, rpc.client)
    stream.orders()
    bet_id = rpc.exchange.place_external_bet(MARKET, 22, "LAY", 1.5, 3.0)
    assert stream.order(lambda order: order["id"] == bet_id)["rfo"] == ""
