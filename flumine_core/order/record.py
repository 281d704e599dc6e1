"""What is known of an order, and what can be read off it: times, sizes, profit, a description."""

from typing import TYPE_CHECKING, Any, Self

from msgspec import Struct

from ..clock import Clock
from ..errors import OrderError
from ..settings import SEPARATORS
from .kinds import LimitOrder, OrderKind
from .position import Position
from .responses import CurrentOrder, Responses
from .roles import ClientRole
from .settlement import settle, settle_each_way, settle_line
from .snapshot import MarketPrices, OrderSnapshot, market_notes_text, notes_text
from .states import OrderStatus
from .times import OrderTimes

if TYPE_CHECKING:
    from .trade import Trade


class OrderRecord(OrderTimes, Struct, eq=False, dict=True, weakref=True):
    """The facts of an order, without its life (see `Order`, which documents the attributes).

    The first seven fields are what an order is made of; the others are set by the house.
    """

    trade: "Trade"
    side: str
    order_type: OrderKind
    handicap: float = 0
    sep: str = "-"
    context: dict[str, Any] = None  # type: ignore[assignment]
    notes: dict[str, Any] = None  # type: ignore[assignment]

    id: str = ""
    market_id: str = ""
    selection_id: int = 0
    lookup: tuple[str, int, float] = ("", 0, 0)
    market_prices: MarketPrices | str | None = None

    client: ClientRole | None = None
    bet_id: str | None = None
    follows: str | None = None
    status: OrderStatus | None = None
    status_log: list[OrderStatus] = []
    complete: bool = False
    is_counted: bool = False
    position: "Position | None" = None
    number: int = 0
    violation_msg: str | None = None
    refusal: Any = None
    update_data: dict[str, Any] = {}
    publish_ms: int | None = None
    market_version: int | None = None
    async_: bool | None = None

    size_matched: float = 0.0
    average_price_matched: float = 0.0
    size_cancelled: float = 0.0
    size_lapsed: float = 0.0
    size_voided: float = 0.0

    runner_status: str | None = None
    line_range_result: float | None = None
    market_type: str | None = None
    each_way_divisor: float | None = 1
    number_of_dead_heat_winners: int | None = None
    cleared_order: Any = None

    created_ms: int = 0
    status_ms: int = 0
    placed_ms: int | None = None
    complete_ms: int | None = None
    _responses: Responses | None = None
    _clock: Clock = None  # type: ignore[assignment]  # the strategy's, which gets another one when it is bound

    def __post_init__(self) -> None:
        trade = self.trade
        strategy, self.market_id, self.selection_id = trade.strategy, trade.market_id, trade.selection_id
        self.lookup = (self.market_id, self.selection_id, self.handicap)
        self.id = strategy.next_order_id(self.market_id)
        if self.context is None:
            self.context = {}
        if self.notes is None:
            self.notes = {}
        if self.sep not in SEPARATORS:
            raise OrderError(f"separator must be one letter, digit or of -._+*:;~, was {self.sep!r}")
        clock = self._clock = strategy.clock
        self.created_ms = self.status_ms = clock.epoch_ms

    def __repr__(self) -> str:
        return f"Order {self.id} {self.bet_id}: {self.status.value if self.status else None}"

    @property
    def customer_order_ref(self) -> str:
        """The order's name at the exchange: the strategy's name hash, the separator and the id."""
        return f"{self.trade.strategy.name_hash}{self.sep}{self.id}"

    @property
    def notes_str(self) -> str:
        """The notes' values, joined by commas."""
        return notes_text(self.notes)

    @property
    def market_notes(self) -> str | None:
        """The runner's best price to back, best to lay and last price traded when the order was placed; None before.

        Joined by commas; empty where there was no such runner.
        """
        return market_notes_text(self.market_prices)

    @market_notes.setter
    def market_notes(self, notes: str | None) -> None:
        self.market_prices = notes

    @property
    def current_order(self) -> CurrentOrder:
        """The order, which carries the exchange's latest totals, with its status in the exchange's words."""
        return CurrentOrder(self)

    @property
    def simulated(self) -> Self | None:
        """The order itself where its account is simulated or on paper, or not known yet; None where money is real."""
        return self if self.client is None or self.client.is_on_paper else None

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
        size = kind.size or kind.requested_size
        remaining = size - self.size_matched - self.size_cancelled - self.size_lapsed - self.size_voided
        try:
            pennies = round(remaining * 100) / 100
        except (OverflowError, ValueError):  # no finite number
            return remaining
        # as `round(remaining, 2)`, which takes longer, where that is not near to half a penny
        return pennies if -0.004 < pennies - remaining < 0.004 else round(remaining, 2)

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
    def elapsed_seconds(self) -> float | None:
        """Seconds since the exchange placed the order; None before."""
        placed_ms = self.placed_ms  # read by strategies for every order of every book
        return None if placed_ms is None else (self._clock.epoch_ms - placed_ms) / 1000

    @property
    def _now_ms(self) -> int:
        return self.trade.strategy.clock.epoch_ms

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
            kind.ORDER_TYPE.value,
            kind,
            self.status,
            tuple(self.status_log),
            self.created_ms,
            self.status_ms,
            self.placed_ms,
            self.complete_ms,
            self.publish_ms,
            self._now_ms,
            self.market_version,
            self.async_,
            self.size_matched,
            self.size_remaining,
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
            self.cleared_order is not None,
            self.market_type,
            self.each_way_divisor,
            self.number_of_dead_heat_winners,
        )

    @property
    def info(self) -> dict[str, Any]:
        """The order as plain values, for logs."""
        return self.snapshot().info

    def json(self) -> str:
        """Return `info` as JSON."""
        return self.snapshot().json()
