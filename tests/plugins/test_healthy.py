"""Well-made distributions of third parties work when they are merely installed, strategies when they are named."""

import json
from pathlib import Path
from typing import Any


def run(environment: Any, log: Path, *arguments: str) -> Any:
    log.write_text("")
    return environment.run(*arguments, HEALTHY_LOG=str(log))


def test_hooks_and_wrappers_are_on_once_installed(healthy_environment: Any, market_file: str, tmp_path: Path) -> None:
    log = tmp_path / "log"
    done = run(healthy_environment, log, "simulate", market_file, "--strategy", "healthy_strategy", "--format", "json")
    assert done.returncode == 0, done.stderr
    lines = log.read_text().splitlines()
    books = json.loads(done.stdout)["books"]
    assert books > 300
    bracketed = [lines[start : start + 3] for start in range(0, len(lines), 3)]
    assert bracketed == [["enter", "counter 1.100000001", "leave"]] * len(bracketed)
    # one closing book, which has a hook of its own
    assert len(bracketed) == books - 1


def test_a_blocked_plugin_is_not_called(healthy_environment: Any, market_file: str, tmp_path: Path) -> None:
    log = tmp_path / "log"
    blocked = ("-p", "no:healthy_wrapper", "-p", "no:healthy_counter")
    done = run(healthy_environment, log, *blocked, "simulate", market_file, "--strategy", "healthy_strategy")
    assert done.returncode == 0, done.stderr
    assert log.read_text() == ""
    status = {each["name"]: each["status"] for each in healthy_environment.plugins(*blocked)}
    assert status["healthy_wrapper"] == status["healthy_counter"] == "blocked"


def test_a_strategy_is_used_when_it_is_named(healthy_environment: Any, market_file: str, tmp_path: Path) -> None:
    arguments = ("simulate", market_file, "--strategy", "healthy_strategy", "--format", "json", "--set", "stake=3.5")
    done = run(healthy_environment, tmp_path / "log", *arguments)
    outcome = json.loads(done.stdout)
    assert list(outcome["strategies"]) == ["Backer"]
    assert outcome["orders"] > 0
    assert outcome["staked"] == outcome["orders"] * 3.5


def test_discovered_is_not_enabled(healthy_environment: Any, market_file: str, tmp_path: Path) -> None:
    done = run(healthy_environment, tmp_path / "log", "simulate", market_file)
    assert done.returncode == 1
    assert "a strategy must be named" in done.stderr
    assert "healthy_strategy" in done.stderr
    status = {each["name"]: each["status"] for each in healthy_environment.plugins()}
    assert status["healthy_strategy"] == "available"
    assert status["healthy_counter"] == "enabled"


def test_an_unknown_name_gets_a_hint(healthy_environment: Any, market_file: str, tmp_path: Path) -> None:
    done = run(healthy_environment, tmp_path / "log", "simulate", market_file, "--strategy", "helthy_strategy")
    assert done.returncode == 1
    assert "did you mean 'healthy_strategy'" in done.stderr


def test_the_hooks_say_who_implements_them(healthy_environment: Any) -> None:
    done = healthy_environment.run("hooks", "market_books")
    assert "Implemented by: healthy_counter, healthy_wrapper" in done.stdout


def test_without_a_command_it_says_what_is_installed(healthy_environment: Any) -> None:
    done = healthy_environment.run()
    assert done.returncode == 0
    assert done.stderr == ""
    for name in ("healthy_counter", "healthy_strategy", "healthy_command", "strategy_exposure", "example", "simulate"):
        assert name in done.stdout


def test_many_processes_load_the_same_plugins(healthy_environment: Any, market_file: str, tmp_path: Path) -> None:
    second = tmp_path / "1.200000002"
    second.write_bytes(Path(market_file).read_bytes().replace(b"1.100000001", b"1.200000002"))
    arguments = ("simulate", market_file, str(second), "--strategy", "healthy_strategy", "--format", "json")
    alone = run(healthy_environment, tmp_path / "log", *arguments)
    called = sorted((tmp_path / "log").read_text().splitlines())
    spread = run(healthy_environment, tmp_path / "log", *arguments, "--workers", "2")
    assert spread.returncode == 0, spread.stderr
    assert spread.stdout == alone.stdout
    assert sorted((tmp_path / "log").read_text().splitlines()) == called
