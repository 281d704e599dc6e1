"""The parameters of the order operations, as the Betting API documents them (SportsAPING); null is none."""

from typing import Any, Literal

import msgspec
from msgspec import Struct

Side = Literal["BACK", "LAY"]
Persistence = Literal["LAPSE", "PERSIST", "MARKET_ON_CLOSE"]
OrderType = Literal["LIMIT", "LIMIT_ON_CLOSE", "MARKET_ON_CLOSE"]


class Params(Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """What all have in common: names as on the wire, and no field that is not documented."""


class LimitOrderParams(Params):
    """`limitOrder` of a place instruction."""

    price: float
    size: float | None = None
    persistence_type: Persistence | None = None
    time_in_force: Literal["FILL_OR_KILL"] | None = None
    min_fill_size: float | None = None
    bet_target_type: Literal["BACKERS_PROFIT", "PAYOUT"] | None = None
    bet_target_size: float | None = None


class LimitOnCloseParams(Params):
    """`limitOnCloseOrder` of a place instruction."""

    liability: float
    price: float


class MarketOnCloseParams(Params):
    """`marketOnCloseOrder` of a place instruction."""

    liability: float


class PlaceInstruction(Params):
    """One bet to place."""

    order_type: OrderType
    selection_id: int
    side: Side
    handicap: float | None = None
    limit_order: LimitOrderParams | None = None
    limit_on_close_order: LimitOnCloseParams | None = None
    market_on_close_order: MarketOnCloseParams | None = None
    customer_order_ref: str | None = None


class CancelInstruction(Params):
    """One bet to cancel, all of it or `size_reduction`."""

    bet_id: str
    size_reduction: float | None = None


class UpdateInstruction(Params):
    """One bet to give another persistence."""

    bet_id: str
    new_persistence_type: Persistence


class ReplaceInstruction(Params):
    """One bet to give another price."""

    bet_id: str
    new_price: float


class MarketVersion(Params):
    """The market version that a request is meant for."""

    version: int | None = None


class PlaceOrders(Params):
    """placeOrders."""

    market_id: str
    instructions: list[PlaceInstruction]
    customer_ref: str | None = None
    market_version: MarketVersion | None = None
    customer_strategy_ref: str | None = None
    is_async: bool | None = msgspec.field(name="async", default=None)


class CancelOrders(Params):
    """cancelOrders; without instructions all of a market, without a market all of the account."""

    market_id: str | None = None
    instructions: list[CancelInstruction] | None = None
    customer_ref: str | None = None


class UpdateOrders(Params):
    """updateOrders."""

    market_id: str
    instructions: list[UpdateInstruction]
    customer_ref: str | None = None


class ReplaceOrders(Params):
    """replaceOrders."""

    market_id: str
    instructions: list[ReplaceInstruction]
    customer_ref: str | None = None
    market_version: MarketVersion | None = None
    is_async: bool | None = msgspec.field(name="async", default=None)


class TimeRange(Params):
    """A span of time, ISO 8601 or null."""

    start: str | None = msgspec.field(name="from", default=None)
    end: str | None = msgspec.field(name="to", default=None)


class ListCurrentOrders(Params):
    """listCurrentOrders."""

    bet_ids: list[str] | None = None
    market_ids: list[str] | None = None
    order_projection: Literal["ALL", "EXECUTABLE", "EXECUTION_COMPLETE"] | None = None
    customer_order_refs: list[str] | None = None
    customer_strategy_refs: list[str] | None = None
    date_range: TimeRange | None = None
    placed_date_range: TimeRange | None = None
    order_by: (
        Literal["BY_BET", "BY_PLACE_TIME", "BY_MARKET", "BY_MATCH_TIME", "BY_SETTLED_TIME", "BY_VOID_TIME"] | None
    ) = None
    sort_dir: Literal["EARLIEST_TO_LATEST", "LATEST_TO_EARLIEST"] | None = None
    from_record: int | None = None
    record_count: int | None = None
    include_item_description: bool | None = None


class ListClearedOrders(Params):
    """listClearedOrders."""

    bet_status: Literal["SETTLED", "VOIDED", "LAPSED", "CANCELLED"]
    event_type_ids: list[str] | None = None
    event_ids: list[str] | None = None
    market_ids: list[str] | None = None
    runner_ids: list[Any] | None = None
    bet_ids: list[str] | None = None
    customer_order_refs: list[str] | None = None
    customer_strategy_refs: list[str] | None = None
    side: Side | None = None
    settled_date_range: TimeRange | None = None
    group_by: Literal["EVENT_TYPE", "EVENT", "MARKET", "SIDE", "BET", "RUNNER", "STRATEGY"] | None = None
    include_item_description: bool | None = None
    locale: str | None = None
    from_record: int | None = None
    record_count: int | None = None
