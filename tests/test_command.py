"""What commands of plugins are made of: the shared options, and a framework as the configuration has it."""

from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from flumine_core import BaseStrategy, FlumineCoreError
from flumine_core.command import Choices, flumine_of, with_choices
from flumine_core.example import ExampleStrategy

CONFIGURATION = """
[settings]
place_latency = 0.5
[[clients]]
type = "simulated"
username = "me"
[[strategies]]
name = "example"
[[strategies]]
name = "minding:Minding"
options = { max_order_exposure = 3 }
"""

MINDING = """
from flumine_core import BaseStrategy
class Minding(BaseStrategy):
    pass
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "flumine.toml").write_text(CONFIGURATION)
    (tmp_path / "minding.py").write_text(MINDING)
    return tmp_path


def is_other(target: Any) -> bool:
    return issubclass(target, BaseStrategy) and target is not ExampleStrategy


def test_a_framework_has_the_clients_and_strategies_that_are_wanted(folder: Path) -> None:
    framework, others = flumine_of(Choices(sets=("settings.cancel_latency=0.3",)), is_other)
    assert [strategy.name for strategy in framework.strategies] == ["Minding"]
    assert framework.strategies[0].max_order_exposure == 3
    assert others == ["example"]
    assert [client.username for client in framework.clients] == ["me"]
    assert (framework.settings.place_latency, framework.settings.cancel_latency) == (0.5, 0.3)


def test_what_cannot_be_made_is_an_error(folder: Path) -> None:
    (folder / "flumine.toml").write_text(CONFIGURATION.replace("max_order_exposure", "max_ordr_exposure"))
    with pytest.raises(FlumineCoreError, match="max_ordr_exposure"):
        flumine_of(Choices(), is_other)


def test_options_come_before_or_after_the_commands_name(folder: Path) -> None:
    seen: list[Choices] = []

    @click.command()
    @with_choices
    def command(choices: Choices) -> None:
        seen.append(choices)

    result = CliRunner().invoke(command, ["--set", "a=1", "-p", "no:b", "--log-json"])
    assert result.exit_code == 0
    assert (seen[0].sets, seen[0].blocked, seen[0].log_json) == (("a=1",), ("b",), True)
