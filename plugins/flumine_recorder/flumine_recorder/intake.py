"""What comes in: which lines belong into which file, and what a file misses. No disk and no thread is known here."""

from collections.abc import Callable, Sequence
from pathlib import Path

import attrs

from .gap import Gap
from .linefile import LineFile
from .message import Kind, Line, cut, parse
from .pack import path_of

RESTARTED = "restarted"
NEW_IMAGE = "new image"
CONFLATED = "conflated"
NOT_WRITTEN = "not written"
CAME_BACK = "came back after its file was closed"


@attrs.define(eq=False)
class Market:
    """The open files of one market.

    :ivar heard_at: when its latest line came, by the caller's clock (seconds).
    :ivar catalogue: its catalogue as JSON, where it is not written yet; `known_catalogue` whether it is or not.
    """

    market_id: str
    directory: Path
    heard_at: float
    files: dict[str, LineFile] = attrs.Factory(dict)
    catalogue: bytes | None = None
    known_catalogue: bytes | None = None
    closed_at: float | None = None

    @property
    def is_closed(self) -> bool:
        """Whether the market has closed, as its market stream tells, or its order stream where it has no other."""
        told = self.files.get("market") or self.files.get("order")
        return told is not None and told.is_closed

    @property
    def is_heard(self) -> bool:
        """Whether a stream of this run brings it that will tell of its closing; races and matches do not."""
        return any(file.owner is not None and file.kind.name in ("market", "order") for file in self.files.values())


@attrs.define
class Counts:
    """What came in so far.

    :ivar lines, bytes: taken, and so written or waiting.
    :ivar changes: those in the lines taken.
    :ivar doubled: lines left out since another stream brings them, or the file has them already.
    :ivar lost: lines that could not be kept; each is inside of a gap that is listed.
    :ivar bad: changes that have no place.
    :ivar last_ms: publish time of the latest message.
    """

    lines: int = 0
    bytes: int = 0
    changes: int = 0
    doubled: int = 0
    lost: int = 0
    bad: int = 0
    last_ms: int | None = None


