"""`record`, in a process of its own, on data streams that an installed plugin makes."""

import io
import json
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flumine_recorder.gap import Gap
from flumine_recorder.plugin import RecorderStrategy
from flumine_recorder.report import print_report, table_of
from rich.console import Console

Lines = Callable[..., list[bytes]]
Feed = Callable[..., None]
Until = Callable[[Callable[[], object]], None]

WIRE = textwrap.dedent(
    """
    import threading
    import msgspec
    from flumine_core import hookimpl
    from flumine_core.events import RawDataEvent
    from flumine_recorder.message import parse

    class Wire:
        def __init__(self, description):
            self.description = description
            self.ended = threading.Event()

        def stop(self):
            self.ended.set()

        def __iter__(self):
            options = self.description.market_filter
            with open(options["file"], "rb") as lines:
                for line in lines:
                    _, clk, publish_time, changes = parse(line)
                    data = [msgspec.json.decode(change) for change in changes]
                    yield RawDataEvent(self.description.stream_id, clk, publish_time, data)
            if options.get("stays"):
                self.ended.wait()

    @hookimpl
    def flumine_make_stream(description):
        return Wire(description) if "file" in description.market_filter else None
    """
)


@pytest.fixture
def record(tmp_path: Path) -> Callable[..., "subprocess.Popen[str]"]:
    """Return a function that starts `python -m flumine_core record` with recorder tables."""
    site = tmp_path / "site"
    info = site / "wire-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: wire\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[flumine_core]\nwire = wire\n")
    (site / "wire.py").write_text(WIRE)

    def start(tables: str, *arguments: str) -> "subprocess.Popen[str]":
        config = tmp_path / "flumine.toml"
        config.write_text(tables)
        path = os.pathsep.join(filter(None, [str(site), os.environ.get("PYTHONPATH", "")]))
        return subprocess.Popen(
            [sys.executable, "-m", "flumine_core", "record", "--config", str(config), *arguments],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": path, "COLUMNS": "200"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return start


def table(folder: Path, lines: list[bytes], **more: Any) -> str:
    (folder / "lines").write_bytes(b"".join(lines))
    stays = "true" if more.pop("stays", False) else "false"
    options = "".join(f"{name} = {json.dumps(value)}\n" for name, value in more.items())
    return (
        f'[[strategies]]\nname = "recorder"\ndirectory = "{folder}/recordings"\n{options}'
        f'market_filter = {{ file = "{folder}/lines", stays = {stays} }}\n'
    )


def test_it_records_until_its_streams_end_and_reports(tmp_path: Path, record: Any, lines_of: Lines) -> None:
    lines = lines_of()
    child = record(table(tmp_path, lines, compression="gz", linger_seconds=5), "--format", "json")
    out, err = child.communicate(timeout=60)
    assert child.returncode == 0, err
    report = json.loads(out.splitlines()[-1])
    assert report["lines"] == len(lines) and report["stored"] == ["market/2024/06/01/30000001/1.100000001.gz"]
    assert report["gaps"] == [] and report["problems"] == [] and report["unstored"] == 0
    assert (tmp_path / "recordings/closed" / report["stored"][0]).exists()


def test_sigterm_ends_it_in_order(tmp_path: Path, record: Any, lines_of: Lines, until: Until) -> None:
    lines = lines_of()[:50]
    child = record(table(tmp_path, lines, stays=True) + '[[strategies]]\nname = "example"\n')
    path = tmp_path / "recordings/open/1.100000001/market"
    until(lambda: path.exists() and path.read_bytes().count(b"\n") == 50)
    child.send_signal(signal.SIGTERM)
    out, err = child.communicate(timeout=60)
    assert child.returncode == 0, err
    assert "50 lines" in out and "1 markets stay open" in out
    assert "strategy example is left out" in err
    assert path.read_bytes().count(b"\n") == 50


@pytest.mark.parametrize(
    ("tables", "told"),
    [
        ('[[strategies]]\nname = "example"\n', "a recorder must be configured"),
        ('[[strategies]]\nname = "recorder"\n', "directory: is required"),
        ('[[strategies]]\nname = "recorder"\ndirectory = "d"\ncompression = "rar"\n', "compression must be one of"),
        ('[[strategies]]\nname = "recorder"\ndirectory = "d"\nspeed = 3\n', "speed: there is no such option"),
        ('[[clients]]\ntype = "unheard"\n[[strategies]]\nname = "recorder"\ndirectory = "d"\n', "unheard"),
    ],
)
def test_a_configuration_that_cannot_be_used_is_told_in_a_line(record: Any, tables: str, told: str) -> None:
    child = record(tables)
    _, err = child.communicate(timeout=60)
    assert child.returncode == 1 and err.startswith("error: ") and told in err


def test_a_problem_makes_the_exit_code_1(tmp_path: Path, record: Any, lines_of: Lines) -> None:
    (tmp_path / "store").write_text("a file where a directory should be")
    child = record(table(tmp_path, lines_of(), store=str(tmp_path / "store"), stop_seconds=1))
    out, err = child.communicate(timeout=60)
    assert child.returncode == 1 and "1 wait for the store" in out and "problem: " in out, err


def test_the_live_table_shows_how_it_goes(tmp_path: Path, lines_of: Lines, feed: Feed) -> None:
    strategy = RecorderStrategy(str(tmp_path), streams=[object()])
    strategy.recorder.start()
    feed(strategy.recorder, lines_of()[:7])
    console = Console(file=io.StringIO(), width=200)
    console.print(table_of([strategy]))
    strategy.recorder.stop()
    assert isinstance(console.file, io.StringIO)
    row = console.file.getvalue().splitlines()[3]
    assert [cell.strip() for cell in row.strip("│").split("│")][:3] == ["RecorderStrategy", "1", "7"]


def test_a_report_shows_gaps_and_how_many_more_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    from attrs import asdict

    gaps = [asdict(Gap("1.1", "market", number, None, "restarted", 3)) for number in range(25)]
    report = {"lines": 0, "bytes": 0, "stored": [], "unstored": 0, "open_markets": 0, "doubled": 2, "problems": ["odd"]}
    print_report({**report, "gaps": gaps}, "table")
    out = capsys.readouterr().out
    assert (
        out.count("restarted") == 20 and "and 5 more" in out and "problem: odd" in out and "2 lines came twice" in out
    )
