"""A script on the local exchange: the same strategy and market, over the real wire."""

from typing import Any

import pytest

from flumine_core import Flumine, Settings
from flumine_core.live.client import betfair_client
from flumine_core.testing.run import Only


def test_a_script_is_traded_over_the_wire(local_exchange: Any, market: Any, place: Any) -> None:
    class Once(place):  # type: ignore[misc]
        def start(self, flumine: Any) -> None:
            self.flumine = flumine

        def process_closed_market(self, market: Any, market_book: Any) -> None:
            self.flumine.stop()

    script = market().back(1, 2.0, 100).wait(20)
    for size in range(90, 100):
        script = script.back(1, 2.0, size).wait(10)
    exchange = local_exchange(script.suspend().win(1), speed=20)
    client = betfair_client(exchange=str(exchange.file))
    framework = Flumine(client, Settings(journal=""), plugins=Only())  # type: ignore[arg-type]
    framework.add_strategy(Once(("BACK", 2.0, 5.0), market_filter={}))
    framework.run()
    (order,) = (order for market in framework.markets for order in market.blotter)
    assert order.size_matched == pytest.approx(5.0)
    assert len(exchange.ledger.bets()) == 1
