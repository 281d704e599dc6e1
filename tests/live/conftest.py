"""A small stream server over real TLS on loopback, driven line by line by the test."""

import contextlib
import json
import queue
import select
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from betfairlightweight import APIClient

from flumine_core import BetfairClient, Settings
from flumine_core.contract.endpoints import Endpoints
from flumine_core.live.inbox import Inbox

from .lending import Lender, Source
from .rig import MARKET, WAITS, Rig, client_of

PATIENCE = 20
"""Seconds that a test waits for what must come."""

FAST = {
    "wait_factor": 0.02,
    "stream_heartbeat": 25.0,
    "stream_connect_timeout": 250.0,
}
"""Waits of a fiftieth: backoff from 20 ms on, heartbeats every 0.5 s as the exchange allows."""


def wait_for(condition: Callable[[], Any]) -> None:
    """Wait for what only looking can tell."""
    pause = threading.Event()
    for _ in range(PATIENCE * 100):
        if condition():
            return
        pause.wait(0.01)
    raise AssertionError("it did not come about")


class Connection:
    """One client's connection, from after its subscription."""

    def __init__(self, raw: socket.socket) -> None:
        self.raw = raw
        self.reader = raw.makefile("rb")
        self.authentication: dict[str, Any] = {}
        self.subscription: dict[str, Any] = {}

    @property
    def id(self) -> int:
        return int(self.subscription["id"])

    def receive(self) -> dict[str, Any]:
        line = self.reader.readline()
        if not line:
            raise ConnectionError("the client has gone")
        message: dict[str, Any] = json.loads(line)
        return message

    def raw_send(self, data: bytes) -> None:
        self.raw.sendall(data)

    def send(self, **message: Any) -> None:
        self.raw_send(json.dumps(message, separators=(",", ":")).encode() + b"\r\n")

    def change(self, op: str = "mcm", **message: Any) -> None:
        self.send(op=op, id=self.id, **message)

    def wait_for_close(self) -> None:
        """Wait until the client has closed its end."""
        self.raw.settimeout(PATIENCE)
        while self.reader.readline():
            pass

    def close(self) -> None:
        """Say goodbye, as a server does that closes in order."""
        with contextlib.suppress(OSError):
            self.raw.shutdown(socket.SHUT_RDWR)
        self.reader.close()
        self.raw.close()


