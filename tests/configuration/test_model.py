"""What a configuration says, and how --set and --strategy change it."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flumine_core.configuration.model import load_configuration
from flumine_core.configuration.override import parse_override, parse_value
from flumine_core.configuration.torun import run_of
from flumine_core.errors import SettingsError
from flumine_core.plain import Named

Write = Callable[[str], str]

FULL = """
[settings]
place_latency = 0.2
[plugins]
blocked = ["noisy"]
required = ["guard"]
[simulation]
paths = ["a", "b/*"]
workers = 2
event_groups = { 30000001 = "first" }
market_types = ["WIN"]
[simulation.listener_kwargs]
inplay = false
[[strategies]]
name = "example"
stake = 3
[[strategies]]
name = "shop:Strategy"
options = { name = "mine", depth = 2 }
[[trading_controls]]
name = "limit"
[[client_controls]]
name = "count"
client = "anna"
transaction_limit = 9
[[middleware]]
name = "mid"
[[workers]]
name = "poll"
interval = 3
[[logging_controls]]
name = "csv"
[[clients]]
type = "simulated"
username = "anna"
"""


def test_all_sections_become_a_run(write: Write) -> None:
    write(FULL)
    run = run_of(load_configuration(), blocked=["other"])
    assert run.strategies == (Named("example", {"stake": 3}), Named("shop:Strategy", {"name": "mine", "depth": 2}))
    assert run.trading_controls == (Named("limit"),)
    assert run.client_controls == (Named("count", {"transaction_limit": 9}, "anna"),)
    assert run.middleware == (Named("mid"),)
    assert run.background_workers == (Named("poll", {"interval": 3}),)
    assert run.logging_controls == (Named("csv"),)
    assert run.clients == (Named("simulated", {"username": "anna"}),)
    assert run.settings == {"place_latency": 0.2}
    assert (run.blocked, run.required) == (("noisy", "other"), ("guard",))
    assert (run.files, run.workers) == (("a", "b/*"), 2)
    assert run.event_groups == {"30000001": "first"}
    assert (run.market_types, run.country_codes) == (("WIN",), ())
    assert run.listener_kwargs == {"inplay": False}


def test_without_a_file_there_is_one_simulated_client(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run = run_of(load_configuration(), paths=["x"])
    assert (run.clients, run.strategies, run.files) == ((Named("simulated"),), (), ("x",))


def test_paths_of_the_command_line_win(write: Write) -> None:
    write(FULL)
    assert run_of(load_configuration(), paths=["x"]).files == ("x",)


@pytest.mark.parametrize(
    ("override", "read", "value"),
    [
        ("settings.place_latency=0.3", lambda run: run.settings["place_latency"], 0.3),
        ("settings.order_sep=_", lambda run: run.settings["order_sep"], "_"),
        ("simulation.workers=5", lambda run: run.workers, 5),
        ("simulation.listener_kwargs.inplay=true", lambda run: run.listener_kwargs["inplay"], True),
        ('plugins.blocked=["a", "b"]', lambda run: run.blocked, ("a", "b")),
        ("strategies.example.stake=4", lambda run: run.strategies[0].options["stake"], 4),
        ("strategies.example.options.stake=4", lambda run: run.strategies[0].options["stake"], 4),
        ("strategies.mine.depth=4", lambda run: run.strategies[1].options["depth"], 4),
        ("strategies.shop:Strategy.depth=4", lambda run: run.strategies[1].options["depth"], 4),
        ("strategies.1.depth=4", lambda run: run.strategies[1].options["depth"], 4),
        ("strategies.mine.context.colour=red", lambda run: run.strategies[1].options["context"], {"colour": "red"}),
        ("clients.anna.commission_base=0.02", lambda run: run.clients[0].options["commission_base"], 0.02),
        ("workers.poll.interval=1", lambda run: run.background_workers[0].options["interval"], 1),
    ],
)
def test_set_wins_over_the_file(write: Write, override: str, read: Callable[[Any], Any], value: Any) -> None:
    write(FULL)
    assert read(run_of(load_configuration(overrides=[override]))) == value


def test_the_last_set_wins(write: Write) -> None:
    write(FULL)
    overrides = ["settings.place_latency=0.3", "settings.place_latency=0.4"]
    assert load_configuration(overrides=overrides).settings["place_latency"] == 0.4


def test_a_strategy_by_name_runs_alone_and_keeps_its_options(write: Write) -> None:
    write(FULL)
    run = run_of(load_configuration(strategies=["mine"]))
    assert run.strategies == (Named("shop:Strategy", {"name": "mine", "depth": 2}),)
    run = run_of(load_configuration(strategies=["other"], overrides=["depth=3", "context.colour=red"]))
    assert run.strategies == (Named("other", {"depth": 3, "context": {"colour": "red"}}),)


@pytest.mark.parametrize(
    ("override", "told"),
    [
        ("stake=3", "--set: stake: must be section.key=value"),
        ("strategis.example.stake=3", "did you mean 'strategies'"),
        (
            "strategies.exampel.stake=3",
            "--set: strategies.exampel.stake: names none of the strategies, did you mean 'exam",
        ),
        ("settings.place_latncy=3", "--set: settings.place_latncy: there is no such setting, did you mean 'place_lat"),
        ("settings.place_latency=fast", "--set: settings.place_latency: must be seconds >= 0, was 'fast'"),
        ("simulation.workers=many", "--set: simulation.workers: must be a whole number, was 'many'"),
        ("simulation.workers=0", "--set: simulation.workers: must be 1 or more, was 0"),
        ("simulation.paths.a=1", "--set: simulation.paths.a: paths is no table, it is ['a', 'b/*']"),
    ],
)
def test_a_set_that_means_nothing_is_told(write: Write, override: str, told: str) -> None:
    write(FULL)
    configuration = load_configuration(overrides=[override])
    (problem,) = configuration.problems
    assert told in str(problem)
    with pytest.raises(SettingsError):
        run_of(configuration)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[setings]\na = 1", "flumine.toml:1: setings: there is no such section, did you mean 'settings'"),
        ("settings = 3", "flumine.toml:1: settings: must be a table [settings], was 3"),
        ("[strategies]\nname = 'a'", "flumine.toml:1: strategies: must be tables [[strategies]], was dict"),
        (
            "[[strategies]]\nstake = 1",
            "flumine.toml:1: strategies.0.name: must be an entry point or module:Class, was miss",
        ),
        (
            "[[strategies]]\n\nname = 3",
            "flumine.toml:3: strategies.0.name: must be an entry point or module:Class, was 3",
        ),
        ("[[clients]]\nname = 'a'", "flumine.toml:1: clients.0.type: must be a client's type, was missing"),
        ("[[strategies]]\nname = 'a'\noptions = 3", "flumine.toml:3: strategies.a.options: must be a table, was 3"),
        ("[[strategies]]\nname = 'a'\nx = 1\noptions = {x = 2}", "strategies.a.x: is given twice"),
        (
            "[[client_controls]]\nname = 'a'\nclient = 3",
            "flumine.toml:3: client_controls.a.client: must be text, was 3",
        ),
        ("[plugins]\nblock = []", "flumine.toml:2: plugins.block: there is no such key, did you mean 'blocked'"),
        ("[plugins]\nblocked = 'a'", "flumine.toml:2: plugins.blocked: must be a list of (text), was 'a'"),
        ("[settings]\nsimulation = 3", "flumine.toml:2: settings.simulation: "),
    ],
)
def test_a_wrong_shape_is_told_with_file_line_and_key(write: Write, text: str, told: str) -> None:
    write(text)
    (problem,) = load_configuration().problems
    assert told in str(problem)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        ("1.5", 1.5),
        ("true", True),
        ('"1"', "1"),
        ("[1, 2]", [1, 2]),
        ("{a = 1}", {"a": 1}),
        ("hello", "hello"),
        ("hello = world", "hello = world"),
        ("1\nother = 2", "1\nother = 2"),
        ("", ""),
        ("a=b", "a=b"),
    ],
)
def test_a_value_is_what_toml_takes_it_for_or_else_text(text: str, value: Any) -> None:
    assert parse_value(text) == value


@given(st.text())
def test_any_text_is_a_value(text: str) -> None:
    key, _ = parse_override(f"some.key={text}")
    assert key == "some.key"


TWO = """
[[strategies]]
name = "example"
options = { name = "careful", stake = 2.0 }
[[strategies]]
name = "example"
stake = 5.0
"""


def stakes(configuration: Any) -> list[Any]:
    return [entry.options.get("stake") for entry in configuration.entries["strategies"]]


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("strategies.example.stake", [2.0, 9.0]),
        ("strategies.careful.stake", [9.0, 5.0]),
        ("strategies.0.stake", [9.0, 5.0]),
        ("strategies.1.stake", [2.0, 9.0]),
    ],
)
def test_set_means_the_entry_that_is_shown_under_its_key(write: Write, key: str, expected: list[float]) -> None:
    write(TWO)
    configuration = load_configuration(overrides=[f"{key}=9.0"])
    assert configuration.problems == []
    assert stakes(configuration) == expected


def test_set_of_several_entries_of_one_name_asks_which(write: Write) -> None:
    write(TWO.replace('name = "careful", ', ""))
    configuration = load_configuration(overrides=["strategies.example.stake=9.0"])
    assert stakes(configuration) == [2.0, 5.0]
    (problem,) = configuration.problems
    assert "names several of the strategies: say strategies.0 or strategies.1" in str(problem)


@pytest.mark.parametrize(
    "key",
    [
        "clients.simulated.commission_base",
        "client_controls.max_order_count.transaction_limit",
        "trading_controls.strategy_exposure.anything",
    ],
)
def test_set_gives_options_to_what_a_run_has_without_naming_it(key: str) -> None:
    section, name, option = key.split(".")
    configuration = load_configuration(overrides=[f"{key}=1"])
    assert configuration.problems == []
    (entry,) = configuration.entries[section]
    assert (entry.name, entry.options) == (name, {option: 1})
    assert configuration.place((*entry.key, option)) == "--set"


def test_set_makes_no_second_account(write: Write) -> None:
    write("[[clients]]\ntype = 'simulated'\nusername = 'mine'\n")
    configuration = load_configuration(overrides=["clients.simulated.commission_base=0.02"])
    (entry,) = configuration.entries["clients"]
    assert entry.options == {"username": "mine", "commission_base": 0.02}


def test_a_table_that_set_has_changed_is_its_own(write: Write) -> None:
    write("[[strategies]]\nname = 'example'\ncontext = { a = 1 }\n")
    configuration = load_configuration(overrides=["strategies.example.context.b=2"])
    assert configuration.place(("strategies", 0, "context")) == "--set"
    assert configuration.place(("strategies", 0, "name")) != "--set"
    assert configuration.place(("strategies", 0)) != "--set"


def test_a_strategy_is_chosen_by_its_own_name_first(write: Write) -> None:
    write(TWO)
    assert stakes(load_configuration(strategies=["example"])) == [5.0]
    assert stakes(load_configuration(strategies=["careful"])) == [2.0]
