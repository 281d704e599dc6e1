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
    """

    def __init__(self, name: str) -> None:
        self.skew = 0.0
        self._name = name
        self._least = self._least_of_window = float("inf")
        self._window_ends = 0
        self._is_told = False

    def measure(self, arrival_ms: int, publish_time: int) -> float:
        """Return how many seconds a message took."""
        difference = (arrival_ms - publish_time) / 1000
        if difference < self._least_of_window or arrival_ms >= self._window_ends:
            self._note(arrival_ms, difference)
        skew = self.skew
        return difference - skew if difference > skew else 0.0

    def _note(self, arrival_ms: int, difference: float) -> None:
        if arrival_ms >= self._window_ends:
            self._window_ends = arrival_ms + _WINDOW_MS
            self._least = self._least_of_window
        self._least_of_window = difference
        self._judge()

    def _judge(self) -> None:
        least = min(self._least, self._least_of_window)
        self.skew = 0.0 if 0 <= least <= _BELIEVABLE else least
        if least < 0 and not self._is_told:
            self._is_told = True
            logger.warning("{}: this clock is at least {:.2f} s behind the exchange's", self._name, -least)
