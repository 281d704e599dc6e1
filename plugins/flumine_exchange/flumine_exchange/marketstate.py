"""One market as its stream serves it: every field with the sequence number of its last change.

From that follow images, deltas, and the patch that a resume or a slow reader needs, without a log of changes.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from flumine_core.book.definition import RunnerKey

BY_PRICE = frozenset({"atb", "atl", "trd", "spb", "spl"})
BY_POSITION = frozenset({"batb", "batl", "bdatb", "bdatl"})
SCALARS = frozenset({"ltp", "tv", "spn", "spf"})

Changes = list[dict[str, Any]]
"""Runner changes as on the wire (`rc`)."""


class RunnerState:
    """One runner: ladder -> price or position -> ([price or position, ..., size], sequence); scalar -> (value, ...)."""

    __slots__ = ("key", "ladders", "scalars", "sequence")

    def __init__(self, key: RunnerKey) -> None:
        self.key = key
        self.ladders: dict[str, dict[float, tuple[list[float], int]]] = {}
        self.scalars: dict[str, tuple[Any, int]] = {}
        self.sequence = 0

    def apply(self, change: Mapping[str, Any], sequence: int) -> None:
        """Apply one runner change of the wire."""
        self.sequence = sequence
        for name, value in change.items():
            if name in SCALARS:
                self.scalars[name] = (value, sequence)
            elif name in BY_PRICE or name in BY_POSITION:
                ladder = self.ladders.setdefault(name, {})
                if not value and name == "trd":
                    for price, (level, _) in ladder.items():
                        if level[-1]:
                            ladder[price] = ([price, 0], sequence)
                for level in value or ():
                    ladder[level[0]] = (list(level), sequence)

    def ladder(self, name: str) -> list[list[float]]:
        """Return the levels that hold a size, as they came."""
        return [level for level, _ in self.ladders.get(name, {}).values() if level[-1]]

    def best(self, name: str, depth: int) -> list[list[float]]:
        """Return the first `depth` prices of atb (falling) or atl (rising)."""
        return sorted(self.ladder(name), reverse=name == "atb")[:depth]

    def patch(self, names: Iterable[str], since: int) -> dict[str, Any]:
        """Return what changed after `since` of the fields named; -1 for an image, which has no empty levels."""
        is_image = since < 0
        found: dict[str, Any] = {}
        for name in names:
            if name in SCALARS:
                scalar = self.scalars.get(name)
                if scalar is not None and scalar[1] > since:
                    found[name] = scalar[0]
                continue
            levels = [
                level
                for level, sequence in self.ladders.get(name, {}).values()
                if sequence > since and (level[-1] or not is_image)
            ]
            if levels:
                found[name] = levels
        return found

    def empty(self, sequence: int) -> None:
        """Take every offer away, as where the runner is removed."""
        for name in ("atb", "atl"):
            for price, (level, _) in list(self.ladders.get(name, {}).items()):
                if level[-1]:
                    self.ladders[name][price] = ([price, 0], sequence)
        self.sequence = sequence


class MarketState:
    """One market; `definition` is sent whole whenever it changed.

    :ivar image_sequence: when all was replaced by an image last: a resume from before gets the image.
    """

    def __init__(self, market_id: str) -> None:
        self.market_id = market_id
        self.definition: dict[str, Any] = {}
        self.definition_sequence = 0
        self.total: float | None = None
        self.total_sequence = 0
        self.sequence = 0
        self.image_sequence = 0
        self.runners: dict[RunnerKey, RunnerState] = {}

    def define(self, definition: dict[str, Any], sequence: int) -> None:
        """Take over a definition."""
        self.definition = definition
        self.definition_sequence = self.sequence = sequence

    def apply(self, changes: Changes, total: float | None, sequence: int) -> None:
        """Apply the runner changes of one market change."""
        self.sequence = sequence
        if total is not None:
            self.total, self.total_sequence = total, sequence
        for change in changes:
            self.runner(change).apply(change, sequence)

    def runner(self, change: Mapping[str, Any]) -> RunnerState:
        """Return the runner that a change is of."""
        key = (change["id"], change.get("hc") or 0)
        runner = self.runners.get(key)
        if runner is None:
            runner = self.runners[key] = RunnerState(key)
        return runner

    def clear(self, sequence: int) -> None:
        """Forget all prices: an image follows."""
        self.runners = {}
        self.total = None
        self.image_sequence = sequence
