"""`Flumine` with in-memory streams and executions that a plugin makes."""

from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from flumine_core import (
    BaseStrategy,
    BetfairClient,
    CustomEvent,
    DataStream,
    Flumine,
    FlumineCoreError,
    FlumineSimulation,
    LimitOrder,
    MarketStream,
    Order,
    OrderStatus,
    SimulatedClient,
    Trade,
    hookimpl,
)
from flumine_core.book.cache import MarketBookCache
from flumine_core.book.change import decode_message
from flumine_core.events import (
    CurrentOrdersEvent,
    Event,
    MarketBooksEvent,
    MarketCataloguesEvent,
    RawDataEvent,
    SportsDataEvent,
    TerminationEvent,
)
from flumine_core.order.report import BetTotals, PlaceReport, Report
from flumine_core.synthetic.market import SyntheticMarket


class InMemory:
    """A stream of given events."""

    def __init__(self, events: Sequence[Any]) -> None:
        self.events = events
        self.is_stopped = False

    def __iter__(self) -> Iterator[Event]:
        for each in self.events:
            yield each() if callable(each) else each

    def stop(self) -> None:
        self.is_stopped = True


class Sink:
    """An execution that keeps packages and reports as events, as a live one does."""

    def __init__(self, framework: Flumine) -> None:
        self.framework = framework
        self.packages: list[Any] = []

    def submit(self, package: Any) -> None:
        self.packages.append(package)
        reports = [PlaceReport(order, True, BetTotals(2.0, 3.0), "9", 5) for order in package]
        self.framework.post(CurrentOrdersEvent(reports))

    def before_book(self, market: Any, book: Any) -> Sequence[Report]:
        return ()

    after_book = before_book

    def close_market(self, market: Any) -> None: ...

    def end_stream(self) -> Sequence[Report]:
        return ()

    def shutdown(self) -> None: ...


class Venue:
    """Makes both ends."""

    def __init__(self, events: Sequence[Any]) -> None:
        self.stream = InMemory(events)
        self.framework: Any = None
        self.sink: Any = None

    @hookimpl
    def flumine_make_stream(self, description: Any) -> Any:
        return self.stream

    @hookimpl
    def flumine_make_execution(self, client: Any) -> Any:
        self.sink = self.sink or Sink(self.framework)
        return self.sink


def books(count: int) -> list[Event]:
    cache = MarketBookCache("1.100000001", 10_000)
    found: list[Event] = []
    for line in list(SyntheticMarket(updates=50).lines())[:count]:
        message = decode_message(line)
        found.append(MarketBooksEvent([cache.update(message.mc[0], message.pt)]))
    return found


