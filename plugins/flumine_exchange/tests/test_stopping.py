"""An exchange that is stopped leaves nothing open."""

import gc
import socket
import threading
from collections.abc import Callable

from flumine_exchange.exchange import LocalExchange
from flumine_exchange.sockets import HOST


def test_connections_that_come_as_it_stops_are_closed(make_exchange: Callable[..., LocalExchange]) -> None:
    exchange = make_exchange()
    has_begun, has_stopped = threading.Event(), threading.Event()

    def dial() -> None:
        while not has_stopped.is_set():
            try:
                socket.create_connection((HOST, exchange.stream_port), timeout=5).close()
            except OSError:
                return
            has_begun.set()

    threads = [threading.Thread(target=dial) for _ in range(3)]
    for thread in threads:
        thread.start()
    assert has_begun.wait(10)
    exchange.stop()
    has_stopped.set()
    for thread in threads:
        thread.join()
    gc.collect()  # what was not closed warns, and so fails the test
