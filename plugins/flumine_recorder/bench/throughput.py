"""How many changes a second a recorder takes on one core: `python plugins/flumine_recorder/bench/throughput.py`.

Market changes of the synthetic generator, 50 markets in turn, go through a framework as raw data. Everything runs on
one core: decoding as a live stream does it, the framework's loop, the recorder's threads. First as fast as it goes,
then paced at 5,000 changes a second.
"""

import os
import resource
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from flumine_recorder.message import parse
from flumine_recorder.plugin import RecorderStrategy

from flumine_core.contract.client import SimulatedClient
from flumine_core.events import Event, RawDataEvent
from flumine_core.session import Flumine
from flumine_core.synthetic.market import SyntheticMarket

MARKETS = 50
PACE = 5_000
SECONDS = 20


class Raw(dict[str, Any]):
    """A change with its own bytes."""

    raw: bytes


class Wire:
    """A stream that brings lines as fast as they are taken, or paced."""

    def __init__(self, lines: list[bytes], pace: float | None = None) -> None:
        self.stream_id: int | None = None
        self.lines = lines
        self.pace = pace
        self.behind = 0.0

    def stop(self) -> None:
        self.lines = []

    def __iter__(self) -> Iterator[Event]:
        start = time.monotonic()
        for number, line in enumerate(self.lines):
            if self.pace is not None:
                ahead = start + number / self.pace - time.monotonic()
                if ahead > 0.002:
                    time.sleep(ahead)
                self.behind = max(self.behind, -ahead)
            _, clk, publish_time, changes = parse(line)
            data: list[dict[str, Any]] = []
            for change in changes:
                made = Raw(msgspec.json.decode(change))
                made.raw = change
                data.append(made)
            yield RawDataEvent(self.stream_id or 0, clk, publish_time, data)


def lines_of(count: int) -> list[bytes]:
    """Return lines of all markets in turn, without their closing ones."""
    made = []
    for number in range(MARKETS):
        market = SyntheticMarket(market_id=f"1.2{number:08d}", seed=number, updates=2 * count // MARKETS)
        made.append([line for line in market.lines() if b'"CLOSED"' not in line])
    turns = [line for turn in zip(*made, strict=False) for line in turn]
    return turns[:count]


def run(lines: list[bytes], pace: float | None) -> None:
    """Record the lines and print what it took."""
    with tempfile.TemporaryDirectory() as folder:
        wire = Wire(lines, pace)
        framework = Flumine(SimulatedClient())
        strategy = RecorderStrategy(folder, streams=[wire], stop_seconds=60)
        framework.add_strategy(strategy)
        waits: list[int] = []
        ended = threading.Event()

        def watch() -> None:
            while not ended.wait(0.1):
                waits.append(strategy.recorder.status().waiting_bytes)

        threading.Thread(target=watch, daemon=True).start()
        cpu, start = time.process_time(), time.perf_counter()
        framework.run()
        seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
        ended.set()
        written = sum(path.stat().st_size for path in Path(folder, "open").rglob("market"))
        counts = strategy.recorder.status().counts
        assert counts.changes == len(lines) and written == counts.bytes, (counts, written)
        told = (
            f"{len(lines):,} changes, {written / 1e6:.0f} MB in {seconds:.1f} s: {len(lines) / seconds:,.0f} a second"
        )
        print(
            f"{told}, {cpu / seconds:.0%} of the core, at most {max(waits, default=0) / 1e6:.1f} MB waiting in memory"
        )
        if pace is not None:
            print(f"  at most {wire.behind * 1000:.0f} ms behind the pace")


def main() -> None:
    """Measure on one core."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    lines = lines_of(PACE * SECONDS)
    print(f"{MARKETS} markets, {sum(map(len, lines)) / len(lines):,.0f} bytes a line")
    run(lines, None)
    run(lines, PACE)
    print(f"memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB at most")


if __name__ == "__main__":
    main()
