"""Copies of an order and its trade as they stood at one moment: cheap to make, described when somebody asks."""

from collections.abc import Mapping
from typing import Any, Self

import msgspec
from msgspec import Struct

from ..clock import to_datetime
from .kinds import OrderKind
from .states import COMPLETE_STATUS, OrderStatus, TradeStatus
from .times import OrderTimes, TradeTimes


def notes_text(notes: Any) -> str:
    """Return the values of notes, joined by commas; of what is no mapping its text."""
    return ",".join(map(str, notes.values())) if isinstance(notes, Mapping) else str(notes)


MarketPrices = tuple[float | None, float | None, float | str | None]
"""Best price to back, best to lay, last price traded."""


def market_notes_text(prices: MarketPrices | str | None) -> str | None:
    """Return prices joined by commas; a text as it is."""
    return prices if prices is None or isinstance(prices, str) else ",".join(map(str, prices))


class TradeSnapshot(TradeTimes, Struct, frozen=True, gc=False):
    """A trade at one moment; the names are those of `Trade`, times in milliseconds since 1970."""

    id: str
    market_id: str
    selection_id: int
    handicap: float
    created_ms: int
    complete_ms: int | None
    strategy: str
    place_reset_seconds: float
    reset_seconds: float
    orders: list[str]
    pending_orders: bool
    notes: str
    market_notes: str | None
    status: TradeStatus
    status_log: tuple[TradeStatus, ...]

    @property
    def notes_str(self) -> str:
        """The notes' values, joined by commas."""
        return self.notes

    @property
    def complete(self) -> bool:
        """Whether nothing of it is open."""
        return self.status is TradeStatus.COMPLETE

    @property
    def info(self) -> dict[str, Any]:
        """The trade as plain values, for logs."""
        return {
            "id": self.id,
            "strategy": self.strategy,
            "place_reset_seconds": self.place_reset_seconds,
            "reset_seconds": self.reset_seconds,
            "orders": self.orders,
            "pending_orders": self.pending_orders,
            "notes": self.notes,
            "market_notes": self.market_notes,
            "status": self.status.value,
            "status_log": ", ".join(status.value for status in self.status_log),
        }


class OrderSnapshot(OrderTimes, Struct, frozen=True, gc=False):
    """An order at one moment, `copied_ms`; the names are those of `Order`, times in milliseconds since 1970.

    `kind` is the order type as the exchange writes it ("Limit").
    """

    id: str
    trade: TradeSnapshot
    market_id: str
    selection_id: int
    handicap: float
    customer_order_ref: str
    bet_id: str | None
    client: str | None
    side: str
    kind: str
    order_type: OrderKind
    status: OrderStatus | None
    status_log: tuple[OrderStatus, ...]
    created_ms: int
    status_ms: int
    placed_ms: int | None
    complete_ms: int | None
    publish_ms: int | None
    copied_ms: int
    market_version: int | None
    is_async: bool | None
    size_matched: float
    size_remaining: float
    size_cancelled: float
    size_lapsed: float
    size_voided: float
    average_price_matched: float
    runner_status: str | None
    line_range_result: float | None
    profit: float
    notes: str
    market_notes: str | None
    violation_msg: str | None
    is_cleared: bool = False
    market_type: str | None = None
    each_way_divisor: float | None = 1
    number_of_dead_heat_winners: int | None = None

    @property
    def notes_str(self) -> str:
        """The notes' values, joined by commas."""
        return self.notes

    @property
    def lookup(self) -> tuple[str, int, float]:
        """Market id, selection id, handicap."""
        return self.market_id, self.selection_id, self.handicap

    @property
    def complete(self) -> bool:
        """Whether nothing more could become of it."""
        return self.status in COMPLETE_STATUS

    @property
    def async_(self) -> bool | None:
        """As `is_async`."""
        return self.is_async

    def json(self) -> str:
        """Return `info` as JSON."""
        return msgspec.json.encode(self.info, enc_hook=str).decode()

    @property
    def responses(self) -> Self:
        """The copy itself, which has `date_time_placed`."""
        return self

    @property
    def current_order(self) -> Self:
        """The copy itself, which has the sizes."""
        return self

    @property
    def simulated(self) -> Self:
        """The copy itself, which has `profit`."""
        return self

    @property
    def cleared_order(self) -> Self | None:
        """The copy itself, which has `profit`, once the exchange has told what was cleared; None before."""
        return self if self.is_cleared else None

    @property
    def _now_ms(self) -> int:
        return self.copied_ms

    @property
    def info(self) -> dict[str, Any]:
        """The order as plain values, for logs."""
        return {
            "market_id": self.market_id,
            "selection_id": self.selection_id,
            "handicap": self.handicap,
            "id": self.id,
            "customer_order_ref": self.customer_order_ref,
            "bet_id": self.bet_id,
            "date_time_created": str(to_datetime(self.created_ms)),
            "date_time_status_update": str(to_datetime(self.status_ms)),
            "date_time_execution_complete": None if self.complete_ms is None else str(to_datetime(self.complete_ms)),
            "publish_time": str(self.publish_time) if self.publish_time else None,
            "market_version": self.market_version,
            "async": self.is_async,
            "trade": self.trade.info,
            "order_type": self.order_type.info,
            "info": {
                "side": self.side,
                "size_matched": self.size_matched,
                "size_remaining": self.size_remaining,
                "size_cancelled": self.size_cancelled,
                "size_lapsed": self.size_lapsed,
                "size_voided": self.size_voided,
                "average_price_matched": self.average_price_matched,
            },
            "responses": {
                "date_time_placed": None if self.placed_ms is None else str(to_datetime(self.placed_ms)),
                "elapsed_seconds_executable": self.elapsed_seconds_executable,
            },
            "runner_status": self.runner_status,
            "line_range_result": self.line_range_result,
            "status": self.status.value if self.status else None,
            "status_log": ", ".join(status.value for status in self.status_log),
            "violation_msg": self.violation_msg,
            "profit": self.profit,
            "notes": self.notes,
            "market_notes": self.market_notes,
            "client": self.client,
        }
