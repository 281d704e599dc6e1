"""Bets that are adopted count as their market settles them, though a bet does not say what its price means."""

from typing import Any

import pytest

from flumine_core import BaseStrategy, LimitOrder, Trade
from flumine_core.order.report import AdoptReport, BetTotals
from flumine_core.testing.market import MarketScript
from flumine_core.testing.run import run


class Adopts(BaseStrategy):
    """Adopts a lay at the first book, and keeps what it may lose at each."""

    def __init__(self, price: float) -> None:
        super().__init__()
        self.price = price
        self.order: Any = None
        self.at_risk: list[float] = []

    def check_market_book(self, market: Any, market_book: Any) -> bool:
        if self.order is None:
            self.order = Trade(market.market_id, 1, 0, self).create_order("LAY", LimitOrder(self.price, 10.0))
            self.order.client = market.flumine.clients.get_default()
            market.flumine.take_report(AdoptReport(self.order, BetTotals(4.0, self.price), "1", 1))
        self.at_risk.append(market.blotter.selection_exposure(self, self.order.lookup))
        return False


@pytest.mark.parametrize("price", [0.5, 1.5, 180.5])
@pytest.mark.parametrize("is_known", [True, False])
def test_a_bet_on_a_line_counts_at_evens(price: float, is_known: bool) -> None:
    script = MarketScript(definition={"bettingType": "LINE"} if is_known else {}).runners(1)
    strategy = Adopts(price)
    run(strategy, script.define(bettingType="LINE").traded(1, 1.5, 1))
    assert strategy.at_risk[-1] == 10.0
    assert strategy.order.order_type.price_ladder_definition == "LINE_RANGE"


def test_a_bet_at_odds_counts_at_its_price() -> None:
    strategy = Adopts(1.5)
    run(strategy, MarketScript().runners(2).traded(1, 1.5, 1))
    assert strategy.at_risk == [5.0] * len(strategy.at_risk)


def test_a_market_that_an_adopted_bet_has_brought_is_one_of_its_event() -> None:
    class Looks(BaseStrategy):
        def start(self, flumine: Any) -> None:
            flumine._add_live_market("1.200000001", None)  # as with a bet of a market that has had no book yet
            self.seen: list[Any] = []

        def check_market_book(self, market: Any, market_book: Any) -> bool:
            self.seen.append((market.market_id, market in market.flumine.markets.events[market.event_id]))
            return False

    strategy = Looks()
    run(strategy, MarketScript(market_id="1.200000001", definition={"eventId": "77"}).runners(2).traded(1, 1.5, 1))
    assert set(strategy.seen) == {("1.200000001", True)}
