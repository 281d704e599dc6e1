"""This framework, run on a thread of its own, as scenarios know it."""

import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from types import SimpleNamespace
from typing import Any, TypeVar

from flumine_core import BaseStrategy, Flumine, LimitOrder, Settings, Trade
from flumine_core.errors import FlumineCoreError

from ..live.rig import client_of
from .names import Names
from .view import BookView, OrderView, Terms

T = TypeVar("T")

START_SECONDS = 30.0
REMEMBERED = 20_000
NAMES = Names()


def details_of(exchange: Any) -> dict[str, Any]:
    """Return what a framework needs to know of an exchange, as plain values."""
    details = exchange.details() if hasattr(exchange, "details") else vars(exchange)
    return {**details, "market_ids": exchange.market_ids}


class NoPlugins:
    """No plugin, whatever is installed."""

    def load_hook_plugins(self) -> list[tuple[str, object]]:
        return []

    def failures(self, kind: str | None = None) -> list[Any]:
        return []


def settings_of(factor: float, journal: Path, **settings: Any) -> Settings:
    """Return settings whose waits are scaled; none is so short that a busy machine would decide the outcome."""
    given: dict[str, Any] = {
        "wait_factor": factor,
        "connect_timeout": max(3.05, 3.0 / factor),
        "read_timeout": max(16.0, 2.0 / factor),
        "stream_heartbeat": max(5.0, 0.5 / factor),
        "stream_connect_timeout": max(10.0, 3.0 / factor),
        "on_stop_timeout": max(5.0, 5.0 / factor),
        "journal": str(journal),
    }
    return Settings(**{**given, **settings})


class Told(BaseStrategy):
    """Does what the scenario tells it, on the framework's thread, and remembers the books that it was given."""

    def __init__(self, market_ids: list[str]) -> None:
        super().__init__(
            name="told",
            market_filter={"marketIds": market_ids},
            max_order_exposure=100_000,
            max_selection_exposure=1_000_000,
            max_trade_count=100_000,
            max_live_trade_count=100_000,
        )
        self.first_book = threading.Event()
        self.given: deque[tuple[str, tuple[float, ...]]] = deque(maxlen=REMEMBERED)

    def check_market_book(self, market: Any, market_book: Any) -> bool:
        best = tuple(
            runner.ex.available_to_back[0].size if runner.ex.available_to_back else 0.0
            for runner in market_book.runners
        )
        self.given.append((market.market_id, best))
        self.first_book.set()
        return False


