"""Faults of the streams: what a client reads, byte by byte where it matters."""

import json
import socket
import threading
from typing import Any

import pytest
from wire import MARKET, Rpc, StreamClient, client_of, is_delta, limit, orders_of, wait_until

from flumine_exchange.exchange import LocalExchange


@pytest.fixture
def change(exchange: LocalExchange) -> Any:
    """Return a function that makes one market change."""
    count = iter(range(1, 1000))
    return lambda: exchange.market(MARKET).set_price(11, back=[[1.5, float(next(count))]])


@pytest.mark.parametrize("action", ["drop", "rst", "cut"])
def test_connection_ends_on_a_write(exchange: LocalExchange, stream: StreamClient, change: Any, action: str) -> None:
    stream.markets()
    exchange.faults.add("stream.write", {"stream": "market", "ct": "DELTA"}, action=action)
    change()
    assert stream.line() is None
    assert stream.is_ended


def test_cut_in_the_middle_of_a_line_leaves_half_of_it(
    exchange: LocalExchange, stream: StreamClient, change: Any
) -> None:
    stream.markets()
    exchange.faults.add("stream.write", {"ct": "DELTA", "nth": 2}, action="cut")
    change()
    change()
    stream.until(is_delta)
    assert stream.line() is None
    assert stream._received.startswith(b'{"op":"mcm"')


def test_cut_in_the_middle_of_segments(exchange: LocalExchange, stream: StreamClient) -> None:
    exchange.faults.add("stream.write", {"ct": "SUB_IMAGE"}, action="cut_segment", most=1)
    image = stream.markets()
    assert (image["segmentType"], "clk" in image) == ("SEG_START", False)
    assert stream.line() is None


def test_silence(exchange: LocalExchange, stream: StreamClient, change: Any) -> None:
    stream.markets(heartbeatMs=500)
    exchange.faults.add("stream.write", {"ct": "DELTA"}, action="silence")
    change()
    wait_until(lambda: exchange.ledger.events("fault"))
    while not stream.socket.pending():  # heartbeats that were on their way
        stream.socket.settimeout(0.2)
        try:
            stream.next()
        except TimeoutError:
            break


@pytest.mark.parametrize("is_closed", [True, False])
def test_invalid_clock(exchange: LocalExchange, make_stream: Any, is_closed: bool) -> None:
    client = client_of(exchange)
    image = make_stream(exchange, client).markets()
    exchange.faults.add("stream.subscribe", {"is_resume": True}, action="error", code="INVALID_CLOCK", closed=is_closed)
    stream = make_stream(exchange, client)
    stream.send("marketSubscription", initialClk=image["initialClk"], clk=image["clk"])
    status = stream.next()
    assert (status["errorCode"], status["connectionClosed"]) == ("INVALID_CLOCK", is_closed)
    if is_closed:
        assert stream.line() is None
    else:
        assert stream.markets()["ct"] == "SUB_IMAGE"


def test_image_in_answer_to_a_resume(exchange: LocalExchange, make_stream: Any) -> None:
    client = client_of(exchange)
    image = make_stream(exchange, client).markets()
    clks = {"initialClk": image["initialClk"], "clk": image["clk"]}
    exchange.faults.add("stream.subscribe", action="image", markets=[])
    answer = make_stream(exchange, client).markets(**clks)
    assert (answer["ct"], "mc" in answer) == ("SUB_IMAGE", False)
    exchange.market(MARKET).set_price(11, back=[[1.5, 1.0]])
    exchange.faults.add("stream.subscribe", action="image_all")
    answer = make_stream(exchange, client).markets(**clks)
    assert (answer["ct"], answer["mc"][0]["img"], answer["mc"][0]["con"]) == ("RESUB_DELTA", True, True)
    exchange.faults.add("stream.subscribe", action="image_all", markets=["1.9"])
    assert "img" not in make_stream(exchange, client).markets(**clks)["mc"][0]


def test_authentication_is_refused(exchange: LocalExchange, make_stream: Any) -> None:
    exchange.faults.add("stream.auth", action="error", code="MAX_CONNECTION_LIMIT_EXCEEDED")
    stream = make_stream(exchange)
    assert stream.authenticate(client_of(exchange))["errorCode"] == "MAX_CONNECTION_LIMIT_EXCEEDED"
    assert stream.line() is None


def test_greeting_that_is_wrong_or_coalesced(exchange: LocalExchange, make_stream: Any) -> None:
    exchange.faults.add("stream.greeting", action="raw", text="nonsense\r\n")
    assert make_stream(exchange).line() == b"nonsense"
    exchange.faults.add("stream.greeting", action="coalesce", text='{"op":"status","id":1}')
    stream = make_stream(exchange)
    assert [stream.next()["op"], stream.next()["op"]] == ["connection", "status"]


def test_greeting_is_held_until_the_clock_says(exchange: LocalExchange, make_stream: Any) -> None:
    exchange.clock.freeze()
    exchange.faults.add("stream.greeting", action="delay", seconds=5)
    stream = make_stream(exchange)
    threading.Timer(0.05, lambda: exchange.clock.advance(6)).start()
    assert stream.next()["op"] == "connection"


@pytest.mark.parametrize("without_pt", [False, True])
def test_upstream_trouble(exchange: LocalExchange, stream: StreamClient, change: Any, without_pt: bool) -> None:
    stream.markets()
    exchange.faults.add("stream.write", {"ct": "DELTA"}, action="status", status=503, without_pt=without_pt)
    change()
    message = stream.until(lambda message: message.get("status"))
    assert (message["status"], "pt" in message) == (503, not without_pt)
    change()
    assert "status" not in stream.until(is_delta)


