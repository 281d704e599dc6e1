"""Synthetic markets, strategies that place every kind of order, and the command line in a process of its own."""

import csv
import gzip
import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flumine_core import FlumineSimulation, SimulatedClient
from flumine_core.synthetic.market import SyntheticMarket

Row = dict[str, str]

STRATEGIES = '''
"""Strategies for the tests: each kind of order once a market, and one that places at every book."""

from flumine_core import BaseStrategy, LimitOnCloseOrder, LimitOrder, MarketOnCloseOrder, Trade

KINDS = (
    ("BACK", LimitOrder(1.01, 2.0)),
    ("LAY", LimitOrder(1.01, 3.0, "PERSIST")),
    ("BACK", LimitOnCloseOrder(20.0, 1.5)),
    ("LAY", MarketOnCloseOrder(30.0)),
    ("BACK", LimitOrder(1.015, 2.0)),
)


class Unlimited(BaseStrategy):
    def __init__(self, **options):
        unlimited = {"max_order_exposure": None, "max_selection_exposure": None}
        super().__init__(max_live_trade_count=10_000, max_trade_count=10_000, **unlimited, **options)


class EachKind(Unlimited):
    """One order of each kind, and one that is refused: its price is not on the ladder."""

    def check_market_book(self, market, market_book):
        return market_book.status == "OPEN" and not market.blotter

    def process_market_book(self, market, market_book):
        runner = next(each for each in market_book.runners if each.status == "ACTIVE")
        for side, kind in KINDS:
            trade = Trade(market.market_id, runner.selection_id, 0, self)
            market.place_order(trade.create_order(side, kind, notes={"why": 'a "hunch",\\nno more\\r'}))


class EveryBook(Unlimited):
    """An order at every book."""

    def check_market_book(self, market, market_book):
        return market_book.status == "OPEN"

    def process_market_book(self, market, market_book):
        runner = next(each for each in market_book.runners if each.status == "ACTIVE")
        trade = Trade(market.market_id, runner.selection_id, 0, self)
        market.place_order(trade.create_order("LAY", LimitOrder(1.01, 2.0)))
'''


@pytest.fixture
def read() -> Callable[[Path], list[Row]]:
    """Return the rows of a CSV file, compressed or not, by column; each must be whole."""

    def rows_of(path: Path) -> list[Row]:
        data = path.read_bytes()
        text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode()
        rows = list(csv.DictReader(io.StringIO(text, newline=""), strict=True))
        assert not any(None in row or None in row.values() for row in rows)
        return rows

    return rows_of


@pytest.fixture
def markets(tmp_path: Path) -> list[Path]:
    """Three markets of two days; the id of the last ends in a zero."""
    wanted = [("1.100000001", "WIN", 0), ("1.100000002", "PLACE", 86_400_000), ("1.100000030", "WIN", 0)]
    return [
        SyntheticMarket(market_type=kind, market_id=market_id, updates=60, start_ms=1_717_246_200_000 + later).write(
            tmp_path / market_id
        )
        for market_id, kind, later in wanted
    ]


@pytest.fixture
def strategies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module of STRATEGIES."""
    (tmp_path / "csvlog_strategies.py").write_text(STRATEGIES)
    monkeypatch.syspath_prepend(tmp_path)
    import csvlog_strategies

    yield csvlog_strategies
    del sys.modules["csvlog_strategies"]


@pytest.fixture
def simulate(strategies: Any) -> Callable[..., FlumineSimulation]:
    """Simulate markets with a logging control, in this process."""

    def run(control: Any, *paths: Path, strategy: str = "EachKind") -> FlumineSimulation:
        framework = FlumineSimulation(SimulatedClient())
        markets = [str(path) for path in paths]
        framework.add_strategy(getattr(strategies, strategy)(market_filter={"markets": markets}))
        framework.add_logging_control(control)
        framework.run()
        return framework

    return run


class CommandLine:
    """`python -m flumine_core` in a directory of its own."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        (directory / "csvlog_strategies.py").write_text(STRATEGIES)

    def configure(self, **options: Any) -> None:
        """Write a flumine.toml that names csvlog."""
        lines = [f"{name} = {json.dumps(value)}" for name, value in options.items()]
        (self.directory / "flumine.toml").write_text("\n".join(['[[logging_controls]]\nname = "csvlog"', *lines]))

    def start(self, *arguments: object, **options: Any) -> "subprocess.Popen[str]":
        """Begin `simulate`; its result is JSON."""
        command = [sys.executable, "-m", "flumine_core", "simulate", "--format", "json", "-s"]
        return subprocess.Popen(
            [*command, *map(str, arguments)],
            cwd=self.directory,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **options,
        )

    def simulate(self, *arguments: object, **options: Any) -> tuple[int, dict[str, Any]]:
        """Return the exit code and the result of `simulate`."""
        with self.start(*arguments, **options) as process:
            out, _ = process.communicate(timeout=120)
        return process.returncode, json.loads(out)


@pytest.fixture
def command_line(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path)
