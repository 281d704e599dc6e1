"""A clock that a test sets."""

from datetime import datetime

from ..clock import EventClock
from .market import START_MS


class SettableClock(EventClock):
    """A clock that stands still until a test moves it; starts when scripted markets do."""

    __slots__ = ()

    def __init__(self, epoch_ms: int = START_MS) -> None:
        super().__init__(epoch_ms)

    def set(self, to: datetime) -> None:
        """Show this time (aware), also if it lies in the past."""
        self.epoch_ms = round(to.timestamp() * 1000)

    def tick(self, seconds: float) -> None:
        """Let seconds pass."""
        self.epoch_ms += round(seconds * 1000)
