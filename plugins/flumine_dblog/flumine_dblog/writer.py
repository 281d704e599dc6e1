"""The thread that writes: batches of entries to the database, in order, again and again until they are there."""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from loguru import logger

from .backlog import Backlog, encoded
from .database import Away, Database, Rejected, parse_url
from .pieces import Piece, counted, entries_of, taken
from .wire import Frame, Terms, pieces_in

Report = Callable[[str, Exception], None]
"""Told of what went wrong: at what, and the error."""

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
"""Seconds between two tries while the database is away."""


class Writer:
    """Writes one run's entries, and before them what earlier runs have left in the spool's directory.

    Each run has a spool of its own there, locked while its process lives, so that nobody takes up another's.

    :raises SettingsError: where the database's driver is not installed, or its file's directory cannot be made.
    """

    def __init__(self, terms: Terms, report: Report) -> None:
        self.database = Database(parse_url(terms.url))
        self.database.prepare()
        self.spool = Path(terms.spool)
        self.uuid = terms.uuid
        self.batch = terms.batch
        self.interval = terms.interval
        self.report = report
        self.is_away = False
        self.is_started = False
        self._memory = terms.memory
        self._backlog = Backlog(self._path(terms.uuid), terms.memory)
        self._due = threading.Event()
        self._closing = threading.Event()
        self._deadline: float | None = None
        self._lock = FileLock(self._path(terms.uuid).with_suffix(".lock"), thread_local=False)
        self._thread = threading.Thread(target=self._run, name="flumine_dblog writer", daemon=True)

    def _path(self, uuid: str) -> Path:
        return self.spool / f"{uuid}.jsonl"

    def start(self) -> None:
        """Start the thread, unless it is started.

        :raises OSError: where the spool's directory cannot be made or written to.
        """
        if self.is_started:
            return
        self.spool.mkdir(parents=True, exist_ok=True)
        self._lock.acquire(blocking=False)
        self.is_started = True
        self._thread.start()

    def put(self, frames: Sequence[Frame]) -> None:
        """Queue frames of entries for writing."""
        for frame in frames:
            self.put_pieces(pieces_in(frame))

    def put_pieces(self, pieces: Sequence[Piece]) -> None:
        """Queue entries for writing, in the order of their numbers; never waits for the database."""
        count, lost = 0, self._backlog.lost
        try:
            count = self._backlog.put(pieces)
        except OSError as error:
            for _ in range(max(self._backlog.lost - lost, 1)):
                self.report("spool", error)
        if count >= self.batch:
            self._due.set()

    @property
    def kept(self) -> int:
        """The number up to which all entries are in the database or in the spool."""
        return self._backlog.kept

    def close(self, seconds: float) -> int:
        """Write what is left, for `seconds` at most, and end; return how many entries stay in the spool."""
        if self.is_started:
            self._deadline = time.monotonic() + seconds
            self._closing.set()
            self._due.set()
            # a thread that waits for a server that hangs ends when that answers, or with the process; what it has in
            # hand is spooled, too, and passed over by its number if it is written after all
            self._thread.join(seconds)
        self._close_backlog()
        return len(self._backlog)

    def _close_backlog(self) -> None:
        try:
            self._backlog.close()
        except OSError as error:
            self.report("spool", error)

    # the thread

    def _run(self) -> None:
        try:
            self._write_until_closed()
        finally:
            self._close_backlog()
            self.database.dispose()
            self._lock.release()
            if not len(self._backlog):
                Path(self._lock.lock_file).unlink(missing_ok=True)

    def _write_until_closed(self) -> None:
        for path in self._spools():
            self._guarded(self._write_left_behind, path)
        while True:
            self._due.wait(self.interval)
            self._due.clear()
            is_last = self._closing.is_set()
            self._guarded(self._write_all, self.uuid, self._backlog)
            if is_last:
                return

    def _guarded(self, write: Callable[..., None], *arguments: Any) -> None:
        """Let no surprise end the thread; what was to be written stays where it is."""
        try:
            write(*arguments)
        except Exception as error:
            self.report("writer", error)
            self._went_away(error)
            self._pause(LONGEST_PAUSE)

    def _spools(self) -> list[Path]:
        """Return the spools of earlier runs, oldest first."""
        found = [path for path in self.spool.glob("*.jsonl") if not path.stem.endswith(".rejected")]
        return sorted(found, key=lambda path: (path.stat().st_mtime if path.exists() else 0, path))

    def _write_left_behind(self, path: Path) -> None:
        """Write what an earlier run has left, unless its process lives, or another one writes it."""
        lock = FileLock(path.with_suffix(".lock"), thread_local=False)
        try:
            lock.acquire(blocking=False)
        except Timeout:
            return
        try:
            backlog = Backlog(path, self._memory)
            logger.info("{} entries of an earlier run are written now", len(backlog))
            self._write_all(path.stem, backlog)
            is_done = not len(backlog)
            backlog.close()
        finally:
            lock.release()
        if is_done:
            Path(lock.lock_file).unlink(missing_ok=True)

    def _write_all(self, uuid: str, backlog: Backlog) -> None:
        """Write until nothing is left, or the time that `close` gave is over."""
        pause = FIRST_PAUSE
        while len(backlog):
            damaged, pieces = backlog.damaged, backlog.peek(self.batch)
            if backlog.damaged > damaged:
                self.report("spool", ValueError(f"{backlog.path} has a line that cannot be read"))
            if not pieces:
                return
            try:
                self._write(uuid, pieces)
            except Away as error:
                self._went_away(error)
                if self._is_over():
                    return
                self._pause(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
                continue
            pause = FIRST_PAUSE
            backlog.confirm(counted(pieces))
            if self.is_away:
                self.is_away = False
                logger.info("the database is back, {} entries are to be caught up", len(backlog))

    def _pause(self, seconds: float) -> None:
        if not self._closing.wait(seconds):
            return
        assert self._deadline is not None
        time.sleep(max(min(seconds, self._deadline - time.monotonic()), 0))

    def _is_over(self) -> bool:
        return self._deadline is not None and time.monotonic() >= self._deadline

    def _went_away(self, error: Exception) -> None:
        try:
            self._backlog.spill()
        except OSError as failure:
            self.report("spool", failure)
        if self.is_away:
            return
        self.is_away = True
        if isinstance(error, Away):
            self.report("database", error)
        logger.warning("the database is away ({}), entries go to {}", error, self._backlog.path)

    def _write(self, uuid: str, pieces: Sequence[Piece]) -> None:
        """Write entries; what the database refuses goes, alone, into a file of its own."""
        try:
            self.database.write(uuid, pieces)
        except Rejected as error:
            mended = [piece.holdable() for piece in pieces]
            if mended != pieces:
                self._write(uuid, mended)
            elif (count := counted(pieces)) > 1:
                others = deque(pieces)
                self._write(uuid, taken(others, count // 2))
                self._write(uuid, list(others))
            else:
                self._reject(uuid, pieces[0], error)

    def _reject(self, uuid: str, piece: Piece, error: Exception) -> None:
        [entry] = entries_of([piece])
        path = self.spool / f"{uuid}.rejected.jsonl"
        self.report("database", error)
        try:
            with path.open("ab") as file:
                file.write(encoded(entry))
        except OSError as failure:
            self.report("spool", failure)
        logger.error("the database refuses entry {} ({}), it is in {}", piece.first, error, path)
        # an empty change takes the run past the refused entry
        self.database.write(uuid, [Piece(piece.first, 1, "none", [])])