class Ours:
    """flumine_core with one client, one strategy and a journal.

    :param market_ids: what is subscribed to; None: every market of the exchange at the start.
    :param stream_host: the name under which the streams are dialled, in place of the address.
    :param settings: in place of the scaled defaults.
    """

    is_ours = True

    def __init__(
        self,
        exchange: Any,
        factor: float,
        journal: Path,
        market_ids: list[str] | None = None,
        client: dict[str, Any] | None = None,
        strategy: Callable[[list[str]], Any] = Told,
        has_certificate: bool = True,
        stream_host: str | None = None,
        **settings: Any,
    ) -> None:
        if stream_host is not None:
            exchange = SimpleNamespace(**{**details_of(exchange), "stream_host": stream_host})
        self.factor = factor
        self.patience = max(20.0, 90 * factor)
        self.read_timeout = max(16 * factor, 2.0)
        self.client = client_of(exchange, has_certificate, **(client or {}))
        self.framework = Flumine(
            self.client,
            settings=settings_of(factor, journal, **settings),
            plugins=NoPlugins(),
        )
        self.strategy = strategy(exchange.market_ids if market_ids is None else market_ids)
        self.framework.add_strategy(self.strategy)
        self.error: BaseException | None = None
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        try:
            self.framework.run()
        except BaseException as error:
            self.error = error

    def start(self) -> None:
        self.thread.start()
        until = monotonic() + START_SECONDS
        while not self.strategy.first_book.wait(0.05):
            if not self.thread.is_alive() or monotonic() > until:
                raise AssertionError(f"no book came: {self.error or self.troubles()}")

    def stop(self) -> None:
        self.framework.stop()
        self.thread.join(self.patience)
        assert not self.thread.is_alive(), "it did not stop"
        if self.error is not None:
            raise self.error

    def ask(self, function: Callable[[], T]) -> T:
        """Return what a function brings on the framework's thread."""
        found: list[T] = []

        def run() -> bool:
            found.append(function())
            return True

        self.framework.in_kernel(run)
        return found[0]

    def _market(self, market_id: str) -> Any:
        return self.framework.markets.markets[market_id]

    def _order(self, order_id: str) -> Any:
        for market in self.framework.markets:
            if order_id in market.blotter:
                return market, market.blotter[order_id]
        raise AssertionError(f"no such order: {order_id}")

    def place(self, orders: list[Terms], is_async: bool = False, version: int | None = None) -> Any:
        def run() -> Any:
            told = []
            with self._market(orders[0].market).transaction(is_async) as transaction:
                for terms in orders:
                    more = {name: getattr(terms, name) for name in ("time_in_force", "min_fill_size")}
                    kind = LimitOrder(terms.price, terms.size, terms.persistence, **more)
                    trade = Trade(terms.market, terms.runner, 0, self.strategy)
                    order = trade.create_order(terms.side, kind)
                    is_accepted = transaction.place_order(order, market_version=version)
                    told.append((order.id, "") if is_accepted else (None, str(order.violation_msg)))
            return told

        return self.ask(run)

    def cancel(self, ids: list[str], size_reduction: float | None = None) -> list[str]:
        def run() -> list[str]:
            told = []
            market, _ = self._order(ids[0])
            with market.transaction() as transaction:
                for order_id in ids:
                    order = self._order(order_id)[1]
                    told.append(_refusal(lambda o=order: transaction.cancel_order(o, size_reduction)))
            return told

        return self.ask(run)

    def update(self, id: str, persistence: str) -> str:
        market, order = self.ask(lambda: self._order(id))
        return self.ask(lambda: _refusal(lambda: market.update_order(order, persistence)))

    def replace(self, id: str, price: float) -> str:
        market, order = self.ask(lambda: self._order(id))
        return self.ask(lambda: _refusal(lambda: market.replace_order(order, price)))

    def orders(self) -> list[OrderView]:
        def run() -> list[OrderView]:
            orders = [order for market in self.framework.markets for order in market.blotter]
            # a replacement that was never placed is its trade's alone
            every = {each.id: each for order in orders for each in (order, *order.trade.orders)}
            return [self._view(order) for order in every.values() if order.status is not None]

        return self.ask(run)

    def _view(self, order: Any) -> OrderView:
        cleared = order.cleared_order
        return OrderView(
            id=order.id,
            ref=order.customer_order_ref,
            trade=order.trade.id,
            bet_id=order.bet_id,
            market=order.market_id,
            selection=order.selection_id,
            side=order.side,
            price=getattr(order.order_type, "price", 0.0) or 0.0,
            status=order.status.value,
            statuses=tuple(status.value for status in order.status_log),
            complete=order.complete,
            matched=order.size_matched,
            average=order.average_price_matched,
            remaining=order.size_remaining,
            cancelled=order.size_cancelled,
            lapsed=order.size_lapsed,
            voided=order.size_voided,
            persistence=str(getattr(order.order_type, "persistence_type", "")),
            is_ours=order.trade.strategy is self.strategy,
            profit=order.profit,
            cleared_profit=None if cleared is None else cleared.profit,
            why=str(order.violation_msg or (order.refusal.message if order.refusal is not None else "")),
        )

    def exposures(self) -> dict[str, float]:
        def run() -> dict[str, float]:
            return {
                f"{lookup[0]}/{lookup[1]}": market.blotter.selection_exposure(self.strategy, lookup)
                for market in self.framework.markets
                for lookup in {order.lookup for order in market.blotter}
            }

        return self.ask(run)

    def books(self) -> dict[str, BookView]:
        def run() -> dict[str, BookView]:
            return {
                market.market_id: _book(market)
                for market in self.framework.markets
                if market.market_book is not None and not market.closed
            }

        return self.ask(run)

    def seen(self) -> list[tuple[str, tuple[float, ...]]]:
        return self.ask(lambda: list(self.strategy.given))

    def stall(self, seconds: float) -> None:
        has_begun = threading.Event()

        def wait() -> bool:
            has_begun.set()
            return not threading.Event().wait(seconds)

        threading.Thread(target=self.framework.in_kernel, args=(wait,), daemon=True).start()
        has_begun.wait(self.patience)

    def troubles(self) -> list[str]:
        return list(self.framework.stream_errors)

    def lose_name(self, host: str, is_lost: bool) -> int:
        return NAMES.lose(host, is_lost)

    def is_running(self) -> bool:
        return self.thread.is_alive()

    def kill(self) -> None:
        raise NotImplementedError("a thread cannot be killed")

    def frozen(self) -> Any:
        raise NotImplementedError("a thread cannot be stopped for a while")


def _refusal(ask: Callable[[], bool]) -> str:
    """Return why a request was refused, nothing where it was not."""
    try:
        return "" if ask() else "refused"
    except FlumineCoreError as error:
        return str(error)


def _book(market: Any) -> BookView:
    book = market.market_book
    ladders = {
        runner.selection_id: {
            "atb": {level.price: level.size for level in runner.ex.available_to_back},
            "atl": {level.price: level.size for level in runner.ex.available_to_lay},
        }
        for runner in book.runners
    }
    return BookView(
        status=str(book.status),
        version=book.version,
        inplay=bool(book.inplay),
        ladders=ladders,
        is_stale=bool(market.is_stale),
        has_catalogue=market.market_catalogue is not None,
    )
