"""What is known of markets and orders until it is final, so that each is written once."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .rows import COLUMNS, Info, Row, market_row, order_row, trade_rows

Put = Callable[[str, Row, str], None]
"""Takes a kind, a row and its market id."""

MOST_REMEMBERED = 500
"""Markets whose written rows are remembered."""


class Ledger:
    """Keeps each order as it was last, until its market is cleared or the run ends, and then puts it.

    A market that is cleared again, as for a second client, brings only the rows that have changed.
    """

    def __init__(self, put: Put) -> None:
        self._put = put
        self._markets: dict[str, Info] = {}
        self._orders: dict[str, dict[str, Info]] = {}
        self._written: OrderedDict[str, dict[tuple[str, str], tuple[Any, ...]]] = OrderedDict()

    def take_market(self, info: Info) -> None:
        """Take note of a market."""
        self._markets[info["market_id"]] = info

    def take_order(self, info: Info) -> bool:
        """Take note of an order; return whether anything about it has changed."""
        known = self._orders.setdefault(info["market_id"], {})
        before = known.get(info["id"])
        if before is not None or info["status"] != "Violation":  # refused at once, it never was its market's
            known[info["id"]] = info
        return info != before

    def close_market(self, info: Info) -> None:
        """Put a market that has closed."""
        self._markets.pop(info["market_id"], None)
        self._once("markets", info["market_id"], market_row(info))

    def clear_orders(self, infos: Iterable[Info]) -> None:
        """Put the orders of cleared markets, and their trades."""
        markets: dict[str, dict[str, Info]] = {}
        for info in infos:
            markets.setdefault(info["market_id"], {})[info["id"]] = info
        for market_id, orders in markets.items():
            self._put_orders(market_id, {**self._orders.pop(market_id, {}), **orders})

    def finish(self) -> None:
        """Put what the end of the run has made final."""
        for info in self._markets.values():
            self._once("markets", info["market_id"], market_row(info))
        for market_id, orders in self._orders.items():
            if orders:
                self._put_orders(market_id, orders)
        self._markets.clear()
        self._orders.clear()

    def _put_orders(self, market_id: str, orders: Mapping[str, Info]) -> None:
        in_order = [orders[order_id] for order_id in sorted(orders)]
        for info in in_order:
            self._once("orders", info["id"], order_row(info))
        names = COLUMNS["orders"]
        written = self._written[market_id].items()  # of orders that were cleared before, too: they belong to the trades
        known = [dict(zip(names, values, strict=True)) for (kind, _), values in written if kind == "orders"]
        for row in trade_rows(in_order, known):
            self._once("trades", row["trade_id"], row)

    def _once(self, kind: str, name: str, row: Row) -> None:
        market_id = row["market_id"]
        values = tuple([row.get(column) for column in COLUMNS[kind]])  # which no collection of garbage goes through
        written = self._written.setdefault(market_id, {})
        if written.get((kind, name)) != values:
            written[kind, name] = values
            self._put(kind, row, market_id)
        if len(self._written) > MOST_REMEMBERED:
            self._written.popitem(last=False)
