"""The exchange in another process, told what to do; and the command that serves it."""

import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import betfairlightweight
import pytest
import requests
from flumine_core.errors import ExecutionError, FlumineCoreError, StreamError
from flumine_core.synthetic.market import SyntheticMarket
from wire import MARKET, Rpc, StreamClient, limit, session_of

from flumine_exchange.control import ControlClient
from flumine_exchange.exchange import ExchangeSettings, LocalExchange, Scenario
from flumine_exchange.sockets import HOST
from flumine_exchange.spawn import spawn


@pytest.fixture(scope="module")
def remote(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """An exchange in a process of its own, with one scripted and one synthetic market."""
    markets = [Scenario(market_id=MARKET), SyntheticMarket(updates=50)]
    with spawn(markets, None, {"scale": 0.02, "accounts": [{"username": "far", "balance": 500.0}]}) as client:
        client.settings = ExchangeSettings()
        yield client


class FarRpc(Rpc):
    def __init__(self, remote: ControlClient) -> None:
        self.exchange = remote  # type: ignore[assignment]
        self.session = session_of(remote)  # type: ignore[arg-type]
        self.client = betfairlightweight.APIClient(
            remote.username, remote.password, remote.app_key, certs=remote.certs_dir, session=self.session
        )
        self.client.identity_cert_uri = remote.identity_uri
        self.client.login()


def test_same_operations_as_in_this_process(remote: ControlClient) -> None:
    rpc = FarRpc(remote)
    assert remote.market_ids[-1] == MARKET
    market = remote.market(MARKET)
    market.set_price(11, back=[[1.5, 10.0]])
    assert market.book["11"]["atb"] == [[1.5, 10.0]]
    bet_id = rpc.place(limit("BACK", 3.0, 2.0, ref="far"))["instructionReports"][0]["betId"]
    market.match_bet(bet_id, 1.0)
    (bet,) = remote.ledger.bets_by_ref("far")
    assert (bet.sm, bet.sr, bet.account) == (1.0, 1.0, "far")
    external = remote.place_external_bet(MARKET, 22, "LAY", 1.5, 3.0, rfo="by-hand")
    assert [each.bet_id for each in remote.ledger.live_bets()] == [bet_id, external]
    assert remote.ledger.events("placed")[0].detail["rfo"] == "far"
    assert remote.ledger.summary()["requests"]["placeOrders"] == 1


def test_faults_and_clock_from_afar(remote: ControlClient) -> None:
    rpc = FarRpc(remote)
    fault = remote.faults.add("http.before_execute", {"op": "placeOrders"}, action="drop")
    assert [each["id"] for each in remote.faults.armed()] == [fault.id]
    with pytest.raises(requests.ConnectionError):
        rpc.place(limit("BACK", 3.0, 2.0))
    assert fault.hits == 1
    remote.faults.add("clock", count=None, action="skew", milliseconds=1)
    remote.faults.clear()
    assert remote.faults.armed() == []
    before = remote.clock.epoch_ms
    remote.clock.advance(100)
    assert remote.clock.epoch_ms - before >= 100_000


def test_recorded_market_is_played_from_afar(remote: ControlClient) -> None:
    assert remote.step(5) == 5
    assert remote.replay_status()["played"] == 6
    remote.start_replay()
    remote.pause()
    remote.start_replay()


def test_errors_come_back(remote: ControlClient) -> None:
    with pytest.raises(ExecutionError, match="no such market"):
        remote.market("1.9").suspend()
    with pytest.raises(ExecutionError, match="no such operation"):
        remote.call("nonsense")


def test_token_is_needed(remote: ControlClient) -> None:
    session = requests.Session()
    session.trust_env, session.verify = False, remote.ca_file
    body = json.dumps({"operation": "clock.epoch_ms"})
    for headers in ({}, {"X-Control-Token": "wrong"}):
        assert session.post(remote.control_uri, data=body, headers=headers, timeout=5).status_code == 403


def test_without_control_there_is_no_endpoint(exchange: LocalExchange) -> None:
    session = requests.Session()
    session.trust_env, session.verify = False, exchange.ca_file
    assert session.post(exchange.control_uri, data="{}", timeout=5).status_code == 404


def serve(*arguments: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "flumine_core", "exchange", "serve", *arguments]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | {"PYTHONUNBUFFERED": "1"}
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_command_serves_a_file_until_it_is_stopped(tmp_path: Path, number: signal.Signals) -> None:
    file = SyntheticMarket(updates=50).write(tmp_path / "market.bz2")
    process = serve(str(file), "--speed", "max", "--json", "--balance", "77", "--from-off", "60")
    assert process.stdout is not None
    details = json.loads(process.stdout.readline())
    assert Path(details["cert_file"]).stat().st_mode & 0o777 == 0o600
    assert Path(details["key_file"]).stat().st_mode & 0o777 == 0o600
    session = requests.Session()
    session.trust_env, session.verify = False, details["ca_file"]
    form = {"username": details["username"], "password": details["password"]}
    headers = {"X-Application": details["app_key"]}
    certificate = (details["cert_file"], details["key_file"])
    url = f"{details['identity_uri']}certlogin"
    answer = session.post(url, data=form, headers=headers, cert=certificate, timeout=5)
    assert answer.json()["loginStatus"] == "SUCCESS"
    process.send_signal(number)
    _, told = process.communicate(timeout=10)
    assert process.returncode == 0
    assert "0 bets were placed" in told
    assert not Path(details["certs_dir"]).exists()


def test_command_says_how_to_point_a_client_at_it(tmp_path: Path) -> None:
    process = serve("--demo", "--control")
    assert process.stdout is not None
    lines = []
    while not re.match(r"\s+export REQUESTS_CA_BUNDLE=", line := process.stdout.readline()):
        assert line, process.communicate()
        lines.append(line)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=10)
    told = "".join(lines)
    for name in ("identity_uri", "api_uri", "stream_port", "certs_dir", "username", "app_key", "control_token"):
        assert name in told


