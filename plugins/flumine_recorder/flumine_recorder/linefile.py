"""One file of lines that grows: healed when taken up again, written in batches, whole lines only."""

import os
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import attrs
import msgspec

from .gap import Gap
from .message import Change, Kind, decode_change, parse

TAIL = 1024 * 1024
"""Bytes looked at from the end of a file, to find its last line."""

HEAD = 1024 * 1024
"""Bytes looked at from the start of a file, to find its first market definition."""


@attrs.define(eq=False)
class LineFile:
    """The lines of one market and kind that are still coming; the lock of the recorder guards it.

    :ivar length: bytes of whole lines that are in the file.
    :ivar waiting: lines that are not yet in the file.
    :ivar owner: the stream that brings the lines; those of other streams are of the same market a second time.
    :ivar last_ms: publish time of the last line taken, None before the first.
    :ivar hole: what the file misses for as long as no image has come that makes its books whole again; `told_hole` is
        the one that is listed though nothing has ended it.
    """

    path: Path
    kind: Kind
    market_id: str
    length: int = 0
    waiting: deque[bytes] = attrs.Factory(deque)
    waiting_bytes: int = 0
    gaps: list[Gap] = attrs.Factory(list)
    owner: int | None = None
    last_ms: int | None = None
    last_text: bytes = b""
    hole: Gap | None = None
    told_hole: Gap | None = None
    is_closed: bool = False
    event_id: str | None = None
    market_time: str | None = None
    first_ms: int | None = None
    lines: int = 0

    def note(self, change: Change) -> None:
        """Take note of what a change tells of its market."""
        self.event_id = change.event_id or self.event_id
        definition = change.marketDefinition
        if definition is not None:
            if isinstance(definition.marketTime, str):
                self.market_time = definition.marketTime
            self.is_closed = definition.status == "CLOSED"
        elif change.is_closed:
            self.is_closed = True

    def append(self, text: bytes, publish_time: int) -> None:
        """Take a line, to be written with the next batch."""
        self.waiting.append(text)
        self.waiting_bytes += len(text)
        self.last_ms = publish_time
        self.last_text = text
        if self.first_ms is None:
            self.first_ms = publish_time
        self.lines += 1


def write_at(path: Path, length: int, data: bytes) -> int:
    """Write `data` at `length`, where the whole lines of a file end, and return where they end now.

    What is beyond `length` is cut off; a file that somebody has shortened goes on where it ends.

    :raises OSError: where not all of it could be written; the file then ends at `length` again, if that can be had.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o644)
    try:
        size = os.fstat(descriptor).st_size
        length = min(length, size)
        if size > length:
            os.ftruncate(descriptor, length)
        os.lseek(descriptor, length, os.SEEK_SET)
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(descriptor, view) :]
        except OSError:
            with suppress(OSError):  # where it cannot be cut now, the next batch or start does it
                os.ftruncate(descriptor, length)
            raise
    finally:
        os.close(descriptor)
    return length + len(data)


def take_up(path: Path, kind: Kind, market_id: str) -> LineFile:
    """Heal a file that an earlier run has left, and go on where its last whole line ends.

    A last line that was cut short, or that makes no sense, as after a loss of power, is cut off.

    :raises OSError: where the file cannot be read or cut, or has lines and none of them is a stream's.
    """
    size = path.stat().st_size
    file = LineFile(path, kind, market_id)
    with path.open("r+b") as stream:
        for line in stream.read(HEAD).splitlines(keepends=True):
            _note_line(file, line)
            if file.first_ms is not None and (file.market_time or kind.name != "market"):
                break
        end, text = _last_line(stream, size)
        if not end and file.first_ms is None and _has_line(stream):
            raise OSError(f"{path} holds no line of a stream")
        if end != size:
            stream.truncate(end)
    file.length = end
    if text:
        _, _, file.last_ms, _ = parse(text)
        file.last_text = text
        for line in _tail(path, end):
            _note_line(file, line)
    return file


def _note_line(file: LineFile, line: bytes) -> None:
    try:
        _, _, publish_time, changes = parse(line)
        decoded = [decode_change(raw) for raw in changes]
    except ValueError:
        return
    if file.first_ms is None:
        file.first_ms = publish_time
    for change in decoded:
        file.note(change)


def _tail(path: Path, end: int) -> list[bytes]:
    """Return the whole lines among the last bytes of a file."""
    with path.open("rb") as stream:
        start = max(0, end - TAIL)
        stream.seek(start)
        lines = stream.read(end - start).splitlines(keepends=True)
    return lines[1:] if start else lines


def _has_line(stream: BinaryIO) -> bool:
    stream.seek(0)
    return b"\n" in stream.read(HEAD)


def _last_line(stream: BinaryIO, size: int) -> tuple[int, bytes]:
    """Return where the last line that can be used ends, and that line; 0 and nothing where there is none."""
    end = size
    while end > 0:
        reach = TAIL
        while True:
            start = max(0, end - reach)
            stream.seek(start)
            block = stream.read(end - start)
            stop = block.rfind(b"\n") + 1
            begin = block.rfind(b"\n", 0, max(stop - 1, 0)) + 1
            if (stop and begin) or start == 0:
                break
            reach *= 4
        if not stop:
            return 0, b""
        text = block[begin:stop]
        try:
            parse(text)
        except (msgspec.MsgspecError, ValueError):
            end = start + begin
            continue
        return start + stop, text
    return 0, b""
