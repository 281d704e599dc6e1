"""The error policy: what foreign code raises is counted by plugin and hook, and raised again where asked for."""

import threading
from collections.abc import Generator
from functools import partial
from typing import Any

import pytest

from flumine_core.errors import ExecutionError, OrderError
from flumine_core.kernel.guard import Faults, failing_hard, guarded, guarded_wrapper


def fails(*arguments: Any) -> Any:
    raise ValueError("a line\nand another")


def test_faults_count_by_plugin_and_hook_and_keep_the_first() -> None:
    faults = Faults()
    for number in range(3):
        faults.record("one", "hook", ValueError(f"number {number}"))
    faults.record("one", "other", KeyError("x"))
    faults.record("two", "hook", KeyError("x"))
    assert faults.counts == {("one", "hook"): 3, ("one", "other"): 1, ("two", "hook"): 1}
    assert faults.total == 5
    assert faults.by_plugin() == {"one": 4, "two": 1}
    assert "number 0" in faults.first["one", "hook"].error
    assert "ValueError" in faults.first["one", "hook"].traceback


def test_faults_are_one_line_each_and_survive_odd_exceptions() -> None:
    class Odd(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    faults = Faults()
    guarded("p", "h", fails, faults)()
    faults.record("p", "odd", Odd())
    assert faults.first["p", "h"].error == "ValueError: a line and another"
    assert faults.first["p", "odd"].error.startswith("Odd")


def test_raising_settings_raise_foreign_errors_and_not_our_own() -> None:
    faults = Faults(lambda: True)
    with pytest.raises(ValueError, match="a line"):
        guarded("p", "h", fails, faults)()
    faults.record("p", "h", OrderError("ours"))
    faults.count("p", "h", ValueError("of another thread"))
    assert faults.counts == {("p", "h"): 3}


def test_faults_of_many_threads_are_all_counted() -> None:
    faults = Faults()

    def work() -> None:
        for _ in range(500):
            faults.count("p", "h", ValueError("x"))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults.total == 4000


def test_guarded_returns_what_the_function_does() -> None:
    faults = Faults()
    assert guarded("p", "h", lambda a, b: a + b, faults)(1, 2) == 3
    assert guarded("p", "h", lambda a, b: a + b, faults, count=2)(1, 2) == 3
    assert guarded("p", "h", fails, faults)(1) is None
    reason = guarded("p", "h", fails, faults, is_stopping=True)(1)
    assert reason.startswith("p raised ValueError")


def test_exits_pass() -> None:
    def leaves() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        guarded("p", "h", leaves, Faults())()


def test_failing_hard_names_the_plugin() -> None:
    with pytest.raises(ExecutionError, match=r"'mine'.*make_it.*a line and another"):
        failing_hard("mine", "make_it", fails)()


def drive(bracket: Generator[None, Any, Any], result: Any) -> Any:
    """Run a wrapper as a hook call does, and return what it makes of the result."""
    next(bracket)
    try:
        bracket.send(result)
    except StopIteration as stop:
        return stop.value
    raise AssertionError("the wrapper yielded twice")


def broken_before() -> Generator[None, Any, Any]:
    raise ValueError
    yield


def broken_after() -> Generator[None, Any, Any]:
    yield
    raise ValueError


def twice() -> Generator[None, Any, Any]:
    yield
    yield


def never() -> Generator[None, Any, Any]:
    return
    yield


def stubborn() -> Generator[None, Any, Any]:
    yield
    try:
        yield
    except GeneratorExit:
        yield


@pytest.mark.parametrize("wrapper", [broken_before, broken_after, twice, never, stubborn])
def test_wrapper_that_breaks_keeps_the_result(wrapper: Any) -> None:
    faults = Faults()
    assert drive(guarded_wrapper("p", wrapper, partial(faults.record, "p", "h"))(), "result") == "result"
    assert faults.counts == {("p", "h"): 1}


def test_sound_wrapper_changes_the_result() -> None:
    def sound(argument: int) -> Generator[None, Any, Any]:
        result = yield
        return result + argument

    faults = Faults()
    assert drive(guarded_wrapper("p", sound, partial(faults.record, "p", "h"))(5), 2) == 7
    assert faults.counts == {}


def test_error_of_the_step_passes_through_a_wrapper() -> None:
    ended: list[bool] = []

    def careful() -> Generator[None, Any, Any]:
        try:
            yield
        finally:
            ended.append(True)

    bracket = guarded_wrapper("p", careful, partial(Faults().record, "p", "h"))()
    next(bracket)
    with pytest.raises(ZeroDivisionError):
        bracket.throw(ZeroDivisionError())
    assert ended == [True]


def leaves(*arguments: Any) -> Any:
    raise SystemExit(0)


class Overboard(BaseException):
    """No Exception."""


@pytest.mark.parametrize("error", [SystemExit, Overboard, GeneratorExit])
def test_leaving_is_one_more_way_to_fail(error: type[BaseException]) -> None:
    def leaves(*arguments: Any) -> Any:
        raise error(0)

    faults = Faults()
    assert guarded("p", "h", leaves, faults)() is None
    assert guarded("p", "h", lambda one, two: leaves(), faults, count=2)(1, 2) is None
    assert error.__name__ in guarded("p", "h", leaves, faults, is_stopping=True)()
    with pytest.raises(ExecutionError, match=error.__name__):
        failing_hard("p", "h", leaves)()
    assert faults.counts == {("p", "h"): 3}


@pytest.mark.parametrize("error", [KeyboardInterrupt(), pytest.fail.Exception("x")])
def test_what_is_to_end_the_run_ends_it_in_a_group_too(error: BaseException) -> None:
    group = BaseExceptionGroup("of tasks", [BaseExceptionGroup("inner", [error]), ValueError("x")])

    def fails() -> None:
        raise group

    faults = Faults()
    with pytest.raises(BaseExceptionGroup):
        guarded("p", "h", fails, faults)()
    assert faults.counts == {}
    group = BaseExceptionGroup("of tasks", [SystemExit(0)])
    assert guarded("p", "h", fails, faults)() is None
    assert faults.counts == {("p", "h"): 1}


def test_a_wrapper_that_leaves_lets_the_step_run() -> None:
    faults = Faults()

    def after(*arguments: Any) -> Generator[None, Any, Any]:
        yield
        raise SystemExit

    for wrapper in (leaves, after):
        bracket = guarded_wrapper("p", wrapper, partial(faults.record, "p", "h"))()
        next(bracket)
        with pytest.raises(StopIteration) as stopped:
            bracket.send("result")
        assert stopped.value.value == "result"
    assert faults.counts == {("p", "h"): 2}


def test_an_interrupt_is_the_users() -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        guarded("p", "h", interrupted, Faults())()
