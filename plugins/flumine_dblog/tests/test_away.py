"""The database goes away and comes back: nothing is lost, nothing doubled, and the trading loop never waits."""

import json
import sqlite3
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from filelock import FileLock
from flumine_core.events import ConfigEvent

from flumine_dblog.plugin import DatabaseLog

KINDS = ["postgresql", "mariadb"]


def spools(tmp_path: Path) -> list[Path]:
    return [path for path in tmp_path.glob("spool/*/*.jsonl") if not path.stem.endswith(".rejected")]


def is_whole(framework: Any, url: str, tools: SimpleNamespace, run: int = 1) -> None:
    """The database has exactly what the run itself has come to, and its order events without a gap or a double."""
    assert tools.written_results(url, run) == tools.own_results(framework)
    assert tools.count(url, "refusals", run) == len(framework.refusals)
    number = tools.run_id(url, run)
    statuses = sum(len(order.status_log) for market in framework.markets for order in market.blotter)
    assert tools.count(url, "order_events", run) >= statuses
    [(ended, sequence)] = tools.query(url, "SELECT ended, sequence FROM runs WHERE id = :run", run=number)
    assert ended is not None and sequence > 0


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("ends", [("kill", "stop"), ("stop", "kill"), ("kill", "kill", "stop")])
def test_a_server_that_is_stopped_and_killed_in_mid_run(
    kind: str, ends: tuple[str, ...], request: pytest.FixtureRequest, simulate: Any, tools: Any, tmp_path: Path
) -> None:
    server = request.getfixturevalue(kind)
    url = tools.fresh_database(server, f"away_{'_'.join(ends)}")
    seen: list[int] = []

    def end(how: str) -> None:
        getattr(server, how)()
        tools.wait_until(lambda: spools(tmp_path))

    def start() -> None:
        seen.extend(len(path.read_bytes().splitlines()) for path in spools(tmp_path))
        server.start()

    at: dict[int, Any] = {}
    for number, how in enumerate(ends):
        at[300 + 400 * number] = lambda how=how: end(how)
        at[500 + 400 * number] = start
    framework = simulate(url, at=at, batch=20, interval=0.01, close_seconds=60)
    assert all(seen) and len(seen) == len(ends)
    assert {key[1] for key in framework.faults.counts} == {"database"}
    assert not spools(tmp_path)
    is_whole(framework, url, tools)


def test_a_server_that_is_away_at_the_start(postgresql: Any, simulate: Any, tools: Any, tmp_path: Path) -> None:
    url = tools.fresh_database(postgresql, "away_at_start")
    postgresql.stop()
    framework = simulate(url, at={800: postgresql.start}, close_seconds=60)
    assert not spools(tmp_path)
    is_whole(framework, url, tools)


def test_what_a_run_leaves_is_written_by_the_next(postgresql: Any, simulate: Any, tools: Any, tmp_path: Path) -> None:
    url = tools.fresh_database(postgresql, "left_behind")
    first = simulate(url)
    postgresql.kill()
    second = simulate(url, close_seconds=0)
    [path] = spools(tmp_path)
    assert path.stat().st_size
    assert ("DatabaseLog", "close") in second.faults.counts
    postgresql.start()
    third = simulate(url, close_seconds=60)
    assert not spools(tmp_path)
    for number, framework in enumerate((first, second, third), 1):
        is_whole(framework, url, tools, number)


def test_a_server_that_hangs_holds_up_nobody(postgresql: Any, simulate: Any, tools: Any, tmp_path: Path) -> None:
    """The loop comes to its end while the server does not answer, and the run ends without it."""
    url = tools.fresh_database(postgresql, "hangs")

    def hang() -> None:
        tools.wait_until(lambda: tools.query(url, "SELECT count(*) FROM runs") == [(1,)])
        postgresql.pause()

    tools.upgrade(url)
    try:
        first = simulate(url, at={300: hang}, batch=20, interval=0.01, close_seconds=0)
    finally:
        postgresql.go_on()
    assert ("DatabaseLog", "close") in first.faults.counts
    # the transaction that hung ends now, and the spool is free for the next run
    tools.wait_until(lambda: not any("flumine_dblog" in thread.name for thread in threading.enumerate()))
    assert spools(tmp_path)
    second = simulate(url, close_seconds=60)
    assert not spools(tmp_path)
    is_whole(first, url, tools, 1)
    is_whole(second, url, tools, 2)


