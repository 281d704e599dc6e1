"""What passes between a run and the process that writes for it: frames, led by their length.

Rows are MessagePack, all else is JSON.
"""

from collections.abc import Iterator
from math import inf
from typing import Any, NamedTuple

import msgspec

from .pieces import Piece, holdable
from .rows import FIELDS, Row, text_of

_LENGTH = 4


class Terms(msgspec.Struct, frozen=True):
    """What a writer is told first.

    :ivar url: the database, with its password.
    :ivar spool: directory for what cannot be written now.
    :ivar uuid: the run.
    :ivar batch: entries that a transaction holds at most; `interval`: seconds that an entry waits for others at most;
        `memory`: entries kept in memory before they are spooled.
    :ivar close_seconds: how long what is left may take to be written, where the run has ended without a word.
    """

    url: str
    spool: str
    uuid: str
    batch: int
    interval: float
    memory: int
    close_seconds: float


class Close(msgspec.Struct, tag=True, frozen=True):
    """Write what is left, for `seconds` at most, and end."""

    seconds: float


class Kept(msgspec.Struct, tag=True, frozen=True):
    """All entries up to this number are in the database or in the spool."""

    number: int


class Told(msgspec.Struct, tag=True, frozen=True):
    """An error: at what, its class, its text."""

    what: str
    kind: str
    text: str


class Logged(msgspec.Struct, tag=True, frozen=True):
    """A line of the log."""

    level: str
    text: str


class Closed(msgspec.Struct, tag=True, frozen=True):
    """The last word: how many entries stay in the spool."""

    left: int


Answer = Kept | Told | Logged | Closed
"""What a writer says."""

_encoder = msgspec.json.Encoder(enc_hook=str)
_encode, _encode_lines = _encoder.encode, _encoder.encode_lines
decode_terms = msgspec.json.Decoder(Terms).decode
_pack = msgspec.msgpack.Encoder(enc_hook=str).encode
_unpack = msgspec.msgpack.Decoder(tuple[int, list[tuple[str, list[Any]]]]).decode
_ENDLESS = (b"\xcb\x7f", b"\xcb\xff")
"""How numbers begin, in MessagePack, that are none or have no end; some others do, too."""

_decode_line = msgspec.json.Decoder(tuple[str, Row]).decode
_AS_JSON = "json"
"""The noun of a piece of one value, which is a row of another noun, with that, as JSON."""

_decode_close = msgspec.json.Decoder(Close).decode
decode_answer = msgspec.json.Decoder(Answer).decode


class Frame(NamedTuple):
    """Entries as they are sent: the number of the last, how many there are, and their bytes."""

    last: int
    size: int
    data: bytes


class EncodedRows:
    """Rows one after another, encoded at once, those of one noun together as if they were one list.

    An encoded row holds nothing that the run would have to look at, or to throw away later.

    :ivar count: how many there are.
    """

    __slots__ = ("_noun", "_rows", "_skipped", "count", "pieces")

    def __init__(self) -> None:
        self.pieces: list[tuple[str, list[bytes]]] = []
        self.count = 0
        self._noun = ""
        self._rows: list[bytes] = []
        self._skipped = 0

    def add(self, noun: str, row: Row) -> None:
        """Add a row.

        :raises Exception: where it cannot be encoded; it is left out.
        """
        if noun != self._noun:
            self._noun, self._rows = noun, []
            self._skipped = len(_list_head(len(row)))
            self.pieces.append((noun, self._rows))
        try:
            self._rows.append(_pack(row)[self._skipped :])
        except Exception:
            self._noun = ""
            self.pieces.append((_AS_JSON, [_pack(_line(noun, row))]))
        self.count += 1

    def split(self, most: int) -> Iterator["EncodedRows"]:
        """Yield the rows in portions of `most` at most, in their order."""
        portion = EncodedRows()
        for noun, rows in self.pieces:
            start = 0
            while start < len(rows):
                some = rows[start : start + most - portion.count]
                portion.pieces.append((noun, some))
                portion.count += len(some)
                start += len(some)
                if portion.count == most:
                    yield portion
                    portion = EncodedRows()
        if portion.count:
            yield portion


def _line(noun: str, row: Row) -> str:
    """Return as JSON what MessagePack cannot hold; half characters are mended."""
    try:
        return _encode((noun, row)).decode()
    except UnicodeEncodeError:
        return _encode((noun, holdable(row))).decode()


def _width(noun: str) -> int:
    return 1 if noun == _AS_JSON else len(FIELDS[noun])


def _list_head(size: int) -> bytes:
    """Return how a list of so many values begins, in MessagePack."""
    if size < 16:
        return bytes([0x90 | size])
    return b"\xdc" + size.to_bytes(2) if size < 1 << 16 else b"\xdd" + size.to_bytes(4)


def frame_of(first: int, rows: EncodedRows) -> Frame:
    """Return rows as a frame: the number of the first, and pieces of a noun and the values of its rows, in one list."""
    parts = [_list_head(2), _pack(first), _list_head(len(rows.pieces))]
    for noun, some in rows.pieces:
        parts += (_list_head(2), _pack(noun), _list_head(len(some) * _width(noun)), *some)
    return Frame(first + rows.count - 1, rows.count, _framed(b"".join(parts)))


def framed(message: Terms | Close | Answer) -> bytes:
    """Return a message as a frame."""
    return _framed(_encode(message))


def _framed(data: bytes) -> bytes:
    return len(data).to_bytes(_LENGTH) + data


def decode_request(data: bytes) -> list[Piece] | Close:
    """Return what a frame without its length asks for: to close, or to write entries."""
    if data.startswith(b"{"):
        return _decode_close(data)
    number, given = _unpack(data)
    is_odd = any(mark in data for mark in _ENDLESS)
    pieces = []
    for noun, values in given:
        if noun == _AS_JSON:
            noun, row = _decode_line(values[0])
            values = list(row)
        if is_odd:
            values = _finite(values)
        width = len(FIELDS[noun])
        if values and type(values[-1]) is dict:
            values[width - 1 :: width] = _texts(values[width - 1 :: width])
        pieces.append(Piece(number, len(values) // width, noun, values))
        number += len(values) // width
    return pieces


def _finite(values: list[Any]) -> list[Any]:
    """Return values with None where one is not a number, or has no end, as JSON has it."""
    total = sum([value for value in values if type(value) is float])
    return (
        values
        if total - total == 0
        else [None if value in (inf, -inf) or value != value else value for value in values]
    )


def _texts(values: list[Any]) -> list[Any]:
    if any(type(value) is not dict for value in values):
        return list(map(_text, values))
    # JSON has no line break in it but those between lines
    return _encode_lines(values).decode().split("\n")[:-1]


def _text(value: Any) -> Any:
    return value if type(value) is not dict else text_of(value) if value else "{}"


def pieces_in(frame: Frame) -> list[Piece]:
    """Return a frame's entries."""
    pieces = decode_request(frame.data[_LENGTH:])
    assert isinstance(pieces, list)
    return pieces


class Frames:
    """Puts frames together of the pieces that come."""

    def __init__(self) -> None:
        self._data = bytearray()

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """Take a piece, and yield the frames that are whole now."""
        data = self._data
        data += piece
        start = 0
        while (begin := start + _LENGTH) <= len(data):
            end = begin + int.from_bytes(data[start:begin])
            if end > len(data):
                break
            yield bytes(data[begin:end])
            start = end
        del data[:start]
