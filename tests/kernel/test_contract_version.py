"""A plugin says which version of the contract it was written for; another major version is refused in plain words."""

from typing import Any

import pytest

from flumine_core.contract import API_VERSION
from flumine_core.kernel.discovery import Discovery, version_fault

STRATEGY = """
from flumine_core import BaseStrategy
FLUMINE_API_VERSION = {version}
class Mine(BaseStrategy):
    pass
"""
HOOKS = """
from flumine_core import hookimpl
FLUMINE_API_VERSION = {version}
@hookimpl
def flumine_start(framework):
    pass
"""
MAJOR, MINOR = API_VERSION


def reason_of(name: str) -> str | None:
    discovery = Discovery()
    discovery.examine()
    (found,) = (each for each in discovery.candidates() if each.name == name)
    return found.reason


@pytest.mark.parametrize(
    ("source", "entry"), [(STRATEGY, "[flumine_core.strategies]\nmine = {}:Mine"), (HOOKS, "[flumine_core]\nmine = {}")]
)
def test_another_major_version_is_refused(install: Any, source: str, entry: str) -> None:
    module = f"version_{source.count('Base')}"
    install("their-plugin", entry.format(module), **{module: source.format(version=(MAJOR + 1, 3))})
    assert reason_of("mine") == (
        f"it was written for version {MAJOR + 1}.3 of the plugin contract, this flumine_core has {MAJOR}.{MINOR}: "
        "install a newer flumine_core (python -m pip install --upgrade flumine_core), or an older their-plugin"
    )


@pytest.mark.parametrize("version", [(MAJOR, MINOR), (MAJOR, MINOR + 7), None])
def test_the_same_major_version_is_taken(install: Any, version: Any) -> None:
    module = f"same_{str(version)[1:2]}_{str(version)[4:5]}".replace("o", "0")
    install("mine", f"[flumine_core]\nmine = {module}", **{module: HOOKS.format(version=version)})
    assert reason_of("mine") is None


def test_an_old_plugin_is_told_apart_from_an_old_framework() -> None:
    class Mine:
        FLUMINE_API_VERSION = (1, 2)

    text = version_fault(Mine, "their-plugin", own=(2, 0))
    assert text is not None
    assert "install a newer their-plugin" in text
    assert text.endswith("or an older flumine_core")
    assert version_fault(Mine(), "their-plugin", own=(1, 0)) is None


@pytest.mark.parametrize("value", ["1.0", (1,), (1, "0"), 1, (True, 0)])
def test_a_version_that_is_none_is_refused(value: Any) -> None:
    mine = type("Mine", (), {"FLUMINE_API_VERSION": value})
    assert "must be a tuple of two whole numbers" in (version_fault(mine, "mine") or "")
