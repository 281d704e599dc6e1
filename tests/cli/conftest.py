"""The command line in this process, and a synthetic market to simulate."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from flumine_core.cli.main import group
from flumine_core.synthetic.market import SyntheticMarket


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run the command line in a fresh working directory."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object) -> Result:
        return CliRunner().invoke(group, [str(each) for each in arguments], prog_name="flumine_core")

    return run


@pytest.fixture(scope="session")
def market(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A market that the example strategy trades."""
    return SyntheticMarket(updates=400).write(tmp_path_factory.mktemp("cli") / "1.100000001")


@pytest.fixture(scope="session")
def second(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another one; its id ends in a zero."""
    return SyntheticMarket(market_type="PLACE", updates=300, seed=2, market_id="1.100000020").write(
        tmp_path_factory.mktemp("cli") / "1.100000020"
    )
