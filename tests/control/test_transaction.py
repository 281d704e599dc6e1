"""Transactions: what is grouped, how packages are cut, what a refusal leaves behind."""

from collections.abc import Callable
from typing import Any

import pytest

from flumine_core import BaseStrategy, LimitOrder, OrderStatus, SimulatedClient, Trade, TradingControl
from flumine_core.errors import OrderError, OrderUpdateError
from flumine_core.market.market import Market
from flumine_core.order.package import OrderPackageType
from flumine_core.order.report import BetTotals, CancelReport, PlaceReport, UpdateReport


class Keeps:
    """An execution that keeps packages, and answers placings with the next book."""

    def __init__(self, settings: Any) -> None:
        self.packages: list[Any] = []
        self.waiting: list[Any] = []
        self.is_failing = False

    def submit(self, package: Any) -> None:
        self.packages.append(package)
        for order in package:
            if package.package_type is OrderPackageType.PLACE:
                self.waiting.append(PlaceReport(order, True, BetTotals(), f"bet {order.id}", 1))
            elif package.package_type is OrderPackageType.CANCEL:
                totals = BetTotals() if self.is_failing else BetTotals(size_cancelled=order.order_type.size)
                self.waiting.append(CancelReport(order, not self.is_failing, totals))
            elif package.package_type is OrderPackageType.UPDATE:
                self.waiting.append(UpdateReport(order, False))

    def before_book(self, market: Any, book: Any) -> Any:
        waiting, self.waiting = self.waiting, []
        return waiting

    def after_book(self, market: Any, book: Any) -> Any:
        return ()

    def close_market(self, market: Any) -> None: ...

    def end_stream(self) -> Any:
        return ()

    def shutdown(self) -> None: ...


class Acts(BaseStrategy):
    """Does one step of `steps(self, market)` with each OPEN book."""

    def __init__(self, steps: Callable[[Any, Any], Any], **options: Any) -> None:
        options = {"max_live_trade_count": 1000, "max_order_exposure": None, "max_selection_exposure": None, **options}
        super().__init__(**options)
        self.steps = steps
        self.running: Any = None

    def check_market_book(self, market: Any, market_book: Any) -> bool:
        if market_book.status == "OPEN":
            self.running = self.running or self.steps(self, market)
            next(self.running, None)
        return False

    def order(self, market: Any, price: float = 1000, size: float = 2.0) -> Any:
        runner = next(each for each in market.market_book.runners if each.status == "ACTIVE")
        trade = Trade(market.market_id, runner.selection_id, runner.handicap, self)
        return trade.create_order("BACK", LimitOrder(price, size))


@pytest.fixture
def act(simulate: Any, market_file: Any) -> Callable[..., Any]:
    """Return a function that runs steps, and gives framework and packages."""

    def run(steps: Callable[[Any, Any], Any], **options: Any) -> tuple[Any, list[Any]]:
        client = SimulatedClient(execution_cls=Keeps, transaction_limit=options.pop("limit", None))
        framework = simulate(market_file(), Acts(steps, **options), client=client, settings={"raise_errors": True})
        return framework, client.execution.packages

    return run


def kinds(packages: list[Any]) -> list[tuple[str, int]]:
    return [(package.package_type.value, len(package)) for package in packages]


def test_bare_requests_leave_each_alone_and_transactions_leave_together(act: Any) -> None:
    def steps(strategy: Any, market: Any) -> Any:
        for _ in range(2):
            market.place_order(strategy.order(market))
        with market.transaction() as t:
            for _ in range(3):
                t.place_order(strategy.order(market))
        yield

    _, packages = act(steps)
    assert kinds(packages) == [("Place", 1), ("Place", 1), ("Place", 3)]
    assert [package.id for package in packages] == sorted(package.id for package in packages)


