"""A market's orders: found by everything, counted once, settled."""

import sys
from functools import partial
from itertools import count
from types import SimpleNamespace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from msgspec import structs

from flumine_core.errors import OrderError
from flumine_core.order.blotter import Blotter
from flumine_core.order.exposure import Prospect, exposures_of
from flumine_core.order.kinds import LimitOnCloseOrder, LimitOrder, MarketOnCloseOrder
from flumine_core.order.report import BetTotals
from flumine_core.order.states import LIVE_STATUS, OrderStatus, TradeStatus


@pytest.fixture
def blotter():
    return Blotter("1.23")


def take(blotter, order, client=None):
    order.client = client
    blotter[order.id] = order
    return order


def test_empty(blotter, strategy, client):
    assert (len(blotter), list(blotter), blotter.active, blotter.has_live_orders) == (0, [], False, False)
    assert blotter.strategy_orders(strategy) == blotter.strategy_selection_orders(strategy, 12) == []
    assert blotter.client_orders(client) == blotter.client_strategy_orders(client, strategy) == []
    assert blotter.strategy_trades(strategy) == []
    assert (blotter.get_trade("x"), blotter.get_order_bet_id("x"), "x" in blotter) == (None, None, False)
    assert not blotter.strategies
    with pytest.raises(KeyError):
        blotter["x"]


def test_look_ups(blotter, make_strategy, client):
    one, two = make_strategy("one"), make_strategy("two")
    first = take(blotter, one.placed(selection_id=1), client)
    second = take(blotter, one.placed(selection_id=2, handicap=1.5), client)
    third = take(blotter, two.placed(selection_id=1))
    assert list(blotter) == [first, second, third] and len(blotter) == 3 and blotter.active
    assert blotter[first.id] is first and first.id in blotter and blotter.has_order(first.id)
    assert blotter.strategy_orders(one) == [first, second]
    assert blotter.strategy_orders(one) is blotter.strategy_orders(one)
    assert blotter.strategy_selection_orders(one, 2, 1.5) == [second]
    assert blotter.strategy_selection_orders(one, 2) == []
    assert blotter.client_orders(client) == [first, second]
    assert blotter.client_strategy_orders(client, two) == []
    assert blotter.client_strategy_orders(None, two) == [third]
    assert list(blotter.strategies) == [one, two]
    assert blotter.get_trade(third.trade.id) is third.trade
    assert blotter.has_trade(first.trade) and not blotter.has_trade(one.trade())
    assert blotter.strategy_trades(one) == [first.trade, second.trade]
    assert blotter.strategy_trades(one, [TradeStatus.COMPLETE]) == []


def test_filters(blotter, strategy, client):
    orders = [take(blotter, strategy.placed(), client) for _ in range(3)]
    orders[0].execution_complete()
    orders[1].apply_totals(BetTotals(2.0, 3.0))
    for found in (
        lambda **filters: blotter.strategy_orders(strategy, **filters),
        lambda **filters: blotter.strategy_selection_orders(strategy, 12, **filters),
        lambda **filters: blotter.client_orders(client, **filters),
        lambda **filters: blotter.client_strategy_orders(client, strategy, **filters),
    ):
        assert found() == orders
        assert found(order_status=[OrderStatus.EXECUTABLE]) == orders[1:]
        assert found(matched_only=True) == orders[1:2]
        assert found(order_status=[OrderStatus.EXECUTION_COMPLETE], matched_only=True) == []


def test_an_order_enters_once(blotter, strategy):
    order = take(blotter, strategy.placed())
    with pytest.raises(OrderError, match=order.id):
        take(blotter, order)
    assert blotter.strategy_orders(strategy) == [order]


def test_iterating_while_orders_come_in(blotter, strategy):
    take(blotter, strategy.placed())
    for _ in blotter:
        take(blotter, strategy.placed())
    assert len(blotter) == 2


