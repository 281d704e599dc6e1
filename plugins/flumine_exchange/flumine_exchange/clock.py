"""The exchange's time: the wall clock, moved on or stopped on request, and waits that follow it."""

import asyncio
import heapq
import time
from collections.abc import Callable
from itertools import count

from flumine_core.clock import LiveClock, to_datetime


def iso(epoch_ms: int) -> str:
    """Return a time (milliseconds since 1970) as Betfair writes it: 2024-06-01T13:00:00.000Z."""
    return f"{to_datetime(epoch_ms):%Y-%m-%dT%H:%M:%S}.{epoch_ms % 1000:03d}Z"


def wall_ns() -> int:
    """Return the wall clock in nanoseconds since 1970, for measurements across processes."""
    return time.time_ns()


class ExchangeClock:
    """Milliseconds since 1970; belongs to the exchange's loop.

    It runs with the wall clock. `advance` moves it on, and wakes whoever waits until then; while frozen it moves
    by `advance` alone. Every wait of the exchange is one of this clock's.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._wall = LiveClock()
        self._offset_ms = 0
        self._frozen_ms: int | None = None
        self._waiting: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def epoch_ms(self) -> int:
        """Now."""
        return self._wall.epoch_ms + self._offset_ms if self._frozen_ms is None else self._frozen_ms

    def advance(self, seconds: float) -> None:
        """Move on by `seconds`; raises ValueError where that is negative."""
        if seconds < 0:
            raise ValueError(f"seconds must not be negative, was {seconds}")
        milliseconds = round(seconds * 1000)
        if self._frozen_ms is None:
            self._offset_ms += milliseconds
        else:
            self._frozen_ms += milliseconds
        self._run_due()

    def freeze(self) -> None:
        """Stop the clock."""
        self._frozen_ms = self.epoch_ms
        self._arm()

    def thaw(self) -> None:
        """Let it run on from where it stands."""
        if self._frozen_ms is not None:
            self._offset_ms = self._frozen_ms - self._wall.epoch_ms
            self._frozen_ms = None
            self._run_due()

    def call_later(self, seconds: float, call: Callable[[], None]) -> None:
        """Call `call` in the loop once so many seconds of this clock have passed."""
        heapq.heappush(self._waiting, (self.epoch_ms + seconds * 1000, next(self._order), call))
        self._arm()

    async def sleep(self, seconds: float) -> None:
        """Wait so many seconds of this clock."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        future: asyncio.Future[None] = self._loop.create_future()
        self.call_later(seconds, lambda: None if future.done() else future.set_result(None))
        await future

    def _run_due(self) -> None:
        now = self.epoch_ms
        while self._waiting and self._waiting[0][0] <= now:
            self._loop.call_soon(heapq.heappop(self._waiting)[2])
        self._arm()

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._waiting and self._frozen_ms is None:
            # a millisecond is the clock's grain: round up, so that what is due is due when the timer rings
            left = max(self._waiting[0][0] - self.epoch_ms, 0) / 1000 + 0.0005
            self._timer = self._loop.call_later(left, self._run_due)
