"""`trade` and `doctor` as processes of their own, on a local exchange in this one."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

exchange_module = pytest.importorskip("flumine_exchange.exchange", reason="flumine-exchange is not installed")

MARKET = "1.200000001"
PATIENCE = 60

STRATEGY = '''
from flumine_core import BaseStrategy, LimitOrder, Trade


class Resting(BaseStrategy):
    """Places one order that rests, once it has seen a market."""

    def check_market_book(self, market, market_book):
        return not market.blotter.strategy_orders(self)

    def process_market_book(self, market, market_book):
        trade = Trade(market.market_id, 11, 0, self)
        market.place_order(trade.create_order("BACK", LimitOrder(3.0, 2.0)))


class Busy(Resting):
    """Computes for minutes where no Python runs, while its order rests."""

    def process_orders(self, market, orders):
        if orders[0].bet_id:
            __import__("hashlib").pbkdf2_hmac("sha256", b"", b"", 2**31 - 1)


class Unstarted(Resting):
    """Cannot start."""

    def start(self, flumine):
        raise ValueError("no model")


class Unkept(BaseStrategy):
    """Keeps what no journal can."""

    def __init__(self, **options):
        super().__init__(context={"lock": __import__("threading").Lock(), "stake": 2}, **options)
'''

CONFIGURATION = """
[[clients]]
type = "betfair"
exchange = "exchange.json"

[[strategies]]
name = "resting:Resting"
market_filter = {{ marketIds = ["1.200000001"] }}

[settings]
on_stop = "{on_stop}"
journal = "journal.sqlite"
{more}
"""


@pytest.fixture
def exchange() -> Iterator[Any]:
    scenario = exchange_module.Scenario(market_id=MARKET)
    with exchange_module.LocalExchange([scenario]) as made:
        yield made


@pytest.fixture
def folder(exchange: Any, tmp_path: Path) -> Path:
    (tmp_path / "exchange.json").write_text(json.dumps(exchange.details()))
    (tmp_path / "resting.py").write_text(STRATEGY)
    configure(tmp_path)
    return tmp_path


def configure(folder: Path, on_stop: str = "cancel", more: str = "") -> None:
    (folder / "flumine.toml").write_text(CONFIGURATION.format(on_stop=on_stop, more=more))


Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(folder: Path) -> Iterator[Start]:
    processes: list[subprocess.Popen[str]] = []

    def run(*arguments: str) -> subprocess.Popen[str]:
        processes.append(
            subprocess.Popen(
                [sys.executable, "-m", "flumine_core", *arguments],
                cwd=folder,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            )
        )
        return processes[-1]

    yield run
    for process in processes:
        process.kill()
        if process.stdout is not None and not process.stdout.closed:
            process.communicate()


def wait_for(condition: Callable[[], Any], process: subprocess.Popen[Any]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert process.poll() is None, process.stdout.read() if process.stdout else ""
        assert time.monotonic() < end
        time.sleep(0.02)


def test_nothing_is_traded_where_a_strategy_cannot_start(exchange: Any, start: Start) -> None:
    process = start("trade", "--strategy", "resting:Unstarted")
    out, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1, out
    assert out.splitlines()[-1] == "error: strategy Unstarted cannot start: ValueError: no model"
    assert not exchange.ledger.bets() and not exchange.ledger.live_bets()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_cancels_what_rests_and_ends_with_0(exchange: Any, start: Start, number: int) -> None:
    process = start("trade")
    wait_for(exchange.ledger.live_bets, process)
    process.send_signal(number)
    out, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, out
    bets = exchange.ledger.bets()
    assert len(bets) == 1 and bets[0].sc == 2.0 and not exchange.ledger.live_bets()
    assert "account trader: on a local exchange" in out and "available 10000.0" in out
    assert "strategy Resting on trader: max_order_exposure" in out and "transactions an hour" in out
    assert "local-password" not in out and "local-app-key" not in out


def test_an_order_stream_that_is_refused_makes_the_exit_code_1(exchange: Any, folder: Path, start: Start) -> None:
    configure(folder, more="stream_limit_backoff = 0.1\nstream_backoff_first = 0.1")
    process = start("trade")
    wait_for(exchange.ledger.live_bets, process)
    refusal = exchange.faults.add("stream.subscribe", {"stream": "order"}, None, "error", code="NOT_AUTHORIZED")
    exchange.drop_streams("order")
    wait_for(lambda: refusal.hits > 1, process)
    process.terminate()
    out, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1 and "NOT_AUTHORIZED" in out, out
    assert not exchange.ledger.live_bets()


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="no terminal is closed here")
def test_a_closed_terminal_cancels_what_rests(exchange: Any, folder: Path) -> None:
    import fcntl
    import pty
    import termios

    def take_terminal() -> None:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        signal.signal(signal.SIGHUP, signal.SIG_DFL)  # as it is without nohup

    terminal, inner = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "flumine_core", "trade", "--log-level", "INFO"],
        cwd=folder,
        stdin=inner,
        stdout=inner,
        stderr=inner,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        start_new_session=True,
        preexec_fn=take_terminal,
    )
    os.close(inner)
    wait_for(exchange.ledger.live_bets, process)
    os.close(terminal)
    try:
        assert process.wait(PATIENCE) == 0
    finally:
        process.kill()
    assert not exchange.ledger.live_bets()


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="no terminal is closed here")
def test_a_hangup_that_is_ignored_stops_nothing(exchange: Any, start: Start) -> None:
    """As under nohup."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        process = start("trade")
    finally:
        signal.signal(signal.SIGHUP, before)
    wait_for(exchange.ledger.live_bets, process)
    process.send_signal(signal.SIGHUP)
    exchange.market(MARKET).match_bet(exchange.ledger.live_bets()[0].bet_id)
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, out
    assert out.count("stopping") == 1 and "a second signal" not in out


