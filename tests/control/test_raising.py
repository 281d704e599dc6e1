"""A client control that raises while it keeps count loses no request and no report."""

from typing import Any

import pytest

from flumine_core import (
    BaseStrategy,
    ClientControl,
    FlumineSimulation,
    LimitOrder,
    LoggingControl,
    OrderStatus,
    SimulatedClient,
    Trade,
    TradingControl,
    hookimpl,
)
from flumine_core.errors import ClientError, ControlError
from flumine_core.testing.market import MarketScript
from flumine_core.testing.run import Outcome, run

SCRIPT = MarketScript().runners(3).ladder(1, back=[(2.0, 100)], lay=[(2.2, 100)])


class Raises(ClientControl):
    """Raises wherever the names given say so."""

    NAME = "RAISES"

    def __init__(self, *names: str) -> None:
        super().__init__()
        self.names = names

    def check(self, order: Any, package_type: Any) -> None:
        return None

    def _reach(self, name: str) -> None:
        if name in self.names:
            raise ValueError(name)

    def accept(self, order: Any, package_type: Any) -> None:
        self._reach("accept")

    def release(self, order: Any, package_type: Any) -> None:
        self._reach("release")

    def add_transaction(self, count: int, failed: bool = False) -> None:
        self._reach("add_transaction")


class PlacesAndCancels(BaseStrategy):
    """Places two orders in one transaction, and cancels each that is executable."""

    def __init__(self) -> None:
        super().__init__(max_live_trade_count=2)
        self.orders: list[Any] = []

    def check_market_book(self, market: Any, market_book: Any) -> bool:
        return market_book.status == "OPEN"

    def process_market_book(self, market: Any, market_book: Any) -> None:
        if not self.orders:
            with market.transaction() as t:
                for _ in range(2):
                    order = Trade(market.market_id, 1, 0, self).create_order("BACK", LimitOrder(2.1, 2.0))
                    self.orders.append(order)
                    t.place_order(order)

    def process_orders(self, market: Any, orders: Any) -> None:
        for order in orders:
            if order.status is OrderStatus.EXECUTABLE:
                market.cancel_order(order)


def outcome(*names: str, script: MarketScript = SCRIPT, **options: Any) -> tuple[Outcome, list[Any]]:
    strategy = PlacesAndCancels()
    controls = [Raises(*names)]
    found = run(strategy, script, client_controls=controls, settings={"raise_errors": False}, **options)
    return found, strategy.orders


@pytest.mark.parametrize("name", ["accept", "add_transaction"])
def test_orders_are_placed_and_cancelled(name: str) -> None:
    found, orders = outcome(name, script=SCRIPT.wait(1).traded(2, 3.0, 1).traded(2, 3.0, 1).traded(2, 3.0, 1))
    assert [order.status for order in orders] == [OrderStatus.EXECUTION_COMPLETE] * 2
    assert [order.size_cancelled for order in orders] == [2.0, 2.0]
    assert all(fault == ("Raises", name) for fault in found.faults)
    assert found.faults


def test_what_a_hook_stops_is_refused() -> None:
    class Stops:
        @hookimpl
        def flumine_process_order_package(self, order_package: Any) -> str:
            return "not today"

    found, orders = outcome("release", hooks=[Stops()])
    assert [order.status for order in orders] == [OrderStatus.VIOLATION] * 2
    assert len(found.refusals) == 2
    assert found.faults == {("Raises", "release"): 2}


def test_what_the_end_of_the_stream_drops_is_refused() -> None:
    found, orders = outcome("release", script=MarketScript().runners(3).wait(-0.99).win(1))
    assert [order.status for order in orders] == [OrderStatus.PENDING] * 2
    assert len(found.refusals) == 2


