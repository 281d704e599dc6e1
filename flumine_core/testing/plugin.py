"""The pytest plugin: fixtures for those who test strategies and plugins. Imports nothing before a fixture is used."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .clock import SettableClock
    from .execution import RecordingExecution
    from .market import MarketScript
    from .run import Outcome
    from .strategy import Placing


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the conformance suite."""
    group = parser.getgroup("flumine_core")
    group.addoption(
        "--flumine-conformance",
        action="append",
        default=[],
        metavar="PACKAGE",
        help="check that the plugins of an installed package or distribution, or module:attribute, keep the contract",
    )
    group.addoption(
        "--flumine-option",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="an option with which the plugins that are checked are made",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Run the conformance suite in place of the tests found by default, or beside those that are named."""
    if config.getoption("--flumine-conformance"):
        suite = str(Path(__file__).with_name("conformance.py"))
        is_named = config.args_source is pytest.Config.ArgsSource.ARGS
        config.args = [*config.args, suite] if is_named else [suite]


@pytest.fixture
def market() -> "Callable[..., MarketScript]":
    """Start a market script: `market().runners(3).back(1, 2.0, 100).suspend().inplay().win(1)`.

    Keyword arguments are fields of the market definition, `market_id` and `step_ms` those of the script.
    """
    from .market import MarketScript

    def start(market_id: str = "1.100000001", step_ms: int = 1000, **definition: Any) -> "MarketScript":
        return MarketScript(market_id, definition, step_ms)

    return start


@pytest.fixture
def run() -> "Callable[..., Outcome]":
    """Simulate strategies over scripts, see `flumine_core.testing.run.run`; no installed plugin takes part."""
    from .run import run

    return run


@pytest.fixture
def place() -> "type[Placing]":
    """Make a strategy that places what it is told: `place(("BACK", 2.0, 10.0))`."""
    from .strategy import Placing

    return Placing


@pytest.fixture
def clock() -> "SettableClock":
    """Return a clock that stands until `clock.set(...)` or `clock.tick(seconds)`."""
    from .clock import SettableClock

    return SettableClock()


@pytest.fixture
def recording_execution() -> "RecordingExecution":
    """Return an execution that keeps packages and reports what it is told: `run(..., execution=...)`."""
    from .execution import RecordingExecution

    return RecordingExecution()


@pytest.fixture
def local_exchange(tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Start a local exchange that plays scripts (or files): `local_exchange(script, speed=10)`; stopped with the test.

    Takes what flumine-exchange's LocalExchange takes; the markets begin with a client's first subscription. A Betfair
    client is given `exchange=exchange.file`. Skips where that distribution is not installed.
    """
    module = pytest.importorskip("flumine_exchange.exchange", reason="flumine-exchange is not installed")
    from .exchange import serving

    with serving(module, tmp_path) as start:
        yield start


@pytest.fixture
def only_distributions(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Hide installed plugins: `only_distributions("my-plugin")` leaves flumine_core's own and those named."""

    def hide_others(*distributions: str) -> None:
        from .isolation import show_only

        show_only(monkeypatch, distributions)

    return hide_others
