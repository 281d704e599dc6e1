"""A market's life: it is added, it closes, its orders are cleared, it leaves."""

from collections.abc import Iterator
from typing import Any

import msgspec

from ..book.marketbook import MarketBook
from ..contract.middleware import Middleware
from ..contract.ports import Execution
from ..errors import survivable
from ..events import (
    ClearedMarketsEvent,
    ClearedOrdersEvent,
    ClearedOrdersMetaEvent,
    CloseMarketEvent,
    MarketEvent,
)
from ..market.market import Market
from ..order.report import Report
from ..order.told import Told, ToldCleared
from .copies import plain_market
from .desk import Desk


class MarketLife(Desk):
    """Adds, closes, clears and removes markets.

    :ivar executions: what executes order packages, each once.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self.executions: list[Execution] = []
        self._keeps_closed_markets = True
        super().__init__(*arguments, **options)

    def _call_middleware(self, middleware: Middleware, method: str, market: Market) -> None:
        try:
            if method == "__call__":
                middleware(market)
            else:
                getattr(middleware, method, nothing)(market)
        except survivable() as error:
            self.faults.record(type(middleware).__name__, f"middleware.{method}", error)
        if self._waiting:
            self.drain()

    def _guard_strategy(self, strategy: Any, callback: str, *arguments: Any) -> Any:
        try:
            return getattr(strategy, callback)(*arguments)
        except survivable() as error:
            self.faults.record(strategy.name, f"strategy.{callback}", error)
            return None
        finally:
            if self._waiting:
                self.drain()

    def _reports_of(self, execution: Execution, method: str, *arguments: Any) -> Iterator[Report]:
        """Yield what a method of an execution reports, until it raises; GeneratorExit is whoever stops asking."""
        try:
            yield from getattr(execution, method)(*arguments)
        except (Exception, SystemExit) as error:
            self.faults.record(type(execution).__name__, method, error)

    def _execute_due(self, market: Market, book: MarketBook) -> None:
        """Have what is due executed against the book before."""
        for execution in self.executions:
            try:
                reports = execution.before_book(market, book)
                if reports:
                    self.apply(market, reports)
            except survivable() as error:
                self.faults.record(type(execution).__name__, "before_book", error)

    def _add_live_market(self, market_id: str, market_book: MarketBook | None) -> Market:
        """Add a market that a stream has brought."""
        market = Market(self, market_id, market_book)
        self.markets.add_market(market_id, market)
        for middleware in self._middleware:
            self._call_middleware(middleware, "add_market", market)
        self.plan.steps["add_market"].run(nothing, market)
        if "market" in self._logged:
            self.log_control(MarketEvent(plain_market(market)))
        return market

    def _remove_market(self, market: Market, clear: bool = True) -> None:
        """Let everybody forget a market.

        :param clear: False keeps it among `markets`, as a simulation does for whoever looks at its orders later.
        """
        for middleware in self._middleware:
            self._call_middleware(middleware, "remove_market", market)
        for strategy in self.strategies:
            self._guard_strategy(strategy, "remove_market", market.market_id)
        self.plan.steps["remove_market"].run(nothing, market)
        if clear:
            self.markets.remove_market(market.market_id)

    def _process_close_market(self, event: CloseMarketEvent) -> None:
        """Process a market's closing: settle its orders, then tell hooks and strategies."""
        market_book = event.market_book
        is_book = isinstance(market_book, MarketBook)
        market_id = market_book.market_id if is_book else market_book["id"]
        market = self.markets.markets.get(market_id)
        if market is None:
            return
        strategies = [
            each
            for each in self.subscribers(event.streaming_unique_id)
            if id(each) not in market.told_closed and (is_book or not market.streams & each.stream_ids)
        ]
        market.told_closed.update(map(id, strategies))

        def body() -> None:
            for strategy in strategies:
                self._guard_strategy(strategy, "process_closed_market", market, market_book)

        if market.closed or (market.streams and not is_book):  # the closing is another stream's, or is still to come
            body()
            return
        market.close_market()
        if is_book:
            market.market_book = market_book
            market_book.house_references = 0  # no further closing takes its place: it is kept, and so stays whole
            market.blotter.process_closed_market(market, market_book)
        self.plan.steps["process_close_market"].run(body, market, market_book)
        self.cleared_market_queue.put(market_id)
        for execution in self.executions:
            try:
                execution.close_market(market)
            except survivable() as error:
                self.faults.record(type(execution).__name__, "close_market", error)
        if is_book:
            self._clear_market(market)
        if "close_market" in self._logged:
            self.log_control(CloseMarketEvent(plain_market(market), event.streaming_unique_id))
        if self._keeps_closed_markets:
            self._remove_market(market, clear=False)

    def _clear_market(self, market: Market) -> None:
        """Bring the cleared orders and markets that a real exchange would report."""

    def _process_cleared_orders(self, event: ClearedOrdersEvent) -> None:
        """Process a closed market's cleared orders."""
        market = self.markets.markets.get(event.market_id)
        if market is None:
            return
        orders = market.blotter.process_cleared_orders(event.cleared_orders)
        self.plan.steps["process_cleared_orders"].run(nothing, market, event.cleared_orders)
        if orders and "cleared_orders_meta" in self._logged:
            self.log_control(ClearedOrdersMetaEvent([order.snapshot() for order in orders]))
        if "cleared_orders" in self._logged:
            self.log_control(ClearedOrdersEvent(event.market_id, _plain_cleared(event.cleared_orders)))

    def _process_cleared_markets(self, event: ClearedMarketsEvent) -> None:
        """Process profit and commission of closed markets."""
        self.plan.steps["process_cleared_markets"].run(nothing, event.cleared_markets)
        if "cleared_markets" in self._logged:
            self.log_control(ClearedMarketsEvent(_plain_cleared(event.cleared_markets), event.client))


def nothing(*arguments: Any) -> None:
    """Do nothing: the house has no part of its own in this step."""


def _plain_cleared(cleared: Any) -> ToldCleared:
    return ToldCleared(
        Told(msgspec.structs.asdict(order) if isinstance(order, msgspec.Struct) else vars(order))
        for order in cleared.orders
    )
