"""Bets on a line: what they come to at each result, since two at different lines can both lose.

A BACK wins where the result is below its line, a LAY where it is above (as in flumine); all are struck at evens.
"""

from itertools import pairwise


class LineBets:
    """What bets bring at each result, summed up by line; money in any one unit."""

    __slots__ = ("_below", "_changes", "_counts")

    def __init__(self) -> None:
        self._below = 0
        self._changes: dict[float, int] = {}
        self._counts: dict[float, int] = {}

    def __bool__(self) -> bool:
        return bool(self._changes)

    def add(self, line: float, below: int, above: int, count: int = 1) -> None:
        """Count a bet, or a part of one, by what it brings below its line and above it.

        :param count: -1 takes it out again, where `below` and `above` are what it brought with the other sign.
        """
        self._below += below
        counted = self._counts.get(line, 0) + count
        if counted:
            self._counts[line] = counted
            self._changes[line] = self._changes.get(line, 0) + above - below
        else:
            self._counts.pop(line, None)
            self._changes.pop(line, None)

    def add_sums(self, other: "LineBets", sign: int = 1) -> None:
        """Count all bets of another one (`sign` -1 takes them out again)."""
        self._below += sign * other._below
        for line, change in other._changes.items():
            self.add(line, 0, sign * change, sign * other._counts[line])

    def copy(self) -> "LineBets":
        """Return the same sums, to be added to."""
        copied = LineBets()
        copied._below, copied._changes, copied._counts = self._below, self._changes.copy(), self._counts.copy()
        return copied

    def worst_between(self, first: float | None = None, last: float | None = None) -> float:
        """Return the worst at a result between two of the lines; infinity where nothing lies between.

        Results that equal a line are left out: lines are set so that none does.

        :param first, last: only results above `first` and below `last`.
        """
        worst, total = float("inf"), self._below
        for line, following in pairwise(sorted(self._changes)):
            total += self._changes[line]
            if (first is None or line >= first) and (last is None or following <= last):
                worst = min(worst, total)
        return worst
