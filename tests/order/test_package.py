"""Packages, and how requests are cut into them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flumine_core.order.kinds import LimitOrder
from flumine_core.order.package import OrderPackage, OrderPackageType, chunk_orders


def package(client, orders, package_type=OrderPackageType.PLACE):
    return OrderPackage(7, client, "1.23", tuple(orders), package_type, 1_000_000, 5, 99, "ref")


def test_instructions_of_placings_and_replacements(strategy, client):
    orders = [strategy.order() for _ in range(3)]
    for order in orders:
        order.place(None, None, False)
    orders[0].violation("stopped")
    orders[1].executable()
    made = package(client, orders)
    assert list(made) == orders[1:] and len(made) == 2
    assert made.place_instructions == [orders[2].create_place_instruction()]
    replacement = orders[1].trade.create_order_replacement(orders[1], 4.0, 2.0, 1)
    replacement.place(None, None, False)
    made.replacements.append(replacement)
    assert made.place_instructions[1] == replacement.create_place_instruction()
    assert made.date_time_created == strategy.clock.now()


def test_instructions_of_the_others(strategy, client):
    cancelled, updated, replaced, filled = (strategy.placed(bet_id=str(n)) for n in range(4))
    cancelled.cancel(1.0)
    updated.update("PERSIST")
    replaced.replace(4.0)
    filled.execution_complete()
    assert package(client, [cancelled]).cancel_instructions == [{"betId": "0", "sizeReduction": 1.0}]
    assert package(client, [updated]).update_instructions == [{"betId": "1", "newPersistenceType": "PERSIST"}]
    assert package(client, [replaced, filled]).replace_instructions == [{"betId": "2", "newPrice": 4.0}]


def test_description(strategy, client):
    order = strategy.order()
    info = package(client, [order]).info
    assert (info["orders"], info["order_count"], info["package_type"]) == ([order.id], 1, "Place")
    assert (info["client"], info["market_version"], info["customer_strategy_ref"]) == ("stub", 99, "ref")


def test_a_package_stays_as_it_is(client):
    made = package(client, [])
    with pytest.raises(AttributeError):
        made.market_id = "1.24"
    assert made and made != package(client, [])


@pytest.mark.parametrize(("count", "versions", "expected"), [(205, 2, [103, 102]), (405, 1, [200, 200, 5]), (0, 1, [])])
def test_chunks(strategy, count, versions, expected):
    orders = [(strategy.order(), (None, 1)[number % versions]) for number in range(count)]
    assert [len(chunk) for _, chunk in chunk_orders(orders, 200)] == expected


@given(st.lists(st.sampled_from([None, 1, 2])), st.integers(1, 7))
def test_chunks_lose_and_reorder_nothing(make_strategy, versions, limit):
    strategy = make_strategy()
    requests = [(strategy.order(kind=LimitOrder(2.0, 1.0)), version) for version in versions]
    chunks = chunk_orders(requests, limit)
    assert all(0 < len(chunk) <= limit for _, chunk in chunks)
    for version in dict.fromkeys(versions):
        expected = [order for order, its in requests if its == version]
        assert [order for its, chunk in chunks if its == version for order in chunk] == expected
    assert list(dict.fromkeys(version for version, _ in chunks)) == list(dict.fromkeys(versions))


def test_no_chunks_of_nothing():
    with pytest.raises(ValueError, match="limit"):
        chunk_orders([], 0)
