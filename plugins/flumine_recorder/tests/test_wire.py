"""Over a real TLS socket: what the exchange sends is recorded byte by byte, and a replay of that is again."""

import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import trustme
from betfairlightweight import APIClient
from flumine_recorder.message import KINDS, compose, parse
from flumine_recorder.plugin import RecorderStrategy

from flumine_core import BetfairClient, Flumine
from flumine_core.contract.endpoints import Endpoints
from flumine_core.simulation.reader import open_lines

Until = Callable[..., None]

SUBSCRIPTIONS = {
    "marketSubscription": "mcm",
    "orderSubscription": "ocm",
    "raceSubscription": "rcm",
    "cricketSubscription": "ccm",
}


class Server:
    """Sends each subscriber the messages of its kind, as they are, and then keeps silent."""

    def __init__(self, certificate: trustme.LeafCert) -> None:
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(self.context)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        self.messages: dict[str, list[bytes]] = {}
        self.open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                raw, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(raw,), daemon=True).start()

    def _serve(self, raw: socket.socket) -> None:
        connection = self.context.wrap_socket(raw, server_side=True)
        self.open.append(connection)
        lines = connection.makefile("rb")
        connection.sendall(b'{"op":"connection","connectionId":"1"}\r\n')
        for line in lines:
            request = json.loads(line)
            status = {"op": "status", "id": request["id"], "statusCode": "SUCCESS"}
            connection.sendall(json.dumps(status).encode() + b"\r\n")
            op = SUBSCRIPTIONS.get(request["op"])
            for text in self.messages.get(op or "", ()):
                connection.sendall(text.replace(b"{", b'{"id":%d,' % request["id"], 1).rstrip() + b"\r\n")

    def close(self) -> None:
        self.listener.close()
        for connection in self.open:
            connection.close()


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def server(authority: trustme.CA) -> Iterator[Server]:
    made = Server(authority.issue_cert("127.0.0.1", "localhost"))
    yield made
    made.close()


@pytest.fixture
def record(
    server: Server, authority: trustme.CA, tmp_path: Path, until: Until
) -> Callable[[Path, Sequence[bytes], int], None]:
    """Return a function that records messages into a folder, until so many lines are there."""
    ca_file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))

    def run(folder: Path, messages: Sequence[bytes], count: int) -> None:
        server.messages = {}
        for message in messages:
            server.messages.setdefault(parse(message)[0].op, []).append(message)
        api = APIClient("me", "secret", "key")
        api.set_session_token("token")
        hosts = {"stream_host": "127.0.0.1", "sports_data_host": "127.0.0.1"}
        ports = {"stream_port": server.port, "sports_data_port": server.port}
        endpoints = Endpoints(**hosts, **ports, ca_file=str(ca_file))  # type: ignore[arg-type]
        framework = Flumine(BetfairClient(api, endpoints=endpoints, market_recording_mode=True))
        strategy = RecorderStrategy(str(folder), also=["order", "race", "cricket"], compression="plain")
        framework.add_strategy(strategy)
        thread = threading.Thread(target=framework.run)
        thread.start()
        until(lambda: strategy.recorder.status().counts.lines >= count)
        framework.stop()
        thread.join(30)
        assert not thread.is_alive()
        assert strategy.recorder.problems == [] and framework.bad_lines == [] and framework.faults.total == 0

    return run


def lines_below(folder: Path) -> dict[str, list[bytes]]:
    """Return the lines of all recordings below a folder, by kind and market."""
    found = {}
    for kind in KINDS.values():
        for path in sorted((folder / "closed" / kind.name).rglob("1.*")):
            found[f"{kind.name}/{path.name}"] = list(open_lines(str(path)))
    return found


def test_recording_a_replayed_recording_gives_the_same_bytes(
    tmp_path: Path, record: Any, lines_of: Callable[..., list[bytes]]
) -> None:
    markets = [lines_of(market_id=f"1.10000000{number}", updates=40) for number in (1, 2)]
    odd = b'{"id" : "1.100000001" , "new" : [1.0, 1e2], "x":"\\u00e9"}'
    other = b'{"id":"1.100000002","tv":1.50}'
    messages = [
        *(line for market in markets for line in market[:1]),
        compose(KINDS["mcm"], "odd", 1717246200002, [odd]),
        compose(KINDS["mcm"], "both", 1717246200003, [other, odd, other]),
        *(line for market in markets for line in market[1:]),
        b'{"op":"ocm","clk":"o","pt":1717246200004,"oc":[{"id":"1.100000001","fullImage":true,"orc":[]}]}\n',
        b'{"op":"rcm","clk":"r","pt":1717246200005,"rc":[{"mid":"1.100000001","id":"30000001.1300","x":1.50}]}\n',
        b'{"op":"ccm","clk":"c","pt":1717246200006,"cc":[{"marketId":"1.100000002","eventId":"5"}]}\n',
    ]
    record(tmp_path / "first", messages, len(messages) + 1)
    first = lines_below(tmp_path / "first")
    for market_id, market in zip(("1.100000001", "1.100000002"), markets, strict=True):
        own = [changes for *_, changes in map(parse, first[f"market/{market_id}"])]
        start, *rest = [changes for *_, changes in map(parse, market)]
        between = [[odd], [odd]] if market_id == "1.100000001" else [[other, other]]
        assert own == [start, *between, *rest]
    assert set(first) == {
        "market/1.100000001", "market/1.100000002", "order/1.100000001", "race/1.100000001", "cricket/1.100000002",
    }  # fmt: skip
    replayed = [line for lines in first.values() for line in lines]
    record(tmp_path / "second", replayed, len(replayed))
    assert lines_below(tmp_path / "second") == first
