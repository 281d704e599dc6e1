"""Threads that carry calls, and the pace at which they may: a call that hangs keeps its own slot and no other."""

import queue
import threading
from collections.abc import Callable
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
    """At most `rate` instructions a second, bursts of one second's worth."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._lock = threading.Lock()
        self._credit = rate
        self._at = monotonic()

    def spend(self, count: int) -> float:
        """Take `count` instructions; return the seconds to wait before they may be sent."""
        with self._lock:
            now = monotonic()
            self._credit = min(self._credit + (now - self._at) * self._rate, self._rate)
            self._at = now
            self._credit -= count
            return max(-self._credit / self._rate, 0.0)


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
            self._due.append((moment, self._number, function))
            self._due.sort(key=lambda each: each[:2], reverse=True)
            self._condition.notify()

    def _work(self) -> None:
        while True:
            with self._condition:
                while not self._is_closed and (not self._due or self._due[-1][0] > monotonic()):
                    self._condition.wait(self._due[-1][0] - monotonic() if self._due else None)
                if self._is_closed:
                    return
                function = self._due.pop()[2]
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
