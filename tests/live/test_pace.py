"""No second has more instructions than the exchange takes in one."""

from collections.abc import Callable, Iterator
from heapq import heappop, heappush
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flumine_core import OrderStatus
from flumine_core.live.slots import Pace

from .rig import MARKET, Rig

REQUESTS = st.lists(st.tuples(st.floats(0, 2), st.integers(1, 30), st.floats(0, 1), st.floats(0, 1)), max_size=60)


class Clock:
    """A clock and a timer in one: what is due is called when the time has come."""

    def __init__(self) -> None:
        self.now = 0.0
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._count = count()

    def call_at(self, moment: float, function: Callable[[], None]) -> None:
        heappush(self._due, (moment, next(self._count), function))

    def go_on(self, until: float) -> None:
        while self._due and self._due[0][0] <= until:
            moment, _, function = heappop(self._due)
            self.now = max(self.now, moment)
            function()
        self.now = max(self.now, until)


@given(REQUESTS, st.integers(1, 40))
def test_no_second_has_more_than_the_rate(requests: list[tuple[float, int, float, float]], rate: int) -> None:
    clock: Any = Clock()
    pace = Pace(rate, clock, lambda: clock.now)
    arrived: list[tuple[float, int]] = []
    left: list[int] = []
    for number, (gap, instructions, there, back) in enumerate(requests):

        def send(answered: Any, of: tuple[int, int, float, float] = (number, instructions, there, back)) -> None:
            left.append(of[0])
            arrived.append((clock.now + of[2], of[1]))
            clock.call_at(clock.now + of[2] + of[3], answered)

        clock.go_on(clock.now + gap)
        pace.run(instructions, send)
    clock.go_on(clock.now + 1_000)
    assert left == list(range(len(requests))) and pace.is_idle
    for moment, _ in arrived:
        second = [each for at, each in arrived if moment <= at < moment + 0.999]
        assert sum(second) <= rate or len(second) == 1


def sent_at(rate: float, sizes: list[int], answers: bool) -> list[float]:
    clock: Any = Clock()
    pace = Pace(rate, clock, lambda: clock.now)
    sent: list[float] = []

    def send(answered: Any) -> None:
        sent.append(clock.now)
        if answers:
            answered()

    for size in sizes:
        pace.run(size, send)
    clock.go_on(1_000)
    return sent


def test_a_burst_of_a_seconds_worth_leaves_at_once_and_the_rest_in_a_second() -> None:
    assert sent_at(100, [10] * 30, answers=True) == [0.0] * 10 + [1.0] * 10 + [2.0] * 10


def test_an_answer_lets_the_next_leave_a_second_later() -> None:
    clock: Any = Clock()
    pace = Pace(1, clock, lambda: clock.now)
    sent: list[float] = []

    def send(answered: Any) -> None:
        sent.append(clock.now)
        clock.call_at(clock.now + 0.25, answered)

    pace.run(1, send)
    pace.run(1, send)
    clock.go_on(10)
    assert sent == [0.0, 1.25]


def test_what_hangs_does_not_hold_up_the_rest_for_long() -> None:
    assert sent_at(100, [50] * 6, answers=False) == [0.0] * 2 + [2.0] * 2 + [4.0] * 2


def test_what_is_slower_than_one_a_second_is_kept() -> None:
    assert sent_at(0.5, [1, 1, 2, 1], answers=True) == [0.0, 2.0, 4.0, 8.0]


@pytest.fixture
def exchange() -> Iterator[Any]:
    """A local exchange that takes forty instructions in a second."""
    module = pytest.importorskip("flumine_exchange.exchange")
    settings = module.ExchangeSettings(scale=0.05, start="now", instructions_a_second=40)
    with module.LocalExchange([module.Scenario(market_id=MARKET)], settings=settings) as made:
        yield made


def test_more_orders_at_once_than_a_second_takes_are_all_placed(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(order_rate=40.0)
    orders = [rig.place() for _ in range(100)]
    rig.settled(*orders)
    assert {status for order in orders for status in order.status_log} == {OrderStatus.PENDING, OrderStatus.EXECUTABLE}
    rig.agrees()
