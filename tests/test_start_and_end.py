"""How a run begins and ends: strategies that cannot start, what finishes, controls and workers that raise or hang."""

import threading
from collections.abc import Iterator
from time import monotonic
from types import SimpleNamespace
from typing import Any

import pytest

from flumine_core import (
    BackgroundWorker,
    BaseStrategy,
    BetfairClient,
    Flumine,
    FlumineCoreError,
    FlumineSimulation,
    LimitOrder,
    LoggingControl,
    Settings,
    SimulatedClient,
    Trade,
    hookimpl,
)
from flumine_core.contract.streams import MarketStream
from flumine_core.errors import ExecutionError, SettingsError


class Noting(BaseStrategy):
    """Notes each callback."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.called: list[str] = []

    def start(self, flumine: Any) -> None:
        self.called.append("start")

    def process_new_market(self, market: Any, market_book: Any) -> None:
        self.called.append("new")

    def check_market_book(self, market: Any, market_book: Any) -> bool:
        self.called.append("book")
        return False

    def process_closed_market(self, market: Any, market_book: Any) -> None:
        self.called.append("closed")

    def remove_market(self, market_id: str) -> None:
        self.called.append("removed")

    def finish(self, flumine: Any) -> None:
        self.called.append("finish")


class Raising(Noting):
    def start(self, flumine: Any) -> None:
        raise ValueError("no model")


class Unfit(Noting):
    def start(self) -> None:  # type: ignore[override]
        """Take no framework."""


class Leaving(Noting):
    def start(self, flumine: Any) -> None:
        raise SystemExit(3)


class Overwriting(Noting):
    """Takes names that are BaseStrategy's."""

    def __init__(self, attribute: str, value: Any, **options: Any) -> None:
        super().__init__(**options)
        self.mine = attribute, value

    def start(self, flumine: Any) -> None:
        setattr(self, *self.mine)


def broken() -> list[tuple[Noting, str]]:
    """Return strategies that cannot start, each with what is told of it."""
    return [
        (Raising(name="bad"), "ValueError: no model"),
        (Unfit(name="bad"), "TypeError: Unfit.start() takes 1 positional argument but 2 were given"),
        (Leaving(name="bad"), "SystemExit: 3"),
        *(
            (
                Overwriting(attribute, value, name="bad"),
                f"SettingsError: strategy bad has set {attribute} to {value!r}: BaseStrategy owns that name, "
                "take another for yours",
            )
            for attribute, value in (("clock", 5), ("client", "bob"), ("order_sep", None))
        ),
    ]


CASES = range(len(broken()))


@pytest.mark.parametrize("case", CASES)
def test_a_simulation_goes_on_without_a_strategy_that_cannot_start(case: int, simulate: Any, market_file: Any) -> None:
    (bad, told), good = broken()[case], Noting(name="good")
    framework = simulate([market_file(), market_file(market_id="1.2")], bad, good)
    assert framework.faults.counts == {("bad", "strategy.start"): 1}
    assert framework.faults.first["bad", "strategy.start"].error == told
    assert bad.called == []
    assert {"start", "new", "book", "closed", "removed", "finish"} == set(good.called)
    assert framework.strategies == [good]


def test_a_simulation_without_any_strategy_left_still_reads_its_files(simulate: Any, market_file: Any) -> None:
    framework = simulate([market_file(), market_file(market_id="1.2")], Raising(name="one"), Raising(name="two"))
    assert framework.faults.total == 2
    assert (framework.strategies, len(framework.markets)) == ([], 2)
    assert framework.books > 0


class Venue:
    """Opens streams and notes that."""

    def __init__(self) -> None:
        self.opened = 0

    @hookimpl
    def flumine_make_stream(self, description: Any) -> Any:
        self.opened += 1
        return self

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def stop(self) -> None: ...


def live(plugins: Any, *strategies: BaseStrategy, venue: Any = None, **settings: Any) -> Flumine:
    """Return a live framework that trades on paper on a stream of a plugin's."""
    framework = Flumine(SimulatedClient(), settings=Settings(**settings), plugins=plugins(("venue", venue or Venue())))
    for strategy in strategies:
        strategy.streams = [MarketStream()]
        framework.add_strategy(strategy)
    return framework


@pytest.mark.parametrize("case", CASES)
def test_a_live_run_does_not_begin_with_a_strategy_that_cannot_start(case: int, plugins: Any) -> None:
    (bad, told), good, late, venue = broken()[case], Noting(name="good"), Noting(name="late"), Venue()
    framework = live(plugins, good, bad, late, venue=venue)
    with pytest.raises(ExecutionError) as raised:
        framework.run()
    assert str(raised.value) == f"strategy bad cannot start: {told}"
    assert framework.faults.counts == {("bad", "strategy.start"): 1}
    assert venue.opened == 0 and framework.is_stopping
    assert (bad.called, good.called, late.called) == ([], ["start", "finish"], [])


