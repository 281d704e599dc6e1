"""Order kinds are frozen values."""

import pytest

from flumine_core.order.kinds import LimitOnCloseOrder, LimitOrder, MarketOnCloseOrder, OrderTypes


def test_positional_use_is_the_peers():
    kind = LimitOrder(2.5, 4.0, "PERSIST", "FILL_OR_KILL", 2.0, "PAYOUT", 9.0, "FINEST")
    assert kind.place_instruction() == {
        "size": 4.0,
        "price": 2.5,
        "persistenceType": "PERSIST",
        "timeInForce": "FILL_OR_KILL",
        "minFillSize": 2.0,
        "betTargetType": "PAYOUT",
        "betTargetSize": 9.0,
    }
    assert LimitOnCloseOrder(10, 3.0).place_instruction() == {"liability": 10, "price": 3.0}
    assert MarketOnCloseOrder(10).place_instruction() == {"liability": 10}


@pytest.mark.parametrize(
    ("kind", "order_type"),
    [
        (LimitOrder(2.0, 1.0), OrderTypes.LIMIT),
        (LimitOnCloseOrder(1.0, 2.0), OrderTypes.LIMIT_ON_CLOSE),
        (MarketOnCloseOrder(1.0), OrderTypes.MARKET_ON_CLOSE),
    ],
)
def test_kinds_know_their_type_and_cannot_change(kind, order_type):
    assert kind.ORDER_TYPE is order_type
    assert kind.info["order_type"] == order_type.value
    with pytest.raises(AttributeError):
        kind.price = 3.0
    assert kind == type(kind)(**{name: getattr(kind, name) for name in kind.__struct_fields__})


@pytest.mark.parametrize(
    ("size", "target", "expected"), [(2.0, None, 2.0), (None, 5.0, 5.0), (0.0, None, 0.0), (None, None, 0.0)]
)
def test_requested_size(size, target, expected):
    assert LimitOrder(2.0, size, bet_target_size=target).requested_size == expected


@pytest.mark.parametrize(
    ("price", "target", "expected"),
    [
        (1.5, "BACKERS_PROFIT", 20.0),
        (1.01, "BACKERS_PROFIT", 1000.0),
        (4.0, "BACKERS_PROFIT", 3.33),
        (4.0, "PAYOUT", 2.5),
        (1.0, "BACKERS_PROFIT", 10.0),
        (None, "PAYOUT", 10.0),
        ("1.5", "BACKERS_PROFIT", 10.0),
    ],
)
def test_what_a_target_asks_for_is_the_stake_that_reaches_it(price, target, expected):
    assert LimitOrder(price, None, bet_target_type=target, bet_target_size=10.0).requested_size == expected
