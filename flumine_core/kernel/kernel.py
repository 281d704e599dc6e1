"""The loop: one event after another, each through its step."""

from collections.abc import Callable, Iterable
from functools import partial
from itertools import chain
from typing import Any

from ..book.marketbook import MarketBook
from ..contract.loggingcontrol import LoggingControl
from ..errors import ExecutionError, survivable
from ..events import (
    EVENT_NOUNS,
    ClearedMarketsEvent,
    ClearedOrdersEvent,
    CloseMarketEvent,
    CurrentOrdersEvent,
    CustomEvent,
    Event,
    MarketBooksEvent,
    MarketCataloguesEvent,
    MarketEvent,
    RawDataEvent,
    SportsDataEvent,
)
from ..market.market import Market
from ..order.report import AdoptReport, Report
from .copies import COPIES, plain_market
from .life import MarketLife
from .plan import Step


class _Handlers(dict[type[Event], Callable[[Any], None]]):
    """Event class -> its step; a subclass of an event class is processed as that, and remembered."""

    def __missing__(self, event_type: type) -> Callable[[Any], None]:
        for base in event_type.__mro__:
            if base in self:
                step = self[event_type] = self[base]
                return step
        raise ExecutionError(f"a stream must yield events that are processed, was a {event_type.__name__}")


_CLOSED = {"status": "CLOSED"}  # what raw data without a definition say nothing against


