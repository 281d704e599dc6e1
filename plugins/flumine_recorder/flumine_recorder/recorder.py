"""The recorder: takes messages on the caller's thread, writes and stores them on threads of its own."""

import threading
from collections.abc import Sequence
from pathlib import Path
from time import monotonic

import attrs
from filelock import FileLock, Timeout

from flumine_core.errors import SettingsError

from .disk import Disk
from .gap import Gap
from .intake import Counts, Intake
from .message import KINDS
from .options import Options
from .outbox import Outbox
from .pack import pack
from .store import store_of

FAILURES_IN_A_ROW = 3
"""So many recordings that a store does not take, and the others wait for the next try."""

MOST_PROBLEMS = 1_000
"""How many problems are kept one by one."""


@attrs.frozen
class Status:
    """How a recorder is doing.

    :ivar markets: with open files; `counts`: what came in.
    :ivar waiting_bytes: in memory, not yet in a file.
    :ivar unstored: recordings that the store has not confirmed; `unstored_bytes` their size.
    :ivar stored: recordings that it has.
    :ivar disk_problem, store_problem: what is wrong at present, None where nothing is.
    """

    markets: int
    counts: Counts
    waiting_bytes: int
    gaps: int
    unstored: int
    unstored_bytes: int
    stored: int
    disk_problem: str | None
    store_problem: str | None


