"""The live end's execution: packages become calls on threads of their own, and what comes of them becomes reports."""

import queue
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from time import monotonic
from typing import Any

from loguru import logger

from ..book.marketbook import MarketBook
from ..contract.client import BaseClient
from ..events import CurrentOrdersEvent, Event
from ..market.market import Market
from ..order.order import Order
from ..order.package import OrderPackage, OrderPackageType
from ..order.report import Report
from ..order.states import OrderStatus
from ..settings import Settings
from .adopt import Adoption
from .api import Api
from .calls import Calls, unread
from .journal import Journal, reading
from .login import CallError
from .reconcile import Reconciliation
from .request import AnswerEvent, ListEvent, LookEvent, Request, TickEvent, make_request, params_of
from .restore import restore
from .unknown import Unknowns

_NONE: Sequence[Report] = ()
_HOUR_MS = 3_600_000
_NOT_CONNECTED = "the order stream is not connected"


class BetfairExecution(Calls):
    """Executes the orders of one account at Betfair.

    All but the calls themselves runs on the kernel's thread: threads hand over events, and the kernel is woken.

    :param ids: numbers for the orders of bets that are adopted.
    :param journal: where intents and outcomes are kept, None for nowhere.
    :ivar gate: refuses new exposure while the exchange's bets are not known.
    """

    def __init__(
        self,
        framework: Any,
        client: BaseClient,
        settings: Settings,
        api: Api,
        ids: Any,
        journal: Journal | None = None,
    ) -> None:
        super().__init__(client, settings, api, journal)
        self._framework = framework
        self._own_ref = settings.own_strategy_ref
        own_only = self._own_ref if settings.own_orders_only else None
        self._adoption = Adoption(framework, client, ids, own_only)
        for other in framework.executions:
            if isinstance(other, BetfairExecution):  # bets by hand of all accounts count together
                self._adoption.outside = other._adoption.outside
        markets = framework.markets.markets
        self.unknowns = Unknowns(settings, client, markets.get, self._adoption.adopt, monotonic)
        self.gate = Reconciliation(framework, client)
        self._arrived: queue.SimpleQueue[CurrentOrdersEvent] = queue.SimpleQueue()
        self._connection = 0
        self._is_connected = True
        self._woken_at: float | None = None
        self._handlers: dict[type, Callable[[Any], Iterator[Report]]] = {
            AnswerEvent: self.unknowns.answered,
            LookEvent: self.unknowns.looked,
            ListEvent: self._listed,
            CurrentOrdersEvent: self._streamed,
            TickEvent: lambda event: iter(()),
        }

    def start(self) -> None:
        """Rebuild what an earlier run has left, and let nothing new pass before the exchange has told its bets."""
        controls = self._client.trading_controls
        controls[:] = [control for control in controls if not isinstance(control, Reconciliation)]  # an earlier run's
        self._framework.add_client_control(self._client, self.gate)
        self._timer.start()
        if self._client.market_recording_mode:
            self.gate.shut("the account is there for recording alone")
            return
        if self._journal is not None:
            with reading(self._journal.path):
                self._restore(self._journal)
        if self._client.order_stream:
            self._dropped()
        else:
            self._connected()

    def _restore(self, journal: Journal) -> None:
        self.unknowns.cancels_asked = journal.cancels_asked(self._client.username)
        for report in restore(journal, self._framework, self._client, self._adoption.outside):
            self._framework.take_report(report)
            if report.order.status is OrderStatus.UNKNOWN:
                self.unknowns.watch(report.order, OrderPackageType.PLACE if report.order.bet_id is None else None)
        self._count_transactions(journal)

    def _count_transactions(self, journal: Journal) -> None:
        """Go on counting the clock hour's transactions where earlier runs have stopped."""
        now = self._framework.clock.epoch_ms
        client = self._client
        since_ms = now - now % _HOUR_MS
        unanswered = [ask.order for ask in self.unknowns.asks.values() if ask.kind is OrderPackageType.PLACE]
        not_yet = sum(order.created_ms >= since_ms for order in unanswered)
        counted = client.current_transaction_count_total or 0
        client.add_transaction(max(journal.transactions(client.username, since_ms) - not_yet - counted, 0))
        for order in unanswered:  # they count when it is known what became of them
            client.accept(order, OrderPackageType.PLACE)

    # the port

    def submit(self, package: OrderPackage) -> None:
        """Take a package; the terms of its orders are read now, and the call is made by another thread."""
        orders = list(package)
        if not orders:
            return
        request = make_request(package, orders, package.customer_strategy_ref)
        rows = None if self._journal is None else self._journal.intent_of(request, request.params, orders)
        self.unknowns.begin(request)
        reason = self._why_refused(package)
        if reason:
            error = CallError("RECONCILIATION", reason, is_refused=True)
            self._arrive(AnswerEvent(request=request, error=error))
            return
        self._dispatch(request, request.params, rows)

    def _why_refused(self, package: OrderPackage) -> str:
        if not self.gate.passes(package.package_type):
            return self.gate.reason
        ref = (package.customer_strategy_ref or "")[:15]
        if self._settings.own_orders_only and package.package_type is OrderPackageType.PLACE and ref != self._own_ref:
            return f"own_orders_only hears of bets of customerStrategyRef {self._own_ref!r} alone, was {ref!r}"
        return ""

    def _why_not_sent(self, request: Request) -> str:
        if self._framework.is_stopping:
            return "nothing is placed while the framework is stopping"
        return self.gate.reason

    def before_book(self, market: Market, book: MarketBook) -> Sequence[Report]:
        """Report nothing: what the exchange does comes as events."""
        return _NONE

    def after_book(self, market: Market, book: MarketBook) -> Sequence[Report]:
        """Report nothing: what the exchange does comes as events."""
        return _NONE

    def process_current_orders(self, event: CurrentOrdersEvent) -> Iterator[Report]:
        """Report what the order stream and the calls that have ended say, one report at a time."""
        touched: dict[str, Order] = {}
        try:
            for each in self._events(event):
                for report in self._handled(each):
                    order = touched[report.order.id] = report.order
                    matched = order.size_matched
                    yield report
                    if order.size_matched != matched:
                        self._clear_again(order.market_id)
                    for replacement in getattr(getattr(report, "package", None), "replacements", ()):
                        touched[replacement.id] = replacement
        finally:
            if self._journal is not None and touched:
                self._journal.note(list(touched.values()))
            self._go_on()

    def _clear_again(self, market_id: str) -> None:
        """Have a market's cleared orders asked for, again if need be, where it has closed and now there is more."""
        market = self._framework.markets.get(market_id)
        if market is not None and market.closed:
            self._framework.cleared_market_queue.put(market_id)

    def close_market(self, market: Market) -> None:
        """Do nothing: the journal keeps a closed market until its orders are cleared."""

    def end_stream(self) -> Iterator[Report]:
        """Wait a moment for the answers that are under way, and report them."""
        until = monotonic() + min(self._settings.wait("connect_timeout"), 1.0)
        while not self.is_idle and monotonic() < until:
            try:
                event = self._arrived.get(timeout=0.02)
            except queue.Empty:
                continue
            self._arrived.put(event)
            yield from self.process_current_orders(TickEvent())
        yield from self.process_current_orders(TickEvent())

    def shutdown(self) -> None:
        """End the threads, as far as they can be ended, and close the journal."""
        self._end_calls()
        if self._journal is not None:
            self._journal.save_contexts(self._framework.strategies)
            self._journal.close()

    # events

    def _handled(self, event: CurrentOrdersEvent) -> Iterator[Report]:
        """Report what an event says; what cannot be understood of an answer is looked for at the exchange."""
        try:
            yield from self._handlers[type(event)](event)
        except Exception as failure:
            logger.opt(exception=failure).error("{}", type(event).__name__)
            self._framework.faults.count(type(self).__name__, type(event).__name__, failure)
            if isinstance(event, AnswerEvent):
                yield from self.unknowns.not_understood(event, failure)

    def _events(self, event: CurrentOrdersEvent) -> Iterator[CurrentOrdersEvent]:
        yield event
        while True:
            try:
                yield self._arrived.get_nowait()
            except queue.Empty:
                return

    def _arrive(self, event: CurrentOrdersEvent) -> None:
        """Hand an event to the kernel's thread, from any other."""
        self._arrived.put(event)
        self._wake()

    def _wake(self) -> None:
        tick: Event = TickEvent(client=self._client)
        self._framework.post(tick)

    def _streamed(self, event: CurrentOrdersEvent) -> Iterator[Report]:
        if event.is_connected is False:
            self._dropped()
        elif event.is_connected:
            self._connected()
        yield from self.unknowns.seen(event.bets)

    def _go_on(self) -> None:
        """Start what is due: looks, resends, and the timer for what is due later."""
        due = self.unknowns.due()
        if due:
            self._look(due)
        for request, asks in self.unknowns.take_resends():
            self._dispatch(request, params_of(request, asks, request.package.customer_strategy_ref), None)
        moment = self.unknowns.next_due
        now = monotonic()
        if self._woken_at is not None and self._woken_at <= now:
            self._woken_at = None
        if moment is not None and (self._woken_at is None or moment < self._woken_at):
            self._woken_at = moment
            self._timer.call_at(moment, self._wake)

    # reconciliation

    def _connected(self) -> None:
        """Ask for all bets of the account, since the order stream may have missed some."""
        self._is_connected = True
        self._connection += 1
        self.gate.shut("the account's bets are being asked for, since the order stream has connected")
        self._list_now(self._connection)

    def _dropped(self) -> None:
        """Take no new exposure, and ask for the bets again and again, until the order stream has connected."""
        self.gate.shut(_NOT_CONNECTED)
        if self._is_connected:
            self._is_connected = False
            self._connection += 1  # what is being listed begins no round of questions of its own
            self._list_later()

    def _list(self, connection: int) -> None:
        bets, error = [], None
        filters = {"customerStrategyRefs": [self._own_ref]} if self._settings.own_orders_only else {}
        try:
            bets = self._lists.current(**filters)
        except Exception as failure:
            error = unread(failure)
        self._arrive(ListEvent(bets=bets, connection=connection, error=error))

    def _list_missing(self, connection: int, bet_ids: list[str]) -> None:
        bets, error = [], None
        try:
            bets = self._lists.named(bet_ids, ())
            bets += self._cleared(bets, bet_ids, ())
        except Exception as failure:
            error = unread(failure)
        self._arrive(ListEvent(bets=bets, connection=connection, is_last=True, error=error))

    def _listed(self, event: ListEvent) -> Iterator[Report]:
        if event.connection != self._connection:
            return
        is_asking = not self._is_connected or not self._client.order_stream
        if is_asking and not event.is_last:  # whatever becomes of this answer
            self._list_later()
        if event.error is not None:
            logger.error("the account's bets cannot be listed, trying again: {}", event.error)
            self.gate.shut(f"the account's bets cannot be listed: {event.error}")
            if not is_asking:
                self._list_later()
            return
        yield from self.unknowns.seen(event.bets)
        listed = {bet.bet_id for bet in event.bets}
        missing = []
        for order in self._open_orders():
            if order.bet_id is None:
                self.unknowns.watch(order, OrderPackageType.PLACE)
            elif order.bet_id not in listed:
                missing.append(order)
        if missing and not event.is_last:
            bet_ids = [str(order.bet_id) for order in missing]
            job = partial(self._list_missing, event.connection, bet_ids)
            self._read(job, ListEvent(connection=event.connection, is_last=True))
            return
        for order in missing if event.is_last else ():
            self.unknowns.watch(order)
        if self._is_connected:
            self.gate.open()
        else:
            self.gate.shut(_NOT_CONNECTED)

    def _list_later(self) -> None:
        again = partial(self._list_again, self._connection)
        self._timer.call_at(monotonic() + self._settings.wait("look_interval_max"), again)

    def _list_again(self, connection: int) -> None:
        if connection == self._connection:
            self._list_now(connection)

    def _list_now(self, connection: int) -> None:
        self._read(partial(self._list, connection), ListEvent(connection=connection))

    def _open_orders(self) -> list[Order]:
        return [
            order
            for market in self._framework.markets
            for order in market.blotter.live_orders
            if order.client is self._client and not order.complete
        ]
