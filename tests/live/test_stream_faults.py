"""Faults of the market stream on the local exchange: afterwards the book is the exchange's, level by level."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from flumine_core import BaseStrategy, Flumine, Settings

from .rig import MARKET, PATIENCE, client_of

FAST = {
    "wait_factor": 0.05,
    "connect_timeout": 100.0,
    "read_timeout": 400.0,
    "stream_connect_timeout": 40.0,
    "stream_heartbeat": 10.0,
    "worker_start_delay": 2000.0,
    "journal": "",
}
"""Waits of a twentieth: connecting may take 2 s, a silence 1.25 s."""


class Watching(BaseStrategy):
    """Keeps the markets and counts books."""

    def __init__(self) -> None:
        super().__init__(market_filter={"eventTypeIds": ["7"]})
        self.books = 0

    def check_market_book(self, market: Any, market_book: Any) -> bool:
        self.books += 1
        return False


class Running:
    """A framework on paper that watches a market of the exchange."""

    def __init__(self, exchange: Any, client: Any, plugins: Any, **settings: Any) -> None:
        self.exchange = exchange
        self.strategy = Watching()
        self.framework = Flumine(client, settings=Settings(**{**FAST, **settings}), plugins=plugins)
        self.framework.add_strategy(self.strategy)
        self.thread = threading.Thread(target=self.framework.run, daemon=True)
        self.thread.start()

    @property
    def stream(self) -> Any:
        return self.framework.feed_of(10_000)

    @property
    def market(self) -> Any:
        return self.framework.markets.markets[MARKET]

    def wait(self, condition: Callable[[], Any]) -> None:
        end = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < end and self.thread.is_alive()
            time.sleep(0.005)

    def ours(self) -> dict[str, Any]:
        found: dict[str, Any] = {}

        def read() -> bool:
            for runner in self.market.market_book.runners:
                found[str(runner.selection_id)] = {
                    "atb": sorted([level.price, level.size] for level in runner.ex.available_to_back),
                    "atl": sorted([level.price, level.size] for level in runner.ex.available_to_lay),
                }
            return True

        self.framework.in_kernel(read)
        return found

    def theirs(self) -> dict[str, Any]:
        book = self.exchange.market(MARKET).book
        return {
            key.partition(":")[0]: {side: sorted(runner.get(side, [])) for side in ("atb", "atl")}
            for key, runner in book.items()
        }

    def agrees(self) -> None:
        """Wait until the market is current and its book the exchange's."""
        self.wait(lambda: MARKET in self.framework.markets and not self.market.is_stale)
        self.wait(lambda: self.ours() == self.theirs())

    def change(self, size: float) -> None:
        self.exchange.market(MARKET).set_price(33, [[1.5, size]], [[1.6, size + 1]])


@pytest.fixture
def running(exchange: Any, plugins: Any) -> Iterator[Callable[..., Running]]:
    started: list[Running] = []

    def start(**settings: Any) -> Running:
        started.append(Running(exchange, client_of(exchange, paper_trade=True), plugins(), **settings))
        return started[-1]

    yield start
    for each in started:
        each.framework.stop()
        each.thread.join(PATIENCE)
        assert not each.thread.is_alive()


LINES: list[tuple[str, str, dict[str, Any]]] = [
    ("24 drop", "stream.write", {"action": "drop"}),
    ("24 rst", "stream.write", {"action": "rst"}),
    ("25 silence", "stream.write", {"action": "silence"}),
    ("26 cut in a line", "stream.write", {"action": "cut"}),
    ("27 invalid clock, closed", "stream.write", {"action": "drop", "then": ("error", {"code": "INVALID_CLOCK"})}),
    ("28 image", "stream.write", {"action": "drop", "then": ("image", {})}),
    ("29 images of all", "stream.write", {"action": "drop", "then": ("image_all", {})}),
    ("30 segments", "stream.write", {"action": "segment"}),
    ("34 status 503", "stream.write", {"action": "status", "status": 503}),
    ("34 status 503 without pt", "stream.write", {"action": "status", "status": 503, "without_pt": True}),
    ("36 malformed", "stream.write", {"action": "raw", "text": "nonsense\r\n"}),
    ("36 malformed instead", "stream.write", {"action": "raw", "text": '{"op":"mcm","id"\r\n', "instead": True}),
    ("36 unknown op", "stream.write", {"action": "raw", "text": '{"op":"news","id":1}\r\n'}),
    ("36 missing op", "stream.write", {"action": "raw", "text": '{"id":1,"pt":5}\r\n'}),
    ("36 foreign id", "stream.write", {"action": "raw", "text": '{"op":"mcm","id":99,"pt":5,"clk":"x"}\r\n'}),
    ("14 new field of a runner", "stream.write", {"action": "add_field", "where": "runner"}),
    ("14 new field of a change", "stream.write", {"action": "add_field", "where": "change"}),
    ("38 duplicate", "stream.write", {"action": "duplicate", "number": 3}),
]


@pytest.mark.parametrize(("hook", "fault"), [row[1:] for row in LINES], ids=[row[0] for row in LINES])
def test_the_book_is_the_exchanges_after(
    exchange: Any,
    running: Callable[..., Running],
    hook: str,
    fault: dict[str, Any],
) -> None:
    run = running()
    run.agrees()
    params = dict(fault)
    then = params.pop("then", None)
    if then is not None:
        exchange.faults.add("stream.subscribe", {"stream": "market"}, action=then[0], **then[1])
    armed = exchange.faults.add(hook, {"stream": "market", "op": "mcm"}, **params)
    for number in range(1, 6):
        run.change(number)
    assert armed.struck.wait(PATIENCE)
    for number in range(6, 9):
        run.change(number)
    run.agrees()
    assert run.framework.faults.counts == {}


@pytest.mark.parametrize(
    ("hook", "params"),
    [
        ("tls.accept", {"action": "drop"}),
        ("stream.greeting", {"action": "coalesce"}),
        ("stream.greeting", {"action": "raw", "text": "hello\r\n"}),
        ("stream.auth", {"action": "error", "code": "MAX_CONNECTION_LIMIT_EXCEEDED"}),
        ("stream.auth", {"action": "error", "code": "TOO_MANY_REQUESTS"}),
        ("stream.auth", {"action": "error", "code": "INVALID_SESSION_INFORMATION"}),
        ("stream.subscribe", {"action": "silence"}),
    ],
)
def test_a_connection_that_fails_at_first_is_made_later(
    exchange: Any,
    running: Callable[..., Running],
    hook: str,
    params: dict[str, Any],
) -> None:
    match = {"server": "stream"} if hook == "tls.accept" else {"stream": "market"} if "subscribe" in hook else {}
    exchange.faults.add(hook, match, count=2, **params)
    run = running()
    run.agrees()


def test_a_server_that_presents_another_certificate_is_given_up_in_plain_words(
    exchange: Any,
    running: Callable[..., Running],
) -> None:
    exchange.faults.add("tls.accept", {"server": "stream"}, count=None, action="bad_certificate")
    run = running()
    run.wait(lambda: run.framework.faults.counts)
    assert any("certificate" in each for each in run.framework.stream_errors)
    assert socket.create_connection((exchange.stream_host, exchange.stream_port)).close() is None
