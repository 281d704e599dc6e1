"""What goes to an execution: orders of one client and market that ask for the same thing at the same time."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from ..clock import to_datetime
from .enumeration import Enumeration
from .roles import ClientRole
from .states import OrderStatus

if TYPE_CHECKING:
    from .order import Order


class OrderPackageType(Enumeration):
    """What is asked of the exchange."""

    PLACE = "Place"
    CANCEL = "Cancel"
    UPDATE = "Update"
    REPLACE = "Replace"


_STOPPED = OrderStatus.VIOLATION


class OrderPackage(Struct, frozen=True, eq=False):
    """Orders that go to an execution together.

    :ivar id: number of the package in its run.
    :ivar orders: the orders as they were asked for; iterating leaves out those that were stopped since
        (VIOLATION).
    :ivar created_ms: when it was made, milliseconds since 1970.
    :ivar bet_delay: seconds of the market's delay when it was made.
    :ivar market_version: the market's version the orders were meant for, None for any.
    :ivar replacements: the orders that a REPLACE brought about, appended by the kernel as they are made.
    """

    id: int
    client: ClientRole
    market_id: str
    orders: "tuple[Order, ...]"
    package_type: OrderPackageType
    created_ms: int
    bet_delay: float
    market_version: int | None = None
    customer_strategy_ref: str | None = None
    is_async: bool = False
    replacements: "list[Order]" = []

    def __iter__(self) -> "Iterator[Order]":
        for order in self.orders:  # mostly none is
            if order.status is _STOPPED:
                return iter([each for each in self.orders if each.status is not _STOPPED])
        return iter(self.orders)

    def __len__(self) -> int:
        return len(list(iter(self)))

    def __bool__(self) -> bool:
        return True

    @property
    def date_time_created(self) -> datetime:
        """When it was made, as an aware UTC datetime."""
        return to_datetime(self.created_ms)

    @property
    def place_instructions(self) -> list[dict[str, Any]]:
        """Instructions of the orders and replacements that wait to be placed."""
        return [
            order.create_place_instruction()
            for order in (*self.orders, *self.replacements)
            if order.status is OrderStatus.PENDING
        ]

    @property
    def cancel_instructions(self) -> list[dict[str, Any]]:
        """Instructions of a CANCEL package."""
        return [order.create_cancel_instruction() for order in self]

    @property
    def update_instructions(self) -> list[dict[str, Any]]:
        """Instructions of an UPDATE package."""
        return [order.create_update_instruction() for order in self]

    @property
    def replace_instructions(self) -> list[dict[str, Any]]:
        """Instructions of a REPLACE package, for the orders that are still being replaced."""
        return [order.create_replace_instruction() for order in self if order.status is OrderStatus.REPLACING]

    @property
    def info(self) -> dict[str, Any]:
        """The package as plain values, for logs."""
        return {
            "id": self.id,
            "client": self.client.username,
            "market_id": self.market_id,
            "orders": [order.id for order in self.orders],
            "order_count": len(self),
            "package_type": self.package_type.value,
            "customer_strategy_ref": self.customer_strategy_ref,
            "bet_delay": self.bet_delay,
            "market_version": self.market_version,
            "async": self.is_async,
            "date_time_created": str(self.date_time_created),
        }


def chunk_orders(
    orders: "Sequence[tuple[Order, int | None]]", limit: int
) -> "list[tuple[int | None, tuple[Order, ...]]]":
    """Group `(order, market_version)` by version, first seen first, each cut into at most `limit` orders.

    205 orders of alternating versions under a limit of 200 give packages of 103 and 102.
    """
    if limit < 1:
        raise ValueError(f"limit must be at least 1, was {limit}")
    groups: dict[int | None, list[Order]] = {}
    for order, market_version in orders:
        groups.setdefault(market_version, []).append(order)
    return [
        (market_version, tuple(group[start : start + limit]))
        for market_version, group in groups.items()
        for start in range(0, len(group), limit)
    ]
