"""Worst cases, against brute force and against exact arithmetic."""

from fractions import Fraction
from itertools import combinations, product
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flumine_core.order.blotter import Blotter
from flumine_core.order.exposure import (
    Prospect,
    calculate_matched_exposure,
    calculate_unmatched_exposure,
    exposures_of,
    order_exposure,
    worst_market_profit,
)
from flumine_core.order.kinds import LimitOnCloseOrder, LimitOrder, MarketOnCloseOrder
from flumine_core.order.report import BetTotals
from flumine_core.order.states import OrderStatus

LINE = SimpleNamespace(min_unit_value=0.5, max_unit_value=400.5, interval=1.0)
hundredths = st.integers(1, 5_000).map(lambda value: value / 100)
odds = st.integers(101, 5_000).map(lambda value: value / 100)
sides = st.sampled_from(["BACK", "LAY"])
WIN, LOSE = "worst_possible_profit_on_win", "worst_possible_profit_on_lose"


def limit(strategy, side, price, size, matched=0.0, average=0.0, ladder="CLASSIC"):
    order = strategy.placed(side, LimitOrder(price, size, price_ladder_definition=ladder, line_range_info=LINE))
    order.apply_totals(BetTotals(matched, average))
    return order


def profits(exposures):
    return exposures[WIN], exposures[LOSE]


def test_of_an_order_that_was_never_placed_counts_what_remains(strategy):
    order = strategy.order("LAY", LimitOrder(3.0, 10.0))
    order.apply_totals(BetTotals(size_cancelled=4.0))
    assert order.status is None
    assert profits(exposures_of([order])) == (-12.0, 0.0)


@pytest.mark.parametrize(
    ("side", "kind", "expected"),
    [
        ("BACK", LimitOrder(3.0, 10.0), (0.0, -10.0)),
        ("LAY", LimitOrder(3.0, 10.0), (-20.0, 0.0)),
        ("LAY", LimitOrder(180.5, 10.0, price_ladder_definition="LINE_RANGE"), (-10.0, 0.0)),
        ("BACK", LimitOrder(180.5, 10.0, price_ladder_definition="LINE_RANGE"), (0.0, -10.0)),
        ("BACK", LimitOrder(3.0, None, bet_target_size=4.0), (0.0, -4.0)),
        ("BACK", LimitOnCloseOrder(10.0, 3.0), (0.0, -10.0)),
        ("LAY", LimitOnCloseOrder(10.0, 3.0), (-10.0, 0.0)),
        ("BACK", MarketOnCloseOrder(10.0), (0.0, -10.0)),
        ("LAY", MarketOnCloseOrder(10.0), (-10.0, 0.0)),
    ],
)
def test_one_order_counts_from_its_acceptance(strategy, side, kind, expected):
    order = strategy.order(side, kind)
    assert profits(exposures_of([order])) == expected
    order.place(None, None, False)
    assert order.status is OrderStatus.PENDING
    assert profits(exposures_of([order])) == expected
    order.violation("no")
    assert profits(exposures_of([order])) == (0.0, 0.0)


def test_matched_and_remaining_parts(strategy):
    exposures = exposures_of([limit(strategy, "LAY", 3.0, 10.0, 4.0, 2.5)])
    assert exposures == {
        "matched_profit_if_win": -6.0,
        "matched_profit_if_lose": 4.0,
        "worst_potential_unmatched_profit_if_win": -12.0,
        "worst_potential_unmatched_profit_if_lose": 0.0,
        WIN: -18.0,
        LOSE: 4.0,
    }


def test_only_the_matched_part_of_a_complete_order_counts(strategy):
    order = limit(strategy, "BACK", 3.0, 10.0, 4.0, 3.5)
    order.execution_complete()
    assert profits(exposures_of([order])) == (10.0, -4.0)


@pytest.mark.parametrize(
    ("side", "live", "done"), [("BACK", (0.0, -10.0), (5.0, -2.0)), ("LAY", (-10.0, 0.0), (-5.0, 2.0))]
)
@pytest.mark.parametrize("kind", [LimitOnCloseOrder(10.0, 3.0), MarketOnCloseOrder(10.0)])
def test_starting_price_orders_count_in_full_until_they_are_complete(strategy, kind, side, live, done):
    order = strategy.placed(side, kind)
    order.apply_totals(BetTotals(2.0, 3.5))
    assert profits(exposures_of([order])) == live
    order.execution_complete()
    assert profits(exposures_of([order])) == done


def test_what_was_voided_cannot_be_lost(strategy):
    order = strategy.placed("BACK", MarketOnCloseOrder(10.0))
    order.apply_totals(BetTotals(size_voided=10.0))
    assert profits(exposures_of([order])) == (0.0, 0.0)


