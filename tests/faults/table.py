"""The fault table: its rows in order, each a function of a scenario, and how one is run and judged."""

import importlib
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic
from typing import Any

from attrs import Factory, frozen
from msgspec import Struct

from .scenario import Make, Scenario, make_ours, scenario

ROWS = 53
MOST_TOLD = 400

Play = Callable[[Scenario], None]


@frozen
class Row:
    """One row: what it is called, what it plays, and what exchange and framework it needs.

    :ivar setting: passed on to `scenario`; where `exchange` is a list, the row is played with each of them.
    :ivar make: makes this framework in another way than the table's runner does.
    """

    number: int
    name: str
    play: Play
    setting: Any = Factory(dict)
    make: Make | None = None


class Outcome(Struct, frozen=True):
    """How a row came out; `why` is empty where it passed."""

    number: int
    name: str
    seconds: float
    why: str = ""

    @property
    def is_passed(self) -> bool:
        return not self.why


_rows: dict[int, Row] = {}


def row(number: int, name: str, make: Make | None = None, **setting: Any) -> Callable[[Play], Play]:
    """Enter a function as a row of the table."""

    def enter(play: Play) -> Play:
        if number in _rows:
            raise ValueError(f"row {number} is there already: {_rows[number].name}")
        _rows[number] = Row(number, name, play, setting, make)
        return play

    return enter


def rows() -> dict[int, Row]:
    """Return all rows by number."""
    for path in sorted((Path(__file__).parent / "rows").glob("*.py")):
        importlib.import_module(f"{__package__}.rows.{path.stem}")
    return dict(sorted(_rows.items()))


def run(number: int, make: Make, seed: int, factor: float) -> Outcome:
    """Play a row and judge it."""
    found = rows()[number]
    started = monotonic()
    why = ""
    make = found.make if found.make is not None and make is make_ours else make
    setting = dict(found.setting)
    exchanges = setting.pop("exchange", None)
    try:
        for exchange in exchanges if isinstance(exchanges, list) else [exchanges]:
            with scenario(make, seed, factor, exchange=exchange, **setting) as built:
                found.play(built)
                built.judge()
    except Exception as error:
        why = _one_line(error)
    return Outcome(number, found.name, round(monotonic() - started, 2), why)


def _one_line(error: BaseException) -> str:
    where = [frame for frame in traceback.extract_tb(error.__traceback__) if "faults" in frame.filename]
    place = f" [{Path(where[-1].filename).stem}:{_of_row(where)}]" if where else ""
    text = " ".join(str(error).split())[:MOST_TOLD] or type(error).__name__
    return f"{text if isinstance(error, AssertionError) else f'{type(error).__name__}: {text}'}{place}"


def _of_row(frames: Any) -> int:
    """Return the deepest line that is in a row's own file."""
    own = [frame.lineno for frame in frames if Path(frame.filename).parent.name == "rows"]
    return int(own[-1] if own else frames[-1].lineno or 0)


def parse(text: str | None) -> Iterator[int]:
    """Yield the numbers of "1,5-9", all rows for None."""
    for part in (text or f"1-{ROWS}").split(","):
        first, _, last = part.partition("-")
        yield from range(int(first), int(last or first) + 1)
