"""Chance that falls alike everywhere: only `random()` of a seeded generator, and plain arithmetic on it."""

from collections.abc import Iterable
from random import Random


def total(numbers: Iterable[float]) -> float:
    """Return the sum, added from left to right; the built-in one rounds otherwise from Python 3.12 on."""
    result = 0.0
    for number in numbers:
        result += number
    return result


class Dice:
    """Seeded chance; the same seed gives the same numbers on every Python version and machine."""

    __slots__ = ("unit",)

    def __init__(self, seed: int) -> None:
        self.unit = Random(seed).random
        """Return a number from 0 up to, not including, 1."""

    def below(self, count: int) -> int:
        """Return a whole number from 0 up to, not including, `count`."""
        return int(self.unit() * count)

    def between(self, low: float, high: float) -> float:
        """Return a number from `low` up to `high`."""
        return low + (high - low) * self.unit()

    def chance(self, share: float) -> bool:
        """Return True in `share` (0 to 1) of all throws."""
        return self.unit() < share

    def weighted(self, weights: list[float]) -> int:
        """Return an index of `weights`, each as often as its weight says; weights of 0 never."""
        left = self.unit() * total(weights)
        chosen = 0
        for index, weight in enumerate(weights):
            if weight > 0:
                chosen = index
                left -= weight
                if left < 0:
                    break
        return chosen
