"""Every function, parameter, control, worker and setting of the "Advanced" page works under its documented name."""

import inspect
import logging
import os
import socket
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from flumine_core import (
    BackgroundWorker,
    BaseStrategy,
    CustomEvent,
    DataStream,
    Flumine,
    FlumineSimulation,
    HistoricalStream,
    LimitOrder,
    LoggingControl,
    MarketStream,
    MaxOrderCount,
    Middleware,
    OrderStatus,
    OrderValidation,
    RawDataStream,
    RunnerContext,
    Settings,
    SimulatedClient,
    StrategyExposure,
    Trade,
    TradingControl,
    config,
    enable_logging,
)
from flumine_core.events import CurrentOrdersEvent, MarketCataloguesEvent, RawDataEvent, SportsDataEvent
from flumine_core.synthetic.market import SyntheticMarket

OVERRIDABLE_STEPS = (
    "_process_market_books",
    "_process_market_orders",
    "_process_order_package",
    "_add_live_market",
    "_process_raw_data",
    "_process_market_catalogues",
    "_process_current_orders",
    "_process_custom_event",
    "_process_close_market",
    "_process_cleared_orders",
    "_process_cleared_markets",
    "_process_end_flumine",
)

STRATEGY_PARAMETERS = {
    "market_filter": {"markets": []},
    "market_data_filter": {"fields": ["EX_BEST_OFFERS"], "ladderLevels": 3},
    "streaming_timeout": 2.5,
    "conflate_ms": 500,
    "stream_class": RawDataStream,
    "name": "mine",
    "context": {"trigger": 5},
    "max_selection_exposure": 55.0,
    "max_order_exposure": 5.0,
    "client": SimulatedClient(username="second"),
}


class Backer(BaseStrategy):
    """Backs the first ACTIVE runner of each market at a price that nobody will match, and notes its callbacks."""

    price = 1000.0
    size = 2.0

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.called: list[str] = []
        self.accepted: list[bool] = []
        self.orders: list[Any] = []

    def add(self, flumine: Any) -> None:
        self.called.append("add")

    def start(self, flumine: Any) -> None:
        self.called.append("start")

    def check_market_book(self, market: Any, market_book: Any) -> bool:
        if "check_market_book" not in self.called:
            self.called.append("check_market_book")
        return market_book.status == "OPEN" and not self.orders

    def process_market_book(self, market: Any, market_book: Any) -> None:
        self.called.append("process_market_book")
        self.back(market, market_book)

    def back(self, market: Any, market_book: Any) -> None:
        runner = next(each for each in market_book.runners if each.status == "ACTIVE")
        trade = Trade(market.market_id, runner.selection_id, runner.handicap, self)
        self.orders.append(trade.create_order("BACK", LimitOrder(self.price, self.size)))
        self.accepted.append(self.place_order(market, self.orders[-1]))

    def process_raw_data(self, clk: Any, publish_time: int, datum: Any) -> None:
        self.called.append("process_raw_data")

    def process_orders(self, market: Any, orders: list[Any]) -> None:
        if "process_orders" not in self.called:
            self.called.append("process_orders")

    def process_closed_market(self, market: Any, market_book: Any) -> None:
        self.called.append("process_closed_market")

    def finish(self, flumine: Any) -> None:
        self.called.append("finish")


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(SyntheticMarket(seed=5, updates=120).write(tmp_path / "1.100000001"))


@pytest.fixture
def framework(plugins: Any) -> FlumineSimulation:
    return FlumineSimulation(client=SimulatedClient(), plugins=plugins())


class Feed:
    """A stream made by hand: yields the events that it was given."""

    stream_id: int | None = None

    def __init__(self, *events: Any) -> None:
        self.events = events

    def __iter__(self) -> Iterator[Any]:
        yield from self.events

    def stop(self) -> None:
        pass


# the framework


