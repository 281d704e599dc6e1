"""The exchange's raw answers to an order's requests, kept beside the order for whoever wants to look."""

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
