"""Listening sockets on loopback, with TLS in the loop and full control of each connection's end."""

import asyncio
import socket
import ssl
import struct
from collections.abc import Callable
from functools import partial
from typing import Any

from flumine_core.errors import StreamError

from .certificates import Certificates
from .clock import wall_ns
from .faults import Fault
from .state import ExchangeState

HOST = "127.0.0.1"
LINGER_NOTHING = struct.pack("ii", 1, 0)
SHUTDOWN_SECONDS = 0.5
HANDSHAKE_SECONDS = 30.0


def reset(transport: asyncio.BaseTransport) -> None:
    """End a connection with RST."""
    try:
        raw = transport.get_extra_info("socket")
    except AttributeError:  # asyncio's TLS transport, once its connection is gone
        return
    if raw is not None and raw.fileno() >= 0:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOTHING)
    abort(transport)


def abort(transport: asyncio.BaseTransport) -> None:
    """End a connection now, with whatever was not sent yet."""
    if isinstance(transport, asyncio.Transport):
        transport.abort()
    else:
        transport.close()


def end(transport: asyncio.BaseTransport, action: str = "drop") -> None:
    """End a connection as a fault says: `rst`, or `drop`, which is a proper TLS closing and FIN."""
    if action == "rst":
        reset(transport)
    else:
        transport.close()


class StampedSocket(socket.socket):
    """A connection that knows when it was last written to and read from.

    :ivar sent_ns: nanoseconds since 1970, taken right before the bytes go to the system.
    :ivar received_ns: the same, right after the last ones have come from there.
    """

    sent_ns = 0
    received_ns = 0

    def send(self, data: Any, flags: int = 0, /) -> int:
        """Send, and take note of when."""
        self.sent_ns = wall_ns()
        return super().send(data, flags)

    def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0, /) -> int:
        """Receive, and take note of when."""
        count = super().recv_into(buffer, nbytes, flags)
        self.received_ns = wall_ns()
        return count


class Listener:
    """One port; it can be closed and opened again, for connections to be refused meanwhile.

    :param name: http or stream, `server` in the match of a fault.
    """

    def __init__(
        self,
        name: str,
        factory: Callable[[StampedSocket], asyncio.Protocol],
        certificates: Certificates,
        state: ExchangeState,
    ) -> None:
        self.name = name
        self.port = 0
        self.transports: set[asyncio.BaseTransport] = set()
        self._factory = factory
        self._certificates = certificates
        self._state = state
        self._socket: socket.socket | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._silent: list[socket.socket] = []

    def open(self) -> None:
        """Listen: on `port`, or one that the system chooses where that is 0; later on the same one again.

        :raises StreamError: where the port cannot be had, as when another process listens on it.
        """
        if self._socket is not None:
            return
        listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((HOST, self.port))
            listening.listen(256)
        except OSError as error:
            listening.close()
            reason = error.strerror or error
            raise StreamError(f"cannot listen on port {self.port} for {self.name}: {reason}") from error
        listening.setblocking(False)
        self.port = listening.getsockname()[1]
        self._socket = listening
        asyncio.get_running_loop().add_reader(listening, self._accept, listening)

    def close(self) -> None:
        """Refuse connections; those that are open stay."""
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._socket.close()
            self._socket = None

    async def shut_down(self) -> None:
        """Close everything."""
        self.close()
        for silent in self._silent:
            silent.close()
        for transport in list(self.transports):
            abort(transport)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accept(self, listening: socket.socket) -> None:
        try:
            accepted, _ = listening.accept()
        except OSError:  # it has gone already
            return
        connection = StampedSocket(fileno=accepted.detach())
        task = asyncio.get_running_loop().create_task(self._serve(connection))
        self._tasks.add(task)
        task.add_done_callback(partial(self._served, connection))

    def _served(self, connection: StampedSocket, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if task.cancelled():  # in the middle of its handshake, or before
            connection.close()

    async def _serve(self, connection: StampedSocket) -> None:
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._state.settings.send_buffer_bytes:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, self._state.settings.send_buffer_bytes)
        context = self._certificates.context
        fault = self._state.faults.take("tls.accept", server=self.name)
        if fault is not None:
            self._state.record("fault", id=fault.id, hook=fault.hook, action=fault.action, server=self.name)
            if fault.action == "delay":
                await self._state.clock.sleep(float(fault.get("seconds", 1.0)))
            elif fault.action == "bad_certificate":
                context = self._certificates.untrusted
            else:
                self._refuse(connection, fault)
                return
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: self._factory(connection),
                connection,
                ssl=context,
                ssl_handshake_timeout=HANDSHAKE_SECONDS,
                ssl_shutdown_timeout=SHUTDOWN_SECONDS,
            )
        except (OSError, ssl.SSLError) as error:
            self._state.record("connection", server=self.name, failed=type(error).__name__)
            connection.close()

    def _refuse(self, connection: socket.socket, fault: Fault) -> None:
        if fault.action == "silence":
            self._silent.append(connection)
            return
        if fault.action == "rst":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOTHING)
        connection.close()
