"""Jittered, growing waits between attempts, and which of the attempts are worth telling."""

from tenacity import RetryCallState, Retrying, wait_random_exponential


class Backoff:
    """Counts failed attempts in a row and says how long to wait before the next.

    The wait is drawn between `first` / 2 and a bound that doubles from `first` up to `most` seconds, so that many
    connections lost at once do not come back at once.
    """

    def __init__(self, first: float, most: float) -> None:
        self.attempts = 0
        self._wait = wait_random_exponential(multiplier=first, max=most, min=first / 2)
        self._state = RetryCallState(Retrying(), None, (), {})

    def next_wait(self) -> float:
        """Count a failed attempt and return the seconds to wait."""
        self.attempts += 1
        self._state.attempt_number = self.attempts
        return float(self._wait(self._state))

    def reset(self) -> None:
        """Start anew: the last attempt was good."""
        self.attempts = 0

    @property
    def is_telling(self) -> bool:
        """Whether this failure is to be told: the 1st, 2nd, 4th, 8th, ... in a row."""
        return self.attempts & (self.attempts - 1) == 0
