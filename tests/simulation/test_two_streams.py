"""A market that two streams bring is one market: what is traded there is offered once."""

from typing import Any

import pytest

from flumine_core import (
    BaseStrategy,
    FlumineSimulation,
    HistoricalStream,
    LimitOrder,
    OrderStatus,
    Settings,
    SimulatedClient,
    Trade,
)
from flumine_core.book.cache import MarketBookCache
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


def test_a_bet_rests_where_another_stream_brings_its_market_again(plugins: Any, tmp_path: Any) -> None:
    script = MarketScript().runners(2).traded(2, 2.0, 5).inplay().traded(1, 3.0, 4).traded(1, 3.0, 40)
    path = str(script.win(1).write(tmp_path / script.market_id))
    framework = FlumineSimulation(SimulatedClient(), Settings(), plugins())
    before, after = Backs(name="before"), BaseStrategy(name="after")
    for strategy, is_in_play in ((before, False), (after, True)):
        strategy.streams = [HistoricalStream(path, {"inplay": is_in_play})]
        framework.add_strategy(strategy)
    framework.run()
    assert not framework.stream_errors
    assert (before.order.size_matched, before.order.status) == (9.0, OrderStatus.EXECUTION_COMPLETE)
    assert before.order.profit == 18.0


class Streams:
    """One market as two streams bring it, each with its own cache and at its own pace."""

    def __init__(self, house: Any, *stream_ids: int) -> None:
        self.house = house
        self.caches = {stream_id: MarketBookCache("1.23", stream_id) for stream_id in stream_ids}

    def book(self, stream_id: int, ms: int, prices: dict[int, dict[str, Any]] | None = None, **change: Any) -> Any:
        """Deliver a book of one stream; its first one is an image."""
        cache = self.caches[stream_id]
        return self.house.deliver(cache.update(self.house.change(prices, img=cache.book is None, **change), ms))


@pytest.fixture
def streams(house: Any) -> Streams:
    made = Streams(house, 1, 2, 3)
    for stream_id in (1, 2, 3):
        made.book(stream_id, stream_id, {1: {"trd": [[3.0, 10.0]], "atb": [[2.5, 50.0]], "atl": [[4.0, 50.0]]}})
    return made


def rest(streams: Streams, size: float = 90.0) -> Any:
    """Return a back at 3.0 that rests with nothing before it."""
    order = streams.house.place("BACK", LimitOrder(3.0, size, "PERSIST"))
    streams.book(1, 1_000)
    assert order.bet_id is not None
    return order


def test_a_conflated_stream_brings_the_same_volume_again_and_later(streams: Streams) -> None:
    order = rest(streams)
    streams.book(1, 1_100, {1: {"trd": [[3.0, 14.0]]}})
    streams.book(1, 1_200, {1: {"trd": [[3.0, 18.0]]}})
    assert order.size_matched == 4.0
    streams.book(2, 2_000, {1: {"trd": [[3.0, 18.0]]}})
    assert order.size_matched == 4.0
    streams.book(2, 3_000, {1: {"trd": [[3.0, 20.0]]}})
    assert order.size_matched == 5.0
    streams.book(1, 3_100, {1: {"trd": [[3.0, 22.0]]}})
    assert order.size_matched == 6.0
    streams.book(1, 3_200, {1: {"trd": [[3.0, 24.0]]}})
    assert order.size_matched == 7.0


def test_what_came_late_is_known_when_its_stream_is_the_first_again(streams: Streams) -> None:
    order = rest(streams)
    streams.book(1, 1_100, {1: {"trd": [[3.0, 18.0]]}})
    streams.book(2, 1_050, {1: {"trd": [[3.0, 14.0]]}})
    streams.book(2, 1_200, {1: {"trd": [[3.0, 18.0]]}})
    assert order.size_matched == 4.0


