"""Threads that carry calls, and the pace at which they may: a call that hangs keeps its own slot and no other."""

import queue
import threading
from collections import deque
from collections.abc import Callable
from functools import partial
from heapq import heappop, heappush
from math import inf
from time import monotonic

from loguru import logger


class Slots:
    """Up to `count` daemon threads, started as they are needed; a hung call cannot hold up the end of the process.

    :param name: opens the threads' names.
    """

    def __init__(self, count: int, name: str) -> None:
        self._count = count
        self._name = name
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._waiting = 0  # jobs that no thread has finished yet
        self._is_closed = False

    def run(self, job: Callable[[], None]) -> None:
        """Run `job` on the next free thread; what it raises is logged.

        :raises RuntimeError: where there is no thread and the machine gives none.
        """
        with self._lock:
            if self._is_closed:
                return
            if self._waiting >= len(self._threads) < self._count:
                name = f"{self._name}-{len(self._threads)}"
                thread = threading.Thread(target=self._work, name=name, daemon=True)
                try:
                    thread.start()
                except RuntimeError:
                    if not self._threads:
                        raise
                else:
                    self._threads.append(thread)
            self._waiting += 1
        self._jobs.put(job)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            try:
                job()
            except Exception:
                logger.exception("a call's thread")
            with self._lock:
                self._waiting -= 1

    @property
    def is_idle(self) -> bool:
        """Whether nothing waits or runs."""
        return self._waiting == 0

    def close(self) -> None:
        """Let the threads end after what they were given."""
        with self._lock:
            self._is_closed = True
            for _ in self._threads:
                self._jobs.put(None)


class Pace:
    """At most `rate` instructions at the exchange within any second, in the order in which they are asked for.

    When a request arrives is only known to lie between its leaving and its answer: its instructions count from the one
    until a second after the other, but not longer than two, so that what hangs does not hold up the rest. More than
    `rate` in one request leave alone, and count for as many seconds as the rate has them take.
    """

    def __init__(self, rate: float, timer: "Timer", clock: Callable[[], float] = monotonic) -> None:
        self._rate = rate
        self._timer = timer
        self._clock = clock
        self._lock = threading.RLock()
        self._waiting: deque[tuple[int, Callable[[Callable[[], None]], None]]] = deque()
        self._counts: dict[int, int] = {}  # what counts of each request that has left
        self._until: list[tuple[float, int]] = []  # a heap: when a request counts no more
        self._number = 0
        self._total = 0
        self._timed = inf  # when the timer looks again

    @property
    def is_idle(self) -> bool:
        """Whether nothing waits to leave."""
        return not self._waiting

    def run(self, count: int, send: Callable[[Callable[[], None]], None]) -> None:
        """Call `send(answered)`, which has a request of `count` instructions leave, as soon as it may.

        `answered()` is to be called once the request was answered, on any thread.
        """
        with self._lock:
            self._waiting.append((count, send))
            self._run_next()

    def _answered(self, number: int, seconds: float) -> None:
        with self._lock:
            heappush(self._until, (self._clock() + seconds, number))
            self._run_next()

    def _run_next(self) -> None:
        while self._until and self._until[0][0] <= self._clock():
            self._total -= self._counts.pop(heappop(self._until)[1], 0)
        while self._waiting and (not self._total or self._total + self._waiting[0][0] <= self._rate):
            count, send = self._waiting.popleft()
            self._number += 1
            seconds = max(count / self._rate, 1.0)
            self._total += count
            self._counts[self._number] = count
            heappush(self._until, (self._clock() + 1.0 + seconds, self._number))
            send(partial(self._answered, self._number, seconds))
        if self._waiting and self._until[0][0] < self._timed:
            self._timed = self._until[0][0]
            self._timer.call_at(self._timed, self._look_again)

    def _look_again(self) -> None:
        with self._lock:
            self._timed = inf
            self._run_next()


class Timer:
    """Calls functions later, on one thread of its own; they must not take long."""

    def __init__(self, name: str) -> None:
        self._condition = threading.Condition()
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._number = 0
        self._is_closed = False
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def call_at(self, moment: float, function: Callable[[], None]) -> None:
        """Call `function` at `moment` of `time.monotonic`, or soon after."""
        with self._condition:
            self._number += 1
            heappush(self._due, (moment, self._number, function))
            self._condition.notify()

    def _work(self) -> None:
        while True:
            with self._condition:
                while not self._is_closed and (not self._due or self._due[0][0] > monotonic()):
                    self._condition.wait(self._due[0][0] - monotonic() if self._due else None)
                if self._is_closed:
                    return
                function = heappop(self._due)[2]
            try:
                function()
            except Exception:
                logger.exception("a timed call")

    def close(self) -> None:
        """Forget what is due and end."""
        with self._condition:
            self._is_closed = True
            self._due.clear()
            self._condition.notify()