def test_less_than_nothing_remaining_is_nothing(strategy):
    order = strategy.placed("LAY", LimitOrder(3.0, 5.0))
    order.apply_totals(BetTotals(size_cancelled=2.0, size_voided=5.0))
    assert order.size_remaining == -2.0
    assert profits(exposures_of([order])) == (0.0, 0.0)


@pytest.mark.parametrize(("new_price", "expected"), [(4.0, -30.0), (2.0, -20.0)])
def test_under_replacement_the_worse_price_counts(strategy, new_price, expected):
    order = strategy.placed("LAY", LimitOrder(3.0, 10.0))
    order.replace(new_price)
    assert profits(exposures_of([order])) == (expected, 0.0)
    order.executable()
    assert profits(exposures_of([order])) == (-20.0, 0.0)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
@pytest.mark.parametrize("kind", [lambda bad: LimitOrder(3.0, bad), lambda bad: MarketOnCloseOrder(bad)])
def test_what_is_no_number_is_unbounded(strategy, bad, kind):
    assert profits(exposures_of([strategy.order("BACK", kind(bad))])) == (0.0, -float("inf"))


def test_prospect(strategy):
    order = limit(strategy, "LAY", 3.0, 10.0, 4.0, 2.5)
    exposures = exposures_of([Prospect(order, 5.0)])
    assert profits(exposures) == (-6.0 - 24.0, 4.0)
    assert profits(exposures_of([Prospect(strategy.placed("LAY", MarketOnCloseOrder(9.0)), 5.0)])) == (
        -9.0,
        0.0,
    )


@pytest.mark.parametrize(
    ("side", "kind", "new_price", "expected"),
    [
        ("BACK", LimitOrder(3.0, 10.0), None, 10.0),
        ("LAY", LimitOrder(3.0, 10.0), None, 20.0),
        ("LAY", LimitOrder(2.1, 10.0), None, 11.0),
        ("LAY", LimitOrder(90.5, 10.0, price_ladder_definition="LINE_RANGE"), None, 10.0),
        ("LAY", LimitOnCloseOrder(7.0, 3.0), None, 7.0),
        ("BACK", MarketOnCloseOrder(7.0), None, 7.0),
        ("LAY", LimitOrder(3.0, 10.0), 4.0, 18.0),
        ("BACK", LimitOrder(3.0, 10.0), 4.0, 6.0),
        ("LAY", LimitOnCloseOrder(7.0, 3.0), 4.0, 7.0),
    ],
)
def test_order_exposure(strategy, side, kind, new_price, expected):
    order = strategy.order(side, kind)
    order.apply_totals(BetTotals(4.0, 2.9))
    assert order_exposure(order, new_price) == expected


@given(st.lists(st.tuples(sides, odds, hundredths, st.booleans()), max_size=7))
def test_worst_case_is_the_worst_of_all_fills(make_strategy, bets):
    strategy = make_strategy()
    orders = []
    for side, price, size, is_matched in bets:
        order = limit(strategy, side, price, size, *((size, price) if is_matched else ()))
        if is_matched:
            order.execution_complete()
        orders.append(order)
    outcomes = []
    free = [index for index, bet in enumerate(bets) if not bet[3]]
    for filled in product([False, True], repeat=len(free)):
        chosen = {index for index, is_filled in zip(free, filled, strict=True) if is_filled}
        win = lose = Fraction(0)
        for index, (side, price, size, is_matched) in enumerate(bets):
            if is_matched or index in chosen:
                sign = 1 if side == "BACK" else -1
                win += sign * (Fraction(str(price)) - 1) * Fraction(str(size))
                lose -= sign * Fraction(str(size))
        outcomes.append((win, lose))
    exposures = exposures_of(orders)
    assert exposures[WIN] == pytest.approx(float(min(win for win, _ in outcomes)), abs=0.011)
    assert exposures[LOSE] == pytest.approx(float(min(lose for _, lose in outcomes)), abs=0.011)


@given(st.lists(st.tuples(odds, hundredths)), st.lists(st.tuples(odds, hundredths)))
def test_pure_functions_agree_with_the_sums(make_strategy, backs, lays):
    strategy = make_strategy()
    done = [limit(strategy, side, p, s, s, p) for side, bets in (("BACK", backs), ("LAY", lays)) for p, s in bets]
    for order in done:
        order.execution_complete()
    exposures = exposures_of(done)
    expected = calculate_matched_exposure(backs, lays)
    found = (exposures["matched_profit_if_win"], exposures["matched_profit_if_lose"])
    assert found == pytest.approx(expected, abs=0.011)

    resting = [limit(strategy, side, p, s) for side, bets in (("BACK", backs), ("LAY", lays)) for p, s in bets]
    assert profits(exposures_of(resting)) == pytest.approx(calculate_unmatched_exposure(backs, lays), abs=0.011)


