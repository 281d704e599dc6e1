"""What is still to be written: in memory while the database keeps up, else in a file that outlives the process."""

import errno
import threading
from collections import deque
from collections.abc import Callable, Sequence
from io import FileIO
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from .database import Entry, holdable

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
        return msgspec.json.encode(holdable(entry), enc_hook=str) + b"\n"


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
        self._entries: deque[Entry] = deque()
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
            return self._unread + len(self._entries)

    def put(self, entries: Sequence[Entry]) -> int:
        """Take entries, in the order of their numbers; return how many there are now.

        :raises OSError: where they had to be spooled and could not be; they stay in memory, or are counted as lost.
        """
        with self._lock:
            kept, start, failure = self._entries, 0, None
            while start < len(entries):
                room = self.memory * MOST_TIMES_MEMORY - len(kept)
                if room <= 0:
                    self.lost += len(entries) - start
                    failure = OSError(errno.ENOSPC, f"neither {self.path} nor memory takes more")
                    break
                kept.extend(entries[start : start + room])
                start += room
                if self._is_spooling or len(kept) > self.memory:
                    try:
                        self._spill()
                    except OSError as error:
                        failure = error
            if entries:
                self._last = entries[-1][0]
            if failure is not None:
                raise failure
            return self._unread + len(kept)

    @property
    def kept(self) -> int:
        """The number up to which no entry depends on this process's memory any more."""
        with self._lock:
            return self._entries[0][0] - 1 if self._entries else self._last

    def spill(self) -> None:
        """Move what is in memory into the spool, and what is put from now on, until all of it is confirmed.

        :raises OSError: where that is not possible; what could not be moved stays in memory.
        """
        with self._lock:
            self._spill()

    def _spill(self) -> None:
        entries = self._entries
        self._is_spooling = True
        if entries and self._file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = FileIO(self.path, "w+")
            self._offset = self._size = 0
        while entries:
            assert self._file is not None
            some = [encoded(entry) for entry in islice(entries, WRITE_ENTRIES)]
            data = b"".join(some)
            try:
                self._file.seek(self._size)
                written = self._file.write(data)
                if written != len(data):
                    raise OSError(errno.ENOSPC, f"only {written} of {len(data)} bytes could be written to {self.path}")
            except OSError:
                self._file.truncate(self._size)
                raise
            self._size += len(data)
            self._unread += len(some)
            for _ in some:
                entries.popleft()

    def peek(self, most: int) -> list[Entry]:
        """Return the oldest entries, `most` at most, without taking them."""
        with self._lock:
            found: list[Entry] = []
            if self._is_closed:
                return found
            while self._unread and not found:
                for line in self._lines(most):
                    try:
                        found.append(_decode(line))
                    except msgspec.DecodeError:
                        if not found:
                            self.damaged += 1
                            self._advance([line])
                        break
            return found or list(islice(self._entries, most))

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
            for _ in range(count - spooled):
                self._entries.popleft()
            while spooled:
                lines = self._lines(spooled)
                spooled -= len(lines)
                self._advance(lines)
            self._finish_spool()

    def _finish_spool(self) -> None:
        if self._unread or self._entries:
            return
        self._is_spooling = False
        if self._file is not None:
            self._file.close()
            self._file = None
            self.path.unlink(missing_ok=True)

    def close(self) -> None:
        """Leave what is not yet written in the spool, for the next start.

        :raises OSError: where that is not possible.
        """
        with self._lock:
            if self._is_closed:
                return
            try:
                self._spill()
            finally:
                self._is_closed = True
                if self._file is not None:
                    self._file.close()
                    self._file = None
