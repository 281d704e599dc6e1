"""Orders on their way out, and reports on their way in."""

import queue
import threading
from collections.abc import Callable, Sequence
from typing import Any

from ..control.transaction import Transaction
from ..errors import ExecutionError, OrderError
from ..events import OrderEvent, OrderStatusEvent, RefusalEvent, TradeEvent
from ..market.market import Market
from ..order.kinds import OrderTypes
from ..order.order import Order
from ..order.package import OrderPackage, OrderPackageType
from ..order.refusal import Refusal
from ..order.report import (
    CancelReport,
    DropReport,
    MatchReport,
    PlaceReport,
    ReplaceReport,
    Report,
    UpdateReport,
)
from ..order.states import OrderStatus
from ..order.trade import Trade
from .guard import one_line
from .plan import Plan
from .registry import Registry

_LIMIT = OrderTypes.LIMIT


class Desk(Registry):
    """The gate that requests pass, the outbox that they leave by, and the only place where reports change orders."""

    plan: Plan

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._package_count = 0
        self._waiting: list[Market] = []
        self._replacements: set[str] = set()
        self._thread = threading.get_ident()
        self.posted: queue.SimpleQueue[Any] = queue.SimpleQueue()
        super().__init__(*arguments, **options)

    # the gate

    def open_transaction(
        self,
        market: Market,
        client: Any,
        async_place_orders: bool | None,
        customer_strategy_ref: str | None,
    ) -> Transaction:
        """Open a transaction of a client (the first if None) on a market."""
        settings = self.settings
        return Transaction(
            market,
            self.clients.get_default() if client is None else client,
            self,
            settings.async_place_orders if async_place_orders is None else async_place_orders,
            settings.customer_strategy_ref or customer_strategy_ref or settings.hostname[:15],
        )

    def controls_for(self, client: Any) -> tuple[Any, ...]:
        """Return trading controls and the client's own, in order; one that raises refuses."""
        controls = self._controls.get(id(client))
        if controls is None:
            controls = self._controls[id(client)] = tuple(
                self._failing_closed(control) for control in (*self.trading_controls, *client.trading_controls)
            )
        return controls

    def _failing_closed(self, control: Any) -> Callable[[Order, OrderPackageType], Refusal | None]:
        def check(order: Order, package_type: OrderPackageType) -> Refusal | None:
            try:
                refusal: Refusal | None = control(order, package_type)
            except OrderError:
                raise
            except Exception as error:
                name = type(control).__name__
                self.faults.record(name, "control", error)
                return _refusal(name, f"the control raised {one_line(error)}", order, package_type)
            return refusal

        return check

    def next_package_id(self) -> int:
        """Return the number of the next package."""
        self._package_count += 1
        return self._package_count

    def refuse(self, order: Order, refusal: Refusal) -> None:
        """Keep a refusal, count it, and tell the logging controls."""
        self.refusals.append(refusal)
        key = (refusal.strategy, refusal.control)
        self.refusal_counts[key] = self.refusal_counts.get(key, 0) + 1
        if "refusal" in self._logged:
            self.log_control(RefusalEvent(refusal))
        self._log_status(order)

    def trade_placed(self, trade: Trade) -> None:
        """Tell the logging controls of a trade's first order."""
        if "trade" in self._logged:
            self.log_control(TradeEvent(trade.info))

    def _log_status(self, order: Order) -> None:
        if "order_status" in self._logged:
            self.log_control(OrderStatusEvent(order.info))

    def is_kernel_thread(self) -> bool:
        """Whether the caller is on the thread that owns orders."""
        return not self.is_running or threading.get_ident() == self._thread

    def in_kernel(self, function: Callable[[], bool]) -> bool:
        """Run `function` on the kernel's thread and return its verdict.

        :raises ExecutionError: if the framework ends before it could be asked.
        """
        if self.is_kernel_thread():
            return function()
        answer: queue.SimpleQueue[tuple[bool, Any]] = queue.SimpleQueue()
        self.posted.put((function, answer))
        self._wake()
        while True:
            try:
                is_answer, value = answer.get(timeout=0.1)
            except queue.Empty:
                if not self.is_running:
                    raise ExecutionError("the framework ended before it took the request") from None
                continue
            if is_answer:
                return bool(value)
            raise value

    def _wake(self) -> None:
        """Make a kernel that waits for events look at what was posted."""

    def _answer_posted(self) -> None:
        """Answer what other threads have asked for."""
        while True:
            try:
                function, answer = self.posted.get_nowait()
            except queue.Empty:
                return
            try:
                answer.put((True, function()))
            except Exception as error:
                answer.put((False, error))
            self.drain()

    # the outbox

    def sent(self, market: Market) -> None:
        """Take note that a market has packages in its outbox."""
        self._waiting.append(market)

    def drain(self) -> None:
        """Hand over the packages of all outboxes."""
        while self._waiting:
            waiting, self._waiting = self._waiting, []
            for other in waiting:
                if other.outbox:
                    self._process_market_orders(other)

    def _process_market_orders(self, market: Market) -> None:
        """Process a market that has packages in its outbox; called once a drain."""

        def body() -> None:
            packages, market.outbox = market.outbox, []
            for package in packages:
                self._process_order_package(package)

        step = self.plan["process_market_orders"]
        step.run(body, market)

    def _process_order_package(self, order_package: OrderPackage) -> None:
        """Process one package: hooks may stop it, its client's execution takes it."""
        step = self.plan["process_order_package"]
        if step.around is not None:
            step.around(lambda: self._submit(order_package, step.calls), order_package)
        else:
            self._submit(order_package, step.calls)

    def _submit(self, package: OrderPackage, calls: Sequence[tuple[str, Callable[..., Any]]]) -> None:
        for plugin, call in calls:
            reason = call(package)
            if reason is not None:
                self._stop(package, plugin, str(reason))
                return
        for order in package.orders:
            self._log_status(order)
        try:
            package.client.execution.submit(package)  # type: ignore[attr-defined]
        except Exception as error:
            name = type(package.client.execution).__name__  # type: ignore[attr-defined]
            self._stop(package, name, f"the execution raised {one_line(error)}")
            self.faults.record(name, "submit", error)

    def _stop(self, package: OrderPackage, control: str, reason: str) -> None:
        for order in package.orders:
            for client_control in package.client.trading_controls:
                client_control.release(order, package.package_type)
            refusal = _refusal(control, reason, order, package.package_type)
            order.refusal = refusal
            market = self.markets.markets[package.market_id]
            if package.package_type is OrderPackageType.PLACE:
                order.violation(refusal.message)
                market.blotter.complete_order(order)
                order.trade.check_complete()
            else:
                order.executable()
                order.violation_msg = refusal.message
            self.refuse(order, refusal)

    # reports

    def apply(self, market: Market, reports: Sequence[Report]) -> None:
        """Apply what an execution reports to the orders that it names."""
        for report in reports:
            self._appliers[type(report)](self, market, report)

    def _placed(self, market: Market, report: PlaceReport) -> None:
        order = report.order
        order.apply_totals(report.totals)
        order.trade.revive()
        if report.is_success:
            order.bet_id = report.bet_id
            order.placed_ms = report.placed_ms
            if order.id in self._replacements:
                self._replacements.discard(order.id)
                market.count_transaction()
            if "order" in self._logged:
                self.log_control(OrderEvent(order.info))
            order.executable()
        else:
            order.execution_complete()
        market.blotter.touched.append(order)
        self._client(order).add_transaction(1)
        self._log_status(order)

    def _cancelled(self, market: Market, report: CancelReport) -> None:
        order = report.order
        order.apply_totals(report.totals)
        order.trade.revive()
        if report.is_success and order.size_remaining == 0:
            order.execution_complete()
        else:
            order.executable()
        market.blotter.touched.append(order)
        if not report.is_success:
            self._client(order).add_transaction(1, failed=True)
        self._log_status(order)

    def _updated(self, market: Market, report: UpdateReport) -> None:
        order = report.order
        order.trade.revive()
        if report.is_success and report.kind is not None:
            order.order_type = report.kind
        order.executable()
        market.blotter.touched.append(order)
        if not report.is_success:
            self._client(order).add_transaction(1, failed=True)
        self._log_status(order)

    def _replaced(self, market: Market, report: ReplaceReport) -> None:
        order, package = report.order, report.package
        order.apply_totals(report.totals)
        order.trade.revive()
        market.blotter.touched.append(order)
        if not report.is_success:
            order.executable()
            self._client(order).add_transaction(1, failed=True)
            self._log_status(order)
            return
        new_price = order.update_data["new_price"]
        replacement = order.trade.create_order_replacement(
            order, new_price, report.size_cancelled, package.created_ms
        )
        replacement.place(market.publish_time, package.market_version, package.is_async)
        market.blotter[replacement.id] = replacement
        replacement.market_notes = order.market_notes
        package.replacements.append(replacement)
        self._replacements.add(replacement.id)
        order.execution_complete()
        self._log_status(order)
        self._log_status(replacement)

    def _matched(self, market: Market, report: MatchReport) -> None:
        order = report.order
        order.apply_totals(report.totals)
        if report.kind is not None:
            order.order_type = report.kind
        if report.is_complete and not order.complete:
            order.execution_complete()
        market.blotter.touched.append(order)
        self._log_status(order)

    def _dropped(self, market: Market, report: DropReport) -> None:
        order = report.order
        asked = {
            OrderStatus.PENDING: OrderPackageType.PLACE,
            OrderStatus.UPDATING: OrderPackageType.UPDATE,
            OrderStatus.REPLACING: OrderPackageType.REPLACE,
        }.get(order.status or OrderStatus.PENDING, OrderPackageType.CANCEL)
        for control in self._client(order).trading_controls:
            control.release(order, asked)
        refusal = _refusal("Execution", report.reason, order, asked)
        order.refusal, order.violation_msg = refusal, refusal.message
        self.refuse(order, refusal)

    _appliers: dict[type, Callable[["Desk", Market, Any], None]] = {
        PlaceReport: _placed,
        CancelReport: _cancelled,
        UpdateReport: _updated,
        ReplaceReport: _replaced,
        MatchReport: _matched,
        DropReport: _dropped,
    }

    @staticmethod
    def _client(order: Order) -> Any:
        return order.client

    def complete_orders(self, market: Market) -> None:
        """Complete orders with nothing left to match, and drop complete ones from the live ones."""
        blotter = market.blotter
        touched = blotter.touched
        if not touched:
            return
        blotter.touched = []
        for order in touched:
            if not order.complete and order.order_type.ORDER_TYPE is _LIMIT and order.size_remaining == 0:
                order.execution_complete()
                self._log_status(order)
            if order.complete:
                blotter.complete_order(order)


def _refusal(control: str, reason: str, order: Order, package_type: OrderPackageType) -> Refusal:
    return Refusal(
        control,
        reason,
        {},
        order.market_id,
        order.selection_id,
        order.trade.strategy.name,
        order.id,
        package_type,
    )