class Intake:
    """The markets that are being recorded; the caller guards it with a lock.

    :param directory: of the open files, one directory a market.
    :param memory: bytes that may wait in memory; what comes beyond that is lost, and listed as a gap.
    :param on_bad: told of each change that has no place.
    :ivar waiting_bytes: of lines that are not in their files.
    :ivar conflating: streams that were asked to conflate, so that it is nothing to be listed.
    """

    def __init__(self, directory: Path, memory: int, on_bad: Callable[[str], None]) -> None:
        self.directory = directory
        self.memory = memory
        self.markets: dict[str, Market] = {}
        self.waiting_bytes = 0
        self.conflating: set[int] = set()
        self.counts = Counts()
        self.gaps: list[Gap] = []
        self._on_bad = on_bad
        self._left: dict[tuple[str, str], int] = {}

    def take(
        self, stream_id: int, kind: Kind, clk: str | None, publish_time: int, changes: Sequence[bytes], now: float
    ) -> None:
        """Take a message's changes; `now` in seconds, by any clock that runs evenly."""
        counts = self.counts
        counts.last_ms = publish_time
        for line in cut(kind, clk, publish_time, changes, self._bad):
            market = self.market(line.market_id, now)
            file = market.files.get(kind.name)
            if file is None:
                file = market.files[kind.name] = self._new_file(market, kind)
            if self._is_wanted(stream_id, file, line):
                file.append(line.text, publish_time)
                self.waiting_bytes += len(line.text)
                counts.lines += 1
                counts.bytes += len(line.text)
                counts.changes += len(line.changes)
                for change in line.changes:
                    file.note(change)
            if not market.is_closed:
                market.closed_at = None
            elif market.closed_at is None:
                market.closed_at = now

    def market(self, market_id: str, now: float) -> Market:
        """Return a market, opened where it is new."""
        market = self.markets.get(market_id)
        if market is None:
            market = self.markets[market_id] = Market(market_id, self.directory / market_id, now)
        market.heard_at = now
        return market

    def resume(self, market: Market) -> None:
        """Take up a market that an earlier run has left open."""
        self.markets[market.market_id] = market
        for file in market.files.values():
            if not file.is_closed:
                file.hole = Gap(market.market_id, file.kind.name, file.last_ms or 0, None, RESTARTED)
        if market.is_closed:
            market.closed_at = market.heard_at

    def leave(self, market: Market) -> None:
        """Let go of a market whose files are closed; a hole that nothing has ended stays as it is."""
        del self.markets[market.market_id]
        for file in market.files.values():
            if file.hole is not None:
                self.gaps.append(file.hole)
            if file.last_ms is not None:
                self._left[market.market_id, file.kind.name] = file.last_ms

    def abandon(self) -> int:
        """Give up the lines that wait, and list them as gaps; return how many there were."""
        lost = 0
        for market in self.markets.values():
            for file in market.files.values():
                if file.waiting:
                    _, _, first_ms, _ = parse(file.waiting[0])
                    count = len(file.waiting)
                    self.gaps.append(Gap(market.market_id, file.kind.name, first_ms - 1, None, NOT_WRITTEN, count))
                    lost += count
                    file.waiting.clear()
        self.counts.lost += lost
        self.waiting_bytes = 0
        return lost

    def _new_file(self, market: Market, kind: Kind) -> LineFile:
        file = LineFile(path_of(market.directory, kind), kind, market.market_id)
        left = self._left.get((market.market_id, kind.name))
        if left is not None:
            file.hole = Gap(market.market_id, kind.name, left, None, CAME_BACK)
        return file

    def _is_wanted(self, stream_id: int, file: LineFile, line: Line) -> bool:
        """Whether a line goes into its file; gaps before it are listed."""
        counts = self.counts
        if file.owner is None:
            file.owner = stream_id
        if file.owner != stream_id:
            counts.doubled += 1
            return False
        if self.waiting_bytes + len(line.text) > self.memory:
            counts.lost += 1
            hole = file.hole or Gap(file.market_id, file.kind.name, file.last_ms or 0, None, NOT_WRITTEN)
            file.hole = attrs.evolve(hole, lines_lost=hole.lines_lost + 1)
            return False
        is_image = any(change.is_image for change in line.changes)
        if file.hole is not None:
            return self._fills(file, line, is_image)
        if is_image and file.last_ms is not None:
            self._list(file, Gap(file.market_id, file.kind.name, file.last_ms, line.publish_time, NEW_IMAGE))
        elif file.last_ms is not None and stream_id not in self.conflating and any(each.con for each in line.changes):
            self._list(file, Gap(file.market_id, file.kind.name, file.last_ms, line.publish_time, CONFLATED))
        return True

    def _fills(self, file: LineFile, line: Line, is_image: bool) -> bool:
        """Whether a line may follow a hole.

        Changes of a market mean nothing without what they change, so that only an image makes its books whole; but a
        definition comes whole, and with it how the market ends. The other kinds tell of a state each time.
        """
        hole = file.hole
        assert hole is not None
        if line.text == file.last_text:  # nothing was missed: what the file has comes again
            self.counts.doubled += 1
            file.hole = None
            return False
        if is_image or file.kind.name != "market":
            self._list(file, attrs.evolve(hole, end_ms=line.publish_time))
            file.hole = None
            return True
        if any(change.marketDefinition is not None for change in line.changes):
            if line.publish_time > hole.start_ms:  # listed now: after a kill a hole begins at the last line of its file
                self._list(file, attrs.evolve(hole, end_ms=line.publish_time))
                file.hole = attrs.evolve(hole, start_ms=line.publish_time, lines_lost=0)
            return True
        self.counts.lost += 1
        file.hole = attrs.evolve(hole, lines_lost=hole.lines_lost + 1)
        return False

    def _list(self, file: LineFile, gap: Gap) -> None:
        last = file.gaps[-1] if file.gaps else None
        is_adjacent = last is not None and last.end_ms == gap.start_ms and self.gaps[-1] is last
        if last is not None and is_adjacent and gap.reason == last.reason == CONFLATED:
            gap = attrs.evolve(last, end_ms=gap.end_ms)
            file.gaps.pop()
            self.gaps.pop()
        file.gaps.append(gap)
        self.gaps.append(gap)

    def _bad(self, told: str) -> None:
        self.counts.bad += 1
        self._on_bad(told)