class Kernel(MarketLife):
    """Processes events. Every `_process_<noun>` may be overridden.

    :ivar books: how many market books were processed.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self.books = 0
        self._book_step: Step
        super().__init__(*arguments, **options)
        self._copied: set[type[Event]] = set()
        self._handlers = _Handlers(
            {
                MarketBooksEvent: self._process_market_books
                if type(self)._process_market_books is Kernel._process_market_books
                else self._process_overridden,
                RawDataEvent: self._process_raw_data,
                MarketCataloguesEvent: self._process_market_catalogues,
                CurrentOrdersEvent: self._process_current_orders,
                SportsDataEvent: self._process_sports_data,
                CloseMarketEvent: self._process_close_market,
                ClearedOrdersEvent: self._process_cleared_orders,
                ClearedMarketsEvent: self._process_cleared_markets,
                CustomEvent: self._process_custom_event,
            }
        )

    def add_logging_control(self, logging_control: LoggingControl) -> None:
        """Add a logging control; what it handles of the received events is copied for it from now on."""
        super().add_logging_control(logging_control)
        for event_type, copy in COPIES.items():
            if event_type not in self._copied and EVENT_NOUNS[event_type] in self._logged:
                self._copied.add(event_type)
                step, logged = self._handlers[event_type], self._logging(self._handlers[event_type], copy)
                self._handlers |= {known: logged for known, each in self._handlers.items() if each is step}

    def _logging(self, step: Callable[[Any], None], copy: Callable[[Any], Event]) -> Callable[[Any], None]:
        def process(event: Event) -> None:
            step(event)
            self.log_control(copy(event))

        return process

    def process(self, event: Event) -> None:
        """Process one event, and send the orders that it brought about."""
        self._handlers[type(event)](event)
        if self._waiting:
            self.drain()

    # market books

    def _process_market_books(self, event: MarketBooksEvent) -> None:
        """Process books in order."""
        for book in event.market_books:
            self.clock.advance(book.publish_time_epoch)
            self.books += 1
            market = self.markets.markets.get(book.market_id)
            previous: MarketBook | None = None
            is_redefined = is_new = False
            if (
                market is None
                or (previous := market.latest_book) is None
                or book.definition is not market.definition
                or market.closed
                or book.definition.status == "CLOSED"
            ):
                is_redefined = market is None or previous is None or book.definition is not market.definition
                market = self._turned(market, book, is_redefined)
                if market is None:
                    continue
                is_new = book.streaming_unique_id not in market.streams
                market.streams.add(book.streaming_unique_id)
            else:
                if market.blotter.active:
                    self._execute_due(market, book)
                if previous.built is None or book.built is None:  # else nobody counts the references to it
                    book.house_references = 1
                market.latest_book = book
            step = self._book_step
            if step.around is None:
                self._see_book(market, book, is_new, is_redefined)
            else:
                step.around(partial(self._see_book, market, book, is_new, is_redefined), market, book)

    def _process_overridden(self, event: MarketBooksEvent) -> None:
        """Have a subclass process books, which may keep the event, and leave out books.

        What a book that is left out has brought counts as brought by the next one, as in flumine.
        """
        books = list(event.market_books)
        for book in books:
            book.number_of_runners  # noqa: B018  (built, it may be kept)
        self._process_market_books(MarketBooksEvent(books.copy()))
        for book in books:
            market = self.markets.markets.get(book.market_id)
            if market is None or market.latest_book is not book:
                book.withdraw()

    def _turned(self, market: Market | None, book: MarketBook, is_redefined: bool) -> Market | None:
        """Return the market of a book that is its first, brings a definition or finds it closed, with that book.

        None where the book is CLOSED, or older than the one that closed the market.
        """
        if market is not None and (is_redefined or market.blotter.active):
            self._execute_due(market, book)
        if book.definition.status == "CLOSED":
            self._process_close_market(CloseMarketEvent(book, book.streaming_unique_id))
            return None
        if market is None:
            market = self._add_live_market(book.market_id, book)
        elif market.closed and not self._open_again(market, book.publish_time_epoch, book.streaming_unique_id):
            return None
        is_first = market.latest_book is None
        market.market_book = book
        if is_first:
            self.markets.enter_event(market)
        return market

    def _open_again(self, market: Market, publish_ms: int, stream_id: int) -> bool:
        """Take a closed market up again that a stream has brought; return whether that was done."""
        self.markets.add_market(market.market_id, market)
        return True

    def _see_book(self, market: Market, book: MarketBook, is_new: bool, is_redefined: bool) -> None:
        for middleware in self._middleware:
            self._call_middleware(middleware, "__call__", market)
        is_active = market.blotter.active
        if is_active or is_redefined:
            for execution in self.executions:
                try:
                    reports = execution.after_book(market, book)
                    if reports:
                        self.apply(market, reports)
                except survivable() as error:
                    self.faults.record(type(execution).__name__, "after_book", error)
            if is_active:
                self._process_orders(market)
        for _, call in self._book_step.calls:
            call(market, book)
        stream_id = book.streaming_unique_id
        for strategy in self._subscribers.get(stream_id) or self.subscribers(stream_id):
            if is_new and id(strategy) not in market.met:
                market.met.add(id(strategy))
                self._guard_strategy(strategy, "process_new_market", market, book)
            callback = "check_market_book"
            try:
                if strategy.check_market_book(market, book):
                    callback = "process_market_book"
                    strategy.process_market_book(market, book)
            except survivable() as error:
                self.faults.record(strategy.name, f"strategy.{callback}", error)
            if self._waiting:
                self.drain()

    def _process_orders(self, market: Market) -> None:
        """Complete orders, then show each strategy all of its orders on the market."""
        blotter = market.blotter
        if blotter.touched:
            self.complete_orders(market)
        for strategy in self.strategies:
            orders = blotter.strategy_orders(strategy)
            if orders:
                try:
                    strategy.process_orders(market, orders)
                except survivable() as error:
                    self.faults.record(strategy.name, "strategy.process_orders", error)
                if self._waiting:
                    self.drain()

    # the other nouns

    def _process_raw_data(self, event: RawDataEvent) -> None:
        """Process a data stream's message."""
        strategies = self.subscribers(event.stream_id)
        changes = event.data if event.op == "mcm" else ()
        for datum in changes:
            market_id = datum.get("id")
            if market_id is None:
                continue
            market = self.markets.markets.get(market_id)
            if market is None:
                market = self._add_live_market(market_id, None)
            elif market.closed and datum.get("marketDefinition", _CLOSED).get("status") != "CLOSED":
                self._open_again(market, event.publish_time, event.stream_id)
            if "marketDefinition" in datum:
                market.update_market_catalogue = True

        def body() -> None:
            for datum in event.data:
                for strategy in strategies:
                    self._guard_strategy(strategy, "process_raw_data", event.clk, event.publish_time, datum)

        self.plan.steps["process_raw_data"].run(
            body, event.stream_id, event.clk, event.publish_time, event.data, event.op
        )
        for datum in changes:
            if datum.get("marketDefinition", {}).get("status") == "CLOSED":
                self._process_close_market(CloseMarketEvent(datum, event.stream_id))

    def _process_market_catalogues(self, event: MarketCataloguesEvent) -> None:
        """Process market catalogues of known markets."""
        for catalogue in event.market_catalogues:
            market = self.markets.markets.get(catalogue.market_id)
            if market is None:
                continue
            is_first = market.market_catalogue is None
            market.market_catalogue = catalogue
            market.update_market_catalogue = False
            if is_first:
                self.markets.enter_event(market)
                if "market" in self._logged:
                    self.log_control(MarketEvent(plain_market(market)))
            self._tell_catalogue(market, catalogue)

    def _tell_catalogue(self, market: Market, catalogue: Any) -> None:
        book = market.market_book
        subscribed = self.subscribers(book.streaming_unique_id if book is not None else None)

        def body() -> None:
            for strategy in self.strategies:
                if strategy in subscribed or strategy.market_cached(market.market_id):
                    self._guard_strategy(strategy, "process_market_catalogue", market, catalogue)

        self.plan.steps["process_market_catalogues"].run(body, market, catalogue)

    def _process_current_orders(self, event: CurrentOrdersEvent) -> None:
        """Apply reports, and what the order stream's bets mean, then show strategies their orders."""
        markets: dict[str, Market] = {}
        execution = getattr(event.client, "execution", None)
        applied = []
        meant = () if execution is None else self._reports_of(execution, "process_current_orders", event)
        for report in chain(event.reports, meant):
            market = self.take_report(report)
            if market is not None:
                markets[market.market_id] = market
            applied.append(report)
        event.reports = applied

        def body() -> None:
            for market in markets.values():
                if market.closed:
                    self.complete_orders(market)
                else:
                    self._process_orders(market)

        self.plan.steps["process_current_orders"].run(body, event)

    def take_report(self, report: Report) -> Market | None:
        """Apply a report to its market, which it returns; one that cannot be applied is counted as a fault."""
        market = self.markets.markets.get(report.order.market_id)
        if market is None and isinstance(report, AdoptReport):
            market = self._add_live_market(report.order.market_id, None)
        if market is not None:
            try:
                self.apply(market, (report,))
            except survivable() as error:
                self.faults.record(type(self).__name__, type(report).__name__, error)
        return market

    def _process_sports_data(self, event: SportsDataEvent) -> None:
        """Process race or cricket updates."""
        strategies = self.subscribers(event.streaming_unique_id)
        for update in event.sports_data:
            event_id = getattr(update, "event_id", None)
            markets: Iterable[Market | None]
            if event_id is not None:
                markets = list(self.markets.events.get(event_id, ()))
            else:
                markets = [self.markets.markets.get(update.market_id)]
            for market in markets:
                if market is not None:
                    self.tell_sports_data(market, update, strategies)

    def tell_sports_data(self, market: Market, update: Any, strategies: Iterable[Any]) -> None:
        """Show strategies a race or cricket update of a market."""

        def body() -> None:
            for strategy in strategies:
                if self._guard_strategy(strategy, "check_sports_data", market, update):
                    self._guard_strategy(strategy, "process_sports_data", market, update)

        self.plan.steps["process_sports_data"].run(body, market, update)

    def _process_custom_event(self, event: CustomEvent) -> None:
        """Process an event of a user's own."""

        def body() -> None:
            if event.callback is None:
                return
            try:
                event.callback(self, event)
            except survivable() as error:
                name = getattr(event.callback, "__qualname__", repr(event.callback))
                self.faults.record(name, "custom_event", error)

        self.plan.steps["process_custom_event"].run(body, event)
        if "custom_event" in self._logged:
            self.log_control(CustomEvent(str(event.event)))
