"""What is written, as flat rows of text, numbers and None; times in milliseconds since 1970.

A row can lie in the spool, and be read back by a later version: fields are added at the end and never taken out.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from flumine_core import LimitOrder
from flumine_core.clock import to_datetime

Row = tuple[Any, ...]

ORDER = (
    "id",
    "trade_id",
    "strategy",
    "market_id",
    "selection_id",
    "handicap",
    "client",
    "customer_order_ref",
    "bet_id",
    "side",
    "order_type",
    "price",
    "size",
    "persistence_type",
    "time_in_force",
    "status",
    "created",
    "updated",
    "placed",
    "completed",
    "size_matched",
    "average_price_matched",
    "size_remaining",
    "size_cancelled",
    "size_lapsed",
    "size_voided",
    "profit",
    "runner_status",
    "violation_msg",
    "notes",
    "market_notes",
    "trade_status",
    "place_reset_seconds",
    "reset_seconds",
    "trade_notes",
)

FIELDS: dict[str, tuple[str, ...]] = {
    "run": ("uuid", "name", "simulated", "started", "version", "plugins", "configuration"),
    "end": ("uuid", "ended"),
    "strategy": (
        "name",
        "name_hash",
        "max_order_exposure",
        "max_selection_exposure",
        "max_market_exposure",
        "max_live_trade_count",
        "max_trade_count",
        "context",
    ),
    "market": (
        "market_id",
        "event_id",
        "event_type_id",
        "event_name",
        "market_name",
        "market_type",
        "market_start",
        "country_code",
        "venue",
        "race_type",
        "status",
        "closed",
    ),
    "runner": (
        "market_id",
        "selection_id",
        "handicap",
        "name",
        "sort_priority",
        "status",
        "adjustment_factor",
        "bsp",
    ),
    "order": ORDER,
    "settled_order": ORDER,
    "cleared_order": (
        "bet_id",
        "market_id",
        "selection_id",
        "handicap",
        "customer_order_ref",
        "customer_strategy_ref",
        "side",
        "bet_outcome",
        "price_requested",
        "price_matched",
        "size_settled",
        "size_cancelled",
        "profit",
        "commission",
        "placed",
        "settled",
    ),
    "cleared_market": (
        "market_id",
        "client",
        "customer_strategy_ref",
        "bet_count",
        "bet_outcome",
        "commission",
        "profit",
    ),
    "balance": ("time", "client", "available_to_bet_balance", "exposure", "details"),
    "refusal": (
        "order_id",
        "trade_id",
        "strategy",
        "market_id",
        "selection_id",
        "handicap",
        "side",
        "order_type",
        "price",
        "size",
        "time",
        "package_type",
        "control",
        "reason",
        "numbers",
    ),
}
"""Noun -> the fields of its rows, in order. "order" is a change of status, "settled_order" an order at its close."""


_encode = msgspec.json.Encoder(enc_hook=str).encode


def text_of(value: Any) -> str:
    """Return plain data as JSON; what JSON does not know, as text."""
    return _encode(value).decode()


def epoch_ms(moment: Any) -> int | None:
    """Return a time (datetime, ISO 8601 text, or milliseconds already) in milliseconds since 1970; naive is UTC."""
    if moment is None:
        return None
    if isinstance(moment, int):
        return int(moment)
    told = moment if isinstance(moment, datetime) else datetime.fromisoformat(str(moment))
    aware = told if told.tzinfo is not None else told.replace(tzinfo=UTC)
    return round(aware.timestamp() * 1000)


def run_values(noun: str, row: Sequence[Any]) -> dict[str, Any]:
    """Return what a row of the noun "run" or "end" says of the run's columns."""
    values = dict(zip(FIELDS[noun], row, strict=True))
    for name in values.keys() & {"started", "ended"}:
        values[name] = to_datetime(values[name])
    for name in values.keys() & {"plugins", "configuration"}:
        values[name] = msgspec.json.decode(values[name])
    del values["uuid"]
    return values


