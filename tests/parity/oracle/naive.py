"""A random strategy as its user would write it: one generator, drawn from as the callbacks come.

A callback too many, an order seen earlier or at another place in a list, and every later draw is another: so this
checks what is delivered, and in which order, far more strictly than `strategies.RandomStrategy` does.
"""

import random
from collections import OrderedDict
from typing import Any

from .shim import BaseStrategy, OrderStatus, Trade, get_nearest_price
from .strategies import DEFAULTS, is_line, make_kind, ticks_from


class NaiveStrategy(BaseStrategy):
    """Draws for each runner and each order that it is shown."""

    def __init__(self, *, seed: int, client: Any, params: dict[str, Any], name: str, streams: list[Any]) -> None:
        super().__init__(
            streams=streams,
            name=name,
            max_order_exposure=10**9,
            max_selection_exposure=10**9,
            max_trade_count=10**9,
            max_live_trade_count=10**9,
        )
        self.rng = random.Random(seed)
        self.client = client
        self.params = {**DEFAULTS, **params}
        self.trades: dict[str, Any] = {}
        self.trace: list[list[Any]] = []
        self.calls = {"new": 0, "check": 0, "book": 0, "orders": 0, "orders_seen": 0, "closed": 0}
        self._updated: set[str] = set()

    def process_new_market(self, market: Any, market_book: Any) -> None:
        self.calls["new"] += 1

    def check_market_book(self, market: Any, market_book: Any) -> bool:
        self.calls["check"] += 1
        return bool(self.rng.random() < self.params["rate"])

    def process_market_book(self, market: Any, market_book: Any) -> None:
        self.calls["book"] += 1
        if market_book.status == "OPEN":
            self._place(market, market_book)

    def process_orders(self, market: Any, orders: list[Any]) -> None:
        self.calls["orders"] += 1
        rng, acts = self.rng, self.params["naive_acts"]
        for order in orders:  # the live list: what is placed below is met in this very loop
            self.calls["orders_seen"] += order.status != OrderStatus.PENDING  # replacements enter ours earlier
            if order.status != OrderStatus.EXECUTABLE or rng.random() > acts:
                continue
            if order.order_type.ORDER_TYPE.name != "LIMIT" or market.status != "OPEN" or order.size_remaining <= 0:
                continue
            what = rng.choice(("cancel", "reduce", "replace", "replace", "update", "place"))
            outcome: Any = None
            if what == "cancel":
                outcome = market.cancel_order(order)
            elif what == "reduce":
                outcome = market.cancel_order(order, order.size_remaining / 2)  # half pennies, too
            elif what == "replace" and is_line(market.market_book):
                continue
            elif what == "replace":
                price = ticks_from(get_nearest_price(order.order_type.price), rng.choice((-3, -1, 1, 2, 5)))
                outcome = market.replace_order(order, price)
            elif what == "update" and order.id not in self._updated:
                self._updated.add(order.id)
                new = "PERSIST" if order.order_type.persistence_type == "LAPSE" else "LAPSE"
                outcome = market.update_order(order, new)
            elif what == "place":
                outcome = self._place(market, market.market_book)
            key = f"{order.trade.notes['key']}.{[o.id for o in order.trade.orders].index(order.id)}"
            self.trace.append([market.market_book.publish_time_epoch, key, what, outcome])

    def process_closed_market(self, market: Any, market_book: Any) -> None:
        self.calls["closed"] += 1
        orders = market.blotter.strategy_orders(self)
        seen = [order.status.value for order in orders if order.status != OrderStatus.PENDING]
        self.trace.append([market_book.publish_time_epoch, market.market_id, "closed", ",".join(seen)])

    def _place(self, market: Any, market_book: Any) -> bool:
        rng = self.rng
        runner = rng.choice(market_book.runners)
        if runner.status != "ACTIVE":
            return False
        side = rng.choice(("BACK", "LAY"))
        key = f"{market_book.publish_time_epoch}/{len(self.trades)}"
        trade = Trade(market.market_id, runner.selection_id, runner.handicap, self, notes=OrderedDict(key=key))
        self.trades[key] = trade
        order = trade.create_order(
            side=side, order_type=make_kind(self.params, runner, side, rng, is_line(market_book))
        )
        return bool(market.place_order(order, client=self.client))
