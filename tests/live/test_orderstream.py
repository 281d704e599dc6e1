"""The order stream over a real TLS socket: every bet, in order, with marks of what may have been missed."""

from typing import Any

import pytest

from flumine_core.contract.streams import OrderStream
from flumine_core.live.orderstream import LiveOrderStream

from .conftest import Report, StreamServer


def bet(bet_id: str, status: str = "E", **more: Any) -> dict[str, Any]:
    return {"id": bet_id, "p": 3.0, "s": 2.0, "side": "B", "status": status, "sm": 0.0, "sr": 2.0, **more}


def order_change(*bets: dict[str, Any], market_id: str = "1.1", **more: Any) -> dict[str, Any]:
    return {"id": market_id, "orc": [{"id": 11, "uo": list(bets)}], **more}


@pytest.fixture
def start(account: Any, fast_settings: Any, pump: Any, report: Report) -> Any:
    def make(**options: Any) -> Any:
        client = account()
        stream = LiveOrderStream(OrderStream(client, stream_id=20_000, **options), client, fast_settings(), report)
        return stream, pump(stream)

    return make


def test_image_then_changes_in_order(server: StreamServer, start: Any) -> None:
    stream, pumped = start(conflate_ms=10, customer_strategy_refs=["host"])
    connection = server.connection()
    sent = connection.subscription
    assert sent["op"] == "orderSubscription" and sent["conflateMs"] == 10
    assert sent["orderFilter"]["customerStrategyRefs"] == ["host"]
    connection.change("ocm", ct="SUB_IMAGE", initialClk="I", clk="A", pt=1000, oc=[order_change(bet("1", rfo="r"))])
    event = pumped.next()
    assert (event.is_image, event.is_connected, event.client) == (True, True, stream.account)
    assert [(each.bet_id, each.customer_order_ref) for each in event.bets] == [("1", "r")]
    for number in range(300):
        connection.change("ocm", clk="B", pt=1001, oc=[order_change(bet("1", sm=number / 100))])
    connection.change("ocm", clk="B", pt=1001, oc=[order_change(bet("1", "EC", sm=2.0, sr=0.0, news=1))])
    sizes = [pumped.next().bets[0].size_matched for _ in range(301)]
    assert sizes == [number / 100 for number in range(300)] + [2.0]
    assert stream.stale_reason is None


def test_an_empty_image_is_an_event_too(server: StreamServer, start: Any) -> None:
    _, pumped = start()
    server.connection().change("ocm", ct="SUB_IMAGE", initialClk="I", clk="A", pt=1000)
    event = pumped.next()
    assert event.is_image and event.is_connected and list(event.bets) == []


def test_a_drop_is_told_and_the_next_connection_begins_anew(server: StreamServer, start: Any) -> None:
    _, pumped = start()
    connection = server.connection()
    connection.change("ocm", ct="SUB_IMAGE", initialClk="I", clk="A", pt=1000)
    pumped.next()
    connection.close()
    assert pumped.next().is_connected is False
    again = server.connection()
    assert again.subscription["clk"] is None
    again.change("ocm", ct="SUB_IMAGE", clk="B", pt=1000, oc=[order_change(bet("2"))])
    event = pumped.next()
    assert event.is_image and [each.bet_id for each in event.bets] == ["2"]


def test_a_segmented_image_is_one_event(server: StreamServer, start: Any) -> None:
    _, pumped = start()
    connection = server.connection()
    connection.change("ocm", ct="SUB_IMAGE", segmentType="SEG_START", pt=1, oc=[order_change(bet("1"))])
    connection.change("ocm", ct="SUB_IMAGE", segmentType="SEG_END", clk="A", pt=1, oc=[order_change(bet("2"))])
    assert [each.bet_id for each in pumped.next().bets] == ["1", "2"]


def test_a_change_that_cannot_be_read_is_named_and_the_image_is_asked_for_again(
    server: StreamServer, start: Any, report: Report
) -> None:
    _, pumped = start()
    connection = server.connection()
    connection.change("ocm", ct="SUB_IMAGE", initialClk="I", clk="A", pt=1000)
    pumped.next()
    connection.change("ocm", clk="B", pt=1001, oc=[{"orc": 7}])
    assert pumped.next().is_connected is False
    server.connection().change("ocm", ct="SUB_IMAGE", clk="B", pt=1, oc=[order_change(bet("2"))])
    assert pumped.next().is_image
    assert len(report.bad_lines) == 1


def test_what_is_lost_for_good_is_told_as_if_the_stream_had_connected(server: StreamServer, start: Any) -> None:
    _, pumped = start()
    for clk in "AB":
        connection = server.connection()
        connection.change("ocm", ct="SUB_IMAGE", initialClk="I", clk=clk, pt=1000)
        assert pumped.next().is_image
        connection.raw_send(b"nonsense\r\n")
        event = pumped.next()
    assert (event.is_connected, event.is_image, event.bets) == (True, False, ())
    connection.change("ocm", clk="C", pt=1001, oc=[order_change(bet("3"), {"id": 3})])
    assert [each.bet_id for each in pumped.next().bets] == ["3", "3"]
