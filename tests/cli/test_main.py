"""The group: fast help, an overview, commands that are loaded when they are invoked."""

import importlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from flumine_core import __version__
from flumine_core.cli.lazy import BUILT_IN

Cli = Callable[..., Result]
Install = Callable[..., None]

HEAVY = (
    "betfairlightweight",
    "msgspec",
    "rich",
    "pluggy",
    "cattrs",
    "smart_open",
    "loguru",
    "attrs",
    "isal",
    "zstandard",
)


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], []])
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    program = (
        "import sys\nfrom flumine_core.cli.main import group\n"
        f"group({arguments!r}, standalone_mode=False)\n"
        f"print('heavy:', sorted(set({HEAVY!r}) & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stderr == "heavy: []\n"
    assert done.stdout


def test_python_m_prints_the_help() -> None:
    done = subprocess.run([sys.executable, "-m", "flumine_core", "--help"], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert done.stdout.startswith("Usage: python -m flumine_core [OPTIONS] [COMMAND]")


@pytest.mark.parametrize("name", BUILT_IN)
def test_the_table_says_what_the_command_says(name: str) -> None:
    module, line = BUILT_IN[name]
    command = importlib.import_module(module).command
    assert (command.help or "").partition("\n")[0] == line


@pytest.mark.parametrize("name", [*BUILT_IN, "config check", "config show"])
def test_each_command_has_help(cli: Cli, name: str) -> None:
    result = cli(*name.split(), "--help")
    assert result.exit_code == 0
    assert "Usage:" in result.stdout


def test_without_a_command_it_lists_plugins_and_commands(cli: Cli) -> None:
    result = cli()
    assert result.exit_code == 0
    for word in ("strategy_exposure", "max_order_count", "example", *BUILT_IN):
        assert word in result.stdout


def test_the_version_is_printed(cli: Cli) -> None:
    assert cli("--version").stdout == f"flumine_core {__version__}\n"


def test_an_unknown_command_gets_a_hint(cli: Cli) -> None:
    result = cli("simulat")
    assert result.exit_code == 2
    assert "no such command: 'simulat', did you mean 'simulate'" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["-p", "example", "plugins"], "must be no:NAME, was 'example'"),
        (["-p", "no:", "plugins"], "must be no:NAME, was 'no:'"),
        (["--set", "x", "plugins"], "must be key=value, was 'x'"),
        (["--set", "=3", "plugins"], "must be key=value, was '=3'"),
        (["--config", "gone.toml", "plugins"], "does not exist"),
        (["hooks", "market_boks"], "did you mean 'flumine_process_market_books'"),
        (["hooks", "nope"], "no such hook: 'nope', known: 'flumine_add_market', "),
    ],
)
def test_a_wrong_option_is_a_usage_error(cli: Cli, arguments: list[str], told: str) -> None:
    result = cli(*arguments)
    assert result.exit_code == 2
    assert told in result.stderr


COMMANDS = """
import click
@click.command()
@click.argument("word")
def say(word):
    "Say a word."
    click.echo(word)
@click.command()
def fail():
    1 / 0
@click.command()
@click.option("--size", callback=lambda ctx, option, value: 1 / 0)
def misread(size): ...
NUMBER = 3
"""


def test_commands_of_others_are_listed_and_loaded_when_invoked(cli: Cli, install: Install) -> None:
    entry_points = "[flumine_core.commands]\nsay = others:say\nfail = others:fail\nnumber = others:NUMBER\n"
    entry_points += "misread = others:misread\n"
    install("others", entry_points, others=COMMANDS)
    assert "(from others 1.0)" in cli("--help").stdout
    assert "others" not in sys.modules
    assert cli("say", "hello").stdout == "hello\n"
    for name in ("fail", "misread"):
        failed = cli(name)
        assert failed.exit_code == 1
        assert f"error: command '{name}' (others 1.0) raised ZeroDivisionError: division by zero" in failed.stderr
    assert "must be a click command, was int" in cli("number").stderr
    assert cli("-p", "no:say", "say", "hello").exit_code == 2


def test_a_command_that_the_configuration_blocks_is_not_there(cli: Cli, install: Install) -> None:
    install("others", "[flumine_core.commands]\nsay = others:say\n", others=COMMANDS)
    assert cli("--set", "plugins.blocked=['say']", "say", "hello").exit_code == 2
    Path("other.toml").write_text('[plugins]\nblocked = ["say"]\n')
    assert cli("--config", "other.toml", "say", "hello").exit_code == 2
    assert cli("say", "hello").stdout == "hello\n"
    Path("flumine.toml").write_text('[plugins]\nblocked = ["say"]\n')
    result = cli("say", "hello")
    assert (result.exit_code, "no such command: 'say'" in result.stderr) == (2, True)
    for listing in ((), ("--help",)):
        assert "(from others 1.0)" not in cli(*listing).stdout
    assert cli("--set", "plugins.blocked=[]", "say", "hello").stdout == "hello\n"


