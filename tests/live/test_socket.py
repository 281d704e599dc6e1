"""Connections that cannot be made: nobody listens, nobody speaks TLS, nobody greets."""

import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from loguru import logger

from flumine_core import MarketStream
from flumine_core.cli.logs import enable_stderr
from flumine_core.live.marketstream import LiveMarketStream

from .conftest import Report, StreamServer, image


@pytest.fixture
def start(account: Any, fast_settings: Any, pump: Any, report: Report) -> Callable[..., Any]:
    def make(**settings: Any) -> Any:
        client = account()
        return pump(LiveMarketStream(MarketStream(stream_id=1), client, fast_settings(**settings), report))

    return make


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


def test_a_listener_that_speaks_no_tls_is_left_in_time(
    silent: socket.socket, server: StreamServer, start: Any, report: Report
) -> None:
    silent_port, server_port = silent.getsockname()[1], server.port
    server.port = silent_port
    pumped = start(stream_connect_timeout=5.0)
    first, _ = silent.accept()
    second, _ = silent.accept()
    first.close()
    second.close()
    assert report.troubles and not pumped.stream.connections
    assert server_port != silent_port


def test_stop_ends_a_handshake_that_hangs(silent: socket.socket, server: StreamServer, start: Any) -> None:
    server.port = silent.getsockname()[1]
    pumped = start(stream_connect_timeout=5_000.0)
    connection, _ = silent.accept()
    connection.recv(1)
    pumped.stream.stop()
    pumped.ended()
    connection.close()
    assert pumped.error is None


def test_a_port_that_is_closed_is_tried_again_with_few_words(server: StreamServer, start: Any, report: Report) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        server.port = closed.getsockname()[1]
    pumped = start(stream_backoff_most=0.5)
    while len(report.troubles) < 4:
        assert pumped.thread.is_alive()
    assert "cannot be reached" in report.troubles[0]
    assert "failure 8 in a row" in report.troubles[3]


def test_a_greeting_that_is_none_is_a_failed_attempt(server: StreamServer, start: Any) -> None:
    server.greetings.put(b"<html>502</html>\r\n")
    pumped = start()
    server.connection().change(ct="SUB_IMAGE", clk="A", pt=1000, mc=[image()])
    assert pumped.books()
    assert server.opened == 2


def test_no_log_holds_the_session_token(
    server: StreamServer, start: Any, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level("DEBUG")
    handler = enable_stderr("TRACE")
    pumped = start()
    server.connection().change(ct="SUB_IMAGE", clk="A", pt=1000, mc=[image()])
    pumped.books()
    logger.remove(handler)
    logger.disable("flumine_core")
    assert "token-1" not in caplog.text + capsys.readouterr().err
