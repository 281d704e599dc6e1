"""The conformance suite: good plugins of each kind pass, deliberately bad ones are told what to mend."""

import subprocess
import sys
import threading
import tomllib
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest

from flumine_core.cli.new import KINDS, files_of
from flumine_core.testing.blocking import watched

HERE = Path(__file__).parent
BAD: list[dict[str, str]] = tomllib.loads((HERE / "bad.toml").read_text())["plugin"]
HEAD = """
from flumine_core import BackgroundWorker, BaseStrategy, ClientControl, LimitOrder, LoggingControl, Middleware
from flumine_core import Trade, TradingControl, hookimpl
"""

Outcomes = dict[str, dict[str, str]]
"""Plugin -> check that failed -> what it said."""


def conformance(folder: Path, *arguments: str) -> tuple[Outcomes, set[str], str]:
    """Run the suite in a folder; return failures, every plugin that was looked at, and the output."""
    report = folder / "report.xml"
    without = [f"-pno:{each}" for each in ("cacheprovider", "hypothesispytest", "xdist")]
    options = ["-q", *without, f"--junitxml={report}"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *arguments], cwd=folder, capture_output=True, text=True
    )
    failures: Outcomes = {}
    looked_at = set()
    if report.is_file():
        for case in ElementTree.parse(report).iter("testcase"):
            check, _, subject = case.attrib["name"].partition("[")
            name = subject.rstrip("]").partition("-")[2]
            looked_at.add(name)
            for failure in case.iter("failure"):
                failures.setdefault(name, {})[check] = failure.attrib["message"] + (failure.text or "")
    return failures, looked_at, done.stdout + done.stderr


def lay(folder: Path, distribution: str, entry_points: str) -> None:
    """Put a distribution's metadata into a folder that is on the path of a run started there."""
    info = folder / f"{distribution.replace('-', '_')}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(entry_points)


def test_bad_plugins_are_told_what_to_mend(tmp_path: Path) -> None:
    entries = ""
    for plugin in BAD:
        name, kind = plugin["name"], plugin["kind"]
        (tmp_path / f"{name}.py").write_text(HEAD + plugin["source"])
        group = "flumine_core" if kind == "hooks" else f"flumine_core.{kind}"
        entries += f"[{group}]\n{name} = {name}" + ("\n" if kind == "hooks" else ":Plugin\n")
    lay(tmp_path, "bad-plugins", entries)
    failures, _, text = conformance(tmp_path, "--flumine-conformance", "bad-plugins")
    assert {name: list(failed) for name, failed in failures.items()} == {
        plugin["name"]: [plugin["fails"]] for plugin in BAD
    }, text
    for plugin in BAD:
        told = failures[plugin["name"]][plugin["fails"]]
        assert plugin["words"] in told
        assert "Traceback" not in told


@pytest.mark.slow
def test_good_plugins_of_all_kinds_pass(tmp_path: Path) -> None:
    entries = ""
    for kind, about in KINDS.items():
        module = f"good_{kind.replace('-', '_')}"
        files = files_of(kind, module)
        (tmp_path / module).mkdir()
        for name in ("__init__.py", "plugin.py"):
            (tmp_path / module / name).write_text(files[f"{module}/{name}"])
        value = files["pyproject.toml"].partition(f'{module} = "')[2].partition('"')[0]
        entries += f"[flumine_core{'' if kind == 'hook' else '.' + about.group}]\n{module} = {value}\n"
    lay(tmp_path, "good-plugins", entries)
    failures, looked_at, text = conformance(tmp_path, "--flumine-conformance", "good_plugins")
    assert failures == {}, text
    assert len(looked_at) == 8


@pytest.mark.slow
def test_the_house_keeps_its_own_contract(tmp_path: Path) -> None:
    """All but what cannot be made without options; catalogues are looked for in vain."""
    failures, looked_at, text = conformance(tmp_path, "--flumine-conformance", "flumine_core")
    assert set(failures) == {"sports_data"}, text
    assert set(failures["sports_data"]) == {"test_loads"}
    assert looked_at >= {"example", "strategy_exposure", "max_order_count", "market_catalogues"}


