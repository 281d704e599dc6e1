"""A framework of one's own may leave out books and keep events, and any thread may read books."""

import threading
from typing import Any

import pytest

from flumine_core import BaseStrategy, FlumineSimulation, HistoricalStream, LimitOrder, SimulatedClient, Trade
from flumine_core.events import MarketBooksEvent


class Passive(BaseStrategy):
    """Joins each queue at the first OPEN book, and counts books; reads no runners after that."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_order_exposure=None, max_selection_exposure=None, **options)
        self.books = 0
        self.orders: list[Any] = []

    def check_market_book(self, market: Any, market_book: Any) -> bool:
        self.books += 1
        return not self.orders and market_book.status == "OPEN"

    def process_market_book(self, market: Any, market_book: Any) -> None:
        for runner in market_book.runners:
            if runner.status == "ACTIVE" and runner.ex.available_to_lay:
                trade = Trade(market.market_id, runner.selection_id, runner.handicap, self)
                order = trade.create_order("BACK", LimitOrder(runner.ex.available_to_lay[0].price, 50.0))
                market.place_order(order)
                self.orders.append(order)


class Thins(FlumineSimulation):
    """Processes every so many-th OPEN book alone, in one of the ways in which that can be said."""

    every = 5
    how = "skip"

    def _process_market_books(self, event: MarketBooksEvent) -> None:
        self.seen = getattr(self, "seen", -1) + 1
        if self.seen % self.every and event.event[0].status == "OPEN":
            if self.how == "skip":
                return
            if self.how == "assign":
                event.event = []
            elif self.how == "clear":
                event.event.clear()
            else:
                event = MarketBooksEvent([])
        super()._process_market_books(event)


@pytest.mark.parametrize("how", ["skip", "assign", "clear", "new"])
def test_what_is_traded_in_books_that_are_left_out_is_matched_with_the_next(
    how: str, simulate: Any, market_file: Any
) -> None:
    path = market_file(updates=600, seed=7)
    whole, thinned = Passive(), Passive()
    simulate(path, whole)
    framework = simulate(path, thinned, cls=type("Thinned", (Thins,), {"how": how}))
    assert (framework.faults.total, framework.stream_errors, framework.bad_lines) == (0, [], [])
    assert 3 < thinned.books < whole.books / 3
    (market,) = framework.markets
    assert market.closed
    matched = [order.size_matched for order in whole.orders]
    assert any(0 < each < 50 for each in matched)
    assert [order.size_matched for order in thinned.orders] == matched


def test_every_event_may_be_kept(simulate: Any, market_file: Any) -> None:
    kept: list[MarketBooksEvent] = []

    class Keeps(FlumineSimulation):
        def _process_market_books(self, event: MarketBooksEvent) -> None:
            kept.append(event)
            super()._process_market_books(event)

    framework = simulate(market_file(updates=60), BaseStrategy(), cls=Keeps)
    times = [book.publish_time_epoch for event in kept for book in event.market_books]
    assert times == sorted(set(times)) and len(times) == framework.books > 50


@pytest.mark.parametrize("is_inside", [True, False])
def test_any_thread_may_read_books(is_inside: bool, market_file: Any) -> None:
    path = market_file(updates=5000, seed=2)
    errors: list[BaseException] = []
    ended = threading.Event()

    def read(framework: FlumineSimulation) -> None:
        while not ended.is_set():
            for market in framework.markets:
                try:
                    if market.market_book is not None:
                        assert all(runner.ex.available_to_back is not None for runner in market.market_book.runners)
                except BaseException as error:
                    errors.append(error)

    class Counts(Passive):
        def start(self, flumine: Any) -> None:
            if is_inside:
                threading.Thread(target=read, args=(flumine,), daemon=True).start()

        def process_market_book(self, market: Any, market_book: Any) -> None: ...

        def finish(self, flumine: Any) -> None:
            ended.set()

    framework = FlumineSimulation(SimulatedClient())
    strategy = Counts(streams=[HistoricalStream(path)])
    framework.add_strategy(strategy)
    run = threading.Thread(target=framework.run)
    run.start()
    if not is_inside:
        read(framework)
    run.join(60)
    assert (errors, framework.stream_errors, framework.faults.total) == ([], [], 0)
    assert strategy.books == framework.books - 1 > 5000
