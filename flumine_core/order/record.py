"""What is known of an order, and what can be read off it: times, sizes, profit, a description."""

import string
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

import msgspec

from ..clock import to_datetime
from ..errors import OrderError
from .kinds import LimitOrder, OrderKind
from .responses import Responses
from .roles import ClientRole
from .settlement import settle, settle_each_way, settle_line
from .snapshot import OrderSnapshot
from .states import OrderStatus

if TYPE_CHECKING:
    from .exposure import Position
    from .trade import Trade

_SEPARATORS = frozenset("-._+*:;~" + string.ascii_letters + string.digits)


class OrderRecord:
    """The facts of an order, without its life (see `Order`, which documents the attributes)."""

    __slots__ = (
        "__dict__",
        "__weakref__",
        "_responses",
        "_sep",
        "async_",
        "average_price_matched",
        "bet_id",
        "cleared_order",
        "client",
        "complete",
        "complete_ms",
        "context",
        "created_ms",
        "each_way_divisor",
        "handicap",
        "id",
        "is_counted",
        "line_range_result",
        "lookup",
        "market_id",
        "market_notes",
        "market_type",
        "market_version",
        "notes",
        "number",
        "number_of_dead_heat_winners",
        "order_type",
        "placed_ms",
        "position",
        "publish_time",
        "refusal",
        "runner_status",
        "selection_id",
        "side",
        "size_cancelled",
        "size_lapsed",
        "size_matched",
        "size_voided",
        "status",
        "status_log",
        "status_ms",
        "trade",
        "update_data",
        "violation_msg",
    )

    def __init__(
        self,
        trade: "Trade",
        side: str,
        order_type: OrderKind,
        handicap: float = 0,
        sep: str = "-",
        context: dict[str, Any] | None = None,
        notes: dict[str, Any] | None = None,
    ) -> None:
        strategy = trade.strategy
        self.id = strategy.next_order_id(trade.market_id)
        self.trade = trade
        self.side = side
        self.order_type = order_type
        self.market_id = trade.market_id
        self.selection_id = trade.selection_id
        self.handicap = handicap
        self.lookup = (trade.market_id, trade.selection_id, handicap)
        self.sep = sep
        self.context: dict[str, Any] = {} if context is None else context
        self.notes: dict[str, Any] = {} if notes is None else notes
        self.market_notes: str | None = None

        self.client: ClientRole | None = None
        self.bet_id: str | None = None
        self.status: OrderStatus | None = None
        self.status_log: list[OrderStatus] = []
        self.complete = False
        self.is_counted = False
        self.position: Position | None = None
        self.number = 0
        self.violation_msg: str | None = None
        self.refusal: Any = None
        self.update_data: dict[str, Any] = {}
        self.publish_time: Any = None
        self.market_version: int | None = None
        self.async_: bool | None = None
        self._responses: Responses | None = None

        self.size_matched = 0.0
        self.average_price_matched = 0.0
        self.size_cancelled = 0.0
        self.size_lapsed = 0.0
        self.size_voided = 0.0

        self.runner_status: str | None = None
        self.line_range_result: float | None = None
        self.market_type: str | None = None
        self.each_way_divisor: float | None = 1
        self.number_of_dead_heat_winners: int | None = None
        self.cleared_order: Any = None

        self.created_ms = self.status_ms = strategy.clock.epoch_ms
        self.placed_ms: int | None = None
        self.complete_ms: int | None = None

    def __repr__(self) -> str:
        return f"Order {self.id} {self.bet_id}: {self.status.value if self.status else None}"

    @property
    def sep(self) -> str:
        """The one letter between name hash and id in the customer order reference."""
        return self._sep

    @sep.setter
    def sep(self, sep: str) -> None:
        if sep not in _SEPARATORS:
            raise OrderError(f"separator must be one letter, digit or of -._+*:;~, was {sep!r}")
        self._sep = sep

    @property
    def customer_order_ref(self) -> str:
        """The order's name at the exchange: the strategy's name hash, the separator and the id."""
        return f"{self.trade.strategy.name_hash}{self._sep}{self.id}"

    @property
    def notes_str(self) -> str:
        """The notes' values, joined by commas."""
        return ",".join(str(note) for note in self.notes.values())

    @property
    def current_order(self) -> Self:
        """The order itself, which carries the exchange's latest totals."""
        return self

    @property
    def simulated(self) -> Self:
        """The order itself: an order does not know which execution it went to."""
        return self

    @property
    def responses(self) -> Responses:
        """The exchange's raw answers."""
        if self._responses is None:
            self._responses = Responses(self)
        return self._responses

    @property
    def size_remaining(self) -> float:
        """What the exchange may still match of a limit order; 0.0 for starting-price orders."""
        kind = self.order_type
        if not isinstance(kind, LimitOrder):
            return 0.0
        return round(
            kind.requested_size - self.size_matched - self.size_cancelled - self.size_lapsed - self.size_voided,
            2,
        )

    @property
    def profit(self) -> float:
        """What the order won or lost, before commission; 0.0 until its market is settled."""
        if self.cleared_order is not None:
            return float(self.cleared_order.profit)
        side, size, price = self.side, self.size_matched, self.average_price_matched
        if self.market_type == "EACH_WAY":
            return settle_each_way(side, size, price, self.each_way_divisor, self.runner_status)
        kind = self.order_type
        if isinstance(kind, LimitOrder) and kind.price_ladder_definition == "LINE_RANGE":
            return settle_line(side, size, price, self.line_range_result)
        return settle(side, size, price, self.runner_status, self.number_of_dead_heat_winners or 1)

    @property
    def date_time_created(self) -> datetime:
        """When the order was made, as an aware UTC datetime."""
        return to_datetime(self.created_ms)

    @property
    def date_time_status_update(self) -> datetime:
        """When the status last changed, as an aware UTC datetime."""
        return to_datetime(self.status_ms)

    @property
    def date_time_placed(self) -> datetime | None:
        """When the exchange placed the order, as an aware UTC datetime; None before."""
        return None if self.placed_ms is None else to_datetime(self.placed_ms)

    @property
    def date_time_execution_complete(self) -> datetime | None:
        """When the order became EXECUTION_COMPLETE, as an aware UTC datetime; None before."""
        return None if self.complete_ms is None else to_datetime(self.complete_ms)

    @property
    def elapsed_seconds(self) -> float | None:
        """Seconds since the exchange placed the order; None before."""
        return None if self.placed_ms is None else self._seconds_since(self.placed_ms)

    @property
    def elapsed_seconds_created(self) -> float:
        """Seconds since the order was made."""
        return self._seconds_since(self.created_ms)

    @property
    def elapsed_seconds_status_update(self) -> float:
        """Seconds since the status last changed."""
        return self._seconds_since(self.status_ms)

    @property
    def elapsed_seconds_executable(self) -> float | None:
        """Seconds that the exchange held the order; None until it is complete."""
        if self.complete_ms is None or self.placed_ms is None:
            return None
        return (self.complete_ms - self.placed_ms) / 1000

    def _seconds_since(self, epoch_ms: int) -> float:
        return (self.trade.strategy.clock.epoch_ms - epoch_ms) / 1000

    def snapshot(self) -> OrderSnapshot:
        """Return a copy of what is known now, which stays as it is."""
        kind = self.order_type
        client = self.client
        return OrderSnapshot(
            self.id,
            self.trade.snapshot(),
            self.market_id,
            self.selection_id,
            self.handicap,
            self.customer_order_ref,
            self.bet_id,
            client.username if client else None,
            self.side,
            kind.ORDER_TYPE._value_,
            kind,
            self.status,
            tuple(self.status_log),
            self.created_ms,
            self.status_ms,
            self.placed_ms,
            self.complete_ms,
            self.publish_time,
            self.market_version,
            self.async_,
            self.size_matched,
            self.size_cancelled,
            self.size_lapsed,
            self.size_voided,
            self.average_price_matched,
            self.runner_status,
            self.line_range_result,
            self.profit if self.size_matched or self.cleared_order is not None else 0.0,
            self.notes_str if self.notes else "",
            self.market_notes,
            self.violation_msg,
        )

    @property
    def info(self) -> dict[str, Any]:
        """The order as plain values, for logs."""
        return self.snapshot().info

    def json(self) -> str:
        """Return `info` as JSON."""
        return msgspec.json.encode(self.info, enc_hook=str).decode()
