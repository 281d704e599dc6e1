"""What is still to be written: in memory while the database keeps up, else in a file that outlives the process."""

import errno
import threading
from collections import deque
from collections.abc import Callable, Sequence
from io import FileIO
from pathlib import Path
from typing import Any

import msgspec

from .pieces import Entry, Piece, counted, entries_of, holdable, pieces_of, taken

_decode: Callable[[bytes], Entry] = msgspec.json.Decoder(tuple[int, str, tuple[Any, ...]]).decode

READ_BYTES = 1_000_000
"""How much of a spool is read at a time."""

WRITE_ENTRIES = 500
"""How many entries are written to a spool at a time."""

MOST_TIMES_MEMORY = 10
"""How many times `memory` entries are kept where they cannot be spooled; what comes then is lost."""


def encoded(entry: Entry) -> bytes:
    """Return an entry as a line of JSON."""
    try:
        return msgspec.json.encode(entry, enc_hook=str) + b"\n"
    except UnicodeEncodeError:
        number, noun, row = entry
        return msgspec.json.encode((number, noun, holdable(row)), enc_hook=str) + b"\n"


class Backlog:
    """Entries in order: taken at one end, confirmed once written, and only then forgotten.

    Older entries lie in the spool, newer ones in memory. The spool is begun when memory is full, or by `spill`, and
    deleted when everything in it has been confirmed. Any thread may put; one thread peeks and confirms.

    :param path: the spool; one that is there is taken up, less an unfinished last line.
    :param memory: how many entries are kept in memory.
    :ivar lost: entries that found no place at all.
    :ivar damaged: lines of the spool that could not be read.
    """

    def __init__(self, path: Path, memory: int) -> None:
        self.path = path
        self.memory = memory
        self.lost = 0
        self.damaged = 0
        self._lock = threading.Lock()
        self._pieces: deque[Piece] = deque()
        self._count = 0
        self._file: FileIO | None = None
        self._is_spooling = self._is_closed = False
        self._offset = self._size = self._unread = 0
        self._last = 0
        if path.exists():
            self._take_up()

    def _take_up(self) -> None:
        self._file = FileIO(self.path, "r+")
        self._is_spooling = True
        with self.path.open("rb") as lines:
            for line in lines:
                if line.endswith(b"\n"):
                    self._size += len(line)
                    self._unread += 1
        self._file.truncate(self._size)
        self._finish_spool()

    def __len__(self) -> int:
        with self._lock:
            return self._unread + self._count

    def put(self, pieces: Sequence[Piece]) -> int:
        """Take entries, in the order of their numbers; return how many there are now.

        :raises OSError: where they had to be spooled and could not be; they stay in memory, or are counted as lost.
        """
        with self._lock:
            if self._is_closed:
                self.lost += counted(pieces)
                raise OSError(f"{counted(pieces)} entries came after the end")
            coming, failure = deque(pieces), None
            while coming:
                room = self.memory * MOST_TIMES_MEMORY - self._count
                if room <= 0:
                    self.lost += counted(coming)
                    failure = OSError(errno.ENOSPC, f"neither {self.path} nor memory takes more")
                    break
                some = taken(coming, room)
                self._pieces += some
                self._count += counted(some)
                if self._is_spooling or self._count > self.memory:
                    try:
                        self._spill()
                    except OSError as error:
                        failure = error
            if pieces:
                self._last = pieces[-1].last
            if failure is not None:
                raise failure
            return self._unread + self._count

    @property
    def kept(self) -> int:
        """The number up to which no entry depends on this process's memory any more."""
        with self._lock:
            return self._pieces[0].first - 1 if self._pieces else self._last

    def spill(self) -> None:
        """Move what is in memory into the spool, and what is put from now on, until all of it is confirmed.

        Once closed, nothing is moved any more.

        :raises OSError: where that is not possible; what could not be moved stays in memory.
        """
        with self._lock:
            if not self._is_closed:
                self._spill()

    def _spill(self) -> None:
        self._is_spooling = True
        if self._pieces and self._file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = FileIO(self.path, "w+")
            self._offset = self._size = 0
        while self._pieces:
            assert self._file is not None
            some = taken(self._pieces, WRITE_ENTRIES)
            data = b"".join(map(encoded, entries_of(some)))
            try:
                self._file.seek(self._size)
                written = self._file.write(data)
                if written != len(data):
                    raise OSError(errno.ENOSPC, f"only {written} of {len(data)} bytes could be written to {self.path}")
            except OSError:
                self._pieces.extendleft(reversed(some))
                self._file.truncate(self._size)
                raise
            self._size += len(data)
            self._unread += counted(some)
            self._count -= counted(some)

    def peek(self, most: int) -> list[Piece]:
        """Return the oldest entries, `most` at most, without taking them."""
        with self._lock:
            if self._is_closed:
                return []
            found: list[Entry] = []
            while self._unread and not found:
                for line in self._lines(most):
                    try:
                        found.append(_decode(line))
                    except msgspec.DecodeError:
                        if not found:
                            self.damaged += 1
                            self._advance([line])
                        break
            if found:
                return pieces_of(found)
            some = taken(self._pieces, most)
            self._pieces.extendleft(reversed(some))
            return some

    def _lines(self, most: int) -> list[bytes]:
        """Return the next lines of the spool, `most` at most and one at least."""
        assert self._file is not None
        self._file.seek(self._offset)
        data = b""
        lines: list[bytes] = []
        while len(lines) < 2:
            data += self._file.read(READ_BYTES)
            lines = data.split(b"\n", most)
        return lines[:-1]

    def _advance(self, lines: Sequence[bytes]) -> None:
        self._offset += sum(map(len, lines)) + len(lines)
        self._unread -= len(lines)
        self._finish_spool()

    def confirm(self, count: int) -> None:
        """Forget the oldest entries, which `peek` has returned; once closed, leave that to the next start."""
        with self._lock:
            if self._is_closed:
                return
            spooled = min(count, self._unread)
            self._count -= counted(taken(self._pieces, count - spooled))
            while spooled:
                lines = self._lines(spooled)
                spooled -= len(lines)
                self._advance(lines)
            self._finish_spool()

    def _finish_spool(self) -> None:
        if self._unread or self._pieces:
            return
        self._is_spooling = False
        if self._file is not None:
            self._file.close()
            self._file = None
            self.path.unlink(missing_ok=True)

    def close(self) -> None:
        """Leave what is not yet written in the spool, for the next start; any thread may do so.

        :raises OSError: where not all of it could be spooled; the others are lost, and the error says how many.
        """
        with self._lock:
            if self._is_closed:
                return
            try:
                self._spill()
            except OSError as error:
                lost, self._count = self._count, 0
                self._pieces.clear()
                self.lost += lost
                raise OSError(f"{lost} entries are lost, they cannot be spooled: {error}") from error
            finally:
                self._is_closed = True
                self._finish_spool()
                if self._file is not None:
                    self._file.close()
                    self._file = None
