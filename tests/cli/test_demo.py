"""`demo`: every kind of market, made and simulated at once."""

import json
import shlex
from collections.abc import Callable

import pytest
from click.testing import Result

from flumine_core.cli.demo import TYPES

Cli = Callable[..., Result]


@pytest.mark.parametrize("market_type", TYPES)
def test_every_type_of_market_is_traded(cli: Cli, market_type: str) -> None:
    result = cli("demo", "--type", market_type, "--format", "json")
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)
    assert (found["markets"], found["errors"]) == (1, 0)
    assert found["matched"] > 0


@pytest.mark.parametrize(
    "options",
    [
        ["--dead-heat"],
        ["--removals", "2"],
        ["--removals", "0"],
        ["--each-way"],
        ["--line-range"],
        ["--reopen"],
        ["--passive-delay", "--type", "MATCH_ODDS"],
        ["--missing-bsp"],
        ["--seed", "7", "--dead-heat", "--removals", "2", "--reopen", "--passive-delay", "--missing-bsp"],
    ],
)
def test_every_option_makes_a_market_that_runs(cli: Cli, options: list[str]) -> None:
    result = cli("demo", "--updates", "500", *options)
    assert result.exit_code == 0, result.stderr
    assert "ExampleStrategy" in result.stdout


def test_a_demo_is_the_same_each_time_and_another_for_another_seed(cli: Cli) -> None:
    first, again, other = (cli("demo", "--seed", seed).stdout for seed in (3, 3, 4))
    assert first == again
    assert first != other


def test_the_market_is_kept_and_can_be_simulated_again(cli: Cli) -> None:
    demo = json.loads(cli("demo", "--out", "market.gz", "--format", "json").stdout)
    again = json.loads(cli("simulate", "market.gz", "--strategy", "example", "--format", "json").stdout)
    assert demo == again


def test_the_command_that_is_told_simulates_the_market_again(cli: Cli) -> None:
    told = cli("demo", "--updates", 200, "--out", "my market's.gz").stdout.splitlines()[-1]
    python, *arguments = shlex.split(told.partition("market's.gz: ")[2])
    assert (python, arguments[:2]) == ("python", ["-m", "flumine_core"])
    again = cli(*arguments[2:])
    assert again.exit_code == 0, again.stderr


def test_options_of_the_strategy_are_set(cli: Cli) -> None:
    found = json.loads(cli("demo", "--set", "stake=3", "--format", "json").stdout)
    assert found["staked"] == 3 * found["orders"]


def test_options_that_do_not_go_together_are_one_plain_error(cli: Cli) -> None:
    result = cli("demo", "--type", "PLACE", "--each-way")
    assert result.exit_code == 1
    assert result.stderr.startswith("error: each_way needs market_type WIN")


def test_a_market_that_cannot_be_written_is_one_plain_error(cli: Cli) -> None:
    result = cli("demo", "--out", "nowhere/market")
    assert result.exit_code == 1
    assert result.stderr == "error: cannot write the market to nowhere/market: No such file or directory\n"


def test_markets_of_other_seeds_and_types_are_simulated_together(cli: Cli) -> None:
    asked = [("WIN", 1), ("WIN", 2), ("PLACE", 1), ("LINE_RANGE", 1)]
    for kind, seed in asked:
        cli("demo", "--type", kind, "--seed", seed, "--updates", 200, "--out", f"{kind}-{seed}")
    files = [f"{kind}-{seed}" for kind, seed in asked]
    found = json.loads(cli("simulate", *files, "--strategy", "example", "--format", "json").stdout)
    assert (found["markets"], found["errors"]) == (4, 0)
