"""No more transactions in an hour than are wanted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flumine_core.control.client import MaxOrderCount, MaxTransactionCount
from flumine_core.order.kinds import LimitOrder
from flumine_core.order.package import OrderPackageType

PLACE, CANCEL = OrderPackageType.PLACE, OrderPackageType.CANCEL
UPDATE, REPLACE = OrderPackageType.UPDATE, OrderPackageType.REPLACE
HOUR = 3_600_000


def burst(house, count):
    return [order for order in (house.order("BACK", LimitOrder(3.0, 1.0)) for _ in range(count)) if house.place(order)]


@pytest.fixture
def busy(make_house):
    return make_house(order=None, selection=None)


def test_a_burst_stops_at_the_limit(busy):
    accepted = burst(busy, 1_005)
    assert len(accepted) == 1_000
    refused = busy.order()
    assert not busy.place(refused)
    assert refused.refusal.control == "MaxOrderCount"
    assert refused.refusal.numbers == {"transaction_limit": 1000, "counted": 0, "pending": 1000}
    for order in accepted:
        busy.answer(order)
    assert (busy.max_count.current_transaction_count_total, busy.max_count.pending_transaction_count) == (
        1000,
        0,
    )
    assert burst(busy, 1) == []


def test_a_new_hour(busy):
    for order in burst(busy, 600):
        busy.answer(order)
    waiting = burst(busy, 400)
    assert burst(busy, 1) == []
    busy.clock.advance(busy.clock.epoch_ms + HOUR)
    control = busy.max_count
    assert (control.current_transaction_count, control.pending_transaction_count) == (0, 400)
    assert len(burst(busy, 1_000)) == 600
    for order in waiting:
        busy.answer(order)
    assert (control.current_transaction_count, control.transaction_count_total) == (400, 1000)
    busy.clock.reset(0)
    assert control.current_transaction_count_total == 0


def test_failed_requests_count(busy):
    busy.max_count.add_transaction(998, failed=True)
    assert len(burst(busy, 5)) == 2
    assert busy.max_count.failed_transaction_count == busy.max_count.current_failed_transaction_count == 998
    assert busy.max_count.current_transaction_count == 0


def test_cancels_always_pass_and_reserve_nothing(busy):
    orders = burst(busy, 1_000)
    assert busy.max_count.check(orders[0], CANCEL) is None
    busy.max_count.accept(orders[0], CANCEL)
    busy.max_count.accept(orders[0], UPDATE)
    assert busy.max_count.pending_transaction_count == 1_000
    assert busy.max_count.check(orders[0], UPDATE) is not None
    assert busy.max_count.check(orders[0], REPLACE) is not None


def test_replaces_reserve_too(busy):
    order = busy.resting()
    assert busy.max_count.current_transaction_count == 1
    assert busy.replace(order, 4.0)
    assert busy.max_count.pending_transaction_count == 1
    busy.max_count.add_transaction(1)
    assert busy.max_count.pending_transaction_count == 0


def test_a_failed_replace_gives_its_reservation_back(busy):
    order = busy.resting()
    busy.replace(order, 4.0)
    busy.max_count.add_transaction(1, failed=True)
    busy.max_count.release(order, REPLACE)
    assert busy.max_count.pending_transaction_count == 0
    assert busy.max_count.current_transaction_count_total == 2


@pytest.mark.parametrize("package_type", [PLACE, REPLACE])
def test_what_was_stopped_gives_its_reservation_back(busy, package_type):
    orders = burst(busy, 1_000)
    busy.max_count.release(orders[0], CANCEL)
    assert burst(busy, 1) == []
    busy.max_count.release(orders[0], package_type)
    assert len(burst(busy, 2)) == 1


def test_off(make_house):
    house = make_house(transaction_limit=None, order=None, selection=None)
    assert house.max_count.safe
    assert len(burst(house, 1_200)) == 1_200


def test_the_limit_is_the_clients_unless_given(busy):
    assert MaxOrderCount(busy, busy.client).transaction_limit == 1_000
    assert MaxOrderCount(busy, busy.client, transaction_limit=5).transaction_limit == 5
    assert MaxOrderCount(busy, busy.client, 5).transaction_limit == 5
    unbound = MaxOrderCount(transaction_limit=7)
    assert unbound.transaction_limit == 7 and unbound.current_transaction_count_total == 0
    unbound.bind(busy, busy.client)
    assert unbound.client is busy.client
    assert MaxTransactionCount is MaxOrderCount


@given(
    st.integers(1, 12),
    st.lists(st.one_of(st.sampled_from(["place", "answer", "stop", "fail"]), st.integers(0, HOUR)), max_size=80),
)
def test_asked_and_answered_never_exceed_the_limit(make_house, limit, steps):
    house = make_house(transaction_limit=limit, order=None, selection=None)
    control = house.max_count
    open_orders, counted, hour = [], 0, house.clock.epoch_ms // HOUR
    for step in steps:
        if isinstance(step, int):
            house.clock.advance(house.clock.epoch_ms + step)
            if house.clock.epoch_ms // HOUR != hour:
                hour, counted = house.clock.epoch_ms // HOUR, 0
        elif step == "place":
            expected = counted + len(open_orders) < limit
            accepted = burst(house, 1)
            assert bool(accepted) is expected
            open_orders += accepted
        elif step == "fail":
            control.add_transaction(1, failed=True)
            counted += 1
        elif open_orders:
            order = open_orders.pop(0)
            if step == "answer":
                house.answer(order)
                counted += 1
            else:
                control.release(order, PLACE)
        assert control.current_transaction_count_total == counted
        assert control.pending_transaction_count == len(open_orders)
        if "fail" not in steps:
            assert counted + len(open_orders) <= limit
