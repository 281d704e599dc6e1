"""What a stream does about a failure: how long it waits before it connects anew, and when it gives up."""

import random
import ssl
from time import monotonic

from loguru import logger

from ..errors import StreamError
from ..settings import Settings
from .backoff import Backoff
from .socket import Dropped, Refused

DEAD_SESSION = frozenset({"NO_SESSION", "INVALID_SESSION_INFORMATION"})
"""The session is over: another has to be opened first."""

_NEVER_RIGHT = frozenset(
    {
        "NO_APP_KEY",
        "INVALID_APP_KEY",
        "NOT_AUTHORIZED",
        "SUBSCRIPTION_LIMIT_EXCEEDED",
        "INVALID_INPUT",
        "INVALID_REQUEST",
    }
)
_TOO_MANY = frozenset({"MAX_CONNECTION_LIMIT_EXCEEDED", "TOO_MANY_REQUESTS"})


class Resync(Dropped):
    """The connection is good, but what was received is not whole."""


class Recovery:
    """Counts a stream's failures in a row.

    A stream that has once worked is tried for ever: whatever refuses it now, its key or its filter was right.

    :param name: the stream's, for messages.
    :ivar needs_human: the last failure is one that will hardly pass by itself.
    """

    def __init__(self, name: str, settings: Settings) -> None:
        self._name = name
        self._settings = settings
        self._backoff = Backoff(settings.wait("stream_backoff_first"), settings.wait("stream_backoff_most"))
        self._certificate_failures = 0
        self._has_worked = False
        self._synced_at: float | None = None
        self.needs_human = False
        self._is_news = False

    @property
    def attempts(self) -> int:
        """How many failures there were in a row."""
        return self._backoff.attempts

    @property
    def is_telling(self) -> bool:
        """Whether the last failure is to be told: some of the many, and the first that needs a human."""
        return self._backoff.is_telling or self._is_news

    def connected(self) -> None:
        """Take note that the exchange could be reached and has let us in."""
        self._certificate_failures = 0

    def synced(self) -> None:
        """Take note that the subscription was answered."""
        self._has_worked = True
        self._synced_at = monotonic()

    def failed(self, error: Exception, words: str) -> tuple[float, str]:
        """Return how long to wait and why.

        :param words: the error, for a human.
        :raises StreamError: where the stream has never worked, and waiting is of no use.
        """
        settings = self._settings
        if self._synced_at is not None and monotonic() - self._synced_at > settings.wait("stream_steady"):
            self._backoff.reset()
        self._synced_at = None
        wait = self._backoff.next_wait()
        needed_human, self.needs_human = self.needs_human, False
        if isinstance(error, Refused):
            self.needs_human = error.code in _NEVER_RIGHT
        elif isinstance(error, ssl.SSLCertVerificationError):
            self._certificate_failures += 1
            words = f"the exchange's certificate cannot be verified: {error.verify_message}"
            self.needs_human = self._certificate_failures >= settings.stream_certificate_attempts
        elif isinstance(error, Resync):
            wait = 0.0
        elif isinstance(error, OSError) and not isinstance(error, StreamError):
            words = f"the exchange cannot be reached: {words}"
        elif not isinstance(error, StreamError):
            logger.opt(exception=error).error("{} failed", self._name)
        self._is_news = self.needs_human and not needed_human
        if self.needs_human or (isinstance(error, Refused) and error.code in _TOO_MANY):
            wait = max(wait, settings.wait("stream_limit_backoff") * random.uniform(1.0, 1.5))
        if self.needs_human and not self._has_worked:
            raise StreamError(f"{self._name} is given up: {words}")
        return wait, words
