"""`Flumine` on live streams: books reach strategies, stale markets take no orders, a stalled strategy loses nothing."""

import gc
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from flumine_core import BaseStrategy, DataStream, Flumine, FlumineCoreError, LimitOrder, MarketStream, Trade

from .conftest import PATIENCE, StreamServer, definition, image


class Placing(BaseStrategy):
    """Notes each book; places a bet when told to; stalls when told to."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"market_filter": {}} | options)
        self.seen: list[tuple[str, int]] = []
        self.noted = threading.Condition()
        self.closed: list[str] = []
        self.go_on = threading.Event()
        self.go_on.set()
        self.orders: list[Any] = []
        self.is_placing = False
        self.raw: list[Any] = []

    def note(self, where: list[Any], what: Any) -> None:
        with self.noted:
            where.append(what)
            self.noted.notify_all()

    def wait_until(self, condition: Callable[[], Any]) -> None:
        with self.noted:
            assert self.noted.wait_for(condition, PATIENCE)

    def check_market_book(self, market: Any, market_book: Any) -> bool:
        assert self.go_on.wait(PATIENCE)
        if self.is_placing:
            self.place(market)
        self.note(self.seen, (market.market_id, market_book.publish_time_epoch))
        return False

    def place(self, market: Any) -> Any:
        order = Trade(market.market_id, 11, 0, self).create_order("LAY", LimitOrder(1.5, 2.0))
        market.place_order(order)
        self.orders.append(order)
        return order

    def process_raw_data(self, clk: Any, publish_time: int, datum: Any) -> None:
        self.note(self.raw, (clk, publish_time, datum))

    def process_closed_market(self, market: Any, market_book: Any) -> None:
        self.note(self.closed, market.market_id)


@pytest.fixture
def run(account: Any, fast_settings: Any, plugins: Any) -> Iterator[Callable[..., Flumine]]:
    """Return a function that runs strategies on paper, on a thread of its own."""
    running: list[tuple[Flumine, threading.Thread]] = []

    def start(*strategies: BaseStrategy, **settings: Any) -> Flumine:
        client = account(paper_trade=True)
        framework = Flumine(client, settings=fast_settings(**settings), plugins=plugins())
        for strategy in strategies:
            framework.add_strategy(strategy)
        thread = threading.Thread(target=framework.run, daemon=True)
        thread.start()
        running.append((framework, thread))
        return framework

    yield start
    for framework, thread in running:
        framework.stop()
        thread.join(PATIENCE)
        assert not thread.is_alive()


def test_strategies_with_equal_filters_share_one_connection(server: StreamServer, run: Any) -> None:
    one, two = (Placing(name=name, market_filter={"marketIds": ["1.1"]}) for name in ("one", "two"))
    framework = run(one, two)
    connection = server.connection()
    connection.change(ct="SUB_IMAGE", initialClk="I", clk="A", pt=1000, mc=[image()])
    for strategy in (one, two):
        strategy.wait_until(lambda strategy=strategy: strategy.seen == [("1.1", 1000)])
    assert server.opened == 1
    assert framework.markets.markets["1.1"].latency is not None


def test_nothing_is_placed_on_a_stale_market(server: StreamServer, run: Any) -> None:
    strategy = Placing(max_live_trade_count=10)
    framework = run(strategy)
    connection = server.connection()
    connection.change(ct="SUB_IMAGE", initialClk="I", clk="A", pt=1000, mc=[image()])
    strategy.wait_until(lambda: strategy.seen)
    market = framework.markets.markets["1.1"]
    strategy.is_placing = True
    connection.change(clk="B", pt=1001, mc=[{"id": "1.1", "rc": [{"id": 11, "ltp": 3.0}]}])
    strategy.wait_until(lambda: len(strategy.seen) == 2)
    assert strategy.orders[0].refusal is None
    connection.change(clk="C", pt=1002, status=503, mc=[{"id": "1.1", "rc": [{"id": 11, "ltp": 3.1}]}])
    strategy.wait_until(lambda: len(strategy.seen) == 3)
    refusal = strategy.orders[1].refusal
    assert refusal.control == "StreamValidation" and "503" in refusal.reason
    assert market.is_stale
    strategy.is_placing = False
    connection.change(clk="D", pt=1003, ct="HEARTBEAT")
    connection.change(clk="E", pt=1004, mc=[{"id": "1.1", "rc": [{"id": 11, "ltp": 3.2}]}])
    strategy.wait_until(lambda: len(strategy.seen) == 4)
    assert not market.is_stale


def test_a_market_that_closes_is_taken_up_again_when_it_opens(server: StreamServer, run: Any) -> None:
    strategy = Placing()
    framework = run(strategy)
    connection = server.connection()
    connection.change(ct="SUB_IMAGE", initialClk="I", clk="A", pt=1000, mc=[image()])
    strategy.wait_until(lambda: strategy.seen)
    connection.change(clk="B", pt=1001, mc=[{"id": "1.1", "marketDefinition": definition("CLOSED")}])
    strategy.wait_until(lambda: strategy.closed == ["1.1"])
    market = framework.markets.markets["1.1"]
    assert market.closed
    connection.change(clk="C", pt=1002, mc=[{"id": "1.1", "marketDefinition": definition("OPEN", 2)}])
    strategy.wait_until(lambda: ("1.1", 1002) in strategy.seen)
    assert framework.markets.markets["1.1"] is market and not market.closed


def test_after_a_stall_the_strategy_sees_the_latest_book_of_each_market(server: StreamServer, run: Any) -> None:
    strategy = Placing()
    run(strategy)
    connection = server.connection()
    ids = [f"1.{number}" for number in range(1, 21)]
    connection.change(ct="SUB_IMAGE", initialClk="I", clk="A", pt=1000, mc=[image(each) for each in ids])
    strategy.wait_until(lambda: len(strategy.seen) == len(ids))
    strategy.go_on.clear()
    for number in range(500):
        changes = [{"id": each, "rc": [{"id": 11, "atb": [[2.0, number]]}]} for each in ids]
        connection.change(clk=str(number), pt=2000 + number, mc=changes)
    strategy.go_on.set()
    strategy.wait_until(lambda: {each for each, when in strategy.seen if when == 2499} == set(ids))
    # one book was under way; each other market had at most one waiting while the strategy stalled
    assert len(strategy.seen) < 500 * len(ids)


def test_a_data_stream_gives_each_change_with_its_own_bytes(server: StreamServer, run: Any) -> None:
    strategy = Placing(stream_class=DataStream)
    run(strategy)
    connection = server.connection()
    change = b'{"id":"1.1", "rc":[ {"id":11,"ltp":2.50,"x":1e0}],"con":true}'
    connection.raw_send(
        b'{"op":"mcm","id":%d,"ct":"SUB_IMAGE","clk":"A","pt":5,"mc":[%s,{"id":"1.2"}]}\r\n' % (connection.id, change)
    )
    strategy.wait_until(lambda: len(strategy.raw) == 2)
    clk, publish_time, datum = strategy.raw[0]
    assert (clk, publish_time, datum["id"]) == ("A", 5, "1.1")
    assert datum["rc"] == [{"id": 11, "ltp": 2.5, "x": 1.0}] and datum.raw == change


def test_two_streams_of_one_account_and_a_stop(server: StreamServer, run: Any) -> None:
    strategies = [Placing(name=name, market_filter={"eventTypeIds": [name]}) for name in ("7", "1")]
    framework = run(*strategies)
    connections = [server.connection(), server.connection()]
    assert {each.subscription["marketFilter"]["eventTypeIds"][0] for each in connections} == {"7", "1"}
    framework.stop()
    for each in connections:
        each.wait_for_close()


@pytest.mark.parametrize("stream_class", [MarketStream, DataStream])
def test_a_misspelt_key_of_a_filter_opens_no_stream(
    server: StreamServer, account: Any, fast_settings: Any, plugins: Any, stream_class: Any
) -> None:
    framework = Flumine(account(paper_trade=True), settings=fast_settings(), plugins=plugins())
    framework.add_strategy(Placing(market_filter={"evenTypeIds": ["7"]}, stream_class=stream_class))
    with pytest.raises(FlumineCoreError, match="no key 'evenTypeIds', did you mean 'eventTypeIds'"):
        framework.run()


def test_what_a_start_has_made_is_kept_from_full_collections_until_the_end(server: StreamServer, run: Any) -> None:
    strategy = Placing()
    framework = run(strategy)
    connection = server.connection()
    connection.change(ct="SUB_IMAGE", initialClk="I", clk="A", pt=1000, mc=[image()])
    strategy.wait_until(lambda: strategy.seen)
    assert gc.get_freeze_count()
    framework.stop()
    until = time.monotonic() + PATIENCE
    while gc.get_freeze_count() and time.monotonic() < until:
        time.sleep(0.01)
    assert not gc.get_freeze_count()