class Restoring(Noting):
    """Has an order at the exchange from an earlier process, as a journal would have brought it."""

    def start(self, flumine: Any) -> None:
        market = flumine._add_live_market("1.5", None)
        order = Trade("1.5", 1, 0, self).create_order("BACK", LimitOrder(2.0, 2.0))
        order.client = flumine.clients.get_default()
        order.place(None, None, False)
        market.blotter[order.id] = order
        order.bet_id = "777"
        order.executable()


class Taking:
    """An execution that keeps what it is given."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, list[str | None]]] = []

    @hookimpl
    def flumine_make_execution(self, client: Any) -> Any:
        return self

    def submit(self, package: Any) -> None:
        self.taken.append((package.package_type.name, [order.bet_id for order in package]))

    def before_book(self, market: Any, book: Any) -> Any:
        return ()

    def end_stream(self) -> Any:
        return ()

    def shutdown(self) -> None: ...

    after_book = close_market = process_current_orders = before_book


def test_what_is_at_the_exchange_is_cancelled_where_a_strategy_cannot_start(plugins: Any) -> None:
    execution, settings = Taking(), Settings(on_stop="cancel", on_stop_timeout=0.5)
    framework = Flumine(BetfairClient(username="real"), settings, plugins(("execution", execution)))
    for strategy in (Restoring(name="restoring"), Raising()):
        strategy.streams = [MarketStream()]
        framework.add_strategy(strategy)
    with pytest.raises(ExecutionError, match="cannot start"):
        framework.run()
    assert execution.taken == [("CANCEL", ["777"])]


def test_strategies_that_hooks_and_strategies_add_at_the_start_are_started(simulate: Any, market_file: Any) -> None:
    added = Noting(name="added by a strategy")

    class Adding(Noting):
        def start(self, flumine: Any) -> None:
            super().start(flumine)
            flumine.add_strategy(added)

    adding = Adding(name="added by a hook")

    class Hook:
        @hookimpl
        def flumine_start(self, framework: Any) -> None:
            framework.add_strategy(adding)

    simulate(market_file(), Noting(name="first"), hooks=(("hook", Hook()),))
    for strategy in (adding, added):
        assert (strategy.called[0], strategy.called[-1]) == ("start", "finish")


def test_a_live_run_that_is_to_raise_errors_raises_the_strategys_own(plugins: Any) -> None:
    framework = live(plugins, Raising(), raise_errors=True)
    with pytest.raises(ValueError, match="no model"):
        framework.run()
    assert framework.is_stopping


def test_a_strategy_that_never_started_does_not_finish(plugins: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    strategy = Noting()
    framework = live(plugins, strategy)

    def log_in() -> None:
        raise ConnectionError("no login")

    monkeypatch.setattr(framework._live, "log_in", log_in)
    with pytest.raises(ConnectionError, match="no login"):
        framework.run()
    assert strategy.called == []


class Stumbling(Noting):
    def finish(self, flumine: Any) -> None:
        super().finish(flumine)
        raise ValueError(f"{self.name} cannot finish")


class Worse(Stumbling):
    def check_market_book(self, market: Any, market_book: Any) -> bool:
        raise ZeroDivisionError("the cause")


@pytest.mark.parametrize(("kind", "raised"), [(Stumbling, "one cannot finish"), (Worse, "the cause")])
@pytest.mark.parametrize("is_handling", [False, True])
def test_all_finish_and_what_came_first_is_raised(
    kind: type[Noting], raised: str, is_handling: bool, simulate: Any, market_file: Any
) -> None:
    one, two, three = kind(name="one"), Stumbling(name="two"), Noting(name="three")
    with pytest.raises((ValueError, ZeroDivisionError), match=raised):
        if not is_handling:
            simulate(market_file(), one, two, three, settings={"raise_errors": True})
        try:
            raise KeyError("of whoever calls run()")
        except KeyError:
            simulate(market_file(), one, two, three, settings={"raise_errors": True})
    assert [strategy.called[-1] for strategy in (one, two, three)] == ["finish"] * 3


def test_a_clock_that_a_strategy_has_set_is_not_replaced_silently() -> None:
    class Ticking(BaseStrategy):
        def __init__(self) -> None:
            super().__init__()
            self.clock = 5  # type: ignore[assignment]

    framework = FlumineSimulation(SimulatedClient())
    with pytest.raises(SettingsError, match="strategy Ticking has set clock to 5: BaseStrategy owns that name"):
        framework.add_strategy(Ticking())
    assert framework.strategies == []


class Log(LoggingControl):
    def __init__(self) -> None:
        super().__init__()
        self.got: list[str] = []

    def process_config(self, event: Any) -> None:
        self.got.append("config")

    def process_end_flumine(self, event: Any) -> None:
        self.got.append(f"end: {event.reason}")


class Broken(Log):
    """A control or worker whose start or stop raises."""

    broken = ""

    def start(self, *arguments: Any) -> None:
        super().start(*arguments)
        if self.broken == "start":
            raise ValueError("disk full")

    def stop(self) -> None:  # type: ignore[override]
        super().stop()
        if self.broken == "stop":
            raise ValueError("disk full")


class BrokenWorker(BackgroundWorker):
    broken = ""

    def start(self, *arguments: Any) -> None:
        if self.broken == "start":
            raise ValueError("no thread")
        super().start(*arguments)


@pytest.mark.parametrize("method", ["start", "stop"])
@pytest.mark.parametrize("is_raising", [False, True])
def test_a_control_that_cannot_start_or_stop_costs_the_others_nothing(
    method: str, is_raising: bool, simulate: Any, market_file: Any
) -> None:
    bad, good, frameworks = Broken(), Log(), []
    bad.broken = method

    def before(framework: Any) -> None:
        frameworks.append(framework)
        framework.add_logging_control(bad)
        framework.add_logging_control(good)

    def run() -> None:
        simulate(market_file(), Noting(), before=before, settings={"raise_errors": is_raising})

    if is_raising:
        with pytest.raises(ValueError, match="disk full"):
            run()
    else:
        run()
    (framework,) = frameworks
    assert framework.faults.counts == {("Broken", method): 1}
    reason = "ValueError: disk full" if is_raising and method == "start" else "end of streams"
    assert good.got[-1] == f"end: {reason}"
    assert not good.is_alive() and not bad.is_alive()
    if method == "start":  # nobody would take the events that it was given
        assert not framework.is_running and bad.logging_queue.qsize() == 0 and "config" not in bad.got


def test_a_worker_that_cannot_start_costs_the_others_nothing(simulate: Any, market_file: Any) -> None:
    done, strategy = threading.Event(), Noting()
    bad = BrokenWorker(None, print, name="bad")
    bad.broken = "start"

    def before(framework: Any) -> None:
        framework.add_worker(bad)
        framework.add_worker(BackgroundWorker(None, done.set))

    framework = simulate(market_file(), strategy, before=before)
    assert framework.faults.counts == {("bad", "start"): 1}
    assert done.wait(30) and "finish" in strategy.called


class Hanging(LoggingControl):
    """Handles what the run begins with, and never the rest."""

    END_PATIENCE = 0.2

    def __init__(self) -> None:
        super().__init__()
        self.is_busy = threading.Event()
        self.let_go = threading.Event()

    def process_config(self, event: Any) -> None:
        self.is_busy.set()
        self.let_go.wait(60)

    def process_end_flumine(self, event: Any) -> None: ...


def test_a_live_run_logs_out_though_a_handler_never_returns(plugins: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    hanging, log, told = Hanging(), Log(), []
    framework = live(plugins, Noting(), on_stop_timeout=100.0, wait_factor=0.01)
    monkeypatch.setattr(framework._live, "log_out", lambda: told.append("logged out"))
    framework.add_logging_control(hanging)
    framework.add_logging_control(log)
    begun = monotonic()
    framework.run()
    assert 0.3 <= monotonic() - begun < 30
    assert told == ["logged out"]
    assert framework.faults.counts == {("Hanging", "stop"): 1}
    assert "and 1 are left" in framework.faults.first["Hanging", "stop"].error
    assert log.got == ["config", "end: end of streams"]
    hanging.let_go.set()


def test_a_simulation_ends_though_a_handler_never_returns(simulate: Any, market_file: Any) -> None:
    hanging, log = Hanging(), Log()

    def before(framework: Any) -> None:
        framework.add_logging_control(hanging)
        framework.add_logging_control(log)

    framework = simulate(market_file(), Noting(), before=before)
    assert framework.faults.counts == {("Hanging", "stop"): 1}
    assert log.got == ["config", "end: end of streams"]
    hanging.let_go.set()


def test_what_the_framework_raises_itself_is_told_with_the_strategys_name(plugins: Any) -> None:
    class Refusing(Noting):
        def start(self, flumine: Any) -> None:
            flumine.add_worker(SimpleNamespace())

    with pytest.raises(FlumineCoreError, match="strategy Refusing cannot start: SettingsError: a worker must be"):
        live(plugins, Refusing()).run()
