"""How late a stream's messages arrive, by a clock that need not agree with the exchange's."""

from loguru import logger

_BELIEVABLE = 1.0
"""Seconds of constant difference that are taken for the way of a message, and not for a clock that is wrong."""


class LatencyGauge:
    """Measures the seconds from publishing to arrival, against the least that was seen.

    A message that seems to come from the future, or always to be late by more than a second, tells of a clock that
    is off: the smallest difference then counts as that, and only what exceeds it as latency. Nothing is refused
    because of latency: it is told, and the stream's own state decides.

    :ivar skew: seconds by which this machine's clock is ahead of the exchange's, as far as can be told.
    """

    def __init__(self, name: str) -> None:
        self.skew = 0.0
        self._name = name
        self._least: float | None = None
        self._is_told = False

    def measure(self, arrival_ms: int, publish_time: int) -> float:
        """Return how many seconds a message took."""
        difference = (arrival_ms - publish_time) / 1000
        if self._least is None or difference < self._least:
            self._least = difference
            self.skew = 0.0 if 0 <= difference <= _BELIEVABLE else difference
            if difference < 0 and not self._is_told:
                self._is_told = True
                logger.warning(
                    "{}: this machine's clock is at least {:.2f} s behind the exchange's", self._name, -difference
                )
        return max(difference - self.skew, 0.0)
