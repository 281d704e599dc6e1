"""Fixtures: recorded lines, and recorders that are stopped when a test ends."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from flumine_recorder.message import parse
from flumine_recorder.options import Options
from flumine_recorder.recorder import Recorder

from flumine_core.synthetic.market import SyntheticMarket


@pytest.fixture
def feed() -> Callable[..., None]:
    """Return a function that hands lines to a recorder as messages of a stream."""

    def fed(recorder: Recorder, lines: Sequence[bytes], stream_id: int = 1) -> None:
        for line in lines:
            kind, clk, publish_time, changes = parse(line)
            recorder.take(stream_id, kind.op, clk, publish_time, changes)

    return fed


@pytest.fixture
def image_of() -> Callable[[bytes], bytes]:
    """Return a function that makes a line an image of its market."""
    return lambda line: line.replace(b'"mc":[{', b'"mc":[{"img":true,', 1)


@pytest.fixture
def until() -> Callable[[Callable[[], object]], None]:
    """Return a function that waits for what another thread brings about."""

    def wait(condition: Callable[[], object], seconds: float = 30) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, "it did not come about"
            time.sleep(0.01)

    return wait


@pytest.fixture
def lines_of() -> Callable[..., list[bytes]]:
    """Return a function that makes a synthetic market's lines."""

    def made(**options: Any) -> list[bytes]:
        return list(SyntheticMarket(**{"updates": 200, **options}).lines())

    return made


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[Callable[..., Recorder]]:
    """Return a function that starts a recorder into `tmp_path / "recordings"`."""
    made: list[Recorder] = []

    def start(**options: Any) -> Recorder:
        started = Recorder(Options(**{"directory": str(tmp_path / "recordings"), "linger_seconds": 0, **options}))
        started.start()
        made.append(started)
        return started

    yield start
    for each in made:
        each.stop()


@pytest.fixture
def recorded() -> Path:
    """Return the folder of recorded markets; skips where it is absent."""
    named = os.environ.get("FLUMINE_CORE_DATA")
    if not named or not (Path(named) / "PRO-1.170258213").is_file():
        pytest.skip("no recorded markets here (FLUMINE_CORE_DATA)")
    return Path(named)
