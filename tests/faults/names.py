"""Host names that do not resolve for a while, as where a machine's resolver is gone; any Python's standard library."""

import socket
from typing import Any


class Names:
    """Stands where this process's lookups do: `socket.getaddrinfo`, and `connect` where that is given a name.

    :ivar failures: how many lookups were refused.
    """

    def __init__(self) -> None:
        self.failures = 0
        self._lost: set[str] = set()
        self._resolve: Any = socket.getaddrinfo
        connect: Any = socket.socket.connect

        def connect_to(connection: socket.socket, address: Any) -> None:
            if isinstance(address, tuple):
                self._check(address[0])
            connect(connection, address)

        socket.getaddrinfo = self._look_up
        socket.socket.connect = connect_to  # type: ignore[method-assign]

    def _look_up(self, host: Any, *args: Any, **options: Any) -> Any:
        self._check(host)
        return self._resolve(host, *args, **options)

    def _check(self, host: Any) -> None:
        if host in self._lost:
            self.failures += 1
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    def lose(self, host: str, is_lost: bool) -> int:
        """Have a name fail to resolve from now on, or no more; return how many lookups have failed so far."""
        self._lost = {host} if is_lost else set()
        return self.failures
