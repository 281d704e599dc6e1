"""`check` reports every error, `effective` every value with its origin."""

from collections.abc import Callable

import pytest

from flumine_core.configuration.check import check
from flumine_core.configuration.model import load_configuration
from flumine_core.configuration.show import effective
from flumine_core.kernel.discovery import Discovery

Write = Callable[[str], str]
Install = Callable[..., None]

SHOP = """
from flumine_core import BaseStrategy, BackgroundWorker, LoggingControl, Middleware, TradingControl

class Strategy(BaseStrategy):
    def __init__(self, stake: float = 2.0, colours: list[str] = (), **options):
        super().__init__(**options)

class Control(TradingControl):
    def __init__(self, flumine, limit: int):
        super().__init__(flumine)

class Middle(Middleware):
    def __init__(self, width: int = 3):
        pass

class Logger(LoggingControl):
    def __init__(self, path: str):
        super().__init__()

def worker(flumine, interval: float, password: str = "x"):
    return BackgroundWorker(interval, print)
"""

ENTRY_POINTS = """
[flumine_core.strategies]
shop = shop:Strategy
[flumine_core.trading_controls]
limit = shop:Control
[flumine_core.middleware]
middle = shop:Middle
[flumine_core.logging_controls]
log = shop:Logger
[flumine_core.workers]
work = shop:worker
"""


@pytest.fixture(autouse=True)
def shop(install: Install) -> None:
    install("the-shop", ENTRY_POINTS, shop=SHOP)


def problems(*overrides: str) -> list[str]:
    configuration = load_configuration(overrides=overrides)
    plugins = configuration.plugins
    return [str(each) for each in check(configuration, Discovery(plugins.blocked, plugins.required))]


def test_a_good_configuration_has_no_problem(write: Write) -> None:
    write("""
[[strategies]]
name = "shop"
stake = 3
colours = ["red"]
max_order_exposure = 5
[[trading_controls]]
name = "limit"
limit = 3
[[middleware]]
name = "middle"
[[logging_controls]]
name = "log"
path = "a.csv"
[[workers]]
name = "work"
interval = 3
[[clients]]
type = "simulated"
username = "anna"
[[client_controls]]
name = "max_order_count"
client = "anna"
transaction_limit = 5000
""")
    assert problems() == []


def test_names_that_are_taken_or_not_there_are_reported(write: Write) -> None:
    write("""\
[[strategies]]
name = "shop"
client = "ana"
[[strategies]]
name = "shop"
[[strategies]]
name = "shop"
options.name = "other"
[[clients]]
type = "simulated"
username = "anna"
[[clients]]
type = "simulated"
username = "anna"
""")
    assert [each.partition(": ")[2] for each in problems()] == [
        "clients.anna.username: two clients are called 'anna'",
        "strategies.shop.client: no client is called 'ana', did you mean 'anna'",
        "strategies.shop.name: two strategies are called 'Strategy': give one another name, as options.name",
    ]


def test_a_matching_profile_that_there_is_not_is_reported(write: Write) -> None:
    write('[settings]\nsimulation = "flumin"\n')
    assert problems() == [
        "flumine.toml:2: settings.simulation: must be the name of a profile, was 'flumin', did you mean 'flumine'"
    ]
    assert problems("settings.simulation=flumine") == []


