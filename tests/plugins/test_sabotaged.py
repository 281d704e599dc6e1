"""Broken plugins: each is named with its reason, and starves nobody."""

import json
import tomllib
from collections.abc import Iterable
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest

Plugin = dict[str, Any]

with (Path(__file__).parent / "sabotaged.toml").open("rb") as _file:
    SABOTAGED: list[Plugin] = tomllib.load(_file)["plugin"]

STOPPERS = [plugin["name"] for plugin in SABOTAGED if "stops" in plugin]
SLOW = "sab_slow_import"
FAULTS = [plugin for plugin in SABOTAGED if "fault" in plugin]
STRATEGIES = ["sab_strategy_constructor", "sab_strategy_start", "sab_strategy_books", "sab_broken_strategy"]


def without(*names: str) -> list[str]:
    return [argument for name in names for argument in ("-p", f"no:{name}")]


def simulate(market: str, *strategies: str, blocked: Iterable[str] = (*STOPPERS, SLOW)) -> list[str]:
    named = [argument for name in strategies for argument in ("--strategy", name)]
    return ["simulate", market, *named, *without(*blocked), "--format", "json"]


@pytest.fixture(scope="session")
def listed(sabotaged_environment: Any) -> list[Plugin]:
    return sabotaged_environment.plugins("--time")


def test_there_are_twenty_of_them() -> None:
    assert len(SABOTAGED) >= 20


@pytest.mark.parametrize("plugin", SABOTAGED, ids=lambda each: each.get("distribution", each["name"]))
def test_each_is_listed_with_its_reason(listed: list[Plugin], plugin: Plugin) -> None:
    distribution = plugin.get("distribution", plugin["name"].replace("_", "-"))
    (found,) = [each for each in listed if each["distribution"] == distribution]
    assert (found["name"], found["version"]) == (plugin["name"], "1.0")
    assert found["status"] == plugin["status"]
    assert plugin.get("reason", "") in (found["reason"] or "")


def test_the_slow_one_is_told_by_its_import_time(listed: list[Plugin]) -> None:
    seconds = {each["name"]: each["import_seconds"] for each in listed if each["kind"] == "hooks"}
    assert seconds[SLOW] >= 2
    assert seconds["healthy_counter"] < 1


def test_a_listing_from_metadata_imports_nobody(sabotaged_environment: Any) -> None:
    found = sabotaged_environment.plugins("--no-import", "--time")
    assert len(found) >= len(SABOTAGED)
    assert not [each for each in found if each["import_seconds"] is not None]


def test_a_run_goes_on_and_names_each(
    sabotaged_environment: Any, healthy_environment: Any, market_file: str, tmp_path: Path
) -> None:
    logs = {}
    outcomes = {}
    for name, environment, strategies in (
        ("healthy", healthy_environment, ["healthy_strategy"]),
        ("sabotaged", sabotaged_environment, [*STRATEGIES, "healthy_strategy"]),
    ):
        log = tmp_path / name
        log.touch()
        blocked = () if name == "healthy" else (*STOPPERS, SLOW)
        done = environment.run(*simulate(market_file, *strategies, blocked=blocked), HEALTHY_LOG=str(log))
        outcomes[name] = (done.returncode, json.loads(done.stdout), done.stderr)
        logs[name] = log.read_text().splitlines()

    code, healthy, _ = outcomes["healthy"]
    assert code == 0
    assert healthy["errors"] == 0
    code, sabotaged, stderr = outcomes["sabotaged"]
    assert code == 1
    assert healthy["orders"] > 0
    assert sabotaged["strategies"]["Backer"] == healthy["strategies"]["Backer"]
    assert logs["sabotaged"] == logs["healthy"]
    assert logs["healthy"].count("enter") == logs["healthy"].count("leave")

    faults = {(fault["plugin"], fault["hook"].removeprefix("strategy.")) for fault in sabotaged["faults"]}
    for plugin in FAULTS:
        assert (plugin.get("strategy", plugin["name"]), plugin["fault"]) in faults
    for plugin in SABOTAGED:
        if plugin["status"] == "failed" and plugin.get("kind") is None:
            assert (plugin["name"], "load") in faults
            assert plugin["name"] in stderr
    assert ("sab_broken_strategy", "import") in faults


