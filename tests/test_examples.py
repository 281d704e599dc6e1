"""The example plugins of the documentation: each hook has one, each is sound, and does what it says."""

import importlib.util
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from loguru import logger

from flumine_core import FlumineSimulation, LimitOrder, SimulatedClient, Trade
from flumine_core.contract import hookspecs
from flumine_core.kernel.guard import Faults
from flumine_core.kernel.plan import Plan
from flumine_core.kernel.signature import faults_of, hooks_of
from flumine_core.plain import Named, Run
from flumine_core.run import simulate
from flumine_core.testing.busy import Busy
from flumine_core.testing.run import Only

EXAMPLES = Path(__file__).resolve().parent.parent / "docs" / "examples"
NAMES = sorted(path.stem for path in EXAMPLES.glob("*.py"))
HOOKS = {name for name in vars(hookspecs) if name.startswith("flumine_")}

if not NAMES:
    pytest.skip("the documentation is not here", allow_module_level=True)


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def told() -> Any:
    """What is logged."""
    lines: list[str] = []
    handler = logger.add(lambda message: lines.append(message.rstrip("\n")), format="{message}", level="DEBUG")
    yield lines
    logger.remove(handler)


@pytest.mark.parametrize("name", NAMES)
def test_is_a_sound_plugin_and_says_what_it_is(name: str) -> None:
    module = load(name)
    assert faults_of(module) == []
    assert module.__doc__ and module.__doc__.endswith(".")
    for _, function, _ in hooks_of(module):
        assert function.__doc__


def test_every_hook_has_an_example() -> None:
    assert {hook for name in NAMES for hook, _, _ in hooks_of(load(name))} == HOOKS


def test_slow_exchange(run: Any, market: Any, place: Any) -> None:
    outcome = run(place(), market(), hooks=[load("slow_exchange")], settings={"place_latency": 0.2})
    assert outcome.framework.settings.place_latency == 0.5


def test_small_account() -> None:
    plan = Plan([("small", load("small_account"))], [], Faults())
    client = plan.make("client", kind="small", options={"username": "mine"})
    assert (client.username, client.transaction_limit, client.commission_base) == ("mine", 100, 0.02)
    assert plan.make("client", kind="other", options={}) is None


def test_countdown(told: list[str]) -> None:
    countdown, signals = load("countdown"), load("signals")
    framework = FlumineSimulation(SimulatedClient(), plugins=Only([countdown, signals]))  # type: ignore[arg-type]
    framework.add_stream(countdown.Countdown(3))
    framework.run()
    assert told == [f"custom event: {left}" for left in (3, 2, 1)]
    assert framework.stream_errors == []


def test_dry_run(run: Any, market: Any, place: Any) -> None:
    script = market().back(1, 2.0, 100).back(1, 2.0, 90)
    outcome = run(place(("BACK", 2.0, 5.0)), script, hooks=[load("dry_run")], client=SimulatedClient(username="dry"))
    assert [refusal.reason for refusal in outcome.refusals] == ["a dry run executes nothing"]
    other = run(place(("BACK", 2.0, 5.0)), script, hooks=[load("dry_run")])
    assert other.orders[0].size_matched == 5.0


def test_threads(market_file: Any, only_distributions: Any) -> None:
    class Found:
        def load_hook_plugins(self) -> list[tuple[str, object]]:
            return [("threads", load("threads"))]

        def failures(self, kind: str | None = None) -> list[Any]:
            return []

    only_distributions()
    files = tuple(market_file(market_id=f"1.{number}", updates=40) for number in (100000001, 100000002))
    plan = Run((Named(f"{Busy.__module__}:Busy"),), files)
    # a run that blocks another plugin keeps plugins of its own: nothing is left in this process for later tests
    spread = Run((Named(f"{Busy.__module__}:Busy"),), files, workers=2, blocked=("nobody",))
    assert simulate(spread, discovery=Found()).orders == simulate(plan).orders  # type: ignore[arg-type]


def test_what_is_counted_and_told(run: Any, market: Any, place: Any, told: list[str]) -> None:
    counts, stopwatch = load("book_counts"), load("stopwatch")
    run(place(), market().back(1, 2.0, 5).win(1), hooks=[counts, stopwatch])
    assert told[0] == "market 1.100000001 had 2 books"
    assert told[1].startswith("3 books in ")
    assert counts.counts == {} and stopwatch.started == {}


def test_traffic() -> None:
    module = load("traffic")
    plan = Plan([("traffic", module)], [], Faults())
    plan.steps["process_raw_data"].run(lambda: None, 10000, "AAA", 1, [{"id": "1.1"}, {"id": "1.2"}])
    assert module.changes == {10000: 2}


def test_runner_names(run: Any, market: Any, place: Any) -> None:
    plan = Plan([("names", load("runner_names"))], [], Faults())
    outcome = run(place(), market())
    catalogue = SimpleNamespace(runners=[SimpleNamespace(selection_id=1, runner_name="Red Rum")])
    plan.steps["process_market_catalogues"].run(lambda: None, outcome.market, catalogue)
    assert outcome.market.context["names"] == {1: "Red Rum"}


def test_race_progress(run: Any, market: Any, place: Any) -> None:
    plan = Plan([("race", load("race_progress"))], [], Faults())
    outcome = run(place(), market())
    update = SimpleNamespace(race_progress=SimpleNamespace(progress=812.5))
    plan.steps["process_sports_data"].run(lambda: None, outcome.market, update)
    assert outcome.market.context["to_go"] == 812.5


def test_order_reports(run: Any, market: Any, place: Any, told: list[str]) -> None:
    plan = Plan([("reports", load("order_reports"))], [], Faults())
    outcome = run(place(("BACK", 2.0, 5.0)), market().back(1, 2.0, 100))
    (order,) = outcome.orders
    plan.steps["process_current_orders"].run(lambda: None, SimpleNamespace(reports=[SimpleNamespace(order=order)]))
    assert told == [f"{order.bet_id} {order.status}: 5.0 matched"]


def test_package_limit(run: Any, market: Any, place: Any, told: list[str]) -> None:
    class Together(place):  # type: ignore[misc]
        def process_market_book(self, market: Any, market_book: Any) -> None:
            with market.transaction() as transaction:
                for number in range(12):
                    trade = Trade(market.market_id, 1, 0, self)
                    transaction.place_order(trade.create_order("BACK", LimitOrder(3.0, 2.0 + number)))
            self._done.add(market.market_id)

    strategy = Together(max_live_trade_count=20)
    outcome = run(strategy, market().back(1, 2.0, 100), hooks=[load("package_limit")])
    assert {refusal.reason for refusal in outcome.refusals} == {"a package must hold 10 orders at most, had 12"}
    assert told == ["1 packages of market 1.100000001"]


def test_results(run: Any, market: Any, place: Any) -> None:
    module = load("results")
    run(place(("BACK", 3.0, 10.0)), market().back(1, 3.0, 100).win(1), hooks=[module])
    assert module.profits == {"1.100000001": pytest.approx(19.0)}
