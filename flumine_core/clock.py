"""Time as it is told: the only module that reads the wall clock."""

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_datetime(epoch_ms: int) -> datetime:
    """Return `epoch_ms` (milliseconds since 1970, UTC) as an aware datetime, exact to the millisecond."""
    return _EPOCH + timedelta(milliseconds=epoch_ms)


class Clock(Protocol):
    """What tells the house its time."""

    epoch_ms: int
    """Milliseconds since 1970-01-01 UTC."""

    def now(self) -> datetime:
        """Return the time as an aware UTC datetime."""
        ...

    def advance(self, epoch_ms: int) -> None:
        """Take note of an event's publish time (milliseconds); never runs backwards."""
        ...


class LiveClock:
    """The wall clock; events do not move it."""

    __slots__ = ()

    @property
    def epoch_ms(self) -> int:
        """Milliseconds since 1970-01-01 UTC."""
        return time.time_ns() // 1_000_000

    @epoch_ms.setter
    def epoch_ms(self, value: int) -> None:
        raise AttributeError("the wall clock cannot be set")

    def now(self) -> datetime:
        """Return the time as an aware UTC datetime."""
        return datetime.now(UTC)

    def advance(self, epoch_ms: int) -> None:
        """Do nothing: the wall clock advances by itself."""


running: list[Clock] = []
"""The clocks of the process's frameworks that run, the latest begun last."""


class EventClock:
    """A clock that events move: its time is the latest publish time it was told."""

    __slots__ = ("epoch_ms",)

    def __init__(self, epoch_ms: int = 0) -> None:
        self.epoch_ms = epoch_ms

    def now(self) -> datetime:
        """Return the time as an aware UTC datetime."""
        return to_datetime(self.epoch_ms)

    def advance(self, epoch_ms: int) -> None:
        """Move to `epoch_ms` (milliseconds) unless that lies in the past."""
        if epoch_ms > self.epoch_ms:
            self.epoch_ms = epoch_ms

    def reset(self, epoch_ms: int = 0) -> None:
        """Start anew at `epoch_ms`, as before the first line of another file."""
        self.epoch_ms = epoch_ms
