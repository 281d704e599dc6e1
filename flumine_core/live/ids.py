"""Numbers for the orders of a live run: above those of earlier runs, and no other process's."""

import secrets
from collections.abc import Callable

from ..clock import Clock
from ..order.ids import OrderIds

_EPOCH_MS = 1_577_836_800_000  # 2020-01-01
_TICK_MS = 10_000
_TAGS = 1_000_000
_BLOCK = 10_000
_DIGITS = 18
"""Eight digits of time (tens of seconds since 2020, until 2051), six by lot, four that count."""


class LiveIds(OrderIds):
    """Counts orders and trades in blocks of 10,000: a block is its time and a number drawn by lot.

    A lost journal leaves the time, which is above all earlier blocks; two processes on one account draw the same
    block once in a million times that they begin one within the same ten seconds.
    """

    def __init__(self, clock: Clock, draw: Callable[[int], int] = secrets.randbelow) -> None:
        super().__init__()
        self._clock = clock
        self._draw = draw
        self._tick = 0
        self._next = 0
        self._end = 0

    def above(self, high_water: str | None) -> None:
        """Give out only ids above `high_water`, the highest of an earlier run, from now on."""
        if high_water is not None and high_water.isdecimal():
            self._tick = max(self._tick, int(high_water) // (_TAGS * _BLOCK))
        self._next = self._end = 0

    def next_order_id(self, market_id: str) -> str:
        """Return the next order id, 18 digits as text."""
        if self._next == self._end:
            self._tick = max(self._tick + 1, (self._clock.epoch_ms - _EPOCH_MS) // _TICK_MS)
            self._next = (self._tick * _TAGS + self._draw(_TAGS)) * _BLOCK
            self._end = self._next + _BLOCK
        number, self._next = self._next, self._next + 1
        return f"{number:0{_DIGITS}d}"

    def next_trade_id(self, market_id: str) -> str:
        """Return the next trade id."""
        return self.next_order_id(market_id)
