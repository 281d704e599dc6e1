"""The built-in client control: no more transactions in an hour than are wanted."""

from typing import Any

from ..order.order import Order
from ..order.package import OrderPackageType
from ..order.refusal import Refusal
from ..order.roles import ClientRole
from .base import ClientControl

_PLACE = OrderPackageType.PLACE
_REPLACE = OrderPackageType.REPLACE
_CANCEL = OrderPackageType.CANCEL
_HOUR_MS = 3_600_000


class MaxOrderCount(ClientControl):
    """Refuse what would take a client beyond its transactions of the clock hour.

    A transaction is a bet placed, successfully or not, a replacement included, or any other request that
    failed. Betfair at present charges for more than 5,000 an hour; a client's default here is 1,000, and
    None switches the control off. A placing or replace is reserved when it is accepted and settled when the
    exchange answers, so that a burst cannot slip through; reservations outlive the hour, counts do not.
    Cancels always pass.

    :param transaction_limit: most transactions an hour; None takes the client's `transaction_limit`.
    :ivar pending_transaction_count: accepted and not yet answered.
    """

    NAME = "MAX_ORDER_COUNT"
    _NOT_CALLED = ("_check_hour", "_set_next_hour")

    def __init__(
        self, flumine: Any = None, client: ClientRole | None = None, transaction_limit: int | None = None
    ) -> None:
        super().__init__(flumine, client)
        self._transaction_limit = transaction_limit
        self._hour: int | None = None
        self._current_transaction_count = 0
        self._current_failed_transaction_count = 0
        self.transaction_count = 0
        self.failed_transaction_count = 0
        self.pending_transaction_count = 0

    @property
    def transaction_limit(self) -> int | None:
        """Most transactions an hour, None for any number."""
        if self._transaction_limit is not None or self.client is None:
            return self._transaction_limit
        return self.client.transaction_limit

    @property
    def current_transaction_count(self) -> int:
        """Placings answered in this clock hour."""
        self._turn_hour()
        return self._current_transaction_count

    @property
    def current_failed_transaction_count(self) -> int:
        """Other requests that failed in this clock hour."""
        self._turn_hour()
        return self._current_failed_transaction_count

    @property
    def current_transaction_count_total(self) -> int:
        """Transactions in this clock hour."""
        self._turn_hour()
        return self._current_transaction_count + self._current_failed_transaction_count

    @property
    def transaction_count_total(self) -> int:
        """Transactions since the control was made."""
        return self.transaction_count + self.failed_transaction_count

    @property
    def safe(self) -> bool:
        """Whether one more transaction would be within the limit."""
        limit = self.transaction_limit
        return limit is None or self.current_transaction_count_total + self.pending_transaction_count < limit

    def check(self, order: Order, package_type: OrderPackageType) -> Refusal | None:
        """Return a refusal of this request, None if it may pass."""
        if package_type is _CANCEL or self.safe:
            return None
        limit = self.transaction_limit
        counted, pending = self.current_transaction_count_total, self.pending_transaction_count
        return self.refuse(
            order,
            package_type,
            f"transactions of the hour must stay within {limit}, were {counted} and {pending} under way",
            {"transaction_limit": limit, "counted": counted, "pending": pending},
        )

    def accept(self, order: Order, package_type: OrderPackageType) -> None:
        """Reserve a transaction for an accepted placing or replace."""
        if package_type is _PLACE or package_type is _REPLACE:
            self.pending_transaction_count += 1

    def release(self, order: Order, package_type: OrderPackageType) -> None:
        """Give back the reservation of a placing or replace that was stopped, or of a replace that failed."""
        if package_type is _PLACE or package_type is _REPLACE:
            self._settle(1)

    def add_transaction(self, count: int, failed: bool = False) -> None:
        """Count placings that were answered, or (`failed`) other requests that failed."""
        self._turn_hour()
        if failed:
            self.failed_transaction_count += count
            self._current_failed_transaction_count += count
        else:
            self.transaction_count += count
            self._current_transaction_count += count
            self._settle(count)

    def _settle(self, count: int) -> None:
        self.pending_transaction_count = max(self.pending_transaction_count - count, 0)

    def _turn_hour(self) -> None:
        if self.flumine is None:
            return
        hour = self.flumine.clock.epoch_ms // _HOUR_MS
        if hour != self._hour:
            self._hour = hour
            self._current_transaction_count = 0
            self._current_failed_transaction_count = 0


MaxTransactionCount = MaxOrderCount
"""flumine's name."""
