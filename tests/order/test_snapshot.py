"""A snapshot stays as the order was, and describes it as the order would have."""

import pickle

import pytest

from flumine_core.events import ClearedOrdersMetaEvent, OrderEvent, OrderStatusEvent
from flumine_core.order.kinds import LimitOnCloseOrder, LimitOrder, MarketOnCloseOrder
from flumine_core.order.report import BetTotals

KINDS = (LimitOrder(3.0, 10.0), LimitOnCloseOrder(10.0, 3.0), MarketOnCloseOrder(10.0))


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_described_like_the_order(strategy, client, kind):
    order = strategy.placed(kind=kind)
    order.client = client
    order.notes["a"] = 1
    order.trade.notes["b"] = 2
    order.apply_totals(BetTotals(4.0, 3.1, 1.0))
    order.runner_status = "WINNER"
    snapshot = order.snapshot()
    assert snapshot.info == order.info
    assert snapshot.info["profit"] == order.profit == pytest.approx(8.4)
    assert snapshot.size_remaining == order.size_remaining
    assert snapshot.elapsed_seconds_executable is None


def test_it_stays_as_it_was(strategy, client):
    order = strategy.placed()
    order.client = client
    snapshot = order.snapshot()
    before = snapshot.info
    strategy.clock.advance(strategy.clock.epoch_ms + 5_000)
    order.notes["a"] = 1
    order.trade.notes["a"] = 1
    order.apply_totals(BetTotals(10.0, 3.0))
    order.execution_complete()
    order.trade.create_order("LAY", LimitOrder(2.0, 2.0))
    assert snapshot.info == before != order.info
    assert (before["status"], order.info["status"]) == ("Executable", "Execution complete")
    assert order.snapshot().elapsed_seconds_executable == 5.0


def test_it_goes_to_another_process(strategy):
    snapshot = strategy.placed().snapshot()
    again = pickle.loads(pickle.dumps(snapshot))
    assert again == snapshot
    assert again.status_log == snapshot.status_log


def test_events_describe_a_snapshot_and_pass_on_plain_data(strategy):
    order = strategy.placed()
    for event_class in (OrderEvent, OrderStatusEvent):
        assert event_class(order.snapshot()).event == order.info
        assert event_class({"id": 1}).event == {"id": 1}
    assert ClearedOrdersMetaEvent([order.snapshot(), {"id": 1}]).event == [order.info, {"id": 1}]
