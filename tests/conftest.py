"""Fixtures for all tests: markets, plugins without installation, simulations in one call, installed distributions."""

import importlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from flumine_core import FlumineSimulation, HistoricalStream, Settings, SimulatedClient
from flumine_core.kernel.entrypoint import read_entry_rows
from flumine_core.synthetic.market import SyntheticMarket
from flumine_core.testing.isolation import hide

hypothesis.settings.register_profile("steady", deadline=None)  # how long an example takes is the machine's affair
hypothesis.settings.load_profile("steady")


class Plugins:
    """Hook plugins handed to a framework without being installed: (name, plugin) in order."""

    def __init__(self, *plugins: tuple[str, object]) -> None:
        self.plugins = list(plugins)

    def load_hook_plugins(self) -> list[tuple[str, object]]:
        return self.plugins

    def failures(self, kind: str | None = None) -> list[Any]:
        return []


@pytest.fixture(scope="session")
def installed_distributions() -> set[str]:
    """Distributions with plugins of ours that the environment has beside flumine_core."""
    return {row.distribution for row in read_entry_rows()} - {"flumine_core"}


@pytest.fixture(autouse=True)
def no_installed_plugins(installed_distributions: set[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no test depend on what else is installed."""
    hide(monkeypatch, installed_distributions)


@pytest.fixture
def plugins() -> type[Plugins]:
    return Plugins


@pytest.fixture(scope="session")
def market_file(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    """Return a function that writes a synthetic market once and gives its path."""
    folder = tmp_path_factory.mktemp("markets")
    written: dict[str, str] = {}

    def write(**options: Any) -> str:
        options = {"updates": 300, "seed": 3, **options}
        key = repr(sorted(options.items()))
        if key not in written:
            written[key] = str(SyntheticMarket(**options).write(folder / f"market-{len(written)}"))
        return written[key]

    return write


@pytest.fixture
def simulate(plugins: type[Plugins]) -> Callable[..., FlumineSimulation]:
    """Return a function that runs strategies over files and gives the framework."""

    def run(
        paths: str | list[str],
        *strategies: Any,
        hooks: tuple[tuple[str, object], ...] = (),
        settings: dict[str, Any] | None = None,
        cls: type[FlumineSimulation] = FlumineSimulation,
        before: Callable[[FlumineSimulation], None] | None = None,
        client: SimulatedClient | None = None,
        **stream: Any,
    ) -> FlumineSimulation:
        framework = cls(
            client=client or SimulatedClient(transaction_limit=None),
            settings=Settings(**(settings or {})),
            plugins=plugins(*hooks),  # type: ignore[arg-type]
        )
        streams = [HistoricalStream(path, **stream) for path in ([paths] if isinstance(paths, str) else paths)]
        for strategy in strategies:
            strategy.streams = list(streams)
            framework.add_strategy(strategy)
        if not strategies:
            for each in streams:
                framework.add_stream(each)
        if before:
            before(framework)
        framework.run()
        return framework

    return run


@pytest.fixture(scope="session")
def recorded() -> Iterator[Path]:
    """Return the folder of recorded markets; skips where it is absent."""
    named = os.environ.get("FLUMINE_CORE_DATA")
    folder = Path(named) if named else Path(__file__).resolve().parents[2] / "shared" / "data"
    if not (folder / "PRO-1.170258213").is_file():
        pytest.skip("no recorded markets here (FLUMINE_CORE_DATA)")
    yield folder


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Put a distribution on the path: `install("name", "[group]\\nentry = module", module="source")`."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(site)
    before = set(sys.modules)

    def installed(distribution: str, entry_points: str, version: str = "1.0", **sources: str) -> None:
        info = site / f"{distribution.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        metadata = f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n"
        (info / "METADATA").write_text(metadata)
        (info / "entry_points.txt").write_text(entry_points, encoding="utf-8")
        for module, source in sources.items():
            (site / f"{module}.py").write_text(source, encoding="utf-8")
        importlib.invalidate_caches()

    yield installed
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(site)):
            del sys.modules[name]
