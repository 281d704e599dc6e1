"""An execution that raises costs itself: it is counted, and everybody else goes on."""

from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest

from flumine_core import (
    BaseStrategy,
    FlumineSimulation,
    HistoricalStream,
    LimitOrder,
    Settings,
    SimulatedClient,
    Trade,
    hookimpl,
)
from flumine_core.events import CurrentOrdersEvent
from flumine_core.order.report import BetTotals, MatchReport
from flumine_core.simulation.execution import SimulatedExecution

METHODS = ["before_book", "after_book", "process_current_orders", "close_market", "end_stream"]


def falling(method: str, reports: Iterable[Any] | None = None) -> type:
    """Return an execution whose method raises, or gives reports of its own."""

    def call(self: Any, *arguments: Any) -> Any:
        if reports is not None:
            return reports
        raise ValueError("it fell")

    return type("Falls", (SimulatedExecution,), {method: call})


class Watches(BaseStrategy):
    """Places one order a market, and notes whose books and closings it is shown."""

    def add(self, flumine: Any) -> None:
        self.books: dict[str, int] = {}
        self.closed: list[str] = []

    def check_market_book(self, market: Any, market_book: Any) -> bool:
        self.books[market.market_id] = self.books.get(market.market_id, 0) + 1
        if not market.blotter and market_book.status == "OPEN":
            runner = market_book.runners[0]
            trade = Trade(market.market_id, runner.selection_id, 0, self)
            market.place_order(trade.create_order("BACK", LimitOrder(1000, 2.0)))
        return False

    def process_closed_market(self, market: Any, market_book: Any) -> None:
        self.closed.append(market.market_id)


class HearsOrders:
    """A hook that is told of orders, once the framework has brought an event of an order stream."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.told = 0

    @hookimpl
    def flumine_start(self, framework: Any) -> None:
        framework.add_stream(OrdersOf(self.client))

    @hookimpl
    def flumine_process_current_orders(self, event: Any) -> None:
        self.told += 1


class OrdersOf:
    """A stream of one event of an order stream."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.stream_id: int | None = None

    def __iter__(self) -> Iterator[Any]:
        yield CurrentOrdersEvent(client=self.client)

    def stop(self) -> None: ...


def simulated(simulate: Any, files: list[str], execution: type, **settings: Any) -> tuple[FlumineSimulation, Any, Any]:
    client = SimulatedClient(execution_cls=execution)
    hook, strategy = HearsOrders(client), Watches()
    return simulate(files, strategy, hooks=(("hears", hook),), client=client, settings=settings), strategy, hook


@pytest.fixture
def files(market_file: Any) -> list[str]:
    return [market_file(updates=40, seed=seed, market_id=f"1.10000000{seed}") for seed in (1, 2)]


@pytest.mark.parametrize("method", METHODS)
def test_books_strategies_and_files_go_on(method: str, simulate: Any, files: list[str]) -> None:
    _, whole, _ = simulated(simulate, files, SimulatedExecution)
    framework, strategy, hook = simulated(simulate, files, falling(method))
    assert framework.faults.counts.keys() == {("Falls", method)}
    assert framework.stream_errors == []
    assert len(strategy.books) == 2
    assert strategy.books == whole.books
    assert strategy.closed == whole.closed
    assert hook.told == 1


@pytest.mark.parametrize("method", METHODS)
def test_it_raises_where_settings_ask_for_that(method: str, simulate: Any, files: list[str]) -> None:
    with pytest.raises(ValueError, match="it fell"):
        simulated(simulate, files, falling(method), raise_errors=True)


@pytest.mark.parametrize("method", ["before_book", "after_book"])
def test_what_is_no_report_costs_no_file(method: str, simulate: Any, files: list[str]) -> None:
    _, whole, _ = simulated(simulate, files, SimulatedExecution)
    framework, strategy, _ = simulated(simulate, files, falling(method, ["a report"]))
    assert framework.faults.counts.keys() == {("Falls", method)}
    assert strategy.books == whole.books


def test_what_the_end_of_a_stream_cannot_mean_costs_no_file(simulate: Any, files: list[str]) -> None:
    stray = MatchReport(SimpleNamespace(market_id="1.100000001"), BetTotals(), False)  # type: ignore[arg-type]
    framework, strategy, _ = simulated(simulate, files, falling("end_stream", [stray]))
    assert framework.faults.counts.keys() == {("FlumineSimulation", "MatchReport")}
    assert len(strategy.closed) == 2


def test_other_executions_go_on(simulate: Any, files: list[str]) -> None:
    strategy = Watches()
    client = SimulatedClient(username="well")
    strategy.client = client
    framework = simulate(
        files,
        strategy,
        client=SimulatedClient(username="falls", execution_cls=falling("before_book")),
        before=lambda f: f.add_client(client),
    )
    assert ("Falls", "before_book") in framework.faults.counts
    assert all(order.bet_id for market in framework.markets for order in market.blotter)


class Burst(BaseStrategy):
    """Places three orders on each of two markets with the first book that it sees of the second one."""

    def add(self, flumine: Any) -> None:
        self.markets: dict[str, Any] = {}
        self.orders: list[Any] = []

    def check_market_book(self, market: Any, market_book: Any) -> bool:
        self.markets[market.market_id] = market
        if len(self.markets) == 2 and not self.orders and market_book.status == "OPEN":
            for each in self.markets.values():
                for runner in each.market_book.runners[:3]:
                    trade = Trade(each.market_id, runner.selection_id, 0, self)
                    self.orders.append(trade.create_order("BACK", LimitOrder(1000, 2.0)))
                    each.place_order(self.orders[-1])
        return False


class RefusesPackages:
    @hookimpl
    def flumine_process_order_package(self, order_package: Any) -> None:
        raise ValueError("it fell")


@pytest.mark.parametrize("is_hook", [True, False])
@pytest.mark.parametrize("raise_errors", [True, False])
def test_no_accepted_order_is_left_without_an_answer(
    is_hook: bool, raise_errors: bool, market_file: Any, plugins: Any
) -> None:
    files = [market_file(updates=40, seed=seed, market_id=f"1.10000000{seed}") for seed in (1, 2)]
    framework = FlumineSimulation(
        SimulatedClient(execution_cls=SimulatedExecution if is_hook else falling("submit")),
        Settings(raise_errors=raise_errors),
        plugins(*([("falls", RefusesPackages())] if is_hook else [])),
    )
    strategy = Burst(max_live_trade_count=9)
    strategy.streams = [HistoricalStream(path, event_group="both") for path in files]
    framework.add_strategy(strategy)
    with pytest.raises(ValueError, match="it fell") if raise_errors else nullcontext():
        framework.run()
    assert len(strategy.orders) == 6
    assert [order.status.value for order in strategy.orders] == ["Violation"] * 6
    assert len(framework.refusals) == 6
    fault = ("falls", "flumine_process_order_package") if is_hook else ("Falls", "submit")
    assert framework.faults.counts.keys() == {fault}
    if not raise_errors:
        assert framework.faults.counts[fault] == 6
