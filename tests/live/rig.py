"""A framework that trades on a local exchange, and what a test does to either."""

import threading
from collections.abc import Callable
from typing import Any

from betfairlightweight import APIClient

from flumine_core import BaseStrategy, BetfairClient, Flumine, LimitOrder, Settings, Trade
from flumine_core.contract.endpoints import Endpoints
from flumine_core.order.states import OrderStatus

PATIENCE = 30
MARKET = "1.200000001"

WAITS = {
    "wait_factor": 0.05,
    "connect_timeout": 60.0,
    "read_timeout": 16.0,
    "stream_heartbeat": 10.0,
    "stream_connect_timeout": 200.0,
    "worker_start_delay": 2000.0,
    "on_stop": "leave",
}
"""Waits of a twentieth: a call hangs up after 0.8 s, what has no trace for 1 s was not placed."""


def client_of(exchange: Any, has_certificate: bool = True, **options: Any) -> BetfairClient:
    """Return a client of a local exchange, with a certificate to log in with unless told otherwise."""
    files = (exchange.cert_file, exchange.key_file) if has_certificate else ("missing.crt", "missing.key")
    api: Any = APIClient(exchange.username, exchange.password, exchange.app_key, cert_files=files)
    endpoints = Endpoints(
        identity_uri=exchange.identity_uri,
        identity_cert_uri=exchange.identity_uri,
        api_uri=exchange.api_uri,
        navigation_uri=exchange.navigation_uri,
        stream_host=exchange.stream_host,
        stream_port=exchange.stream_port,
        ca_file=exchange.ca_file,
    )
    return BetfairClient(api, endpoints=endpoints, **options)


class Trader(BaseStrategy):
    """Does what the test tells it, on the framework's thread."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("market_filter", {"marketIds": [MARKET]})
        options.setdefault("max_order_exposure", 1_000)
        options.setdefault("max_selection_exposure", 10_000)
        options.setdefault("max_trade_count", 1_000)
        options.setdefault("max_live_trade_count", 1_000)
        super().__init__(**options)
        self.first_book = threading.Event()

    def check_market_book(self, market: Any, market_book: Any) -> bool:
        self.first_book.set()
        return False


class Rig:
    """A running framework on an exchange."""

    def __init__(self, exchange: Any, client: BetfairClient, settings: Settings, plugins: Any, **options: Any) -> None:
        self.exchange = exchange
        self.client = client
        self.framework = Flumine(client, settings=settings, plugins=plugins)
        self.trader = Trader(**options)
        self.framework.add_strategy(self.trader)
        self.error: BaseException | None = None
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        try:
            self.framework.run()
        except BaseException as error:
            self.error = error
        finally:
            self.trader.first_book.set()  # who waits for it is told

    def start(self, is_ready: bool = True) -> "Rig":
        self.thread.start()
        if is_ready:
            assert self.trader.first_book.wait(PATIENCE) and self.error is None, self.error
            self.wait_until(lambda: self.execution.gate.is_open)
        return self

    def stop(self) -> None:
        self.framework.stop()
        self.thread.join(PATIENCE)
        assert not self.thread.is_alive()
        if self.error is not None:
            raise self.error

    @property
    def execution(self) -> Any:
        return self.client.execution

    @property
    def market(self) -> Any:
        return self.framework.markets.markets[MARKET]

    @property
    def ledger(self) -> Any:
        return self.exchange.ledger

    def ask(self, function: Callable[[], Any]) -> Any:
        """Return what a function brings on the framework's thread."""
        found: list[Any] = []

        def run() -> bool:
            found.append(function())
            return True

        self.framework.in_kernel(run)
        return found[0]

    def wait_until(self, condition: Callable[[], Any], seconds: float = PATIENCE) -> None:
        """Wait until a condition holds on the framework's thread."""
        pause = threading.Event()
        for _ in range(round(seconds / 0.01)):
            if self.ask(lambda: bool(condition())):
                return
            pause.wait(0.01)
        raise AssertionError("it did not come about")

    def place(self, price: float = 3.0, size: float = 2.0, side: str = "BACK", runner: int = 11, **options: Any) -> Any:
        """Place an order that the book does not match, and return it."""
        terms = {name: options.pop(name) for name in list(options) if name in LimitOrder.__struct_fields__}

        def run() -> Any:
            order = Trade(MARKET, runner, 0, self.trader).create_order(side, LimitOrder(price, size, **terms))
            with self.market.transaction(options.pop("async_place_orders", None)) as transaction:
                transaction.place_order(order, **options)
            return order

        return self.ask(run)

    def settled(self, *orders: Any) -> None:
        """Wait until no order waits for anything."""
        done = (OrderStatus.EXECUTABLE, OrderStatus.EXECUTION_COMPLETE, OrderStatus.VIOLATION)
        self.wait_until(lambda: all(order.status in done for order in orders))

    def agrees(self) -> None:
        """Wait until every order of the framework is as the ledger has it: the rules (a) to (e)."""
        try:
            self.wait_until(lambda: not self._differences())
        except AssertionError:
            told = self.differences()
            assert not told, told

    def differences(self) -> list[str]:
        return self.ask(self._differences)

    def _differences(self) -> list[str]:
        told: list[str] = []
        orders = [order for market in self.framework.markets for order in market.blotter]
        by_bet = {order.bet_id: order for order in orders if order.bet_id is not None}
        for bet in self.ledger.bets():
            order = by_bet.pop(bet.bet_id, None)
            if order is None:
                if bet.sr or bet.sm:
                    told.append(f"bet {bet.bet_id} has no order")
                continue
            ours = (order.size_matched, order.size_cancelled, order.size_lapsed, order.size_voided, order.complete)
            theirs = (bet.sm, bet.sc, bet.sl, bet.sv, bet.status == "EC")
            if bet.status == "EC" and not bet.sm and not bet.sv:
                # such a bet leaves the exchange's lists: whether it lapsed or was cancelled may never be told
                ours = (0.0, order.size_cancelled + order.size_lapsed, 0.0, order.size_voided, order.complete)
                theirs = (0.0, bet.sc + bet.sl, 0.0, bet.sv, True)
            if ours != theirs:
                told.append(f"order {order} has {ours}, bet {bet.bet_id} {theirs}")
        told += [f"order {order} has no bet" for order in by_bet.values()]
        told += [f"{order} waits" for order in orders if order.bet_id is None and not order.complete]
        refs = [bet.rfo for bet in self.ledger.bets() if bet.rfo and bet.replaces is None]
        if len(refs) != len(set(refs)):
            told.append("a reference was used twice")
        if self.ledger.cancel_alls:
            told.append("everything was cancelled")
        return told
