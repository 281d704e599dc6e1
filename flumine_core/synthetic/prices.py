"""One runner's unmatched and matched money, level by level, and what of it changed since the last line."""

from typing import Any

from .dice import Dice

FEWEST = 10
"""Levels a side below which a pre-off book is filled up."""

MOST = 25
"""Levels a side above which the farthest one goes."""


def number(value: float) -> float | int:
    """Return `value` as Betfair writes it: without a fraction where there is none."""
    return int(value) if value == int(value) else value


def pounds(pence: int) -> float | int:
    """Return pence as pounds, exact to the penny."""
    return pence // 100 if pence % 100 == 0 else pence / 100


class Prices:
    """The book of one runner: money by position on the ladder, in pence so that no sum can drift.

    Offers to back lie at positions up to `centre`, offers to lay above it: the book is never crossed.
    """

    __slots__ = ("_changed", "backs", "centre", "last", "lays", "liquidity", "traded", "wire")

    def __init__(self, wire: list[float | int], liquidity: float) -> None:
        self.wire = wire
        self.liquidity = liquidity
        self.centre = 0
        self.backs: dict[int, int] = {}
        self.lays: dict[int, int] = {}
        self.traded: dict[int, int] = {}
        self.last: int | None = None
        self._changed: dict[str, dict[int, int]] = {"atb": {}, "atl": {}, "trd": {}}

    @property
    def volume(self) -> int:
        """All money matched on the runner, both sides of each bet, in pence."""
        return sum(self.traded.values())

    def settle(self, dice: Dice, centre: int, fewest: int, at_most: int) -> None:
        """Move to a new `centre`: what would cross is matched or withdrawn, then new levels come.

        A side with less than `fewest` levels gets up to `at_most` new ones.
        """
        self.centre = centre
        for position in sorted(position for position in self.backs if position > centre):
            self._leave("atb", position, dice.chance(0.6))
        for position in sorted((position for position in self.lays if position <= centre), reverse=True):
            self._leave("atl", position, dice.chance(0.6))
        self._fill(dice, "atb", min(centre, len(self.wire) - 1), -1, fewest, at_most)
        self._fill(dice, "atl", max(centre + 1, 0), 1, fewest, at_most)

    def stir(self, dice: Dice) -> None:
        """Change one level: a new size, a new level, or one that goes."""
        side, sign = ("atb", -1) if dice.chance(0.5) else ("atl", 1)
        levels = self.backs if side == "atb" else self.lays
        best = self.centre if side == "atb" else self.centre + 1
        distance = int(dice.unit() * dice.unit() * 16)
        position = best + sign * distance
        if not 0 <= position < len(self.wire):
            return
        if position in levels and len(levels) > FEWEST and dice.chance(0.25):
            self._set(side, position, 0)
        else:
            self._set(side, position, self._size(dice, distance))
            if len(levels) > MOST:
                self._set(side, min(levels) if sign < 0 else max(levels), 0)

    def trade(self, dice: Dice) -> None:
        """Match a bet against the best offer of one side; the whole level goes where it takes all of it."""
        side = "atb" if dice.chance(0.5) else "atl"
        levels = self.backs if side == "atb" else self.lays
        if not levels:
            return
        position = max(levels) if side == "atb" else min(levels)
        held = levels[position]
        taken = min(held, max(1, int(held * dice.between(0.05, 1.1))))
        self._set(side, position, held - taken)
        self._match(position, taken)

    def clear(self) -> None:
        """Take every unmatched offer away, as a suspension does."""
        for position in list(self.backs):
            self._set("atb", position, 0)
        for position in list(self.lays):
            self._set("atl", position, 0)

    def void(self) -> None:
        """Take everything away, matched money too, as when the runner is withdrawn."""
        self.clear()
        for position in self.traded:
            self._changed["trd"][position] = 0
        self.traded.clear()

    def drain(self) -> dict[str, Any]:
        """Return what changed since the last call as a runner change without its id; empty if nothing did."""
        change: dict[str, Any] = {}
        for name, levels in self._changed.items():
            if levels:
                change[name] = [[self.wire[position], pounds(pence)] for position, pence in levels.items()]
        if "trd" in change:
            if self.traded and self.last is not None:
                change["ltp"] = self.wire[self.last]
            change["tv"] = pounds(self.volume)
        if change:
            self._changed = {"atb": {}, "atl": {}, "trd": {}}
        return change

    def _fill(self, dice: Dice, side: str, best: int, sign: int, fewest: int, at_most: int) -> None:
        levels = self.backs if side == "atb" else self.lays
        position = best
        added = 0
        while 0 <= position < len(self.wire) and added < at_most:
            near = abs(position - best) <= 1
            if position not in levels and (near or len(levels) < fewest) and dice.chance(0.9 if near else 0.7):
                self._set(side, position, self._size(dice, abs(position - best)))
                added += 1
            elif len(levels) >= fewest and not near:
                break
            position += sign
        while len(levels) > MOST:
            self._set(side, min(levels) if sign < 0 else max(levels), 0)

    def _leave(self, side: str, position: int, matched: bool) -> None:
        held = (self.backs if side == "atb" else self.lays)[position]
        self._set(side, position, 0)
        if matched:
            self._match(position, held)

    def _match(self, position: int, pence: int) -> None:
        total = self.traded.get(position, 0) + 2 * pence
        self.traded[position] = total
        self._changed["trd"][position] = total
        self.last = position

    def _set(self, side: str, position: int, pence: int) -> None:
        levels = self.backs if side == "atb" else self.lays
        if pence:
            levels[position] = pence
        else:
            levels.pop(position, None)
        self._changed[side][position] = pence

    def _size(self, dice: Dice, distance: int) -> int:
        share = (0.05 + dice.unit() * dice.unit()) / (1 + distance * 0.15)
        return 101 + int(self.liquidity * share * 100)
