"""Bets on a line: what they come to at each result, since two at different lines can both lose.

A BACK wins where the result is below its line, a LAY where it is above (as in flumine); all are struck at evens.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple


class LineBet(NamedTuple):
    """A bet, or a part of one, as what it brings below its line and above it; money in any one unit."""

    line: float
    below: float
    above: float


def worst_between(bets: Sequence[LineBet], first: float | None = None, last: float | None = None) -> float:
    """Return the worst that bets come to at a result between two of their lines; infinity where nothing lies between.

    Results that equal a line are left out: lines are set so that none does.

    :param first, last: only results above `first` and below `last`, each one of the lines.
    """
    changes: dict[float, float] = {}
    total = 0.0
    for bet in bets:
        total += bet.below
        changes[bet.line] = changes.get(bet.line, 0.0) + bet.above - bet.below
    worst = float("inf")
    lines = sorted(changes)
    for line, following in pairwise(lines):
        total += changes[line]
        if (first is None or line >= first) and (last is None or following <= last):
            worst = min(worst, total)
    return worst
