"""A closed market's files made ready for the store: compressed, and put where date and event say."""

import bz2
import gzip
import os
import re
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any

import attrs

from .gap import SUFFIX
from .linefile import LineFile, take_up
from .message import KINDS, Kind

NO_EVENT = "no-event"
"""The directory of markets whose event nobody has told."""

DONE = ".done-"
"""Opens the name of a directory that was packed and is being removed."""

_CHUNK = 1024 * 1024
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@attrs.frozen
class Format:
    """How closed files are compressed, and how their names end."""

    suffix: str
    open: Callable[[IO[bytes]], Any]


def _zst(file: IO[bytes]) -> Any:
    import zstandard

    return zstandard.ZstdCompressor(level=9, write_checksum=True).stream_writer(file, closefd=False)


class _Plain(AbstractContextManager["_Plain"]):
    def __init__(self, file: IO[bytes]) -> None:
        self.write = file.write

    def __exit__(self, *error: object) -> None:
        """Leave the file open."""


FORMATS: dict[str, Format] = {
    "zst": Format(".zst", _zst),
    "gz": Format(".gz", lambda file: gzip.GzipFile("", "wb", 9, file, mtime=0)),
    "bz2": Format(".bz2", lambda file: bz2.BZ2File(file, "wb", compresslevel=9)),
    "plain": Format("", _Plain),
}
"""Name -> format; each is told apart by its first bytes when it is read."""


def place_of(file: LineFile, market: LineFile | None) -> str:
    """Return the directory of a closed file, below its kind's: the date of the market, then its event.

    :param market: the market stream's file of the same market, where there is one: it tells both.
    """
    told = (market.market_time if market is not None else None) or file.market_time or ""
    day = told[:10] if re.match(r"\d{4}-\d\d-\d\d", told) else ""
    if not day:
        start = (market.first_ms if market is not None else None) or file.first_ms or 0
        day = (_EPOCH + timedelta(milliseconds=start)).date().isoformat()
    event = (market.event_id if market is not None else None) or file.event_id or NO_EVENT
    safe = re.sub(r"[^0-9A-Za-z_-]", "_", event)
    return f"{day.replace('-', '/')}/{safe}"


def pack(directory: Path, outbox: Path, compression: str) -> list[Path]:
    """Pack a closed market's directory into the outbox and remove it; return the files made.

    Doing it again after a crash halfway gives the same files.

    :param directory: named by the market's id; a number behind it ("1.234+2") tells which part of it this is.
    :raises OSError: where something cannot be read or written; the directory is then as it was.
    """
    market_id, _, part = directory.name.partition("+")
    name = f"{market_id}-{part}" if part else market_id
    found = _files(directory, market_id)
    market = next((file for file in found if file.kind.name == "market"), None)
    made: list[Path] = []
    for file in found:
        target = outbox / file.kind.name / place_of(file, market)
        form = FORMATS[compression]
        made.append(_written(file.path, target / f"{name}{form.suffix}", form))
        gaps = directory / f"{file.kind.name}{SUFFIX}"
        if gaps.exists():
            made.append(_written(gaps, target / f"{name}{SUFFIX}", FORMATS["plain"]))
    catalogue = catalogue_of(directory, market_id)
    if catalogue.exists() and found:
        beside = market or found[0]  # without a recording beside it nobody would send it
        target = outbox / beside.kind.name / place_of(beside, market)
        made.append(_written(catalogue, target / f"{market_id}.json", FORMATS["plain"]))
    done = directory.with_name(f"{DONE}{directory.name}")
    directory.rename(done)  # at once: a directory that is half removed would be packed as if it were whole
    shutil.rmtree(done)
    return made


def _files(directory: Path, market_id: str) -> list[LineFile]:
    found: list[LineFile] = []
    for kind in KINDS.values():
        path = path_of(directory, kind)
        if path.exists() and path.stat().st_size:
            found.append(take_up(path, kind, market_id))
    return found


def path_of(directory: Path, kind: Kind) -> Path:
    """Return where the open lines of a market and kind are."""
    return directory / kind.name


def catalogue_of(directory: Path, market_id: str) -> Path:
    """Return where a market's catalogue is among its open files."""
    return directory / f"{market_id}.json"


def _written(source: Path, target: Path, form: Format) -> Path:
    """Write a file in a format, under its name once it is whole and on the disk."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.part")
    try:
        with source.open("rb") as lines, part.open("wb") as file:
            with form.open(file) as packed:
                shutil.copyfileobj(lines, packed, _CHUNK)
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return target