def test_by_bet_id(blotter, strategy):
    early = take(blotter, strategy.placed(bet_id="1"))
    late = strategy.order()
    late.place(None, None, False)
    take(blotter, late)
    failed = strategy.order()
    failed.place(None, None, False)
    take(blotter, failed).execution_complete()
    assert blotter.get_order_bet_id("1") is early
    assert blotter.get_order_bet_id("2") is None
    late.bet_id = "2"
    assert blotter.get_order_bet_id("2") is late
    assert blotter.get_order_bet_id(None) is None


def test_completion(blotter, strategy):
    first, second = (take(blotter, strategy.placed()) for _ in range(2))
    first.execution_complete()
    assert list(blotter.live_orders) == [first, second]
    blotter.complete_order(first)
    blotter.complete_order(first)
    blotter.complete_order(strategy.placed())
    assert list(blotter.live_orders) == [second] and blotter.has_live_orders
    assert blotter.is_live(second) and not blotter.is_live(first)
    for order in blotter.live_orders:
        blotter.complete_order(order)
    assert not blotter.has_live_orders


def test_a_late_failure_leaves_an_order_off_but_counted(blotter, strategy):
    order = take(blotter, strategy.placed("BACK", LimitOnCloseOrder(10.0, 3.0)))
    order.replace(4.0)
    order.execution_complete()
    blotter.complete_order(order)
    assert blotter.selection_exposure(strategy, order.lookup) == 0.0
    order.executable()
    assert not blotter.is_live(order)
    assert blotter.selection_exposure(strategy, order.lookup) == 10.0


def test_what_is_matched_of_an_order_that_is_revived_counts_once(blotter, strategy):
    order = take(blotter, strategy.placed("BACK", LimitOrder(3.0, 10.0)))
    order.apply_totals(BetTotals(size_matched=4.0, average_price_matched=3.0))
    order.execution_complete()
    blotter.complete_order(order)
    order.executable()
    assert blotter.get_exposures(strategy, order.lookup) == exposures_of([order])


def calls_of(function):
    calls = []
    sys.setprofile(lambda frame, event, argument: calls.append(event))
    try:
        function()
    finally:
        sys.setprofile(None)
    return len(calls)


def test_an_exposure_beside_many_resting_orders_costs_what_it_costs_beside_few(blotter, strategy):
    """Also where all of them were answered, or asked for something, since the last one was placed."""
    orders = [take(blotter, strategy.placed("LAY", LimitOrder(2.0 + tick / 100, 2.0))) for tick in range(1_000)]
    for order in orders:
        asked = (strategy, order.lookup, order, Prospect(order, 50.0))
        assert calls_of(partial(blotter.get_exposures, *asked)) < 1_000
        order.replace(50.0)
    *rest, order = orders
    assert blotter.get_exposures(*asked) == exposures_of([*rest, asked[-1]])


@pytest.mark.parametrize("bad", [LimitOrder(3.0, "2.0"), MarketOnCloseOrder(None), LimitOrder(3.0, float("inf"))])
def test_an_order_that_cannot_be_counted_spoils_no_sum(blotter, strategy, bad):
    def place(side, kind):
        order = strategy.order(side, kind)
        order.place(None, None, False)
        return take(blotter, order)

    for _ in range(6):
        place("LAY", LimitOrder(3.0, 2.0)).apply_totals(BetTotals(2.0, 3.0))
    spoilt = place("BACK", bad)
    for _ in range(40):
        place("BACK", LimitOrder(3.0, 2.0))
    spoilt.violation("it is no bet")
    blotter.complete_order(spoilt)
    orders = [order for order in blotter if order is not spoilt]
    assert blotter.get_exposures(strategy, spoilt.lookup) == exposures_of(orders)


def test_a_matched_part_that_was_no_number_counts_as_it_is_corrected(blotter, strategy):
    order = take(blotter, strategy.placed("LAY", LimitOrder(3.0, 2.0)))
    order.apply_totals(BetTotals(2.0, float("nan")))
    order.execution_complete()
    blotter.complete_order(order)
    assert blotter.get_exposures(strategy, order.lookup)["worst_possible_profit_on_win"] == -float("inf")
    order.apply_totals(BetTotals(2.0, 3.0))
    assert blotter.get_exposures(strategy, order.lookup) == exposures_of([order])


