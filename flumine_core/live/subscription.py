"""A subscription that lives through its connections: watched, resumed, its segments whole, its failures named."""

import threading
from collections.abc import Callable, Iterable, Iterator
from time import monotonic
from typing import Any, Protocol

from loguru import logger

from ..contract.endpoints import Endpoints
from ..errors import DataError, StreamError
from ..events import Event
from ..hint import one_line
from ..settings import Settings
from .inbox import Deliver, Source
from .message import StreamMessage, decode_stream_message, shown
from .recovery import DEAD_SESSION, Recovery, Resync
from .socket import Address, Dropped, Refused, StreamSocket, refusal_of
from .streamkind import NEVER, StreamKind

LEAST_HEARTBEAT_MS, MOST_HEARTBEAT_MS = 500, 5000
"""What may be asked for."""


class Account(Protocol):
    """Whose session a connection is opened with."""

    endpoints: Endpoints

    @property
    def username(self) -> str: ...

    @property
    def betting_client(self) -> Any: ...


class Reporter(Protocol):
    """Who is told what went wrong."""

    def bad_line(self, text: str) -> None: ...

    def trouble(self, text: str) -> None: ...

    def alert(self, text: str) -> None: ...

    def renew_session(self, account: Any, dead_token: str | None) -> None: ...