def test_sqlite_that_is_locked_by_another(simulate: Any, tools: Any, sqlite_url: str, tmp_path: Path) -> None:
    path = sqlite_url.removeprefix("sqlite:///")
    simulate(sqlite_url)
    other = sqlite3.connect(path, isolation_level=None)
    at = {100: lambda: other.execute("BEGIN IMMEDIATE"), 1500: lambda: other.execute("COMMIT")}
    framework = simulate(sqlite_url, at=at, close_seconds=60, memory=50)
    other.close()
    assert not spools(tmp_path)
    is_whole(framework, sqlite_url, tools, 2)


STOPPED = """
import os, signal, sqlite3, sys, time
from pathlib import Path
import conftest
from flumine_core.events import BalanceEvent, ConfigEvent
from flumine_dblog.plugin import DatabaseLog

url, spool, writes = sys.argv[1:]
other = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
other.execute("BEGIN EXCLUSIVE")
faults = []
control = DatabaseLog(url, spool=Path(spool), process=writes != "thread", interval=0.01)
control.start(lambda *fault: faults.append(fault[1]))
control.put(ConfigEvent({"simulated": False}))
for number in range(10):
    control.put(BalanceEvent({"username": "me", "availableToBetBalance": float(number), "exposure": 0.0}))
if writes != "thread":
    conftest.wait_until(lambda: conftest.writers() and list(Path(spool).glob("*/*.lock")))
if writes == "process that hangs":
    os.kill(conftest.writers()[0].pid, signal.SIGSTOP)
time.sleep(0.3)
control.stop_within = 4.0
began = time.monotonic()
control.stop()
print(time.monotonic() - began, *faults)
for each in conftest.writers():  # one that hangs would keep the output open
    each.kill()
"""


@pytest.mark.parametrize("writes", ["thread", "process", "process that hangs"])
def test_a_live_run_ends_in_time_and_loses_nothing_while_sqlite_is_locked(
    writes: str, simulate: Any, sqlite_url: str, tools: Any, tmp_path: Path
) -> None:
    tools.upgrade(sqlite_url)
    done = tools.in_process(STOPPED, sqlite_url, str(tmp_path / "spool"), writes)
    seconds, *faults = done.stdout.split()
    # half of its time is for the database, a quarter for a process that does not answer
    assert float(seconds) < (3.8 if writes == "process that hangs" else 2.8)
    assert "stop" not in faults and "close" in faults
    [path] = spools(tmp_path)
    assert [json.loads(line)[0] for line in path.read_text().splitlines()] == list(range(1, 13))
    framework = simulate(sqlite_url, close_seconds=60)
    assert not spools(tmp_path)
    balances = "SELECT available_to_bet_balance FROM balances WHERE run_id = :run ORDER BY sequence"
    assert tools.query(sqlite_url, balances, run=tools.run_id(sqlite_url, 1)) == [(each,) for each in range(10)]
    is_whole(framework, sqlite_url, tools, 2)


@pytest.mark.parametrize("process", [True, False], ids=["process", "thread"])
def test_what_cannot_be_spooled_either_is_not_promised_to_the_next_run(
    process: bool, sqlite_url: str, tools: Any, tmp_path: Path
) -> None:
    tools.upgrade(sqlite_url)
    other = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    faults: list[str] = []
    control = DatabaseLog(sqlite_url, spool=tmp_path / "spool", process=process, close_seconds=0.5)
    control.start(lambda *fault: faults.append(fault[1]))
    tools.wait_until(lambda: list(tmp_path.glob("spool/*/*.lock")))
    for path in tmp_path.glob("spool/*/*.lock"):
        path.with_suffix(".jsonl").mkdir()  # where the spool is to be
    control.put(ConfigEvent({"simulated": False}))
    control.stop()
    other.close()
    tools.wait_until(lambda: not any("flumine_dblog" in thread.name for thread in threading.enumerate()))
    assert "spool" in faults and "close" not in faults


