"""Each of the eight kinds that `new` writes installs, passes its tests, is listed, and works in a simulation."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from flumine_core.cli.new import KINDS, files_of

from .conftest import Environment

NAMES = {kind: f"new-{kind}" for kind in KINDS}


def module_of(kind: str) -> str:
    return NAMES[kind].replace("-", "_")


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The eight distributions as they were written."""
    folder = tmp_path_factory.mktemp("new")
    for kind, name in NAMES.items():
        for path, text in files_of(kind, name).items():
            (folder / kind / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / kind / path).write_text(text)
    return folder


@pytest.fixture(scope="module")
def environment(sources: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """One environment with all eight, each built by the build backend that its pyproject names."""
    folder = tmp_path_factory.mktemp("new-environment")
    wheels = folder / "wheels"
    build = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--quiet", "-w", str(wheels)]
    subprocess.run([*build, *(str(sources / kind) for kind in KINDS)], check=True, capture_output=True, text=True)
    return Environment(folder / "environment", wheels.iterdir())


@pytest.mark.parametrize("kind", KINDS)
def test_its_tests_pass(kind: str, sources: Path, environment: Environment) -> None:
    arguments = [environment.python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
    done = subprocess.run(arguments, cwd=sources / kind, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_listed(kind: str, environment: Environment) -> None:
    (found,) = (each for each in environment.plugins() if each["name"] == module_of(kind))
    assert (found["kind"], found["distribution"], found["version"]) == (KINDS[kind].group, NAMES[kind], "0.1.0")
    assert found["status"] == ("enabled" if kind == "hook" else "available"), found["reason"]


CONFIGURATION = """
[[trading_controls]]
name = "new_trading_control"
most_price = {most_price}
[[client_controls]]
name = "new_client_control"
most_orders = 1
[[middleware]]
name = "new_middleware"
[[workers]]
name = "new_worker"
interval = 0.001
[[logging_controls]]
name = "new_logging_control"
path = "orders-{most_price}.jsonl"
"""


@pytest.mark.parametrize(("most_price", "first"), [(1000.0, "Pending"), (1.01, "Violation")])
def test_all_work_in_one_simulation(most_price: float, first: str, environment: Environment, market_file: str) -> None:
    (environment.folder / "flumine.toml").write_text(CONFIGURATION.format(most_price=most_price))
    arguments = ("simulate", market_file, "--strategy", "new_strategy", "--format", "json", "--log-level", "INFO")
    done = environment.run(*arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    outcome = json.loads(done.stdout)
    assert outcome["faults"] == []
    assert outcome["orders"] == (first == "Pending")
    assert ("NewTradingControl" in outcome["refusals_by_control"]) == (first == "Violation")
    assert f"market 1.100000001 had {outcome['books'] - 1} books" in done.stderr
    logged = environment.folder / f"orders-{most_price}.jsonl"
    assert json.loads(logged.read_text().splitlines()[0])["status"] == first


def test_the_command_runs(environment: Environment, market_file: str) -> None:
    done = environment.run("new_command", market_file)
    assert (done.returncode, done.stdout) == (0, f"{market_file}: {Path(market_file).stat().st_size}\n")


BUILT = os.environ.get("FLUMINE_CORE_DIST")


@pytest.mark.skipif(not BUILT, reason="fresh environments need the built wheel and a package index (tox -e pkg)")
@pytest.mark.parametrize("kind", KINDS)
def test_it_works_in_an_environment_of_its_own(kind: str, sources: Path, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "fresh"], check=True)
    python = tmp_path / "fresh" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    (wheel,) = Path(str(BUILT)).glob("flumine_core-*.whl")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PYTEST"))}
    for arguments in (
        ["-m", "pip", "install", "--quiet", str(wheel), f"{sources / kind}[test]"],
        ["-m", "pytest", "-q"],
        ["-m", "pytest", "-q", "--flumine-conformance", module_of(kind)],
    ):
        done = subprocess.run([python, *arguments], cwd=sources / kind, env=clean, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