def test_an_end_that_nobody_reads_is_orderly(exchange: Any, start: Start) -> None:
    process = start("trade")
    wait_for(exchange.ledger.live_bets, process)
    assert process.stdout is not None
    process.stdout.close()
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE) == 0
    assert not exchange.ledger.live_bets()


def test_on_stop_leave_leaves_bets_and_names_them(exchange: Any, start: Start, folder: Path) -> None:
    configure(folder, "leave")
    process = start("trade")
    wait_for(exchange.ledger.live_bets, process)
    bet_id = exchange.ledger.live_bets()[0].bet_id
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, out
    assert len(exchange.ledger.live_bets()) == 1
    assert f"may be live: market {MARKET} selection 11 BACK 2.0 at 3.0: bet {bet_id}" in out


def test_a_stop_that_hangs_names_every_bet_and_leaves_in_time(exchange: Any, start: Start) -> None:
    process = start("trade")
    wait_for(exchange.ledger.live_bets, process)
    bet_id = exchange.ledger.live_bets()[0].bet_id
    exchange.faults.add("http.before_execute", {"op": ["cancelOrders", "logout"]}, count=None, action="hang")
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode != 0, out
    assert f"bet {bet_id}" in out and "may be live" in out


def test_a_stop_does_not_wait_for_a_strategy_that_lets_no_python_run(exchange: Any, start: Start, folder: Path) -> None:
    text = (folder / "flumine.toml").read_text()
    (folder / "flumine.toml").write_text(text.replace("resting:Resting", "resting:Busy"))
    process = start("trade")
    wait_for(exchange.ledger.live_bets, process)
    bet_id = exchange.ledger.live_bets()[0].bet_id
    exchange.market(MARKET).set_price(33, [[2.0, 10.0]], [[2.5, 10.0]])
    time.sleep(1)  # it is busy then; nobody could be told
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 3, out
    assert f"bet {bet_id}" in out and "may be live" in out