class StreamServer:
    """Greets, takes authentication and subscription, and hands the connection to the test."""

    def __init__(self, certificate: trustme.LeafCert) -> None:
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(self.context)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        self.waiting: queue.Queue[Connection] = queue.Queue()
        self.all: list[Connection] = []
        self.greetings: queue.Queue[bytes] = queue.Queue()
        """What is sent in place of the greeting, one for each connection."""
        self.authentication_answers: queue.Queue[dict[str, Any]] = queue.Queue()
        self.subscription_answers: queue.Queue[dict[str, Any]] = queue.Queue()
        self.opened = 0
        self._is_closed = False
        threading.Thread(target=self._accept, daemon=True).start()

    def connection(self) -> Connection:
        """Return the next connection that has subscribed."""
        return self.waiting.get(timeout=PATIENCE)

    def close(self) -> None:
        self._is_closed = True
        self.listener.close()
        for connection in self.all:
            connection.close()

    def _accept(self) -> None:
        while not self._is_closed:
            try:
                raw, _ = self.listener.accept()
            except OSError:
                return
            self.opened += 1
            threading.Thread(target=self._serve, args=(raw,), daemon=True).start()

    def _serve(self, raw: socket.socket) -> None:
        try:
            connection = Connection(self.context.wrap_socket(raw, server_side=True))
            self.all.append(connection)
            try:
                connection.raw_send(self.greetings.get_nowait())
            except queue.Empty:
                connection.send(op="connection", connectionId="001-1")
            connection.authentication = connection.receive()
            self._answer(connection, connection.authentication, self.authentication_answers)
            connection.subscription = connection.receive()
            self._answer(connection, connection.subscription, self.subscription_answers)
            self.waiting.put(connection)
        except (OSError, ValueError):
            raw.close()

    def _answer(self, connection: Connection, request: dict[str, Any], answers: "queue.Queue[dict[str, Any]]") -> None:
        try:
            answer = answers.get_nowait()
        except queue.Empty:
            answer = {"statusCode": "SUCCESS", "connectionClosed": False}
        connection.send(op="status", id=request["id"], **answer)
        if answer.get("statusCode") == "FAILURE" and answer.get("connectionClosed", True):
            connection.close()


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="session")
def ca_file(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> str:
    path: Path = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


@pytest.fixture
def server(authority: trustme.CA) -> Iterator[StreamServer]:
    made = StreamServer(authority.issue_cert("127.0.0.1", "localhost"))
    yield made
    made.close()


@pytest.fixture
def account(server: StreamServer, ca_file: str) -> Callable[..., BetfairClient]:
    """Return a function that makes a client of the server, logged in."""

    def make(**options: Any) -> BetfairClient:
        api = APIClient(options.pop("username", "me"), "secret", "key")
        api.set_session_token("token-1")
        endpoints = Endpoints(
            stream_host="127.0.0.1",
            stream_port=server.port,
            sports_data_host="127.0.0.1",
            sports_data_port=server.port,
            ca_file=options.pop("ca_file", ca_file),
        )
        return BetfairClient(api, endpoints=endpoints, **options)

    return make


@pytest.fixture
def fast_settings() -> Callable[..., Settings]:
    def make(**options: Any) -> Settings:
        return Settings(**{**FAST, **options})

    return make


class Pump:
    """Iterates a stream on a thread and keeps what it yields."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream
        self.events: queue.Queue[Any] = queue.Queue()
        self.error: BaseException | None = None
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        try:
            for event in self.stream:
                self.events.put(event)
        except BaseException as error:
            self.error = error

    def next(self) -> Any:
        return self.events.get(timeout=PATIENCE)

    def books(self, count: int = 1) -> list[Any]:
        """Return the next books, at least `count`."""
        found: list[Any] = []
        while len(found) < count:
            found.extend(getattr(self.next(), "market_books", ()))
        return found

    def ended(self) -> None:
        self.thread.join(PATIENCE)
        assert not self.thread.is_alive()


@pytest.fixture
def pump() -> Iterator[Callable[[Any], Pump]]:
    pumps: list[Pump] = []

    def make(stream: Any) -> Pump:
        pumps.append(Pump(stream))
        return pumps[-1]

    yield make
    for each in pumps:
        each.stream.stop()
        each.ended()


class Report:
    """What streams report, as the framework's live end would take it."""

    def __init__(self) -> None:
        self.bad_lines: list[str] = []
        self.troubles: list[str] = []
        self.alerts: list[str] = []
        self.renewed: list[str | None] = []

    def bad_line(self, text: str) -> None:
        self.bad_lines.append(text)

    def trouble(self, text: str) -> None:
        self.troubles.append(text)

    def alert(self, text: str) -> None:
        self.alerts.append(text)

    def renew_session(self, account: Any, dead_token: str | None) -> None:
        self.renewed.append(dead_token)
        account.betting_client.set_session_token("token-2")


@pytest.fixture
def report() -> Report:
    return Report()


def definition(
    status: str = "OPEN", version: int = 1, runners: tuple[int, ...] = (11, 22), **more: Any
) -> dict[str, Any]:
    return {
        "status": status,
        "inPlay": False,
        "version": version,
        "betDelay": 0,
        "bspMarket": False,
        "eventTypeId": "7",
        "eventId": "30",
        "marketType": "WIN",
        "marketTime": "2030-01-01T12:00:00.000Z",
        "numberOfWinners": 1,
        "numberOfActiveRunners": len(runners),
        "regulators": ["x"],
        "runners": [{"id": each, "sortPriority": n, "status": "ACTIVE"} for n, each in enumerate(runners, 1)],
        **more,
    }


def image(market_id: str = "1.1", **more: Any) -> dict[str, Any]:
    return {
        "id": market_id,
        "img": True,
        "tv": 10.0,
        "marketDefinition": definition(),
        "rc": [{"id": 11, "atb": [[2.0, 50]], "atl": [[2.02, 30]], "ltp": 2.0}, {"id": 22, "atb": [[1.9, 5]]}],
        **more,
    }


@pytest.fixture
def exchange() -> Iterator[Any]:
    """A local exchange with one market, its waits a twentieth."""
    module = pytest.importorskip("flumine_exchange.exchange")
    settings = module.ExchangeSettings(scale=0.05, start="now")
    with module.LocalExchange([module.Scenario(market_id=MARKET)], settings=settings) as made:
        yield made


@pytest.fixture
def make_rig(exchange: Any, plugins: Any, tmp_path: Path) -> Iterator[Callable[..., Rig]]:
    """Return a function that starts a framework on the exchange."""
    rigs: list[Rig] = []

    def make(
        client_options: Any = None, is_ready: bool = True, trader: Any = None, log: Any = None, **settings: Any
    ) -> Rig:
        given = Settings(**{**WAITS, "journal": str(tmp_path / "journal.sqlite"), **settings})
        client = client_of(exchange, **(client_options or {}))
        rigs.append(Rig(exchange, client, given, plugins(), **(trader or {})))
        if log is not None:
            rigs[-1].framework.add_logging_control(log)
        return rigs[-1].start(is_ready)

    yield make
    for rig in rigs:
        if rig.thread.is_alive():
            rig.stop()


@pytest.fixture
def refuse_lists(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], list[str]]:
    """Return a function that refuses the next threads for lists; it returns the names of those that were refused."""

    def refuse(count: int) -> list[str]:
        start, refused = threading.Thread.start, []

        def start_or_not(thread: threading.Thread) -> None:
            if thread.name.startswith("list") and len(refused) < count:
                refused.append(thread.name)
                raise RuntimeError("can't start new thread")
            start(thread)

        monkeypatch.setattr(threading.Thread, "start", start_or_not)
        return refused

    return refuse


@pytest.fixture
def rig(make_rig: Callable[..., Rig]) -> Rig:
    return make_rig()


@pytest.fixture
def lenders() -> Iterator[list[Lender]]:
    """Those that have lent something; they must end with the inbox."""
    made: list[Lender] = []
    yield made
    for each in made:
        each.ended()
        each.source.close()


@pytest.fixture(params=["as the system has it", "without poll"])
def inbox(request: Any, monkeypatch: pytest.MonkeyPatch, lenders: list[Lender]) -> Iterator[Inbox]:
    if request.param == "without poll":
        monkeypatch.delattr(select, "poll", raising=False)
    made = Inbox()
    yield made
    made.close()


@pytest.fixture
def lend(inbox: Inbox, lenders: list[Lender]) -> Callable[..., Lender]:
    def make(source: Source | None = None) -> Lender:
        lenders.append(Lender(inbox, source or Source()))
        return lenders[-1]

    return make
