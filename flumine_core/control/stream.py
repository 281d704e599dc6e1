"""The live trading control: nothing new on a market whose prices may be out of date, or while the run is stopping."""

from ..order.order import Order
from ..order.package import OrderPackageType
from ..order.refusal import Refusal
from .base import TradingControl

_TAKING_RISK = (OrderPackageType.PLACE, OrderPackageType.REPLACE)


class StreamValidation(TradingControl):
    """Refuse placings and replaces while a market's stream is down or late, or the framework is stopping.

    Cancels and updates pass: they take no risk.
    """

    NAME = "STREAM_VALIDATION"

    def check(self, order: Order, package_type: OrderPackageType) -> Refusal | None:
        """Return a refusal of this request, None if it may pass."""
        if package_type not in _TAKING_RISK:
            return None
        if self.flumine.is_stopping:
            return self.refuse(order, package_type, "nothing is placed while the framework is stopping")
        market = self.flumine.markets.markets.get(order.market_id)
        reason = None if market is None else market.stale_reason
        if reason is not None:
            return self.refuse(order, package_type, f"the market's book must be current: {reason}")
        return None
