"""Reports on their way in: the only place where what an execution says changes an order."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from ..control.transaction import market_prices
from ..events import OrderEvent, OrderStatusEvent, RefusalEvent
from ..market.market import Market
from ..order.kinds import LimitOrder
from ..order.order import Order
from ..order.package import OrderPackageType
from ..order.refusal import Refusal
from ..order.report import (
    AdoptReport,
    CancelReport,
    DropReport,
    MatchReport,
    PlaceReport,
    ReplaceReport,
    Report,
    UnknownReport,
    UpdateReport,
)
from ..order.states import OrderStatus
from .registry import Registry


class Reports(Registry):
    """Applies reports to orders, completes orders, and keeps refusals."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._replacements: set[str] = set()
        super().__init__(*arguments, **options)

    def refuse(self, order: Order, refusal: Refusal) -> None:
        """Keep a refusal, count it, and tell the logging controls."""
        self._refusals.append(refusal)
        key = (refusal.strategy, refusal.control)
        self.refusal_counts[key] = self.refusal_counts.get(key, 0) + 1
        if self._logged:
            takers = self._takers.get(RefusalEvent)
            if takers:  # a strategy may be refused at each book
                now, trade = self.clock.epoch_ms, order.trade
                event = RefusalEvent(refusal, now, trade.id, order.handicap, order.side, order.order_type)
                for control in takers:
                    control.put(event)
            if self._tells_refused or len(order.status_log) > 1:
                self._log_status(order)

    def _log_status(self, order: Order) -> None:
        if "order_status" in self._logged:
            self.log_control(OrderStatusEvent(order.snapshot()))

    def apply(self, market: Market, reports: Sequence[Report]) -> None:
        """Apply what an execution reports to the orders that it names."""
        for report in reports:
            self._appliers[type(report)](self, market, report)

    def _placed(self, market: Market, report: PlaceReport) -> None:
        order = report.order
        was_complete = order.complete
        if report.response is not None:
            order.responses.place_response = report.response
        order.apply_totals(report.totals)
        order.trade.revive()
        if report.is_success or order.id not in self._replacements:
            order.placed_ms = report.placed_ms or self.clock.epoch_ms
        if report.is_success:
            order.bet_id = report.bet_id
            if order.id in self._replacements:
                market.count_transaction()
                market.blotter.enter_last(order)
                order.market_prices, order.publish_ms = market_prices(market, order), market.publish_ms
            order.executable()
            if "order" in self._logged:
                self.log_control(OrderEvent(order.snapshot()))
            if was_complete:  # it had been given up, and has come late
                market.blotter.take_back(order)
                order.trade.strategy.get_runner_context(*order.lookup).place(order.trade.id)
        else:
            order.execution_complete()
            reason, asked = report.reason or f"the order was not placed: {report.error_code}", OrderPackageType.PLACE
            if order.id in self._replacements:
                market.blotter.forget(order)
                reason = f"the replacement was not placed: {report.error_code}"
                asked = OrderPackageType.REPLACE
            order.refusal = refusal_of("Exchange", reason, order, asked)
            if asked is OrderPackageType.PLACE:
                order.violation_msg = order.refusal.message
            self.refuse(order, order.refusal)
        self._replacements.discard(order.id)
        market.blotter.touched.append(order)
        if report.was_sent:
            if not (was_complete and report.is_success):  # else it was counted when it was given up
                self._client(order).add_transaction(1)
        else:
            self._release(order, OrderPackageType.PLACE)
        if report.is_success:  # a refusal has told the status
            self._log_status(order)

    def _cancelled(self, market: Market, report: CancelReport) -> None:
        order = report.order
        if report.response is not None:
            order.responses.cancel_responses.append(report.response)
        order.apply_totals(report.totals)
        order.trade.revive()
        if report.is_success and order.size_remaining == 0:
            order.execution_complete()
        else:
            order.executable()
        market.blotter.touched.append(order)
        if not report.is_success and report.was_sent:
            self._client(order).add_transaction(1, failed=True)
        self._log_status(order)

    def _updated(self, market: Market, report: UpdateReport) -> None:
        order = report.order
        if report.response is not None:
            order.responses.update_responses.append(report.response)
        order.trade.revive()
        if report.kind is not None:
            order.change_kind(report.kind)
        order.executable()
        market.blotter.touched.append(order)
        if not report.is_success and report.was_sent:
            self._client(order).add_transaction(1, failed=True)
        self._log_status(order)

    def _replaced(self, market: Market, report: ReplaceReport) -> None:
        order, package = report.order, report.package
        if report.response is not None:
            order.responses.replace_responses.append(report.response)
        order.apply_totals(report.totals)
        order.trade.revive()
        market.blotter.touched.append(order)
        if not report.is_success:
            order.executable()
            self._release(order, OrderPackageType.REPLACE)
            if report.was_sent:
                self._client(order).add_transaction(1, failed=True)
            self._log_status(order)
            return
        new_price = order.update_data["new_price"] if report.new_price is None else report.new_price
        replacement = order.trade.create_order_replacement(order, new_price, report.size_cancelled, package.created_ms)
        kind = replacement.order_type
        if report.persistence is not None and isinstance(kind, LimitOrder):
            replacement.order_type = msgspec.structs.replace(kind, persistence_type=report.persistence)
        replacement.place(market.publish_ms, package.market_version, package.is_async)
        market.blotter[replacement.id] = replacement
        package.replacements.append(replacement)
        self._replacements.add(replacement.id)
        order.execution_complete()
        self._log_status(order)
        self._log_status(replacement)

    def _matched(self, market: Market, report: MatchReport) -> None:
        order = report.order
        order.apply_totals(report.totals)
        if report.kind is not None:
            order.change_kind(report.kind)
        if report.is_complete and not order.complete:
            order.execution_complete()
        market.blotter.touched.append(order)
        self._log_status(order)

    def _unknown(self, market: Market, report: UnknownReport) -> None:
        report.order.unknown()
        self._log_status(report.order)

    def _adopted(self, market: Market, report: AdoptReport) -> None:
        order = report.order
        blotter = market.blotter
        order.apply_totals(report.totals)
        order.placing()
        if report.is_outside:
            blotter.outsider = order.trade.strategy
        blotter[order.id] = order
        market.take_for_line(order)
        order.trade.strategy.get_runner_context(*order.lookup).place(order.trade.id)
        order.bet_id = report.bet_id
        order.placed_ms = report.placed_ms
        if report.is_unknown:
            order.unknown()
        elif report.is_complete:
            order.execution_complete()
        else:
            order.executable()
        blotter.touched.append(order)
        if "order" in self._logged:
            self.log_control(OrderEvent(order.snapshot()))
        self._log_status(order)

    def _dropped(self, market: Market, report: DropReport) -> None:
        order = report.order
        asked = report.asked or {
            OrderStatus.PENDING: OrderPackageType.PLACE,
            OrderStatus.UPDATING: OrderPackageType.UPDATE,
            OrderStatus.REPLACING: OrderPackageType.REPLACE,
        }.get(order.status or OrderStatus.PENDING, OrderPackageType.CANCEL)
        self._release(order, asked)
        refusal = refusal_of("Execution", report.reason, order, asked)
        order.refusal, order.violation_msg = refusal, refusal.message
        self.refuse(order, refusal)

    def _release(self, order: Order, asked: OrderPackageType) -> None:
        """Have an account's controls give back what they reserved for a request that is no transaction."""
        self._client(order).release(order, asked)

    _appliers: dict[type, Callable[["Reports", Market, Any], None]] = {
        PlaceReport: _placed,
        CancelReport: _cancelled,
        UpdateReport: _updated,
        ReplaceReport: _replaced,
        MatchReport: _matched,
        DropReport: _dropped,
        UnknownReport: _unknown,
        AdoptReport: _adopted,
    }

    @staticmethod
    def _client(order: Order) -> Any:
        return order.client

    def complete_orders(self, market: Market) -> None:
        """Complete orders with nothing left to match, and drop complete ones from the live ones."""
        blotter = market.blotter
        touched, blotter.touched = blotter.touched, []
        for order in touched:
            if not blotter.is_live(order):
                continue
            if not order.complete and _is_used_up(order):
                order.execution_complete()
                self._log_status(order)
            if order.complete:
                blotter.complete_order(order)


def _is_used_up(order: Order) -> bool:
    """Whether nothing is left of a limit order; of one with a target the exchange alone knows the stake."""
    kind = order.order_type
    return isinstance(kind, LimitOrder) and bool(kind.size) and order.size_remaining == 0


def refusal_of(control: str, reason: str, order: Order, package_type: OrderPackageType) -> Refusal:
    """Return a refusal without figures, of what is no control."""
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
