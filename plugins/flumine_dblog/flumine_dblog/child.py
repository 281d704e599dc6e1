"""The process that writes for a run: it takes entries from a socket, and ends with the run."""

import gc
import os
import queue
import select
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from loguru import logger

from .wire import Answer, Close, Closed, Frames, Kept, Logged, Told, decode_request, decode_terms, framed
from .writer import Writer

LOOK_SECONDS = 0.2
"""How long nothing comes before it is seen whether the run is still there."""

NICE = 10
"""By how much the process comes after others for a processor."""

PIECE = 1 << 20
"""Bytes that are taken from the socket at a time."""


class _Voice:
    """Says what is to be said on a thread of its own, so that who writes and who listens never wait for the run."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._answers: queue.SimpleQueue[Answer | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="flumine_dblog voice", daemon=True)
        self._thread.start()

    def say(self, answer: Answer) -> None:
        self._answers.put(answer)

    def tell(self, what: str, error: Exception) -> None:
        self.say(Told(what, type(error).__name__, str(error)))

    def log(self, message: Any) -> None:
        self.say(Logged(message.record["level"].name, message.record["message"]))

    def end(self, seconds: float) -> None:
        """Say what is still to be said, for `seconds` at most: the run may be gone, or not listen."""
        self._answers.put(None)
        self._thread.join(seconds)

    def _run(self) -> None:
        while (answer := self._answers.get()) is not None:
            try:
                self._connection.sendall(framed(answer))
            except OSError:  # the run is gone
                return


def _pieces(connection: socket.socket, run: int) -> Iterator[bytes]:
    """Yield what comes, and b"" where nothing does for a while, until the run is gone."""
    while True:
        # a process that the run has forked may hold the other end open
        is_orphan = os.getppid() != run
        if not select.select([connection], (), (), LOOK_SECONDS)[0]:
            if is_orphan:
                return
            yield b""
            continue
        try:
            piece = connection.recv(PIECE)
        except OSError:
            return
        if not piece:
            return
        yield piece


def serve(connection: socket.socket, run: int) -> None:
    """Write what comes until the run asks to close, or is gone; `run` is its process id."""
    voice = _Voice(connection)
    logger.remove()
    logger.add(voice.log, level="TRACE", format="{message}")
    frames = Frames()
    writer: Writer | None = None
    close, seconds, kept = None, 0.0, 0
    for piece in _pieces(connection, run):
        for frame in frames.feed(piece):
            if writer is None:
                terms = decode_terms(frame)
                seconds = terms.close_seconds
                writer = Writer(terms, voice.tell)
                try:
                    writer.start()
                except OSError as error:
                    voice.tell("spool", error)
                continue
            request = decode_request(frame)
            if isinstance(request, Close):
                close = request
                break
            writer.put_pieces(request)
        if close is not None:
            seconds = close.seconds
            break
        if writer is not None and writer.kept != kept:
            kept = writer.kept
            voice.say(Kept(kept))
    if writer is not None:
        voice.say(Closed(writer.close(seconds)))
    voice.end(LOOK_SECONDS if close is None else 5.0)


def main() -> None:
    """Serve the run whose socket and process id the command line names."""
    # the trading loop is never to wait for a processor because of what is written beside it
    with suppress(OSError):
        os.nice(NICE)
    # entries are many, and make no circles: to look through them again and again finds nothing
    gc.freeze()
    gc.set_threshold(100_000)
    # what ends a run is sent to all of its processes, and this one has the rest to write
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        signal.signal(getattr(signal, name), signal.SIG_IGN)
    serve(socket.socket(fileno=int(sys.argv[1])), int(sys.argv[2]))
    # a thread that waits for a server that hangs is not waited for
    os._exit(0)


if __name__ == "__main__":
    main()