def order_row(order: Any) -> Row:
    """Return a row of an order's snapshot."""
    trade, kind, status = order.trade, order.order_type, order.status
    is_limit = order.kind == "Limit"
    return (
        order.id,
        trade.id,
        trade.strategy,
        order.market_id,
        order.selection_id,
        order.handicap,
        order.client,
        order.customer_order_ref,
        order.bet_id,
        order.side,
        order.kind,
        getattr(kind, "price", None),
        kind.requested_size if is_limit else kind.liability,
        kind.persistence_type if is_limit else None,
        kind.time_in_force if is_limit else None,
        None if status is None else status.value,
        order.created_ms,
        order.status_ms,
        order.placed_ms,
        order.complete_ms,
        order.size_matched,
        order.average_price_matched,
        order.size_remaining,
        order.size_cancelled,
        order.size_lapsed,
        order.size_voided,
        order.profit,
        order.runner_status,
        order.violation_msg,
        order.notes,
        order.market_notes,
        trade.status.value,
        trade.place_reset_seconds,
        trade.reset_seconds,
        trade.notes,
    )


def strategy_row(info: Mapping[str, Any]) -> Row:
    """Return a row of a strategy's description."""
    return (
        info["strategy_name"],
        info["name_hash"],
        info["max_order_exposure"],
        info["max_selection_exposure"],
        info["max_market_exposure"],
        info["max_live_trade_count"],
        info["max_trade_count"],
        text_of(info["context"]),
    )


def market_row(info: Mapping[str, Any]) -> Row:
    """Return a row of a market's description."""
    return (
        info["market_id"],
        _text(info["event_id"]),
        _text(info["event_type_id"]),
        info["event_name"],
        info["market_name"],
        info["market_type"],
        epoch_ms(info["market_start_datetime"]),
        info["country_code"],
        info["venue"],
        info["race_type"],
        info["status"],
        info["closed"],
    )


def runner_rows(info: Mapping[str, Any]) -> Iterator[Row]:
    """Yield a row for each runner of a market's description."""
    for runner in info["runners"]:
        yield (
            info["market_id"],
            runner["selection_id"],
            runner["handicap"],
            runner["name"],
            runner["sort_priority"],
            runner["status"],
            runner["adjustment_factor"],
            _number(runner["bsp"]),
        )


def cleared_order_row(market_id: str, cleared: Mapping[str, Any]) -> Row:
    """Return a row of what listClearedOrders says of a bet."""
    get = cleared.get
    return (
        get("bet_id"),
        market_id,
        get("selection_id"),
        get("handicap"),
        get("customer_order_ref"),
        get("customer_strategy_ref"),
        get("side"),
        get("bet_outcome"),
        get("price_requested"),
        get("price_matched"),
        get("size_settled"),
        get("size_cancelled"),
        get("profit"),
        get("commission"),
        epoch_ms(get("placed_date")),
        epoch_ms(get("settled_date")),
    )


def cleared_market_row(client: str | None, cleared: Mapping[str, Any]) -> Row:
    """Return a row of what listClearedOrders says of a market, grouped by it."""
    get = cleared.get
    return (
        get("market_id"),
        client or "",
        get("customer_strategy_ref") or "",
        get("bet_count"),
        get("bet_outcome"),
        get("commission"),
        get("profit"),
    )


def balance_row(time_ms: int, funds: Mapping[str, Any]) -> Row:
    """Return a row of a client's account funds, as getAccountFunds names them."""
    client = funds.get("username")
    return (
        time_ms,
        None if client is None else str(client),
        _number(funds.get("availableToBetBalance")),
        _number(funds.get("exposure")),
        text_of(funds),
    )


def refusal_row(event: Any) -> Row:
    """Return a row of a control's refusal of a request on an order, with what the order was; `numbers` are a dict yet.

    A strategy may be refused at each book, and this is on the trading loop's thread.
    """
    refusal, kind = event.event, event.order_type
    price: float | None
    if isinstance(kind, LimitOrder):
        price, size = kind.price, kind.size or kind.requested_size
    else:
        price, size = getattr(kind, "price", None), kind.liability
    return (
        refusal.order_id,
        event.trade_id,
        refusal.strategy,
        refusal.market_id,
        refusal.selection_id,
        event.handicap,
        event.side,
        kind.ORDER_TYPE.value,
        price,
        size,
        event.epoch_ms,
        refusal.package_type.value,
        refusal.control,
        refusal.reason,
        refusal.numbers,
    )


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _number(value: Any) -> float | None:
    """Return a number, None for what is none ("NaN" stands for a starting price that never came about)."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if number - number == 0 else None
