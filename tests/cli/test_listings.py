"""`plugins`, `hooks` and `config`."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from flumine_core.kernel.signature import hook_arguments

Cli = Callable[..., Result]
Install = Callable[..., None]

START = "from flumine_core import hookimpl\n@hookimpl\ndef flumine_start(framework): pass\n"


def test_plugins_are_listed_with_state_and_hooks(cli: Cli, install: Install) -> None:
    install("dist-a", "[flumine_core]\nalpha = mod_alpha\nbeta = mod_beta\n", mod_alpha=START, mod_beta="1/0")
    Path("flumine.toml").write_text('[[client_controls]]\nname = "max_order_count"\n[plugins]\nblocked = ["example"]\n')
    result = cli("plugins", "--json")
    assert (result.exit_code, result.stderr) == (0, "")
    found = {each["name"]: each for each in json.loads(result.stdout)}
    assert found["alpha"]["hooks"] == ["flumine_start"]
    assert found["beta"]["reason"] == "ZeroDivisionError: division by zero"
    assert {name: found[name]["status"] for name in ("alpha", "beta", "example", "max_order_count")} == {
        "alpha": "enabled",
        "beta": "failed",
        "example": "blocked",
        "max_order_count": "enabled",
    }
    assert found["strategy_exposure"]["status"] == "available"
    assert "import_seconds" not in found["alpha"]
    timed = json.loads(cli("plugins", "--json", "--time").stdout)
    assert all(each["import_seconds"] is not None for each in timed if each["status"] != "blocked")


def test_a_command_that_can_never_be_run_is_told_why(cli: Cli, install: Install) -> None:
    source = "import click\n@click.command()\ndef say(): pass\ndef plain(): pass\n"
    entry_points = "[flumine_core.commands]\ndemo = mod_alpha:say\nplain = mod_alpha:plain\n"
    entry_points += "-x = mod_alpha:say\nsay = mod_alpha:say\n"
    install("dist-a", entry_points, mod_alpha=source)
    found = {each["name"]: each for each in json.loads(cli("plugins", "--json").stdout)}
    assert (found["demo"]["status"], "built-in command" in found["demo"]["reason"]) == ("failed", True)
    assert found["-x"]["status"] == found["plain"]["status"] == "failed"
    assert found["plain"]["reason"] == "mod_alpha:plain must be a click command, was function"
    assert found["say"]["status"] == "available"


def test_plugins_are_a_table_too(cli: Cli, install: Install) -> None:
    install("dist-a", "[flumine_core]\nalpha = mod_alpha\nbeta = mod_beta\n", mod_alpha=START, mod_beta="1/0")
    lines = cli("plugins").stdout.splitlines()
    assert lines[0].split() == ["kind", "name", "distribution", "version", "status", "hooks"]
    (alpha,) = [line for line in lines if " alpha " in line]
    assert alpha.split() == ["hooks", "alpha", "dist-a", "1.0", "enabled", "start"]
    assert any("failed: ZeroDivisionError" in line for line in lines)


def test_a_wrong_configuration_does_not_keep_plugins_from_being_listed(cli: Cli) -> None:
    Path("flumine.toml").write_text('[plugins]\nrequired = ["gone"]\nblocked = ["gone"]\nx = 1\n')
    result = cli("plugins")
    assert result.exit_code == 0
    assert "strategy_exposure" in result.stdout
    assert result.stderr.count("warning: ") == 3


def test_hooks_are_listed_in_the_order_of_a_life(cli: Cli, install: Install) -> None:
    install("dist-a", "[flumine_core]\nalpha = mod_alpha\n", mod_alpha=START)
    lines = cli("hooks").stdout.splitlines()
    assert [line.split()[0] for line in lines[2:]] == list(hook_arguments())
    (start,) = [line for line in lines if line.startswith("flumine_start ")]
    assert start.endswith("alpha")


def test_a_hooks_page_is_printed_whole(cli: Cli) -> None:
    for name in ("order_package", "process_order_package", "flumine_process_order_package"):
        page = cli("hooks", name).stdout
        assert page.startswith("flumine_process_order_package(order_package: 'OrderPackage') -> str | None\n")
        assert "On error: counted under the plugin's name" in page
        assert page.endswith("Implemented by: no plugin\n")
    assert "first result" in cli("hooks", "make_client").stdout


def test_config_check_tells_every_error(cli: Cli) -> None:
    result = cli("config", "check")
    assert (result.exit_code, result.stdout) == (0, "no flumine.toml, no errors\n")
    Path("flumine.toml").write_text("[settings]\na = 1\nb = 2\n")
    result = cli("config", "check")
    assert result.exit_code == 1
    assert [line.partition(" ")[0] for line in result.stderr.splitlines()] == [
        "flumine.toml:2:",
        "flumine.toml:3:",
        "2",
    ]
    Path("other.toml").write_text("[settings]\nplace_latency = 1\n")
    result = cli("--config", "other.toml", "config", "check")
    assert (result.exit_code, result.stdout) == (0, "other.toml: no errors\n")
    assert cli("config", "check", "--config", "other.toml").exit_code == 0


def test_config_show_tells_values_and_origins(cli: Cli) -> None:
    Path("flumine.toml").write_text('[settings]\nplace_latency = 1\n[[strategies]]\nname = "example"\n')
    result = cli("config", "show", "--set", "strategies.example.stake=3")
    assert result.exit_code == 0
    rows = {line.split()[0]: line.split()[1:] for line in result.stdout.splitlines()}
    assert rows["settings.place_latency"] == ["1", "flumine.toml:2"]
    assert rows["strategies.example.stake"] == ["3.0", "--set"]
    assert rows["strategies.example.ticks"] == ["4", "default"]
    shown = json.loads(cli("config", "show", "--json").stdout)
    assert {"key": "settings.place_latency", "value": 1, "origin": "flumine.toml:2"} in shown


def test_a_file_that_is_no_toml_is_one_plain_error(cli: Cli) -> None:
    Path("flumine.toml").write_text("[settings\n")
    for command in (["config", "check"], ["config", "show"], ["simulate", "x", "--strategy", "example"]):
        result = cli(*command)
        assert result.exit_code == 1
        assert result.stderr.startswith("error: flumine.toml:1: not TOML: ")


LOUD = """
from flumine_core import BackgroundWorker, hookimpl

