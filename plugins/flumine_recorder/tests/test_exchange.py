"""Fifty markets of the local exchange at once: the recorder is killed three times, and the recordings are simulated."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest
from flumine_recorder.gap import Gap, decode_gaps

from flumine_core import BaseStrategy, FlumineSimulation, HistoricalStream, SimulatedClient
from flumine_core.synthetic.market import SyntheticMarket

exchange_module = pytest.importorskip("flumine_exchange.exchange", reason="flumine-exchange is not installed")

Until = Callable[..., None]

MARKETS = 50
SPEED = float(os.environ.get("FLUMINE_CORE_RECORDER_SPEED", "25"))
REAL = ("PRO-1.170258213", "SELF-1.181223994", "SELF-1.181223995", "1.197931750", "1.197931751")

CONFIGURATION = """
[[clients]]
type = "betfair"
exchange = "{folder}/exchange.json"

[[strategies]]
name = "recorder"
directory = "{folder}/recordings"
stop_seconds = 60.0
market_filter = {{ eventTypeIds = ["7", "4339"] }}

[settings]
worker_start_delay = 0.2
poll_market_catalogue_interval = 1.0
"""


class Books(BaseStrategy):
    """Notes what every book of every market holds, times and dates left out: a replay moves them."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.books: dict[str, list[tuple[int, int]]] = {}
        self.results: dict[str, list[tuple[int, str]]] = {}

    def check_market_book(self, market: Any, market_book: Any) -> bool:
        definition = market_book.market_definition
        held = (
            market_book.status,
            market_book.inplay,
            market_book.bet_delay,
            market_book.version,
            market_book.bsp_reconciled,
            definition.number_of_active_runners if definition is not None else None,
            tuple(sorted(map(_held, market_book.runners))),
        )
        self.books.setdefault(market.market_id, []).append((market_book.publish_time_epoch, hash(held)))
        return False

    def process_closed_market(self, market: Any, market_book: Any) -> None:
        runners = [(runner.selection_id, runner.status) for runner in market_book.runners]
        self.results[market.market_id] = sorted(runners)


def _held(runner: Any) -> tuple[Any, ...]:
    ladders = (
        runner.ex.available_to_back,
        runner.ex.available_to_lay,
        runner.ex.traded_volume,
        runner.sp.back_stake_taken,
        runner.sp.lay_liability_taken,
    )
    levels = tuple(tuple((level.price, level.size) for level in ladder) for ladder in ladders)
    return (runner.selection_id, runner.handicap, runner.status, runner.last_price_traded or 0, levels)


def books_of(paths: list[Path]) -> Books:
    """Simulate files with the strategy that notes their books."""
    framework = FlumineSimulation(SimulatedClient())
    strategy = Books(streams=[HistoricalStream(str(path)) for path in paths])
    framework.add_strategy(strategy)
    framework.run()
    assert framework.bad_lines == [] and framework.stream_errors == [] and framework.faults.total == 0
    return strategy


@pytest.fixture
def originals(tmp_path: Path) -> list[Path]:
    """Fifty markets: the real ones that are here, and generated ones."""
    named = os.environ.get("FLUMINE_CORE_DATA")
    real = [Path(named) / name for name in REAL] if named else []
    found = [path for path in real if path.is_file()]
    kinds = ("WIN", "PLACE", "OTHER_PLACE", "EACH_WAY")
    for number in range(MARKETS - len(found)):
        market = SyntheticMarket(
            market_type=kinds[number % len(kinds)],
            market_id=f"1.3{number:08d}",
            event_id=f"4{number // 4:07d}",
            seed=number // 4,
            updates=300,
            removals=number % 3,
        )
        found.append(market.write(tmp_path / market.market_id))
    return found


@pytest.fixture
def record(tmp_path: Path) -> Iterator[Callable[[Any], "subprocess.Popen[str]"]]:
    """Return a function that starts a recording process on an exchange."""
    children: list[subprocess.Popen[str]] = []

    def start(exchange: Any) -> "subprocess.Popen[str]":
        (tmp_path / "exchange.json").write_bytes(msgspec.json.encode(exchange.details()))
        (tmp_path / "flumine.toml").write_text(CONFIGURATION.format(folder=tmp_path))
        command = ["-m", "flumine_core", "record", "--config", str(tmp_path / "flumine.toml"), "--format", "json"]
        children.append(subprocess.Popen([sys.executable, *command], cwd=tmp_path, stdout=subprocess.PIPE, text=True))
        return children[-1]

    yield start
    for child in children:
        child.kill()
        child.communicate()


def sizes(folder: Path) -> list[int]:
    """Return the sizes of all open files."""
    return [path.stat().st_size for path in (folder / "open").glob("*/market")]


def grown(folder: Path) -> int:
    """Return by how many bytes open files grow in three seconds."""
    before = sum(sizes(folder))
    time.sleep(3)
    return sum(sizes(folder)) - before


