"""Orders that make no sense, markets that are not open, strategies beyond their limits."""

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flumine_core.control.trading import MarketValidation, OrderValidation, StrategyExposure
from flumine_core.order.exposure import exposures_of
from flumine_core.order.kinds import LimitOnCloseOrder, LimitOrder, MarketOnCloseOrder
from flumine_core.order.package import OrderPackageType
from flumine_core.order.report import BetTotals
from flumine_core.order.states import OrderStatus

PLACE, CANCEL = OrderPackageType.PLACE, OrderPackageType.CANCEL
UPDATE, REPLACE = OrderPackageType.UPDATE, OrderPackageType.REPLACE
NAN, INFINITY = float("nan"), float("inf")
LINE = SimpleNamespace(min_unit_value=0.5, max_unit_value=400.5, interval=1.0)


def on_line(price):
    return LimitOrder(price, 10.0, price_ladder_definition="LINE_RANGE", line_range_info=LINE)


def verdict(house, control, order, package_type=PLACE):
    refusal = control(house).check(order, package_type)
    return None if refusal is None else refusal.reason


GOOD = [
    ("BACK", LimitOrder(1.01, 10.0)),
    ("LAY", LimitOrder(1000, 2)),
    ("BACK", LimitOrder(20.0, 0.5)),
    ("BACK", LimitOrder(3.0, None, bet_target_type="PAYOUT", bet_target_size=2.0)),
    ("BACK", LimitOrder(3.0, 2.0, price_ladder_definition="FINEST")),
    ("BACK", LimitOrder(3.01, 2.0, price_ladder_definition="FINEST")),
    ("BACK", on_line(180.5)),
    ("BACK", LimitOnCloseOrder(1.0, 3.0)),
    ("LAY", LimitOnCloseOrder(10.0, 3.0)),
    ("BACK", MarketOnCloseOrder(1.0)),
    ("LAY", MarketOnCloseOrder(10.0)),
    ("BACK", LimitOrder(3.0, 2.0, "MARKET_ON_CLOSE")),
    ("BACK", LimitOrder(3.0, 2.0, None, time_in_force="FILL_OR_KILL")),
    ("BACK", LimitOrder(3.0, 2.0, None, time_in_force="FILL_OR_KILL", min_fill_size=2.0)),
]
BAD = [
    ("back", LimitOrder(3.0, 2.0), "side must be BACK or LAY, was back"),
    ("BACK", LimitOrder(3.0), "size must be given, was None"),
    ("BACK", LimitOrder(3.0, 0), "size must be given, was 0"),
    ("BACK", LimitOrder(3.0, -1.0), "size must be above 0, was -1.0"),
    ("BACK", LimitOrder(3.0, 2.001), "size must have at most two decimals, was 2.001"),
    ("BACK", LimitOrder(3.0, NAN), "size must be a number, was nan"),
    ("BACK", LimitOrder(3.0, INFINITY), "size must be a number, was inf"),
    ("BACK", LimitOrder(3.0, "2"), "size must be a number, was '2'"),
    ("BACK", LimitOrder(3.0, True), "size must be a number, was True"),
    ("BACK", LimitOrder(None, 2.0), "price must be given, was None"),
    ("BACK", LimitOrder(NAN, 2.0), "price must be a number, was nan"),
    ("BACK", LimitOrder("3.0", 2.0), "price must be a number, was '3.0'"),
    ("BACK", LimitOrder(True, 2.0), "price must be a number, was True"),
    ("BACK", LimitOrder(1.015, 2.0), "price must be on the CLASSIC ladder, was 1.015"),
    ("BACK", LimitOrder(1001, 2.0), "price must be on the CLASSIC ladder, was 1001"),
    (
        "BACK",
        LimitOrder(3.001, 2.0, price_ladder_definition="FINEST"),
        "price must be on the FINEST ladder, was 3.001",
    ),
    ("BACK", on_line(180.0), "price must be on the LINE_RANGE ladder, was 180.0"),
    (
        "BACK",
        LimitOrder(1.5, 2.0, price_ladder_definition="LINE_RANGE"),
        "line_range_info must be given with the ladder LINE_RANGE, was None",
    ),
    (
        "BACK",
        LimitOrder(19.5, 0.5),
        "size must be at least 1, or price times size at least 10, was 0.5 at 19.5",
    ),
    ("BACK", LimitOnCloseOrder(0.5, 3.0), "liability of a BACK must be at least 1, was 0.5"),
    ("LAY", LimitOnCloseOrder(9.99, 3.0), "liability of a LAY must be at least 10, was 9.99"),
    ("LAY", LimitOnCloseOrder(10.0, 3.01), "price must be on the CLASSIC ladder, was 3.01"),
    ("BACK", MarketOnCloseOrder(0.99), "liability of a BACK must be at least 1, was 0.99"),
    ("LAY", MarketOnCloseOrder(9.0), "liability of a LAY must be at least 10, was 9.0"),
    ("BACK", MarketOnCloseOrder(None), "liability must be given, was None"),
    ("BACK", MarketOnCloseOrder(-5.0), "liability must be above 0, was -5.0"),
    ("BACK", MarketOnCloseOrder(2.005), "liability must have at most two decimals, was 2.005"),
    (
        "BACK",
        LimitOrder(3.0, 2.0, "PERSISTS"),
        "persistence_type must be LAPSE or MARKET_ON_CLOSE or PERSIST or None, was 'PERSISTS'",
    ),
    (
        "BACK",
        LimitOrder(3.0, 2.0, time_in_force="FILL_AND_KILL"),
        "time_in_force must be FILL_OR_KILL or None, was 'FILL_AND_KILL'",
    ),
    (
        "BACK",
        LimitOrder(3.0, 2.0, time_in_force="FILL_OR_KILL", min_fill_size="1"),
        "min_fill_size must be a number, was '1'",
    ),
    (
        "BACK",
        LimitOrder(3.0, 2.0, time_in_force="FILL_OR_KILL", min_fill_size=-1.0),
        "min_fill_size must be above 0, was -1.0",
    ),
    (
        "BACK",
        LimitOrder(2.345, 2.0, price_ladder_definition="CLASIC"),
        "price_ladder_definition must be one of CLASSIC, FINEST, LINE_RANGE, was 'CLASIC'",
    ),
    ("BACK", "limit", "order kind must be limit, limit on close or market on close, was str"),
]


