"""HTTP connections: a request leaves in one piece, and bears what is right at the time."""

import socket
import ssl
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import trustme

from flumine_core.live.connection import Connections

from .conftest import PATIENCE


class HttpsServer:
    """Answers each request with 200, and keeps what came with each read of its socket."""

    def __init__(self, certificate: trustme.LeafCert) -> None:
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(self.context)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://127.0.0.1:{self.listener.getsockname()[1]}/exchange/betting/json-rpc/v1"
        self.reads: list[bytes] = []
        self.opened = 0
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self) -> None:
        while True:
            try:
                raw, _ = self.listener.accept()
            except OSError:
                return
            self.opened += 1
            with self.context.wrap_socket(raw, server_side=True) as connection:
                while received := connection.recv(65536):
                    self.reads.append(received)
                    if received.endswith(b"}"):
                        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    def close(self) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(PATIENCE)


@pytest.fixture
def https(authority: trustme.CA) -> Iterator[HttpsServer]:
    made = HttpsServer(authority.issue_cert("127.0.0.1"))
    yield made
    made.close()


@pytest.fixture
def connections(ca_file: str) -> Iterator[Connections]:
    made = Connections(None, 60.0, ca_file)
    yield made
    made.close()


def test_headers_and_body_leave_together_on_a_connection_that_is_kept(https: Any, connections: Connections) -> None:
    for number in range(3):
        session = connections.take()
        body = b'{"number":%d}' % number
        answer = session.call(https.url, body, {"X-Authentication": "token"}, (PATIENCE, PATIENCE))
        assert (answer.status_code, answer.content) == (200, b"{}")
        connections.give_back(session)
    assert https.opened == 1
    assert [each.partition(b"\r\n\r\n")[2] for each in https.reads] == [
        b'{"number":0}',
        b'{"number":1}',
        b'{"number":2}',
    ]
    assert all(each.startswith(b"POST /exchange/betting/json-rpc/v1 HTTP/1.1\r\n") for each in https.reads)


def test_a_new_token_and_a_longer_body_are_sent_as_they_are(https: Any, connections: Connections) -> None:
    session = connections.take()
    for token, body in (("one", b"{}"), ("two", b'{"more":"text"}')):
        session.call(https.url, body, {"X-Authentication": token}, (PATIENCE, PATIENCE))
        sent = https.reads[-1]
        assert f"X-Authentication: {token}\r\n".encode() in sent
        assert f"Content-Length: {len(body)}\r\n".encode() in sent
    connections.give_back(session)
