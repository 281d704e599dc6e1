"""Orders, trades and contexts as bytes for the journal, and back."""

from collections.abc import Mapping
from numbers import Integral, Real
from types import SimpleNamespace
from typing import Any

import msgspec

from ..order.kinds import LimitOnCloseOrder, LimitOrder, MarketOnCloseOrder, OrderKind
from ..order.order import Order
from ..order.trade import Trade

_KINDS: dict[str, Any] = {kind.__name__: kind for kind in (LimitOrder, LimitOnCloseOrder, MarketOnCloseOrder)}
_LINE = ("min_unit_value", "max_unit_value", "interval")


def plain_number(value: Any) -> int | float:
    """Return a number of another library, such as numpy's, as one of Python's own; for encoding."""
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return float(value)
    raise TypeError(f"{type(value).__name__} cannot be encoded")


_encode = msgspec.msgpack.Encoder(enc_hook=plain_number).encode


def order_record(order: Order) -> bytes:
    """Return an order; of notes and context what can be kept."""
    return _encode(
        {
            "id": order.id,
            "sep": order.sep,
            "follows": order.follows,
            "trade_id": order.trade.id,
            "strategy": order.trade.strategy.name,
            "market_id": order.market_id,
            "selection_id": order.selection_id,
            "handicap": order.handicap,
            "side": order.side,
            "kind": _kind_record(order.order_type),
            "bet_id": order.bet_id,
            "status": order.status.name if order.status is not None else None,
            "size_matched": order.size_matched,
            "average_price_matched": order.average_price_matched,
            "size_cancelled": order.size_cancelled,
            "size_lapsed": order.size_lapsed,
            "size_voided": order.size_voided,
            "created_ms": order.created_ms,
            "placed_ms": order.placed_ms,
            "complete_ms": order.complete_ms,
            "market_version": order.market_version,
            "async": order.async_,
            "market_notes": order.market_notes,
            "violation_msg": order.violation_msg,
            "notes": keepable(order.notes),
            "context": keepable(order.context),
        }
    )


def _kind_record(kind: OrderKind) -> dict[str, Any]:
    fields: dict[str, Any] = msgspec.structs.asdict(kind)
    line = fields.get("line_range_info")
    if line is not None:
        fields["line_range_info"] = {name: getattr(line, name) for name in _LINE}
    return {"name": type(kind).__name__, "fields": fields}


def kind_from(record: Mapping[str, Any]) -> OrderKind:
    """Return the kind of a record."""
    fields = dict(record["fields"])
    if fields.get("line_range_info") is not None:
        fields["line_range_info"] = SimpleNamespace(**fields["line_range_info"])
    kind: OrderKind = _KINDS[record["name"]](**fields)
    return kind


def trade_record(trade: Trade) -> bytes:
    """Return a trade without its orders."""
    return _encode(
        {
            "id": trade.id,
            "strategy": trade.strategy.name,
            "market_id": trade.market_id,
            "selection_id": trade.selection_id,
            "handicap": trade.handicap,
            "place_reset_seconds": trade.place_reset_seconds,
            "reset_seconds": trade.reset_seconds,
            "pending_orders": trade.pending_orders,
            "created_ms": trade.created_ms,
            "market_notes": trade.market_notes,
            "notes": keepable(trade.notes),
        }
    )


def runner_context_record(context: Any) -> bytes:
    """Return a strategy's memory of a runner, without its trades, which may be many (see `RunnerMemory`)."""
    return _encode(
        {
            "invested": context.invested,
            "live_trades": list(context.live_trades),
            "last_placed_ms": context.last_placed_ms,
            "last_reset_ms": context.last_reset_ms,
        }
    )


def context_records(context: Mapping[Any, Any]) -> tuple[dict[bytes, bytes], dict[str, str]]:
    """Return what can be kept of a context, key by key, and why the other keys cannot be."""
    good: dict[bytes, bytes] = {}
    bad: dict[str, str] = {}
    for key, value in list(context.items()):
        reason = why_not_kept(key, value)
        if reason is None:
            good[_encode(key)] = _encode(value)
        else:
            bad[str(key)] = reason
    return good, bad


def why_not_kept(key: Any, value: Any) -> str | None:
    """Return why a key and its value would not come back from the journal as they are; None: they would."""
    try:
        again = msgspec.msgpack.decode(_encode((key, value)))
    except (TypeError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError) as error:
        return f"{type(value).__name__} cannot be encoded: {error}"
    if again != [key, value]:
        return f"{type(value).__name__} would come back as {type(again[1]).__name__}: {again[1]!r}"
    return None


def keepable(mapping: Any) -> dict[Any, Any]:
    """Return the keys of a mapping that can be kept; none of what somebody has put in its place."""
    if not mapping or not isinstance(mapping, Mapping):
        return {}
    return {key: value for key, value in mapping.items() if why_not_kept(key, value) is None}
