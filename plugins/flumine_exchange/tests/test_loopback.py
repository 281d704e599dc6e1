"""The guard that keeps tests on this machine."""

import socket

import pytest

from flumine_exchange.loopback import RemoteConnectError, is_loopback


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "localhost", "::1", b"127.0.0.1"])
def test_this_machine(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["8.8.8.8", "stream-api.betfair.com", "0.0.0.0", "128.0.0.1"])
def test_others(host: str) -> None:
    assert not is_loopback(host)


def test_connect_elsewhere_is_stopped_before_it_leaves() -> None:
    with socket.socket() as plain:
        plain.settimeout(0.1)
        with pytest.raises(RemoteConnectError):
            plain.connect(("192.0.2.1", 443))
    with pytest.raises(RemoteConnectError):
        socket.getaddrinfo("stream-api.betfair.com", 443)
