"""Hand stubs of the framework, a strategy and a client, and a gate that does what a transaction does."""

from itertools import count
from types import SimpleNamespace

import pytest

from flumine_core.clock import EventClock
from flumine_core.control.client import MaxOrderCount
from flumine_core.control.trading import MarketValidation, OrderValidation, StrategyExposure
from flumine_core.order.blotter import Blotter
from flumine_core.order.kinds import LimitOrder
from flumine_core.order.package import OrderPackageType
from flumine_core.order.trade import Trade
from flumine_core.venue import BETFAIR


class StubContext:
    def place(self, trade_id):
        pass

    def reset(self, trade_id):
        pass


class StubStrategy:
    name = "stub"
    name_hash = "0123456789abc"

    def __init__(self, clock, order=10, selection=100, market=None):
        self.clock = clock
        self.max_order_exposure = order
        self.max_selection_exposure = selection
        self.max_market_exposure = market
        self.context = StubContext()
        self.validated = []
        self.verdict = True
        self.reason = None
        self._numbers = count(1)

    def next_order_id(self, market_id):
        return str(next(self._numbers))

    order_sep = "-"

    next_trade_id = next_order_id

    def get_runner_context(self, market_id, selection_id, handicap=0):
        return self.context

    def validate_order(self, runner_context, order):
        assert runner_context is self.context
        self.validated.append(order)
        if self.reason is not None:
            order.violation_msg = self.reason
        return self.verdict


class StubClient:
    username = "stub"
    venue = BETFAIR
    min_bet_validation = True
    min_bet_size = 1
    min_bet_payout = 10
    min_bsp_liability = 10

    def __init__(self, transaction_limit=1000):
        self.transaction_limit = transaction_limit


class House:
    """One market, one client, the four built-in controls."""

    def __init__(self, transaction_limit=1000, order=10, selection=100, market=None):
        self.clock = EventClock(7 * 3_600_000)
        self.client = StubClient(transaction_limit)
        self.strategy = StubStrategy(self.clock, order, selection, market)
        definition = SimpleNamespace(runner_statuses={(number, 0): "ACTIVE" for number in (12, 13, 14)})
        self.book = SimpleNamespace(status="OPEN", definition=definition, number_of_winners=1)
        self.market = SimpleNamespace(market_id="1.23", latest_book=self.book, blotter=Blotter("1.23"))
        self.markets = SimpleNamespace(markets={"1.23": self.market})
        self.max_count = MaxOrderCount(self, self.client)
        self.controls = [
            OrderValidation(self),
            MarketValidation(self),
            StrategyExposure(self),
            self.max_count,
        ]

    def order(self, side="BACK", kind=None, selection_id=12):
        trade = Trade("1.23", selection_id, 0, self.strategy)
        order = trade.create_order(side, kind or LimitOrder(3.0, 10.0))
        order.client = self.client
        return order

    def passes(self, order, package_type):
        for control in self.controls:
            refusal = control.check(order, package_type)
            if refusal is not None:
                order.refusal = refusal
                return False
        self.max_count.accept(order, package_type)
        return True

    def place(self, order):
        if not self.passes(order, OrderPackageType.PLACE):
            order.violation(order.refusal.message)
            return False
        order.place(None, None, False)
        self.market.blotter[order.id] = order
        return True

    def answer(self, order):
        """The exchange has placed the order."""
        order.bet_id = order.id
        order.executable()
        self.max_count.add_transaction(1)

    def resting(self, side="BACK", kind=None, selection_id=12):
        order = self.order(side, kind, selection_id)
        order.place(None, None, False)
        self.market.blotter[order.id] = order
        self.answer(order)
        return order

    def replace(self, order, new_price):
        order.update_data["new_price"] = new_price
        passes = self.passes(order, OrderPackageType.REPLACE)
        del order.update_data["new_price"]
        if passes:
            order.replace(new_price)
        return passes


@pytest.fixture
def house():
    return House()


@pytest.fixture(scope="session")
def make_house():
    return House
