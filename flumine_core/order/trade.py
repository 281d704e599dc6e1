"""A strategy's group of orders on one selection, complete when all of them are."""

from typing import Any, Self

from msgspec import Struct

from ..garbage import tracked
from . import record
from .kinds import LimitOnCloseOrder, LimitOrder, OrderKind
from .numbers import in_plain_numbers, plain_number
from .order import Order
from .roles import StrategyRole
from .snapshot import MarketPrices, TradeSnapshot, market_notes_text, notes_text
from .states import TradeStatus
from .times import TradeTimes


@tracked
class Trade(TradeTimes, Struct, eq=False, dict=True, weakref=True):
    """Orders of one strategy on one selection that belong together.

    A trade is LIVE from the start and becomes COMPLETE when all its orders are, unless `pending_orders`
    says that more will follow; its strategy may then trade the selection again. An order that is executed
    later makes it LIVE again. Within `with trade:` it is PENDING, and does not become COMPLETE. Times `*_ms` are
    milliseconds since 1970.

    :ivar place_reset_seconds: seconds after a placing before the strategy may place again on the selection.
    :ivar reset_seconds: seconds after a completion before the strategy may place again on the selection.
    :ivar incomplete: how many of the orders are not complete; kept by the orders.
    """

    market_id: str
    selection_id: int
    handicap: float
    strategy: StrategyRole
    notes: dict[str, Any] = None  # type: ignore[assignment]
    place_reset_seconds: float = 0.0
    reset_seconds: float = 0.0
    pending_orders: bool = False

    id: str = ""
    market_prices: MarketPrices | str | None = None
    orders: list[Order] = []
    status: TradeStatus = TradeStatus.LIVE
    status_log: list[TradeStatus] = []
    created_ms: int = 0
    complete_ms: int | None = None
    incomplete: int = 0

    def __post_init__(self) -> None:
        self.id = self.strategy.next_trade_id(self.market_id)
        self.created_ms = self.strategy.clock.epoch_ms
        if type(self.selection_id) is not int or type(self.handicap) is not float:
            self.selection_id, self.handicap = plain_number(self.selection_id), plain_number(self.handicap)
        if self.notes is None:
            self.notes = {}

    def __repr__(self) -> str:
        return f"Trade {self.id}: {self.status.value}"

    # orders

    def add_order(self, order: Order) -> None:
        """Make an order one of this trade's."""
        if order.is_counted:
            return
        order.is_counted = True
        self.orders.append(order)
        if not order.complete:
            self.incomplete += 1

    def create_order(
        self,
        side: str,
        order_type: OrderKind,
        order: type[Order] = Order,
        sep: str | None = None,
        context: dict[str, Any] | None = None,
        notes: dict[str, Any] | None = None,
    ) -> Order:
        """Return a new order of this trade, not yet placed.

        :param order: the class to make it of.
        :param sep: in its customerOrderRef; `Settings.order_sep` if None.
        """
        if sep is None:
            sep = self.strategy.order_sep
        kind = in_plain_numbers(order_type)
        created = order(self, side, kind, self.handicap, sep, context, notes)  # type: ignore[arg-type]
        self.add_order(created)
        return created

    def create_order_replacement(self, order: Order, new_price: float, size: float, created_ms: int) -> Order:
        """Return the order that follows `order` at `new_price`, of the `size` that was cancelled.

        It keeps side, persistence, ladder, client, context and notes; a least fill or a bet target it does
        not keep.
        """
        kind = order.order_type
        if not isinstance(kind, LimitOrder):
            kind = LimitOrder(
                new_price,
                size,
                price_ladder_definition=kind.price_ladder_definition
                if isinstance(kind, LimitOnCloseOrder)
                else "CLASSIC",
            )
        else:
            kind = LimitOrder(
                new_price,
                size,
                kind.persistence_type,
                price_ladder_definition=kind.price_ladder_definition,
                line_range_info=kind.line_range_info,
            )
        replacement = type(order)(
            trade=self,
            side=order.side,
            order_type=kind,
            handicap=order.handicap,
            sep=order.sep,
            context=order.context,
            notes=order.notes,
        )
        replacement.follows = order.follows or order.id
        replacement.created_ms = created_ms
        replacement.client = order.client
        self.add_order(replacement)
        return replacement

    # status

    @property
    def complete(self) -> bool:
        """True once nothing of the trade is open."""
        if self.status is TradeStatus.LIVE:
            return not self.incomplete and not self.pending_orders and bool(self.orders)
        return self.status is TradeStatus.COMPLETE

    def check_complete(self) -> None:
        """Complete the trade if it is LIVE and `complete`, which a sub-class may override, says so."""
        if self.status is TradeStatus.LIVE and self.complete:
            self.complete_trade()

    def __enter__(self) -> Self:
        self._set_status(TradeStatus.PENDING)
        return self

    def __exit__(self, *error: object) -> None:
        self._set_status(TradeStatus.LIVE)
        self.check_complete()

    def complete_trade(self) -> None:
        """Become COMPLETE and tell the strategy's runner context."""
        self._set_status(TradeStatus.COMPLETE)
        self.complete_ms = self.strategy.clock.epoch_ms
        context = self.strategy.get_runner_context(self.market_id, self.selection_id, self.handicap)
        context.reset(self.id)

    def revive(self) -> None:
        """Become LIVE again, as when an order of a COMPLETE trade is executed; it may then complete again."""
        if self.status is TradeStatus.COMPLETE:
            self._set_status(TradeStatus.LIVE)

    def _set_status(self, status: TradeStatus) -> None:
        self.status = status
        self.status_log.append(status)

    # description

    @property
    def elapsed_seconds(self) -> float | None:
        """Seconds since the first order was placed; None before."""
        return self.orders[0].elapsed_seconds if self.orders else None

    @property
    def notes_str(self) -> str:
        """The notes' values, joined by commas."""
        return notes_text(self.notes)

    @property
    def market_notes(self) -> str | None:
        """Those of the first order that was placed."""
        return market_notes_text(self.market_prices)

    @market_notes.setter
    def market_notes(self, notes: str | None) -> None:
        self.market_prices = notes

    def snapshot(self) -> TradeSnapshot:
        """Return a copy of what is known now, which stays as it is."""
        return TradeSnapshot(
            self.id,
            self.market_id,
            self.selection_id,
            self.handicap,
            self.created_ms,
            self.complete_ms,
            self.strategy.name,
            self.place_reset_seconds,
            self.reset_seconds,
            [order.id for order in self.orders],
            self.pending_orders,
            self.notes_str if self.notes else "",
            self.market_notes,
            self.status,
            tuple(self.status_log),
        )

    @property
    def info(self) -> dict[str, Any]:
        """The trade as plain values, for logs."""
        return self.snapshot().info


setattr(record, "Trade", Trade)  # noqa: B010 - what the annotations of orders name, for `help(Order)`