@given(st.permutations([(3.05, 2.35), (2.02, 7.77), (1.01, 0.13), (9.4, 3.33), (5.5, 1.01)]))
def test_sums_do_not_depend_on_the_order_of_adding(make_strategy, bets):
    strategy = make_strategy()
    assert exposures_of([limit(strategy, "LAY", p, s, s, p) for p, s in bets]) == exposures_of(
        [limit(strategy, "LAY", p, s, s, p) for p, s in sorted(bets)]
    )


whole = st.integers(-50, 50).map(float)


@given(st.lists(st.tuples(whole, whole), max_size=5), st.integers(0, 4), st.integers(1, 3))
def test_market_worst_case_is_the_worst_of_all_results(positions, idle, winners):
    runners = positions + [(0.0, 0.0)] * idle
    if len(runners) < winners:
        return
    expected = min(
        sum(win if index in chosen else lose for index, (win, lose) in enumerate(runners))
        for chosen in map(set, combinations(range(len(runners)), winners))
    )
    exposures = [{WIN: win, LOSE: lose} for win, lose in positions]
    assert worst_market_profit(exposures, idle, winners) == expected


@given(st.lists(st.tuples(whole, whole), max_size=5), st.sampled_from([0, None]))
def test_where_any_number_may_win(positions, winners):
    exposures = [{WIN: win, LOSE: lose} for win, lose in positions]
    assert worst_market_profit(exposures, 9, winners) == sum(min(win, lose) for win, lose in positions)


def test_worked_example(strategy):
    blotter = Blotter("1.23")
    for selection, side, price, size, is_matched in [
        (1, "BACK", 3.0, 10.0, True),
        (1, "LAY", 2.0, 4.0, False),
        (2, "LAY", 3.1, 5.0, True),
    ]:
        order = strategy.placed(side, LimitOrder(price, size), selection)
        if is_matched:
            order.apply_totals(BetTotals(size, price))
        blotter[order.id] = order
    statuses = {(number, 0): "ACTIVE" for number in (1, 2, 3)}
    book = SimpleNamespace(definition=SimpleNamespace(runner_statuses=statuses), number_of_winners=1)
    assert profits(blotter.get_exposures(strategy, ("1.23", 1, 0))) == (16.0, -10.0)
    assert profits(blotter.get_exposures(strategy, ("1.23", 2, 0))) == (-10.5, 5.0)
    assert blotter.market_exposure(strategy, book) == -20.5
    assert blotter.selection_exposure(strategy, ("1.23", 1, 0)) == 10.0
    assert blotter.selection_exposure(strategy, ("1.23", 3, 0)) == 0.0


line_bets = st.lists(
    st.tuples(
        sides,
        st.integers(1, 8).map(lambda value: value + 0.5),
        st.integers(0, 20),
        st.integers(0, 20),
        st.sampled_from(["complete", "live", 2.5, 7.5]),  # or being replaced, at this line
    ).filter(lambda bet: bet[2] + bet[3] > 0),
    max_size=8,
)


@given(bets=line_bets)
def test_worst_on_a_line_is_the_worst_of_all_results(make_strategy, bets):
    strategy = make_strategy()
    blotter = Blotter("1.23")
    orders = []
    for side, line, matched, remaining, state in bets:
        order = limit(strategy, side, line, float(matched + remaining), float(matched), line, "LINE_RANGE")
        blotter[order.id] = order
        unmatched = line
        if state == "complete":
            order.execution_complete()
            blotter.complete_order(order)
            remaining = 0
        elif state != "live":
            order.replacing()
            order.update_data["new_price"] = state
            unmatched = min(line, state) if side == "BACK" else max(line, state)
        orders.append((side, line, matched, unmatched, remaining))

    def is_won(side, line, result):
        return result < line if side == "BACK" else result > line

    def worst(result):
        total = 0.0
        for side, line, matched, unmatched, remaining in orders:
            total += matched if is_won(side, line, result) else -matched
            total -= 0 if is_won(side, unmatched, result) else remaining
        return total

    expected = min(worst(result) for result in range(12))
    found = blotter.get_exposures(strategy, ("1.23", 12, 0))
    assert min(profits(found)) == expected
    assert min(blotter.worst_profit(strategy, ("1.23", 12, 0), side) for side in ("BACK", "LAY")) == expected
