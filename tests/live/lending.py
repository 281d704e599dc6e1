"""Sources that tests lend to an inbox, and who lends them."""

import socket
import threading
import time
from collections.abc import Callable
from typing import Any

from flumine_core.errors import StreamError
from flumine_core.events import CustomEvent, Event
from flumine_core.live.inbox import Inbox

from .rig import PATIENCE


class Source:
    """One end of a pair of sockets, which notes on which thread it is read."""

    def __init__(self, due: float = float("inf")) -> None:
        self.here, self.there = socket.socketpair()
        self.here.setblocking(False)
        self.due = due
        self.threads: list[int] = []
        self.reads = 0

    def fileno(self) -> int:
        return self.here.fileno()

    def read(self, deliver: Callable[[Event], None]) -> float:
        self.reads += 1
        try:
            received = self.here.recv(4096)
        except BlockingIOError:
            return self.due
        self.threads.append(threading.get_ident())
        if received == b"end":
            raise StreamError("it has ended")
        deliver(CustomEvent(received.decode()))
        return self.due

    def close(self) -> None:
        self.here.close()
        self.there.close()


class Closing(Source):
    """A source whose socket another thread may close, and whose reader then is told."""

    def __init__(self, number: int | None = None) -> None:
        super().__init__()
        self.number = self.here.fileno() if number is None else number
        self.was_asked = False

    def fileno(self) -> int:
        self.was_asked = True
        return self.number

    def read(self, deliver: Callable[[Event], None]) -> float:
        if self.here.fileno() < 0:
            raise StreamError("it was closed")
        return super().read(deliver)


class Slow(Source):
    """A source of which a read takes a while."""

    def __init__(self) -> None:
        super().__init__()
        self.is_being_read = False

    def read(self, deliver: Callable[[Event], None]) -> float:
        self.is_being_read = True
        time.sleep(0.1 if self.reads else 0)
        try:
            return super().read(deliver)
        finally:
            self.is_being_read = False


class Lender:
    """A thread that has lent a source, as a stream's does."""

    def __init__(self, inbox: Inbox, source: Source) -> None:
        self.source = source
        self.error: Exception | None = None
        self._inbox = inbox
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        try:
            self._inbox.lend(self.source, self._inbox.put)
        except StreamError as error:
            self.error = error

    def ended(self) -> None:
        self.thread.join(PATIENCE)
        assert not self.thread.is_alive()


def text(event: Any) -> str:
    return str(event.event)