@pytest.mark.parametrize("text", ["[plugins\n", "plugins = 3\n", "plugins.blocked = 'say'\n"])
def test_a_command_of_others_needs_a_configuration_that_tells_what_is_blocked(
    cli: Cli, install: Install, text: str
) -> None:
    install("others", "[flumine_core.commands]\nsay = others:say\n", others=COMMANDS)
    Path("flumine.toml").write_text(text)
    result = cli("say", "hello")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "blocked" in result.stderr
    assert "(from others 1.0)" in cli("--help").stdout


@pytest.mark.parametrize(
    "source",
    [
        "raise KeyboardInterrupt",
        "class Plugin:\n    def __init__(self): raise KeyboardInterrupt\n",
        "class Plugin:\n    def __eq__(self, other): raise KeyboardInterrupt\n",
    ],
)
def test_an_import_that_is_interrupted_is_named(cli: Cli, install: Install, source: str) -> None:
    install("dist-a", "[flumine_core]\nalpha = mod_alpha:Plugin\n", mod_alpha=source)
    install("dist-b", "[flumine_core.commands]\nsay = mod_beta:say\n", mod_beta="raise KeyboardInterrupt")
    for arguments in (("plugins",), ("config", "check"), ("hooks",), ("demo",)):
        result = cli(*arguments)
        assert result.exit_code == 1
        told = [line for line in result.stderr.splitlines() if line]
        assert told == ["interrupted while plugin 'alpha' (dist-a 1.0) was imported", "Aborted!"]
    assert "interrupted while command 'say' (dist-b 1.0) was imported" in cli("say").stderr


def test_a_command_that_two_distributions_bring_is_not_guessed(cli: Cli, install: Install) -> None:
    install("others", "[flumine_core.commands]\nsay = others:say\n", others=COMMANDS)
    install("more", "[flumine_core.commands]\nsay = more:say\nplugins = more:say\n", more=COMMANDS)
    result = cli("say", "hello")
    assert result.exit_code == 1
    assert "brought twice, by more 1.0 and others 1.0" in result.stderr
    assert "strategy_exposure" in cli("plugins").stdout


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_output_that_nobody_takes_is_no_error(market: Path, closed: str) -> None:
    command = f"'{sys.executable}' -m flumine_core simulate '{market}' --strategy example {closed}"
    done = subprocess.run(command, shell=True, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert ("1 market" in done.stdout) == (closed == "2>&-")


FOREIGN = """
from flumine_core import BaseStrategy, hookimpl
class Foreign(BaseStrategy):
    def check_market_book(self, market, market_book): raise ValueError("price ≥ stake → no")
@hookimpl
def flumine_start(framework): pass
"""


@pytest.mark.parametrize(
    ("environment", "escaped"),
    [
        ({"PYTHONIOENCODING": "cp1252"}, "plügin-\\u6f22"),
        ({"PYTHONIOENCODING": "ascii"}, "pl\\xfcgin-\\u6f22"),
        ({"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, "pl\\xfcgin-\\u6f22"),
        ({"PYTHONIOENCODING": "utf-8"}, "plügin-漢"),
    ],
)
def test_what_the_output_cannot_encode_is_escaped(
    market: Path, install: Install, tmp_path: Path, environment: dict[str, str], escaped: str
) -> None:
    install("foreign", "[flumine_core]\nplügin-漢 = foreign\n", foreign=FOREIGN)
    encoding = environment.get("PYTHONIOENCODING", "ascii")
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONIOENCODING"}

    def run(*arguments: str) -> str:
        path = os.pathsep.join((str(tmp_path / "site"), os.environ.get("PYTHONPATH", "")))
        done = subprocess.run(
            [sys.executable, "-m", "flumine_core", *arguments],
            capture_output=True,
            env={**inherited, "PYTHONPATH": path, **environment},
        )
        assert b"Traceback" not in done.stderr
        return done.stdout.decode(encoding)

    for arguments in ((), ("plugins",), ("hooks",), ("hooks", "start")):
        assert escaped in run(*arguments)
    result = run("simulate", str(market), "no-\udcff", "--strategy", "foreign:Foreign")
    assert "1 file, 1 market" in result
    assert "price \\u2265 stake" in result or "price ≥ stake" in result


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize("arguments", ["plugins", "--help", "simulate '{market}' --strategy example"])
def test_output_that_cannot_be_written_is_an_error(market: Path, arguments: str) -> None:
    command = f"'{sys.executable}' -m flumine_core {arguments.format(market=market)} > /dev/full"
    done = subprocess.run(command, shell=True, capture_output=True, text=True)
    assert done.returncode != 0
    assert "No space left" in done.stderr and "Traceback" not in done.stderr
