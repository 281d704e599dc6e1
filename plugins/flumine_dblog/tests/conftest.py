"""Real databases, and simulations over synthetic markets that write into them."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from flumine_core import (
    BaseStrategy,
    FlumineSimulation,
    LimitOrder,
    MarketOnCloseOrder,
    SimulatedClient,
    Trade,
    get_price,
)
from flumine_core.synthetic.market import SyntheticMarket
from servers import PATIENCE, MariaDB, PostgreSQL, Server, fresh_database, served
from sqlalchemy import create_engine, text

from flumine_dblog.database import Database, migrate, parse_url
from flumine_dblog.plugin import DatabaseLog


def wait_until(is_so: Callable[[], Any]) -> None:
    """Wait for what only looking can tell."""
    deadline = time.monotonic() + PATIENCE
    while not is_so():
        if time.monotonic() > deadline:
            raise TimeoutError("it never came to be")
        time.sleep(0.02)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    """A PostgreSQL server; not to start it is an error in CI (the variable CI is set)."""
    yield from served(PostgreSQL)


@pytest.fixture(scope="session")
def mariadb() -> Iterator[Server]:
    """A MariaDB server, where the system has one."""
    yield from served(MariaDB)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The url of a database that is not there yet."""
    return f"sqlite:///{tmp_path / 'data' / 'flumine.db'}"


KINDS = ["sqlite", "postgresql", "mariadb"]


@pytest.fixture(params=KINDS)
def url(request: pytest.FixtureRequest) -> str:
    """An empty database of each kind in turn."""
    if request.param == "sqlite":
        return str(request.getfixturevalue("sqlite_url"))
    name = "t" + "".join(each for each in request.node.name.lower() if each.isalnum())[-40:]
    return fresh_database(request.getfixturevalue(request.param), name)


@pytest.fixture(scope="session")
def market_files(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Three synthetic markets: two races and a match."""
    folder = tmp_path_factory.mktemp("markets")
    made = (
        SyntheticMarket(seed=1, market_id="1.300000001", event_id="31000001", updates=600),
        SyntheticMarket(seed=2, market_id="1.300000002", event_id="31000002", updates=600, removals=1),
        SyntheticMarket(
            market_type="MATCH_ODDS",
            seed=3,
            market_id="1.300000003",
            event_id="31000003",
            updates=600,
            start_ms=1_717_346_200_000,
        ),
    )
    return [str(market.write(folder / market.market_id)) for market in made]


class Busy(BaseStrategy):
    """Does a bit of everything: backs, lays, starting-price orders, replaces, cancels, and asks for too much."""

    def __init__(self, every: int = 5, at: dict[int, Callable[[], None]] | None = None, **options: Any) -> None:
        options.setdefault("max_order_exposure", 50)
        options.setdefault("max_selection_exposure", 500)
        options.setdefault("max_live_trade_count", 10**6)
        super().__init__(**options)
        self.every = every
        self.at = at or {}
        self.count = 0

    def check_market_book(self, market: Any, market_book: Any) -> bool:
        return bool(market_book.status == "OPEN")

    def process_market_book(self, market: Any, market_book: Any) -> None:
        self.count += 1
        if self.count in self.at:
            self.at[self.count]()
        if self.count % self.every:
            return
        step = self.count // self.every
        runner = market_book.runners[step % len(market_book.runners)]
        price = get_price(runner.ex.available_to_back, 0)
        if runner.status != "ACTIVE" or not price:
            return
        trade = Trade(market.market_id, runner.selection_id, runner.handicap, self, notes={"step": step})
        kind: Any = LimitOrder(price, 100.0 if step % 7 == 0 else 2.0)
        if step % 11 == 0 and not market_book.inplay:
            kind = MarketOnCloseOrder(10.0)
        side = "LAY" if step % 2 else "BACK"
        market.place_order(trade.create_order(side, kind, notes={"text": "a,b\n'c' \u2603"}))

    def process_orders(self, market: Any, orders: Any) -> None:
        for order in orders:
            if order.status is not None and order.status.name == "EXECUTABLE" and order.bet_id:
                elapsed = order.elapsed_seconds or 0
                if order.order_type.ORDER_TYPE.name != "LIMIT":
                    continue
                if 3 < elapsed < 6 and len(order.trade.orders) == 1:
                    market.replace_order(order, 1.5)
                elif elapsed > 8:
                    market.cancel_order(order)


class Noting(Busy):
    """Busy, with a note of the test's choice on every order."""

    def __init__(self, note: str) -> None:
        super().__init__()
        self.note = note

    def process_market_book(self, market: Any, market_book: Any) -> None:
        super().process_market_book(market, market_book)
        for order in market.blotter:
            order.notes["text"] = self.note


Simulate = Callable[..., FlumineSimulation]


def simulated(
    url: str,
    spool: Path,
    files: list[str],
    at: dict[int, Callable[[], None]] | None = None,
    strategy: BaseStrategy | None = None,
    **options: Any,
) -> FlumineSimulation:
    """Simulate the busy strategy over files, written to `url`."""
    framework = FlumineSimulation(client=SimulatedClient(min_bet_validation=False))
    framework.add_logging_control(DatabaseLog(url, spool=spool, **options))
    made = strategy or Busy(at=at)
    made.market_filter = {"markets": files}
    framework.add_strategy(made)
    framework.run()
    return framework


@pytest.fixture
def simulate(market_files: list[str], tmp_path: Path) -> Simulate:
    """Simulate the busy strategy over the synthetic markets, written to `url`."""

    def run(url: str, files: list[str] | None = None, **options: Any) -> FlumineSimulation:
        return simulated(url, options.pop("spool", tmp_path / "spool"), files or market_files, **options)

    return run


@pytest.fixture(scope="module", params=KINDS)
def two_runs(
    request: pytest.FixtureRequest, market_files: list[str], tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, FlumineSimulation, FlumineSimulation]:
    """Return a database of each kind in turn, and the two runs that it holds, the second of one market alone."""
    folder = tmp_path_factory.mktemp("two_runs")
    url = f"sqlite:///{folder / 'flumine.db'}"
    if request.param != "sqlite":
        url = fresh_database(request.getfixturevalue(request.param), "two_runs")
    first = simulated(url, folder / "spool", market_files, run="first")
    return url, first, simulated(url, folder / "spool", market_files[:1], run="second")


def own_results(framework: FlumineSimulation) -> list[tuple[Any, ...]]:
    """Return what a run itself says of its orders, in the order of their ids."""
    return sorted(
        (
            order.id,
            order.trade.id,
            order.market_id,
            order.status.value,
            order.size_matched,
            round(order.average_price_matched, 6),
            order.size_cancelled + order.size_lapsed + order.size_voided,
            round(order.profit, 2),
            order.runner_status,
        )
        for market in framework.markets
        for order in market.blotter
    )


def query(url: str, sql: str, **values: Any) -> list[tuple[Any, ...]]:
    """Return the rows that a statement gives."""
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(sql), values)]
    finally:
        engine.dispose()


