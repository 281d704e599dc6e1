"""How late a stream's messages arrive, by a clock that need not agree with the exchange's."""

from loguru import logger

_BELIEVABLE = 1.0
"""Seconds of constant difference that are taken for the way of a message, and not for a clock that is wrong."""

_WINDOW_MS = 300_000


class LatencyGauge:
    """Measures the seconds from publishing to arrival, against the least of the last minutes.

    A message that seems to come from the future, or always to be late by more than a second, tells of a clock that
    is off: the smallest difference then counts as that, and only what exceeds it as latency. Nothing is refused
    because of latency: it is told, and the stream's own state decides.

    :ivar skew: seconds by which this machine's clock is ahead of the exchange's, as far as can be told.
    :ivar least, window_ends: only a difference that is smaller, or an arrival that is later, is news (milliseconds).
    """

    def __init__(self, name: str) -> None:
        self.skew = 0.0
        self.least = self._least_before = float("inf")
        self.window_ends = 0
        self._name = name
        self._is_told = False

    def latency(self, difference: float) -> float:
        """Return the seconds that a difference (milliseconds) between arrival and publish time stands for."""
        return max(difference / 1000 - self.skew, 0.0)

    def note(self, arrival_ms: int, difference: float) -> None:
        """Take note of a difference between arrival and publish time, in milliseconds."""
        if arrival_ms >= self.window_ends:
            self.window_ends = arrival_ms + _WINDOW_MS
            self._least_before = self.least
        elif difference >= self.least:
            return
        self.least = difference
        least = min(self._least_before, difference) / 1000
        self.skew = 0.0 if 0 <= least <= _BELIEVABLE else least
        if least < 0 and not self._is_told:
            self._is_told = True
            logger.warning("{}: this clock is at least {:.2f} s behind the exchange's", self._name, -least)
