"""Orders on their way out: the gate that a request passes, and the outbox that it leaves by."""

import queue
import threading
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from ..contract.ports import Execution
from ..control.base import Control
from ..control.transaction import Check, Transaction
from ..errors import ControlError, ExecutionError, survivable
from ..events import MarketOrdersEvent, OrderPackageEvent, TradeEvent
from ..hint import one_line
from ..market.market import Market
from ..order.order import Order
from ..order.package import OrderPackage, OrderPackageType
from ..order.refusal import Refusal
from ..order.told import ToldCopy
from ..order.trade import Trade
from .guard import Stopped
from .plan import Plan
from .reports import Reports, refusal_of

NO_THREAD = 0
"""In place of the kernel's thread once the run has ended."""


class Desk(Reports):
    """Opens transactions, checks requests, and hands packages to executions."""

    plan: Plan
    executions: list[Execution]

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._package_count = 0
        self._parted_from: OrderPackage | None = None  # the last one that an execution was given, or that was stopped
        self._waiting: list[Market] = []
        self._open_transactions: list[Transaction] = []
        self._checks: dict[int, tuple[list[Any], list[Any], tuple[tuple[Any, Check], ...]]] = {}
        self.kernel_thread = threading.get_ident()
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
            settings.customer_strategy_ref or customer_strategy_ref or settings.own_strategy_ref,
            client is None,
        )

    def controls_for(self, client: Any) -> tuple[tuple[Any, Check], ...]:
        """Return trading controls and the client's own, in order, each with what checks a request."""
        known = self._checks.get(id(client))
        if known is None or known[0] != self.trading_controls or known[1] != client.trading_controls:
            if not self._is_ours(client):
                return ((self, _not_added),)
            trading, own = list(self.trading_controls), list(client.trading_controls)
            checks = tuple(
                (control, control.check if type(control).__call__ is Control.__call__ else control)
                for control in (*trading, *own)
            )
            known = self._checks[id(client)] = (trading, own, checks)
        return known[2]

    def _is_ours(self, client: Any) -> bool:
        return any(client is each for each in self.clients)

    def control_raised(
        self, control: Control, error: BaseException, order: Order, package_type: OrderPackageType
    ) -> Refusal:
        """Refuse the request that a control raised on; a ControlError is no fault, it is how flumine's refuse."""
        if isinstance(error, ControlError):
            return control.refuse(order, package_type, str(error), error.numbers)
        name = type(control).__name__
        self.faults.record(name, "control", error)
        return refusal_of(name, f"the control raised {one_line(error)}", order, package_type)

    def next_package_id(self) -> int:
        """Return the number of the next package."""
        self._package_count += 1
        return self._package_count

    def trade_placed(self, trade: Trade) -> None:
        """Tell the logging controls of a trade's first order."""
        if "trade" in self._logged:
            self.log_control(TradeEvent(ToldCopy(trade.snapshot())))

    def is_kernel_thread(self) -> bool:
        """Whether the caller is on the thread that owns orders."""
        return threading.get_ident() == self.kernel_thread

    def in_kernel(self, function: Callable[[], bool]) -> bool:
        """Have `function` run on the kernel's thread, and return its verdict.

        :raises ExecutionError: if the framework has ended, or ends before it could be asked.
        """
        if self.is_kernel_thread():
            return function()
        if self.kernel_thread == NO_THREAD:
            raise ExecutionError("the run has ended: nothing can be asked of it any more")
        answer: queue.SimpleQueue[tuple[bool, Any]] = queue.SimpleQueue()
        self.posted.put((function, answer))
        self._wake()
        is_last = False
        while True:
            try:
                is_answer, value = answer.get(timeout=0.1)
            except queue.Empty:
                if is_last:
                    raise ExecutionError("the framework ended before it took the request") from None
                is_last = not self.is_running  # it may have answered since
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
            except survivable() as error:
                answer.put((False, error))
            self.drain()

    def keep_open(self, transaction: Transaction) -> None:
        """Take note of a transaction that is not in a `with` block and has requests."""
        others = [each for each in self._open_transactions if each.requests and each is not transaction]
        self._open_transactions = [*others, transaction]

    def _abandon_transactions(self) -> None:
        """Refuse what was asked in transactions that were never executed."""
        transactions, self._open_transactions = self._open_transactions, []
        for transaction in transactions:
            for order, package_type in transaction.abandon():
                self.stop_request(order, package_type, "the transaction was never executed")

    def stop_request(self, order: Order, package_type: OrderPackageType, reason: str) -> None:
        """Refuse a request that all controls had accepted, since its transaction will not send it."""
        self._stop_request(order, refusal_of("Transaction", reason, order, package_type))

    # the outbox

    def sent(self, market: Market) -> None:
        """Take note that a market has packages in its outbox."""
        self._waiting.append(market)

    def drain(self) -> None:
        """Hand over the packages of all outboxes."""
        while self._waiting:
            waiting, self._waiting = self._waiting, []
            try:
                for other in waiting:
                    if other.outbox:
                        self._process_market_orders(other)
            except BaseException:
                self._waiting[:0] = [each for each in waiting if each.outbox]
                raise

    def _abandon_outboxes(self) -> None:
        """Refuse what has not left when an exception ended the run."""
        waiting, self._waiting = self._waiting, []
        for market in waiting:
            packages, market.outbox = market.outbox, []
            for package in packages:
                self._stop(package, "Execution", "the run ended before it was sent")

    def _process_market_orders(self, market: Market) -> None:
        """Process a market that has packages in its outbox; called once a drain."""

        if "market_orders" in self._logged:
            plain: Any = market.info | {"order_packages": [package.info for package in market.outbox]}
            self.log_control(MarketOrdersEvent(plain))
        step = self.plan.steps["process_market_orders"]
        step.run(partial(self._empty_outbox, market), market)

    def _empty_outbox(self, market: Market) -> None:
        waiting, market.outbox = deque(market.outbox), []
        try:
            while waiting:
                package = waiting.popleft()
                try:
                    self._process_order_package(package)
                except survivable() as error:  # of a step that was overridden, or one that the settings have raised
                    name = type(self).__name__
                    if self._parted_from is not package:
                        self._stop(package, name, f"_process_order_package raised {one_line(error)}")
                    self.faults.record(name, "_process_order_package", error)
        except BaseException:
            market.outbox[:0] = waiting
            raise
        self._parted_from = None

    def _process_order_package(self, order_package: OrderPackage) -> None:
        """Process one package: hooks may stop it, its client's execution takes it."""
        step = self.plan.steps["process_order_package"]
        if step.around is not None:
            try:
                step.around(lambda: self._submit(order_package, step.calls), order_package)
            except Stopped as stopped:
                self._stop(order_package, stopped.plugin, str(stopped))
        else:
            self._submit(order_package, step.calls)

    def _submit(self, package: OrderPackage, calls: Sequence[tuple[str, Callable[..., Any]]]) -> None:
        for plugin, call in calls:
            reason = call(package)
            if reason is not None:
                self._stop(package, plugin, str(reason))
                return
        if "order_package" in self._logged:
            plain: Any = package.info
            self.log_control(OrderPackageEvent(plain))
        if "order_status" in self._logged:
            for order in package.orders:
                self._log_status(order)
        self._parted_from = package
        execution = package.client.execution  # type: ignore[attr-defined]
        if execution not in self.executions and (execution is None or package.package_type is OrderPackageType.PLACE):
            if self._is_ours(package.client):
                self._stop(package, "Execution", f"client {package.client.username} is another framework's by now")
            else:
                for order in package.orders:
                    self._stop_request(order, _not_added(order, package.package_type))
            return
        try:
            execution.submit(package)
        except survivable() as error:
            name = type(execution).__name__
            self._stop(package, name, f"the execution raised {one_line(error)}")
            self.faults.record(name, "submit", error)

    def _stop(self, package: OrderPackage, control: str, reason: str) -> None:
        self._parted_from = package
        for order in package.orders:
            self._stop_request(order, refusal_of(control, reason, order, package.package_type))

    def _stop_request(self, order: Order, refusal: Refusal) -> None:
        """Refuse a request that all controls had accepted."""
        self._client(order).release(order, refusal.package_type)
        order.refusal = refusal
        market = self.markets.get(order.market_id)
        if refusal.package_type is OrderPackageType.PLACE:
            order.violation(refusal.message)
            if market is not None:
                market.blotter.complete_order(order)
            order.trade.revive()
            order.trade.check_complete()
        else:
            if not order.complete:  # it was filled since it was asked for
                order.executable()
            order.violation_msg = refusal.message
        self.refuse(order, refusal)


def _not_added(order: Order, package_type: OrderPackageType) -> Refusal:
    name = getattr(order.client, "username", None) or repr(order.client)
    return refusal_of("Execution", f"client {name} was not added before run()", order, package_type)