def test_a_stream_without_traded_volume_hides_nothing(streams: Streams) -> None:
    order = rest(streams)
    streams.caches[3] = MarketBookCache("1.23", 3)
    streams.book(1, 1_100, {1: {"trd": [[3.0, 18.0]]}})
    streams.book(3, 1_200, {1: {"atb": [[2.5, 50.0]]}})
    assert order.size_matched == 4.0
    streams.book(2, 2_000, {1: {"trd": [[3.0, 18.0]]}})
    assert order.size_matched == 4.0
    streams.book(3, 2_100, {1: {"atb": [[2.5, 51.0]]}})
    streams.book(1, 2_200, {1: {"trd": [[3.0, 20.0]]}})
    assert order.size_matched == 5.0


def test_an_order_is_matched_against_the_newest_book_not_the_latest_to_come(streams: Streams) -> None:
    streams.book(1, 1_000, {1: {"atb": [[2.5, 0.0], [2.8, 50.0]]}})
    order = streams.house.place("BACK", LimitOrder(2.0, 9.0))
    streams.book(2, 900, {1: {"atb": [[2.4, 50.0]]}})
    streams.book(2, 950, {1: {"atb": [[2.4, 51.0]]}})
    streams.book(1, 2_000, {1: {"atb": [[2.9, 51.0]]}})
    assert (order.size_matched, order.average_price_matched) == (9.0, 2.8)
    late = streams.house.place("BACK", LimitOrder(2.0, 9.0))
    streams.book(1, 3_000)
    assert (late.size_matched, late.average_price_matched) == (9.0, 2.9)


def test_volume_that_no_other_stream_could_tell_of_counts_as_its_own_stream_has_it(house: Any) -> None:
    streams = Streams(house, 1, 3)
    streams.book(3, 5, {1: {"atb": [[2.5, 50.0]], "atl": [[4.0, 50.0]]}})
    streams.book(1, 4, {1: {"trd": [[3.0, 10.0]], "atb": [[2.5, 50.0]], "atl": [[4.0, 50.0]]}})
    order = house.place("BACK", LimitOrder(3.0, 90.0, "PERSIST"))
    streams.book(3, 1_000)
    streams.book(1, 2_000, {1: {"trd": [[3.0, 14.0]]}})
    assert order.size_matched == 2.0


def test_after_another_stream_the_usual_rule_holds_again(streams: Streams) -> None:
    """A price that has vanished and is there again counts in full, also where each comes with a definition."""
    order = rest(streams)
    streams.book(2, 2_000, {1: {"trd": [[3.0, 18.0]]}})
    assert order.size_matched == 4.0
    streams.book(2, 2_100, {1: {"trd": [[3.0, 0.0]]}}, version=7)
    streams.book(2, 2_200, {1: {"trd": [[3.0, 18.0]]}}, version=8)
    assert order.size_matched == 13.0


def test_a_runner_that_the_other_stream_does_not_show_breaks_nothing(house: Any) -> None:
    streams = Streams(house, 1, 2)
    streams.book(1, 1, {1: {"trd": [[3.0, 10.0]]}, 2: {"trd": [[3.0, 10.0]]}})
    del house.runners[2]
    streams.book(2, 2, {1: {"trd": [[3.0, 10.0]]}})
    house.runners[2] = {"status": "ACTIVE", "sortPriority": 2}
    streams.book(1, 3, {2: {"trd": [[3.0, 12.0]]}})


def test_the_first_book_of_another_stream_brings_what_nobody_has_told(house: Any) -> None:
    streams = Streams(house, 1, 2)
    streams.book(1, 1, {1: {"trd": [[3.0, 10.0]]}})
    order = rest(streams)
    streams.book(2, 2_000, {1: {"trd": [[3.0, 16.0], [3.1, 4.0]]}})
    assert order.size_matched == 5.0
    streams.book(2, 2_100, {1: {"trd": [[3.0, 18.0]]}})
    assert order.size_matched == 6.0
