"""A whole live run on the local exchange: certificate login, streams, workers, paper trading, an orderly stop."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from flumine_core import (
    BaseStrategy,
    Flumine,
    LimitOnCloseOrder,
    LimitOrder,
    LoggingControl,
    OrderStatus,
    Settings,
    Trade,
)
from flumine_core.live.client import betfair_client

exchange_module = pytest.importorskip("flumine_exchange.exchange", reason="flumine-exchange is not installed")

MARKET = "1.200000001"
PATIENCE = 30
FAST = {
    "wait_factor": 0.05,
    "connect_timeout": 100.0,
    "read_timeout": 400.0,
    "stream_connect_timeout": 200.0,
    "stream_heartbeat": 10.0,
    "worker_start_delay": 1.0,
    "poll_account_balance_interval": 5.0,
    "poll_market_catalogue_interval": 5.0,
    "poll_cleared_orders_first": 5.0,
    "on_stop_timeout": 100.0,
    "place_latency": 0.01,
    "cancel_latency": 0.01,
    "replace_latency": 0.01,
    "journal": "",
}


class Steered(BaseStrategy):
    """Runs what the test gives it, on the kernel's thread, with its market."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_live_trade_count=100, max_order_exposure=1000, max_selection_exposure=1000, **options)
        self.changed = threading.Condition()
        self.books = 0
        self.market: Any = None
        self.catalogues: list[Any] = []
        self.closed: list[str] = []

    def _note(self) -> None:
        with self.changed:
            self.changed.notify_all()

    def check_market_book(self, market: Any, market_book: Any) -> bool:
        self.market = market
        self.books += 1
        self._note()
        return False

    def process_orders(self, market: Any, orders: Any) -> None:
        self._note()

    def process_market_catalogue(self, market: Any, market_catalogue: Any) -> None:
        self.catalogues.append(market_catalogue)
        self._note()

    def process_closed_market(self, market: Any, market_book: Any) -> None:
        self.closed.append(market.market_id)
        self._note()

    def wait_until(self, condition: Callable[[], Any]) -> None:
        with self.changed:
            assert self.changed.wait_for(condition, PATIENCE)

    def order(self, side: str, kind: Any, selection_id: int = 11) -> Any:
        return Trade(MARKET, selection_id, 0, self).create_order(side, kind)


@pytest.fixture
def exchange() -> Iterator[Any]:
    scenario = exchange_module.Scenario(market_id=MARKET)
    with exchange_module.LocalExchange([scenario], settings=exchange_module.ExchangeSettings(scale=0.05)) as made:
        yield made


@pytest.fixture
def client(exchange: Any, tmp_path: Any) -> Callable[..., Any]:
    secret = tmp_path / "credentials.toml"
    secret.write_text(
        f'username = "{exchange.username}"\npassword = "{exchange.password}"\napp_key = "{exchange.app_key}"\n'
    )
    secret.chmod(0o600)

    def make(**options: Any) -> Any:
        return betfair_client(
            credentials=str(secret),
            certs=exchange.certs_dir,
            identity_uri=exchange.identity_uri,
            api_uri=exchange.api_uri,
            navigation_uri=exchange.navigation_uri,
            stream_host=exchange.stream_host,
            stream_port=exchange.stream_port,
            sports_data_host=exchange.stream_host,
            sports_data_port=exchange.stream_port,
            ca_file=exchange.ca_file,
            **options,
        )

    return make


@pytest.fixture
def run(plugins: Any) -> Iterator[Callable[..., Flumine]]:
    running: list[tuple[Flumine, threading.Thread, list[BaseException]]] = []

    def start(client: Any, *strategies: BaseStrategy, controls: Any = (), **settings: Any) -> Flumine:
        framework = Flumine(client, settings=Settings(**{**FAST, **settings}), plugins=plugins())
        for strategy in strategies:
            framework.add_strategy(strategy)
        for control in controls:
            framework.add_logging_control(control)
        errors: list[BaseException] = []

        def target() -> None:
            try:
                framework.run()
            except BaseException as error:
                errors.append(error)

        thread = threading.Thread(target=target, daemon=True)
        thread.start()
        running.append((framework, thread, errors))
        return framework

    yield start
    for framework, thread, errors in running:
        framework.stop()
        thread.join(PATIENCE)
        assert not thread.is_alive() and not errors, errors
        assert framework.faults.counts == {}


def nudge(exchange: Any, strategy: Steered, price: float = 2.0) -> None:
    """Change the book again and again, as a busy market does, until the strategy has seen it."""
    before = strategy.books
    exchange.market(MARKET).set_price(33, [[price, 10.0]], [[price + 0.5, 10.0]])
    strategy.wait_until(lambda: strategy.books > before)


def until(exchange: Any, strategy: Steered, condition: Callable[[], Any]) -> None:
    end = time.monotonic() + PATIENCE
    number = 0
    while not condition():
        assert time.monotonic() < end
        number += 1
        nudge(exchange, strategy, 2.0 + number % 2)


