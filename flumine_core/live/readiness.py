"""Which sockets have something to read: `poll` where the system has it, else `select`.

The standard library's selectors do the same, with more work a call; this is on the way of every change.
"""

import select
from collections.abc import Sequence
from math import ceil
from time import monotonic
from typing import Protocol

_MOST_SECONDS = 3600.0


class Readiness(Protocol):
    """Waits for sockets, which are known by their numbers."""

    def register(self, number: int) -> None:
        """Wait for one more."""
        ...

    def unregister(self, number: int) -> None:
        """Wait for one less."""
        ...

    def wait(self, until: float) -> Sequence[tuple[int, int]]:
        """Return those that have something to read, none where that is so at `until` (monotonic seconds) still.

        Each comes with a number that says nothing.
        """
        ...


class _Poll:
    def __init__(self) -> None:
        self._poll = select.poll()
        self.unregister = self._poll.unregister

    def register(self, number: int) -> None:
        self._poll.register(number, select.POLLIN)

    def wait(self, until: float) -> list[tuple[int, int]]:
        seconds = min(until - monotonic(), _MOST_SECONDS) if until else 0.0
        return self._poll.poll(ceil(seconds * 1000) if seconds > 0 else 0)


class _Select:
    def __init__(self) -> None:
        self._numbers: list[int] = []
        self.register = self._numbers.append
        self.unregister = self._numbers.remove

    def wait(self, until: float) -> list[tuple[int, int]]:
        seconds = max(min(until - monotonic(), _MOST_SECONDS), 0.0)
        return [(number, 0) for number in select.select(self._numbers, (), (), seconds)[0]]


def make_readiness() -> Readiness:
    """Return what this system has."""
    return _Poll() if hasattr(select, "poll") else _Select()
