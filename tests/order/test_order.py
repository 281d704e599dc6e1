"""What may be asked of an order, and what can be read off it."""

import copy
import json
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flumine_core import BetfairClient, SimulatedClient
from flumine_core.clock import EventClock
from flumine_core.errors import OrderError, OrderUpdateError
from flumine_core.order.kinds import LimitOnCloseOrder, LimitOrder, MarketOnCloseOrder
from flumine_core.order.order import Order
from flumine_core.order.report import BetTotals
from flumine_core.order.states import OrderStatus

MOC = MarketOnCloseOrder(10.0)
LOC = LimitOnCloseOrder(10.0, 3.0)


def test_a_new_order(strategy):
    order = strategy.trade(7, 1.5).create_order("BACK", LimitOrder(3.0, 10.0), notes={"a": 1, "b": "x"})
    assert order.lookup == ("1.23", 7, 1.5)
    assert (order.market_id, order.selection_id, order.handicap) == order.lookup
    assert (order.status, order.complete, order.status_log, order.bet_id) == (None, False, [], None)
    assert (order.size_remaining, order.size_matched, order.profit) == (10.0, 0.0, 0.0)
    assert order.customer_order_ref == f"0123456789abc-{order.id}"
    assert order.notes_str == "1,x"
    assert order.simulated is order
    assert (order.elapsed_seconds, order.elapsed_seconds_executable) == (None, None)


def test_the_current_order_has_the_exchanges_words(strategy):
    order = strategy.placed()
    assert (order.current_order.status, order.current_order.bet_id) == ("EXECUTABLE", "1")
    order.execution_complete()
    assert order.current_order.status == "EXECUTION_COMPLETE"
    assert copy.copy(order.current_order).size_remaining == order.size_remaining


@pytest.mark.parametrize("client", [BetfairClient(), BetfairClient(paper_trade=True), SimulatedClient()])
def test_an_order_is_simulated_where_no_money_is_at_stake(strategy, client):
    order = strategy.order()
    order.client = client
    assert bool(order.simulated) is client.is_on_paper


def test_strategies_may_hang_their_own_things_on_an_order(strategy):
    order = strategy.order()
    order.my_mark = 7
    order.trade.my_mark = 8
    assert (order.my_mark, order.trade.my_mark) == (7, 8)


def test_given_context_and_notes_are_kept_though_empty(strategy):
    context, notes = {}, {}
    order = strategy.trade().create_order("BACK", LimitOrder(3.0, 1.0), context=context, notes=notes)
    assert order.context is context and order.notes is notes


@pytest.mark.parametrize("sep", ["", "--", "/", " "])
def test_separator(strategy, sep):
    with pytest.raises(OrderError, match="separator"):
        strategy.trade().create_order("BACK", LimitOrder(3.0, 1.0), sep=sep)


def test_times(strategy):
    strategy.clock.reset(1_000_000)
    order = strategy.order()
    strategy.clock.advance(1_000_250)
    order.place(None, None, False)
    assert order.elapsed_seconds_created == 0.25
    assert order.date_time_created == datetime(1970, 1, 1, 0, 16, 40, tzinfo=UTC)
    order.placed_ms = 1_000_400
    strategy.clock.advance(1_001_000)
    order.executable()
    assert order.responses.date_time_placed == order.date_time_placed
    assert order.responses.date_time_created == order.date_time_created
    assert order.responses is order.responses
    strategy.clock.advance(1_002_400)
    assert (order.elapsed_seconds, order.elapsed_seconds_status_update) == (2.0, 1.4)
    order.execution_complete()
    assert order.date_time_execution_complete == order.date_time_status_update == strategy.clock.now()
    assert order.elapsed_seconds_executable == 2.0


def test_totals(strategy):
    order = strategy.placed()
    order.apply_totals(BetTotals(4.0, 2.98, 1.0, 0.5, 0.25))
    assert (order.size_matched, order.average_price_matched) == (4.0, 2.98)
    assert (order.size_cancelled, order.size_lapsed, order.size_voided) == (1.0, 0.5, 0.25)
    assert order.size_remaining == 4.25


@given(st.integers(1, 100_000), st.lists(st.floats(0.0, 300.0), max_size=4), st.integers(1, 8))
def test_what_remains_is_rounded_to_pennies_once(make_strategy, pennies, reductions, halvings):
    order = make_strategy().placed(kind=LimitOrder(3.0, pennies / 100))
    cancelled = sum(reductions)
    for _ in range(halvings):
        order.apply_totals(BetTotals(0.0, 0.0, cancelled, 0.0, 0.0))
        assert order.size_remaining == round(pennies / 100 - cancelled, 2)
        cancelled += order.size_remaining / 2


@pytest.mark.parametrize("kind", [MOC, LOC])
def test_nothing_remains_of_starting_price_orders(strategy, kind):
    assert strategy.order(kind=kind).size_remaining == 0.0


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (LimitOrder(3.0, None, bet_target_type="PAYOUT", bet_target_size=6.0), 2.0),
        (LimitOrder(3.0, 0.0), 0.0),
    ],
)
def test_what_remains_of_unusual_sizes(strategy, kind, expected):
    assert strategy.order(kind=kind).size_remaining == expected


def test_cancel(strategy):
    order = strategy.placed()
    order.cancel(4.0)
    assert order.status is OrderStatus.CANCELLING
    assert order.create_cancel_instruction() == {"betId": "1", "sizeReduction": 4.0}
    order.executable()
    assert order.update_data == {}
    order.cancel()
    assert order.create_cancel_instruction() == {"betId": "1", "sizeReduction": None}