class Recorder:
    """Records messages of streams, one file a market and kind.

    `take` may be called from any thread and touches no disk. What it took is written within `flush_seconds`, so that a
    process that is killed loses no more than that. A market that has closed is packed and put into the store.

    :param options: how, and where.
    :raises SettingsError: where another recorder uses the directory, or it cannot be written to.
    """

    def __init__(self, options: Options) -> None:
        self.options = options
        root = Path(options.directory)
        self.problems: list[str] = []
        self.stored: list[str] = []
        self._lock = threading.RLock()
        self._intake = Intake(root / "open", int(options.memory_mb * 1_000_000), self._note)
        self._outbox = Outbox(root / "outbox")
        self._disk = Disk(self._intake, self._outbox, root / "sealed", options, self._lock)
        self._store = store_of(options.store or str(root / "closed"))
        self._disk_problem: str | None = None
        self._seal_problem: str | None = None
        self._store_problem: str | None = None
        self._stop = threading.Event()
        self._last = threading.Event()
        self._parcels = threading.Event()
        self._owned = FileLock(root / ".lock")
        self._threads: list[threading.Thread] = []

    # ------------------------------------------------------------------------------------------- life

    def start(self) -> None:
        """Take up what an earlier run has left, and begin."""
        root = Path(self.options.directory)
        try:
            root.mkdir(parents=True, exist_ok=True)
            self._owned.acquire(timeout=0)
        except Timeout:
            raise SettingsError(f"another recorder uses the directory {root}") from None
        except OSError as error:
            raise SettingsError(f"cannot record into {root}: {error.strerror or error}") from error
        try:
            mark = root / ".lock"
            mark.touch()
            self._disk.take_up(monotonic(), mark.stat().st_mtime, self._note)
        except OSError as error:
            self._owned.release()
            raise SettingsError(f"cannot take up the recordings in {root}: {error}") from error
        self._stop.clear()
        self._last.clear()
        self._parcels.set()
        self._threads = [
            threading.Thread(target=self._write_on, name="recorder-writer", daemon=True),
            threading.Thread(target=self._store_on, name="recorder-store", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Write what waits, close what has closed, and give the store `stop_seconds` to take it.

        What the disk does not take even now is lost, and listed as a gap. Open markets stay open for the next run, and
        what is not stored stays for it, too.
        """
        if not self._threads:
            return
        self._stop.set()
        writer, storer = self._threads
        writer.join()
        self._write()
        self._seal(is_last=True)
        with self._lock:
            lost = self._intake.abandon()
        if lost:
            self._note(f"{lost} lines could not be written before the end: {self._disk_problem}")
        self._last.set()
        self._parcels.set()
        storer.join(self.options.stop_seconds)
        self._threads = []
        self._owned.release()

    # ----------------------------------------------------------------------------------------- intake

    def take(self, stream_id: int, op: str, clk: str | None, publish_time: int, changes: Sequence[bytes]) -> None:
        """Take the changes of one message, each as the bytes that the exchange sent.

        :param op: "mcm", "ocm", "rcm" or "ccm"; anything else is counted as bad.
        :param publish_time: milliseconds since 1970.
        """
        kind = KINDS.get(op)
        with self._lock:
            if kind is None:
                self._intake.counts.bad += 1
                self._note(f"op must be one of {', '.join(KINDS)}, was {op!r}")
            else:
                self._intake.take(stream_id, kind, clk, publish_time, changes, monotonic())

    def take_catalogue(self, market_id: str, catalogue: bytes) -> None:
        """Take a market's catalogue, a JSON object as listMarketCatalogue returns it."""
        with self._lock:
            market = self._intake.market(market_id, monotonic())
            if market.known_catalogue != catalogue:
                market.known_catalogue = market.catalogue = catalogue

    def is_recording(self, market_id: str) -> bool:
        """Whether a market's files are open."""
        with self._lock:
            return market_id in self._intake.markets

    def expect_conflation(self, stream_id: int) -> None:
        """Take note that a stream was asked to conflate: changes that were merged are no gap then."""
        self._intake.conflating.add(stream_id)

    # ----------------------------------------------------------------------------------------- report

    @property
    def gaps(self) -> list[Gap]:
        """What the recordings miss, as far as this run knows; what nothing has ended yet is among it."""
        with self._lock:
            files = [file for market in self._intake.markets.values() for file in market.files.values()]
            return [*self._intake.gaps, *(file.hole for file in files if file.hole is not None)]

    def status(self) -> Status:
        """Return how the recorder is doing."""
        parcels = list(self._outbox.parcels())
        with self._lock:
            intake = self._intake
            return Status(
                len(intake.markets),
                attrs.evolve(intake.counts),
                intake.waiting_bytes,
                len(intake.gaps),
                len(parcels) + len(self._disk.sealed()),
                sum(_size(parcel.paths) for parcel in parcels),
                len(self.stored),
                self._disk_problem,
                self._store_problem,
            )

    # ---------------------------------------------------------------------------------------- threads

    def _write_on(self) -> None:
        while not self._stop.wait(self.options.flush_seconds):
            try:
                self._write()
                self._seal()
            except Exception as error:
                self._note(f"the writer raised {type(error).__name__}: {error}")

    def _write(self) -> None:
        problem = self._disk.write()
        if problem is not None and self._disk_problem is None:
            self._note(f"cannot write, lines are kept in memory: {problem}")
        self._disk_problem = problem

    def _seal(self, is_last: bool = False) -> None:
        is_sealed, problem = self._disk.seal(monotonic(), is_last)
        if is_sealed:
            self._parcels.set()
        if problem is not None and self._seal_problem is None:
            self._note(f"cannot close files: {problem}")
        self._seal_problem = problem

    def _store_on(self) -> None:
        pause = 0.0
        while True:
            self._parcels.wait(pause or None)
            is_last = self._last.is_set()
            self._parcels.clear()
            problem = self._pack()
            problem = self._send() or problem
            if problem is not None and problem != self._store_problem:
                self._note(problem)
            self._store_problem = problem
            if is_last:
                return
            pause = 0.0 if problem is None else min(max(2 * pause, 1.0), self.options.retry_seconds)

    def _pack(self) -> str | None:
        """Pack markets that have closed; return what is wrong, if anything is."""
        problem = None
        for directory in self._disk.sealed():
            try:
                pack(directory, self._outbox.directory, self.options.compression)
            except Exception as error:
                problem = f"cannot pack {directory}: {error}"
        return problem

    def _send(self) -> str | None:
        """Store what waits; return what is wrong, if anything is. A store that takes several not is taken for away."""
        problem, failures = None, 0
        for parcel in self._outbox.parcels():
            try:
                self.stored.append(self._outbox.send(parcel, self._store))
                failures = 0
            except Exception as error:
                problem = problem or f"{self._store} does not take {parcel.recording.name}: {error}"
                failures += 1
                if failures == FAILURES_IN_A_ROW:
                    break
        return problem

    def _note(self, told: str) -> None:
        from loguru import logger  # where it is used: a simulation loads this plugin, and does without

        logger.error("{}", told)
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(told)


def _size(paths: Sequence[Path]) -> int:
    total = 0
    for path in paths:
        try:
            total += path.stat().st_size
        except FileNotFoundError:  # stored meanwhile
            continue
    return total