def test_every_error_is_reported_with_file_line_and_key(write: Write) -> None:
    write("""\
[[strategies]]
name = "shop"
stake = "much"
max_order_exposre = 5
[[strategies]]
name = "shpo"
[[trading_controls]]
name = "limit"
[[middleware]]
name = "middle"
options = { width = 1.5 }
[[logging_controls]]
name = "limit"
[[workers]]
name = "work"
interval = 3
flumine = 1
[[clients]]
type = "simulatd"
[[client_controls]]
name = "max_order_count"
client = "bob"
[plugins]
blocked = ["nobdy"]
required = ["shpo"]
[settings]
place_latency = -1
""")
    told = problems("settings.raise_errors=maybe")
    expected = [
        "flumine.toml:27: settings.place_latency: must be seconds >= 0, was -1",
        "--set: settings.raise_errors: must be true or false, was 'maybe'",
        "flumine.toml:25: plugins.required: required plugin 'shpo' is not installed, did you mean 'shop'",
        "flumine.toml:24: plugins.blocked: no plugin to block is called 'nobdy'",
        "flumine.toml:3: strategies.shop.stake: must be a number, was 'much'",
        "flumine.toml:4: strategies.shop.max_order_exposre: there is no such option, did you mean 'max_order_exposure'",
        "flumine.toml:6: strategies.shpo.name: no strategies plugin is called 'shpo', did you mean 'shop'",
        "flumine.toml:7: trading_controls.limit.limit: is required and missing, expected a whole number",
        "flumine.toml:11: middleware.middle.width: must be a whole number, was 1.5",
        "flumine.toml:13: logging_controls.limit.name: no logging_controls plugin is called 'limit'",
        "flumine.toml:17: workers.work.flumine: there is no such option",
        "flumine.toml:19: clients.simulatd.type: no client type 'simulatd', did you mean 'simulated'",
        "flumine.toml:22: client_controls.max_order_count.client: no client is called 'bob'",
    ]
    assert len(told) == len(expected)
    for each in expected:
        assert [line for line in told if line.startswith(each)], each


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ("listener_kwargs = { inplay = 'yes' }", ["listener_kwargs.inplay: must be true or false, was 'yes'"]),
        (
            "listener_kwargs = {seconds_to_start=true}",
            ["listener_kwargs.seconds_to_start: must be a number, was True"],
        ),
        (
            "listener_kwargs = { in_play = true, max_inplay_seconds = -1, lightweight = true, max_inplay = 3 }",
            [
                "listener_kwargs.in_play: there is no such option, did you mean 'inplay'",
                "listener_kwargs.max_inplay_seconds: must be 0 or more, was -1",
                "listener_kwargs.lightweight: must be False: strategies are given market book objects",
                "listener_kwargs.max_inplay: there is no such option, did you mean 'inplay'",
            ],
        ),
        (
            "event_groups = { 30000001 = 1 }",
            ["event_groups: must be a table of (text), was {'30000001': 1} (see 30000001)"],
        ),
    ],
)
def test_what_a_simulation_is_told_has_the_right_types(write: Write, table: str, told: list[str]) -> None:
    write(f"[simulation]\n{table}\n")
    assert problems() == [f"flumine.toml:2: simulation.{each}" for each in told]


def test_a_plugin_that_is_blocked_or_broken_is_reported(write: Write, install: Install) -> None:
    install("broken", "[flumine_core.strategies]\nbroken = broken_strategy:S\n", broken_strategy="1/0")
    write("[[strategies]]\nname = 'broken'\n[[strategies]]\nname = 'shop'\n[plugins]\nblocked = ['shop']\n")
    broken, blocked = problems()
    assert "'broken' (broken 1.0) cannot be used: ZeroDivisionError" in broken
    assert "'shop' (the-shop 1.0) is blocked" in blocked


def test_a_client_that_a_plugin_may_make_is_left_to_it(write: Write, install: Install) -> None:
    source = "from flumine_core import hookimpl\n@hookimpl\ndef flumine_make_client(kind, options): pass\n"
    install("venue", "[flumine_core]\nvenue = venue_plugin\n", venue_plugin=source)
    write("[[clients]]\ntype = 'elsewhere'\nanything = 1\n")
    assert problems() == []


def shown(*overrides: str) -> dict[str, tuple[object, str]]:
    configuration = load_configuration(overrides=overrides)
    return {each.key: (each.value, each.origin) for each in effective(configuration, Discovery())}