def changed(books: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the books that differ from the one before, each with its publish time."""
    return [next(group) for _, group in groupby(books, key=lambda book: book[1])]


def jumps(original: list[tuple[int, int]], recorded: list[tuple[int, int]], gaps: list[Gap]) -> tuple[int, int]:
    """Return how many books there were since recording began, and how many runs of them are missing.

    Fails where a recorded book does not follow in the original, or a run is missing where no gap is listed.
    """
    held = [book for _, book in original]
    start = position = held.index(recorded[0][1])
    missing = 0
    for (before, _), (after, book) in pairwise(recorded):
        step = held.index(book, position + 1)
        if step > position + 1:
            missing += 1
            assert any(before <= gap.start_ms and (gap.end_ms or after) <= after for gap in gaps), (before, after, gaps)
        position = step
    assert position + 1 == len(held) or gaps
    return len(held) - start, missing


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_what_a_lost_connection_costs_is_listed(tmp_path: Path, record: Any, until: Until) -> None:
    folder = tmp_path / "recordings"
    market = SyntheticMarket(updates=400)
    with exchange_module.LocalExchange([market], 120.0, exchange_module.ExchangeSettings()) as exchange:
        child = record(exchange)
        until(lambda: all(sizes(folder) or [0]), 60)
        exchange.start_replay()
        for count in (1, 2, 3):
            until(lambda count=count: exchange.replay_status()["played"] > 30 * count, 60)
            exchange.drop_streams("market")
        assert exchange.wait_replayed(60)
        (path,) = (folder / "open").glob("*/market")
        until(lambda: b'"CLOSED"' in path.read_bytes(), 60)
        child.send_signal(signal.SIGTERM)
        out, _ = child.communicate(timeout=60)
    gaps = [Gap(**each) for each in msgspec.json.decode(out)["gaps"]]
    assert gaps and {gap.reason for gap in gaps} <= {"conflated", "new image"}
    original = tmp_path / "original"
    market.write(original)
    expected, found = books_of([original]), books_of(list(folder.glob("closed/market/**/*.zst")))
    assert found.results == expected.results
    books = [changed(each.books[market.market_id]) for each in (expected, found)]
    assert jumps(books[0], books[1], gaps)[1] <= len(gaps)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_recordings_hold_the_books_of_the_originals_but_for_the_gaps(
    tmp_path: Path, originals: list[Path], record: Any, until: Until
) -> None:
    folder = tmp_path / "recordings"
    settings = exchange_module.ExchangeSettings(seconds_before_off=600.0, idle_stream_seconds=600.0)
    with exchange_module.LocalExchange(originals, SPEED, settings) as exchange:
        child = record(exchange)
        until(lambda: len(sizes(folder)) == MARKETS and all(sizes(folder)), 60)
        exchange.start_replay()
        for share in (1, 2, 3):
            played = exchange.replay_status()["played"]
            until(lambda played=played, share=share: exchange.replay_status()["played"] > played + 1000 * share, 60)
            child.send_signal(signal.SIGKILL)
            child.wait()
            before = sum(sizes(folder))
            child = record(exchange)
            until(lambda before=before: sum(sizes(folder)) > before, 60)
        assert exchange.wait_replayed(600)
        assert exchange.replay_status()["bad_lines"] == []
        until(lambda: grown(folder) == 0, 60)
        child.send_signal(signal.SIGTERM)
        out, _ = child.communicate(timeout=120)
    report = msgspec.json.decode(out)
    assert report["problems"] == [] and child.returncode == 0
    catalogues = [*folder.glob("closed/market/**/*.json"), *folder.glob("open/*/*.json")]
    assert len(catalogues) == MARKETS
    # a market that closed while no recorder ran stays open, its gap without an end
    recordings = [*folder.glob("closed/market/**/*.zst"), *folder.glob("open/*/market")]
    assert len(recordings) == MARKETS
    expected, found = books_of(originals), books_of(recordings)
    listed: dict[str, list[Gap]] = {}
    for gap in [Gap(**each) for each in report["gaps"] if each["end_ms"] is None]:
        listed.setdefault(gap.market_id, []).append(gap)
    for path in [*folder.glob("closed/market/**/*.gaps"), *folder.glob("open/*/market.gaps")]:
        for gap in decode_gaps(path.read_bytes()):
            listed.setdefault(gap.market_id, []).append(gap)
    ended = {gap.market_id for gaps in listed.values() for gap in gaps if gap.end_ms is None}
    assert found.results == {id_: result for id_, result in expected.results.items() if id_ not in ended}
    assert len(ended) < 5
    counts: Counter[str] = Counter()
    for market_id, books in expected.books.items():
        gaps = listed.get(market_id, [])
        recorded = changed(found.books[market_id])
        begun, missing = jumps(changed(books), recorded, gaps)
        counts.update(books=begun, recorded=len(recorded), gaps=len(gaps), missing=missing)
    print(f"{counts['recorded']:,} of {counts['books']:,} books since recording began; {counts['gaps']} gaps")
    assert counts["gaps"] > 2 * MARKETS and counts["missing"] > MARKETS