def test_a_step_that_raises_holds_up_no_other_package(simulate: Any, tmp_path: Any) -> None:
    class Odd(FlumineSimulation):
        is_first = True

        def _process_order_package(self, order_package: Any) -> None:
            if self.is_first:
                self.is_first = False
                raise ValueError
            super()._process_order_package(order_package)

    class PlacesTwo(PlacesAndCancels):
        def process_market_book(self, market: Any, market_book: Any) -> None:
            while len(self.orders) < 2:
                order = Trade(market.market_id, 1, 0, self).create_order("BACK", LimitOrder(2.1, 2.0))
                self.orders.append(order)
                market.place_order(order)

    strategy = PlacesTwo()
    path = str(SCRIPT.traded(2, 3.0, 1).traded(2, 3.0, 1).traded(2, 3.0, 1).write(tmp_path / "1.100000001"))
    framework = simulate(path, strategy, cls=Odd)
    assert [order.status for order in strategy.orders] == [OrderStatus.VIOLATION, OrderStatus.EXECUTION_COMPLETE]
    assert framework.faults.counts == {("Odd", "_process_order_package"): 1}


class Hears(LoggingControl):
    """Is told of trades, orders and their statuses."""

    def process_trade(self, event: Any) -> None: ...

    def process_order(self, event: Any) -> None: ...

    def process_order_status(self, event: Any) -> None: ...


@pytest.mark.parametrize("notes", ["text", ["a"], 7, {1: None}])
def test_notes_of_any_kind_stop_nothing(notes: Any) -> None:
    class Notes(PlacesAndCancels):
        def process_market_book(self, market: Any, market_book: Any) -> None:
            while len(self.orders) < 2:
                trade = Trade(market.market_id, 1, 0, self, notes)
                order = trade.create_order("BACK", LimitOrder(2.1, 2.0), notes=notes)
                self.orders.append(order)
                market.place_order(order)

    strategy = Notes()
    run(strategy, SCRIPT.traded(2, 3.0, 1).traded(2, 3.0, 1).traded(2, 3.0, 1), logging_controls=[Hears()])
    assert [order.size_cancelled for order in strategy.orders] == [2.0, 2.0]


class NoBacks(TradingControl):
    """Refuses as flumine's controls do."""

    def __call__(self, order: Any, package_type: Any) -> None:
        if order.side == "BACK":
            self._on_error(order, "no backs", side=order.side)


class NoBacksWithoutFigures(TradingControl):
    """Refuses by an error of its own making."""

    def check(self, order: Any, package_type: Any) -> None:
        raise ControlError("no backs")


class NoBacksBySuper(TradingControl):
    """Drops what its base says."""

    def __call__(self, order: Any, package_type: Any) -> None:
        super().__call__(order, package_type)

    def _validate(self, order: Any, package_type: Any) -> None:
        if order.side == "BACK":
            self._on_error(order, "no backs")


@pytest.mark.parametrize(
    ("control", "numbers"), [(NoBacks, {"side": "BACK"}), (NoBacksWithoutFigures, {}), (NoBacksBySuper, {})]
)
def test_a_control_refuses_where_it_is_called_as_well(control: type[TradingControl], numbers: dict[str, Any]) -> None:
    strategy = PlacesAndCancels()
    found = run(strategy, SCRIPT, controls=[control])
    assert found.faults == {}
    assert [(each.control, each.reason, each.numbers) for each in found.refusals] == [
        (control.__name__, "no backs", numbers)
    ] * 2
    assert [order.violation_msg for order in strategy.orders] == [f"{control.__name__}: no backs"] * 2


def test_an_instance_guards_no_second_client() -> None:
    framework = FlumineSimulation()
    clients = [SimulatedClient(username=name) for name in ("first", "second")]
    control = Raises()
    for client in clients:
        framework.add_client(client)
    framework.add_client_control(clients[0], control)
    with pytest.raises(ClientError, match="add_client_control the class, Raises, and its options"):
        framework.add_client_control(clients[1], control)
    assert control.client is clients[0]
    assert control not in clients[1].trading_controls


def test_an_instance_may_guard_its_client_in_another_run(simulate: Any, tmp_path: Any) -> None:
    path = str(SCRIPT.write(tmp_path / "1.100000001"))
    client, control = SimulatedClient(), Raises("accept")
    for _ in range(2):
        framework = simulate(
            path, PlacesAndCancels(), client=client, before=lambda f: f.add_client_control(client, control)
        )
        assert framework.faults.counts == {("Raises", "accept"): 4}