@pytest.mark.parametrize(("side", "kind"), GOOD)
def test_sensible_orders(house, side, kind):
    assert verdict(house, OrderValidation, house.order(side, kind)) is None


@pytest.mark.parametrize(("side", "kind", "reason"), BAD)
def test_senseless_orders(house, side, kind, reason):
    order = house.order("BACK", LimitOrder(3.0, 2.0))
    order.side, order.order_type = side, kind
    assert verdict(house, OrderValidation, order).startswith(reason)
    assert verdict(house, OrderValidation, order, CANCEL) is None
    assert verdict(house, OrderValidation, order, UPDATE) is None


def test_a_ladder_of_another_venue_has_every_price(house):
    house.client.venue = SimpleNamespace(ladders={"ANOTHER"})
    order = house.order("BACK", LimitOrder(1.234, 2.0, price_ladder_definition="ANOTHER"))
    assert verdict(house, OrderValidation, order) is None


def test_minimum_stakes_may_be_switched_off(house):
    house.client.min_bet_validation = False
    assert verdict(house, OrderValidation, house.order("BACK", LimitOrder(3.0, 0.01))) is None
    assert verdict(house, OrderValidation, house.order("LAY", MarketOnCloseOrder(0.01))) is None


def test_minimum_stakes_may_be_unknown(house):
    house.client.min_bet_size = house.client.min_bsp_liability = None
    assert verdict(house, OrderValidation, house.order("BACK", LimitOrder(3.0, 0.01))) is None
    assert verdict(house, OrderValidation, house.order("LAY", MarketOnCloseOrder(0.01))) is None


@pytest.mark.parametrize("kind", [LimitOrder(3.0, 10.0), MarketOnCloseOrder(10.0)])
def test_an_order_needs_a_client(house, kind):
    order = house.order("BACK", kind)
    order.client = None
    assert verdict(house, OrderValidation, order) == "order must have a client, had none"


@pytest.mark.parametrize(
    ("kind", "new_price", "reason"),
    [
        (LimitOrder(3.0, 0.01), 3.05, None),
        (LimitOrder(3.0, 0.01), 3.01, "price must be on the CLASSIC ladder, was 3.01"),
        (LimitOrder(3.0, 0.01), NAN, "price must be a number, was nan"),
        (on_line(180.5), 181.0, "price must be on the LINE_RANGE ladder, was 181.0"),
        (LimitOnCloseOrder(0.01, 3.0), 3.01, "price must be on the CLASSIC ladder, was 3.01"),
        (MarketOnCloseOrder(0.01), 3.01, None),
    ],
)
def test_a_replace_is_looked_at_in_its_new_price(house, kind, new_price, reason):
    order = house.order("BACK", kind)
    order.update_data["new_price"] = new_price
    assert verdict(house, OrderValidation, order, REPLACE) == reason


