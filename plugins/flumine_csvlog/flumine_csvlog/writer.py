"""The files of one directory: which file a row goes to, and how it is spelt."""

import csv
import io
from collections import Counter, OrderedDict, deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

from .file import RowFile, TakenError

Rotation = Literal["day", "market", "run"]
Row = Mapping[str, Any]
Key = tuple[str, str]
"""A kind, and the day or market of its file ("" without rotation or by run)."""

MOST_OPEN = 60
"""Files that are kept open; the one that was written to longest ago is closed first."""


MOST_WAITING = 100_000
"""Rows of a kind that wait in memory while they cannot be written; what comes beyond is lost."""


class LostError(OSError):
    """Rows are lost; it says how many of which kinds, and why."""


class Writer:
    """Appends rows to one file a kind, in `directory` or, by rotation, in one directory a day, market or run below.

    A file that another process writes to, or that has other columns, is left alone: then it is orders.2.csv.

    :param columns: kind -> its columns, in their order; no other kind is written.
    """

    def __init__(
        self,
        directory: Path,
        columns: Mapping[str, Sequence[str]],
        rotation: Rotation | None = None,
        is_gzip: bool = False,
    ) -> None:
        self.directory = directory
        self.columns = columns
        self.rotation = rotation
        self.is_gzip = is_gzip
        self._suffix = "csv.gz" if is_gzip else "csv"
        self._is_open = False
        self._run: Path | None = None
        self._waiting: dict[Key, deque[str]] = {}
        self._count: Counter[str] = Counter()
        self._lost: Counter[str] = Counter()
        self._files: OrderedDict[Key, RowFile] = OrderedDict()

    def open(self) -> None:
        """Mend what killed processes have left; make the files, with their headers, that rotation lets be known.

        :raises OSError: if a file or directory cannot be opened or made.
        """
        if self._is_open:
            return
        self.directory.mkdir(parents=True, exist_ok=True)
        for kind in self.columns:
            if self.rotation in (None, "run"):
                self._file((kind, "")).append("")
            self._mend(kind)  # but what is open now, which is whole and taken
        self._is_open = True

    def _mend(self, kind: str) -> None:
        below = "" if self.rotation is None else "*/"
        for name in (f"{kind}.{self._suffix}", f"{kind}.[0-9]*.{self._suffix}"):
            for path in self.directory.glob(below + name):
                with suppress(TakenError):
                    RowFile(path, _spelt(self.columns[kind]), self.is_gzip).close()

    def put(self, kind: str, row: Row, market_id: str, day: str) -> None:
        """Take a row, for `flush` to write; `day` is the row's, as ISO 8601.

        :raises LostError: where as many rows as are kept wait already.
        """
        if kind in self.columns:
            if self._count[kind] >= MOST_WAITING:
                with suppress(OSError):  # they wait, or have only just come
                    self.flush()
            if self._count[kind] >= MOST_WAITING:
                self._lost[kind] += 1
                raise LostError(f"{MOST_WAITING} rows of {kind} wait to be written: further ones are lost")
            self._count[kind] += 1
            period = {"day": day, "market": quote(market_id, safe="")}.get(self.rotation or "", "")
            text = _spelt([row.get(column) for column in self.columns[kind]])
            self._waiting.setdefault((kind, period), deque()).append(text)

    def flush(self) -> None:
        """Write what waits.

        :raises OSError: naming the files that take no more; their rows go on waiting.
        """
        faults: list[str] = []
        for key in list(self._waiting):
            rows = self._waiting[key]
            try:
                file = self._file(key)
                while rows:
                    file.append(rows[0])
                    rows.popleft()
                    self._count[key[0]] -= 1
            except OSError as error:
                faults.append(str(error))
            else:
                del self._waiting[key]
        if faults:
            raise OSError("; ".join(faults))

    def close(self) -> None:
        """Write what waits, and close all files.

        :raises OSError: telling how many rows are lost, of which kinds, and why.
        """
        faults: list[str] = []
        reason = ""
        try:
            self.flush()
        except OSError as error:
            reason = f": {error}"
            self._lost.update(self._count)
            self._count.clear()
            self._waiting.clear()
        if self._lost:
            lost = ", ".join(f"{count} of {kind}" for kind, count in self._lost.items() if count)
            faults.append(f"rows that are not written: {lost}{reason}")
            self._lost.clear()
        while self._files:
            try:
                self._files.popitem()[1].close()
            except OSError as error:
                faults.append(str(error))
        if faults:
            raise OSError("; ".join(faults))

    def _file(self, key: Key) -> RowFile:
        file = self._files.get(key)
        if file is not None and file.is_deleted:
            del self._files[key]
            with suppress(OSError):
                file.close()
            file = None
        if file is None:
            if len(self._files) >= MOST_OPEN:
                self._files.popitem(last=False)[1].close()
            file = self._files[key] = self._opened(*key)
        self._files.move_to_end(key)
        return file

    def _opened(self, kind: str, period: str) -> RowFile:
        folder = self.directory / period
        if self.rotation == "run":
            folder = self._run = self._run or _new_run(self.directory)
        folder.mkdir(parents=True, exist_ok=True)
        header = _spelt(self.columns[kind])
        for number in count(1):
            name = f"{kind}.{self._suffix}" if number == 1 else f"{kind}.{number}.{self._suffix}"
            try:
                return RowFile(folder / name, header, self.is_gzip)
            except TakenError:
                continue
        raise AssertionError


def _new_run(directory: Path) -> Path:
    """Make the directory of a run, with the first number that no other run has."""
    for number in count(1):
        run = directory / f"run-{number}"
        try:
            run.mkdir(parents=True)
        except FileExistsError:
            continue
        return run
    raise AssertionError


def _spelt(values: Sequence[Any]) -> str:
    """Return values as one row of CSV."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow(values)  # Python 3.11 quotes a lone CR only where rows end in one
    return text.getvalue().removesuffix("\r\n") + "\n"