def test_add_worker(framework: FlumineSimulation, path: str) -> None:
    called = threading.Event()
    given: list[Any] = []

    def func(a: str) -> None:
        given.append(a)
        called.set()

    worker = BackgroundWorker(interval=10, function=func, func_args=("hello",), name="print_a")
    framework.add_worker(worker)

    class Waiting(Backer):
        def start(self, flumine: Any) -> None:
            assert called.wait(30)

    framework.add_strategy(Waiting(market_filter={"markets": [path]}))
    framework.run()
    assert given == ["hello"], "once: the next call would have been ten seconds later"
    assert worker.name == "print_a"
    assert not worker.is_alive()


@pytest.mark.parametrize("is_class", [True, False])
def test_add_trading_control(framework: FlumineSimulation, path: str, is_class: bool) -> None:
    class NoBacks(TradingControl):
        NAME = "NO_BACKS"

        def _validate(self, order: Any, package_type: Any) -> None:
            if order.side == "BACK":
                self._on_error(order, "backs are not wanted")

    framework.add_trading_control(NoBacks if is_class else NoBacks())
    strategy = Backer(market_filter={"markets": [path]})
    framework.add_strategy(strategy)
    framework.run()
    assert strategy.accepted == [False]
    assert strategy.orders[0].status is OrderStatus.VIOLATION
    assert strategy.orders[0].violation_msg == "NoBacks: backs are not wanted"
    assert framework.refusals[0].control == "NoBacks"


@pytest.mark.parametrize("is_class", [True, False])
def test_add_client_control(framework: FlumineSimulation, path: str, is_class: bool) -> None:
    client = framework.clients.get_default()
    if is_class:
        framework.add_client_control(client, MaxOrderCount, transaction_limit=0)
    else:
        framework.add_client_control(client, MaxOrderCount(transaction_limit=0))
    strategy = Backer(market_filter={"markets": [path]})
    framework.add_strategy(strategy)
    framework.run()
    assert strategy.accepted == [False]
    assert framework.refusal_counts == {("Backer", "MaxOrderCount"): 1}


def test_add_market_middleware(framework: FlumineSimulation, path: str) -> None:
    class Counter(Middleware):
        books = 0

        def add_market(self, market: Any) -> None:
            market.context["added"] = True

        def __call__(self, market: Any) -> None:
            assert market.context["added"]
            self.books += 1

    counter = Counter()
    framework.add_market_middleware(counter)
    framework.add_strategy(Backer(market_filter={"markets": [path]}))
    framework.run()
    assert counter.books > 100


def test_add_logging_control(framework: FlumineSimulation, path: str) -> None:
    class Writer(LoggingControl):
        def __init__(self) -> None:
            super().__init__()
            self.rows: list[dict[str, Any]] = []

        def process_order(self, event: Any) -> None:
            self.rows.append(event.event)

    first, second, plain = Writer(), Writer(), LoggingControl()
    for control in (first, second, plain):
        framework.add_logging_control(control)
    framework.add_strategy(Backer(market_filter={"markets": [path]}))
    framework.run()
    assert len(first.rows) == 1
    assert first.rows == second.rows
    assert first.rows[0]["market_id"] == "1.100000001"
    assert not plain.is_alive()


