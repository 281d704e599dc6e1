"""A strategy that places, cancels, updates and replaces all the time, and holds nothing in memory that matters."""

import random
from typing import Any

from flumine_core import LimitOrder, OrderStatus, Trade
from flumine_core.errors import FlumineCoreError

from .ours import Told

MOST_LIVE = 6


class Steady(Told):
    """Does one thing for each book while it goes; what it does is drawn by a seed."""

    def __init__(self, market_ids: list[str], seed: int) -> None:
        super().__init__(market_ids)
        self.random = random.Random(seed)
        self.is_going = False

    def go(self) -> None:
        self.is_going = True

    def pause(self) -> None:
        self.is_going = False

    def check_market_book(self, market: Any, market_book: Any) -> bool:
        super().check_market_book(market, market_book)
        return self.is_going and market_book.status == "OPEN"

    def process_market_book(self, market: Any, market_book: Any) -> None:
        live = [order for order in market.blotter.live_orders if order.status is OrderStatus.EXECUTABLE]
        try:
            if len(live) < self.random.randrange(1, MOST_LIVE):
                self._place(market)
            else:
                self._amend(market, self.random.choice(live))
        except FlumineCoreError:
            return

    def _place(self, market: Any) -> None:
        with market.transaction(self.random.random() < 0.2) as transaction:
            for _ in range(self.random.choice([1, 1, 1, 2, 3])):
                side, price = self.random.choice([("BACK", 3.0), ("LAY", 1.5), ("BACK", 2.0), ("BACK", 5.0)])
                trade = Trade(market.market_id, self.random.choice([11, 22]), 0, self)
                transaction.place_order(
                    trade.create_order(side, LimitOrder(price, self.random.choice([2.0, 3.0, 7.5])))
                )

    def _amend(self, market: Any, order: Any) -> None:
        chance = self.random.random()
        if chance < 0.45:
            market.cancel_order(order, self.random.choice([None, None, 0.5]))
        elif chance < 0.85:
            market.replace_order(
                order, self.random.choice([3.05, 4.0, 4.5] if order.side == "BACK" else [1.4, 1.45, 1.3])
            )
        else:
            market.update_order(order, "PERSIST")
