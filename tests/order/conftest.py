"""Hand stubs of what an order needs of a strategy and a client."""

from itertools import count

import pytest

from flumine_core.clock import EventClock
from flumine_core.order.kinds import LimitOrder
from flumine_core.order.report import BetTotals
from flumine_core.order.trade import Trade


class StubContext:
    def __init__(self):
        self.placed = []
        self.completed = []

    def place(self, trade_id):
        self.placed.append(trade_id)

    def reset(self, trade_id):
        self.completed.append(trade_id)


class StubStrategy:
    name_hash = "0123456789abc"

    def __init__(self, name="stub", clock=None, **limits):
        self.name = name
        self.clock = clock or EventClock(1_000_000)
        self.max_order_exposure = limits.get("max_order_exposure", 10)
        self.max_selection_exposure = limits.get("max_selection_exposure", 100)
        self.max_market_exposure = limits.get("max_market_exposure")
        self.contexts = {}
        self._numbers = count(1)

    def next_order_id(self, market_id):
        return f"{self.name}-{next(self._numbers)}"

    order_sep = "-"

    def next_trade_id(self, market_id):
        return f"{self.name}-t{next(self._numbers)}"

    def get_runner_context(self, market_id, selection_id, handicap=0):
        return self.contexts.setdefault((market_id, selection_id, handicap), StubContext())

    def validate_order(self, runner_context, order):
        return True

    def trade(self, selection_id=12, handicap=0, **options):
        return Trade("1.23", selection_id, handicap, self, **options)

    def order(self, side="BACK", kind=None, selection_id=12, handicap=0):
        return self.trade(selection_id, handicap).create_order(side, kind or LimitOrder(3.0, 10.0))

    def placed(self, side="BACK", kind=None, selection_id=12, handicap=0, bet_id="1"):
        """An order that the exchange has: EXECUTABLE."""
        order = self.order(side, kind, selection_id, handicap)
        order.place(None, None, False)
        order.bet_id = bet_id
        order.placed_ms = self.clock.epoch_ms
        order.executable()
        return order


class StubClient:
    def __init__(self, username="stub"):
        self.username = username


@pytest.fixture(scope="session")
def make_strategy():
    return StubStrategy


@pytest.fixture
def strategy():
    return StubStrategy()


@pytest.fixture
def client():
    return StubClient()


@pytest.fixture(scope="session")
def matched():
    """Totals of a bet matched in part."""

    def totals(size=0.0, price=0.0, **sizes):
        return BetTotals(size_matched=size, average_price_matched=price, **sizes)

    return totals
