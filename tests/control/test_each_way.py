"""In an each-way market a bet is two bets, and both count against the limits."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flumine_core import BaseStrategy, LimitOrder, Trade
from flumine_core.order.exposure import order_exposure
from flumine_core.order.settlement import settle_each_way
from flumine_core.testing.market import MarketScript
from flumine_core.testing.run import run

LADDER = MarketScript(definition={"marketType": "EACH_WAY", "eachWayDivisor": 4.0}).runners(6)
SCRIPT = LADDER.ladder(1, back=[(5.0, 100)], lay=[(5.5, 100)])


class Asks(BaseStrategy):
    """Places orders of (side, price, size) on the first book, and asks for the worst outcomes."""

    def __init__(self, *terms: tuple[str, float, float], **limits: Any) -> None:
        super().__init__(max_live_trade_count=100, **limits)
        self.terms = terms
        self.orders: list[Any] = []
        self.verdicts: list[bool] = []
        self.worst: list[tuple[float, float, float]] = []
        self.replaced: bool | None = None

    def check_market_book(self, market: Any, market_book: Any) -> bool:
        return bool(market_book.runners[0].ex.available_to_back)

    def process_market_book(self, market: Any, market_book: Any) -> None:
        if not self.orders:
            for side, price, size in self.terms:
                order = Trade(market.market_id, 1, 0, self).create_order(side, LimitOrder(price, size))
                self.orders.append(order)
                self.verdicts.append(market.place_order(order))
        exposures = market.blotter.get_exposures(self, (market.market_id, 1, 0))
        self.worst.append(
            (
                exposures["worst_possible_profit_on_win"],
                exposures["worst_possible_profit_on_lose"],
                market.blotter.market_exposure(self, market_book),
            )
        )


@pytest.mark.parametrize(
    ("side", "size", "passes"), [("BACK", 5.0, True), ("BACK", 5.01, False), ("LAY", 2.0, True), ("LAY", 2.01, False)]
)
@pytest.mark.parametrize("limit", ["max_order_exposure", "max_selection_exposure", "max_market_exposure"])
def test_both_bets_count_against_each_limit(limit: str, side: str, size: float, passes: bool) -> None:
    limits = {"max_order_exposure": None, "max_selection_exposure": None, "max_market_exposure": None, limit: 10}
    strategy = Asks((side, 5.0, size), **limits)
    run(strategy, SCRIPT)
    assert strategy.verdicts == [passes]


def test_what_is_matched_and_what_is_not() -> None:
    strategy = Asks(("BACK", 5.0, 10.0), ("LAY", 3.0, 2.0), max_order_exposure=None)
    run(strategy, SCRIPT.traded(2, 3.0, 1))
    assert strategy.worst[-1] == (45.0, -20.0, -20.0)


def test_no_outcome_is_worse_than_what_counts() -> None:
    for status, expected in (("WINNER", -50.0), ("LOSER", 20.0)):
        assert settle_each_way("LAY", 10.0, 5.0, 4.0, status) == expected
    strategy = Asks(("LAY", 5.5, 10.0), max_order_exposure=None)
    run(strategy, SCRIPT.traded(2, 3.0, 1))
    assert strategy.worst[-1][0] == pytest.approx(settle_each_way("LAY", 10.0, 5.5, 4.0, "WINNER"), abs=0.01)


bets = st.tuples(st.sampled_from(["BACK", "LAY"]), st.integers(101, 5_000), st.integers(1, 1_000))


@given(st.lists(bets, min_size=1, max_size=6), st.sampled_from([1.0, 2.0, 4.0, 5.0]))
def test_a_place_is_never_worse_than_the_worse_of_win_and_loss(terms: list[Any], divisor: float) -> None:
    profits = {
        status: sum(settle_each_way(side, size / 100, price / 100, divisor, status) for side, price, size in terms)
        for status in ("WINNER", "PLACED", "LOSER")
    }
    assert profits["PLACED"] >= min(profits["WINNER"], profits["LOSER"], 0) - 0.1


@pytest.mark.parametrize(("side", "price", "expected"), [("BACK", None, 20.0), ("LAY", None, 50.0), ("LAY", 3.0, 25.0)])
def test_one_order_by_itself(side: str, price: float | None, expected: float) -> None:
    strategy = Asks()
    order = Trade("1.1", 1, 0, strategy).create_order(side, LimitOrder(5.0, 10.0))
    assert order_exposure(order, price, 4.0) == expected


def test_a_place_that_is_worse_than_win_and_loss_counts() -> None:
    """Backed at 5 and laid at 2: 25 if it wins, 20 if it loses, and 15 if it is placed."""
    hedge: list[Any] = []

    class Hedges(Asks):
        def process_market_book(self, market: Any, market_book: Any) -> None:
            super().process_market_book(market, market_book)
            if not hedge and market_book.runners[0].ex.available_to_lay[0].price == 2.0:
                trade = Trade(market.market_id, 1, 0, self)
                hedge.append(trade.create_order("LAY", LimitOrder(2.0, 20.0)))
                market.place_order(hedge[0])

    strategy = Hedges(("BACK", 5.0, 10.0), max_order_exposure=None)
    script = SCRIPT.ladder(1, back=[(5.0, 101)]).ladder(1, back=[(5.0, 0), (1.9, 100)], lay=[(2.0, 100), (5.5, 0)])
    run(strategy, script.ladder(1, back=[(1.9, 101)]).ladder(1, back=[(1.9, 102)]))
    assert hedge[0].size_matched == 20.0
    assert strategy.worst[-1] == (25.0, 20.0, 15.0)


def test_all_lays_may_be_paid() -> None:
    """One runner wins and others are placed, nobody says how many: each lay counts as if it were the winner's."""

    class Lays(Asks):
        def process_market_book(self, market: Any, market_book: Any) -> None:
            if not self.orders:
                for selection_id in (1, 2, 3):
                    order = Trade(market.market_id, selection_id, 0, self).create_order("LAY", LimitOrder(9.0, 1.0))
                    self.orders.append(order)
                    self.verdicts.append(market.place_order(order))

    strategy = Lays(max_market_exposure=20)
    run(strategy, SCRIPT)
    assert strategy.verdicts == [True, True, False]
