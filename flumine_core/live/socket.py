"""One connection to the Exchange Stream API: betfairlightweight's socket, verified, read line by line."""

import contextlib
import selectors
import socket
import ssl
from time import monotonic
from typing import Any

import attrs
import msgspec
from betfairlightweight.streaming.betfairstream import BetfairStream

from ..errors import DataError, StreamError
from .message import StreamMessage, decode_stream_message, shown

_BUFFER = 16 * 1024
"""Bytes of one read: no TLS record holds more, so that none is read in part."""

_LONGEST_LINE = 256 << 20


class Refused(StreamError):
    """The exchange answered FAILURE.

    :ivar code: its errorCode.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"the exchange answered {code}: {message}" if message else f"the exchange answered {code}")
        self.code = code


class Dropped(StreamError):
    """The connection broke, fell silent, or brought what is no answer."""


@attrs.frozen
class Address:
    """Where to dial, and what to trust there.

    :ivar server_hostname: name that the certificate must bear.
    :ivar ca_file: certificates (PEM) that are trusted in place of the system's.
    """

    host: str
    port: int
    server_hostname: str
    ca_file: str | None = None

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class _NoListener:
    """Stands where betfairlightweight's listener does: messages are read by our own hands."""

    conflate_ms: int | None = None

    def register_stream(self, unique_id: int, operation: str) -> None:
        """Do nothing."""

    def update_unique_id(self, unique_id: int) -> None:
        """Do nothing."""


