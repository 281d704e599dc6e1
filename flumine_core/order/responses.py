"""What the exchange says of an order, beside what the order itself is."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .record import OrderRecord


class Responses:
    """Raw answers of a live exchange; in simulation there are none, and only the times are filled.

    :ivar current_order: the order stream's latest word, None before there is one.
    :ivar place_response: the answer to the placing, None before there is one.
    """

    __slots__ = (
        "_order",
        "cancel_responses",
        "current_order",
        "place_response",
        "replace_responses",
        "update_responses",
    )

    def __init__(self, order: "OrderRecord") -> None:
        self._order = order
        self.current_order: Any = None
        self.place_response: Any = None
        self.cancel_responses: list[Any] = []
        self.update_responses: list[Any] = []
        self.replace_responses: list[Any] = []

    @property
    def date_time_created(self) -> datetime:
        """When the order was made, as an aware UTC datetime."""
        return self._order.date_time_created

    @property
    def date_time_placed(self) -> datetime | None:
        """When the exchange placed the order, as an aware UTC datetime; None before."""
        return self._order.date_time_placed


class CurrentOrder:
    """An order as the exchange's list of current orders has it: what is not here is read off the order."""

    __slots__ = ("_order",)

    def __init__(self, order: "OrderRecord") -> None:
        self._order = order

    @property
    def status(self) -> str:
        """EXECUTABLE, or EXECUTION_COMPLETE where nothing more can become of it."""
        return "EXECUTION_COMPLETE" if self._order.complete else "EXECUTABLE"

    def __repr__(self) -> str:
        return repr(self._order)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CurrentOrder) and other._order is self._order

    def __hash__(self) -> int:
        return hash(self._order)

    def __getattr__(self, name: str) -> Any:
        if name == "_order":  # of a copy that is being made
            raise AttributeError(name)
        return getattr(self._order, name)
