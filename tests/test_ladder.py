"""Prices on and off the ladders, ticks, levels."""

from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flumine_core import ladder
from flumine_core.book.price import PriceSize
from flumine_core.errors import OrderError
from flumine_core.ladder import (
    CUTOFFS,
    PRICES,
    PRICES_FLOAT,
    average_price,
    get_nearest_price,
    get_price,
    get_size,
    get_sp,
    is_on_ladder,
    make_line_prices,
    price_ticks_away,
    wap,
)

LINE = SimpleNamespace(min_unit_value=0.5, max_unit_value=400.5, interval=1.0)
TENTHS = SimpleNamespace(min_unit_value=0.1, max_unit_value=20.0, interval=0.1)


def test_classic_has_350_prices():
    assert len(PRICES) == len(PRICES_FLOAT) == 350
    assert (PRICES_FLOAT[0], PRICES_FLOAT[-1]) == (1.01, 1000.0)
    assert sorted(set(PRICES_FLOAT)) == PRICES_FLOAT
    steps = {(price, round(after - price, 2)) for price, after in pairwise(PRICES_FLOAT)}
    for price, step in [(1.99, 0.01), (2.0, 0.02), (3.0, 0.05), (4.0, 0.1), (6.0, 0.2), (10.0, 0.5)]:
        assert (price, step) in steps
    for price, step in [(20.0, 1), (30.0, 2), (50.0, 5), (100.0, 10), (990.0, 10)]:
        assert (price, step) in steps


def test_finest_is_made_on_demand():
    assert len(ladder.FINEST_PRICES) == 99_900
    assert (ladder.FINEST_PRICES[0], ladder.FINEST_PRICES[-1]) == (Decimal("1.01"), Decimal(1000))
    with pytest.raises(AttributeError):
        _ = ladder.NO_SUCH_PRICES


@given(st.one_of(st.floats(0.9, 1100), st.integers(100, 100_100).map(lambda cents: cents / 100)))
def test_classic_and_finest_equal_exact_decimals(price):
    exact = Decimal(str(price))
    assert is_on_ladder(price, "CLASSIC") is (exact in set(PRICES))
    in_cents = exact * 100
    assert is_on_ladder(price, "FINEST") is (Decimal("1.01") <= exact <= 1000 and in_cents == int(in_cents))


@pytest.mark.parametrize(
    ("price", "expected"),
    [
        (1.01, True),
        (2, True),
        (1000, True),
        (1.0, False),
        (1.015, False),
        (2.01, False),
        (1001, False),
        (-2.0, False),
    ],
)
def test_classic(price, expected):
    assert is_on_ladder(price, "CLASSIC") is expected


@pytest.mark.parametrize("price", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("name", ["CLASSIC", "FINEST", "LINE_RANGE"])
def test_no_ladder_has_what_is_no_number(price, name):
    assert is_on_ladder(price, name, LINE) is False


@pytest.mark.parametrize(
    ("price", "line", "expected"),
    [
        (0.5, LINE, True),
        (400.5, LINE, True),
        (1.0, LINE, False),
        (401.5, LINE, False),
        (-0.5, LINE, False),
        (0.3, TENTHS, True),
        (0.7, TENTHS, True),
        (19.9, TENTHS, True),
        (0.35, TENTHS, False),
        (1.5, None, False),
        (1.5, SimpleNamespace(min_unit_value=0.5, max_unit_value=4.5, interval=0), False),
    ],
)
def test_line_range(price, line, expected):
    assert is_on_ladder(price, "LINE_RANGE", line) is expected


def test_line_prices_are_all_on_their_line():
    prices = make_line_prices(0.1, 20.0, 0.1)
    assert len(prices) == 200
    assert all(is_on_ladder(price, "LINE_RANGE", TENTHS) for price in prices)
    assert make_line_prices(0.5, 2.4, 1.0) == [0.5, 1.5]
    with pytest.raises(OrderError, match="interval"):
        make_line_prices(0.5, 2.5, 0)


def test_an_unknown_ladder_has_every_price():
    assert is_on_ladder(1.2345, "SOME_OTHER")


@pytest.mark.parametrize(
    ("price", "expected"),
    [
        (0.5, 1.01),
        (1.015, 1.02),
        (1.0149, 1.01),
        (2.01, 2.02),
        (2.03, 2.04),
        (3.025, 3.05),
        (25.5, 26.0),
        (995.0, 1000.0),
        (1000, 1000.0),
        (5000, 1000.0),
    ],
)
def test_nearest_price(price, expected):
    assert get_nearest_price(price) == expected


@given(st.floats(1.011, 999.9))
def test_nearest_price_is_on_the_ladder_and_nearest(price):
    nearest = get_nearest_price(price)
    assert is_on_ladder(nearest, "CLASSIC")
    exact = Decimal(str(price))
    distance = min(abs(exact - each) for each in PRICES)
    assert abs(exact - Decimal(str(nearest))) == distance


def test_nearest_price_of_other_cutoffs():
    halves = ((1000, 2),)
    assert get_nearest_price(5.3, halves) == 5.5
    exact = (Decimal("5.3") * 2).quantize(Decimal(1), ROUND_HALF_UP) / 2
    assert get_nearest_price(5.3, halves) == float(exact)
    assert get_nearest_price(5.3, tuple(CUTOFFS)) == 5.3


@pytest.mark.parametrize(
    ("price", "ticks", "expected"),
    [(1.01, 1, 1.02), (2.0, 1, 2.02), (2.0, -1, 1.99), (1.02, -5, 1.01), (990.0, 5, 1000.0), (5.0, 0, 5.0)],
)
def test_ticks_away(price, ticks, expected):
    assert price_ticks_away(price, ticks) == expected


def test_ticks_away_off_the_ladder():
    with pytest.raises(OrderError, match=r"price must be on the ladder, was 1\.015"):
        price_ticks_away(1.015, 1)
    assert price_ticks_away(0.5, 1, [0.5, 1.5]) == 1.5
    assert price_ticks_away(0.5, -1, [0.5, 1.5]) == 0.5
    with pytest.raises(OrderError):
        price_ticks_away(0.6, 1, [0.5, 1.5])


@pytest.mark.parametrize("level", [{"price": 1.5, "size": 3.0}, PriceSize(1.5, 3.0)])
def test_levels(level):
    assert (get_price([level], 0), get_size([level], 0)) == (1.5, 3.0)
    assert (get_price([level], 1), get_size([level], 1)) == (None, None)


@pytest.mark.parametrize("data", [[], None, [{}], [None], [7]])
def test_absent_levels(data):
    assert (get_price(data, 0), get_size(data, 0)) == (None, None)


@pytest.mark.parametrize(
    ("sp", "expected"),
    [
        (None, None),
        ([], None),
        (SimpleNamespace(actual_sp=None), None),
        (SimpleNamespace(actual_sp="NaN"), None),
        (SimpleNamespace(actual_sp="Infinity"), None),
        (SimpleNamespace(actual_sp=float("nan")), None),
        (SimpleNamespace(actual_sp=3.45), 3.45),
    ],
)
def test_starting_price(sp, expected):
    assert get_sp(SimpleNamespace(sp=sp)) == expected


def test_average_price():
    assert average_price([]) == (0, 0)
    assert average_price([(2.3, 0.0)]) == (0, 0)
    assert average_price([(2.3, 5.0), (2.4, 10.0)]) == (15.0, 2.37)
    assert wap([(1, 2.3, 5.0), (2, 2.4, 10.0)]) == (15.0, 2.37)