def test_each_value_has_its_origin(write: Write, install: Install) -> None:
    source = """
from flumine_core import hookimpl
@hookimpl
def flumine_configure(settings):
    return settings.evolve(cancel_latency=0.5)
"""
    install("tuner", "[flumine_core]\ntuner = tuner_plugin\n", tuner_plugin=source)
    write("[settings]\nplace_latency = 0.2\n[[strategies]]\nname = 'shop'\n[strategies.options]\nname = 'mine'\n")
    values = shown("settings.update_latency=0.3", "strategies.mine.stake=4", "simulation.listener_kwargs.inplay=true")
    assert values["settings.place_latency"] == (0.2, "flumine.toml:2")
    assert values["settings.cancel_latency"] == (0.5, "plugin tuner")
    assert values["settings.update_latency"] == (0.3, "--set")
    assert values["settings.replace_latency"] == (0.28, "default")
    assert values["strategies.mine.name"] == ("shop", "flumine.toml:4")
    assert values["strategies.mine.options.name"] == ("mine", "flumine.toml:6")
    assert values["strategies.mine.stake"] == (4.0, "--set")
    assert values["strategies.mine.max_order_exposure"] == (10, "default")
    assert values["simulation.listener_kwargs"] == ({"inplay": True}, "--set")
    assert values["simulation.workers"] == (1, "default")


def test_secrets_are_not_shown(write: Write) -> None:
    write("[[workers]]\nname = 'work'\ninterval = 1\npassword = 'hunter2'\n")
    assert shown()["workers.work.password"] == ("(hidden)", "flumine.toml:4")


def test_a_required_option_that_is_missing_is_shown_as_such(write: Write) -> None:
    write("[[workers]]\nname = 'work'\n")
    assert shown()["workers.work.interval"] == ("(missing)", "default")


def test_a_plugin_that_raises_leaves_the_settings_as_they_were(write: Write, install: Install) -> None:
    source = "from flumine_core import hookimpl\n@hookimpl\ndef flumine_configure(settings): 1/0\n"
    install("tuner", "[flumine_core]\ntuner = tuner_plugin\n", tuner_plugin=source)
    write("[settings]\nplace_latency = 0.2\n")
    configuration = load_configuration()
    values = {each.key: each.value for each in effective(configuration, Discovery())}
    assert values["settings.place_latency"] == 0.2
    assert "tuner" in str(configuration.problems[0])


def test_a_secret_of_the_wrong_kind_is_not_told(write: Write) -> None:
    write("[[clients]]\ntype = 'betfair'\n[clients.credentials]\npassword = 'hunter2'\n")
    (problem,) = problems()
    assert "credentials" in problem and "(hidden)" in problem and "hunter2" not in problem


SAFE = """
from flumine_core import BackgroundWorker

def worker(
    passphrase: str = "hunter2",
    apikey: str = "hunter2",
    api_key: str = "hunter2",
    db_pass: str = "hunter2",
    pwd: str = "hunter2",
    url: str = "postgresql://me:hunter2@db/x",
    urls: list[str] = (),
    db: dict[str, str] | None = None,
    key: str = "a",
    keep_alive: int = 3,
    compass: str = "north",
    flag: bool = False,
):
    return BackgroundWorker(1, print)
"""


@pytest.fixture
def safe(install: Install) -> None:
    install("safe", "[flumine_core.workers]\nsafe = safe_shop:worker\n", safe_shop=SAFE)


@pytest.mark.usefixtures("safe")
def test_secrets_are_hidden_by_any_of_their_names_at_any_depth_and_in_addresses(write: Write) -> None:
    write("""
[[workers]]
name = "safe"
urls = ["mysql://me:hunter2@db/x", "https://h/x?user=me&password=hunter2&size=3#top", "https://h/x#token=hunter2"]
db = { password = "hunter2", host = "h", more = [{ token = "hunter2" }] }
[workers.options]
url = "postgresql://me:hunter2@db/y"
""")
    values = {key.removeprefix("workers.safe."): value for key, (value, _) in shown().items()}
    assert "hunter2" not in str(values)
    for name in ("passphrase", "apikey", "api_key", "db_pass", "pwd"):
        assert values[name] == "(hidden)"
    assert values["url"] == "postgresql://me:***@db/y"
    assert values["urls"] == [
        "mysql://me:***@db/x",
        "https://h/x?user=me&password=***&size=3#top",
        "https://h/x#token=***",
    ]
    assert values["db"] == {"password": "(hidden)", "host": "h", "more": [{"token": "(hidden)"}]}
    assert (values["key"], values["keep_alive"], values["compass"]) == ("a", 3, "north")


