"""What a bet is when it is asked for: limit, limit on close and market on close, as frozen values."""

from typing import Any, ClassVar, Protocol

from msgspec import Struct

from .enumeration import Enumeration


class OrderTypes(Enumeration):
    """The exchange's three kinds of order."""

    LIMIT = "Limit"
    LIMIT_ON_CLOSE = "Limit on close"
    MARKET_ON_CLOSE = "Market on close"


class LineRange(Protocol):
    """The line of a LINE_RANGE market, in its own units, as betfairlightweight's `LineRangeInfo` has it."""

    min_unit_value: float
    max_unit_value: float
    interval: float


class LimitOrder(Struct, frozen=True, gc=False):
    """A bet at `price` or better.

    :ivar price: decimal odds, or the line's value where `price_ladder_definition` is LINE_RANGE.
    :ivar size: backer's stake in the account's currency; None where `bet_target_size` says it.
    :ivar persistence_type: LAPSE, PERSIST or MARKET_ON_CLOSE: what becomes of it when the market turns
        in-play.
    :ivar time_in_force: None or FILL_OR_KILL, with `min_fill_size` the least that may be matched.
    :ivar bet_target_type: None, PAYOUT or BACKERS_PROFIT, of `bet_target_size`.
    :ivar price_ladder_definition: CLASSIC, FINEST or LINE_RANGE (which needs `line_range_info`).
    """

    price: float
    size: float | None = None
    persistence_type: str = "LAPSE"
    time_in_force: str | None = None
    min_fill_size: float | None = None
    bet_target_type: str | None = None
    bet_target_size: float | None = None
    price_ladder_definition: str = "CLASSIC"
    line_range_info: LineRange | None = None

    ORDER_TYPE: ClassVar[OrderTypes] = OrderTypes.LIMIT

    @property
    def requested_size(self) -> float:
        """The stake asked for: `size`, or else what reaches the target at `price`; 0.0 where neither is given."""
        if self.size or not self.bet_target_size:
            return self.size or 0.0
        try:
            if self.bet_target_type == "BACKERS_PROFIT":
                return round(self.bet_target_size / (self.price - 1), 2)
            if self.bet_target_type == "PAYOUT":
                return round(self.bet_target_size / self.price, 2)
        except (TypeError, ArithmeticError, ValueError):
            pass  # no price: a control refuses it
        return self.bet_target_size

    def place_instruction(self) -> dict[str, Any]:
        """Return the `limitOrder` part of the exchange's placeOrders instruction."""
        return {
            "size": self.size,
            "price": self.price,
            "persistenceType": self.persistence_type,
            "timeInForce": self.time_in_force,
            "minFillSize": self.min_fill_size,
            "betTargetType": self.bet_target_type,
            "betTargetSize": self.bet_target_size,
        }

    @property
    def info(self) -> dict[str, Any]:
        """The order's kind as plain values, for logs."""
        return {
            "order_type": self.ORDER_TYPE.value,
            "price": self.price,
            "size": self.size,
            "persistence_type": self.persistence_type,
            "time_in_force": self.time_in_force,
            "min_fill_size": self.min_fill_size,
            "bet_target_type": self.bet_target_type,
            "bet_target_size": self.bet_target_size,
            "price_ladder_definition": self.price_ladder_definition,
        }


class LimitOnCloseOrder(Struct, frozen=True, gc=False):
    """A bet at the starting price, if that is `price` or better.

    :ivar liability: what may be lost (BACK: the stake; LAY: the payout less the stake).
    :ivar price: the worst starting price taken, decimal odds.
    """

    liability: float
    price: float
    price_ladder_definition: str = "CLASSIC"

    ORDER_TYPE: ClassVar[OrderTypes] = OrderTypes.LIMIT_ON_CLOSE

    def place_instruction(self) -> dict[str, Any]:
        """Return the `limitOnCloseOrder` part of the exchange's placeOrders instruction."""
        return {"liability": self.liability, "price": self.price}

    @property
    def info(self) -> dict[str, Any]:
        """The order's kind as plain values, for logs."""
        return {
            "order_type": self.ORDER_TYPE.value,
            "liability": self.liability,
            "price": self.price,
            "price_ladder_definition": self.price_ladder_definition,
        }


class MarketOnCloseOrder(Struct, frozen=True, gc=False):
    """A bet at the starting price, whatever it is.

    :ivar liability: what may be lost (BACK: the stake; LAY: the payout less the stake).
    """

    liability: float

    ORDER_TYPE: ClassVar[OrderTypes] = OrderTypes.MARKET_ON_CLOSE

    def place_instruction(self) -> dict[str, Any]:
        """Return the `marketOnCloseOrder` part of the exchange's placeOrders instruction."""
        return {"liability": self.liability}

    @property
    def info(self) -> dict[str, Any]:
        """The order's kind as plain values, for logs."""
        return {"order_type": self.ORDER_TYPE.value, "liability": self.liability}


OrderKind = LimitOrder | LimitOnCloseOrder | MarketOnCloseOrder
