"""Runs both frameworks once for all the jobs that were selected, and prints what was compared."""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from oracle.compare import Comparison
from oracle.jobs import Builder, Spec
from oracle.process import run_both

TOTAL = pytest.StashKey[Comparison]()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip what needs flumine unless it was asked for: by the mark, or by naming its Python."""
    if "peer" in (config.option.markexpr or "") or os.environ.get("FLUMINE_CORE_PEER_PYTHON"):
        return
    skip = pytest.mark.skip(reason="needs flumine 3.3.2: `tox -e peer`")
    for item in items:
        if "peer" in item.keywords:
            item.add_marker(skip)


@pytest.fixture(scope="session")
def compare(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Comparison]]:
    """Return a function from a spec to its comparison; all the specs selected are run at its first call."""
    done: dict[str, Comparison] = {}

    def run(spec: Spec) -> Comparison:
        if not done:
            builder = Builder(tmp_path_factory.mktemp("markets"))
            specs = [item.callspec.params.get("spec") for item in request.session.items if hasattr(item, "callspec")]
            done.update(run_both([builder.build(spec) for spec in specs if isinstance(spec, Spec)]))
        return done[spec.name]

    yield run
    total = Comparison(runs=0)
    for comparison in done.values():
        total.add(comparison)
    request.config.stash[TOTAL] = total


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the totals."""
    total = config.stash.get(TOTAL, None)
    if total is not None:
        terminalreporter.write_line(total.summary())
