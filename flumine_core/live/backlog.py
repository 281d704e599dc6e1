"""Raw and sports data on their way to the kernel: so much may wait there, then the newest takes the oldest's place."""

import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from ..errors import DataError
from ..events import Event, RawDataEvent, SportsDataEvent

_DATA = (RawDataEvent, SportsDataEvent)


class WaitingEvent(Event):
    """Stands in the queue for the oldest event that waits in a backlog when the kernel comes to it."""

    def __init__(self, take: Callable[[], Event]) -> None:
        self.take = take


class Backlog:
    """Data events of one stream that the kernel has not come to.

    :param most: so many may wait.
    :param on_dropped: told of each event that was dropped, in words.
    :param put: puts an event on the kernel's queue.
    """

    def __init__(
        self,
        stream: Any,
        most: int,
        on_dropped: Callable[[DataError], None],
        put: Callable[[Event], None],
    ) -> None:
        self._stream = stream
        self._most = most
        self._on_dropped = on_dropped
        self._put = put
        self._events: deque[Event] = deque()
        self._has_gap = False
        self._lock = threading.Lock()
        self._token = WaitingEvent(self._take)

    def put(self, event: Event) -> None:
        """Hand an event on, or have it wait here while something stands in the queue for it.

        Anything but market, race and cricket data is handed on as it is: no word of an order is ever dropped.
        """
        if not isinstance(event, _DATA) or getattr(event, "op", "") == "ocm":
            self._put(event)
            return
        with self._lock:
            self._events.append(event)
            is_full = len(self._events) > self._most
            if is_full:
                self._events.popleft()
                self._has_gap = True
        if is_full:
            told = f"the oldest data were dropped, since {self._most} messages waited already (max_data_waiting)"
            self._on_dropped(DataError(told))
        else:
            self._put(self._token)

    def _take(self) -> Event:
        with self._lock:
            event = self._events.popleft()
            has_gap, self._has_gap = self._has_gap, False
        if has_gap and isinstance(event, RawDataEvent) and hasattr(self._stream, "begin_anew"):
            self._stream.begin_anew()  # changes without those before them are worth little: an image is to follow
        return event