@pytest.mark.usefixtures("safe")
@pytest.mark.parametrize(
    "text",
    [
        "[[workers]]\nname = 'safe'\ndb = { password = 55 }",
        "[[workers]]\nname = 'safe'\nflag = 'postgresql://me:hunter2@db/x'",
        "[[workers]]\nname = 'safe'\nflag = 'https://h/x?api_key=hunter2'",
        "[[workers]]\nname = 'safe'\nflag = [{ pwd = 'hunter2' }]",
        "[[workers]]\nname = { password = 'hunter2' }",
        "[settings]\nplace_latency = { password = 'hunter2' }",
        "settings = 'postgresql://me:hunter2@db/x'",
    ],
)
def test_an_error_tells_no_secret(write: Write, text: str) -> None:
    write(text)
    (problem,) = problems()
    assert "hunter2" not in problem
    assert "55" not in problem


def test_an_override_that_is_wrong_tells_no_secret(write: Write) -> None:
    write("")
    (problem,) = problems("clients={ password = 'hunter2', type = 'betfair' }")
    assert "betfair" in problem
    assert "hunter2" not in problem


ODD = """
import sys
from flumine_core import BaseStrategy

class Leaves(BaseStrategy):
    def __init__(self, x: "sys.exit(9)" = 1, **options):
        super().__init__(**options)

class Junk(BaseStrategy):
    def __init__(self, x=1, **options):
        super().__init__(**options)

Junk.__init__.__signature__ = "junk"
"""


@pytest.mark.parametrize("name", ["leaves", "junk"])
def test_a_strategy_whose_signature_cannot_be_read_is_one_error(write: Write, install: Install, name: str) -> None:
    install("odd", "[flumine_core.strategies]\nleaves = odd_shop:Leaves\njunk = odd_shop:Junk\n", odd_shop=ODD)
    write(f"[[strategies]]\nname = '{name}'\nx = 3\n")
    (problem,) = problems()
    assert problem.startswith(f"flumine.toml:2: strategies.{name}.name: '{name}' cannot be used: its signature")
    assert shown()[f"strategies.{name}.x"] == (3, "flumine.toml:3")


def test_numbers_that_a_constructor_of_the_house_refuses_are_all_reported(write: Write) -> None:
    write("""\
[[clients]]
type = "simulated"
commission_base = 5
transaction_limit = -1
[[clients]]
type = "betfair"
username = "anna"
[clients.options]
commission_base = -1
[[workers]]
name = "flumine_core:BackgroundWorker"
interval = -1
function = "time:sleep"
[[middleware]]
name = "sports_data"
operation = "raceSub"
""")
    assert problems() == [
        "flumine.toml:16: middleware.sports_data.operation: must be one of raceSubscription, cricketSubscription, "
        "was 'raceSub'",
        "flumine.toml:12: workers.flumine_core:BackgroundWorker.interval: must be seconds > 0, was -1.0",
        "flumine.toml:4: clients.simulated.transaction_limit: must be >= 0 or None, was -1",
        "flumine.toml:3: clients.simulated.commission_base: must be a share from 0 to below 1, was 5.0",
        "flumine.toml:9: clients.anna.commission_base: must be a share from 0 to below 1, was -1.0",
    ]


def test_every_required_plugin_that_is_not_sound_is_reported(write: Write, install: Install) -> None:
    install("broken", "[flumine_core.strategies]\nbroken = broken_strategy:S\n", broken_strategy="1/0")
    write('[plugins]\nrequired = ["shpo", "broken", "shop", "gone"]\n')
    assert [each.partition(" plugin ")[2].partition(",")[0] for each in problems()] == [
        "'shpo' is not installed",
        "'broken' (broken 1.0) cannot be used: ZeroDivisionError: division by zero",
        "'gone' is not installed",
    ]
    assert {each.partition(" required ")[0] for each in problems()} == {"flumine.toml:2: plugins.required:"}