@pytest.mark.parametrize("plugin", [each["name"] for each in SABOTAGED if each.get("stops") == "start"])
def test_a_plugin_that_makes_things_and_raises_stops_the_start(
    sabotaged_environment: Any, market_file: str, plugin: str
) -> None:
    others = [name for name in (*STOPPERS, SLOW) if name != plugin]
    done = sabotaged_environment.run(*simulate(market_file, "healthy_strategy", blocked=[*others, "healthy_counter"]))
    assert done.returncode == 1
    assert done.stdout == ""
    assert plugin in done.stderr
    assert "sabotage" in done.stderr


def test_a_package_hook_that_raises_lets_no_package_pass(
    sabotaged_environment: Any, market_file: str, tmp_path: Path
) -> None:
    blocked = [name for name in (*STOPPERS, SLOW) if name != "sab_raises_order_package"]
    arguments = simulate(market_file, "healthy_strategy", blocked=blocked)
    done = sabotaged_environment.run(*arguments, HEALTHY_LOG=str(tmp_path / "log"))
    outcome = json.loads(done.stdout)
    assert done.returncode == 1
    assert outcome["orders"] > 0
    assert outcome["matched"] == outcome["staked"] == 0
    assert outcome["refusals"] == outcome["orders"]


def test_a_control_that_cannot_be_made_stops_the_start(
    sabotaged_environment: Any, market_file: str, tmp_path: Path
) -> None:
    config = tmp_path / "flumine.toml"
    config.write_text('[[trading_controls]]\nname = "sab_control"\n')
    done = sabotaged_environment.run(*simulate(market_file, "healthy_strategy"), "--config", str(config))
    assert done.returncode == 1
    assert done.stdout == ""
    assert "sab_control" in done.stderr


def test_a_required_plugin_that_is_broken_stops_the_start(
    sabotaged_environment: Any, market_file: str, tmp_path: Path
) -> None:
    config = tmp_path / "flumine.toml"
    config.write_text('[plugins]\nrequired = ["sab_import_error"]\n')
    done = sabotaged_environment.run(*simulate(market_file, "healthy_strategy"), "--config", str(config))
    assert done.returncode == 1
    assert done.stdout == ""
    assert "required plugin 'sab_import_error' (sab-import-error 1.0)" in done.stderr
    done = sabotaged_environment.run("config", "check", *without(SLOW), "--config", str(config))
    assert done.returncode == 1
    assert f"{config}:2: plugins.required" in done.stderr


def test_a_strategy_that_cannot_be_imported_is_an_error_when_it_is_the_only_one(
    sabotaged_environment: Any, market_file: str
) -> None:
    done = sabotaged_environment.run(*simulate(market_file, "sab_broken_strategy"))
    assert done.returncode == 1
    assert "sab_broken_strategy" in done.stderr


def test_help_is_fast_and_clean(sabotaged_environment: Any) -> None:
    start = perf_counter()
    done = sabotaged_environment.run("--help")
    assert perf_counter() - start < 1.5  # two plugins take 2 s to import
    assert done.returncode == 0
    assert done.stderr == ""
    for command in ("simulate", "demo", "plugins", "hooks", "config", "sab_command", "healthy_command"):
        assert command in done.stdout


def test_a_broken_command_is_named_when_it_is_invoked(sabotaged_environment: Any) -> None:
    done = sabotaged_environment.run("sab_command")
    assert done.returncode == 1
    assert done.stderr.startswith("error: command 'sab_command' (sab-command 1.0) cannot be loaded: ModuleNotFound")
    done = sabotaged_environment.run("sab_command_raises")
    assert done.returncode == 1
    assert "command 'sab_command_raises' (sab-command-raises 1.0) raised RuntimeError: sabotage" in done.stderr
    done = sabotaged_environment.run("healthy_command", "--word", "still here")
    assert (done.returncode, done.stdout) == (0, "still here\n")


def test_a_blocked_command_is_gone(sabotaged_environment: Any) -> None:
    done = sabotaged_environment.run("-p", "no:healthy_command", "healthy_command")
    assert done.returncode == 2
    assert "no such command" in done.stderr


def test_a_misspelt_block_is_an_error_with_the_nearest_name(sabotaged_environment: Any, market_file: str) -> None:
    done = sabotaged_environment.run(*simulate(market_file, "healthy_strategy"), "-p", "no:sab_rases_books")
    assert done.returncode == 2
    assert "did you mean 'sab_raises_books'" in done.stderr
