"""Tables on stdout, by rich: as wide as the terminal, or as wide as they need to be where there is none."""

import sys
from collections.abc import Iterable, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

UNLIMITED = 100_000


def console() -> Console:
    """Return a console for stdout."""
    if sys.stdout.isatty():
        return Console(highlight=False)
    return Console(highlight=False, width=UNLIMITED, color_system=None)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]], numbers: Sequence[str] = ()) -> None:
    """Print a table.

    :param numbers: the columns that are right-aligned.
    """
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in columns:
        table.add_column(column, justify="right" if column in numbers else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text("" if cell is None else str(cell)) for cell in row))
    output = console()
    with output.capture() as captured:
        output.print(table)
    for line in captured.get().splitlines():
        sys.stdout.write(line.rstrip() + "\n")