def test_upstream_trouble_for_a_while_marks_heartbeats_too(
    exchange: LocalExchange, stream: StreamClient, change: Any
) -> None:
    stream.markets(heartbeatMs=500)
    exchange.clock.freeze()
    exchange.faults.add("stream.write", {"ct": "DELTA"}, action="status", seconds=60)
    change()
    stream.until(lambda message: message.get("ct") == "HEARTBEAT" and message.get("status") == 503)
    exchange.clock.advance(61)
    stream.until(lambda message: message.get("ct") == "HEARTBEAT" and "status" not in message)


@pytest.mark.parametrize(
    ("params", "lines"),
    [
        ({"action": "raw", "text": "nonsense\r\n"}, [None, "mcm"]),
        ({"action": "raw", "text": '{"op":"unknown"}\r\n', "instead": True}, ["unknown"]),
        ({"action": "remove_field", "name": "op"}, [""]),
        ({"action": "duplicate"}, ["mcm", "mcm"]),
        ({"action": "skip"}, []),
    ],
)
def test_lines_that_are_wrong(
    exchange: LocalExchange, stream: StreamClient, change: Any, params: dict[str, Any], lines: list[str | None]
) -> None:
    stream.markets()
    exchange.faults.add("stream.write", {"ct": "DELTA"}, **params)
    change()
    exchange.market(MARKET).change({"rc": [{"id": 11, "atb": [[1.01, 777.25]]}]})
    found: list[str | None] = []
    while b"777.25" not in (line := stream.line() or b""):
        try:
            message = json.loads(line)
        except ValueError:
            found.append(None)
            continue
        if message.get("ct") != "HEARTBEAT":
            found.append(message.get("op", ""))
    assert found == lines


@pytest.mark.parametrize("where", ["message", "change", "runner"])
def test_unknown_field(exchange: LocalExchange, stream: StreamClient, change: Any, where: str) -> None:
    stream.markets()
    exchange.faults.add("stream.write", {"ct": "DELTA"}, action="add_field", where=where)
    change()
    message = stream.until(is_delta)
    assert {"message": message, "change": message["mc"][0], "runner": message["mc"][0]["rc"][0]}[where]["newField"]


def test_unknown_field_of_an_order_and_one_that_is_missing(rpc: Rpc, make_stream: Any) -> None:
    stream = make_stream(rpc.exchange, rpc.client)
    stream.orders()
    rpc.exchange.faults.add("stream.write", {"op": "ocm"}, action="add_field", where="order", name="brandNew", value=1)
    rpc.place(limit("BACK", 3.0, 2.0))
    assert orders_of(stream.until(orders_of))[0]["brandNew"] == 1
    rpc.exchange.faults.add("order.publish", action="remove_field", name="rfo")
    rpc.place(limit("BACK", 3.0, 2.0))
    assert "rfo" not in orders_of(stream.until(orders_of))[0]


def test_messages_are_held_and_come_in_order(exchange: LocalExchange, stream: StreamClient, change: Any) -> None:
    stream.markets()
    exchange.clock.freeze()
    exchange.faults.add("stream.write", {"ct": "DELTA"}, action="hold", seconds=30)
    for _ in range(3):
        change()
    assert exchange.faults.armed() == []
    exchange.clock.advance(31)
    sizes = [stream.until(is_delta)["mc"][0]["rc"][0]["atb"][-1][1] for _ in range(3)]
    assert sizes == [1.0, 2.0, 3.0]


def test_order_messages_alone_are_held(rpc: Rpc, make_stream: Any) -> None:
    stream = make_stream(rpc.exchange, rpc.client)
    stream.markets()
    stream.orders()
    rpc.exchange.clock.freeze()
    rpc.exchange.faults.add("order.publish", action="hold", seconds=30)
    rpc.place(limit("BACK", 3.0, 2.0, ref="held"))
    assert stream.until(is_delta)["op"] == "mcm"
    rpc.exchange.clock.advance(31)
    assert stream.order(lambda order: order["rfo"] == "held")


def test_publish_time_is_skewed(exchange: LocalExchange, stream: StreamClient, change: Any) -> None:
    stream.markets()
    exchange.faults.add("clock", count=None, action="skew", milliseconds=-3000)
    exchange.clock.freeze()
    change()
    assert exchange.clock.epoch_ms - stream.until(is_delta)["pt"] == 3000
    exchange.faults.clear()
    change()
    assert exchange.clock.epoch_ms == stream.until(is_delta)["pt"]


def test_listener_without_tls_stays_silent(exchange: LocalExchange, make_stream: Any) -> None:
    exchange.faults.add("tls.accept", {"server": "stream"}, action="silence")
    with socket.create_connection((exchange.stream_host, exchange.stream_port), timeout=0.3) as plain:
        plain.sendall(b"\x16\x03\x01\x00\x05hello")
        with pytest.raises(TimeoutError):
            plain.recv(1)


def test_faults_are_told_in_the_ledger(exchange: LocalExchange, stream: StreamClient, change: Any) -> None:
    stream.markets()
    fault = exchange.faults.add("stream.write", {"ct": "DELTA"}, count=2, action="duplicate")
    change()
    change()
    assert fault.struck.wait(5)
    wait_until(lambda: fault.hits == 2)
    assert [event.detail["action"] for event in exchange.ledger.events("fault")] == ["duplicate", "duplicate"]
    assert exchange.faults.armed() == []
