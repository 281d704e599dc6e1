"""A writer in a process of its own: what the run hands over to it, and what becomes of that if it dies."""

import os
import select
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Sequence

from loguru import logger

from .backlog import MOST_TIMES_MEMORY
from .database import Away, Rejected
from .wire import (
    Close,
    Closed,
    Frame,
    Frames,
    Kept,
    Logged,
    Terms,
    Told,
    decode_answer,
    framed,
)
from .writer import Report, Writer

BUFFER = 1 << 20
"""Bytes that the system is asked to take at once: the fewer pieces, the less often the trading loop is held up."""

PATIENCE = 1.0
"""Seconds that `put` waits, at most, for the process to take what it is given."""

LAST_SECONDS = 5.0
"""Seconds beyond those of the writer that its last word is waited for, at most."""

_ERRORS: dict[str, type[Exception]] = {
    kind.__name__: kind for kind in (Away, Rejected, OSError, ValueError, TypeError, RuntimeError)
}


class WriterProcess:
    """Has a process of its own write one run's entries; to be used by one thread.

    Entries are kept until the process has them in the database or in the spool. If it dies, or does not take them any
    more, a writer on a thread of this process goes on from there; the database knows what it has.

    :ivar last_seconds: how long, beyond the seconds that `close` gives, the process's last word is waited for.
    """

    def __init__(self, terms: Terms, report: Report) -> None:
        self.terms = terms
        self.report = report
        self.last_seconds = LAST_SECONDS
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None
        self._frames = Frames()
        self._kept: deque[Frame] = deque()
        self._count = 0
        self._outgoing: deque[memoryview] = deque()
        self._closed: Closed | None = None
        self._fallback: Writer | None = None

    @property
    def spool(self) -> str:
        """The directory for what cannot be written now."""
        return self.terms.spool

    @property
    def pid(self) -> int | None:
        """The process's id, None where there is none."""
        return None if self._process is None else self._process.pid

    def start(self) -> None:
        """Start the process, unless it is started; where that is not possible, start a thread.

        :raises OSError: where the spool's directory cannot be made or written to.
        """
        if self._socket is not None or self._fallback is not None:
            return
        try:
            own, others = socket.socketpair()
            with others:
                self._socket = own
                own.setblocking(False)
                own.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
                self._process = subprocess.Popen(
                    [sys.executable, "-P", "-m", f"{__package__}.child", str(others.fileno()), str(os.getpid())],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    pass_fds=(others.fileno(),),
                    start_new_session=True,
                    env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                )
        except (OSError, AttributeError, ValueError) as error:
            self._fall_back(error if isinstance(error, OSError) else OSError(str(error)))
            return
        self._outgoing.append(memoryview(framed(self.terms)))
        self._exchange(0.0)

    def put(self, frames: Sequence[Frame]) -> None:
        """Hand entries over; where there are none, what the process says is heard alone."""
        if self._fallback is not None:
            self._fallback.put(frames)
            return
        if self._closed is not None:
            if frames:
                raise OSError(f"{sum(frame.size for frame in frames)} entries came after the end")
            return
        for frame in frames:
            self._kept.append(frame)
            self._count += frame.size
            self._outgoing.append(memoryview(frame.data))
        self._exchange(PATIENCE)
        if self._fallback is None and self._count > self.terms.memory * MOST_TIMES_MEMORY:
            self._fall_back(OSError(f"the writer's process {self.pid} takes nothing any more"))

    def close(self, seconds: float) -> int:
        """Write what is left, for `seconds` at most, and end; return how many entries stay in the spool."""
        deadline = time.monotonic() + seconds
        if self._fallback is None:
            self._outgoing.append(memoryview(framed(Close(seconds))))
            limit = deadline + self.last_seconds
            while self._fallback is None and self._closed is None and (rest := limit - time.monotonic()) > 0:
                self._exchange(min(rest, 0.2), is_last=True)
            if self._closed is not None:
                self._end_process(self.last_seconds)
                return self._closed.left
            if self._fallback is None:
                self._fall_back(OSError(f"the writer's process {self.pid} does not end"))
        assert self._fallback is not None
        return self._fallback.close(max(deadline - time.monotonic(), 0.0))

    def _exchange(self, seconds: float, is_last: bool = False) -> None:
        """Send what is to be sent, for `seconds` at most, and hear what the process says; the last word is awaited."""
        deadline = time.monotonic() + seconds
        assert self._socket is not None
        try:
            while True:
                wait = max(deadline - time.monotonic(), 0.0) if self._outgoing or is_last else 0.0
                watched = select.poll()
                watched.register(self._socket, select.POLLIN | (select.POLLOUT if self._outgoing else 0))
                ready = watched.poll(wait * 1000)
                if not ready:
                    return
                if ready[0][1] & ~select.POLLOUT:
                    self._hear(self._socket)
                if ready[0][1] & select.POLLOUT:
                    self._send(self._socket)
                if self._closed is not None:
                    return
        except OSError as error:
            if self._closed is None:
                self._fall_back(error)

    def _send(self, connection: socket.socket) -> None:
        while self._outgoing:
            piece = self._outgoing[0]
            try:
                sent = connection.send(piece)
            except BlockingIOError:
                return
            if sent == len(piece):
                self._outgoing.popleft()
            else:
                self._outgoing[0] = piece[sent:]

    def _hear(self, connection: socket.socket) -> None:
        piece = connection.recv(1 << 16)
        if not piece:
            raise ConnectionResetError(f"the writer's process {self.pid} has died")
        for frame in self._frames.feed(piece):
            answer = decode_answer(frame)
            match answer:
                case Kept(number):
                    while self._kept and self._kept[0].last <= number:
                        self._count -= self._kept.popleft().size
                case Told(what, kind, text):
                    error = _ERRORS.get(kind)
                    self.report(what, RuntimeError(f"{kind}: {text}") if error is None else error(text))
                case Logged(level, text):
                    logger.log(level, "{}", text)
                case Closed():
                    self._closed = answer

    def _end_process(self, seconds: float) -> None:
        if self._socket is not None:
            self._socket.close()
        if self._process is not None:
            try:
                self._process.wait(seconds)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def _fall_back(self, error: OSError) -> None:
        """Write on a thread from now on, beginning with what the process may not have kept."""
        self.report("process", error)
        if self._process is not None:
            self._process.kill()
        self._end_process(LAST_SECONDS)
        self._fallback = Writer(self.terms, self.report)
        try:
            self._fallback.start()
        finally:
            self._fallback.put(self._kept)
            self._kept.clear()
            self._outgoing.clear()
