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

_FINAL = frozenset({"NO_APP_KEY", "INVALID_APP_KEY", "NOT_AUTHORIZED"})
_NEVER_RIGHT = frozenset({"SUBSCRIPTION_LIMIT_EXCEEDED", "INVALID_INPUT", "INVALID_REQUEST"})
_TOO_MANY = frozenset({"MAX_CONNECTION_LIMIT_EXCEEDED", "TOO_MANY_REQUESTS"})


class Resync(Dropped):
    """The connection is good, but what was received is not whole."""


class Recovery:
    """Counts a stream's failures in a row.

    :param name: the stream's, for messages.
    """

    def __init__(self, name: str, settings: Settings) -> None:
        self._name = name
        self._settings = settings
        self._backoff = Backoff(settings.wait("stream_backoff_first"), settings.wait("stream_backoff_most"))
        self._certificate_failures = 0
        self._synced_at: float | None = None

    @property
    def attempts(self) -> int:
        """How many failures there were in a row."""
        return self._backoff.attempts

    @property
    def is_telling(self) -> bool:
        """Whether the last failure is to be told."""
        return self._backoff.is_telling

    def connected(self) -> None:
        """Take note that the exchange could be reached and has let us in."""
        self._certificate_failures = 0

    def synced(self) -> None:
        """Take note that the subscription was answered."""
        self._synced_at = monotonic()

    def failed(self, error: Exception, words: str, is_known_good: bool) -> tuple[float, str]:
        """Return how long to wait and why.

        :param words: the error, for a human.
        :param is_known_good: the subscription was accepted before, so that a refusal may pass.
        :raises StreamError: where waiting is of no use.
        """
        settings = self._settings
        if self._synced_at is not None and monotonic() - self._synced_at > settings.wait("stream_steady"):
            self._backoff.reset()
        self._synced_at = None
        wait = self._backoff.next_wait()
        if isinstance(error, Refused):
            code = error.code
            if code in _FINAL or (code in _NEVER_RIGHT and not is_known_good):
                self._give_up(words)
            if code in _TOO_MANY or code in _NEVER_RIGHT:
                wait = max(wait, settings.wait("stream_limit_backoff") * random.uniform(1.0, 1.5))
        elif isinstance(error, ssl.SSLCertVerificationError):
            self._certificate_failures += 1
            words = f"the exchange's certificate cannot be verified: {error.verify_message}"
            if self._certificate_failures >= settings.stream_certificate_attempts:
                self._give_up(words)
        elif isinstance(error, Resync):
            wait = 0.0
        elif isinstance(error, OSError) and not isinstance(error, StreamError):
            words = f"the exchange cannot be reached: {words}"
        elif not isinstance(error, StreamError):
            logger.opt(exception=error).error("{} failed", self._name)
        return wait, words

    def _give_up(self, reason: str) -> None:
        raise StreamError(f"{self._name} is given up: {reason}")