def test_paper_trading_is_complete(exchange: Any, client: Any, run: Any) -> None:
    strategy = Steered(market_filter={"marketIds": [MARKET]})
    framework = run(client(paper_trade=True), strategy)
    strategy.wait_until(lambda: strategy.books)
    market = strategy.market
    resting = strategy.order("BACK", LimitOrder(3.0, 2.0))
    assert market.place_order(resting)
    until(exchange, strategy, lambda: resting.status is OrderStatus.EXECUTABLE)
    assert market.replace_order(resting, 2.5)
    until(exchange, strategy, lambda: resting.complete)
    replacement = next(order for order in market.blotter if order.order_type.price == 2.5)
    until(exchange, strategy, lambda: replacement.status is OrderStatus.EXECUTABLE)
    assert market.cancel_order(replacement)
    until(exchange, strategy, lambda: replacement.complete)
    taking = strategy.order("BACK", LimitOrder(1.99, 2.0))
    assert market.place_order(taking)
    until(exchange, strategy, lambda: taking.size_matched == 2.0)
    at_sp = strategy.order("BACK", LimitOnCloseOrder(liability=10.0, price=1.01), 22)
    assert market.place_order(at_sp)
    until(exchange, strategy, lambda: at_sp.status is OrderStatus.EXECUTABLE)
    exchange.market(MARKET).turn_inplay(bet_delay=0, bsp={"22": 2.2})
    until(exchange, strategy, lambda: at_sp.size_matched == 10.0 and at_sp.average_price_matched == 2.2)
    assert len(exchange.ledger.bets()) == 0
    exchange.market(MARKET).close([22])
    strategy.wait_until(lambda: strategy.closed == [MARKET])
    assert at_sp.profit == pytest.approx(12.0)
    assert market.market_cleared and framework.markets.markets[MARKET].closed


def test_passive_orders_skip_the_bet_delay_on_paper(exchange: Any, client: Any, run: Any) -> None:
    strategy = Steered(market_filter={"marketIds": [MARKET]})
    run(client(paper_trade=True), strategy)
    strategy.wait_until(lambda: strategy.books)
    exchange.market(MARKET).turn_inplay(bet_delay=60)
    definition = {**exchange.market(MARKET).definition, "betDelayModels": ["PASSIVE"]}
    exchange.market(MARKET).change({"id": MARKET, "marketDefinition": definition})
    strategy.wait_until(lambda: strategy.market.bet_delay == 60)
    passive, taking = strategy.order("BACK", LimitOrder(50.0, 2.0)), strategy.order("BACK", LimitOrder(1.5, 2.0), 22)
    assert strategy.market.place_order(passive) and strategy.market.place_order(taking)
    until(exchange, strategy, lambda: passive.status is OrderStatus.EXECUTABLE)
    assert taking.status is OrderStatus.PENDING


class Balances(LoggingControl):
    def __init__(self) -> None:
        super().__init__()
        self.events: list[Any] = []

    def process_balance(self, event: Any) -> None:
        self.events.append(event.event)


def test_workers_bring_catalogues_and_balances(exchange: Any, client: Any, run: Any) -> None:
    strategy, balances = Steered(market_filter={"marketIds": [MARKET]}), Balances()
    account = client(paper_trade=True)
    framework = run(account, strategy, controls=[balances])
    strategy.wait_until(lambda: strategy.catalogues)
    assert strategy.market.market_catalogue.market_id == MARKET
    end = time.monotonic() + PATIENCE
    while not balances.events:
        assert time.monotonic() < end
    assert balances.events[0]["availableToBetBalance"] == 10_000.0 and account.currency_code == "GBP"
    names = {worker.name for worker in framework._workers}
    assert {"keep_alive", "poll_account_balance", "poll_market_catalogue", "poll_cleared_orders"} <= names


def test_a_revoked_session_is_renewed_for_streams_and_calls(exchange: Any, client: Any, run: Any) -> None:
    strategy = Steered(market_filter={"marketIds": [MARKET]})
    run(client(paper_trade=True), strategy)
    strategy.wait_until(lambda: strategy.books)
    exchange.revoke_sessions()
    exchange.faults.add("stream.write", {"stream": "market"}, action="drop")
    before = strategy.books
    exchange.market(MARKET).set_price(33, [[1.5, 10.0]], [[1.6, 10.0]])
    strategy.wait_until(lambda: strategy.books > before and not strategy.market.is_stale)
    assert strategy.market.market_book.runner(33).ex.available_to_back[0].price == 1.5


class Cleared(LoggingControl):
    def __init__(self) -> None:
        super().__init__()
        self.orders: list[Any] = []
        self.markets: list[Any] = []

    def process_cleared_orders(self, event: Any) -> None:
        self.orders.append(event)

    def process_cleared_markets(self, event: Any) -> None:
        self.markets.append(event)


