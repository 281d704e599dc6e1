"""The columns of each kind, and rows made of what a logging control is given."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

Info = Mapping[str, Any]
Row = dict[str, Any]

_SIZES = (
    "size_matched",
    "average_price_matched",
    "size_remaining",
    "size_cancelled",
    "size_lapsed",
    "size_voided",
)

COLUMNS: dict[str, tuple[str, ...]] = {
    "orders": (
        "market_id",
        "order_id",
        "bet_id",
        "trade_id",
        "strategy",
        "client",
        "selection_id",
        "handicap",
        "side",
        "order_type",
        "price",
        "size",
        "persistence_type",
        "time_in_force",
        "status",
        *_SIZES,
        "profit",
        "runner_status",
        "date_time_created",
        "date_time_placed",
        "date_time_execution_complete",
        "violation_msg",
        "notes",
        "market_notes",
    ),
    "order_status": (
        "date_time_status_update",
        "market_id",
        "order_id",
        "bet_id",
        "strategy",
        "status",
        "price",
        "persistence_type",
        *_SIZES,
        "violation_msg",
    ),
    "trades": (
        "market_id",
        "trade_id",
        "strategy",
        "selection_id",
        "handicap",
        "status",
        "orders",
        "size_matched",
        "profit",
        "date_time_created",
        "status_log",
        "notes",
        "market_notes",
    ),
    "markets": (
        "market_id",
        "event_id",
        "event_type_id",
        "event_name",
        "market_name",
        "market_type",
        "market_start_datetime",
        "country_code",
        "venue",
        "race_type",
        "closed",
    ),
    "cleared_orders": (
        "market_id",
        "bet_id",
        "customer_order_ref",
        "customer_strategy_ref",
        "event_id",
        "event_type_id",
        "selection_id",
        "handicap",
        "side",
        "order_type",
        "persistence_type",
        "bet_outcome",
        "price_requested",
        "price_matched",
        "price_reduced",
        "size_settled",
        "size_cancelled",
        "profit",
        "commission",
        "placed_date",
        "last_matched_date",
        "settled_date",
    ),
    "cleared_markets": (
        "market_id",
        "event_id",
        "event_type_id",
        "customer_strategy_ref",
        "bet_count",
        "bet_outcome",
        "profit",
        "commission",
        "settled_date",
    ),
    "refusals": (
        "date_time",
        "market_id",
        "selection_id",
        "strategy",
        "order_id",
        "package_type",
        "control",
        "reason",
        "numbers",
    ),
}
"""Kind (its file's name) -> columns. Sizes and profits are in the account's currency, prices decimal odds."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def utc(value: str | datetime | None) -> str | None:
    """Return a time as ISO 8601 in UTC with milliseconds; one without a zone is UTC."""
    if not value:
        return None
    time = datetime.fromisoformat(value) if isinstance(value, str) else value
    time = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    return time.isoformat(timespec="milliseconds")


def order_row(info: Info) -> Row:
    """Return the row of an order's `info`; the size of a starting-price order is its liability."""
    kind, trade = info["order_type"], info["trade"]
    size = kind["size"] or kind["bet_target_size"] or 0.0 if "size" in kind else kind["liability"]
    return {
        **info,
        **info["info"],
        "order_id": info["id"],
        "trade_id": trade["id"],
        "strategy": trade["strategy"],
        "order_type": kind["order_type"].upper().replace(" ", "_"),
        "price": kind.get("price"),
        "size": size,
        "persistence_type": kind.get("persistence_type"),
        "time_in_force": kind.get("time_in_force"),
        "date_time_created": utc(info["date_time_created"]),
        "date_time_placed": utc(info["responses"]["date_time_placed"]),
        "date_time_status_update": utc(info["date_time_status_update"]),
        "date_time_execution_complete": utc(info["date_time_execution_complete"]),
    }


def trade_rows(infos: Iterable[Info], order_rows: Iterable[Row]) -> list[Row]:
    """Return a row for each trade that orders, by their `info`, belong to.

    :param order_rows: those of all known orders of the trades' market.
    """
    trades = {info["trade"]["id"]: info["trade"] for info in infos}
    orders: dict[str, list[Row]] = {trade_id: [] for trade_id in trades}
    for row in order_rows:
        if row["trade_id"] in orders:
            orders[row["trade_id"]].append(row)
    return [_trade_row(trade, orders[trade_id]) for trade_id, trade in trades.items()]


def _trade_row(trade: Info, orders: list[Row]) -> Row:
    first = orders[0]
    return {
        **trade,
        "market_id": first["market_id"],
        "trade_id": first["trade_id"],
        "selection_id": first["selection_id"],
        "handicap": first["handicap"],
        "orders": len(orders),
        "size_matched": round(sum(order["size_matched"] for order in orders), 2),
        "profit": round(sum(order["profit"] for order in orders), 2),
        "date_time_created": min(order["date_time_created"] for order in orders),
    }


def start_of(info: Info) -> str | None:
    """Return a market's scheduled start, None where its `info` has 1970: neither book nor catalogue has come."""
    start = utc(info["market_start_datetime"])
    return None if start == _EPOCH.isoformat(timespec="milliseconds") else start


def market_row(info: Info) -> Row:
    """Return the row of a market's `info`."""
    return {**info, "market_start_datetime": start_of(info)}


def cleared_row(cleared: Info) -> Row:
    """Return the row of a cleared order or market, as the exchange's listClearedOrders has it."""
    return {name: utc(value) if isinstance(value, datetime) else value for name, value in cleared.items()}


def refusal_row(refusal: Any, epoch_ms: int) -> Row:
    """Return the row of a refusal; its figures are a JSON object."""
    return {
        "date_time": utc(_EPOCH + timedelta(milliseconds=epoch_ms)),
        "market_id": refusal.market_id,
        "selection_id": refusal.selection_id,
        "strategy": refusal.strategy,
        "order_id": refusal.order_id,
        "package_type": refusal.package_type.value,
        "control": refusal.control,
        "reason": refusal.reason,
        "numbers": json.dumps(refusal.numbers, default=str),
    }
