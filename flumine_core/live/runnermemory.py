"""Runner contexts in the journal; each trade's id is written once, for there may be thousands on one runner."""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from ..order.trade import Trade
from .records import runner_context_record

RunnerKey = tuple[str, str, int, float]
"""Strategy, market, selection and handicap."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS runner_contexts (
    strategy TEXT, market_id TEXT, selection_id INTEGER, handicap REAL, body BLOB,
    PRIMARY KEY (strategy, market_id, selection_id, handicap));
CREATE TABLE IF NOT EXISTS runner_trades (
    strategy TEXT, market_id TEXT, selection_id INTEGER, handicap REAL, trade_id TEXT,
    PRIMARY KEY (strategy, market_id, selection_id, handicap, trade_id));
"""
TABLES = ("runner_contexts", "runner_trades")

_WRITE = "INSERT OR REPLACE INTO runner_contexts VALUES (?, ?, ?, ?, ?)"
_ADD = "INSERT OR IGNORE INTO runner_trades VALUES (?, ?, ?, ?, ?)"
_CLEAR = "DELETE FROM runner_trades WHERE strategy = ? AND market_id = ? AND selection_id = ? AND handicap = ?"
_READ = "SELECT {} FROM {} WHERE market_id NOT IN (SELECT market_id FROM closed_markets) ORDER BY rowid"
_KEY = "strategy, market_id, selection_id, handicap"

Statement = tuple[str, tuple[Any, ...]]


class RunnerMemory:
    """Writes runner contexts, and of their trades those that no note has brought.

    An intent brings what is new, too, but may never be written; so the next note brings it again.
    """

    def __init__(self) -> None:
        self._noted: dict[str, dict[RunnerKey, int]] = {}  # by market

    def statements(self, trade: Trade, is_note: bool) -> list[Statement]:
        """Return what writes the context of a trade's runner."""
        context: Any = trade.strategy.get_runner_context(trade.market_id, trade.selection_id, trade.handicap)
        key = (trade.strategy.name, trade.market_id, trade.selection_id, trade.handicap)
        written: list[Statement] = [(_WRITE, (*key, runner_context_record(context)))]
        trades = context.trades
        of_market = self._noted.setdefault(trade.market_id, {})
        noted = of_market.get(key, 0)
        if noted > len(trades):  # a strategy has made its memory shorter
            noted = 0
            written.append((_CLEAR, key))
        if is_note:
            of_market[key] = len(trades)
        return written + [(_ADD, (*key, trade_id)) for trade_id in trades[noted:]]

    def forget(self, market_id: str | None = None) -> None:
        """Bring all trades of each runner, or of a market's, with its next order; from any thread."""
        if market_id is None:
            self._noted = {}
        else:
            self._noted.pop(market_id, None)


def read_contexts(rows: Callable[[str], list[Any]]) -> Iterator[tuple[str, str, int, float, dict[str, Any]]]:
    """Return strategy, market, selection, handicap and contents of each runner context; `rows` answers a query."""
    trades: dict[tuple[Any, ...], list[str]] = {}
    for *key, trade_id in rows(_READ.format(f"{_KEY}, trade_id", "runner_trades")):
        trades.setdefault(tuple(key), []).append(trade_id)
    for *key, body in rows(_READ.format(f"{_KEY}, body", "runner_contexts")):
        record = msgspec.msgpack.decode(body)
        known = [*record.get("trades", ()), *trades.get(tuple(key), ())]  # earlier versions kept them in the body
        yield (*key, record | {"trades": [*dict.fromkeys(known)]})