@hookimpl
def flumine_configure(settings):
    print("configured")

class Odd:
    def __repr__(self):
        raise RuntimeError("no repr")

def worker(odd: object = Odd(), even: int = 2):
    return BackgroundWorker(1, print)
"""


def test_config_show_shows_what_plugins_can_show_and_prints_nothing_of_theirs(cli: Cli, install: Install) -> None:
    entry_points = "[flumine_core]\nloud = loud_plugin\n[flumine_core.workers]\nodd = loud_plugin:worker\n"
    install("loud", entry_points, loud_plugin=LOUD)
    Path("flumine.toml").write_text('[[workers]]\nname = "odd"\n')
    result = cli("config", "show", "--json")
    values = {each["key"]: each["value"] for each in json.loads(result.stdout)}
    assert result.exit_code == 0
    assert values["workers.odd.even"] == 2
    assert "no repr" in values["workers.odd.odd"]
    assert "configured" in result.stderr
    result = cli("config", "show")
    assert "configured" not in result.stdout
    assert "no repr" in result.stdout


NUMBERS = """
from enum import Enum
from pathlib import PurePosixPath
from flumine_core import BackgroundWorker

class Side(Enum):
    LAY = "lay"

class Text(str):
    pass

def worker(
    limits: dict[str, float] = {},
    most: float = float("inf"),
    least: float = 1.5,
    side: Side = Side.LAY,
    to: PurePosixPath = PurePosixPath("a/b"),
    text: Text = Text("t"),
):
    return BackgroundWorker(1, print)
"""


def test_config_show_prints_json_where_numbers_are_none(cli: Cli, install: Install) -> None:
    install("numbers", "[flumine_core.workers]\nnumbers = numbers_plugin:worker\n", numbers_plugin=NUMBERS)
    Path("flumine.toml").write_text('[[workers]]\nname = "numbers"\nlimits = { a = nan, b = 2.0 }\n')

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    found = json.loads(cli("config", "show", "--json").stdout, parse_constant=refuse)
    values = {each["key"].removeprefix("workers.numbers."): each["value"] for each in found}
    assert values["limits"] == {"a": "nan", "b": 2.0}
    assert (values["most"], values["least"]) == ("inf", 1.5)
    assert (values["side"], values["to"], values["text"]) == ("lay", "a/b", "t")
    table = cli("config", "show").stdout
    assert "<Side" not in table and "PurePosixPath" not in table


def test_config_show_shows_a_control_of_the_house_whose_name_a_plugin_brings_too(cli: Cli, install: Install) -> None:
    entry_points = "[flumine_core.trading_controls]\norder_validation = namesake_plugin:C\n"
    install("namesake", entry_points, namesake_plugin="class C: pass")
    Path("flumine.toml").write_text("")
    result = cli("config", "show", "--json")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "trading_controls.order_validation.name" in [each["key"] for each in json.loads(result.stdout)]


@pytest.mark.parametrize("command", ["check", "show"])
def test_a_strategy_of_a_module_in_this_directory_is_found_by_the_script(tmp_path: Path, command: str) -> None:
    source = (
        "from flumine_core import BaseStrategy\nclass Own(BaseStrategy):\n    def __init__(self, stake: int = 7): ..."
    )
    (tmp_path / "own_module.py").write_text(source)
    (tmp_path / "flumine.toml").write_text("[[strategies]]\nname = 'own_module:Own'\n")
    script = "from flumine_core.cli.main import main\nmain()"
    arguments = [sys.executable, "-P", "-c", script, "config", command]  # -P: no "" in sys.path, as for a script
    done = subprocess.run(arguments, cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert command == "check" or "strategies.own_module:Own.stake" in done.stdout