class LiveStream(StreamKind):
    """Base of the live streams: iterate it, on a thread of its own, for events.

    It connects with the session token of that moment, subscribes, reads, and when the connection is lost waits and
    connects anew, until `stop()`. Kinds of streams say how they subscribe and what they make of whole messages.

    :ivar stream_id: becomes `streaming_unique_id` of books and events.
    :ivar heartbeat_ms: what the exchange is asked for; `heartbeat` is what it has said to do, in seconds.
    :ivar connections, bad_lines: how many there were.
    """

    change_op = ""
    is_resuming = True
    is_sports_data = False

    def __init__(self, stream_id: int, account: Account, settings: Settings, reporter: Reporter) -> None:
        super().__init__()
        self.stream_id = stream_id
        self.account = account
        self.settings = settings
        self.connections = 0
        self.bad_lines = 0
        wanted = round(settings.wait("stream_heartbeat") * 1000)
        self.heartbeat_ms = min(max(wanted, LEAST_HEARTBEAT_MS), MOST_HEARTBEAT_MS)
        self.heartbeat = self.heartbeat_ms / 1000
        self._reporter = reporter
        self._stop = threading.Event()
        self._socket: StreamSocket | None = None
        self._lend: Callable[[Source], None] | None = None
        self._heard_at = 0.0
        self._request_id = stream_id
        self._subscription_id = 0
        self._initial_clk: str | None = None
        self._clk: str | None = None
        self._segments: list[StreamMessage] = []
        self._is_synced = False
        self._resynced_at: float | None = None
        self._anew_at: float | None = None
        self._is_anew = False
        self._is_anew_owed = False
        self._recovery = Recovery(repr(self), settings)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.stream_id} of {self.account.username}>"

    # its life

    def read_by(self, lend: Callable[[Source], None]) -> None:
        """Have connections read by somebody else, who delivers the events.

        :param lend: is called on the iterating thread with what is to be read, and returns or raises when that ends.
        """
        self._lend = lend

    def stop(self) -> None:
        """End the iteration within a second, from any thread."""
        self._stop.set()
        connection = self._socket
        if connection is not None:
            connection.interrupt()

    def __iter__(self) -> Iterator[Event]:
        """Yield events until `stop()`.

        :raises StreamError: where trying again is of no use, in words that say why.
        """
        reason = "it was stopped"
        try:
            while not self._stop.is_set():
                wait = 0.0
                try:
                    yield from self._connection()
                except Exception as error:
                    if self._stop.is_set():
                        break
                    try:
                        wait, reason = self._failed(error)
                    except Exception as last:
                        reason = str(last)
                        yield from self.dropped()
                        raise
                finally:
                    self._close()
                self._is_synced = False
                self._stale(f"its stream is down: {reason}")
                yield from self.dropped()
                self._stop.wait(wait)
        finally:
            self._close()
            self._stale(f"its stream has ended: {reason}")

    def _address(self) -> Address:
        to = self.account.endpoints
        host, port = (
            (to.sports_data_host, to.sports_data_port) if self.is_sports_data else (to.stream_host, to.stream_port)
        )
        return Address(host, port, to.server_hostname or host, to.ca_file)

    def _connection(self) -> Iterator[Event]:
        """Yield the events of one connection; ends by raising, or with `stop()`."""
        client = self.account.betting_client
        connection = self._socket = StreamSocket(
            self._address(),
            self._request_id,
            client.app_key,
            client.session_token or "",
            self.settings.wait("stream_connect_timeout"),
        )
        if self._stop.is_set():
            return
        connection.open()
        self._recovery.connected()
        if self._is_anew:
            self._is_anew = False
            self._initial_clk = self._clk = None
        clks = (self._initial_clk, self._clk) if self._initial_clk and self._clk else (None, None)
        self._subscription_id = self.subscribe(connection, *clks)
        self._request_id = connection.unique_id
        self.connections += 1
        self.due = NEVER
        self._is_synced = False
        self._segments = []
        logger.info("{!r}: connected as {}", self, connection.connection_id)
        self._heard_at = monotonic()
        connection.begin_reading()
        if self._lend is not None:
            self._lend(self)
            self._stop.set()  # nobody reads any more
            return
        events: list[Event] = []
        while not self._stop.is_set():
            try:
                until = self.read(events.append)
            finally:
                yield from events
            events.clear()
            connection.wait(until)

    def _close(self) -> None:
        """Close the socket before another is opened: the exchange counts them."""
        connection, self._socket = self._socket, None
        if connection is not None:
            connection.stop()

    # reading, on whichever thread does it

    def fileno(self) -> int:
        """Return the number of the connection's socket."""
        return -1 if self._socket is None else self._socket.fileno()

    def read(self, deliver: Deliver) -> float:
        """Deliver events of what has come, without waiting; return when to read though nothing has come.

        :raises StreamError: where the connection has ended, or is to end.
        """
        connection = self._socket
        if connection is None:
            raise Dropped("the connection was closed")
        lines = connection.read_lines()
        now = monotonic()
        if lines:
            self._heard_at = now
            for line in lines:
                for event in self._read(line):
                    deliver(event)
        silence = self.heartbeat * self.settings.stream_silence_heartbeats
        if now >= self._heard_at + silence:
            raise Dropped(f"nothing was heard for {silence:g} s, a heartbeat is due every {self.heartbeat:g} s")
        if now >= self.due:
            for event in self.on_due():
                deliver(event)
        if self._is_anew_owed:
            self.begin_anew()
        return min(self._heard_at + silence, self.due)

    # messages

    def _read(self, line: bytes) -> Iterable[Event]:
        """Return the events of a line."""
        return self._events_of(line)

    def _events_of(self, line: bytes) -> Iterator[Event]:
        try:
            message = decode_stream_message(line)
        except DataError as error:
            self._bad(f"{error}, was {shown(line)}")
            self._resync("a line could not be read")
            yield from self.missed()
            return
        if message.op == "status":
            self._take_status(message, line)
        elif message.op != self.change_op:
            if message.op != "connection":
                self._bad(f"op must be {self.change_op} or status, was {shown(line)}")
        elif message.id != self._subscription_id:
            self._bad(f"id must be {self._subscription_id}, was {shown(line)}")
        else:
            yield from self._take_change(message)

    def _take_status(self, message: StreamMessage, line: bytes) -> None:
        if message.id is not None and message.id != self._subscription_id:
            self._bad(f"id must be {self._subscription_id}, was {shown(line)}")
        elif message.statusCode != "SUCCESS":
            raise refusal_of(message)

    def _take_change(self, message: StreamMessage) -> Iterator[Event]:
        if message.heartbeatMs:
            self.heartbeat = message.heartbeatMs / 1000
        if message.status is not None:
            self._stale(f"the exchange reports that its own data are late (status {message.status})")
        kind = message.segmentType
        if kind is not None:
            if kind == "SEG_START":
                self._segments = []
            self._segments.append(message)
            if kind != "SEG_END":
                return
            messages, self._segments = self._segments, []
        else:
            messages = [message]
        is_heartbeat = message.ct == "HEARTBEAT"
        is_first = not self._is_synced and (not is_heartbeat or self._clk is not None)
        if not is_heartbeat or is_first:
            yield from self.take(messages, is_first)
        for each in messages:
            self._initial_clk = each.initialClk or self._initial_clk
        self._clk = message.clk or self._clk
        if is_first:
            self._is_synced = True
            self._is_anew_owed = self._is_anew_owed and message.ct != "SUB_IMAGE"
            self._recovery.synced()
        epoch = self._stale_epoch
        if self._is_synced and message.status is None and self._told_epoch != epoch:
            self._told_epoch = epoch
            yield from self.synced(epoch)

    def begin_anew(self) -> None:
        """Have an image of everything sent, from any thread; a second one waits until `stream_steady` is over."""
        now = monotonic()
        self._is_anew_owed = self._anew_at is not None and now - self._anew_at <= self.settings.wait("stream_steady")
        if not self._is_anew_owed:
            self._anew_at = now
            self._is_anew = True
            connection = self._socket
            if connection is not None:
                connection.interrupt()

    def _bad(self, text: str) -> None:
        self.bad_lines += 1
        told = f"{self!r}: {text}"
        self._reporter.bad_line(told)

    def _resync(self, why: str) -> None:
        """Ask for the changes since the last good message: what could not be read may have been one.

        Not twice within `stream_steady` seconds: then the rest is worth more than the one change.
        """
        now = monotonic()
        if self._resynced_at is None or now - self._resynced_at > self.settings.wait("stream_steady"):
            self._resynced_at = now
            raise Resync(f"{why}: the changes since the last good message are asked for again")

    def _failed(self, error: Exception) -> tuple[float, str]:
        """Return how long to wait and why, or raise where waiting is of no use."""
        if isinstance(error, Refused) and error.code == "INVALID_CLOCK" and self._clk is not None:
            self._initial_clk = self._clk = None
            return 0.0, str(error)
        if isinstance(error, Refused) and error.code in DEAD_SESSION:
            connection = self._socket
            self._reporter.renew_session(self.account, connection.session_token if connection else None)
        recovery = self._recovery
        wait, reason = recovery.failed(error, self.explained(error))
        if recovery.is_telling:
            told = f"{self!r}: {reason}; failure {recovery.attempts} in a row, next try in {wait:.1f} s"
            if recovery.needs_human:
                self._reporter.alert(told)
            else:
                logger.warning("{}", told)
                self._reporter.trouble(told)
        return wait, reason

    def explained(self, error: Exception) -> str:
        """Return an error in words that say what to do."""
        return str(error) if isinstance(error, StreamError) else one_line(error)
