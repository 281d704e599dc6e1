"""What passes between a run and the process that writes for it: frames of JSON, each led by its length."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec

from .database import Entry, holdable
from .rows import Row, text_of

ENTRIES = 1_000
"""Entries in one frame, at most."""

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

_encode = msgspec.json.Encoder(enc_hook=str).encode
decode_terms = msgspec.json.Decoder(Terms).decode
_decode_request = msgspec.json.Decoder(tuple[int, list[tuple[str, Row]]] | Close).decode
decode_answer = msgspec.json.Decoder(Answer).decode


class Frame(NamedTuple):
    """Entries as they are sent: the number of the last, how many there are, and their bytes."""

    last: int
    count: int
    data: bytes


def frame_of(first: int, entries: Sequence[tuple[str, Row]]) -> Frame:
    """Return nouns and rows as a frame; `first` is the number of the first.

    :raises Exception: where one of them cannot be encoded, which `mended` finds.
    """
    return Frame(first + len(entries) - 1, len(entries), _framed(_encode((first, entries))))


def mended(entry: tuple[str, Row]) -> tuple[str, Row]:
    """Return a noun and a row that can be encoded: texts that could not be are mended.

    :raises Exception: where something else of it cannot be encoded.
    """
    try:
        _encode(entry)
    except UnicodeEncodeError:
        noun, row = entry
        entry = noun, holdable((0, noun, row))[2]
        _encode(entry)
    return entry


def framed(message: Terms | Close | Answer) -> bytes:
    """Return a message as a frame."""
    return _framed(_encode(message))


def _framed(data: bytes) -> bytes:
    return len(data).to_bytes(_LENGTH) + data


def decode_request(data: bytes) -> list[Entry] | Close:
    """Return what a frame without its length asks for: to close, or to write entries."""
    request = _decode_request(data)
    if isinstance(request, Close):
        return request
    first, lines = request
    return [(number, noun, _flat(row)) for number, (noun, row) in enumerate(lines, first)]


def _flat(row: Row) -> Row:
    return (*row[:-1], text_of(row[-1])) if row and isinstance(row[-1], dict) else row


def entries_of(frame: Frame) -> list[Entry]:
    """Return a frame's entries."""
    entries = decode_request(frame.data[_LENGTH:])
    assert isinstance(entries, list)
    return entries


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
