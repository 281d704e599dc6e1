"""A market that two streams bring is one market: what is traded there is offered once."""

from typing import Any

import pytest

from flumine_core import BaseStrategy, FlumineSimulation, HistoricalStream, LimitOrder, Settings, SimulatedClient, Trade
from flumine_core.testing.market import MarketScript


class Backs(BaseStrategy):
    """Backs runner 1 at the first book."""

    order: Any = None

    def check_market_book(self, market: Any, market_book: Any) -> bool:
        return self.order is None

    def process_market_book(self, market: Any, market_book: Any) -> None:
        self.order = Trade(market.market_id, 1, 0, self).create_order("BACK", LimitOrder(3.0, 9.0, "PERSIST"))
        market.place_order(self.order)


@pytest.mark.parametrize("streams", [1, 2, 3])
def test_volume_is_offered_once(streams: int, plugins: Any, tmp_path: Any) -> None:
    script = MarketScript().runners(2).traded(2, 2.0, 5).traded(1, 3.0, 4).traded(1, 3.0, 4).suspend().open()
    path = str(script.traded(1, 3.0, 2).write(tmp_path / script.market_id))
    framework = FlumineSimulation(SimulatedClient(), Settings(), plugins())
    strategies = [Backs(name="backs"), BaseStrategy(name="looks"), BaseStrategy(name="looks on")][:streams]
    for number, strategy in enumerate(strategies):
        strategy.streams = [HistoricalStream(path, {"max_inplay_seconds": number + 1}, event_processing=True)]
        framework.add_strategy(strategy)
    framework.run()
    assert not framework.stream_errors
    assert strategies[0].order.size_matched == 5.0