def closing_book(runners=(), **fields):
    return SimpleNamespace(
        runners=runners,
        definition=SimpleNamespace(
            **{
                "market_type": "WIN",
                "each_way_divisor": None,
                "number_of_winners": 1,
                "runner_statuses": {(1, 0): "WINNER", (2, 0): "LOSER", (3, 0): "REMOVED"},
                **fields,
            }
        ),
    )


def market(**context):
    return SimpleNamespace(context=context)


def settled(blotter, strategy, kind, selection_id, size=10.0, price=3.0, side="BACK"):
    order = take(blotter, strategy.placed(side, kind, selection_id))
    order.apply_totals(BetTotals(size, price))
    return order


def test_settlement(blotter, strategy):
    kind = LimitOrder(3.0, 10.0)
    orders = [settled(blotter, strategy, kind, selection) for selection in (1, 2, 3, 4)]
    statuses = ((1, "WINNER"), (2, "LOSER"), (3, "REMOVED"))
    runners = [SimpleNamespace(selection_id=i, handicap=0, status=s) for i, s in statuses]
    blotter.process_closed_market(market(), closing_book(runners))
    assert [order.profit for order in orders] == [20.0, -10.0, 0.0, 0.0]
    assert [order.runner_status for order in orders] == ["WINNER", "LOSER", "REMOVED", None]
    assert orders[0].status is OrderStatus.EXECUTABLE


def test_a_runner_that_the_last_definition_lacks_is_settled_as_it_was(blotter, strategy):
    kind = LimitOrder(100.5, 10.0, price_ladder_definition="LINE_RANGE")
    line = settled(blotter, strategy, kind, 1, price=100.5)
    order = settled(blotter, strategy, LimitOrder(3.0, 10.0), 2)
    runners = [SimpleNamespace(selection_id=i, handicap=0, status=s) for i, s in ((1, "ACTIVE"), (2, "WINNER"))]
    book = closing_book(runners, runner_statuses={(2, 0): "WINNER"})
    blotter.process_closed_market(market(line_range_result=99.0), book)
    assert (line.runner_status, line.market_type, line.profit) == ("ACTIVE", "WIN", 10.0)
    assert (order.runner_status, order.profit) == ("WINNER", 20.0)


@pytest.mark.parametrize(("number_of_winners", "expected"), [(1, 5.0), (0, 20.0), (2, 20.0), (None, 20.0)])
def test_settlement_of_a_dead_heat(blotter, strategy, number_of_winners, expected):
    order = settled(blotter, strategy, LimitOrder(3.0, 10.0), 1)
    statuses = {(1, 0): "WINNER", (2, 0): "WINNER"}
    book = closing_book(number_of_winners=number_of_winners, runner_statuses=statuses)
    blotter.process_closed_market(market(), book)
    assert order.profit == expected


def test_settlement_of_each_way(blotter, strategy):
    order = settled(blotter, strategy, LimitOrder(5.0, 10.0), 1, price=5.0)
    blotter.process_closed_market(market(), closing_book(market_type="EACH_WAY", each_way_divisor=4))
    assert order.profit == 50.0


@pytest.mark.parametrize(
    ("context", "expected"), [({"line_range_result": 99.0}, 10.0), ({}, 0.0), ({"line_range_result": 0}, 0.0)]
)
def test_settlement_of_a_line(blotter, strategy, context, expected):
    kind = LimitOrder(100.5, 10.0, price_ladder_definition="LINE_RANGE")
    order = settled(blotter, strategy, kind, 1, price=100.5)
    ordinary = settled(blotter, strategy, LimitOrder(3.0, 10.0), 2)
    blotter.process_closed_market(market(**context), closing_book())
    assert (order.profit, ordinary.profit) == (expected, -10.0)
    assert ordinary.line_range_result is None


def test_a_second_closing_settles_again(blotter, strategy):
    order = settled(blotter, strategy, LimitOrder(3.0, 10.0), 1)
    blotter.process_closed_market(market(), closing_book(runner_statuses={(1, 0): "LOSER"}))
    assert order.profit == -10.0
    blotter.process_closed_market(market(), closing_book())
    assert order.profit == 20.0


