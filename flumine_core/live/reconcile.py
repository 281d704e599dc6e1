"""After the order stream has connected: what the exchange has of all our bets, and nothing new until that is known."""

from typing import Any

from ..control.base import ClientControl
from ..order.order import Order
from ..order.package import OrderPackageType
from ..order.refusal import Refusal

_EXPOSING = (OrderPackageType.PLACE, OrderPackageType.REPLACE)


class Reconciliation(ClientControl):
    """Refuse placings and replaces of a client until its bets are known; cancels and updates pass.

    :ivar reason: why the gate is shut; empty where it is open.
    """

    NAME = "RECONCILIATION"

    def __init__(self, flumine: Any = None, client: Any = None) -> None:
        super().__init__(flumine, client)
        self.reason = "the exchange was not asked for the account's bets yet"

    @property
    def is_open(self) -> bool:
        """Whether new exposure may be taken."""
        return not self.reason

    def shut(self, reason: str) -> None:
        """Refuse what takes exposure from now on."""
        self.reason = reason

    def open(self) -> None:
        """Let everything pass."""
        self.reason = ""

    def passes(self, package_type: OrderPackageType) -> bool:
        """Whether requests of this kind pass."""
        return self.is_open or package_type not in _EXPOSING

    def check(self, order: Order, package_type: OrderPackageType) -> Refusal | None:
        """Return a refusal of this request, None if it may pass."""
        if self.passes(package_type):
            return None
        return self.refuse(order, package_type, self.reason)
