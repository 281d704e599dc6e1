"""Numbers of other libraries are placed, and told, as Python's own."""

import ctypes
import json
from decimal import Decimal
from fractions import Fraction
from numbers import Integral, Real
from typing import Any

import pytest

from flumine_core import BaseStrategy, LimitOnCloseOrder, LimitOrder, MarketOnCloseOrder, Trade
from flumine_core.order.numbers import in_plain_numbers, plain_number


class _Whole:
    """As numpy's int64: no int, but an integer by what it is registered as."""

    def __init__(self, value: int) -> None:
        self.value = value

    def __int__(self) -> int:
        return self.value

    def __hash__(self) -> int:
        return hash(self.value)

    def __eq__(self, other: object) -> bool:
        return self.value == other


class _Single:
    """As numpy's float32: no float, and less precise than what it is printed as."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __float__(self) -> float:
        return ctypes.c_float(float(self.text)).value

    def __str__(self) -> str:
        return self.text


class _Double(float):
    """As numpy's float64."""


Integral.register(_Whole)
Real.register(_Single)

Whole: Any = _Whole
Single: Any = _Single
Double: Any = _Double


@pytest.mark.parametrize(
    ("value", "plain"),
    [(2, 2), (2.5, 2.5), (Whole(2), 2), (Single("1.01"), 1.01), (Double(2.5), 2.5), (Fraction(1, 2), 0.5)],
)
def test_a_number_becomes_pythons_own(value: Any, plain: Any) -> None:
    made = plain_number(value)
    assert (made, type(made)) == (plain, type(plain))


@pytest.mark.parametrize("value", [True, None, "2", Decimal(2), [], float])
def test_what_is_no_number_stays_for_a_control_to_refuse(value: Any) -> None:
    assert plain_number(value) is value


@pytest.mark.parametrize(
    ("kind", "plain"),
    [
        (LimitOrder(Single("1.01"), Whole(2)), LimitOrder(1.01, 2)),
        (LimitOrder(1.01, None, bet_target_size=Whole(5)), LimitOrder(1.01, None, bet_target_size=5)),
        (LimitOnCloseOrder(Whole(5), Double(1.5)), LimitOnCloseOrder(5, 1.5)),
        (MarketOnCloseOrder(Double(5)), MarketOnCloseOrder(5.0)),
    ],
)
def test_an_order_kind_is_told_in_pythons_own_numbers(kind: Any, plain: Any) -> None:
    assert json.dumps(in_plain_numbers(kind).info) == json.dumps(plain.info)
    assert in_plain_numbers(plain) is plain


class Columns(BaseStrategy):
    """Takes everything from the columns of a table."""

    orders: tuple[Any, ...] = ()
    has_asked = False

    def check_market_book(self, market: Any, market_book: Any) -> bool:
        return not market_book.inplay and market_book.status == "OPEN"

    def process_market_book(self, market: Any, market_book: Any) -> None:
        runner = market_book.runners[0]
        if not self.orders:
            trade = Trade(market.market_id, Whole(runner.selection_id), Double(runner.handicap), self)
            kinds = (
                LimitOrder(Single("990"), Whole(4)),
                LimitOrder(Double(980), Double(4)),
                MarketOnCloseOrder(Whole(20)),
            )
            self.orders = tuple(trade.create_order("BACK", kind) for kind in kinds)
            self.placed = [market.place_order(order) for order in self.orders]
        elif not self.has_asked:
            self.has_asked = True
            market.cancel_order(self.orders[0], Whole(1))
            market.replace_order(self.orders[1], Whole(970))


def test_a_strategy_may_bet_out_of_a_table(simulate: Any, market_file: Any) -> None:
    strategy = Columns(max_live_trade_count=9, max_order_exposure=1000, max_selection_exposure=1000)
    framework = simulate(market_file(), strategy)
    assert (strategy.placed, dict(framework.faults.first), list(framework.refusals)) == ([True] * 3, {}, [])
    told = [order.info for market in framework.markets for order in market.blotter]
    assert json.loads(json.dumps(told)) == told
    assert [(order["order_type"].get("price"), order["info"]["size_cancelled"]) for order in told] == [
        (990.0, 1),
        (980.0, 4.0),
        (None, 0.0),
        (970, 0.0),
    ]
    assert {type(order["selection_id"]) for order in told} == {int}
