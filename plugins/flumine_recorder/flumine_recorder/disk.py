"""The directories of open and of closed markets on this machine."""

import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from .gap import SUFFIX
from .intake import Intake, Market
from .linefile import LineFile, take_up, write_at
from .message import KINDS
from .options import Options
from .outbox import Outbox
from .pack import DONE, catalogue_of, path_of

Lock = AbstractContextManager[Any]

_MOST_AT_ONCE = 16 * 1024 * 1024


class Disk:
    """Writes what an intake has taken, and moves closed markets on.

    A market's open files are in `open/<market id>/`; once closed that directory is renamed to
    `sealed/<market id>[+n]/`, from which it is packed. One thread at a time writes and seals.

    :param lock: guards the intake; who has it may take it again.
    """

    def __init__(self, intake: Intake, outbox: Outbox, sealed: Path, options: Options, lock: Lock) -> None:
        self._intake = intake
        self._outbox = outbox
        self._sealed = sealed
        self._options = options
        self._lock = lock

    def take_up(self, now: float, wall: float, on_problem: Callable[[str], None]) -> None:
        """Take up what an earlier run has left.

        :param wall: the time that a file written now would bear, to tell how old the others are.

        A file that cannot be read is moved aside, so that nothing of it is lost and recording goes on.
        """
        self._outbox.clean()
        for done in self._sealed.glob(f"{DONE}*"):
            shutil.rmtree(done)
        if not self._intake.directory.is_dir():
            return
        for directory in sorted(self._intake.directory.iterdir()):
            if not directory.is_dir():
                continue
            written = max((path.stat().st_mtime for path in directory.iterdir()), default=wall)
            market = Market(directory.name, directory, now - max(0.0, wall - written))
            for kind in KINDS.values():
                path = path_of(directory, kind)
                if path.exists():
                    try:
                        market.files[kind.name] = take_up(path, kind, market.market_id)
                    except OSError as error:
                        on_problem(f"{path} cannot be taken up and was moved to {self._moved_aside(path)}: {error}")
            with self._lock:
                self._intake.resume(market)

    def _moved_aside(self, path: Path) -> Path:
        """Move a file to where nothing touches it, under a name that is free."""
        folder = self._sealed.with_name("unreadable")
        folder.mkdir(parents=True, exist_ok=True)
        number = 1
        while (aside := folder / f"{path.parent.name}-{path.name}-{number}").exists():
            number += 1
        path.replace(aside)
        return aside

    def write(self) -> str | None:
        """Write what waits; return what went wrong, if anything did: it waits on, and is tried again."""
        problem = None
        with self._lock:
            markets = list(self._intake.markets.values())
        for market in markets:
            try:
                self._write_market(market)
            except OSError as error:
                problem = problem or f"{error.strerror or error}: {market.directory}"
        return problem

    def _write_market(self, market: Market) -> None:
        files = [file for file in list(market.files.values()) if file.waiting or file.gaps]
        if not files and market.catalogue is None:
            return
        market.directory.mkdir(parents=True, exist_ok=True)
        for file in files:
            self._write_gaps(market, file)  # first, so that no line follows a gap that is not listed
            while file.waiting:
                self._write_lines(file)
        self._write_catalogue(market)

    def _write_lines(self, file: LineFile) -> None:
        batch: list[bytes] = []
        size = 0
        with self._lock:
            for text in file.waiting:
                batch.append(text)
                size += len(text)
                if size >= _MOST_AT_ONCE:
                    break
        file.length = write_at(file.path, file.length, b"".join(batch))
        with self._lock:
            for _ in batch:
                file.waiting.popleft()
            file.waiting_bytes -= size
            self._intake.waiting_bytes -= size

    def _write_gaps(self, market: Market, file: LineFile) -> None:
        with self._lock:
            gaps, file.gaps = file.gaps, []
        if not gaps:
            return
        path = market.directory / f"{file.kind.name}{SUFFIX}"
        try:
            known = path.read_bytes() if path.exists() else b""
            whole = known[: known.rfind(b"\n") + 1]
            write_at(path, len(whole), b"".join(gap.encode() for gap in gaps))
        except OSError:
            with self._lock:
                file.gaps = [*gaps, *file.gaps]
            raise

    def _write_catalogue(self, market: Market) -> None:
        with self._lock:
            catalogue = market.catalogue
        if catalogue is None:
            return
        path = catalogue_of(market.directory, market.market_id)
        part = path.with_name(f".{path.name}.part")
        part.write_bytes(catalogue)
        part.replace(path)
        with self._lock:
            if market.catalogue is catalogue:
                market.catalogue = None

    def seal(self, now: float, is_last: bool) -> tuple[bool, str | None]:
        """Close the files of markets that have closed, or that no stream brings and nothing was heard of for long.

        :param is_last: the run ends, so that nothing more can come of a market that has closed.
        Returns: whether any were closed, and what went wrong, if anything did; a market that failed stays open.
        """
        with self._lock:
            due = [market for market in self._intake.markets.values() if self._is_due(market, now, is_last)]
        is_any, problem = False, None
        for market in due:
            try:
                is_any |= self._seal_market(market)
            except OSError as error:
                problem = problem or f"{error.strerror or error}: {market.directory}"
        return is_any, problem

    def _is_due(self, market: Market, now: float, is_last: bool) -> bool:
        if market.closed_at is not None:
            return is_last or now - market.closed_at >= self._options.linger_seconds
        # a quiet market's changes go on where they were, and mean nothing in a file that does not begin with an image
        return not market.is_heard and now - market.heard_at >= self._options.idle_hours * 3600

    def _seal_market(self, market: Market) -> bool:
        self._write_market(market)
        name = self._free_name(market.market_id)
        with self._lock:  # nothing may come in between
            files = market.files.values()
            if any(file.waiting for file in files) or market.catalogue is not None:
                return False
            if not any(path_of(market.directory, kind).exists() for kind in KINDS.values()):
                self._intake.leave(market)
                shutil.rmtree(market.directory, ignore_errors=True)
                return False
            for file in files:
                if file.hole is not None and file.hole is not file.told_hole:
                    file.gaps.append(file.hole)
                self._write_gaps(market, file)
                file.told_hole = file.hole
            self._sealed.mkdir(parents=True, exist_ok=True)
            market.directory.rename(self._sealed / name)
            self._intake.leave(market)
        return True

    def _free_name(self, market_id: str) -> str:
        number = 1
        while True:
            name, stem = (market_id, market_id) if number == 1 else (f"{market_id}+{number}", f"{market_id}-{number}")
            if not (self._sealed / name).exists() and not self._outbox.has(stem):
                return name
            number += 1

    def sealed(self) -> list[Path]:
        """Return the directories of closed markets that are not packed."""
        if not self._sealed.is_dir():
            return []
        return sorted(path for path in self._sealed.iterdir() if not path.name.startswith("."))