@given(
    st.one_of(st.none(), st.floats(), st.integers(-5, 2000), st.booleans(), st.text(max_size=2)),
    st.one_of(st.none(), st.floats(), st.integers(-5, 2000), st.booleans(), st.text(max_size=2)),
)
def test_whatever_is_asked_a_verdict_comes(make_house, price, size):
    house = make_house()
    reason = verdict(house, OrderValidation, house.order("BACK", LimitOrder(price, size)))
    if reason is None:
        assert 1.01 <= price <= 1000 and size > 0 and round(size, 2) == size


@pytest.mark.parametrize("package_type", list(OrderPackageType))
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda house: None, None),
        (lambda house: house.markets.markets.clear(), "market must be known, was 1.23"),
        (lambda house: setattr(house.market, "latest_book", None), "market must have a book, had none"),
        (lambda house: setattr(house.book, "status", "SUSPENDED"), "market must be OPEN, was SUSPENDED"),
        (lambda house: setattr(house.book, "status", None), "market must be OPEN, was None"),
    ],
)
def test_market_validation(house, change, reason, package_type):
    order = house.order()
    change(house)
    assert verdict(house, MarketValidation, order, package_type) == reason


# strategy exposure


def test_the_strategy_is_asked_once_an_order(house):
    order = house.order()
    assert house.place(order)
    assert house.strategy.validated == [order]
    house.answer(order)
    for package_type in (CANCEL, UPDATE, REPLACE):
        assert verdict(house, StrategyExposure, order, package_type) is None
    assert house.strategy.validated == [order]


@pytest.mark.parametrize(
    ("reason", "expected"), [("not now", "not now"), (None, "strategy.validate_order returned False")]
)
def test_the_strategy_says_no(house, reason, expected):
    house.strategy.verdict, house.strategy.reason = False, reason
    order = house.order()
    order.violation_msg = "of an earlier time"
    assert not house.place(order)
    assert (order.refusal.control, order.refusal.reason) == ("StrategyExposure", expected)
    assert order.status is OrderStatus.VIOLATION


def test_only_false_is_no(house):
    house.strategy.verdict = None
    assert house.place(house.order())


@pytest.mark.parametrize(
    ("side", "kind", "is_accepted"),
    [
        ("BACK", LimitOrder(3.0, 10.0), True),
        ("BACK", LimitOrder(3.0, 10.01), False),
        ("LAY", LimitOrder(2.0, 10.0), True),
        ("LAY", LimitOrder(2.02, 10.0), False),
        ("LAY", on_line(180.5), True),
        ("BACK", LimitOrder(3.0, None, bet_target_size=11.0), False),
        ("BACK", LimitOrder(2.0, None, bet_target_type="BACKERS_PROFIT", bet_target_size=10.0), True),
        ("BACK", LimitOrder(1.5, None, bet_target_type="BACKERS_PROFIT", bet_target_size=10.0), False),
        ("LAY", LimitOrder(1.1, None, bet_target_type="BACKERS_PROFIT", bet_target_size=11.0), False),
        ("LAY", LimitOrder(11.0, None, bet_target_type="PAYOUT", bet_target_size=11.0), True),
        ("BACK", LimitOnCloseOrder(10.0, 3.0), True),
        ("LAY", LimitOnCloseOrder(10.01, 3.0), False),
        ("LAY", MarketOnCloseOrder(10.01), False),
    ],
)
def test_order_exposure(house, side, kind, is_accepted):
    reason = verdict(house, StrategyExposure, house.order(side, kind))
    assert (reason is None) is is_accepted
    house.strategy.max_order_exposure = None
    assert verdict(house, StrategyExposure, house.order(side, kind)) is None


def test_a_stake_beyond_all_numbers_is_beyond_the_limit(house):
    refusal = StrategyExposure(house).check(house.order("LAY", LimitOrder(3.0, 1e305)), PLACE)
    assert refusal.numbers == {"exposure": 2e305, "max_order_exposure": 10}


def test_refusal_names_the_numbers(house):
    refusal = StrategyExposure(house).check(house.order("LAY", LimitOrder(3.0, 10.0)), PLACE)
    assert refusal.reason == "order exposure must be at most max_order_exposure 10, was 20.00"
    assert refusal.numbers == {"exposure": 20.0, "max_order_exposure": 10}


@pytest.mark.parametrize("side", ["BACK", "LAY"])
def test_orders_in_flight_count(make_house, side):
    house = make_house(selection=10)
    orders = [house.order(side, LimitOrder(2.0, 10.0)) for _ in range(5)]
    assert [house.place(order) for order in orders] == [True, False, False, False, False]
    assert {order.refusal.control for order in orders[1:]} == {"StrategyExposure"}
    assert orders[1].refusal.numbers == {"exposure": 20.0, "max_selection_exposure": 10}
    house.answer(orders[0])
    assert not house.place(house.order(side, LimitOrder(2.0, 10.0)))
    assert house.place(house.order(side, LimitOrder(2.0, 10.0), selection_id=13))


