"""A market that several streams bring: each strategy meets it once, and is told once that it has closed."""

from collections.abc import Sequence
from typing import Any

import pytest

from flumine_core import (
    BaseStrategy,
    Flumine,
    FlumineCoreError,
    FlumineSimulation,
    HistoricalStream,
    LimitOrder,
    Settings,
    SimulatedClient,
    Trade,
    hookimpl,
)
from flumine_core.book.cache import MarketBookCache
from flumine_core.book.change import decode_message
from flumine_core.events import Event, MarketBooksEvent, RawDataEvent
from flumine_core.order.report import BetTotals, PlaceReport, Report
from flumine_core.testing.market import MarketScript

from .test_flumine import InMemory, Sink

FIRST, SECOND = 10_000, 20_000


class Noting(BaseStrategy):
    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.log: list[str] = []

    def process_new_market(self, market: Any, market_book: Any) -> None:
        self.log.append("new")
        trade = Trade(market.market_id, 1, 0, self)
        market.place_order(trade.create_order("BACK", LimitOrder(3.0, 2.0)))

    def process_closed_market(self, market: Any, market_book: Any) -> None:
        (order,) = market.blotter.strategy_orders(self)
        self.log.append(f"closed {order.profit + 0.0:.0f}")


def lines_of(script: MarketScript, tmp_path: Any) -> tuple[str, list[bytes]]:
    path = script.write(tmp_path / script.market_id)
    return str(path), path.read_bytes().splitlines()


def test_in_a_simulation(plugins: Any, tmp_path: Any) -> None:
    path, _ = lines_of(MarketScript().runners(2).back(1, 2.0, 5).inplay().back(1, 3.0, 4).win(1), tmp_path)
    framework = FlumineSimulation(SimulatedClient(), Settings(), plugins())
    strategies = [Noting(name="one"), Noting(name="two")]
    for strategy, is_in_play in zip(strategies, (False, True), strict=True):
        strategy.streams = [HistoricalStream(path, {"inplay": is_in_play})]
        framework.add_strategy(strategy)
    framework.run()
    assert [strategy.log for strategy in strategies] == [["new", "closed 0"], ["new", "closed 4"]]


class Matching(Sink):
    """Reports with the next book that all is matched, at 3.0."""

    def submit(self, package: Any) -> None:
        self.packages += [PlaceReport(order, True, BetTotals(2.0, 3.0), "9", 5) for order in package]

    def after_book(self, market: Any, book: Any) -> Sequence[Report]:
        reports, self.packages = self.packages, []
        return reports


class Venue:
    """Makes the ends of a live run; the stream that is asked for last has all events."""

    def __init__(self, events: Sequence[Event]) -> None:
        self.streams = [InMemory(events)]
        self.framework: Any = None

    @hookimpl
    def flumine_make_stream(self, description: Any) -> Any:
        return self.streams.pop() if self.streams else InMemory([])

    @hookimpl
    def flumine_make_execution(self, client: Any) -> Any:
        return Matching(self.framework)


@pytest.mark.parametrize(("is_raw_first", "lags"), [(False, False), (True, False), (False, True)])
def test_live(plugins: Any, tmp_path: Any, is_raw_first: bool, lags: bool) -> None:
    _, lines = lines_of(MarketScript().runners(2).back(1, 2.0, 5).win(1), tmp_path)
    caches = {stream_id: MarketBookCache("1.1", stream_id) for stream_id in (FIRST, SECOND)}
    events: list[Event] = []
    late: list[Event] = []
    for line in lines:
        message = decode_message(line)
        if is_raw_first:
            raw = {"id": message.mc[0].id, "marketDefinition": message.mc[0].marketDefinition or {}}
            events.append(RawDataEvent(30_000, None, message.pt, [raw]))
        for stream_id, cache in caches.items():
            cache.market_id = str(message.mc[0].id)
            change = decode_message(line).mc[0]
            is_late = lags and stream_id == SECOND and len(events) > 2
            (late if is_late else events).append(MarketBooksEvent([cache.update(change, message.pt)]))
    venue = Venue(events + late)
    framework = Flumine(SimulatedClient(), Settings(), plugins(("venue", venue)))
    venue.framework = framework
    strategies = [Noting(name="one", market_filter={}), Noting(name="two", market_filter={"bspMarket": True})]
    for strategy in strategies:
        framework.add_strategy(strategy)
    framework.run()
    assert not framework.faults.counts
    assert [strategy.stream_ids for strategy in strategies] == [{FIRST}, {SECOND}]
    assert [strategy.log for strategy in strategies] == [["new", "closed 4"]] * 2
    (market,) = framework.markets
    assert market.market_book.status == "CLOSED"
    assert framework.cleared_market_queue.qsize() == 1


@pytest.mark.parametrize("hook", ["flumine_make_stream", "flumine_make_execution"])
def test_what_is_neither_stream_nor_execution_is_refused(plugins: Any, hook: str) -> None:
    wrong = type("Wrong", (), {hook: staticmethod(hookimpl(lambda: 7))})()
    framework = Flumine(SimulatedClient(), Settings(), plugins(("wrong", wrong)))
    framework.add_strategy(BaseStrategy(market_filter={}))
    with pytest.raises(FlumineCoreError, match=hook):
        framework.run()
