"""A trade is complete when all its orders are."""

from types import SimpleNamespace

import pytest

from flumine_core.order.kinds import LimitOnCloseOrder, LimitOrder
from flumine_core.order.states import TradeStatus


def placed(trade):
    order = trade.create_order("BACK", LimitOrder(3.0, 1.0))
    order.place(None, None, False)
    return order


def completed(strategy):
    return strategy.get_runner_context("1.23", 12).completed


def test_completes_with_its_last_order(strategy):
    trade = strategy.trade()
    first, second = placed(trade), placed(trade)
    first.execution_complete()
    assert (trade.status, trade.complete) == (TradeStatus.LIVE, False)
    strategy.clock.advance(2_000_000)
    second.execution_complete()
    assert (trade.status, trade.complete) == (TradeStatus.COMPLETE, True)
    assert trade.date_time_complete == strategy.clock.now()
    assert completed(strategy) == [trade.id]


def test_more_orders_to_come(strategy):
    trade = strategy.trade(pending_orders=True)
    placed(trade).execution_complete()
    assert trade.status is TradeStatus.LIVE
    trade.pending_orders = False
    trade.check_complete()
    assert trade.status is TradeStatus.COMPLETE


def test_an_order_not_yet_placed_keeps_it_open(strategy):
    trade = strategy.trade()
    trade.create_order("LAY", LimitOrder(3.0, 1.0))
    placed(trade).execution_complete()
    assert trade.status is TradeStatus.LIVE


def test_a_violation_alone_does_not_complete_it(strategy):
    trade = strategy.trade()
    trade.create_order("LAY", LimitOrder(3.0, 1.0)).violation("no")
    assert (trade.status, completed(strategy)) == (TradeStatus.LIVE, [])
    placed(trade).execution_complete()
    assert trade.status is TradeStatus.COMPLETE


def test_an_order_stopped_after_its_acceptance(strategy):
    trade = strategy.trade()
    placed(trade).violation("end of the file")
    trade.revive()
    trade.check_complete()
    assert (trade.status, completed(strategy)) == (TradeStatus.COMPLETE, [trade.id])


def test_comes_to_life_again(strategy):
    trade = strategy.trade()
    placed(trade).execution_complete()
    late = placed(trade)
    assert trade.status is TradeStatus.COMPLETE
    trade.revive()
    late.executable()
    trade.check_complete()
    assert trade.status is TradeStatus.LIVE
    late.execution_complete()
    assert trade.status_log == [TradeStatus.COMPLETE, TradeStatus.LIVE, TradeStatus.COMPLETE]
    assert completed(strategy) == [trade.id, trade.id]


def test_nothing_is_not_complete(strategy):
    trade = strategy.trade()
    trade.check_complete()
    assert (trade.status, trade.complete) == (TradeStatus.LIVE, False)


def test_complete_trade_at_will(strategy):
    trade = strategy.trade(pending_orders=True)
    trade.complete_trade()
    assert (trade.status, completed(strategy)) == (TradeStatus.COMPLETE, [trade.id])


def test_an_order_is_counted_once(strategy):
    trade = strategy.trade()
    order = placed(trade)
    trade.add_order(order)
    assert trade.orders == [order]
    order.execution_complete()
    assert trade.status is TradeStatus.COMPLETE


@pytest.mark.parametrize("ladder", ["CLASSIC", "FINEST", "LINE_RANGE"])
def test_replacement(strategy, client, ladder):
    trade = strategy.trade(handicap=1.5)
    line = SimpleNamespace(min_unit_value=0.5, max_unit_value=9.5, interval=1.0)
    kind = LimitOrder(3.5, 8.0, "PERSIST", None, 2.0, None, 4.0, ladder, line)
    order = trade.create_order("LAY", kind, sep="*", context={"a": 1}, notes={"b": 2})
    order.client = client
    new = trade.create_order_replacement(order, 4.5, 6.0, 1_500_000)
    assert new.order_type == LimitOrder(4.5, 6.0, "PERSIST", price_ladder_definition=ladder, line_range_info=line)
    assert (new.side, new.handicap, new.sep, new.client) == ("LAY", 1.5, "*", client)
    assert new.context is order.context and new.notes is order.notes
    assert (new.created_ms, new.status, new.trade) == (1_500_000, None, trade)
    assert trade.orders == [order, new]


def test_replacement_of_nothing(strategy):
    trade = strategy.trade()
    order = trade.create_order("LAY", LimitOrder(3.0, 8.0))
    assert trade.create_order_replacement(order, 4.0, 0.0, 1).size_remaining == 0.0
    on_close = trade.create_order("LAY", LimitOnCloseOrder(8.0, 3.0))
    assert trade.create_order_replacement(on_close, 4.0, 2.0, 1).order_type == LimitOrder(4.0, 2.0)


def test_description(strategy):
    trade = strategy.trade(notes={"a": 1, "b": 2}, reset_seconds=3.0)
    assert trade.elapsed_seconds is None
    order = placed(trade)
    order.placed_ms = strategy.clock.epoch_ms - 500
    assert trade.elapsed_seconds == 0.5
    assert trade.info == {
        "id": trade.id,
        "strategy": "stub",
        "place_reset_seconds": 0.0,
        "reset_seconds": 3.0,
        "orders": [order.id],
        "pending_orders": False,
        "notes": "1,2",
        "market_notes": None,
        "status": "Live",
        "status_log": "",
    }
    assert trade.date_time_complete is None
    assert trade.date_time_created == strategy.clock.now()
    assert str(trade) == f"Trade {trade.id}: Live"
