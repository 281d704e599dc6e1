"""An order and its trade refer to each other, and are collected all the same."""

import gc
import weakref

from flumine_core.order.kinds import LimitOrder


def test_an_order_and_its_trade_are_collected_once_nobody_holds_them(strategy) -> None:
    trade = strategy.trade()
    order = trade.create_order("BACK", LimitOrder(2.0, 2.0))
    order.context = {"itself": order}
    held = [weakref.ref(trade), weakref.ref(order)]
    del trade, order
    gc.collect()
    assert [each() for each in held] == [None, None]


def test_an_order_takes_attributes_of_its_users_and_of_sub_classes(strategy) -> None:
    order = strategy.order()
    order.mine = 1
    del order.mine
    assert not hasattr(order, "mine")
