"""On a market of lines two bets at different lines can both lose, and prices are not odds."""

from types import SimpleNamespace
from typing import Any

import pytest

from flumine_core import BaseStrategy, LimitOrder, Trade
from flumine_core.testing.market import MarketScript
from flumine_core.testing.run import run

LINE = SimpleNamespace(min_unit_value=0.5, max_unit_value=100.5, interval=1.0)
DEFINITION = {"bettingType": "LINE", "lineMinUnit": 0.5, "lineMaxUnit": 100.5, "lineInterval": 1.0}


class Asks(BaseStrategy):
    """Places an order of (side, line) of 10 pounds with each book."""

    def __init__(self, *terms: tuple[str, float], ladder: str = "LINE_RANGE", **limits: Any) -> None:
        super().__init__(max_live_trade_count=100, **limits)
        self.terms = list(terms)
        self.ladder = ladder
        self.verdicts: list[str] = []

    def check_market_book(self, market: Any, market_book: Any) -> bool:
        return bool(self.terms and market_book.status == "OPEN" and market_book.runners[0].ex.available_to_back)

    def process_market_book(self, market: Any, market_book: Any) -> None:
        side, line = self.terms.pop(0)
        kind = LimitOrder(line, 10.0, price_ladder_definition=self.ladder, line_range_info=LINE)
        order = Trade(market.market_id, 1, 0, self).create_order(side, kind)
        self.verdicts.append("" if market.place_order(order) else order.refusal.control)


def asked(strategy: Asks, **definition: Any) -> list[str]:
    script = MarketScript(definition=DEFINITION | definition).runners(1).back(1, 20.5, 1000).lay(1, 30.5, 1000)
    for size in range(8):
        script = script.traded(1, 25.5, 1.0 + size)
    run(strategy, script)
    return strategy.verdicts


@pytest.mark.parametrize("limit", ["max_selection_exposure", "max_market_exposure"])
def test_results_between_two_lines_count(limit: str) -> None:
    terms = ("BACK", 20.5), ("LAY", 30.5), ("LAY", 20.5), ("LAY", 20.5), ("LAY", 20.5)
    limits = {"max_order_exposure": None, "max_selection_exposure": None, "max_market_exposure": None, limit: 10}
    # the second could lose together with the first; the third closes the first, the fourth is one of the other way
    assert asked(Asks(*terms, **limits)) == ["", "StrategyExposure", "", "", "StrategyExposure"]


@pytest.mark.parametrize(
    ("betting_type", "ladder", "price", "verdict"),
    [
        ("LINE", "CLASSIC", 1.5, "MarketValidation"),
        ("ODDS", "LINE_RANGE", 20.5, "MarketValidation"),
        ("ODDS", "CLASSIC", 1.5, ""),
    ],
)
def test_prices_of_another_kind_of_market_are_refused(
    betting_type: str, ladder: str, price: float, verdict: str
) -> None:
    assert asked(Asks(("BACK", price), ladder=ladder), bettingType=betting_type) == [verdict]


def test_asian_handicaps_count_as_if_each_could_win() -> None:
    strategy = Asks(("LAY", 2.0), ("LAY", 2.0), ladder="CLASSIC", max_market_exposure=10, max_selection_exposure=None)
    assert asked(strategy, bettingType="ASIAN_HANDICAP_DOUBLE_LINE", numberOfWinners=1) == ["", "StrategyExposure"]
