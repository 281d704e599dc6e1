"""What an earlier run has left: orders, trades, notes and contexts, rebuilt from the journal before anything trades."""

from collections.abc import Iterator, Mapping
from typing import Any

from loguru import logger

from ..order.order import Order
from ..order.report import AdoptReport, BetTotals
from ..order.states import OrderStatus
from ..order.trade import Trade
from .adopt import OUTSIDE
from .journal import Journal
from .records import kind_from

_WITHOUT_ANSWER = (OrderStatus.PENDING, OrderStatus.UNKNOWN)


def restore(journal: Journal, framework: Any, client: Any, outside: Any) -> Iterator[AdoptReport]:
    """Report a client's orders that an earlier run has left, each as the journal has it.

    An order whose placing had no answer is UNKNOWN; one that was being cancelled, updated or replaced is EXECUTABLE,
    until the exchange says what became of it. A strategy that is no longer there leaves its orders to `outside`.
    """
    strategies = {strategy.name: strategy for strategy in framework.strategies}
    trades = {record["id"]: record for record in journal.trades()}
    # a trade's orders may be of several accounts, of which others may have been rebuilt before
    made = {order.trade.id: order.trade for market in framework.markets for order in market.blotter}
    found: list[tuple[Order, Mapping[str, Any], bool]] = []
    for record in journal.orders(client.username):
        strategy = strategies.get(record["strategy"])
        if strategy is None and record["strategy"] != OUTSIDE:
            logger.warning("order {} was of strategy {}, which is not there", record["id"], record["strategy"])
        trade = made.get(record["trade_id"])
        if trade is None:
            trade = _trade(record, trades.get(record["trade_id"], {}), strategy or outside)
            made[record["trade_id"]] = trade
        trade.revive()
        found.append((_order(record, trade, client), record, strategy is None))
    for order, kept, is_outside in found:
        status = OrderStatus[kept["status"] or "PENDING"]
        yield AdoptReport(
            order,
            BetTotals(
                kept["size_matched"],
                kept["average_price_matched"],
                kept["size_cancelled"],
                kept["size_lapsed"],
                kept["size_voided"],
            ),
            kept["bet_id"],
            kept["placed_ms"],
            is_unknown=kept["bet_id"] is None and status in _WITHOUT_ANSWER,
            is_complete=status in (OrderStatus.EXECUTION_COMPLETE, OrderStatus.EXPIRED),
            is_outside=is_outside,
        )
        order.complete_ms = kept["complete_ms"] if order.complete else None
    for strategy_name, market_id, selection_id, handicap, memory in journal.runner_contexts():
        owner = strategies.get(strategy_name)
        if owner is not None:
            _fill_context(owner.get_runner_context(market_id, selection_id, handicap), memory)


def restore_contexts(journal: Journal, framework: Any) -> None:
    """Give each strategy what it had written into its context, before it starts.

    What it is made with wins where that is not what it was made with before: somebody has changed his mind about it.
    """
    for strategy in framework.strategies:
        context, given_before = strategy.context, journal.given_context(strategy.name)
        journal.note_given(strategy.name, context)
        for key, value in journal.context(strategy.name).items():
            if key not in context or (key in given_before and given_before[key] == context[key]):
                context[key] = value
            elif context[key] != value:
                logger.warning(
                    "strategy {}: context {!r} is {!r} as it is given now, no longer {!r} as an earlier run left it",
                    strategy.name,
                    key,
                    context[key],
                    value,
                )


def _trade(order: Mapping[str, Any], record: Mapping[str, Any], strategy: Any) -> Trade:
    trade = Trade(
        order["market_id"],
        order["selection_id"],
        order["handicap"],
        strategy,
        record.get("notes") or {},
        record.get("place_reset_seconds", 0.0),
        record.get("reset_seconds", 0.0),
        record.get("pending_orders", False),
    )
    trade.id = order["trade_id"]
    trade.created_ms = record.get("created_ms", trade.created_ms)
    trade.market_notes = record.get("market_notes")
    return trade


def _order(record: Mapping[str, Any], trade: Trade, client: Any) -> Order:
    order = trade.create_order(
        record["side"],
        kind_from(record["kind"]),
        sep=record["sep"],
        context=record["context"],
        notes=record["notes"],
    )
    order.id = record["id"]
    order.follows = record.get("follows")
    order.client = client
    order.created_ms = record["created_ms"]
    order.market_version = record["market_version"]
    order.async_ = record["async"]
    order.market_notes = record["market_notes"]
    order.violation_msg = record["violation_msg"]
    return order


def _fill_context(context: Any, record: Mapping[str, Any]) -> None:
    known = set(context.live_trades)
    live = [trade_id for trade_id in record["live_trades"] if trade_id in known]
    context.restore(record["invested"], record["trades"], live, record["last_placed_ms"], record["last_reset_ms"])
