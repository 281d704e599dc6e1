"""A guard for tests: nothing in this process may connect to, or look up, anything but this machine."""

import ipaddress
import sys
from typing import Any

LOCAL_NAMES = frozenset({"localhost", "", None})
_is_guarded = False


class RemoteConnectError(BaseException):
    """A connection to another machine was tried; not an Exception, so that no blanket handler hides it."""


def is_loopback(host: Any) -> bool:
    """Whether a host, as text or bytes, is this machine."""
    if isinstance(host, bytes | bytearray):
        host = host.decode("ascii", "replace")
    if host in LOCAL_NAMES:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def guard_loopback() -> None:
    """From now on, raise `RemoteConnectError` before any socket of this process connects elsewhere.

    It cannot be taken back: an audit hook stays. Unix sockets are let through.
    """
    global _is_guarded
    if not _is_guarded:
        _is_guarded = True
        sys.addaudithook(_audit)


def _audit(event: str, args: tuple[Any, ...]) -> None:
    if event in ("socket.connect", "socket.sendto"):
        address = args[1]
        if isinstance(address, tuple) and not is_loopback(address[0]):
            raise RemoteConnectError(f"tests may connect to loopback only, was {address[0]}:{address[1]}")
    elif event == "socket.getaddrinfo" and not is_loopback(args[0]):
        raise RemoteConnectError(f"tests may look up loopback only, was {args[0]}")
