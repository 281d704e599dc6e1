"""What waits to be stored: kept on this machine until the store has given it back unchanged."""

import os
from collections.abc import Iterator
from pathlib import Path

import attrs

from .gap import SUFFIX
from .pack import FORMATS
from .store import Store, digest_of

_ENDINGS = tuple(form.suffix for form in FORMATS.values() if form.suffix)


@attrs.frozen
class Parcel:
    """A recording that waits with what lies beside it.

    :ivar stem: its name without the format's suffix, "1.234" or "1.234-2".
    """

    directory: Path
    stem: str
    recording: Path
    gaps: Path | None
    catalogue: Path | None

    def __str__(self) -> str:
        return str(self.recording)

    @property
    def paths(self) -> list[Path]:
        """All of its files, the recording last."""
        return [path for path in (self.gaps, self.catalogue, self.recording) if path is not None]

    @property
    def size(self) -> int:
        """Bytes of all of its files."""
        return sum(path.stat().st_size for path in self.paths)


class Outbox:
    """A directory of files that are named as the store will name them.

    :param directory: of this machine.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def clean(self) -> None:
        """Remove what a process that was killed has left half written."""
        for path in self._files():
            if path.name.startswith(".") and path.name.endswith(".part"):
                path.unlink(missing_ok=True)

    def _files(self) -> list[Path]:
        # os.walk passes over directories that vanish meanwhile
        return sorted(Path(folder, name) for folder, _, names in os.walk(self.directory) for name in names)

    def has(self, stem: str) -> bool:
        """Whether a recording of that name waits."""
        return any(parcel.stem == stem for parcel in self.parcels())

    def parcels(self) -> Iterator[Parcel]:
        """Yield what waits, by name."""
        for path in self._files():
            if path.name.startswith(".") or path.name.endswith((SUFFIX, ".json")):
                continue
            stem = next((path.name.removesuffix(each) for each in _ENDINGS if path.name.endswith(each)), path.name)
            gaps = path.with_name(f"{stem}{SUFFIX}")
            catalogue = path.with_name(f"{_market_id(stem)}.json")
            yield Parcel(
                path.parent,
                stem,
                path,
                gaps if gaps.exists() else None,
                catalogue if catalogue.exists() else None,
            )

    def send(self, parcel: Parcel, store: Store) -> str:
        """Store a parcel and remove it from here; return the name that the recording has in the store.

        A recording never takes the place of another one: where the store has one of its name that differs, it gets the
        next free number. Sending again what was stored before a crash finds it there.

        :raises Exception: what the store raises, or OSError where it gives back something else than was stored.
        """
        place = parcel.directory.relative_to(self.directory).as_posix()
        ending = parcel.recording.name.removeprefix(parcel.stem)
        wanted = digest_of(parcel.recording)
        stem, is_there = self._free(store, place, parcel.stem, ending, wanted)
        if parcel.gaps is not None:
            _stored(store, f"{place}/{stem}{SUFFIX}", parcel.gaps)
        if parcel.catalogue is not None:
            _stored(store, f"{place}/{parcel.catalogue.name}", parcel.catalogue)
        if not is_there:
            _stored(store, f"{place}/{stem}{ending}", parcel.recording)
        for path in parcel.paths:
            path.unlink(missing_ok=True)
        self._remove_empty(parcel.directory)
        return f"{place}/{stem}{ending}"

    def _free(self, store: Store, place: str, stem: str, ending: str, wanted: str) -> tuple[str, bool]:
        """Return the name that is free or already holds this recording, and whether it does."""
        market_id = _market_id(stem)
        number = int(stem[len(market_id) + 1 :] or 1)
        while True:
            name = market_id if number == 1 else f"{market_id}-{number}"
            found = store.digest(f"{place}/{name}{ending}")
            if found in (None, wanted):
                return name, found == wanted
            number += 1

    def _remove_empty(self, directory: Path) -> None:
        while directory != self.directory:
            try:
                directory.rmdir()
            except OSError:
                return
            directory = directory.parent


def _market_id(stem: str) -> str:
    """Return the market's id in a recording's name."""
    market_id, dash, number = stem.rpartition("-")
    return market_id if dash and number.isdigit() else stem


def _stored(store: Store, name: str, path: Path) -> None:
    wanted = digest_of(path)
    if store.digest(name) == wanted:
        return
    store.put(name, path)
    found = store.digest(name)
    if found != wanted:
        raise OSError(f"{name} in {store} must have the digest {wanted}, was {found}")