def test_packages_are_cut_at_the_venues_limits(act: Any) -> None:
    def steps(strategy: Any, market: Any) -> Any:
        orders = [strategy.order(market) for _ in range(201)]
        with market.transaction() as t:
            for order in orders:
                assert t.place_order(order)
        yield
        with market.transaction() as t:
            for order in orders[:61]:
                assert t.cancel_order(order)
            for order in orders[61:63]:
                assert t.update_order(order, "PERSIST")
            for order in orders[63:64]:
                assert t.replace_order(order, 990)
        yield

    _, packages = act(steps)
    assert kinds(packages) == [
        ("Place", 200),
        ("Place", 1),
        ("Cancel", 60),
        ("Cancel", 1),
        ("Update", 2),
        ("Replace", 1),
    ]


def test_execute_sends_at_once_and_counts_packages(act: Any) -> None:
    counts: list[int] = []

    def steps(strategy: Any, market: Any) -> Any:
        with market.transaction() as t:
            t.place_order(strategy.order(market), market_version=1)
            t.place_order(strategy.order(market), market_version=2)
            counts.append(t.execute())
            counts.append(len(market.flumine.clients.get_default().execution.packages))
            counts.append(t.execute())
            t.place_order(strategy.order(market))
        yield

    _, packages = act(steps)
    assert counts == [2, 2, 0]
    assert [package.market_version for package in packages] == [1, 2, None]


def test_what_was_accepted_leaves_though_the_block_raises(simulate: Any, market_file: Any) -> None:
    def steps(strategy: Any, market: Any) -> Any:
        with market.transaction() as t:
            t.place_order(strategy.order(market))
            raise LookupError
        yield

    client = SimulatedClient(execution_cls=Keeps)
    framework = simulate(market_file(), Acts(steps), client=client)
    assert kinds(client.execution.packages)[0] == ("Place", 1)
    assert framework.faults.total >= 1


def test_package_carries_what_the_transaction_was_told(act: Any) -> None:
    def steps(strategy: Any, market: Any) -> Any:
        with market.transaction(async_place_orders=True, customer_strategy_ref="mine") as t:
            t.place_order(strategy.order(market), market_version=7)
        market.place_order(strategy.order(market))
        yield

    framework, (told, default) = act(steps)
    assert (told.is_async, told.customer_strategy_ref, told.market_version) == (True, "mine", 7)
    assert (default.is_async, default.customer_strategy_ref) == (False, framework.settings.hostname[:15])
    assert told.orders[0].async_ is True
    assert told.created_ms == told.orders[0].created_ms


def test_refused_placing_leaves_no_trace_but_the_refusal(act: Any) -> None:
    orders: list[Any] = []

    def steps(strategy: Any, market: Any) -> Any:
        orders.append(strategy.order(market, size=20.0))
        assert market.place_order(orders[0]) is False
        yield

    framework, packages = act(steps, max_order_exposure=10)
    (order,) = orders
    (market,) = framework.markets
    assert packages == [] and order.id not in market.blotter
    assert order.status is OrderStatus.VIOLATION and order.refusal is framework.refusals[0]
    assert framework.refusals[0].package_type is OrderPackageType.PLACE
    assert not order.trade.strategy.get_runner_context(*order.lookup).trades


def test_refused_change_leaves_the_order_as_it_was(act: Any) -> None:
    class Never(TradingControl):
        def _validate(self, order: Any, package_type: OrderPackageType) -> None:
            if package_type is not OrderPackageType.PLACE:
                self._on_error(order, "not today", what=1)

    orders: list[Any] = []
    verdicts: list[bool] = []

    def steps(strategy: Any, market: Any) -> Any:
        order = strategy.order(market)
        orders.append(order)
        market.flumine.add_trading_control(Never)
        market.place_order(order)
        yield
        before = (order.status, order.order_type, dict(order.update_data), order.size_remaining)
        verdicts.append(market.cancel_order(order))
        verdicts.append(market.update_order(order, "PERSIST"))
        verdicts.append(market.replace_order(order, 990))
        assert (order.status, order.order_type, dict(order.update_data), order.size_remaining) == before
        yield

    framework, packages = act(steps)
    assert verdicts == [False] * 3 and len(packages) == 1
    assert orders[0].status is OrderStatus.EXECUTABLE and orders[0].violation_msg == "Never: not today"
    assert [refusal.numbers for refusal in framework.refusals] == [{"what": 1}] * 3


