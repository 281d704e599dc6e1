"""Entries in pieces: rows of one noun that follow one another, as one flat list, which is cheap to pass on."""

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from .rows import FIELDS, Row

Entry = tuple[int, str, Row]
"""Number within the run, noun, row: what a line of the spool holds."""


class Piece(NamedTuple):
    """Entries of one noun whose numbers follow one another.

    :ivar first: the number of the first; `size`: how many there are.
    :ivar values: the values of their rows, one row after another.
    """

    first: int
    size: int
    noun: str
    values: list[Any]

    @property
    def last(self) -> int:
        """The number of the last entry."""
        return self.first + self.size - 1

    def split(self, size: int) -> tuple["Piece", "Piece"]:
        """Return the first `size` entries, and the others."""
        cut = len(self.values) // self.size * size
        return (
            Piece(self.first, size, self.noun, self.values[:cut]),
            Piece(self.first + size, self.size - size, self.noun, self.values[cut:]),
        )

    def holdable(self) -> "Piece":
        """Return the same with texts and numbers that every database can hold: no NUL, half of a character, or NaN."""
        return self._replace(values=list(map(_holdable, self.values)))


def _holdable(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
    if isinstance(value, float) and value - value != 0:
        return None
    return value


def holdable(row: Row) -> Row:
    """Return a row whose texts and numbers every database can hold."""
    return tuple(map(_holdable, row))


def counted(pieces: Iterable[Piece]) -> int:
    """Return how many entries pieces have."""
    return sum([piece.size for piece in pieces])


def taken(pieces: deque[Piece], most: int) -> list[Piece]:
    """Take the oldest entries, `most` at most, out of pieces; one piece may be split for it."""
    found = []
    while pieces and most > 0:
        piece = pieces.popleft()
        if piece.size > most:
            piece, rest = piece.split(most)
            pieces.appendleft(rest)
        found.append(piece)
        most -= piece.size
    return found


def entries_of(pieces: Iterable[Piece]) -> Iterator[Entry]:
    """Yield the entries of pieces one by one."""
    for first, size, noun, values in pieces:
        width = len(values) // size
        for position in range(size):
            yield first + position, noun, tuple(values[position * width : (position + 1) * width])


def pieces_of(entries: Iterable[Entry]) -> list[Piece]:
    """Return entries as pieces; a row of an earlier version gets the fields that have been added, one of a later loses.

    Entries whose noun is not known make pieces of their own.
    """
    found: list[Piece] = []
    for number, noun, row in entries:
        fields = FIELDS.get(noun)
        if fields is not None and len(row) != len(fields):
            row = (*row, *[None] * (len(fields) - len(row)))[: len(fields)]
        before = found[-1] if found else None
        if before is not None and fields is not None and before.noun == noun and before.last + 1 == number:
            before.values.extend(row)
            found[-1] = before._replace(size=before.size + 1)
        else:
            found.append(Piece(number, 1, noun, list(row)))
    return found