def test_every_step_may_be_overridden(path: str, plugins: Any) -> None:
    """Each `_process_<noun>` of a subclass is what the kernel calls, and may go on with `super()`."""
    called: dict[str, int] = {}

    def overriding(name: str) -> Callable[..., Any]:
        def step(self: Any, *arguments: Any) -> Any:
            called[name] = called.get(name, 0) + 1
            return getattr(super(Own, self), name)(*arguments)

        return step

    class Own(FlumineSimulation):
        pass

    for name in OVERRIDABLE_STEPS:
        setattr(Own, name, overriding(name))

    framework = Own(client=SimulatedClient(), plugins=plugins())
    framework.add_strategy(Backer(market_filter={"markets": [path]}))
    framework.add_stream(
        Feed(
            RawDataEvent(1, "AAA", 1_000, [{"id": "1.5", "rc": []}]),
            MarketCataloguesEvent([]),
            CurrentOrdersEvent([]),
            CustomEvent("mine"),
        )
    )
    framework.run()
    assert called.keys() == set(OVERRIDABLE_STEPS)
    assert called["_process_market_books"] > 100
    assert called["_process_market_orders"] == called["_process_order_package"] == 1
    assert called["_add_live_market"] == 2
    assert called["_process_close_market"] == called["_process_cleared_orders"] == 1
    assert called["_process_cleared_markets"] == 1
    assert called["_process_end_flumine"] == 1
    assert framework.faults.total == 0


@pytest.mark.parametrize("cls", [Flumine, FlumineSimulation])
@pytest.mark.parametrize("name", OVERRIDABLE_STEPS)
def test_steps_say_what_they_do(cls: type, name: str) -> None:
    assert inspect.getdoc(getattr(cls, name))


def test_custom_event(framework: FlumineSimulation) -> None:
    given: list[Any] = []
    event = CustomEvent({"answer": 42}, lambda flumine, event: given.append((flumine, event.event)))
    framework.add_stream(Feed(event))
    framework.run()
    assert given == [(framework, {"answer": 42})]


def test_sports_data_step(framework: FlumineSimulation, path: str) -> None:
    class Update:
        market_id = "1.100000001"

    class Own(Backer):
        def check_sports_data(self, market: Any, sports_data: Any) -> bool:
            self.called.append("check_sports_data")
            return True

        def process_sports_data(self, market: Any, sports_data: Any) -> None:
            self.called.append("process_sports_data")

        def process_market_book(self, market: Any, market_book: Any) -> None:
            flumine.process(SportsDataEvent([Update()], market_book.streaming_unique_id))
            super().process_market_book(market, market_book)

    flumine = framework
    strategy = Own(market_filter={"markets": [path]})
    framework.add_strategy(strategy)
    framework.run()
    assert strategy.called.count("process_sports_data") == 1


# the strategy


@pytest.mark.parametrize("name", STRATEGY_PARAMETERS)
def test_strategy_parameters(name: str) -> None:
    value = STRATEGY_PARAMETERS[name]
    strategy = BaseStrategy(**{name: value})
    assert getattr(strategy, name) is value


def test_strategy_defaults() -> None:
    strategy = Backer()
    assert strategy.name == "Backer"
    assert strategy.max_selection_exposure == 100
    assert strategy.max_order_exposure == 10
    assert strategy.context == {}
    assert strategy.stream_class is MarketStream


def test_live_parameters_describe_the_stream(plugins: Any) -> None:
    framework = Flumine(client=SimulatedClient(), plugins=plugins())
    strategy = Backer(
        market_filter={"eventTypeIds": ["7"]},
        market_data_filter={"ladderLevels": 3},
        streaming_timeout=2.5,
        conflate_ms=500,
        stream_class=DataStream,
    )
    same = Backer(
        name="same",
        market_filter={"eventTypeIds": ["7"]},
        market_data_filter={"ladderLevels": 3},
        streaming_timeout=2.5,
        conflate_ms=500,
        stream_class=DataStream,
    )
    framework.add_strategy(strategy)
    framework.add_strategy(same)
    (stream,) = framework.streams
    assert type(stream) is DataStream
    assert stream.market_filter == {"eventTypeIds": ["7"]}
    assert stream.market_data_filter == {"ladderLevels": 3}
    assert (stream.streaming_timeout, stream.conflate_ms) == (2.5, 500)
    assert strategy.streams == same.streams == [stream], "equal filters share one stream"


def test_callbacks_come_in_the_order_of_life(framework: FlumineSimulation, path: str) -> None:
    strategy = Backer(market_filter={"markets": [path]})
    framework.add_strategy(strategy)
    framework.run()
    assert strategy.called == [
        "add",
        "start",
        "check_market_book",
        "process_market_book",
        "process_orders",
        "process_closed_market",
        "finish",
    ]