@pytest.mark.parametrize("reduction", [10.01, -1.0, float("nan"), float("inf")])
def test_cancel_by_what_cannot_be(strategy, reduction):
    order = strategy.placed()
    with pytest.raises(OrderUpdateError, match="size reduction"):
        order.cancel(reduction)
    assert (order.status, order.update_data) == (OrderStatus.EXECUTABLE, {})


def test_update_leaves_the_kind_alone(strategy):
    order = strategy.placed()
    order.update("PERSIST")
    assert order.status is OrderStatus.UPDATING
    assert order.order_type.persistence_type == "LAPSE"
    assert order.create_update_instruction() == {"betId": "1", "newPersistenceType": "PERSIST"}


@pytest.mark.parametrize("persistence", ["LAPSE", "FOR_EVER", None])
def test_update_to_what_cannot_be(strategy, persistence):
    with pytest.raises(OrderUpdateError, match="persistence type"):
        strategy.placed().update(persistence)


@pytest.mark.parametrize("kind", [LimitOrder(3.0, 10.0), LOC])
def test_replace(strategy, kind):
    order = strategy.placed(kind=kind)
    with pytest.raises(OrderUpdateError, match="price must be a new one"):
        order.replace(3.0)
    order.replace(3.1)
    assert order.status is OrderStatus.REPLACING
    assert order.create_replace_instruction() == {"betId": "1", "newPrice": 3.1}


REQUESTS = {
    "cancel": lambda order: order.cancel(1.0),
    "update": lambda order: order.update("PERSIST"),
    "replace": lambda order: order.replace(4.0),
}


@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS)
def test_requests_need_an_executable_order(strategy, request_):
    order = strategy.order()
    with pytest.raises(OrderUpdateError, match="bet id"):
        request_(order)
    order.place(None, None, False)
    order.bet_id = "1"
    with pytest.raises(OrderUpdateError, match="must be Executable, was Pending"):
        request_(order)
    order.executable()
    order.execution_complete()
    with pytest.raises(OrderUpdateError, match=r"Execution complete|size reduction"):
        request_(order)
    assert order.status is OrderStatus.EXECUTION_COMPLETE


@pytest.mark.parametrize(("name", "kind"), [("cancel", LOC), ("cancel", MOC), ("update", LOC), ("replace", MOC)])
def test_requests_need_a_fitting_kind(strategy, name, kind):
    with pytest.raises(OrderUpdateError, match=r"must be LIMIT.* was (LIMIT|MARKET)_ON_CLOSE"):
        REQUESTS[name](strategy.placed(kind=kind))


def test_place_notes_its_circumstances(strategy):
    order = strategy.order()
    order.place(1_700_000_000_123, 77, True)
    assert (order.market_version, order.async_) == (77, True)
    assert order.publish_time == datetime(2023, 11, 14, 22, 13, 20, 123_000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("kind", "name", "key"),
    [
        (LimitOrder(3.0, 10.0), "LIMIT", "limitOrder"),
        (LOC, "LIMIT_ON_CLOSE", "limitOnCloseOrder"),
        (MOC, "MARKET_ON_CLOSE", "marketOnCloseOrder"),
    ],
)
def test_place_instruction(strategy, kind, name, key):
    order = strategy.order("LAY", kind, 7, 1.5)
    assert order.create_place_instruction() == {
        "customerOrderRef": order.customer_order_ref,
        "selectionId": 7,
        "side": "LAY",
        "orderType": name,
        key: kind.place_instruction(),
        "handicap": 1.5,
    }


def test_violation_may_be_mended(strategy):
    order = strategy.order()
    order.violation("because")
    assert (order.status, order.complete, order.violation_msg) == (OrderStatus.VIOLATION, True, "because")
    order.place(None, None, False)
    assert (order.status, order.complete) == (OrderStatus.PENDING, False)


def test_a_cleared_orders_profit_goes_first(strategy):
    order = strategy.placed()
    order.apply_totals(BetTotals(10.0, 3.0))
    order.runner_status = "WINNER"
    assert order.profit == 20.0
    order.cleared_order = SimpleNamespace(profit=19.5)
    assert order.profit == 19.5


def test_description_is_plain(strategy, client):
    order = strategy.placed()
    order.client = client
    described = json.loads(order.json())
    assert described["status"] == "Executable"
    assert described["status_log"] == "Pending, Executable"
    assert described["trade"]["orders"] == [order.id]
    assert described["client"] == "stub"
    assert described["info"]["size_remaining"] == 10.0
    assert str(order) == f"Order {order.id} 1: Executable"
    assert json.loads(strategy.order(kind=MOC).json())["status"] is None


def test_an_order_without_size_can_be_described(strategy):
    assert json.loads(strategy.order(kind=LimitOrder(3.0)).json())["order_type"]["size"] is None


def test_own_order_classes(strategy):
    class Mine(Order):
        pass

    order = strategy.trade().create_order("BACK", LimitOrder(3.0, 1.0), order=Mine)
    assert type(order) is Mine


def test_an_order_made_before_its_strategy_has_the_frameworks_clock_goes_by_that_one(make_strategy):
    strategy = make_strategy(clock=EventClock(9_000_000))
    order = strategy.order()
    strategy.clock = EventClock(1_000_000)
    order.place(None, None, False)
    order.placed_ms = strategy.clock.epoch_ms
    strategy.clock.advance(1_002_500)
    assert order.elapsed_seconds == order.elapsed_seconds_status_update == 2.5