@pytest.mark.parametrize("how", ["gone", "refusing", "silent"])
def test_a_stop_without_an_exchange_names_every_bet_that_may_be_live(exchange: Any, start: Start, how: str) -> None:
    process = start("trade")
    wait_for(exchange.ledger.live_bets, process)
    bet_id = exchange.ledger.live_bets()[0].bet_id
    if how == "gone":
        exchange.stop()
    elif how == "refusing":
        for server in ("http", "stream"):
            exchange.refuse_connections(server)
        exchange.drop_http()
        exchange.drop_streams()
    else:
        exchange.faults.add("tls.accept", None, count=None, action="silence")
        exchange.drop_http()
        exchange.drop_streams()
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode in (1, 3), out
    assert f"bet {bet_id}" in out and "may be live" in out
    assert "Traceback" not in out


def test_on_paper_no_bet_leaves(exchange: Any, start: Start) -> None:
    process = start("trade", "--paper")
    lines: list[str] = []
    assert process.stdout is not None
    while "logging controls" not in "".join(lines):
        lines.append(process.stdout.readline())
        assert lines[-1], lines
    assert "ON PAPER" in "".join(lines)
    exchange.market(MARKET).set_price(33, [[2.0, 10.0]], [[2.5, 10.0]])
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, out
    assert exchange.ledger.bets() == []


def test_a_login_that_is_refused_is_told_in_one_line(exchange: Any, start: Start) -> None:
    exchange.set_login_code("ACCOUNT_ALREADY_LOCKED")
    out, _ = start("trade").communicate(timeout=PATIENCE)
    assert "error: account trader cannot be used" in out and "ACCOUNT_ALREADY_LOCKED" in out
    assert "Traceback" not in out


def test_a_strategy_that_cannot_be_made_stops_the_start(start: Start, folder: Path) -> None:
    source = "from flumine_core import BaseStrategy\nclass Resting(BaseStrategy):\n"
    (folder / "resting.py").write_text(source + "    def __init__(self, market_filter=None): 1 / 0\n")
    process = start("trade")
    out, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1 and "nothing is traded" in out


def test_doctor_finds_nothing_wrong(start: Start) -> None:
    process = start("doctor")
    out, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, out
    for told in ("client certificate", "clock", "login of trader", "10000.0 GBP available", "connections", "1 markets"):
        assert told in out
    assert "application key" in out and "warning" not in out
    assert "local-password" not in out and "local-app-key" not in out


def test_doctor_says_in_plain_words_what_is_wrong(exchange: Any, start: Start, folder: Path) -> None:
    exchange.set_login_code("CERT_AUTH_REQUIRED")
    process = start("doctor")
    out, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1 and "is not the one uploaded to the account" in out
    exchange.set_login_code(None)
    process = start("doctor", "--strategy", "resting:Unkept")
    out, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1 and "context 'lock' cannot be kept" in out
    assert "strategy Unkept: it names no stream" in out
    (folder / "exchange.json").unlink()
    process = start("doctor")
    out, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1 and "exchange.json cannot be read" in out


def test_the_rehearsal_runs(exchange: Any, start: Start) -> None:
    example = Path(__file__).resolve().parents[2] / "examples" / "rehearsal.toml"
    if not example.is_file():
        pytest.skip("the examples are not here")
    process = start("trade", "--config", str(example))
    wait_for(exchange.ledger.bets, process)
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, out
    assert exchange.ledger.live_bets() == []


def test_nothing_is_traded_while_an_installed_plugin_is_broken(start: Start, folder: Path) -> None:
    broken = folder / "risk-1.0.dist-info"
    broken.mkdir()
    (broken / "METADATA").write_text("Metadata-Version: 2.1\nName: risk\nVersion: 1.0\n")
    (broken / "entry_points.txt").write_text("[flumine_core]\nrisk = nowhere_to_be_found\n")
    out, _ = (process := start("trade")).communicate(timeout=PATIENCE)
    assert process.returncode == 1, out
    assert "plugin risk (risk 1.0)" in out and "-p no:risk trades without it" in out
