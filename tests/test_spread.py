"""Spreading over processes: order, the largest first, workers that die, and workers that are no longer wanted."""

import os
import sys
import threading
import time
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flumine_core.spread import Lost, Processes, in_order, spread


def work(item: int | str) -> int | str:
    if item == "die":
        os._exit(1)
    if item == "kill":
        os.kill(os.getpid(), 9)
    if item == "raise":
        raise ValueError("bad")
    if item == "exit":
        sys.exit(4)
    return item * 2


def linger(item: Path) -> None:
    """Show signs of life in a file, if it is there, until there is one called `stop`."""
    while item.exists() and not item.with_name("stop").exists():
        item.write_text(f"{time.monotonic()}")
        time.sleep(0.02)


def leave_thread(item: Path) -> None:
    """Have a thread that is waited for show signs of life."""
    threading.Thread(target=linger, args=(item,)).start()


def has_stopped(item: Path) -> bool:
    """Whether nobody writes into a file any more, or stops doing so within 5 s."""
    for _ in range(25):
        before = item.read_text()
        time.sleep(0.2)
        if item.read_text() == before:
            return True
    return False


def processes(workers: int) -> Executor:
    return ProcessPoolExecutor(workers, get_context("spawn"))


def threads(workers: int) -> Executor:
    return ThreadPoolExecutor(workers)


@given(st.lists(st.integers(0, 9)), st.integers(1, 5))
def test_results_are_in_the_order_of_the_items(items: list[int], workers: int) -> None:
    outcomes = spread(work, items, items, workers, threads)
    assert list(in_order(outcomes)) == [item * 2 for item in items]


def test_the_largest_are_begun_first() -> None:
    begun: list[int] = []
    list(spread(begun.append, [3, 9, 5, 9], [3, 9, 5, 9], 1, threads))
    assert begun == [9, 9, 5, 3]


def test_what_raises_costs_itself_alone() -> None:
    outcomes = list(in_order(spread(work, [1, "raise", "exit", 2], [1, 1, 1, 1], 2, threads)))
    assert outcomes == [2, Lost("ValueError: bad"), Lost("SystemExit: 4"), 4]


@pytest.mark.parametrize("fatal", ["die", pytest.param("kill", marks=pytest.mark.skipif(os.name == "nt", reason=""))])
def test_an_item_that_kills_its_worker_costs_itself_alone(fatal: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # a child imports this module by name, from wherever the tests before it went
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1]))
    items: list[int | str] = [1, 2, fatal, 3, fatal, 4, 5]
    outcomes = list(in_order(spread(work, items, [1] * 7, 2, processes)))
    lost = Lost("its worker process died")
    assert outcomes == [2, 4, lost, 6, lost, 8, 10]


def test_the_executor_is_shut_down_when_nobody_wants_more() -> None:
    made: list[ThreadPoolExecutor] = []

    def make(workers: int) -> Executor:
        made.append(ThreadPoolExecutor(workers))
        return made[-1]

    outcomes = spread(work, [1, 2, 3], [1, 1, 1], 1, make)
    next(outcomes)
    outcomes.close()
    with pytest.raises(RuntimeError):
        made[0].submit(work, 1)


def test_workers_that_are_no_longer_wanted_end_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1]))
    busy = tmp_path / "busy"
    busy.touch()
    outcomes = spread(linger, [tmp_path / "none", busy], [1, 1], 2, Processes)
    next(outcomes)
    while not busy.read_text():
        time.sleep(0.02)
    begun = time.monotonic()
    outcomes.close()
    assert time.monotonic() - begun < 2
    assert has_stopped(busy)


def test_threads_that_were_left_in_a_worker_are_neither_awaited_nor_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1]))
    left = tmp_path / "left"
    left.touch()
    assert list(spread(leave_thread, [left], [1], 1, Processes)) == [(0, None)]
    while not left.read_text():
        time.sleep(0.02)
    time.sleep(1)
    before = left.read_text()
    time.sleep(0.5)
    assert left.read_text() != before
    left.with_name("stop").touch()


class Plain(ThreadPoolExecutor):
    """Its `shutdown` takes what Dask's takes."""

    def shutdown(self, wait: bool = True) -> None:  # type: ignore[override]
        super().shutdown(wait)


class Refusing(ThreadPoolExecutor):
    def submit(self, function, item):  # type: ignore[no-untyped-def, override]
        if item == 2:
            raise MemoryError("too much")
        return "soon" if item == 3 else super().submit(function, item)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        super().shutdown(wait, cancel_futures=cancel_futures)
        raise OSError("it does not end")


def test_an_executor_whose_shutdown_cancels_nothing() -> None:
    assert list(in_order(spread(work, [1, 2, 3], [1, 1, 1], 2, Plain))) == [2, 4, 6]


def test_an_executor_that_takes_no_item_loses_that_one() -> None:
    found = list(in_order(spread(work, [1, 2, 3, 4], [1, 1, 1, 1], 2, Refusing)))
    assert (found[0], found[3]) == (2, 8)
    assert found[1] == Lost("MemoryError: too much")
    assert found[2] == Lost("TypeError: Refusing.submit must give a Future, was 'soon'")
