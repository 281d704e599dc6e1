"""What passes between a run and the process that writes for it: frames of MessagePack or JSON, led by their length."""

from collections.abc import Callable, Iterator
from math import inf
from typing import Any, NamedTuple

import msgspec

from .pieces import Piece, holdable, pieces_of
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

_decode_request = msgspec.json.Decoder(tuple[int, list[tuple[str, Row]]] | Close).decode
decode_answer = msgspec.json.Decoder(Answer).decode


class Frame(NamedTuple):
    """Entries as they are sent: the number of the last, how many there are, and their bytes."""

    last: int
    size: int
    data: bytes


class Rows:
    """Rows one after another, those of one noun in one list: so many of the same shape are cheap to keep and encode.

    :ivar count: how many there are.
    """

    __slots__ = ("_noun", "_values", "count", "pieces")

    def __init__(self) -> None:
        self.pieces: list[tuple[str, list[Any]]] = []
        self.count = 0
        self._noun = ""
        self._values: list[Any] = []

    def add(self, noun: str, row: Row) -> None:
        """Add a row."""
        if noun != self._noun:
            self._noun, self._values = noun, []
            self.pieces.append((noun, self._values))
        self._values += row
        self.count += 1

    def split(self, most: int) -> Iterator["Rows"]:
        """Yield the rows in portions of `most` at most, in their order."""
        portion = Rows()
        for noun, values in self.pieces:
            width = len(FIELDS[noun])
            start, count = 0, len(values) // width
            while start < count:
                some = min(count - start, most - portion.count)
                portion.pieces.append((noun, values[start * width : (start + some) * width]))
                portion.count += some
                start += some
                if portion.count == most:
                    yield portion
                    portion = Rows()
        if portion.count:
            yield portion

    def __iter__(self) -> Iterator[tuple[str, Row]]:
        for noun, values in self.pieces:
            for row in _rows(noun, values):
                yield noun, row


def _rows(noun: str, values: list[Any]) -> Iterator[Row]:
    return zip(*[iter(values)] * len(FIELDS[noun]), strict=True)


def frame_of(first: int, rows: Rows, on_error: Callable[[str, Exception], None]) -> Frame:
    """Return rows as a frame; `first` is the number of the first.

    Where there is one that MessagePack cannot hold they are sent as JSON: half characters are mended, and a row that
    cannot be encoded is left out, of which `on_error` is told with its noun.
    """
    count = rows.count
    try:
        data = _pack((first, rows.pieces))
    except Exception:
        lines = list(_lines(rows, on_error))
        count, data = len(lines), b"[%d,[%b]]" % (first, b",".join(lines))
    return Frame(first + count - 1, count, _framed(data))


def _lines(rows: Rows, on_error: Callable[[str, Exception], None]) -> Iterator[bytes]:
    for noun, row in rows:
        try:
            try:
                yield _encode((noun, row))
            except UnicodeEncodeError:
                yield _encode((noun, holdable(row)))
        except Exception as error:
            on_error(noun, error)


def framed(message: Terms | Close | Answer) -> bytes:
    """Return a message as a frame."""
    return _framed(_encode(message))


def _framed(data: bytes) -> bytes:
    return len(data).to_bytes(_LENGTH) + data


def decode_request(data: bytes) -> list[Piece] | Close:
    """Return what a frame without its length asks for: to close, or to write entries."""
    if not data.startswith((b"[", b"{")):
        number, given = _unpack(data)
        is_odd = any(mark in data for mark in _ENDLESS)
        pieces = []
        for noun, values in given:
            if is_odd:
                values = _finite(values)
            width = len(FIELDS[noun])
            if values and type(values[-1]) is dict:
                values[width - 1 :: width] = _texts(values[width - 1 :: width])
            pieces.append(Piece(number, len(values) // width, noun, values))
            number += len(values) // width
        return pieces
    request = _decode_request(data)
    if isinstance(request, Close):
        return request
    first, lines = request
    return pieces_of((number, noun, _flat(row)) for number, (noun, row) in enumerate(lines, first))


def _finite(values: list[Any]) -> list[Any]:
    """Return values with None where one is not a number, or has no end, as JSON has it."""
    total = sum([value for value in values if type(value) is float])
    return (
        values
        if total - total == 0
        else [None if value in (inf, -inf) or value != value else value for value in values]
    )


def _flat(row: Row) -> Row:
    return (*row[:-1], _text(row[-1])) if type(row[-1]) is dict else row


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
