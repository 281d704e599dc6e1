"""How the fair prices wander: a seeded walk of strengths before the off, and on to the result in play."""

from bisect import bisect_right
from math import sqrt

from .dice import Dice, total

_SUREST = 0.985
"""The highest chance a runner of a market that pays several places is given."""


class OddsWalk:
    """The chances of runners against each other, `paid` of them to be paid; a fair price is the inverse."""

    __slots__ = ("_active", "_home", "_paid", "_prices", "_strengths", "_winners")

    def __init__(self, strengths: list[float], winners: list[int], paid: int, prices: list[float]) -> None:
        self._home = list(strengths)
        self._strengths = list(strengths)
        self._active = [True] * len(strengths)
        self._winners = frozenset(winners)
        self._paid = paid
        self._prices = prices

    def remove(self, index: int) -> None:
        """Take a runner out; the others' chances grow."""
        self._active[index] = False

    def drift(self, dice: Dice, index: int) -> None:
        """Move one runner's strength a little, drawn back to where it came from."""
        strength = self._strengths[index]
        strength *= 1 + (dice.unit() - 0.5) * 0.05
        self._strengths[index] = strength + (self._home[index] - strength) * 0.01

    def play(self, dice: Dice, index: int, progress: float, steps: int) -> None:
        """Move one runner as play does: wild at first, with `progress` (0 to 1) ever more to the result.

        `steps` is about how often each runner will be moved.
        """
        pull = min(0.5, 16 / steps) * progress * dice.unit()
        noise = min(0.3, 4 / sqrt(steps)) * (1 - progress) * (dice.unit() - 0.5)
        strength = self._strengths[index] * (1 + noise + (pull if index in self._winners else -pull))
        self._strengths[index] = min(1e5, max(1e-5, strength))

    def jump(self, dice: Dice) -> None:
        """Move all at once, as a goal does."""
        for index in range(len(self._strengths)):
            self._strengths[index] *= dice.between(1.0, 1.8) if index in self._winners else dice.between(0.4, 1.1)

    def chances(self) -> list[float]:
        """Return each runner's chance to be paid; 0 for one that was removed."""
        shares = [strength if active else 0.0 for strength, active in zip(self._strengths, self._active, strict=True)]
        whole = total(shares)
        if self._paid == 1:
            return [share / whole for share in shares]
        chances = [0.0] * len(shares)
        left = float(self._paid)
        for index in sorted(range(len(shares)), key=lambda index: -shares[index]):
            if shares[index] > 0:
                chance = min(_SUREST, left * shares[index] / max(whole, shares[index]))
                chances[index] = max(1e-6, chance)
                left -= chance
                whole -= shares[index]
        return chances

    def centres(self) -> list[int]:
        """Return for each runner the highest position on the ladder that is not above fair; -1 for none."""
        return [bisect_right(self._prices, 1 / chance) - 1 if chance > 0 else -1 for chance in self.chances()]

    def fair(self, index: int) -> float:
        """Return a runner's fair price, within 1.01 and 1000."""
        return min(1000.0, max(1.01, 1 / max(self.chances()[index], 1e-9)))


class LineWalk:
    """The expected total of a line market, as a position on its ladder that goes to the result in play."""

    __slots__ = ("_position", "_prices", "result")

    def __init__(self, dice: Dice, prices: list[float]) -> None:
        self._prices = prices
        self._position = len(prices) * dice.between(0.3, 0.7)
        start = self._prices[int(self._position)]
        low, high = prices[0], prices[-1]
        self.result = int(min(high - 1, max(low + 1, start + (dice.unit() - 0.5) * (high - low) * 0.3)))
        """The units that came out: a whole number, which no price of the line equals."""

    def remove(self, index: int) -> None:
        """Do nothing: a line cannot be withdrawn."""

    def drift(self, dice: Dice, index: int) -> None:
        """Move the line a little."""
        self._move(self._position + (dice.unit() - 0.5) * 1.4)

    def play(self, dice: Dice, index: int, progress: float, steps: int) -> None:
        """Move the line towards the result; `steps` is about how often it will be moved."""
        goal = bisect_right(self._prices, self.result)
        self._move(self._position + (goal - self._position) * 0.1 * progress + (dice.unit() - 0.5) * 8 * (1 - progress))

    def jump(self, dice: Dice) -> None:
        """Move the line at once, as a wicket does."""
        self._move(self._position + (dice.unit() - 0.6) * 20)

    def centres(self) -> list[int]:
        """Return the position of the highest unit not above what is expected."""
        return [int(self._position)]

    def fair(self, index: int) -> float:
        """Return the units expected."""
        return self._prices[int(self._position)]

    def _move(self, position: float) -> None:
        self._position = min(len(self._prices) - 2.0, max(1.0, position))


Walk = OddsWalk | LineWalk
