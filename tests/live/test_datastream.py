"""Data streams over a real TLS socket: changes keep their own bytes, whatever they are of."""

from typing import Any

import pytest

from flumine_core.contract.streams import CricketDataStream, DataStream, OrderDataStream, RaceDataStream
from flumine_core.live.datastream import LiveDataStream, LiveOrderDataStream, LiveSportsRawStream

from .conftest import Report, StreamServer

KINDS: dict[str, tuple[str, Any, Any, bytes]] = {
    "mcm": ("mc", DataStream, LiveDataStream, b'{"id" : "1.1", "tv":1.00, "new":[1e0]}'),
    "ocm": ("oc", OrderDataStream, LiveOrderDataStream, b'{"id":"1.1","orc":[{"id":1, "uo":[]}]}'),
    "rcm": ("rc", RaceDataStream, LiveSportsRawStream, b'{"mid":"1.1","id":"28587288.1650","rpc":{"rt":1.50}}'),
    "ccm": ("cc", CricketDataStream, LiveSportsRawStream, b'{"marketId":"1.1","eventId":"30", "x":null}'),
}


@pytest.mark.parametrize("op", KINDS)
def test_changes_keep_their_own_bytes(
    op: str, server: StreamServer, account: Any, fast_settings: Any, pump: Any, report: Report
) -> None:
    name, describe, make, change = KINDS[op]
    client = account()
    pumped = pump(make(describe(client=client, stream_id=7), client, fast_settings(), report))
    connection = server.connection()
    head = f'{{"op":"{op}","id":{connection.id},"clk":"A","pt":1000,"{name}":['.encode()
    connection.raw_send(head + change + b', [], {"id":"1.2"}]}\r\n')
    event = pumped.next()
    assert (event.stream_id, event.op, event.clk, event.publish_time) == (7, op, "A", 1000)
    assert [each.raw for each in event.data] == [change, b'{"id":"1.2"}']
    assert len(report.bad_lines) == 1
