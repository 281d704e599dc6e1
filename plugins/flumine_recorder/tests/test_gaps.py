"""Whatever is lost, by whatever order of kills and full memory, lies in a gap that is listed."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from flumine_recorder.disk import Disk
from flumine_recorder.gap import Gap, decode_gaps
from flumine_recorder.intake import Intake
from flumine_recorder.message import KINDS, parse
from flumine_recorder.options import Options
from flumine_recorder.outbox import Outbox
from hypothesis import example, given, settings
from hypothesis import strategies as st

MARKET_ID = "1.5"
DELTA, IMAGE, DEFINITION, FLUSH, KILL, FULL, ROOM = range(7)

STEPS = st.lists(
    st.tuples(
        st.sampled_from([DELTA, DELTA, DELTA, DELTA, IMAGE, DEFINITION, FLUSH, FLUSH, KILL, FULL, ROOM]),
        st.integers(0, 200),
    ),
    max_size=40,
)


class Host:
    """A recorder without its threads, that can be killed between any two steps."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.gaps: list[Gap] = []
        self.begin()

    def begin(self) -> None:
        lock = threading.RLock()
        self.intake = Intake(self.folder / "open", 10**9, pytest.fail)
        outbox = Outbox(self.folder / "outbox")
        options = Options(str(self.folder))
        self.disk = Disk(self.intake, outbox, self.folder / "sealed", options, lock)
        self.disk.take_up(0.0, 0.0, pytest.fail)

    def kill(self, cut: int) -> None:
        """Lose what was not written, and the last bytes of what was."""
        path = self.folder / "open" / MARKET_ID / "market"
        if path.exists():
            path.write_bytes(path.read_bytes()[: -cut or None])
        self.begin()

    def listed(self) -> list[Gap]:
        path = self.folder / "open" / MARKET_ID / "market.gaps"
        written = decode_gaps(path.read_bytes()) if path.exists() else []
        holes = [file.hole for market in self.intake.markets.values() for file in market.files.values()]
        return [*written, *(hole for hole in holes if hole is not None)]

    def lines(self) -> list[bytes]:
        path = self.folder / "open" / MARKET_ID / "market"
        return path.read_bytes().splitlines(keepends=True) if path.exists() else []


def message(step: int, publish_time: int) -> list[bytes]:
    parts = {DELTA: '"tv":1', IMAGE: '"img":true', DEFINITION: '"marketDefinition":{"status":"OPEN"}'}
    return [f'{{"id":"{MARKET_ID}",{parts[step]},"n":{publish_time}}}'.encode()]


@settings(max_examples=300, deadline=None)
@given(steps=STEPS)
@example(steps=[(FLUSH, 0), (KILL, 0), (DELTA, 0), (DEFINITION, 0), (FLUSH, 0), (KILL, 0)])
def test_every_line_that_is_missing_lies_in_a_gap(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, int]]
) -> None:
    host = Host(tmp_path_factory.mktemp("gaps"))
    sent: dict[int, int] = {}
    for publish_time, (step, cut) in enumerate([(IMAGE, 0), *steps, (ROOM, 0), (FLUSH, 0)], 1):
        if step == FLUSH:
            assert host.disk.write() is None
        elif step == KILL:
            host.kill(cut)
            if not host.intake.markets:  # nothing was written yet, and a new stream begins with an image
                sent = {publish_time: IMAGE}
                host.intake.take(1, KINDS["mcm"], "c", publish_time, message(IMAGE, publish_time), 0.0)
        elif step in (FULL, ROOM):
            host.intake.memory = 0 if step == FULL else 10**9
        else:
            sent[publish_time] = step
            host.intake.take(1, KINDS["mcm"], "c", publish_time, message(step, publish_time), 0.0)
    recorded = [parse(line)[2] for line in host.lines()]
    assert recorded == sorted(set(recorded)) and set(recorded) <= set(sent)
    gaps = host.listed()
    for publish_time in sent.keys() - set(recorded):
        assert any(gap.start_ms < publish_time < (gap.end_ms or 10**9) for gap in gaps)
    assert list(orphans(recorded, sent)) == []


def orphans(recorded: list[int], sent: dict[int, int]) -> Iterator[int]:
    """Yield lines that change what their file does not hold."""
    is_whole = True
    previous = 0
    for publish_time in recorded:
        if any(previous < each < publish_time for each in sent):
            is_whole = False
        if sent[publish_time] == IMAGE:
            is_whole = True
        if not is_whole and sent[publish_time] == DELTA:
            yield publish_time
        previous = publish_time