def test_cleared_orders(blotter, strategy):
    order = settled(blotter, strategy, LimitOrder(3.0, 10.0), 1)
    cleared = [
        SimpleNamespace(customer_order_ref=reference, profit=1.5)
        for reference in (order.customer_order_ref, None, "", "0123456789abc-stranger")
    ]
    assert blotter.process_cleared_orders(SimpleNamespace(orders=cleared)) == [order]
    assert (order.cleared_order, order.profit) == (cleared[0], 1.5)


KINDS = st.one_of(
    st.builds(
        LimitOrder,
        st.integers(101, 2_000).map(lambda value: value / 100),
        st.integers(1, 5_000).map(lambda value: value / 100),
        price_ladder_definition=st.sampled_from(["CLASSIC", "LINE_RANGE"]),
    ),
    st.builds(LimitOnCloseOrder, st.integers(1, 50).map(float), st.just(3.0)),
    st.builds(MarketOnCloseOrder, st.integers(1, 50).map(float)),
)
TOTALS = st.builds(
    BetTotals,
    size_matched=st.integers(0, 2_000).map(lambda value: value / 100),
    average_price_matched=st.integers(101, 3_000).map(lambda value: value / 100),
    size_cancelled=st.integers(0, 500).map(lambda value: value / 100),
    size_voided=st.sampled_from([0.0, 0.0, 0.0, 5.0]),
)


def is_on_a_line(order):
    return getattr(order.order_type, "price_ladder_definition", None) == "LINE_RANGE"


