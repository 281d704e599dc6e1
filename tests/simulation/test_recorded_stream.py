"""What a stream of recorded books keeps in memory of lines that are read later, or never; what many markets cost."""

import json
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from flumine_core import HistoricalStream
from flumine_core.events import MarketBooksEvent
from flumine_core.simulation import stream as stream_module
from flumine_core.simulation.stream import RecordedStream
from flumine_core.synthetic.market import SyntheticMarket

DEFINITION = next(SyntheticMarket(updates=20).changes())[1]["marketDefinition"]
LINES = 2_000


def lines_of(shape: str) -> Any:
    """Yield lines whose first market has a small change each; nearly all of a line is something else."""
    small = {"id": "1.1", "rc": [{"id": 1, "ltp": 2.0}]}
    yield {
        "pt": 1,
        "mc": [{"id": market_id, "img": True, "marketDefinition": DEFINITION} for market_id in ("1.1", "1.2")],
    }
    for pt in range(2, LINES):
        if shape == "unknown field":
            yield {"pt": pt, "mc": [small], "unknown": "x" * 5_000}
        elif shape == "other market":
            yield {"pt": pt, "mc": [small, {"id": "1.2", "rc": [{"id": n, "ltp": 2.0} for n in range(200)]}]}
        else:
            yield {"pt": pt, "mc": [small], "unknown": "x" * 400}


def read(event: MarketBooksEvent, market_id: str) -> None:
    """Read a market's books, and keep none."""
    for book in event.market_books:
        if book.market_id == market_id:
            book.runners  # noqa: B018


@pytest.mark.parametrize(
    ("shape", "options", "most"),
    [("unknown field", {}, 350), ("other market", {}, 700), ("short lines", {"inplay": True}, 350)],
)
def test_waiting_changes_do_not_keep_the_rest_of_their_lines(
    tmp_path: Path, shape: str, options: dict[str, Any], most: int
) -> None:
    path = tmp_path / "1.1"
    path.write_text("".join(json.dumps({"op": "mcm", **line}) + "\n" for line in lines_of(shape)))
    stream = RecordedStream(HistoricalStream(str(path), listener_kwargs=options), lambda text, file: None)
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for event in stream:
            read(event, "1.2")
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < LINES * most


def steps_to_replay(path: Path) -> int:
    """Count the lines of the stream's code that run."""
    steps = 0

    def count(frame: Any, kind: str, argument: Any) -> Any:
        nonlocal steps
        if frame.f_code.co_filename != stream_module.__file__:
            return None
        steps += kind == "line"
        return count

    stream = RecordedStream(HistoricalStream(str(path)), lambda text, file: None)
    sys.settrace(count)
    try:
        assert sum(len(event.market_books) for event in stream) > 0
    finally:
        sys.settrace(None)
    return steps


@pytest.mark.parametrize("in_one_line", [True, False])
def test_each_of_many_markets_costs_what_each_of_few_does(tmp_path: Path, in_one_line: bool) -> None:
    def steps(markets: int) -> int:
        images = [{"id": f"1.{number}", "img": True, "marketDefinition": DEFINITION} for number in range(markets)]
        lines = [images] if in_one_line else [[image] for image in images]
        path = tmp_path / f"{markets}"
        path.write_text("".join(json.dumps({"op": "mcm", "pt": 1, "mc": line}) + "\n" for line in lines))
        return steps_to_replay(path)

    assert steps(800) < 4.5 * steps(200)
