"""Orders and markets of a simulation as CSV files, written as they come by one writer."""

import csv
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from ..errors import StreamError
from ..plain import MARKET_COLUMNS, ORDER_COLUMNS, Result


class _Rows:
    """Ends in LF the rows that end in CR LF: of others Python 3.11 would not quote a lone CR in a text."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def write(self, row: str) -> int:
        return self._file.write(row.removesuffix("\r\n") + "\n")


class ResultFiles:
    """`orders.csv` and `markets.csv` in a directory; market ids are text, times ISO 8601 in UTC.

    What an earlier run has left there stays until this one has simulated something.

    :ivar fault: why not all rows are there, None where they are: what was simulated is told all the same.
    :raises StreamError: if the directory or a file in it cannot be made, or the directory is a URL.
    """

    def __init__(self, directory: str | Path) -> None:
        if "://" in str(directory):
            raise StreamError(f"results are written to a local directory, was {directory}")
        self.directory = Path(directory)
        self.fault: str | None = None
        self._files: list[IO[str]] = []
        self._writers: list[csv.DictWriter[str]] = []
        self._is_begun = False

    def __enter__(self) -> Self:
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            for name, columns in (("orders", ORDER_COLUMNS), ("markets", MARKET_COLUMNS)):
                path = self.directory / f"{name}.csv"
                file = path.open("a", newline="", encoding="utf-8", errors="backslashreplace")
                self._files.append(file)
                self._writers.append(csv.DictWriter(_Rows(file), columns, lineterminator="\r\n"))
        except OSError as error:
            raise StreamError(f"cannot write results to {self.directory}: {error}") from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for file, writer in zip(self._files, self._writers, strict=False):
            try:
                if kind is None and not self._is_begun and not file.tell():  # nothing was simulated, now or before
                    writer.writeheader()
                file.close()
            except OSError as problem:
                self._fail(problem)

    def take(self, result: Result) -> None:
        """Write the rows of one unit; nothing more is written once that has failed."""
        if self.fault is not None or not (self._is_begun or result.books):
            return
        orders, markets = self._writers
        try:
            if not self._is_begun:
                self._begin()
            orders.writerows(result.orders)
            markets.writerows(result.markets)
            for file in self._files:
                file.flush()
        except OSError as error:
            self._fail(error)

    def _begin(self) -> None:
        self._is_begun = True
        for file, writer in zip(self._files, self._writers, strict=True):
            if file.tell():
                file.truncate(0)
            writer.writeheader()

    def _fail(self, error: OSError) -> None:
        reason = error.strerror or error
        self.fault = self.fault or f"results in {self.directory} are not whole, they cannot be written: {reason}"
