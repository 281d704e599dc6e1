"""What each kind of live stream says of itself: how it subscribes, what messages mean to it, how current it is."""

import threading
from collections.abc import Iterator, Sequence

from ..events import Event
from .message import StreamMessage
from .socket import StreamSocket

NEVER = float("inf")


class StreamKind:
    """Base of the live streams, with what may differ between them.

    :ivar brings_data: among its events may be data, of which the oldest are dropped where too many wait.
    :ivar due: when (monotonic seconds) `on_due` is to be called though nothing was received.
    :ivar stale_reason: why what this stream has brought may be out of date; None while it is current.
    """

    brings_data = True

    def __init__(self) -> None:
        self.due = NEVER
        self.stale_reason: str | None = "its stream has not connected yet"
        self._lock = threading.Lock()
        self._stale_epoch = 0
        self._told_epoch = -1

    def subscribe(self, connection: StreamSocket, initial_clk: str | None, clk: str | None) -> int:
        """Send the subscription and return its number."""
        raise NotImplementedError

    def take(self, messages: Sequence[StreamMessage], is_first: bool) -> Iterator[Event]:
        """Yield events of one whole message, in its segments if it came in several.

        :param is_first: it answers the subscription: an image of everything, or what changed since the last clk.
        """
        raise NotImplementedError

    def synced(self, epoch: int) -> Iterator[Event]:
        """Yield events that follow the answer to a subscription, and the end of an upstream delay.

        Whoever has come so far in reading calls `current(epoch)`.
        """
        self.current(epoch)
        yield from ()

    def dropped(self) -> Iterator[Event]:
        """Yield events that follow the loss of a connection."""
        yield from ()

    def missed(self) -> Iterator[Event]:
        """Yield events that follow the loss, for good, of what may have been a change."""
        yield from ()

    def on_due(self) -> Iterator[Event]:
        """Yield events that are due because nothing was received."""
        yield from ()

    def _stale(self, reason: str) -> None:
        with self._lock:
            self._stale_epoch += 1
            self.stale_reason = reason

    def current(self, epoch: int) -> None:
        """Take note that everything received up to `epoch` is known to who reads it, from any thread."""
        with self._lock:
            if epoch == self._stale_epoch:
                self.stale_reason = None