def run_id(url: str, run: int) -> int:
    """Return the number of a database's first, second, ... run; where a transaction failed, numbers are left out."""
    return int(query(url, "SELECT id FROM runs ORDER BY id")[run - 1][0])


def written_results(url: str, run: int = 1) -> list[tuple[Any, ...]]:
    """Return the same of what is in the database; what was refused and no blotter keeps is left out."""
    found = query(
        url,
        "SELECT id, trade_id, market_id, status, size_matched, average_price_matched,"
        " size_cancelled + size_lapsed + size_voided, profit, runner_status"
        " FROM orders WHERE run_id = :run AND status <> 'Violation' AND NOT EXISTS (SELECT 1 FROM refusals"
        " WHERE refusals.run_id = orders.run_id AND order_id = orders.id AND control = 'Exchange'"
        " AND package_type = 'Replace')",
        run=run_id(url, run),
    )
    return sorted((*row[:5], round(row[5], 6), row[6], round(row[7], 2), row[8]) for row in found)


def count(url: str, table: str, run: int = 1) -> int:
    """Return how many rows a run has in a table."""
    return int(query(url, f"SELECT count(*) FROM {table} WHERE run_id = :run", run=run_id(url, run))[0][0])


def upgrade(url: str) -> None:
    """Make the tables."""
    database = Database(parse_url(url))
    migrate(database.engine)
    database.dispose()


def in_process(script: str, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run a script in a process of its own, which finds these fixtures."""
    here = str(Path(__file__).parent)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([here, *filter(None, [os.environ.get("PYTHONPATH")])])}
    return subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=check, env=environment
    )


def writers() -> list[Any]:
    """The processes that write for this one."""
    import psutil

    return [each for each in psutil.Process().children() if "flumine_dblog.child" in each.cmdline()]


@pytest.fixture
def tools() -> SimpleNamespace:
    """The functions of this file, for tests, which cannot import it."""
    return SimpleNamespace(
        count=count,
        fresh_database=fresh_database,
        in_process=in_process,
        noting=Noting,
        own_results=own_results,
        query=query,
        run_id=run_id,
        wait_until=wait_until,
        writers=writers,
        upgrade=upgrade,
        written_results=written_results,
    )