class Noting(BaseStrategy):
    """Notes what it is shown, and places one order."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"market_filter": {}} | options)
        self.log: list[tuple[str, Any]] = []
        self.order: Order | None = None

    def check_market_book(self, market: Any, market_book: Any) -> bool:
        self.log.append(("book", market_book.publish_time_epoch))
        return self.order is None

    def process_market_book(self, market: Any, market_book: Any) -> None:
        runner = market_book.runners[0]
        trade = Trade(market.market_id, runner.selection_id, runner.handicap, self)
        self.order = trade.create_order("BACK", LimitOrder(3.0, 2.0))
        market.place_order(self.order)

    def process_orders(self, market: Any, orders: Any) -> None:
        self.log.append(("orders", [order.status for order in orders]))

    def process_market_catalogue(self, market: Any, market_catalogue: Any) -> None:
        self.log.append(("catalogue", market_catalogue))

    def check_sports_data(self, market: Any, sports_data: Any) -> bool:
        return True

    def process_sports_data(self, market: Any, sports_data: Any) -> None:
        self.log.append(("sports", sports_data))

    def process_raw_data(self, clk: Any, publish_time: int, datum: Any) -> None:
        self.log.append(("raw", (clk, publish_time, datum["id"])))

    def process_closed_market(self, market: Any, market_book: Any) -> None:
        self.log.append(("closed", market_book))


def run(plugins: Any, events: Sequence[Any], strategy: BaseStrategy, *more: Any) -> Flumine:
    venue = Venue(events)
    framework = Flumine(client=SimulatedClient(), plugins=plugins(("venue", venue), *more))
    venue.framework = framework
    framework.add_strategy(strategy)
    framework.run()
    assert venue.stream.is_stopped
    return framework


def test_books_orders_and_reports_go_round(plugins: Any) -> None:
    strategy = Noting()
    framework = run(plugins, books(5), strategy)
    assert [what for what, _ in strategy.log].count("book") == 5
    assert strategy.order is not None and strategy.order.bet_id == "9"
    assert ("orders", [OrderStatus.EXECUTION_COMPLETE]) in strategy.log
    assert framework.faults.counts == {}


def test_process_market_catalogues_and_sports_data(plugins: Any) -> None:
    catalogue = SimpleNamespace(
        market_id="1.100000001", event=SimpleNamespace(id="7", name="E"), event_type=None, description=None
    )
    seen: list[Any] = []

    class Hooks:
        @hookimpl
        def flumine_process_market_catalogues(self, market_catalogue: Any) -> None:
            seen.append(market_catalogue)

        @hookimpl
        def flumine_process_sports_data(self, sports_data: Any) -> None:
            seen.append(sports_data)

        @hookimpl
        def flumine_process_current_orders(self, event: Any) -> None:
            seen.append("current_orders")

    sports = SimpleNamespace(market_id="1.100000001")
    events = [*books(2), MarketCataloguesEvent([catalogue]), SportsDataEvent([sports], 10_000)]
    strategy = Noting()
    framework = run(plugins, events, strategy, ("hooks", Hooks()))
    assert ("catalogue", catalogue) in strategy.log and ("sports", sports) in strategy.log
    assert catalogue in seen and sports in seen and "current_orders" in seen
    assert framework.markets.markets["1.100000001"].event_name == "E"


def test_process_raw_data_reaches_strategies_and_closes_markets(plugins: Any) -> None:
    definition = {"status": "CLOSED"}
    events = [
        RawDataEvent(10_000, "a", 1, [{"id": "1.1", "rc": []}]),
        RawDataEvent(10_000, "b", 2, [{"id": "1.1", "marketDefinition": definition}]),
    ]
    strategy = Noting(stream_class=DataStream)
    framework = run(plugins, events, strategy)
    assert strategy.log[:2] == [("raw", ("a", 1, "1.1")), ("raw", ("b", 2, "1.1"))]
    assert strategy.log[2] == ("closed", {"id": "1.1", "marketDefinition": definition})
    assert framework.markets.markets["1.1"].closed


@pytest.mark.parametrize("op", ["ocm", "rcm", "ccm"])
def test_raw_data_of_other_kinds_reach_strategies_and_hooks_and_are_no_markets(plugins: Any, op: str) -> None:
    seen: list[str] = []

    class Hooks:
        @hookimpl
        def flumine_process_raw_data(self, data: Any, op: str) -> None:
            seen.append(op)

    strategy = Noting(stream_class=DataStream)
    event = RawDataEvent(10_000, "a", 1, [{"id": "28587288.1650", "mid": "1.1"}], op)
    framework = run(plugins, [event], strategy, ("hooks", Hooks()))
    assert strategy.log == [("raw", ("a", 1, "28587288.1650"))] and seen == [op]
    assert not framework.markets.markets


def test_process_custom_event_from_a_stream(plugins: Any) -> None:
    done: list[Any] = []
    run(plugins, [CustomEvent("x", lambda framework, event: done.append(event.event))], Noting())
    assert done == ["x"]


def test_stop_ends_the_run(plugins: Any) -> None:
    venue = Venue([lambda: CustomEvent(None, lambda framework, event: framework.stop()), *books(3)])
    framework = venue.framework = Flumine(client=SimulatedClient(), plugins=plugins(("venue", venue)))
    framework.add_strategy(Noting())
    framework.run()
    assert venue.stream.is_stopped


def test_flumines_termination_event_ends_the_run(plugins: Any) -> None:
    def ask() -> CustomEvent:
        framework.handler_queue.put(TerminationEvent(framework))
        return CustomEvent()

    venue = Venue([ask, *books(3)])
    framework = venue.framework = Flumine(client=SimulatedClient(), plugins=plugins(("venue", venue)))
    framework.add_strategy(Noting())
    framework.run()
    assert venue.stream.is_stopped and framework.faults.total == 0


def test_an_execution_that_cannot_forget_a_market_does_not_keep_it_in_memory(plugins: Any) -> None:
    def raises(market: Any) -> Sequence[Report]:
        raise OSError("it cannot")

    def forget() -> CustomEvent:
        venue.sink.forget_market = raises
        return CustomEvent(None, lambda framework, event: framework.remove_closed_markets(0.0))

    venue = Venue(
        [*books(100_000), forget, CustomEvent(None, lambda framework, event: left.append(list(framework.markets)))]
    )
    left: list[Any] = []
    framework = Flumine(client=SimulatedClient(), plugins=plugins(("venue", venue)))
    venue.framework = framework
    framework.add_strategy(Noting())
    framework.run()
    assert left == [[]]
    assert framework.faults.counts == {("Sink", "forget_market"): 1}


def test_a_stream_that_breaks_is_counted(plugins: Any) -> None:
    framework = run(plugins, [*books(2), lambda: 1 / 0], Noting())
    assert framework.faults.counts == {("InMemory", "stream"): 1}


def test_a_real_client_is_refused_in_plain_words(plugins: Any) -> None:
    framework = Flumine(client=BetfairClient(username="me"), plugins=plugins())
    with pytest.raises(FlumineCoreError, match=r"nothing installed can execute orders of <BetfairClient me>"):
        framework.run()


def test_streams_of_equal_filters_are_shared(plugins: Any) -> None:
    framework = Flumine(client=SimulatedClient(), plugins=plugins())
    one = Noting(name="one", market_filter={"eventTypeIds": ["7"]}, conflate_ms=50)
    two = Noting(name="two", market_filter={"eventTypeIds": ["7"]}, conflate_ms=50)
    other = Noting(name="other", market_filter={"eventTypeIds": ["4339"]})
    for strategy in (one, two, other):
        framework.add_strategy(strategy)
    assert one.streams[0] is two.streams[0]
    assert [stream.stream_id for stream in framework.streams] == [10_000, 20_000]
    assert isinstance(other.streams[0], MarketStream) and other.streams[0] != one.streams[0]


@pytest.mark.parametrize(
    ("options", "streams"),
    [
        ({"market_filter": None}, []),
        ({"market_filter": {}}, [MarketStream()]),
        ({"market_filter": None, "stream_class": DataStream}, [DataStream()]),
        ({"market_filter": None, "stream": MarketStream()}, [MarketStream()]),
    ],
)
def test_a_strategy_that_asks_for_no_stream_has_none(plugins: Any, options: dict[str, Any], streams: list[Any]) -> None:
    framework = Flumine(client=SimulatedClient(), plugins=plugins())
    strategy = Noting(**options)
    framework.add_strategy(strategy)
    assert strategy.streams == framework.streams == streams


@pytest.mark.parametrize("options", [{"conflate_ms": -1}, {"streaming_timeout": 0}, {"market_filter": "x"}])
def test_stream_descriptions_are_validated(options: dict[str, Any]) -> None:
    with pytest.raises(FlumineCoreError):
        MarketStream(**options)


def test_a_plugin_that_cannot_be_loaded_is_found_in_the_faults(install: Any) -> None:
    install("dist-a", "[flumine_core]\nrisk = mod_risk\n", mod_risk="raise ImportError('no scipy')")
    framework = FlumineSimulation(SimulatedClient())
    framework.run()
    assert framework.faults.counts == {("risk", "load"): 1}
    assert "dist-a 1.0" in framework.faults.first["risk", "load"].error
