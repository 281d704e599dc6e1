"""Orders and markets of a simulation as CSV files, written as they come by one writer."""

import csv
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from ..errors import StreamError
from ..plain import MARKET_COLUMNS, ORDER_COLUMNS, Result


class ResultFiles:
    """`orders.csv` and `markets.csv` in a directory; market ids are text, times ISO 8601 in UTC.

    :raises StreamError: if the directory or a file in it cannot be written.
    """

    def __init__(self, directory: str | Path) -> None:
        self.directory = Path(directory)
        self._files: list[IO[str]] = []
        self._writers: list[csv.DictWriter[str]] = []

    def __enter__(self) -> Self:
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            for name, columns in (("orders", ORDER_COLUMNS), ("markets", MARKET_COLUMNS)):
                file = (self.directory / f"{name}.csv").open("w", newline="", encoding="utf-8")
                self._files.append(file)
                writer = csv.DictWriter(file, columns, lineterminator="\n")
                writer.writeheader()
                self._writers.append(writer)
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
        orders, markets = self._writers
        orders.writerows(result.orders)
        markets.writerows(result.markets)
