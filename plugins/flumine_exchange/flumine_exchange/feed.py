"""Recorded and synthetic lines as changes for the exchange, their dates moved to now."""

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec
from attrs import define, frozen
from flumine_core.book.change import UNDECODABLE, decode_message
from flumine_core.book.definition import parse_datetime
from flumine_core.errors import StreamError
from flumine_core.simulation.reader import open_lines

from .clock import iso
from .marketstate import Changes

DATES = ("marketTime", "suspendTime", "openDate", "settledTime")
SPORTS = {"rcm": ("race", "rc"), "ccm": ("cricket", "cc")}

_decode_runners = msgspec.json.Decoder(list[dict[str, Any]]).decode
_decode = msgspec.json.decode


@frozen
class FeedChange:
    """One market's change of a line; `raw` is `changes` as it came."""

    market_id: str
    definition: dict[str, Any] | None
    changes: Changes
    total: float | None
    is_image: bool
    raw: msgspec.Raw


@frozen
class FeedLine:
    """One line: when it was published (milliseconds since 1970) and what it holds."""

    publish_time: int
    changes: list[FeedChange]
    sport: str | None = None
    sport_changes: list[dict[str, Any]] | None = None


def name_of(source: Any) -> str:
    """Return a file's path, or the class of a synthetic market or event."""
    return str(source) if isinstance(source, str | Path) else type(source).__name__


def lines_of(source: Any) -> Iterable[bytes]:
    """Return the lines of a file's path, or of a synthetic market or event."""
    if isinstance(source, str | Path):
        return open_lines(str(source))
    lines: Iterable[bytes] = source.lines()
    return lines


def read(source: Any, on_bad_line: Callable[[str], None]) -> Iterator[FeedLine]:
    """Yield the lines of a source; one that cannot be used is told of and left out.

    :raises StreamError: where a file cannot be opened.
    """
    name = name_of(source)
    for number, line in enumerate(lines_of(source), 1):
        try:
            yield decode(line)
        except UNDECODABLE as error:
            on_bad_line(f"{name}:{number}: {error}")


def decode(line: bytes) -> FeedLine:
    """Return what a line of a market, race or cricket recording holds."""
    if b'"mcm"' not in line[:40] and (b'"rcm"' in line or b'"ccm"' in line):
        message = _decode(line, type=dict[str, Any])
        found = SPORTS.get(message.get("op", ""))
        if found is not None:
            return FeedLine(message["pt"], [], found[0], message.get(found[1]) or [])
    decoded = decode_message(line)
    changes = []
    for change in decoded.mc:
        raw = change.rc
        assert isinstance(raw, msgspec.Raw)
        has_runners = bool(len(bytes(raw))) and bytes(raw) != b"null"
        changes.append(
            FeedChange(
                change.id or "",
                change.marketDefinition,
                _decode_runners(raw) if has_runners else [],
                change.tv,
                bool(change.img),
                raw.copy() if has_runners else msgspec.Raw(),
            )
        )
    return FeedLine(decoded.pt, changes)


@define
class Timeline:
    """Where recorded times lie in the exchange's time.

    :ivar recorded_ms: this recorded time ...
    :ivar exchange_ms: ... is this one here; from there `speed` recorded milliseconds pass in one.
    """

    recorded_ms: int
    exchange_ms: int
    speed: float = 1.0

    def moved(self, recorded_ms: int) -> int:
        """Return a recorded time as the exchange's."""
        return self.exchange_ms + round((recorded_ms - self.recorded_ms) / self.speed)

    def definition(self, definition: dict[str, Any]) -> dict[str, Any]:
        """Return a market definition with its dates moved."""
        moved = dict(definition)
        for name in DATES:
            if moved.get(name):
                moved[name] = self._date(moved[name])
        runners = []
        for runner in moved.get("runners") or ():
            date = runner.get("removalDate")
            runners.append(runner | {"removalDate": self._date(date)} if date else runner)
        moved["runners"] = runners
        return moved

    def _date(self, text: str) -> str:
        recorded = _milliseconds(text)
        return text if recorded is None else iso(self.moved(recorded))


@lru_cache(1024)
def _milliseconds(text: str) -> int | None:
    found = parse_datetime(text)
    return None if found is None else round(found.timestamp() * 1000)


def off_of(definition: dict[str, Any]) -> int | None:
    """Return when a market is due to start, in milliseconds since 1970."""
    text = definition.get("marketTime")
    return None if text is None else _milliseconds(text)


def first_line(lines: Iterator[FeedLine], name: str) -> FeedLine:
    """Return the first line with anything in it.

    :raises StreamError: where there is none.
    """
    for line in lines:
        if line.changes or line.sport_changes:
            return line
    raise StreamError(f"{name} holds no changes")
