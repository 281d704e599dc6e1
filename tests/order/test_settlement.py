"""What bets win and lose."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flumine_core.order.settlement import dead_heat_count, settle, settle_each_way, settle_line

cents = st.integers(1, 100_000).map(lambda value: value / 100)
prices = st.integers(101, 100_000).map(lambda value: value / 100)


@pytest.mark.parametrize(
    ("status", "dead_heat", "expected"),
    [
        ("WINNER", 1, 20.0),
        ("WINNER", 2, 5.0),
        ("WINNER", 3, 0.0),
        ("WINNER", 4, -2.5),
        ("LOSER", 1, -10.0),
        ("LOSER", 2, -10.0),
        ("REMOVED", 1, 0.0),
        ("PLACED", 1, 0.0),
        ("ACTIVE", 1, 0.0),
        (None, 1, 0.0),
    ],
)
def test_ordinary(status, dead_heat, expected):
    for side in ("BACK", "LAY"):
        assert str(settle(side, 0.0, 3.0, status, dead_heat)) == "0.0"
    assert settle("BACK", 10.0, 3.0, status, dead_heat) == expected
    assert settle("LAY", 10.0, 3.0, status, dead_heat) == -expected


@pytest.mark.parametrize(
    ("status", "expected"),
    [("WINNER", 50.0), ("PLACED", 0.0), ("LOSER", -20.0), ("REMOVED", 0.0), (None, 0.0)],
)
def test_each_way(status, expected):
    assert settle_each_way("BACK", 10.0, 5.0, 4, status) == expected
    assert settle_each_way("LAY", 10.0, 5.0, 4, status) == -expected


def test_each_way_without_divisor():
    assert settle_each_way("BACK", 10.0, 5.0, None, "WINNER") == 80.0


@pytest.mark.parametrize(
    ("side", "result", "expected"),
    [
        ("BACK", 99.0, 10.0),
        ("BACK", 100.5, -10.0),
        ("BACK", 101.0, -10.0),
        ("LAY", 99.0, -10.0),
        ("LAY", 100.5, -10.0),
        ("LAY", 101.0, 10.0),
        ("BACK", None, 0.0),
        ("LAY", None, 0.0),
    ],
)
def test_line(side, result, expected):
    assert settle_line(side, 10.0, 100.5, result) == expected


@given(cents, prices, st.sampled_from(["WINNER", "LOSER", "REMOVED", None]), st.integers(1, 5))
def test_two_sides_of_a_bet_cancel_out(size, price, status, dead_heat):
    assert settle("BACK", size, price, status, dead_heat) == -settle("LAY", size, price, status, dead_heat)
    each_way = [settle_each_way(side, size, price, 4, status) for side in ("BACK", "LAY")]
    assert sum(each_way) == 0


@pytest.mark.parametrize(
    ("winners", "number_of_winners", "expected"),
    [(1, 1, 1), (2, 1, 2), (3, 1, 3), (0, 1, 1), (3, 0, 1), (4, 3, 1), (2, None, 1)],
)
def test_dead_heats_are_of_one_winner_markets(winners, number_of_winners, expected):
    assert dead_heat_count(winners, number_of_winners) == expected
