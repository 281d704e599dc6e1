"""A strategy that stalls for long: data give way, the oldest first and counted; no word of an order does."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from flumine_core import BaseStrategy, Flumine
from flumine_core.contract.streams import DataStream, OrderDataStream, RaceDataStream, SportsDataStream

from .conftest import PATIENCE, Connection, StreamServer, wait_for

MOST, SENT = 20, 200
CHANGES: dict[str, tuple[str, Any]] = {
    "mcm": ("mc", {"id": "1.1"}),
    "ocm": ("oc", {"id": "1.1"}),
    "rcm": ("rc", {"mid": "1.1", "id": "28587288.1650"}),
}


class Recording(BaseStrategy):
    """Keeps the publish times of raw data."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.times: list[int] = []

    def process_raw_data(self, clk: Any, publish_time: int, datum: Any) -> None:
        self.times.append(publish_time)


@pytest.fixture
def run(account: Any, fast_settings: Any, plugins: Any) -> Iterator[Callable[..., Flumine]]:
    running: list[tuple[Flumine, threading.Thread]] = []

    def start(strategy: BaseStrategy, *streams: Any) -> Flumine:
        framework = Flumine(account(paper_trade=True), fast_settings(max_data_waiting=MOST), plugins())
        framework.add_strategy(strategy)
        for stream in streams:
            framework.add_stream(stream)
        thread = threading.Thread(target=framework.run, daemon=True)
        thread.start()
        running.append((framework, thread))
        return framework

    yield start
    for framework, thread in running:
        framework.stop()
        thread.join(PATIENCE)
        assert not thread.is_alive()


class Stall:
    """Holds the kernel up until it is let go."""

    def __init__(self, framework: Flumine) -> None:
        self.go_on = threading.Event()
        is_stalled = threading.Event()

        def stall() -> bool:
            is_stalled.set()
            return self.go_on.wait(PATIENCE)

        wait_for(lambda: framework.is_running)
        threading.Thread(target=framework.in_kernel, args=(stall,), daemon=True).start()
        assert is_stalled.wait(PATIENCE)


def send(connection: Connection, op: str, first: int) -> None:
    name, change = CHANGES[op]
    for number in range(SENT):
        connection.change(op, pt=first + number, clk=str(first + number), **{name: [change]})


@pytest.mark.parametrize(("op", "kind"), [("mcm", DataStream), ("rcm", RaceDataStream)])
def test_the_oldest_data_give_way_and_an_image_follows(server: StreamServer, run: Any, op: str, kind: Any) -> None:
    strategy = Recording(stream_class=kind)
    framework = run(strategy)
    connection = server.connection()
    stall = Stall(framework)
    send(connection, op, 1000)
    wait_for(lambda: sum(framework.faults.counts.values()) == SENT - MOST)
    stall.go_on.set()
    again = server.connection()  # what was dropped is missed: the subscription begins anew
    assert again.subscription.get("clk") is None
    assert strategy.times == list(range(1000 + SENT - MOST, 1000 + SENT))
    again.change(op, pt=5000, clk="A", **{CHANGES[op][0]: [CHANGES[op][1]]})
    wait_for(lambda: strategy.times[-1] == 5000)
    ((_, hook),) = framework.faults.counts
    (fault,) = framework.faults.first.values()
    assert hook == "waiting" and "max_data_waiting" in fault.error


def test_no_word_of_an_order_gives_way(server: StreamServer, run: Any) -> None:
    strategy = Recording(stream_class=OrderDataStream)
    framework = run(strategy)
    connection = server.connection()
    stall = Stall(framework)
    send(connection, "ocm", 1000)
    wait_for(lambda: framework.handler_queue.qsize() >= SENT)
    stall.go_on.set()
    wait_for(lambda: strategy.times == list(range(1000, 1000 + SENT)))
    assert not framework.faults.counts


def test_races_give_way_too(server: StreamServer, run: Any) -> None:
    framework = run(Recording(stream_class=OrderDataStream), SportsDataStream("raceSubscription"))
    connections = {each.subscription["op"]: each for each in (server.connection(), server.connection())}
    stall = Stall(framework)
    send(connections["raceSubscription"], "rcm", 1000)
    wait_for(lambda: sum(framework.faults.counts.values()) == SENT - MOST)
    assert framework.handler_queue.qsize() <= MOST + 5
    stall.go_on.set()
    wait_for(framework.handler_queue.empty)
    assert server.opened == 2  # each update is whole