def test_a_class_of_another_kind_is_reported(write: Write) -> None:
    write("""\
[[strategies]]
name = "shop:Control"
[[logging_controls]]
name = "shop:Strategy"
""")
    assert problems() == [
        "flumine.toml:2: strategies.shop:Control.name: shop:Control must be a BaseStrategy, Control is none",
        "flumine.toml:4: logging_controls.shop:Strategy.name: shop:Strategy must be a LoggingControl, Strategy is none",
    ]


def test_a_client_whose_credentials_name_it_may_be_named(write: Write) -> None:
    write("[[clients]]\ntype = 'betfair'\n[[strategies]]\nname = 'shop'\nclient = 'anna'\n")
    assert problems() == []


def test_a_control_that_is_always_on_cannot_be_blocked(write: Write) -> None:
    write("[plugins]\nblocked = ['shop', 'strategy_exposure']\n")
    assert problems() == [
        "flumine.toml:2: plugins.blocked: 'strategy_exposure' cannot be blocked: the house's own control is always on"
    ]


def test_what_a_run_has_by_default_is_shown(write: Write) -> None:
    write("[[trading_controls]]\nname = 'flumine_core:OrderValidation'\n")
    values = shown()
    assert values["clients.simulated.type"] == ("simulated", "default")
    assert values["clients.simulated.commission_base"] == (0.05, "default")
    assert values["client_controls.max_order_count.transaction_limit"] == (None, "default")
    assert values["trading_controls.strategy_exposure.name"] == ("strategy_exposure", "default")
    assert "trading_controls.order_validation.name" not in values
    write("[[clients]]\ntype = 'simulated'\nusername = 'anna'\n")
    values = shown()
    assert values["clients.anna.type"] == ("simulated", "flumine.toml:2")
    assert "clients.simulated.type" not in values


COLOURED = """
import enum
from collections.abc import Callable
import attrs
from flumine_core import BackgroundWorker

class Colour(enum.Enum):
    RED = "red"

@attrs.define
class Base:
    password: str

def worker(
    base: Base,
    function: Callable = print,
    colour: Colour = Colour.RED,
    size: float = 1.0,
    width: int = 1,
    all: list[Colour] = (),
):
    return BackgroundWorker(1, print)
"""


def test_options_are_shown_as_the_constructor_is_given_them(write: Write, install: Install) -> None:
    install("coloured", "[flumine_core.workers]\ncoloured = coloured_plugin:worker\n", coloured_plugin=COLOURED)
    write(
        "[[workers]]\nname = 'coloured'\ncolour = 'red'\nsize = 3\nwidth = 'much'\n"
        "base.password = 'hunter2'\nfunction = 'time:sleep'\nall = ['red']\n"
    )
    values = {key.removeprefix("workers.coloured."): value for key, (value, _) in shown().items()}
    assert (repr(values["colour"]), repr(values["size"])) == ("<Colour.RED: 'red'>", "3.0")
    assert repr(values["all"]) == "[<Colour.RED: 'red'>]"
    assert (values["width"], values["function"]) == ("much", "time:sleep")
    assert values["base"] == {"password": "(hidden)"}


def test_a_misspelt_key_of_a_market_filter_is_reported(write: Write) -> None:
    write(
        '[[strategies]]\nname = "example"\n'
        'market_filter = { marketTypes = ["WIN"], market_types = ["WIN"], market_type = 1, evenTypeIds = ["7"] }\n'
    )
    told = "flumine.toml:3: strategies.example.market_filter"
    assert problems() == [
        f"{told}.market_type: market_filter has no key 'market_type', did you mean 'market_types'",
        f"{told}.evenTypeIds: market_filter has no key 'evenTypeIds', did you mean 'eventTypeIds'",
    ]
