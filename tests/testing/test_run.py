"""A simulation in one call: orders, refusals, plugins of every kind, an execution that does as it is told."""

from datetime import UTC, datetime
from typing import Any

import pytest

from flumine_core import (
    BackgroundWorker,
    BaseStrategy,
    ClientControl,
    LoggingControl,
    Middleware,
    OrderStatus,
    TradingControl,
    hookimpl,
)
from flumine_core.errors import DataError, DiscoveryError, ExecutionError


class MaxPrice(TradingControl):
    """Refuses backs above a price."""

    def __init__(self, flumine: Any = None, most: float = 10.0) -> None:
        super().__init__(flumine)
        self.most = most

    def _validate(self, order: Any, package_type: Any) -> None:
        if order.side == "BACK" and order.order_type.price > self.most:
            self._on_error(order, f"price must be <= {self.most}, was {order.order_type.price}", most=self.most)


def test_a_control_in_under_ten_lines(run: Any, market: Any, place: Any) -> None:
    outcome = run(place(("BACK", 2.0, 5.0), ("BACK", 11.0, 5.0)), market().back(1, 2.0, 50), controls=[MaxPrice])
    assert [order.status for order in outcome.orders] == [OrderStatus.EXECUTION_COMPLETE]
    (refusal,) = outcome.refusals
    assert refusal.message == "MaxPrice: price must be <= 10.0, was 11.0"
    assert refusal.numbers == {"most": 10.0}


def test_profit_of_a_closed_market(run: Any, market: Any, place: Any) -> None:
    script = market().runners(3).back(1, 2.5, 100).win(1)
    assert run(place(("BACK", 2.5, 10.0)), script).profit == 15.0
    assert run(place(("BACK", 2.5, 10.0), selection_id=2), script).orders == []


def test_several_strategies_and_markets(run: Any, market: Any, place: Any) -> None:
    scripts = [market("1.1").back(1, 2.0, 50), market("1.2").back(1, 3.0, 50)]
    outcome = run([place(("BACK", 2.0, 5.0), name="a"), place(("LAY", 2.0, 5.0), name="b")], scripts)
    placed = [(order.market_id, order.trade.strategy.name) for order in outcome.orders]
    assert placed == [("1.1", "a"), ("1.1", "b"), ("1.2", "a"), ("1.2", "b")]
    with pytest.raises(ValueError):
        outcome.market  # noqa: B018


def test_scripts_of_one_market_are_told_apart(run: Any, market: Any, place: Any) -> None:
    with pytest.raises(DataError, match="two scripts are of market"):
        run(place(("BACK", 2.0, 5.0)), [market().back(1, 2.0, 50), market().win(1)])


def test_placing_waits_for_the_start(run: Any, market: Any, place: Any) -> None:
    strategy = place(("BACK", 2.0, 5.0), seconds_to_start=60)
    outcome = run(strategy, market().back(1, 2.0, 50).wait(545).back(1, 2.0, 51).back(1, 2.0, 52))
    (order,) = outcome.orders
    assert strategy.placed == [order]
    assert order.trade.market_id == outcome.market.market_id
    assert order.date_time_created == datetime(2026, 6, 1, 13, 59, 7, tzinfo=UTC)


def test_plugins_of_every_kind_take_part(run: Any, market: Any, place: Any) -> None:
    called = []

    class Counting(ClientControl):
        def accept(self, order: Any, package_type: Any) -> None:
            called.append("client control")

        def check(self, order: Any, package_type: Any) -> None:
            return None

    class Marking(Middleware):
        def add_market(self, market: Any) -> None:
            called.append("middleware")

    class Ending(LoggingControl):
        def process_end_flumine(self, event: Any) -> None:
            called.append("logging control")

    class Starting:
        @hookimpl
        def flumine_start(self, framework: Any) -> None:
            called.append("hook")

    worker = BackgroundWorker(None, called.append, ("worker",))
    run(
        place(("BACK", 2.0, 5.0)),
        market().back(1, 2.0, 50),
        client_controls=[Counting],
        middleware=[Marking()],
        workers=[worker],
        logging_controls=[Ending()],
        hooks=[Starting(), Starting()],
    )
    assert sorted({*called, "worker"}) == ["client control", "hook", "logging control", "middleware", "worker"]
    assert called.count("hook") == 2


