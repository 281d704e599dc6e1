"""The kernel's inbox: events that other threads put there, and connections that are read as events are asked for.

While it has nothing to do, the kernel's thread reads the connections itself, so that a change needs no other thread on
its way to a strategy. While it is busy for long, a thread of the inbox's own reads them.
"""

import queue
import socket
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import Protocol

from ..events import Event
from .readiness import Readiness, make_readiness

_RELIEF_SECONDS = 0.1
"""A kernel that is busy with the same event for so long, and once more, is relieved of reading."""

_LOOK_SECONDS = 0.005
"""After so long the connections are read again though events wait: changes of the same market become one."""

_MOST_LOOK_SECONDS = 0.1
_CLOSE_SECONDS = 0.5
_FOREVER = float("inf")
_NOW = 0.0

Deliver = Callable[[Event], None]


class Source(Protocol):
    """A connection that is read by whoever has the time."""

    def fileno(self) -> int:
        """Return the number of its socket."""
        ...

    def read(self, deliver: Deliver) -> float:
        """Deliver the events of what has come, without waiting; raises where the connection has ended.

        Returns when (monotonic seconds) it is to be read though nothing has come.
        """
        ...


class _Lent:
    """A source while it is read here.

    :ivar due: when it is to be read though nothing has come.
    :ivar error: why it is not read any more.
    """

    __slots__ = ("deliver", "done", "due", "error", "number", "read")

    def __init__(self, source: Source, deliver: Deliver) -> None:
        self.read = source.read
        self.number = source.fileno()
        self.deliver = deliver
        self.due = 0.0
        self.done = threading.Event()
        self.error: Exception | None = None


class Inbox:
    """What waits for the kernel, in order.

    `get` belongs to the kernel's thread, everything else to any.
    """

    def __init__(self) -> None:
        self._events: deque[Event | None] = deque()
        self._lock = threading.Lock()
        self._is_closed = threading.Event()
        self._readiness: Readiness | None = None
        self._coming: deque[_Lent] = deque()
        self._lents: dict[int, _Lent] = {}
        self._reading = threading.Lock()  # whoever holds it reads the connections
        self._is_idle = False
        self._is_wanted = False
        self._turn = 0
        self._look_at = _FOREVER

    # from any thread

    def put(self, event: Event | None) -> None:
        """Put an event behind the others; None only wakes the kernel."""
        self._events.append(event)
        if self._is_idle:
            self._is_idle = False
            self._ring()

    def qsize(self) -> int:
        """Return how many events wait."""
        return len(self._events)

    def empty(self) -> bool:
        """Whether no event waits."""
        return not self._events

    def lend(self, source: Source, deliver: Deliver) -> None:
        """Have a connection read here, until it ends or the inbox is closed; what it raises is raised here."""
        lent = _Lent(source, deliver)
        with self._lock:
            if self._is_closed.is_set():
                return
            self._open()
            self._coming.append(lent)
        self._ring()
        lent.done.wait()
        if lent.error is not None:
            raise lent.error

    def close(self) -> None:
        """Read no connection any more, and give back those that are lent; the events stay."""
        with self._lock:
            self._is_closed.set()
            readiness = self._readiness
        if readiness is None:
            return
        self._ring()
        self._reading.acquire(timeout=_CLOSE_SECONDS)  # an interrupted `get` may never have let go of it
        for lent in (*self._lents.values(), *self._coming):
            lent.done.set()
        self._bell.close()
        self._ear.close()

    # the kernel's thread

    def get(self, timeout: float | None = None) -> Event | None:
        """Return the next event, as soon as there is one.

        :raises queue.Empty: where there was none within `timeout` seconds, or is none and the inbox is closed.
        """
        self._turn += 1
        events = self._events
        if events:
            if monotonic() >= self._look_at and self._reading.acquire(blocking=False):
                self._look(_NOW)
            return events.popleft()
        until = _FOREVER if timeout is None else monotonic() + timeout
        while not events:
            if self._is_closed.is_set():
                raise queue.Empty
            if self._readiness is None:
                with self._lock:
                    self._open()
            self._take_over()
            self._look(until)
            if not events and monotonic() >= until:
                raise queue.Empty
        return events.popleft()

    def _take_over(self) -> None:
        if not self._reading.acquire(blocking=False):
            self._is_wanted = True
            self._ring()
            self._reading.acquire()
            self._is_wanted = False

    def _look(self, until: float) -> None:
        """Take all that has come; where that is nothing wait for the first that comes, at most until then."""
        try:
            latest = monotonic() + _MOST_LOOK_SECONDS
            while self._read(_NOW) and monotonic() < latest:
                pass
            if not self._events:
                self._is_idle = True
                self._read(_NOW if self._events else until)  # what was put before it was idle has not rung
        finally:
            self._reading.release()

    # whoever reads

    def _open(self) -> None:
        if self._readiness is None:
            self._ear, self._bell = socket.socketpair()
            for end in (self._ear, self._bell):
                end.setblocking(False)
            self._readiness = make_readiness()
            self._readiness.register(self._ear.fileno())
            self._look_at = 0.0
            threading.Thread(target=self._relieve, name="relief", daemon=True).start()

    def _ring(self) -> None:
        """Wake whoever waits for the connections."""
        with suppress(OSError):  # it has rung often enough, or nobody waits any more
            self._bell.send(b"!")

    def _relieve(self) -> None:
        seen = -1
        while not self._is_closed.wait(_RELIEF_SECONDS):
            turn = self._turn
            if turn == seen and self._reading.acquire(blocking=False):
                try:
                    while not (self._is_wanted or self._is_closed.is_set()):
                        self._read(_FOREVER)
                finally:
                    self._reading.release()
            seen = turn

    def _read(self, until: float) -> bool:
        """Wait for connections until then (monotonic seconds), and read once what has come; whether there was any."""
        lents = self._lents
        readiness = self._readiness
        assert readiness is not None
        while self._coming:
            self._admit(self._coming.popleft(), readiness)
        for lent in lents.values():
            if lent.due < until:
                until = lent.due
        try:
            ready = readiness.wait(until)
        except (OSError, ValueError):  # another thread has closed one: reading tells which
            ready = [(number, 0) for number in lents]
        self._is_idle = False
        for number, _ in ready:
            found = lents.get(number)
            if found is None:
                with suppress(OSError):
                    self._ear.recv(4096)
                continue
            try:
                found.due = found.read(found.deliver)
            except Exception as error:
                self._give_back(found, error)
        now = monotonic()
        self._look_at = now + _LOOK_SECONDS
        if now >= until:
            for lent in [each for each in lents.values() if each.due <= now]:
                self._take(lent)
        return bool(ready)

    def _admit(self, lent: _Lent, readiness: Readiness) -> None:
        known = self._lents.get(lent.number)
        if known is not None:  # another thread has closed it, and the system has given its number away again
            self._take(known)
        if lent.number >= 0:
            self._lents[lent.number] = lent
            readiness.register(lent.number)
        self._take(lent)

    def _take(self, lent: _Lent) -> None:
        try:
            lent.due = lent.read(lent.deliver)
        except Exception as error:
            self._give_back(lent, error)

    def _give_back(self, lent: _Lent, error: Exception) -> None:
        if self._lents.pop(lent.number, None) is not None:
            assert self._readiness is not None
            self._readiness.unregister(lent.number)
        lent.error = error
        lent.done.set()
