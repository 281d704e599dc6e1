"""Full disks, directories that cannot be written, killed processes: rows wait, faults are counted, trading goes on."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flumine_csvlog.plugin import CsvLog
from flumine_csvlog.writer import Writer

from flumine_core.synthetic.market import SyntheticMarket

resource = pytest.importorskip("resource", reason="file sizes cannot be limited here")

Read = Callable[[Path], list[dict[str, str]]]

STRATEGY = "csvlog_strategies:EveryBook"


def size_limit(size: int) -> Callable[[], None]:
    """Return what limits the size of a child's files, as a full disk does."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    return limit


def faults_of(result: dict[str, Any]) -> dict[str, Any]:
    return {fault["hook"]: fault for fault in result["faults"] if fault["plugin"] == "CsvLog"}


@pytest.mark.parametrize("gzip", [False, True])
def test_a_full_disk_costs_rows_and_no_order(command_line: Any, markets: list[Path], gzip: bool, read: Read) -> None:
    (command_line.directory / "flumine.toml").touch()
    code, without = command_line.simulate(STRATEGY, markets[0])
    assert (code, without["errors"]) == (0, 0)
    command_line.configure(gzip=gzip)
    code, result = command_line.simulate(STRATEGY, markets[0], preexec_fn=size_limit(2_000))
    assert code == 1
    assert [result[name] for name in ("orders", "matched", "books", "profit")] == [
        without[name] for name in ("orders", "matched", "books", "profit")
    ]
    name = "orders.csv.gz" if gzip else "orders.csv"
    faults = faults_of(result)
    assert f"File too large: 'csvlog/{name}'" in faults["process_cleared_orders_meta"]["error"]
    # the next start completes a compressed file whose end did not fit
    assert command_line.simulate(STRATEGY, markets[2])[0] == 0
    rows = [row for row in read(command_line.directory / "csvlog" / name) if row["market_id"] == markets[0].name]
    lost = without["orders"] - len(rows)
    assert 0 < len(rows) < without["orders"]
    assert f"rows that are not written: {lost} of orders" in faults["process_end_flumine"]["error"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_dev_full_is_named_and_counted(
    simulate: Callable[..., Any], markets: list[Path], tmp_path: Path, read: Read
) -> None:
    target = tmp_path / "log"
    target.mkdir()
    (target / "orders.csv").symlink_to("/dev/full")
    framework = simulate(CsvLog(target), *markets)
    assert framework.faults.counts[("CsvLog", "process_cleared_orders_meta")] == len(markets)
    assert "No space left on device" in framework.faults.first[("CsvLog", "process_config")].error
    assert "12 of orders" in framework.faults.first[("CsvLog", "process_end_flumine")].error
    assert len(read(target / "trades.csv")) == 12


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_disk_that_stays_full_fills_no_memory(
    simulate: Callable[..., Any],
    markets: list[Path],
    tmp_path: Path,
    read: Read,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("flumine_csvlog.writer.MOST_WAITING", 5)
    target = tmp_path / "log"
    target.mkdir()
    (target / "orders.csv").symlink_to("/dev/full")
    framework = simulate(CsvLog(target), *markets)
    assert framework.faults.counts[("CsvLog", "lost rows")] == 12 - 5
    told = framework.faults.first[("CsvLog", "lost rows")].error
    assert "5 rows of orders wait to be written: further ones are lost" in told
    assert "rows that are not written: 12 of orders:" in framework.faults.first[("CsvLog", "process_end_flumine")].error
    assert len(read(target / "trades.csv")) == 12


def test_rows_that_come_at_once_are_written_however_many(
    simulate: Callable[..., Any],
    markets: list[Path],
    tmp_path: Path,
    read: Read,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("flumine_csvlog.writer.MOST_WAITING", 2)
    target = tmp_path / "csvlog"
    framework = simulate(CsvLog(target), *markets)
    assert framework.faults.total == 0
    assert (len(read(target / "orders.csv")), len(read(target / "trades.csv"))) == (12, 12)


@pytest.mark.parametrize("is_gzip", [False, True])
def test_a_file_that_somebody_deletes_is_begun_anew(tmp_path: Path, is_gzip: bool, read: Read) -> None:
    name = "orders.csv.gz" if is_gzip else "orders.csv"
    writer = Writer(tmp_path, {"orders": ("market_id",)}, is_gzip=is_gzip)
    for market_id in ("1.1", "1.2", "1.3"):
        writer.put("orders", {"market_id": market_id}, market_id, "2024-06-01")
        writer.flush()
        if market_id == "1.1":
            (tmp_path / name).unlink()
    writer.close()
    assert [row["market_id"] for row in read(tmp_path / name)] == ["1.2", "1.3"]


@pytest.mark.parametrize("is_gzip", [False, True])
def test_rows_wait_until_there_is_space(tmp_path: Path, is_gzip: bool, read: Read) -> None:
    ids = [f"1.{number:09}" for number in range(9)]
    writer = Writer(tmp_path, {"orders": ("market_id",)}, is_gzip=is_gzip)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (60, before[1]))
    failures = 0
    try:
        for market_id in ids[:-1]:
            writer.put("orders", {"market_id": market_id}, market_id, "2024-06-01")
            try:
                writer.flush()
            except OSError:
                failures += 1
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert 0 < failures < len(ids) - 1
    writer.put("orders", {"market_id": ids[-1]}, ids[-1], "2024-06-01")
    writer.flush()
    writer.close()
    (path,) = tmp_path.iterdir()
    assert [row["market_id"] for row in read(path)] == ids


def test_a_directory_that_cannot_be_made_is_named(
    simulate: Callable[..., Any], markets: list[Path], tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    framework = simulate(CsvLog(tmp_path / "file" / "log"), *markets)
    assert "Not a directory" in framework.faults.first[("CsvLog", "process_config")].error
    assert "12 of orders" in framework.faults.first[("CsvLog", "process_end_flumine")].error
    assert sum(len(market.blotter) for market in framework.markets) == 12


def test_a_directory_without_permission_is_named(command_line: Any, markets: list[Path]) -> None:
    if os.geteuid() == 0:
        pytest.skip("the superuser may write anywhere")
    command_line.configure(directory="closed")
    (command_line.directory / "closed").mkdir(mode=0o500)
    code, result = command_line.simulate(STRATEGY, markets[0])
    assert code == 1
    assert "Permission denied" in faults_of(result)["process_config"]["error"]


def test_a_killed_process_leaves_whole_rows_and_the_next_one_goes_on(
    command_line: Any, markets: list[Path], read: Read
) -> None:
    command_line.configure(status_changes=True)
    long = SyntheticMarket(market_id="1.100000009", updates=3_000).write(command_line.directory / "1.100000009")
    written = command_line.directory / "csvlog" / "order_status.csv"
    with command_line.start(STRATEGY, long) as process:
        while not (written.exists() and written.stat().st_size > 20_000):
            assert process.poll() is None
            os.sched_yield()
        process.kill()
    killed = written.read_bytes()
    written.write_bytes(killed + b'2024-06-01T12:50:00.000+00:00,1.1,"to')
    assert command_line.simulate(STRATEGY, markets[2])[0] == 0
    assert written.read_bytes().startswith(killed[: killed.rfind(b"\n") + 1])
    by_market = [row["market_id"] for row in read(written)]
    assert by_market.count(long.name) >= killed.count(b"\n") - 1
    assert by_market[-1] == markets[2].name
    assert {row["market_id"] for row in read(written.with_name("orders.csv"))} == {markets[2].name}


@pytest.mark.parametrize("gzip", [False, True])
@pytest.mark.parametrize("rotation", ["day", "market", "run", None])
def test_the_next_start_mends_every_file(
    simulate: Callable[..., Any], markets: list[Path], tmp_path: Path, read: Read, rotation: Any, gzip: bool
) -> None:
    target = tmp_path / "log"
    simulate(CsvLog(target, rotation=rotation, gzip=gzip), markets[1])
    (torn,) = target.rglob("orders.csv*")
    second = torn.with_name(torn.name.replace("orders", "orders.2"))
    whole = read(torn)
    for path in (second, torn):
        path.write_bytes(torn.read_bytes()[:-12])
    simulate(CsvLog(target, rotation=rotation, gzip=gzip), markets[0])
    for path in (second, torn):
        kept = [row for row in read(path) if row["market_id"] == markets[1].name]
        assert kept in (whole, whole[:-1])  # the end of a compressed file may be no row's
    mended = second.read_bytes()
    simulate(CsvLog(target, rotation=rotation, gzip=gzip), markets[0])
    assert second.read_bytes() == mended


def test_two_processes_at_once_do_not_share_a_file(command_line: Any, markets: list[Path], read: Read) -> None:
    command_line.configure()
    with command_line.start(STRATEGY, *markets) as first, command_line.start(STRATEGY, *markets) as second:
        first.communicate(timeout=120)
        second.communicate(timeout=120)
    assert first.returncode == second.returncode == 0
    files = sorted((command_line.directory / "csvlog").glob("orders*.csv"))
    rows = [row for path in files for row in read(path)]
    alone = {row["order_id"] for row in rows}
    assert len(rows) == 2 * len(alone)
    assert {path.name for path in files} <= {"orders.csv", "orders.2.csv"}