def place(strategy: Steered, order: Any) -> Any:
    strategy.wait_until(lambda: strategy.books)
    assert strategy.market.place_order(order), order.refusal
    strategy.wait_until(lambda: order.status is OrderStatus.EXECUTABLE or order.complete)
    return order


def wait_for(condition: Callable[[], Any]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_cleared_orders_are_asked_for_until_every_matched_bet_is_there(exchange: Any, client: Any, run: Any) -> None:
    strategy, cleared = Steered(market_filter={"marketIds": [MARKET]}), Cleared()
    framework = run(client(), strategy, controls=[cleared], poll_cleared_orders_first=2.0)
    order = place(strategy, strategy.order("BACK", LimitOrder(1.99, 2.0)))
    strategy.wait_until(lambda: order.size_matched == 2.0)
    exchange.faults.add("http.after_execute", {"op": "listClearedOrders"}, count=2, action="empty")
    exchange.market(MARKET).close([11])
    strategy.wait_until(lambda: strategy.closed == [MARKET])
    wait_for(lambda: cleared.orders and cleared.markets)
    assert order.cleared_order is not None and order.cleared_order.bet_id == order.bet_id
    assert order.profit == pytest.approx(order.cleared_order.profit)
    assert framework.markets.markets[MARKET].closed


def test_a_closed_market_leaves_memory_in_time(exchange: Any, client: Any, run: Any) -> None:
    strategy = Steered(market_filter={"marketIds": [MARKET]})
    framework = run(client(paper_trade=True), strategy, closed_market_life=10.0)
    strategy.wait_until(lambda: strategy.books)
    exchange.market(MARKET).close([11])
    wait_for(lambda: MARKET not in framework.markets)
    exchange.market(MARKET).reopen()
    exchange.market(MARKET).set_price(33, [[1.5, 10.0]], [[1.6, 10.0]])
    wait_for(lambda: MARKET in framework.markets)


def test_an_order_that_was_never_sent_is_not_at_the_exchange(exchange: Any, client: Any, run: Any) -> None:
    strategy = Steered(market_filter={"marketIds": [MARKET]})
    framework = run(client(), strategy)
    strategy.wait_until(lambda: strategy.books)
    order = strategy.order("BACK", LimitOrder(3.0, 2.0))
    assert strategy.market.place_order(order, execute=False)
    assert order.status is OrderStatus.PENDING and list(strategy.market.blotter.live_orders) == [order]
    assert framework.orders_at_exchange() == []


def test_an_order_that_a_strategy_sent_by_itself_is_at_the_exchange(exchange: Any, client: Any, run: Any) -> None:
    strategy, account = Steered(market_filter={"marketIds": [MARKET]}), client()
    framework = run(account, strategy)
    strategy.wait_until(lambda: strategy.books)
    order = strategy.order("BACK", LimitOrder(3.0, 2.0))
    assert strategy.market.place_order(order, execute=False)
    account.betting_client.betting.place_orders(MARKET, [order.create_place_instruction()])
    strategy.wait_until(lambda: order.bet_id)
    assert framework.orders_at_exchange() == [order]


def test_stop_cancels_and_logs_out(exchange: Any, client: Any, run: Any) -> None:
    strategy = Steered(market_filter={"marketIds": [MARKET]})
    account = client()
    framework = run(account, strategy)
    order = place(strategy, strategy.order("BACK", LimitOrder(3.0, 2.0)))
    assert framework.orders_at_exchange() == [order]
    framework.stop()
    wait_for(lambda: not framework.is_running and account.betting_client.session_token is None)
    assert order.complete and order.size_cancelled == 2.0 and framework.orders_at_exchange() == []
    assert exchange.ledger.live_bets() == []


def test_a_stalled_strategy_loses_no_order_event(exchange: Any, client: Any, run: Any) -> None:
    strategy = Steered(market_filter={"marketIds": [MARKET]})
    framework = run(client(), strategy)
    order = place(strategy, strategy.order("BACK", LimitOrder(3.0, 20.0)))
    is_stalled, go_on = threading.Event(), threading.Event()

    def stall() -> bool:
        is_stalled.set()
        return go_on.wait(PATIENCE)

    threading.Thread(target=framework.in_kernel, args=(stall,), daemon=True).start()
    assert is_stalled.wait(PATIENCE)
    for number in range(1, 11):
        exchange.market(MARKET).match_bet(order.bet_id, 1.0)
        exchange.market(MARKET).set_price(33, [[1.5, number]], [[1.6, 10.0]])
    assert order.size_matched == 0
    go_on.set()
    strategy.wait_until(lambda: order.size_matched == 10.0)
    strategy.wait_until(lambda: strategy.market.market_book.runner(33).ex.available_to_back[0].size == 10)
