"""Price levels and the ladders that hold them."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from math import inf
from typing import Any

from msgspec import Struct

from .change import Level, Number, Position


class PriceSize(Struct, frozen=True, gc=False, eq=False):
    """One level: `price` in decimal odds, `size` in pounds (or the account's currency).

    Reads like betfairlightweight's PriceSize (`level.price`) and like flumine's dict (`level["price"]`).
    """

    price: Number
    size: Number

    def __getitem__(self, key: str) -> Number:
        if key == "price":
            return self.price
        if key == "size":
            return self.size
        raise KeyError(key)

    def get(self, key: str, default: Any = None) -> Any:
        """Return price or size by name, else `default`."""
        return getattr(self, key) if key in ("price", "size") else default

    def keys(self) -> tuple[str, str]:
        """Return the two names, so that `dict(level)` works."""
        return ("price", "size")

    def __iter__(self) -> Iterator[str]:
        return iter(("price", "size"))

    def __eq__(self, other: object) -> bool:
        if isinstance(other, PriceSize):
            return self.price == other.price and self.size == other.size
        if isinstance(other, dict):
            return other == {"price": self.price, "size": self.size}
        try:
            return bool(self.price == other.price and self.size == other.size)  # type: ignore[attr-defined]
        except AttributeError:
            return NotImplemented

    def __hash__(self) -> int:
        return hash((self.price, self.size))


class Ladder:
    """Levels by price, best first: ascending, or descending where `sign` is -1.

    `keys` are the prices times `sign`, closed by an infinity that saves a bound check.

    `levels` is handed out; it is copied at the first change after that, so what was handed out stays as it was.
    `deltas` are changes that nobody has asked for yet.
    """

    __slots__ = ("deltas", "is_shared", "keys", "levels", "sign")

    def __init__(self, sign: int = 1) -> None:
        self.sign = sign
        self.keys: list[Number] = [inf]
        self.levels: list[PriceSize] = []
        self.is_shared = False
        self.deltas: dict[Number, Number] = {}

    def apply(self, changes: Iterable[Level]) -> None:
        """Set or remove levels."""
        keys, sign = self.keys, self.sign
        if self.is_shared:
            levels = self.levels = self.levels[:]
            self.is_shared = False
        else:
            levels = self.levels
        for price, size in changes:
            key = price * sign
            index = bisect_left(keys, key)
            if keys[index] == key:
                if size:
                    levels[index] = PriceSize(price, size)
                else:
                    del keys[index], levels[index]
            elif size:
                keys.insert(index, key)
                levels.insert(index, PriceSize(price, size))

    def settle(self) -> None:
        """Apply the deltas put off so far."""
        if self.deltas:
            self.apply(self.deltas.items())
            self.deltas = {}

    def clear(self) -> None:
        """Remove every level."""
        self.keys = [inf]
        self.levels = []
        self.deltas = {}
        self.is_shared = False

    def share(self) -> list[PriceSize]:
        """Hand out the levels."""
        self.is_shared = True
        return self.levels


class PositionLadder:
    """Levels by position (best and best display prices), 0 being the best."""

    __slots__ = ("positions",)

    def __init__(self) -> None:
        self.positions: dict[int, PriceSize] = {}

    def apply(self, changes: Iterable[Position]) -> None:
        """Set or remove positions."""
        for position, price, size in changes:
            if size == 0:
                self.positions.pop(position, None)
            else:
                self.positions[position] = PriceSize(price, size)

    def share(self) -> list[PriceSize]:
        """Return a new list of the levels, best first."""
        return [self.positions[position] for position in sorted(self.positions)]
