"""The thread that writes: batches of entries to the database, in order, again and again until they are there."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from filelock import FileLock, Timeout
from loguru import logger

from .backlog import Backlog, encoded
from .database import Away, Database, Entry, Rejected, holdable
from .rows import Row

Report = Callable[[str, Exception], None]
"""Told of what went wrong: at what, and the error."""

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
"""Seconds between two tries while the database is away."""


class Writer:
    """Writes one run's entries, and before them what earlier runs have left in the spool's directory.

    Each run has a spool of its own there, locked while its process lives, so that nobody takes up another's.

    :param database: where to.
    :param spool: directory for what cannot be written now.
    :param uuid: the run.
    :param batch: how many entries a transaction holds at most.
    :param interval: seconds that an entry waits for others at most.
    :param memory: entries kept in memory before they are spooled.
    """

    def __init__(
        self, database: Database, spool: Path, uuid: str, batch: int, interval: float, memory: int, report: Report
    ) -> None:
        self.database = database
        self.spool = spool
        self.uuid = uuid
        self.batch = batch
        self.interval = interval
        self.report = report
        self.is_away = False
        self._memory = memory
        self._backlog = Backlog(self._path(uuid), memory)
        self._number = 0
        self._written = threading.Condition()
        self._due = threading.Event()
        self._closing = threading.Event()
        self._deadline: float | None = None
        self._lock = FileLock(self._path(uuid).with_suffix(".lock"), thread_local=False)
        self._thread = threading.Thread(target=self._run, name="flumine_dblog writer", daemon=True)

    def _path(self, uuid: str) -> Path:
        return self.spool / f"{uuid}.jsonl"

    def start(self) -> None:
        """Start the thread.

        :raises OSError: where the spool's directory cannot be made or written to.
        """
        self.spool.mkdir(parents=True, exist_ok=True)
        self._lock.acquire(blocking=False)
        self._thread.start()

    def put(self, noun: str, row: Row) -> None:
        """Queue a row for writing; never waits for the database."""
        self._number += 1
        try:
            count = self._backlog.put((self._number, noun, row))
        except OSError as error:
            self.report("spool", error)
            return
        if count >= self.batch:
            self._due.set()

    def drain(self, seconds: float) -> bool:
        """Wait until everything is written, `seconds` at most; return whether it is.

        It does not wait for a database that is away.
        """
        self._due.set()
        with self._written:
            self._written.wait_for(lambda: self.is_away or not len(self._backlog), seconds)
        return not len(self._backlog)

    def close(self, seconds: float) -> int:
        """Write what is left, for `seconds` at most, and end; return how many entries stay in the spool."""
        self._deadline = time.monotonic() + seconds
        self._closing.set()
        self._due.set()
        self._thread.join()
        left = len(self._backlog)
        try:
            self._backlog.close()
        except OSError as error:
            self.report("spool", error)
        self.database.dispose()
        self._lock.release()
        if not left:
            Path(self._lock.lock_file).unlink(missing_ok=True)
        return left

    # the thread

    def _run(self) -> None:
        for uuid, backlog in self._left_behind():
            logger.info("{} entries of an earlier run are written now", len(backlog))
            self._write_all(uuid, backlog)
        while True:
            self._due.wait(self.interval)
            self._due.clear()
            self._write_all(self.uuid, self._backlog)
            with self._written:
                self._written.notify_all()
            if self._deadline is not None:
                return

    def _left_behind(self) -> Iterator[tuple[str, Backlog]]:
        """Yield what earlier runs have left, each locked meanwhile."""
        for path in sorted(self.spool.glob("*.jsonl"), key=lambda each: each.stat().st_mtime):
            if path.stem == self.uuid or path.stem.endswith(".rejected"):
                continue
            lock = FileLock(path.with_suffix(".lock"))
            try:
                lock.acquire(blocking=False)
            except Timeout:
                continue
            try:
                backlog = Backlog(path, self._memory)
                yield path.stem, backlog
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
            damaged, entries = backlog.damaged, backlog.peek(self.batch)
            if backlog.damaged > damaged:
                self.report("spool", ValueError(f"{backlog.path} has a line that cannot be read"))
            if not entries:
                continue
            try:
                self._write(uuid, entries)
            except Away as error:
                self._went_away(error)
                if self._is_over():
                    return
                self._pause(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
                continue
            pause = FIRST_PAUSE
            if self.is_away:
                self.is_away = False
                logger.info("the database is back, {} entries are to be caught up", len(backlog) - len(entries))
            backlog.confirm(len(entries))

    def _pause(self, seconds: float) -> None:
        if not self._closing.wait(seconds):
            return
        assert self._deadline is not None
        time.sleep(max(min(seconds, self._deadline - time.monotonic()), 0))

    def _is_over(self) -> bool:
        return self._deadline is not None and time.monotonic() >= self._deadline

    def _went_away(self, error: Away) -> None:
        try:
            self._backlog.spill()
        except OSError as failure:
            self.report("spool", failure)
        if self.is_away:
            return
        self.is_away = True
        self.report("database", error)
        logger.warning("the database is away ({}), entries go to {}", error, self._backlog.path)
        with self._written:
            self._written.notify_all()

    def _write(self, uuid: str, entries: list[Entry]) -> None:
        """Write entries; what the database refuses goes, alone, into a file of its own."""
        try:
            self.database.write(uuid, entries)
        except Rejected as error:
            mended = [holdable(entry) for entry in entries]
            if mended != entries:
                self._write(uuid, mended)
            elif len(entries) > 1:
                middle = len(entries) // 2
                self._write(uuid, entries[:middle])
                self._write(uuid, entries[middle:])
            else:
                self._reject(uuid, entries[0], error)

    def _reject(self, uuid: str, entry: Entry, error: Exception) -> None:
        path = self.spool / f"{uuid}.rejected.jsonl"
        self.report("database", error)
        try:
            with path.open("ab") as file:
                file.write(encoded(entry))
        except OSError as failure:
            self.report("spool", failure)
        logger.error("the database refuses entry {} ({}), it is in {}", entry[0], error, path)
        # an empty change takes the run past the refused entry
        self.database.write(uuid, [(entry[0], "none", ())])
