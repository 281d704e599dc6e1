"""Every status against every trigger, and every chain of triggers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flumine_core.errors import InvalidTransition, OrderError
from flumine_core.order.states import (
    COMPLETE_STATUS,
    LIVE_STATUS,
    ORDER_TRANSITIONS,
    OrderStatus,
    TradeStatus,
    Trigger,
)

PENDING, EXECUTABLE = OrderStatus.PENDING, OrderStatus.EXECUTABLE
UNKNOWN, DONE, REFUSED = OrderStatus.UNKNOWN, OrderStatus.EXECUTION_COMPLETE, OrderStatus.VIOLATION
WAITING = (OrderStatus.CANCELLING, OrderStatus.UPDATING, OrderStatus.REPLACING)

# which statuses each trigger may come from, written down a second time
ALLOWED = {
    Trigger.PLACING: {None: PENDING, REFUSED: PENDING},
    Trigger.VIOLATION: {None: REFUSED, REFUSED: REFUSED, PENDING: REFUSED},
    Trigger.EXECUTABLE: dict.fromkeys((PENDING, *WAITING, UNKNOWN, DONE), EXECUTABLE),
    Trigger.EXECUTION_COMPLETE: dict.fromkeys((PENDING, EXECUTABLE, *WAITING, UNKNOWN, DONE), DONE),
    Trigger.UNKNOWN: dict.fromkeys((PENDING, *WAITING), UNKNOWN),
    Trigger.CANCELLING: {EXECUTABLE: OrderStatus.CANCELLING},
    Trigger.UPDATING: {EXECUTABLE: OrderStatus.UPDATING},
    Trigger.REPLACING: {EXECUTABLE: OrderStatus.REPLACING},
}


def fire(order, trigger):
    if trigger is Trigger.VIOLATION:
        order.violation("no")
    else:
        getattr(order, trigger.value)()


@pytest.mark.parametrize("trigger", list(Trigger))
@pytest.mark.parametrize("status", [None, *OrderStatus])
def test_full_product(strategy, status, trigger):
    order = strategy.order()
    order.status = status
    order.complete = status in COMPLETE_STATUS
    expected = ALLOWED[trigger].get(status)
    if expected is None:
        assert (status, trigger) not in ORDER_TRANSITIONS
        with pytest.raises(InvalidTransition) as caught:
            fire(order, trigger)
        text = str(caught.value)
        assert order.id in text and trigger.value in text and str(status.value if status else None) in text
        assert isinstance(caught.value, OrderError)
        assert (order.status, order.status_log) == (status, [])
    else:
        fire(order, trigger)
        assert ORDER_TRANSITIONS[status, trigger] is order.status is expected
        assert order.status_log == [expected]
        assert order.complete is (expected in COMPLETE_STATUS)


def test_statuses_are_live_or_complete():
    assert set(OrderStatus) == LIVE_STATUS | COMPLETE_STATUS
    assert not LIVE_STATUS & COMPLETE_STATUS


@given(triggers=st.lists(st.sampled_from(list(Trigger)), max_size=25))
def test_any_chain_keeps_order_and_trade_in_step(make_strategy, triggers):
    strategy = make_strategy()
    trade = strategy.trade()
    other = trade.create_order("LAY", strategy.order().order_type)
    order = trade.create_order("BACK", other.order_type)
    other.place(None, None, False)
    other.execution_complete()
    for trigger in triggers:
        before = order.status
        if (before, trigger) in ORDER_TRANSITIONS:
            fire(order, trigger)
            assert order.status is ORDER_TRANSITIONS[before, trigger]
        else:
            with pytest.raises(InvalidTransition):
                fire(order, trigger)
            assert order.status is before
        assert order.complete is (order.status in COMPLETE_STATUS)
        if order.status is not None:
            assert order.status_log[-1] is order.status
        trade.revive()
        trade.check_complete()
        assert (trade.status is TradeStatus.COMPLETE) is all(each.complete for each in trade.orders)
