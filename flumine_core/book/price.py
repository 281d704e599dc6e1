"""Price levels and the ladders that hold them."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from math import inf
from typing import Annotated, Any

from msgspec import Meta, Struct

Number = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)] | float
"""A number of the stream; an integer of more than 64 bits, which may fit into no float, is as little one as NaN."""

Position = tuple[int, Number, Number]
"""(position, price, size); size 0 removes the position."""


class PriceSize(Struct, frozen=True, gc=False, eq=False, array_like=True, forbid_unknown_fields=True):
    """One level: `price` in decimal odds, `size` in pounds (or the account's currency).

    Reads like betfairlightweight's PriceSize (`level.price`) and like flumine's dict (`level["price"]`). A change's
    levels, [price, size] in the stream, are decoded into these, and become the ladder's as they are.
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

    def values(self) -> tuple[Number, Number]:
        """Return price and size."""
        return (self.price, self.size)

    def items(self) -> tuple[tuple[str, Number], tuple[str, Number]]:
        """Return price and size with their names."""
        return (("price", self.price), ("size", self.size))

    def copy(self) -> dict[str, Number]:
        """Return a dict of price and size."""
        return {"price": self.price, "size": self.size}

    def __or__(self, other: Mapping[str, Any]) -> dict[str, Any]:
        return self.copy() | dict(other)

    def __len__(self) -> int:
        return 2

    def __array__(self, *arguments: Any, **options: Any) -> Any:
        """Return itself as numpy's one object, for which it would be a sequence of two names."""
        import numpy  # type: ignore[import-not-found, unused-ignore]

        array = numpy.empty((), dtype=object)
        array[()] = self
        return array

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


Mapping.register(PriceSize)  # what makes a table of a ladder, such as pandas, then sees columns price and size


class Ladder:
    """Levels by price, best first: ascending, or descending where `sign` is -1.

    `keys` are the prices times `sign`, closed by an infinity that saves a bound check; all of them floats, which
    Python compares quicker. `levels` changes in place and is never handed out.
    `deltas` are changes that nobody has asked for yet, of each price the last.
    """

    __slots__ = ("deltas", "keys", "levels", "sign")

    def __init__(self, sign: float = 1.0) -> None:
        self.sign = sign
        self.keys: list[float] = [inf]
        self.levels: list[PriceSize] = []
        self.deltas: dict[Number, PriceSize] = {}

    def apply(self, changes: Iterable[PriceSize]) -> None:
        """Set levels, or remove those whose size is 0."""
        keys, levels, sign = self.keys, self.levels, self.sign
        for change in changes:
            key = change.price * sign
            # a quarter of all changes, more where few trade, are of the best price
            index = 0 if key == keys[0] else bisect_left(keys, key)
            if keys[index] == key:
                if change.size:
                    levels[index] = change
                else:
                    del keys[index], levels[index]
            elif change.size:
                keys.insert(index, key)
                levels.insert(index, change)

    def settle(self) -> None:
        """Apply the changes put off so far."""
        if self.deltas:
            self.apply(self.deltas.values())
            self.deltas = {}

    def clear(self) -> None:
        """Remove every level."""
        self.keys = [inf]
        self.levels = []
        self.deltas = {}


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
