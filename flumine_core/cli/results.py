"""Orders and markets of a simulation as CSV files, written as they come by one writer."""

import csv
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from ..errors import StreamError
from ..plain import Result, Row


class ResultFiles:
    """`orders.csv` and `markets.csv` in a directory; market ids are text, times ISO 8601 in UTC.

    :raises StreamError: if the directory or a file in it cannot be written.
    """

    def __init__(self, directory: str | Path) -> None:
        self.directory = Path(directory)
        self._files: list[IO[str]] = []
        self._writers: dict[str, Any] = {}

    def __enter__(self) -> Self:
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            for name in ("orders", "markets"):
                file = (self.directory / f"{name}.csv").open("w", newline="", encoding="utf-8")
                self._files.append(file)
        except OSError as error:
            raise StreamError(f"cannot write results to {self.directory}: {error}") from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for file in self._files:
            file.close()

    def take(self, result: Result) -> None:
        """Write the rows of one unit."""
        self._write(0, result.orders)
        self._write(1, result.markets)

    def _write(self, place: int, rows: list[Row]) -> None:
        if not rows:
            return
        file = self._files[place]
        writer = self._writers.get(file.name)
        if writer is None:
            writer = self._writers[file.name] = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
        writer.writerows(rows)
