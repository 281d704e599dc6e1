"""One function over many items on an executor: largest first, and an item that kills its worker costs only itself."""

import copy
import multiprocessing
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, ProcessPoolExecutor, wait
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any, Generic, TypeVar

import attrs

from .errors import survivable
from .garbage import freeze
from .hint import one_line
from .kernel.foreign import lent_stderr

Item = TypeVar("Item")
Result = TypeVar("Result")


@attrs.frozen
class Lost:
    """Stands for the result of an item that has none, and says why."""

    reason: str


DIED = Lost("its worker process died")
AHEAD = 2
"""Items that wait in the executor beyond those being worked on, so that no worker idles."""

_MOST_WORKERS = 61 if sys.platform == "win32" else sys.maxsize
"""Processes that one executor can have."""


class Processes(ProcessPoolExecutor):
    """Processes, where it can be forked from one that has imported `preload`, that end with this one.

    :param prepare: called in each process when it begins; it can be pickled.

    They have one end of a pipe whose other end is held here alone: whatever ends this process, it is closed.
    """

    def __init__(self, workers: int, preload: Sequence[str] = (), prepare: Callable[[], Any] | None = None) -> None:
        methods = multiprocessing.get_all_start_methods()
        context: Any = copy.copy(multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn"))
        if "forkserver" in methods:
            context.set_forkserver_preload(list(preload))
        begun: list[Any] = []
        make = context.Process

        def begin(*arguments: Any, **options: Any) -> Any:
            begun.append(make(*arguments, **options))
            return begun[-1]

        self._begun = begun

        context.Process = begin  # else nobody tells which processes are the executor's
        lifeline, self._held = context.Pipe(duplex=False)
        super().__init__(min(workers, _MOST_WORKERS), context, _start_worker, (lifeline, prepare))

    def leave(self, at_once: bool) -> None:
        """Let the processes end, `at_once` or after threads that were left in them; wait a second at most."""
        for process in self._begun if at_once else ():
            if process.is_alive():
                process.kill()
        end = threading.Thread(target=self._end, name="end-of-workers")
        end.start()
        end.join(1)  # a process that ends meanwhile wakes the executor's thread, and may find its pipe closed

    def _end(self) -> None:
        self.shutdown(cancel_futures=True)
        self._begun.clear()
        self._held.close()


def _start_worker(lifeline: Connection, prepare: Callable[[], Any] | None) -> None:
    """Leave Ctrl-C to the parent, and stdout to its results; end with the parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.stdout = sys.stderr = lent_stderr()
    threading.Thread(target=_end_with, args=(lifeline,), name="lifeline", daemon=True).start()
    if prepare is not None:
        prepare()
    freeze()


def _end_with(lifeline: Connection) -> None:
    with suppress(EOFError, OSError):
        lifeline.recv_bytes()
    os._exit(1)


@attrs.define
class Spread(Generic[Item, Result]):
    """The state of one `spread`: what waits, what runs, and the executor, which is made anew when it broke."""

    task: Callable[[Item], Result]
    items: Sequence[Item]
    workers: int
    make_executor: Callable[[int], Executor]
    waiting: deque[int]
    executor: Executor | None = None
    running: dict[Future[Any], int] = attrs.Factory(dict)

    def outcomes(self) -> Generator[tuple[int, Result | Lost], None, None]:
        """Yield (index, result) as they come."""
        try:
            while self.waiting or self.running:
                self._fill()
                done, _ = wait(self.running, return_when=FIRST_COMPLETED)
                suspects: list[int] = []
                for future in done:
                    index = self.running.pop(future)
                    outcome = _outcome(future)
                    if outcome is DIED:
                        suspects.append(index)
                    else:
                        yield index, outcome
                if suspects:
                    yield from self._blame(suspects)
        finally:
            self._close()

    def _fill(self) -> None:
        if self.executor is None:
            self.executor = self.make_executor(self.workers)
        while self.waiting and len(self.running) < self.workers + AHEAD:
            index = self.waiting.popleft()
            future = self._submit(self.executor, index)
            self.running[future] = index
            if future.done() and _outcome(future) is DIED:
                return

    def _submit(self, executor: Executor, index: int) -> Future[Any]:
        """Return the future of an item; one that has failed where the executor, maybe a plugin's, does not take it."""
        failed: Future[Any] = Future()
        try:
            future = executor.submit(self.task, self.items[index])
            if isinstance(future, Future):
                return future
            failed.set_exception(TypeError(f"{type(executor).__name__}.submit must give a Future, was {future!r}"))
        except survivable() as error:
            failed.set_exception(error)
        return failed

    def _blame(self, suspects: list[int]) -> Generator[tuple[int, Result | Lost], None, None]:
        """Run what was under way when a worker died one by one, so that the culprit is known and the rest is done."""
        done, _ = wait(self.running)
        for future in done:
            index = self.running.pop(future)
            outcome = _outcome(future)
            if outcome is DIED:
                suspects.append(index)
            else:
                yield index, outcome
        self._close()
        for index in sorted(suspects):
            self.executor = self.executor or self.make_executor(1)
            future = self._submit(self.executor, index)
            self.running[future] = index
            outcome = _outcome(future)
            del self.running[future]
            if outcome is DIED:
                self._close()
            yield index, outcome
        self._close()

    def _close(self) -> None:
        """Let the executor go; what it still runs is not waited for."""
        executor, self.executor = self.executor, None
        if isinstance(executor, Processes):
            executor.leave(at_once=bool(self.running))
        elif executor is not None:
            for future in self.running:
                future.cancel()  # not every executor's shutdown takes `cancel_futures`
            try:
                executor.shutdown(wait=not self.running)
            except survivable() as error:
                from loguru import logger

                logger.error("{}.shutdown raised {}", type(executor).__name__, one_line(error))


def _outcome(future: Future[Any]) -> Any:
    """Return a future's result, `Lost` where its task raised, `DIED` itself where its worker died."""
    try:
        return future.result()
    except BrokenExecutor:
        return DIED
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        return Lost(one_line(error))


def spread(
    task: Callable[[Item], Result],
    items: Sequence[Item],
    sizes: Sequence[int],
    workers: int,
    make_executor: Callable[[int], Executor],
) -> Generator[tuple[int, Result | Lost], None, None]:
    """Apply `task` to each item on an executor and yield (index, result) as they come.

    :param sizes: how large each item is; the largest are begun first, so that no long one is left for the end.
    :param make_executor: makes an executor of so many workers; called again after a worker process died.
    Yields: `Lost` for an item whose task raised or killed its worker.
    """
    waiting = deque(sorted(range(len(items)), key=lambda index: (-sizes[index], index)))
    return Spread(task, items, workers, make_executor, waiting).outcomes()


def in_order(outcomes: Iterator[tuple[int, Any]]) -> Iterator[Any]:
    """Yield the results in the order of their items, each as soon as all before it are there."""
    early: dict[int, Any] = {}
    wanted = 0
    for index, outcome in outcomes:
        early[index] = outcome
        while wanted in early:
            yield early.pop(wanted)
            wanted += 1
