"""The process that writes may die or hang, and so may the run: what was told is in the database once."""

import signal
from pathlib import Path
from typing import Any

import psutil
import pytest
from flumine_core.events import ConfigEvent

from flumine_dblog.plugin import DatabaseLog


def is_whole(framework: Any, url: str, tools: Any, tmp_path: Path) -> None:
    assert tools.written_results(url) == tools.own_results(framework)
    assert tools.count(url, "refusals") == len(framework.refusals) > 0
    events = tools.query(url, "SELECT count(*), count(DISTINCT sequence) FROM order_events")
    assert events[0][0] == events[0][1] > 0
    [(ended,)] = tools.query(url, "SELECT ended FROM runs")
    assert ended is not None
    assert not list(tmp_path.glob("spool/*/*.jsonl"))
    assert not tools.writers()


def test_a_process_writes_and_ends_with_the_run(simulate: Any, sqlite_url: str, tools: Any, tmp_path: Path) -> None:
    seen: list[int] = []
    framework = simulate(sqlite_url, at={300: lambda: seen.append(len(tools.writers()))})
    assert seen == [1] and not framework.faults.counts
    is_whole(framework, sqlite_url, tools, tmp_path)


def test_what_writes_comes_after_the_trading_loop_for_a_processor(simulate: Any, sqlite_url: str, tools: Any) -> None:
    least = min(psutil.Process().nice() + 10, 19)
    framework = simulate(sqlite_url, at={300: lambda: tools.wait_until(lambda: tools.writers()[0].nice() >= least)})
    assert not framework.faults.counts


def test_a_thread_writes_where_that_is_asked_for(simulate: Any, sqlite_url: str, tools: Any, tmp_path: Path) -> None:
    seen: list[int] = []
    framework = simulate(sqlite_url, at={300: lambda: seen.append(len(tools.writers()))}, process=False)
    assert seen == [0] and not framework.faults.counts
    is_whole(framework, sqlite_url, tools, tmp_path)


@pytest.mark.parametrize("memory", [5, 20_000], ids=["spooling", "in memory"])
def test_a_thread_goes_on_where_a_killed_process_ended(
    memory: int, simulate: Any, sqlite_url: str, tools: Any, tmp_path: Path
) -> None:
    def kill() -> None:
        tools.wait_until(lambda: Path(sqlite_url.removeprefix("sqlite:///")).exists())
        for each in tools.writers():
            each.kill()

    framework = simulate(sqlite_url, at={600: kill}, memory=memory, batch=7, interval=0.01, close_seconds=60)
    assert set(framework.faults.counts) == {("DatabaseLog", "process")}
    is_whole(framework, sqlite_url, tools, tmp_path)


def test_a_process_that_hangs_is_replaced_by_a_thread(
    simulate: Any, sqlite_url: str, tools: Any, tmp_path: Path
) -> None:
    def hang() -> None:
        for each in tools.writers():
            each.suspend()

    framework = simulate(sqlite_url, at={100: hang}, memory=20, close_seconds=60)
    assert set(framework.faults.counts) == {("DatabaseLog", "process")}
    is_whole(framework, sqlite_url, tools, tmp_path)


def test_a_thread_writes_where_no_process_can_be_started(
    simulate: Any, sqlite_url: str, tools: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.executable", str(tmp_path / "none"))
    framework = simulate(sqlite_url)
    assert set(framework.faults.counts) == {("DatabaseLog", "process")}
    is_whole(framework, sqlite_url, tools, tmp_path)


def test_on_windows_a_thread_writes_and_nothing_is_counted(
    sqlite_url: str, tools: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def popen(*arguments: Any, **options: Any) -> None:
        raise AssertionError("pass_fds not supported on Windows.")

    monkeypatch.setattr("subprocess.Popen", popen)
    with monkeypatch.context() as patch:
        patch.setattr("sys.platform", "win32")
        control = DatabaseLog(sqlite_url, spool=tmp_path / "spool")
    faults: list[Any] = []
    control.start(lambda *fault: faults.append(fault))
    control.put(ConfigEvent({"simulated": False}))
    control.stop()
    assert not faults
    assert tools.query(sqlite_url, "SELECT count(*) FROM runs WHERE ended IS NOT NULL") == [(1,)]


def test_what_ends_a_run_does_not_end_what_writes(simulate: Any, sqlite_url: str, tools: Any, tmp_path: Path) -> None:
    """Signals to a whole group of processes: the run has its own way to end, and the rest is to be written."""

    def signal_all() -> None:
        # each signal is ignored from when the tables are made, at the latest
        tools.wait_until(lambda: Path(sqlite_url.removeprefix("sqlite:///")).exists())
        for each in tools.writers():
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                each.send_signal(number)

    framework = simulate(sqlite_url, at={300: signal_all})
    assert not framework.faults.counts
    is_whole(framework, sqlite_url, tools, tmp_path)


KILLED = """
import os, signal, sys
from pathlib import Path
import conftest
from flumine_core import FlumineSimulation, SimulatedClient
from flumine_dblog.plugin import DatabaseLog

url, spool, file = sys.argv[1:]

def leave():
    told = "SELECT sequence FROM runs"
    conftest.wait_until(lambda: Path(url.removeprefix("sqlite:///")).exists())
    conftest.wait_until(lambda: conftest.query(url, told) and conftest.query(url, told)[0][0] > 50)
    if not os.fork():  # holds all that is open
        import time
        time.sleep(3)
        os._exit(0)
    os.kill(os.getpid(), signal.SIGKILL)

framework = FlumineSimulation(client=SimulatedClient(min_bet_validation=False))
framework.add_logging_control(DatabaseLog(url, spool=Path(spool)))
strategy = conftest.Busy(at={500: leave})
strategy.market_filter = {"markets": [file]}
framework.add_strategy(strategy)
framework.run()
"""


def test_what_a_killed_run_has_told_is_written(
    simulate: Any, sqlite_url: str, tools: Any, tmp_path: Path, market_files: list[str]
) -> None:
    tools.upgrade(sqlite_url)
    done = tools.in_process(KILLED, sqlite_url, str(tmp_path / "spool"), market_files[0], check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    # the writer takes its lock's file away when everything is written
    tools.wait_until(lambda: not list(tmp_path.glob("spool/*/*.lock")))
    assert not list(tmp_path.glob("spool/*/*.jsonl"))
    [(sequence, ended)] = tools.query(sqlite_url, "SELECT sequence, ended FROM runs")
    assert sequence > 50 and ended is None
    # what every run tells at the same point, up to where this one was killed
    tables = ("orders", "order_events", "refusals", "trades")
    partial = [tools.count(sqlite_url, table) for table in tables]
    simulate(sqlite_url, files=market_files[:1])
    whole = [tools.count(sqlite_url, table, 2) for table in tables]
    assert all(0 < some < every for some, every in zip(partial, whole, strict=True))
    events = "SELECT sequence, status FROM order_events WHERE run_id = :run ORDER BY sequence"
    first = tools.query(sqlite_url, events, run=tools.run_id(sqlite_url, 1))
    assert first == tools.query(sqlite_url, events, run=tools.run_id(sqlite_url, 2))[: len(first)]


def test_no_password_is_seen_on_a_command_line(simulate: Any, postgresql: Any, tools: Any) -> None:
    url = tools.fresh_database(postgresql, "secret").replace("tests@", "tests:hunter2@")
    seen: list[str] = []
    framework = simulate(url, at={300: lambda: seen.extend(" ".join(each.cmdline()) for each in tools.writers())})
    assert len(seen) == 1 and "hunter2" not in seen[0]
    assert not framework.faults.counts