class BlotterLife(RuleBasedStateMachine):
    """Orders come, are matched, asked things, completed, changed after that and revived, in any sequence."""

    @initialize()
    def start(self):
        make = type(self).make_strategy
        self.strategies = [make("one"), make("two")]
        self.blotter = Blotter("1.23")
        self.orders = []
        self.bet_ids = count(1)
        self.off = set()

    @rule(
        which=st.integers(0, 1),
        selection=st.integers(1, 2),
        side=st.sampled_from(["BACK", "LAY"]),
        kind=KINDS,
    )
    def place(self, which, selection, side, kind):
        order = self.strategies[which].order(side, kind, selection)
        order.place(None, None, False)
        take(self.blotter, order)
        self.orders.append(order)

    @rule(which=st.integers(0, 1), selection=st.integers(1, 2), kinds=st.lists(KINDS, min_size=10, max_size=20))
    def place_many(self, which, selection, kinds):
        for index, kind in enumerate(kinds):
            self.place(which, selection, "BACK" if index % 3 else "LAY", kind)

    @rule()
    def answer_all(self):
        for order in self.orders:
            if order.status is OrderStatus.PENDING:
                order.bet_id = str(next(self.bet_ids))
                order.executable()

    def _pick(self, data, statuses):
        found = [order for order in self.orders if order.status in statuses]
        return data.draw(st.sampled_from(found)) if found else None

    @rule(data=st.data())
    def answer(self, data):
        order = self._pick(data, {OrderStatus.PENDING})
        if order is not None:
            if data.draw(st.booleans()):
                order.bet_id = str(next(self.bet_ids))
                order.executable()
            else:
                order.violation("stopped")

    @rule(data=st.data(), totals=TOTALS)
    def match(self, data, totals):
        order = self._pick(data, set(OrderStatus) - {OrderStatus.VIOLATION})
        if order is not None:
            order.apply_totals(totals)

    @rule(data=st.data(), price=st.integers(101, 2_000).map(lambda value: value / 100))
    def reduce(self, data, price):
        order = self._pick(data, set(OrderStatus) - {OrderStatus.VIOLATION})
        if order is not None and isinstance(order.order_type, LimitOrder):
            order.change_kind(structs.replace(order.order_type, price=price))

    @rule(data=st.data(), price=st.integers(101, 2_000).map(lambda value: value / 100))
    def ask(self, data, price):
        order = self._pick(data, {OrderStatus.EXECUTABLE})
        if order is not None and order.bet_id is not None and isinstance(order.order_type, LimitOrder):
            if order.order_type.price != price:
                order.replace(price)
            else:
                order.cancel()

    @rule(data=st.data())
    def complete(self, data):
        order = self._pick(data, LIVE_STATUS)
        if order is not None:
            order.execution_complete()

    @rule(data=st.data())
    def take_off(self, data):
        order = self._pick(data, {OrderStatus.EXECUTION_COMPLETE, OrderStatus.VIOLATION})
        if order is not None:
            self.blotter.complete_order(order)
            self.off.add(order)

    @rule(data=st.data())
    def revive(self, data):
        order = self._pick(data, {OrderStatus.EXECUTION_COMPLETE})
        if order is not None:
            order.executable()

    @precondition(lambda self: self.orders)
    @rule(data=st.data(), price=st.integers(101, 2_000).map(lambda value: value / 100))
    def suppose(self, data, price):
        order = data.draw(st.sampled_from(self.orders))
        others = self.blotter.strategy_selection_orders(order.trade.strategy, order.selection_id)
        rest = [other for other in others if other is not order]
        prospect = Prospect(order, price)
        strategy = order.trade.strategy
        outside = self._outside(strategy, order.selection_id)
        for outsider, hand in ((None, []), (self.blotter.outsider, outside)):
            self.blotter.outsider = outsider
            without = self.blotter.get_exposures(strategy, order.lookup, order)
            found = self.blotter.get_exposures(strategy, order.lookup, order, prospect)
            assert without == exposures_of([*rest, *hand])
            assert found == exposures_of([*rest, *hand, prospect])
            for side, end in (("BACK", "lose"), ("LAY", "win")):
                worst = self.blotter.worst_profit(strategy, order.lookup, side, order, prospect)
                whole = found[f"worst_possible_profit_on_{end}"]
                # between lines it is only what the order makes worse
                assert worst >= whole if any(map(is_on_a_line, [order, *rest, *hand])) else worst == whole
        self.blotter.outsider = None

    def _outside(self, strategy, selection):
        """Let bets of another strategy count as placed by hand, and return those on a selection."""
        self.blotter.outsider = next(other for other in self.strategies if other is not strategy)
        return [
            order
            for order in self.orders
            if order.trade.strategy is self.blotter.outsider and order.selection_id == selection
        ]

    @invariant()
    def running_sums_equal_a_full_recomputation(self):
        if not hasattr(self, "orders"):
            return
        for strategy in self.strategies:
            for selection in (1, 2):
                mine = [
                    order
                    for order in self.orders
                    if order.trade.strategy is strategy and order.selection_id == selection
                ]
                assert self.blotter.strategy_selection_orders(strategy, selection) == mine
                assert self.blotter.get_exposures(strategy, ("1.23", selection, 0)) == exposures_of(mine)
                outside = self._outside(strategy, selection)
                assert self.blotter.get_exposures(strategy, ("1.23", selection, 0)) == exposures_of([*mine, *outside])
                self.blotter.outsider = None
        assert set(self.blotter.live_orders) == set(self.orders) - self.off
        for order in self.orders:
            if order.bet_id is not None:
                assert self.blotter.get_order_bet_id(order.bet_id) is order


def test_any_life(make_strategy):
    machine = type("Life", (BlotterLife,), {"make_strategy": make_strategy})
    run_state_machine_as_test(machine, settings=settings(max_examples=60, stateful_step_count=40))


def test_a_replacement_is_listed_where_it_was_placed_and_nowhere_once_refused(strategy):
    blotter = Blotter("1.23")
    first, second, replacement, refused = (strategy.placed() for _ in range(4))
    for order in (first, replacement, refused, second):
        blotter[order.id] = order
    blotter.enter_last(replacement)
    refused.execution_complete()
    blotter.forget(refused)
    expected = [first, second, replacement]
    assert list(blotter) == expected
    assert blotter.strategy_orders(strategy) == expected
    assert blotter.strategy_selection_orders(strategy, first.selection_id) == expected
    assert list(blotter.live_orders) == expected