def test_another_served_exchange_has_other_bet_ids(tmp_path: Path) -> None:
    file = SyntheticMarket(updates=50).write(tmp_path / "market.bz2")
    bets = []
    for _ in range(2):
        process = serve(str(file), "--control", "--json")
        assert process.stdout is not None
        exchange = ControlClient(json.loads(process.stdout.readline()))
        (market,) = exchange.market_ids
        selection = int(next(iter(exchange.market(market).book)))
        bets.append(int(exchange.place_external_bet(market, selection, "LAY", 1.01, 2.0)))
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=10)
    assert bets[0] < bets[1]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "a recorded file must be named"),
        (["nothing-here.bz2"], "no such file"),
        (["--demo", "--speed", "-1"], "must be a number above 0"),
        (["--demo", "--set", "settle_secs=1"], "did you mean 'settle_seconds'"),
        (["--demo", "--set", "settle_seconds=soon"], "settle_seconds"),
        (["--demo", "--set", "accounts=[{}]", "--balance", "5"], "--balance and --currency do not go with"),
        (["--demo", "--set", "accounts=[{}]", "--currency", "EUR"], "--balance and --currency do not go with"),
    ],
)
def test_command_refuses(arguments: list[str], told: str) -> None:
    process = serve(*arguments)
    _, error = process.communicate(timeout=30)
    assert process.returncode != 0
    assert told in error
    assert "Traceback" not in error


@pytest.mark.parametrize("server", ["http", "stream"])
def test_port_that_is_taken_is_named(server: str) -> None:
    with socket.socket() as other:
        other.bind((HOST, 0))
        other.listen()
        port = other.getsockname()[1]
        process = serve("--demo", f"--{server}-port", str(port))
        _, error = process.communicate(timeout=30)
        assert process.returncode == 1
        assert f"port {port}" in error and "Traceback" not in error


def test_exchange_that_does_not_start_leaves_its_ports(make_exchange: Any) -> None:
    with socket.socket() as free, socket.socket() as taken:
        for each in (free, taken):
            each.bind((HOST, 0))
        taken.listen()
        port = free.getsockname()[1]
        free.close()
        exchange = LocalExchange([], http_port=port, stream_port=taken.getsockname()[1])
        with pytest.raises(StreamError, match=str(taken.getsockname()[1])):
            exchange.start()
        with LocalExchange([], http_port=port) as second:
            assert str(port) in second.api_uri


def test_market_that_comes_twice_is_told_at_once(tmp_path: Path) -> None:
    files = [str(SyntheticMarket(updates=50).write(tmp_path / name)) for name in ("market", "market.gz")]
    process = serve(*files, "--json")
    assert process.stdout is not None and process.stderr is not None
    assert json.loads(process.stdout.readline())
    has_told, _, _ = select.select([process.stderr], [], [], 10)
    first = process.stderr.readline() if has_told else ""
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=10)
    assert files[1] in first
    assert files[1] not in told


def test_exchange_that_does_not_start_tells_why(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    with pytest.raises(FlumineCoreError, match="empty"):
        LocalExchange([str(tmp_path / "empty")]).start()
    with pytest.raises(ExecutionError), spawn([str(tmp_path / "empty")]):
        pass


def test_ledger_outlives_the_exchange(make_exchange: Any) -> None:
    exchange = make_exchange()
    Rpc(exchange).place(limit("BACK", 3.0, 2.0))
    exchange.stop()
    assert len(exchange.ledger.bets()) == 1
    with pytest.raises(ExecutionError):
        exchange.start_replay()


def test_clients_come_and_go(rpc: Rpc, make_stream: Any) -> None:
    stream: StreamClient = make_stream(rpc.exchange, rpc.client)
    stream.orders()
    assert rpc.exchange.drop_streams("order") == 1
    assert stream.line() is None
    assert rpc.exchange.drop_http("rst") >= 1
    rpc.session.close()
    rpc("listCurrentOrders")
