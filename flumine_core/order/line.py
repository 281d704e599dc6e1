"""Bets on a line: what they come to at each result, since two at different lines can both lose.

A BACK wins where the result is below its line, a LAY where it is above (as in flumine); all are struck at evens.
"""

from itertools import pairwise


class LineBets:
    """What bets bring at each result, summed up by line; money in any one unit."""

    __slots__ = ("_below", "_lines")

    def __init__(self) -> None:
        self._below: float = 0
        self._lines: dict[float, tuple[float, int]] = {}  # by line, what comes above it, and of how many bets

    def __bool__(self) -> bool:
        return bool(self._lines)

    def add(self, line: float, below: float, above: float, count: int = 1) -> None:
        """Count a bet, or a part of one, by what it brings below its line and above it.

        :param count: -1 takes it out again, where `below` and `above` are what it brought with the other sign.
        """
        self._below += below
        self._change(line, above - below, count)

    def _change(self, line: float, change: float, count: int) -> None:
        known, counted = self._lines.get(line, (0, 0))
        if counted + count:
            self._lines[line] = (known + change, counted + count)
        else:
            self._lines.pop(line, None)

    def add_sums(self, other: "LineBets", sign: int = 1) -> None:
        """Count all bets of another one (`sign` -1 takes them out again)."""
        self._below += sign * other._below
        for line, (change, count) in other._lines.items():
            self._change(line, sign * change, sign * count)

    def copy(self) -> "LineBets":
        """Return the same sums, to be added to."""
        copied = LineBets()
        copied._below, copied._lines = self._below, self._lines.copy()
        return copied

    def worst_between(self, first: float | None = None, last: float | None = None) -> float:
        """Return the worst at a result between two of the lines; infinity where nothing lies between.

        Results that equal a line are left out: lines are set so that none does.

        :param first, last: only results above `first` and below `last`.
        """
        worst, total = float("inf"), self._below
        for line, following in pairwise(sorted(self._lines)):
            total += self._lines[line][0]
            if (first is None or line >= first) and (last is None or following <= last):
                worst = min(worst, total)
        return worst
