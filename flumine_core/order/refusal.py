"""A control's refusal of a request, as a value."""

from msgspec import Struct

from .package import OrderPackageType


class Refusal(Struct, frozen=True, gc=False):
    """Say which control refused what, and why.

    :ivar control: the control's class name (or what stopped the request after its acceptance).
    :ivar reason: one sentence, with what was expected and what was found.
    :ivar numbers: the figures behind the reason, by name (currency units, prices or counts).
    :ivar strategy: the strategy's name.
    :ivar package_type: what had been asked for.
    """

    control: str
    reason: str
    numbers: dict[str, float | str | None]
    market_id: str
    selection_id: int
    strategy: str
    order_id: str
    package_type: OrderPackageType

    @property
    def message(self) -> str:
        """Control and reason in one line, as put into `order.violation_msg`."""
        return f"{self.control}: {self.reason}"