class StreamSocket(BetfairStream):  # type: ignore[misc]
    """A connection that has authenticated, or has raised.

    :param unique_id: the first request bears the number after it.
    :param timeout: seconds for connecting and shaking hands, and for each answer until the subscription.
    :ivar connection_id: the exchange's name of this connection, for its support.
    :ivar connections_available: how many more the account may open, None where that was not said.
    """

    def __init__(self, address: Address, unique_id: int, app_key: str, session_token: str, timeout: float) -> None:
        super().__init__(unique_id, _NoListener(), app_key, session_token, timeout, _BUFFER, None)
        self.address = address
        self.host = address.host
        self.connection_id: str | None = None
        self.connections_available: int | None = None
        self._socket: socket.socket | None = None
        self._dialled: socket.socket | None = None
        self._lines: list[bytes] = []
        self._parts: list[bytes] = []
        self._length = 0
        self._is_stopped = False

    def __repr__(self) -> str:
        return f"<StreamSocket {self.address} {self.connection_id or 'not connected'}>"

    @property
    def unique_id(self) -> int:
        """The number of the last request."""
        return int(self._unique_id)

    def open(self) -> None:
        """Connect and authenticate.

        :raises Refused: where the exchange says no.
        :raises OSError: (StreamError, SSLError, ...) where it cannot be reached or does not answer in time.
        """
        self._connect()
        self.authenticate()

    def interrupt(self) -> None:
        """End a read, or an attempt to connect, that another thread is in; that thread then calls `stop()`."""
        self._is_stopped = True
        dialled = self._dialled
        if dialled is not None:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(dialled, socket.SHUT_RDWR)

    def stop(self) -> None:
        """Close, on the thread that reads."""
        self.interrupt()
        self._running = False
        self._socket = None
        dialled, self._dialled = self._dialled, None
        if dialled is not None:
            with contextlib.suppress(OSError):
                dialled.close()

    def _create_socket(self) -> socket.socket:
        address = self.address
        context = ssl.create_default_context(cafile=address.ca_file)
        raw = self._dialled = socket.create_connection((address.host, address.port), self.timeout)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        wrapped = self._dialled = context.wrap_socket(
            raw, server_hostname=address.server_hostname, do_handshake_on_connect=False
        )
        wrapped.do_handshake()
        return wrapped

    def _connect(self) -> None:
        if self._is_stopped:
            raise Dropped("it was stopped")
        self._socket = self._create_socket()
        self._running = True
        while True:
            message = self._answer()
            if message.op == "connection":
                self.connection_id = message.connectionId
                return

    def authenticate(self) -> int:
        """Authenticate, and wait for the answer."""
        unique_id = self.new_unique_id()
        self._send({"op": "authentication", "id": unique_id, "appKey": self.app_key, "session": self.session_token})
        while True:
            message = self._answer()
            if message.op == "status" and message.id == unique_id:
                self.connections_available = message.connectionsAvailable
                return int(unique_id)

    def _answer(self) -> StreamMessage:
        line = self.read_line(monotonic() + self.timeout)
        if line is None:
            raise Dropped(f"no answer within {self.timeout:g} s")
        try:
            message = decode_stream_message(line)
        except DataError as error:
            raise Dropped(f"an answer was expected, was {shown(line)}: {error}") from error
        if message.op == "status" and message.statusCode != "SUCCESS":
            raise refusal_of(message)
        return message

    def begin_reading(self) -> None:
        """Read without waiting from now on; nothing is sent any more."""
        if self._socket is not None:
            self._socket.settimeout(0)

    def fileno(self) -> int:
        """Return the number of the socket, -1 where it is closed."""
        return -1 if self._socket is None else self._socket.fileno()

    def wait(self, until: float) -> None:
        """Wait for something to read, at most until `until` (monotonic seconds)."""
        connection = self._socket
        if connection is not None and not self._lines:
            seconds = max(until - monotonic(), 0.0)
            with contextlib.suppress(OSError, ValueError), selectors.DefaultSelector() as selector:
                selector.register(connection, selectors.EVENT_READ)
                selector.select(None if seconds == float("inf") else seconds)

    def read_lines(self) -> list[bytes]:
        """Return the whole lines that have come, without their ends; what has come of another is kept.

        :raises Dropped: where the connection has ended.
        """
        connection = self._socket
        if self._lines or connection is None:
            return self._lines_left()
        try:
            received = connection.recv(_BUFFER)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError, BlockingIOError):
            return []
        except TimeoutError:
            raise
        except (OSError, ValueError, AttributeError) as error:  # the latter two where stop() came between
            raise Dropped(f"the connection broke: {error}") from error
        if not self._parts and received.find(b"\n") == len(received) - 1 > 1:  # one line, the usual case
            return [received]
        return self._lines_of(received)

    def _lines_left(self) -> list[bytes]:
        if self._socket is None:
            raise Dropped("the connection was closed")
        lines, self._lines = self._lines, []
        return lines

    def _lines_of(self, received: bytes) -> list[bytes]:
        if not received:
            raise Dropped("the exchange closed the connection")
        parts = self._parts
        if b"\n" not in received:
            parts.append(received)
            self._length += len(received)
            if self._length > _LONGEST_LINE:
                raise Dropped(f"a line must end within {_LONGEST_LINE} bytes")
            return []
        if parts:
            received = b"".join((*parts, received))
            parts.clear()
        *lines, rest = received.split(b"\n")
        if rest:
            parts.append(rest)
        self._length = len(rest)
        return [line for line in lines if line and not line.isspace()]

    def read_line(self, until: float) -> bytes | None:
        """Return the next whole line; None if there is none by `until` (monotonic seconds).

        :raises Dropped: where the connection has ended; what was received of a line is discarded.
        """
        while not self._lines:
            remaining = until - monotonic()
            if remaining <= 0:
                return None
            if self._socket is not None:
                self._socket.settimeout(remaining)
            try:
                self._lines = self.read_lines()
            except TimeoutError:
                return None
        return self._lines.pop(0)

    def _send(self, message: dict[str, Any]) -> None:
        # betfairlightweight's own would log the session token
        connection = self._socket
        if connection is None:
            raise Dropped("the connection was closed")
        try:
            connection.settimeout(self.timeout)
            connection.sendall(msgspec.json.encode(message) + b"\r\n")
        except OSError as error:
            raise Dropped(f"the connection broke: {error}") from error


def refusal_of(message: StreamMessage) -> Refused:
    """Return what a FAILURE says, as an error."""
    return Refused(message.errorCode or "FAILURE without errorCode", message.errorMessage or "")