def test_what_raises_is_raised_or_counted(run: Any, market: Any) -> None:
    class Breaking(BaseStrategy):
        def check_market_book(self, market: Any, market_book: Any) -> bool:
            raise KeyError("broken")

    with pytest.raises(KeyError, match="broken"):
        run(Breaking(), market())
    outcome = run(Breaking(), market(), settings={"raise_errors": False})
    assert outcome.faults == {("Breaking", "strategy.check_market_book"): 2}


def test_what_a_thread_raises_is_raised_at_the_end(run: Any, market: Any) -> None:
    class Breaking(LoggingControl):
        def process_market(self, event: Any) -> None:
            raise KeyError("broken")

    with pytest.raises(ExecutionError, match="Breaking raised in process_market: KeyError: 'broken'"):
        run(BaseStrategy(), market(), logging_controls=[Breaking()])
    outcome = run(BaseStrategy(), market(), logging_controls=[Breaking()], settings={"raise_errors": False})
    assert outcome.faults == {("Breaking", "process_market"): 1}


def test_a_misspelt_hook_is_refused(run: Any, market: Any) -> None:
    class Misspelt:
        @hookimpl
        def flumine_proces_market_books(self, market: Any) -> None: ...

    with pytest.raises(DiscoveryError, match="Misspelt: there is no hook 'flumine_proces_market_books', did you mean"):
        run(BaseStrategy(), market(), hooks=[Misspelt()])


def test_an_execution_that_does_as_it_is_told(run: Any, market: Any, place: Any, recording_execution: Any) -> None:
    execution = recording_execution
    seen = []

    class Driven(place):  # type: ignore[misc]
        def process_orders(self, market: Any, orders: Any) -> None:
            (order,) = orders
            seen.append((order.status.value, order.size_matched))
            if order.status is OrderStatus.PENDING:
                execution.accept(order)
            elif order.status is OrderStatus.EXECUTABLE and not order.size_matched:
                execution.match(order, 2.0, 2.1)
            elif order.status is OrderStatus.EXECUTABLE and len(execution.packages) == 1:
                self.cancel_order(market, order)
                execution.cancel(order, 3.0)

    script = market()
    for size in range(1, 8):
        script = script.back(1, 2.0, size)
    outcome = run(Driven(("BACK", 2.0, 5.0)), script, execution=execution)
    assert seen[:4] == [("Pending", 0), ("Executable", 0), ("Executable", 2), ("Execution complete", 2)]
    (order,) = outcome.orders
    assert (order.bet_id, order.average_price_matched, order.size_cancelled) == ("1", 2.1, 3.0)
    assert execution.requests == [("Place", order), ("Cancel", order)]
    assert execution.orders == [order, order]


def test_an_exchange_that_refuses(run: Any, market: Any, place: Any, recording_execution: Any) -> None:
    class Refused(place):  # type: ignore[misc]
        def process_orders(self, market: Any, orders: Any) -> None:
            if orders[0].status is OrderStatus.PENDING:
                recording_execution.refuse(orders[0], "BET_TAKEN_OR_LAPSED")

    outcome = run(Refused(("BACK", 2.0, 5.0)), market().back(1, 2.0, 1).back(1, 2.0, 2), execution=recording_execution)
    (order,) = outcome.orders
    assert order.status is OrderStatus.EXECUTION_COMPLETE
    assert order.size_matched == 0


def test_a_clock_that_is_set(clock: Any) -> None:
    assert clock.now() == datetime(2026, 6, 1, 13, 50, tzinfo=UTC)
    clock.tick(2.5)
    assert clock.epoch_ms == 1_780_321_802_500
    clock.set(datetime(2020, 1, 1, tzinfo=UTC))
    assert clock.now().year == 2020


def test_other_plugins_are_hidden(install: Any, only_distributions: Any) -> None:
    from flumine_core.kernel.discovery import Discovery

    install("mine", "[flumine_core]\nmine = kit_mine", kit_mine="")
    install("theirs", "[flumine_core]\ntheirs = kit_theirs", kit_theirs="")
    only_distributions("Mine")
    names = {each.name for each in Discovery().candidates()}
    assert "mine" in names and "theirs" not in names
    assert "example" in names