def test_process_raw_data(framework: FlumineSimulation) -> None:
    stream = Feed(RawDataEvent(7, "AAA", 1_000, [{"id": "1.5", "rc": []}, {"id": "1.6", "rc": []}]))
    stream.stream_id = 7
    strategy = Backer(stream=stream)
    framework.add_strategy(strategy)
    framework.run()
    assert strategy.called.count("process_raw_data") == 2


def test_place_cancel_update_and_replace(framework: FlumineSimulation, path: str) -> None:
    class Own(Backer):
        price = 900.0
        verdicts: list[Any] = []

        def process_orders(self, market: Any, orders: list[Any]) -> None:
            order = orders[-1]
            if market.status != "OPEN" or order.status is not OrderStatus.EXECUTABLE:
                return
            if order.order_type.price == 900.0 and order.order_type.persistence_type == "LAPSE":
                self.verdicts.append(self.update_order(market, order, "PERSIST"))
            elif order.order_type.price == 900.0:
                self.verdicts.append(self.replace_order(market, order, 950.0))
            elif not order.size_cancelled:
                self.verdicts.append(self.cancel_order(market, order, 0.5))
            else:
                self.verdicts.append(self.cancel_order(market, order))

    strategy = Own(market_filter={"markets": [path]})
    framework.add_strategy(strategy)
    framework.run()
    assert strategy.verdicts == [True, True, True, True]
    (market,) = framework.markets
    first, second = market.blotter
    assert first.order_type.persistence_type == "PERSIST"
    assert first.size_cancelled == 2.0
    assert second.order_type.price == 950.0
    assert second.size_cancelled == 2.0
    assert first.complete
    assert second.complete
    assert framework.refusals == []


def test_place_order_uses_the_strategys_client(framework: FlumineSimulation, path: str) -> None:
    second = SimulatedClient(username="second")
    framework.add_client(second)
    strategy = Backer(market_filter={"markets": [path]}, client=second)
    framework.add_strategy(strategy)
    framework.run()
    assert strategy.orders[0].client is second


def test_validate_order_is_asked_once_an_order(framework: FlumineSimulation, path: str) -> None:
    class Own(Backer):
        asked: list[Any] = []

        def validate_order(self, runner_context: RunnerContext, order: Any) -> bool:
            self.asked.append(runner_context)
            order.violation_msg = "not today"
            return False

    strategy = Own(market_filter={"markets": [path]})
    framework.add_strategy(strategy)
    framework.run()
    assert strategy.accepted == [False]
    assert len(strategy.asked) == 1
    assert strategy.orders[0].violation_msg == "StrategyExposure: not today"


def test_runner_context(framework: FlumineSimulation, path: str) -> None:
    class Own(Backer):
        context_after: Any = None

        def process_market_book(self, market: Any, market_book: Any) -> None:
            super().process_market_book(market, market_book)
            order = self.orders[-1]
            context = self.get_runner_context(market.market_id, order.selection_id, order.handicap)
            self.context_after = (context.invested, context.trade_count, context.live_trade_count)
            assert context.executable_orders
            assert context.placed_elapsed_seconds == 0
            assert self.has_executable_orders(market.market_id, order.selection_id, order.handicap)

    strategy = Own(market_filter={"markets": [path]})
    framework.add_strategy(strategy)
    framework.run()
    assert framework.faults.total == 0
    assert strategy.context_after == (True, 1, 1)


# the controls


def test_max_order_count_is_the_documented_thousand(framework: FlumineSimulation) -> None:
    (control,) = framework.clients.get_default().trading_controls
    assert isinstance(control, MaxOrderCount)
    assert control.transaction_limit == 1000