def test_what_the_house_passes_to_a_constructor_is_passed(tmp_path: Path) -> None:
    """Controls that were written for flumine take the framework, and those of a client its account, by name."""
    source = """
class Ceiling(TradingControl):
    def __init__(self, flumine, highest: float = 500.0):
        super().__init__(flumine)
        self.highest, self.known = highest, len(flumine.strategies)
    def _validate(self, order, package_type):
        if package_type.name == "PLACE" and getattr(order.order_type, "price", 0) > self.highest:
            self._on_error(order, "too long")
class Account(ClientControl):
    def __init__(self, flumine, client):
        super().__init__(flumine, client)
        self.username = client.username
    def _validate(self, order, package_type):
        pass
class Counting(Middleware):
    def __init__(self, flumine):
        self.books = flumine.books
    def __call__(self, market):
        pass
"""
    (tmp_path / "mine.py").write_text(HEAD + source)
    wanted = [f"--flumine-conformance=mine:{name}" for name in ("Ceiling", "Account", "Counting")]
    failures, looked_at, text = conformance(tmp_path, *wanted)
    assert (failures, looked_at) == ({}, {"Ceiling", "Account", "Counting"}), text


def test_options_are_given_and_a_module_may_be_named(tmp_path: Path) -> None:
    source = "class Plugin(BaseStrategy):\n    def __init__(self, stake: float):\n        super().__init__()\n"
    (tmp_path / "needs_a_stake.py").write_text(HEAD + source)
    named = ("--flumine-conformance", "needs_a_stake:Plugin")
    failures, _, _ = conformance(tmp_path, *named)
    assert "stake is required and missing, expected a number" in failures["Plugin"]["test_loads"]
    assert conformance(tmp_path, *named, "--flumine-option", "stake=2.5")[0] == {}
    failures, _, _ = conformance(tmp_path, *named, "--flumine-option", "stake=much")
    assert "stake must be a number, was 'much'" in failures["Plugin"]["test_loads"]


def test_tests_that_are_named_run_beside_it(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(HEAD + "class Plugin(BaseStrategy):\n    pass\n")
    (tmp_path / "test_mine.py").write_text("def test_of_mine(run, market, place):\n    run(place(), market())\n")
    _, looked_at, text = conformance(tmp_path, "test_mine.py", "--flumine-conformance", "mine:Plugin")
    assert "7 passed" in text
    assert looked_at == {"Plugin", ""}


def test_a_package_without_plugins_is_told(tmp_path: Path) -> None:
    _, _, text = conformance(tmp_path, "--flumine-conformance", "flumine_cor")
    assert "no plugin of 'flumine_cor' is installed, did you mean 'flumine_core'" in text
    assert "subjects_of" not in text


def test_what_hangs_is_told_with_its_place() -> None:
    released = threading.Event()

    def hang() -> None:
        released.wait()

    with pytest.raises(TimeoutError, match=rf"not come back after 0 seconds, it stands at .*{Path(__file__).name}:\d+"):
        watched((str(HERE),), hang, 0.2)
    released.set()


def test_what_raises_is_raised() -> None:
    def break_() -> Any:
        raise KeyError("broken")

    with pytest.raises(KeyError, match="broken"):
        watched((str(HERE),), break_)


def test_the_pytest_plugin_is_light(tmp_path: Path) -> None:
    heavy = ("msgspec", "attrs", "loguru", "pluggy._x", "flumine_core.session", "flumine_core.testing.run", "cattrs")
    (tmp_path / "test_light.py").write_text(
        f"import sys\ndef test_light(pytestconfig):\n"
        f"    assert pytestconfig.pluginmanager.has_plugin('flumine_core')\n"
        f"    assert not [name for name in {heavy!r} if name in sys.modules]\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:hypothesispytest", "-p", "no:xdist", "test_light.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout
