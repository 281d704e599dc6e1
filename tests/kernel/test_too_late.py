"""Strategies and streams are added in time, and once."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from flumine_core import (
    BackgroundWorker,
    BaseStrategy,
    CustomEvent,
    Flumine,
    FlumineSimulation,
    HistoricalStream,
    SimulatedClient,
    hookimpl,
)
from flumine_core.errors import ExecutionError, SettingsError


class Adds(BaseStrategy):
    """Adds something in the method that is named, and notes what came of it and of itself."""

    def __init__(self, where: str = "", what: Callable[[Any], None] | None = None, **options: Any) -> None:
        super().__init__(**{"market_filter": {}} | options)
        self.where = where
        self.what = what
        self.flumine: Any = None
        self.errors: list[ExecutionError] = []
        self.log: list[str] = []

    def _reach(self, where: str) -> None:
        self.log.append(where)
        if where == self.where and self.what is not None:
            what, self.what = self.what, None
            try:
                what(self.flumine)
            except ExecutionError as error:
                self.errors.append(error)

    def add(self, flumine: Any) -> None:
        self.flumine = flumine
        self._reach("add")

    def start(self, flumine: Any) -> None:
        self._reach("start")

    def check_market_book(self, market: Any, market_book: Any) -> bool:
        self._reach("book")
        return False

    def finish(self, flumine: Any) -> None:
        self._reach("finish")


class Custom:
    """A stream that brings events of a user's own, and counts how often it was iterated."""

    def __init__(self, *callbacks: Callable[..., None]) -> None:
        self.callbacks = callbacks
        self.stream_id: int | None = None
        self.count = 0

    def __iter__(self) -> Iterator[Any]:
        self.count += 1
        for callback in self.callbacks:
            yield CustomEvent(callback=callback)

    def stop(self) -> None: ...


def live(*streams: Any, strategy: BaseStrategy | None = None, hooks: Any = None, plugins: Any) -> Flumine:
    """Run a live framework whose only streams are these."""
    framework = Flumine(SimulatedClient(), plugins=plugins(*hooks or ()))
    for stream in streams:
        framework.add_stream(stream)
    if strategy is not None:
        framework.add_strategy(strategy)
    framework.run()
    return framework


def in_start(what: Callable[[Any], None]) -> tuple[tuple[str, object]]:
    class Hook:
        @hookimpl
        def flumine_start(self, framework: Any) -> None:
            what(framework)

    return (("hook", Hook()),)


@pytest.mark.parametrize("where", ["book", "finish"])
def test_what_is_added_to_a_running_simulation_is_refused(where: str, simulate: Any, market_file: Any) -> None:
    late, path = Adds(), market_file(seed=2)
    strategy = Adds(where, lambda flumine: flumine.add_strategy(late))
    other = Adds(where, lambda flumine: flumine.add_stream(HistoricalStream(path)), name="other")
    framework = simulate(market_file(), strategy, other)
    assert [str(error) for error in strategy.errors] == [
        "strategy Adds is added too late, the run has begun: add it before run(), or in a strategy's start() or "
        "flumine_start at the latest"
    ]
    assert f"stream {HistoricalStream(path)!r} is added too late" in str(other.errors)
    assert (late.flumine, late.log, framework.strategies) == (None, [], [strategy, other])
    assert len(framework.streams) == 1


@pytest.mark.parametrize("where", ["add", "start"])
def test_what_a_strategy_adds_in_time_takes_part(where: str, simulate: Any, market_file: Any) -> None:
    paths = [market_file(seed=seed, market_id=f"1.10000000{seed}", updates=40) for seed in (1, 2)]
    late = Adds(streams=[HistoricalStream(paths[1])], name="late")
    strategy = Adds(where, lambda flumine: flumine.add_strategy(late))
    framework = simulate(paths[0], strategy)
    assert strategy.errors == []
    assert late.log[:3] == ["add", "start", "book"]
    assert len(framework.markets) == 2


def test_a_stream_that_flumine_start_adds_is_replayed(simulate: Any, market_file: Any) -> None:
    paths = [market_file(seed=seed, market_id=f"1.10000000{seed}", updates=40) for seed in (1, 2)]
    hooks = in_start(lambda flumine: flumine.add_stream(HistoricalStream(paths[1])))
    assert len(simulate(paths[0], Adds(), hooks=hooks).markets) == 2


def test_what_is_added_to_a_running_live_framework_is_refused(plugins: Any) -> None:
    def add_stream(flumine: Any, event: Any) -> None:
        flumine.add_stream(Custom())

    def add_strategy(flumine: Any, event: Any) -> None:
        flumine.add_strategy(Adds())

    stream = Custom(add_stream, add_strategy)
    framework = live(stream, plugins=plugins)
    told = [each.error for each in framework.faults.first.values()]
    assert len(told) == 2
    assert all("is added too late, the run has begun" in each for each in told)
    assert framework.streams == [stream]
    assert framework.strategies == []


def test_what_is_added_to_a_live_framework_in_time_is_opened(plugins: Any) -> None:
    first, second, third = Custom(), Custom(), Custom()
    strategy = Adds("start", lambda flumine: flumine.add_stream(second), stream=first, market_filter=None)
    hooks = in_start(lambda flumine: flumine.add_stream(third))
    framework = live(strategy=strategy, hooks=hooks, plugins=plugins)
    assert (framework.faults.total, strategy.errors) == (0, [])
    assert [each.count for each in (first, second, third)] == [1, 1, 1]


def test_a_strategy_is_added_once(market_file: Any) -> None:
    framework = FlumineSimulation(SimulatedClient())
    strategy = Adds(streams=[HistoricalStream(market_file())])
    framework.add_strategy(strategy)
    with pytest.raises(SettingsError, match="strategy Adds was added before: each book would come to it twice"):
        framework.add_strategy(strategy)
    assert framework.strategies == [strategy]
    assert strategy.log == ["add"]


def test_a_strategy_whose_add_raises_takes_no_part(market_file: Any) -> None:
    class Fails(Adds):
        fails = True

        def add(self, flumine: Any) -> None:
            if self.fails:
                raise LookupError("half made")
            super().add(flumine)

    framework = FlumineSimulation(SimulatedClient())
    strategy, other = (cls(streams=[HistoricalStream(market_file())]) for cls in (Fails, Adds))
    with pytest.raises(LookupError, match="half made"):
        framework.add_strategy(strategy)
    framework.add_strategy(other)
    assert framework.strategies == [other]
    strategy.fails = False
    framework.add_strategy(strategy)  # the second attempt is no second time
    framework.run()
    assert strategy.log == other.log
    assert strategy.log.count("book") > 1


@pytest.mark.parametrize("base", [Flumine, FlumineSimulation])
def test_workers_of_a_framework_of_ones_own_are_added_as_the_run_begins(base: Any, plugins: Any) -> None:
    class Own(base):  # type: ignore[misc]
        def _add_default_workers(self) -> None:
            self.were_running.append(self.is_running)
            self.add_worker(BackgroundWorker(60, lambda: None, name="own"))

    framework = Own(SimulatedClient(), plugins=plugins())
    framework.were_running = []
    framework.add_stream(Custom())
    assert framework._workers == []
    framework.run()
    assert framework.were_running == [False]
    names = [worker.name for worker in framework._workers]
    assert names.count("own") == 1
    if base is Flumine:
        plain = live(Custom(), plugins=plugins)
        assert names == ["own", *(worker.name for worker in plain._workers)]


def test_a_framework_tells_whether_it_simulates() -> None:
    assert (Flumine.SIMULATED, FlumineSimulation.SIMULATED) == (False, True)