def test_forced_requests_pass_the_controls_by(act: Any) -> None:
    def steps(strategy: Any, market: Any) -> Any:
        assert market.place_order(strategy.order(market, size=20.0), force=True)
        yield

    framework, packages = act(steps, max_order_exposure=10)
    assert kinds(packages) == [("Place", 1)] and framework.refusals == []


def test_unsent_order_is_in_the_blotter_and_nowhere_else(act: Any) -> None:
    orders: list[Any] = []

    def steps(strategy: Any, market: Any) -> Any:
        orders.append(strategy.order(market))
        assert market.place_order(orders[0], execute=False)
        yield

    framework, packages = act(steps)
    (market,) = framework.markets
    assert packages == [] and orders[0].id in market.blotter


def test_requests_that_make_no_sense_raise(act: Any) -> None:
    def steps(strategy: Any, market: Any) -> Any:
        order = strategy.order(market)
        with pytest.raises(OrderError, match="client"):
            market.cancel_order(order)
        market.place_order(order)
        with pytest.raises(OrderError, match="already"):
            market.place_order(order)
        with pytest.raises(OrderUpdateError):
            market.cancel_order(order)
        stray = Trade("1.999", 1, 0, strategy).create_order("BACK", LimitOrder(2.0, 2.0))
        with pytest.raises(OrderError, match=r"1\.999"):
            market.place_order(stray)
        yield
        other = SimulatedClient(username="other")
        with market.transaction(client=other) as t, pytest.raises(OrderError, match="other"):
            t.cancel_order(order)
        elsewhere = Market(market.flumine, "1.999", market.market_book)
        for ask, more in ((elsewhere.cancel_order, ()), (elsewhere.update_order, ("PERSIST",))):
            with pytest.raises(OrderError, match=rf"is of market {market.market_id}, the transaction of 1\.999"):
                ask(order, *more)
        with pytest.raises(OrderError, match=r"the transaction of 1\.999"):
            elsewhere.replace_order(order, 2.0)
        yield

    _, packages = act(steps)
    assert kinds(packages) == [("Place", 1)]


def test_reports_of_changes_move_the_order(act: Any) -> None:
    orders: list[Any] = []

    def steps(strategy: Any, market: Any) -> Any:
        execution = market.flumine.clients.get_default().execution
        order = strategy.order(market)
        orders.append(order)
        market.place_order(order)
        assert order.status is OrderStatus.PENDING
        yield
        assert order.status is OrderStatus.EXECUTABLE
        market.update_order(order, "PERSIST")
        assert order.status is OrderStatus.UPDATING
        yield
        assert order.status is OrderStatus.EXECUTABLE and order.order_type.persistence_type == "LAPSE"
        execution.is_failing = True
        market.cancel_order(order)
        assert order.status is OrderStatus.CANCELLING
        yield
        assert order.status is OrderStatus.EXECUTABLE
        execution.is_failing = False
        market.cancel_order(order)
        yield
        assert order.status is OrderStatus.EXECUTION_COMPLETE

    framework, _ = act(steps)
    (market,) = framework.markets
    assert orders[0].size_remaining == 0
    assert not market.blotter.has_live_orders
    assert framework.clients.get_default().transaction_count_total == 3


def test_notes_tell_the_market_at_the_time_of_the_request(act: Any) -> None:
    def steps(strategy: Any, market: Any) -> Any:
        order = strategy.order(market)
        market.place_order(order)
        runner = market.market_book.runner(order.selection_id)
        back, lay, last = order.market_notes.split(",")
        assert back == str(runner.ex.available_to_back[0].price)
        assert lay == str(runner.ex.available_to_lay[0].price)
        assert last == str(runner.last_price_traded)
        assert order.trade.market_notes == order.market_notes
        yield

    framework, _ = act(steps)
    assert framework.faults.counts == {}
