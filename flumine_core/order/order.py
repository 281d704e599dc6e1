"""An order's life: its statuses, what may be asked of it, and the instructions for the exchange."""

from math import isfinite
from typing import Any

from ..errors import InvalidTransition, OrderUpdateError
from ..garbage import tracked
from .kinds import LimitOnCloseOrder, LimitOrder, OrderKind, OrderTypes
from .record import OrderRecord
from .report import BetTotals
from .states import COMPLETE_STATUS, ORDER_TRANSITIONS, OrderStatus, Trigger

PERSISTENCE_TYPES = frozenset({"LAPSE", "PERSIST", "MARKET_ON_CLOSE"})
_KIND_NAMES = {
    OrderTypes.LIMIT: ("LIMIT", "limitOrder"),
    OrderTypes.LIMIT_ON_CLOSE: ("LIMIT_ON_CLOSE", "limitOnCloseOrder"),
    OrderTypes.MARKET_ON_CLOSE: ("MARKET_ON_CLOSE", "marketOnCloseOrder"),
}


@tracked
class Order(OrderRecord, eq=False, dict=True, weakref=True):
    """An order of a trade. Only the kernel changes it, by reports; a strategy reads it and asks the market.

    Sizes are in the account's currency, prices decimal odds, times `*_ms` milliseconds since 1970 and
    `date_time_*` aware UTC datetimes made when read.

    :ivar id: unique in its run, as text; with the strategy's name hash it is the exchange's customer order
        reference.
    :ivar side: BACK or LAY.
    :ivar order_type: the kind, a frozen value; an update or a runner's removal gives the order a new one.
    :ivar lookup: (market id, selection id, handicap).
    :ivar follows: of a replacement, the id of the order that was placed first, whose reference its bet bears; or None.
    :ivar complete: nothing more can become of it (EXECUTION_COMPLETE, EXPIRED, VIOLATION).
    :ivar update_data: what a request under way asks for: size_reduction, new_persistence_type or new_price.
    :ivar market_prices: the runner's best price to back, best to lay and last price traded at its placing, of which
        `market_notes` is the text; None before, empty where there was no such runner.
    :ivar refusal: the latest refusal by a control, `violation_msg` its text.
    :ivar average_price_matched: rounded to two places, as all later arithmetic uses it.
    :ivar number: ascending in its market's order of acceptance, 0 before; a replacement gets another when it is placed.
    :ivar is_counted: its trade counts it (set by the trade); `position`: where the blotter counts it (set
        there).
    """

    # status

    def _move(self, trigger: Trigger) -> None:
        status = ORDER_TRANSITIONS.get((self.status, trigger))
        if status is None:
            present = self.status.value if self.status else None
            raise InvalidTransition(f"order {self.id} cannot be {trigger.value} from status {present}")
        position = self.position
        if position is not None and position.rests:
            position.loosen(self)
        self.status = status
        self.status_log.append(status)
        trade = self.trade
        clock = self._clock = trade.strategy.clock
        self.status_ms = clock.epoch_ms
        complete = status in COMPLETE_STATUS
        if complete is not self.complete:
            self.complete = complete
            if self.is_counted:
                trade.incomplete += -1 if complete else 1
            if not complete and position is not None:
                position.open(self)

    def placing(self) -> None:
        """Become PENDING."""
        self._move(Trigger.PLACING)

    def executable(self) -> None:
        """Become EXECUTABLE; what was asked for is forgotten."""
        self._move(Trigger.EXECUTABLE)
        self.update_data.clear()

    def execution_complete(self) -> None:
        """Become EXECUTION_COMPLETE, and complete the trade if nothing else of it is open."""
        self._move(Trigger.EXECUTION_COMPLETE)
        self.complete_ms = self.status_ms
        self.update_data.clear()
        self.trade.check_complete()

    def cancelling(self) -> None:
        """Become CANCELLING."""
        self._move(Trigger.CANCELLING)

    def updating(self) -> None:
        """Become UPDATING."""
        self._move(Trigger.UPDATING)

    def replacing(self) -> None:
        """Become REPLACING."""
        self._move(Trigger.REPLACING)

    def unknown(self) -> None:
        """Become UNKNOWN: a request was sent and its outcome is not known; what was asked for is kept."""
        self._move(Trigger.UNKNOWN)

    def violation(self, violation_msg: str) -> None:
        """Become VIOLATION: refused, or stopped after its acceptance. Never completes a trade by itself."""
        self._move(Trigger.VIOLATION)
        self.violation_msg = violation_msg
        self.update_data.clear()

    def apply_totals(self, totals: BetTotals) -> None:
        """Take over the sizes that an execution reports."""
        position = self.position
        if position is not None and (self.complete or position.rests):
            position.take_out(self)
        self.size_matched = totals.size_matched
        self.average_price_matched = totals.average_price_matched
        self.size_cancelled = totals.size_cancelled
        self.size_lapsed = totals.size_lapsed
        self.size_voided = totals.size_voided
        if position is not None and self.complete:
            position.put_back(self)

    def change_kind(self, kind: OrderKind) -> None:
        """Be of another kind from now on: an update, a runner's removal, a line that was not known to be one."""
        position = self.position
        if position is not None and (self.complete or position.rests):
            position.take_out(self)
        self.order_type = kind
        if position is not None and self.complete:
            position.put_back(self)

    # requests

    def place(self, publish_ms: int | None, market_version: int | None, async_: bool) -> None:
        """Become PENDING, of the book of `publish_ms` and, if not None, for that market version alone."""
        self.placing()
        self.publish_ms = publish_ms
        self.market_version = market_version
        self.async_ = async_

    def check_cancel(self, size_reduction: float | None = None) -> None:
        """Raise OrderUpdateError unless it can be cancelled (by `size_reduction`; None or 0: all of it)."""
        self._check_placed("cancelled", (OrderTypes.LIMIT,))
        if size_reduction:
            if not isfinite(size_reduction) or size_reduction < 0:
                raise OrderUpdateError(f"size reduction must be above 0, was {size_reduction}")
            if self.size_remaining - size_reduction < 0:
                raise OrderUpdateError(f"size reduction must be at most {self.size_remaining}, was {size_reduction}")
        self._check_executable()

    def cancel(self, size_reduction: float | None = None) -> None:
        """Become CANCELLING, of `size_reduction` or (None or 0) of all that remains."""
        self.check_cancel(size_reduction)
        self.cancelling()
        self.update_data["size_reduction"] = size_reduction

    def check_update(self, new_persistence_type: str | None) -> None:
        """Raise OrderUpdateError unless the order can be given this persistence."""
        self._check_placed("updated", (OrderTypes.LIMIT,))
        if new_persistence_type not in PERSISTENCE_TYPES:
            expected = ", ".join(sorted(PERSISTENCE_TYPES))
            raise OrderUpdateError(f"persistence type must be one of {expected}, was {new_persistence_type}")
        if getattr(self.order_type, "persistence_type", None) == new_persistence_type:
            raise OrderUpdateError(f"persistence type must be a new one, was {new_persistence_type} already")
        self._check_executable()

    def update(self, new_persistence_type: str | None) -> None:
        """Become UPDATING; the kind stays until the exchange has agreed."""
        self.check_update(new_persistence_type)
        self.updating()
        self.update_data["new_persistence_type"] = new_persistence_type

    def check_replace(self, new_price: float) -> None:
        """Raise OrderUpdateError unless the order can be replaced by one at this price."""
        self._check_placed("replaced", (OrderTypes.LIMIT, OrderTypes.LIMIT_ON_CLOSE))
        if isinstance(self.order_type, LimitOrder | LimitOnCloseOrder) and self.order_type.price == new_price:
            raise OrderUpdateError(f"price must be a new one, was {new_price} already")
        self._check_executable()

    def replace(self, new_price: float) -> None:
        """Become REPLACING."""
        self.check_replace(new_price)
        self.replacing()
        self.update_data["new_price"] = new_price

    def _check_placed(self, verb: str, kinds: tuple[OrderTypes, ...]) -> None:
        if self.bet_id is None:
            raise OrderUpdateError(f"order {self.id} must have a bet id to be {verb}, had none")
        kind = self.order_type.ORDER_TYPE
        if kind not in kinds:
            expected = " or ".join(allowed.name for allowed in kinds)
            raise OrderUpdateError(f"order {self.id} must be {expected} to be {verb}, was {kind.name}")

    def _check_executable(self) -> None:
        if self.status is not OrderStatus.EXECUTABLE:
            present = self.status.value if self.status else None
            raise OrderUpdateError(f"order {self.id} must be Executable, was {present}")

    # instructions

    def create_place_instruction(self) -> dict[str, Any]:
        """Return the exchange's placeOrders instruction."""
        name, key = _KIND_NAMES[self.order_type.ORDER_TYPE]
        return {
            "customerOrderRef": self.customer_order_ref,
            "selectionId": self.selection_id,
            "side": self.side,
            "orderType": name,
            key: self.order_type.place_instruction(),
            "handicap": self.handicap,
        }

    def create_cancel_instruction(self) -> dict[str, Any]:
        """Return the exchange's cancelOrders instruction."""
        return {"betId": self.bet_id, "sizeReduction": self.update_data.get("size_reduction")}

    def create_update_instruction(self) -> dict[str, Any]:
        """Return the exchange's updateOrders instruction."""
        return {"betId": self.bet_id, "newPersistenceType": self.update_data["new_persistence_type"]}

    def create_replace_instruction(self) -> dict[str, Any]:
        """Return the exchange's replaceOrders instruction."""
        return {"betId": self.bet_id, "newPrice": self.update_data["new_price"]}
