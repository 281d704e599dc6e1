"""Background workers by themselves."""

import asyncio
import threading
from typing import Any

import pytest

from flumine_core import BackgroundWorker, FlumineCoreError, FlumineSimulation
from flumine_core.errors import SettingsError


def run(worker: BackgroundWorker, done: threading.Event, flumine: Any = "framework") -> list[tuple[str, BaseException]]:
    """Run a worker until its function says that it is done."""
    errors: list[tuple[str, BaseException]] = []
    worker.start(flumine, lambda name, error: errors.append((name, error)))
    assert done.wait(30)
    worker.shutdown()
    assert not worker.is_alive()
    return errors


def test_arguments_and_what_is_asked_for_by_name() -> None:
    done, got = threading.Event(), []

    def work(first: int, second: int, *, third: int, context: Any, flumine: Any) -> None:
        got.append((first, second, third, context, flumine))
        done.set()

    worker = BackgroundWorker(None, work, (1, 2), {"third": 3}, context={"a": 1})
    assert run(worker, done) == []
    assert got == [(1, 2, 3, {"a": 1}, "framework")]
    assert worker.name == "work"


def test_keyword_of_ones_own_wins_over_the_framework() -> None:
    done, got = threading.Event(), []

    def work(flumine: Any) -> None:
        got.append(flumine)
        done.set()

    run(BackgroundWorker(None, work, func_kwargs={"flumine": "mine"}), done)
    assert got == ["mine"]


@pytest.mark.parametrize("error", [ValueError, SystemExit, asyncio.CancelledError, KeyboardInterrupt])
def test_called_again_and_again_though_it_raises(error: type[BaseException]) -> None:
    done, calls = threading.Event(), []

    def work() -> None:
        calls.append(1)
        if len(calls) == 3:
            done.set()
        raise error(len(calls))

    errors = run(BackgroundWorker(0.001, work, name="mine"), done)
    assert [name for name, _ in errors[:3]] == ["mine"] * 3


def test_arguments_given_in_place_are_not_given_twice() -> None:
    done, got = threading.Event(), []

    def work(context: Any, flumine: Any) -> None:
        got.append((context, flumine))
        done.set()

    assert run(BackgroundWorker(None, work, ("own",)), done) == []
    assert got == [("own", "framework")]


def test_a_function_of_flumine_takes_context_and_framework_first() -> None:
    done, got = threading.Event(), []

    def work(context: Any, flumine: Any, market_id: str, depth: int = 1) -> None:
        got.append((context, flumine, market_id, depth))
        done.set()

    assert run(BackgroundWorker(None, work, ("1.23",), {"depth": 3}, context={"a": 1}), done) == []
    assert got == [({"a": 1}, "framework", "1.23", 3)]


@pytest.mark.parametrize("interval", ["5", 0, -1, print, float("nan")])
def test_an_interval_is_seconds(interval: Any) -> None:
    with pytest.raises(SettingsError, match="interval must be seconds"):
        BackgroundWorker(interval, print)


def test_no_interval_is_one_call() -> None:
    done, calls = threading.Event(), []

    def work() -> None:
        calls.append(1)
        done.set()

    worker = BackgroundWorker(None, work)
    run(worker, done)
    assert calls == [1]


def test_may_be_started_again() -> None:
    calls: list[int] = []
    for _ in range(2):
        done = threading.Event()
        worker = BackgroundWorker(None, lambda done=done: (calls.append(1), done.set()))
        run(worker, done)
        run(worker, done)
    assert len(calls) >= 3


def test_shut_down_before_and_from_inside() -> None:
    worker = BackgroundWorker(1, print)
    worker.shutdown()
    assert not worker.is_alive()
    done = threading.Event()
    inner = BackgroundWorker(0.001, lambda: (inner.shutdown(), done.set()))
    run(inner, done)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("interval", {"interval": 0, "function": print}),
        ("interval", {"interval": -1, "function": print}),
        ("function", {"interval": 1, "function": "print"}),
        ("start_delay", {"interval": 1, "function": print, "start_delay": -1}),
    ],
)
def test_what_makes_no_sense_is_refused(name: str, options: dict[str, Any]) -> None:
    with pytest.raises(FlumineCoreError, match=name):
        BackgroundWorker(**options)


def test_builtins_without_a_signature_may_be_called() -> None:
    done = threading.Event()
    worker = BackgroundWorker(0.001, max, (1, 2))
    worker.start(None, lambda name, error: done.set())
    assert not done.wait(0.05)
    worker.shutdown()


@pytest.mark.parametrize("by_name", [False, True])
def test_flumines_order_of_arguments_and_its_call(by_name: bool) -> None:
    done, got, framework = threading.Event(), [], FlumineSimulation()

    def terminate(kept: Any, fl: Any, *stakes: int, today_only: bool = True) -> None:
        got.append((kept, fl, stakes, today_only))
        done.set()

    worker: Any = BackgroundWorker
    options = {"func_args": (5,), "func_kwargs": {"today_only": False}, "interval": 60, "start_delay": 0}
    if by_name:
        made = worker(flumine=framework, function=terminate, **options)
    else:
        made = worker(framework, terminate, **options)
    assert run(made, done) == []
    assert (made.name, made.interval) == ("terminate", 60)
    assert got == [(made.context, framework, (5,), False)]
    assert worker(framework, print, 7, context={"a": 1}, name="mine").context == {"a": 1}
    with pytest.raises(SettingsError, match="callable"):
        worker(framework, None, 5)


def test_a_worker_that_is_started_again_leaves_its_old_thread_ended() -> None:
    calls: list[str] = []
    entered, go_on, again = threading.Event(), threading.Event(), threading.Event()

    def work(flumine: str) -> None:
        calls.append(flumine)
        if flumine == "first":
            entered.set()
            go_on.wait(30)
        elif calls.count("second") > 2:
            again.set()

    worker = BackgroundWorker(0.001, work)
    worker.start("first", lambda *fault: None)
    old = worker._thread
    assert old is not None and entered.wait(30)
    worker.shutdown(0)
    worker.start("second", lambda *fault: None)
    go_on.set()
    assert again.wait(30)
    old.join(1)
    assert not old.is_alive()
    worker.shutdown()
    assert calls.count("first") == 1
