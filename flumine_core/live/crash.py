"""Named points at which a process may be made to die: proof that an order survives that, wherever it happens."""

from collections.abc import Callable

POINTS = ("journal", "send", "receive")
"""Before the journal commits, before a request leaves, after an answer has come."""

_watchers: list[Callable[[str], None]] = []


def watch(watcher: Callable[[str], None]) -> None:
    """Tell `watcher` the name of every point that is reached from now on, on the thread that reaches it."""
    _watchers.append(watcher)


def reach(point: str) -> None:
    """Note that a point was reached."""
    for watcher in _watchers:
        watcher(point)