@pytest.mark.parametrize(("price", "size"), [(1.015, 2.0), (1001.0, 2.0), (10.0, 0.001), (10.0, -2.0), (2.0, 0.5)])
def test_order_validation(framework: FlumineSimulation, path: str, price: float, size: float) -> None:
    strategy = type("Own", (Backer,), {"price": price, "size": size})(market_filter={"markets": [path]})
    framework.add_strategy(strategy)
    framework.run()
    assert strategy.accepted == [False]
    assert strategy.orders[0].status is OrderStatus.VIOLATION
    assert framework.refusals[0].control == OrderValidation.__name__


@pytest.mark.parametrize("limits", [{"max_order_exposure": 1.5}, {"max_selection_exposure": 1.5}])
def test_strategy_exposure(framework: FlumineSimulation, path: str, limits: dict[str, float]) -> None:
    strategy = Backer(market_filter={"markets": [path]}, **limits)
    framework.add_strategy(strategy)
    framework.run()
    assert strategy.accepted == [False]
    refusal = framework.refusals[0]
    assert refusal.control == StrategyExposure.__name__
    assert refusal.numbers == {"exposure": 2.0, **limits}


# errors, logging, configuration


class Raising(Backer):
    def process_market_book(self, market: Any, market_book: Any) -> None:
        raise ArithmeticError("on purpose")


def test_errors_of_a_strategy_are_caught_and_counted(framework: FlumineSimulation, path: str) -> None:
    framework.add_strategy(Raising(market_filter={"markets": [path]}))
    framework.run()
    assert framework.faults.total > 100
    assert set(framework.faults.by_plugin()) == {"Raising"}


def test_config_raise_errors(path: str, plugins: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "raise_errors", True)
    framework = FlumineSimulation(client=SimulatedClient(), plugins=plugins())
    framework.add_strategy(Raising(market_filter={"markets": [path]}))
    with pytest.raises(ArithmeticError, match="on purpose"):
        framework.run()


def test_config_hostname_and_process_id(path: str, plugins: Any) -> None:
    assert config.hostname == socket.gethostname()
    assert config.process_id == os.getpid()

    class Own(FlumineSimulation):
        refs: list[str | None] = []

        def _process_order_package(self, order_package: Any) -> None:
            self.refs.append(order_package.customer_strategy_ref)
            super()._process_order_package(order_package)

    framework = Own(client=SimulatedClient(), settings=Settings(hostname="a-host-of-long-name"), plugins=plugins())
    framework.add_strategy(Backer(market_filter={"markets": [path]}))
    framework.run()
    assert framework.refs == ["a-host-of-long-"]


def test_config_current_time(path: str, plugins: Any) -> None:
    framework = FlumineSimulation(client=SimulatedClient(), plugins=plugins())
    times: list[tuple[datetime | None, datetime]] = []

    class Own(Backer):
        def process_market_book(self, market: Any, market_book: Any) -> None:
            times.append((config.current_time, market_book.publish_time.replace(tzinfo=UTC)))
            super().process_market_book(market, market_book)

    framework.add_strategy(Own(market_filter={"markets": [path]}))
    framework.run()
    assert times
    assert all(current == published for current, published in times)


def test_logging_reaches_the_standard_library(
    framework: FlumineSimulation, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    handler = enable_logging()
    try:
        framework.add_strategy(Raising(market_filter={"markets": [path]}))
        with caplog.at_level(logging.INFO):
            framework.run()
    finally:
        from loguru import logger

        logger.remove(handler)
        logger.disable("flumine_core")
    assert {record.name.partition(".")[0] for record in caplog.records} == {"flumine_core"}


def test_historical_stream_of_a_market(framework: FlumineSimulation, path: str) -> None:
    strategy = Backer(stream=HistoricalStream(path))
    framework.add_strategy(strategy)
    framework.run()
    assert len(strategy.orders) == 1
    assert [market.market_id for market in framework.markets] == ["1.100000001"]