LEAVING = """
import os, signal, sys, time
from pathlib import Path
import conftest
from flumine_core import FlumineSimulation, SimulatedClient
from flumine_dblog.plugin import DatabaseLog

url, spool, file, how = sys.argv[1:]

def leave():
    if how == "killed":
        conftest.wait_until(lambda: sum(len(p.read_bytes()) for p in Path(spool).glob("*/*.jsonl")) > 50_000)
        os.kill(os.getpid(), signal.SIGKILL)

framework = FlumineSimulation(client=SimulatedClient(min_bet_validation=False))
framework.add_logging_control(DatabaseLog(url, spool=Path(spool), close_seconds=0.0, memory=100))
strategy = conftest.Busy(at={500: leave})
strategy.market_filter = {"markets": [file]}
framework.add_strategy(strategy)
framework.run()
print(len(conftest.own_results(framework)))
"""


@pytest.mark.parametrize("how", ["ended", "killed"])
def test_a_process_that_ends_while_the_server_is_away(
    how: str, postgresql: Any, simulate: Any, tools: Any, tmp_path: Path, market_files: list[str]
) -> None:
    url = tools.fresh_database(postgresql, f"process_{how}")
    postgresql.kill()
    done = tools.in_process(LEAVING, url, str(tmp_path / "spool"), market_files[0], how, check=False)
    assert done.returncode == (0 if how == "ended" else -9), done.stderr
    [path] = spools(tmp_path)
    # the process that writes outlives the one that was killed, and spools what that had told it
    with FileLock(path.with_suffix(".lock"), timeout=60):
        pass
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line[0] for line in lines] == list(range(1, len(lines) + 1))
    orders = {line[2][0] for line in lines if line[1] in ("order", "settled_order")}
    postgresql.start()
    framework = simulate(url, files=market_files[:1], close_seconds=60)
    assert not spools(tmp_path)
    assert tools.count(url, "order_events", 1) == sum(line[1] == "order" for line in lines)
    assert tools.count(url, "orders", 1) == len(orders)
    assert tools.query(url, "SELECT sequence FROM runs ORDER BY id")[0] == (lines[-1][0],)
    is_whole(framework, url, tools, 2)
    if how == "ended":
        assert tools.written_results(url, 1) == tools.written_results(url, 2)


def test_a_batch_that_was_written_but_not_confirmed_is_not_written_again(sqlite_url: str, tools: Any) -> None:
    """As when the connection is lost while the answer to COMMIT is on its way, or the process before it is spooled."""
    from flumine_dblog.database import Database, parse_url
    from flumine_dblog.pieces import pieces_of

    database = Database(parse_url(sqlite_url))
    entries: list[Any] = [(number, "balance", (number, "me", float(number), 0.0, "{}")) for number in range(1, 11)]
    for some in (entries[:6], entries[:6], entries[3:8], [*entries[5:9], *entries[4:]]):
        database.write("a" * 32, pieces_of(some))
    database.dispose()
    assert tools.query(sqlite_url, "SELECT sequence, available_to_bet_balance FROM balances ORDER BY sequence") == [
        (number, number) for number in range(1, 11)
    ]


def test_two_runs_at_once_share_a_database_and_a_spool(
    postgresql: Any, tools: Any, tmp_path: Path, market_files: list[str]
) -> None:
    from concurrent.futures import ThreadPoolExecutor

    url = tools.fresh_database(postgresql, "two_at_once")
    run = LEAVING.replace("close_seconds=0.0", "close_seconds=60.0")
    with ThreadPoolExecutor() as pool:
        both = list(
            pool.map(
                lambda file: tools.in_process(run, url, str(tmp_path / "spool"), file, "ended").stdout,
                market_files[:2],
            )
        )
    assert sorted(len(tools.written_results(url, number)) for number in (1, 2)) == sorted(map(int, both))
    assert not spools(tmp_path)
