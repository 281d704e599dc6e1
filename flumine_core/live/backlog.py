"""Raw and sports data on their way to the kernel: so much may wait there, then the newest takes the oldest's place."""

import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from ..errors import DataError
from ..events import Event, RawDataEvent, SportsDataEvent


class WaitingEvent(Event):
    """Stands in the queue for the oldest event that waits in a backlog when the kernel comes to it."""

    def __init__(self, take: Callable[[], Event]) -> None:
        self.take = take


class Backlog:
    """Data events of one stream that the kernel has not come to.

    :param most: so many may wait.
    :param on_dropped: told of each event that was dropped, in words.
    """

    def __init__(self, stream: Any, most: int, on_dropped: Callable[[DataError], None]) -> None:
        self._stream = stream
        self._most = most
        self._on_dropped = on_dropped
        self._events: deque[Event] = deque()
        self._has_gap = False
        self._lock = threading.Lock()
        self._token = WaitingEvent(self._take)

    def put(self, event: Event) -> Event | None:
        """Keep an event and return what is to stand in the queue for it; None: there is enough there already.

        Anything but market, race and cricket data is returned as it is: no word of an order is ever dropped.
        """
        if not is_data(event):
            return event
        with self._lock:
            self._events.append(event)
            if len(self._events) <= self._most:
                return self._token
            self._events.popleft()
            self._has_gap = True
        told = f"the oldest data were dropped, since {self._most} messages waited already (max_data_waiting)"
        self._on_dropped(DataError(told))
        return None

    def _take(self) -> Event:
        with self._lock:
            event = self._events.popleft()
            has_gap, self._has_gap = self._has_gap, False
        if has_gap and isinstance(event, RawDataEvent) and hasattr(self._stream, "begin_anew"):
            self._stream.begin_anew()  # changes without those before them are worth little: an image is to follow
        return event


def is_data(event: Event) -> bool:
    """Whether an event holds data that may be dropped where there are too many."""
    return isinstance(event, SportsDataEvent) or (isinstance(event, RawDataEvent) and event.op != "ocm")