def test_a_refused_order_does_not_count(make_house):
    house = make_house(selection=10, order=None)
    assert not house.place(house.order("BACK", LimitOrder(3.0, 10.01)))
    assert house.place(house.order("BACK", LimitOrder(3.0, 10.0)))


def test_the_other_side_gives_room(make_house):
    house = make_house(selection=10)
    back = house.resting("BACK", LimitOrder(3.0, 10.0))
    back.apply_totals(BetTotals(10.0, 3.0))
    back.execution_complete()
    house.market.blotter.complete_order(back)
    assert not house.place(house.order("BACK", LimitOrder(3.0, 1.0)))
    house.strategy.max_order_exposure = None
    assert house.place(house.order("LAY", LimitOrder(2.5, 20.0)))
    assert not house.place(house.order("LAY", LimitOrder(3.0, 0.5)))


def test_market_exposure(make_house):
    house = make_house(order=None, selection=None, market=15)
    assert house.place(house.order("LAY", LimitOrder(2.0, 10.0), 1))
    assert house.place(house.order("LAY", LimitOrder(2.5, 10.0), 2))
    refused = house.order("BACK", LimitOrder(2.0, 10.0), 3)
    assert not house.place(refused)
    assert refused.refusal.numbers == {"exposure": 25.0, "max_market_exposure": 15}
    house.strategy.max_market_exposure = None
    assert house.place(house.order("BACK", LimitOrder(2.0, 100.0), 3))


def test_market_exposure_needs_a_book(make_house):
    house = make_house(market=15)
    house.market.latest_book = None
    assert verdict(house, StrategyExposure, house.order()) == "market must have a book, had none"


@pytest.mark.parametrize(
    ("limits", "new_price", "is_accepted"),
    [
        ({"order": 20}, 3.0, True),
        ({"order": 20}, 3.05, False),
        ({"order": None, "selection": 20}, 3.0, True),
        ({"order": None, "selection": 20}, 3.05, False),
        ({"order": None, "selection": None, "market": 20}, 3.0, True),
        ({"order": None, "selection": None, "market": 20}, 3.05, False),
        ({"order": None, "selection": None, "market": None}, 1000.0, True),
    ],
)
def test_a_replace_is_checked_at_its_new_price(make_house, limits, new_price, is_accepted):
    house = make_house(**limits)
    order = house.resting("LAY", LimitOrder(2.0, 10.0))
    assert house.replace(order, new_price) is is_accepted
    assert order.status is (OrderStatus.REPLACING if is_accepted else OrderStatus.EXECUTABLE)
    assert order.update_data == ({"new_price": new_price} if is_accepted else {})


def test_a_replace_counts_what_is_matched_and_what_remains(make_house):
    house = make_house(order=None, selection=19)
    order = house.resting("LAY", LimitOrder(2.0, 10.0))
    order.apply_totals(BetTotals(4.0, 2.0))
    other = house.resting("LAY", LimitOrder(2.0, 1.0))
    assert not house.replace(order, 3.5)
    assert order.refusal.numbers["exposure"] == 4.0 + 6 * 2.5 + 1.0
    other.execution_complete()
    assert house.replace(order, 3.5)


def test_a_replacement_counts_between_its_cancel_and_its_placing(make_house):
    house = make_house(selection=10)
    order = house.resting("BACK", LimitOrder(3.0, 10.0))
    assert house.replace(order, 3.5)
    assert not house.place(house.order())
    new = order.trade.create_order_replacement(order, 3.5, 10.0, 0)
    new.client = house.client
    new.place(None, None, False)
    house.market.blotter[new.id] = new
    order.apply_totals(BetTotals(size_cancelled=10.0))
    order.execution_complete()
    assert not house.place(house.order())


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["BACK", "LAY"]),
            st.sampled_from([1.5, 2.0, 3.0, 5.0]),
            st.integers(100, 1200).map(lambda value: value / 100),
            st.integers(1, 3),
        ),
        max_size=25,
    )
)
def test_no_burst_goes_beyond_the_limits(make_house, wishes):
    house = make_house(order=20, selection=30, market=45)
    for side, price, size, selection in wishes:
        order = house.order(side, LimitOrder(price, size), selection)
        if not house.place(order):
            assert order.refusal.control == "StrategyExposure"
    blotter, strategy = house.market.blotter, house.strategy
    for selection in (1, 2, 3):
        orders = blotter.strategy_selection_orders(strategy, selection)
        exposures = exposures_of(orders)
        assert min(exposures.values()) >= -30
    assert blotter.market_exposure(strategy, house.book) >= -45
