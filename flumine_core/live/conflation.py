"""Several changes of one market merged into one, as the exchange itself conflates for a slow reader."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from ..book.change import MarketChange, RunnerChange, decode_runner_changes

_SCALARS = ("ltp", "tv", "spn", "spf")
_LADDERS = ("trd", "atb", "atl", "spb", "spl")
_POSITIONS = ("batb", "batl", "bdatb", "bdatl")


def merge(changes: Sequence[MarketChange]) -> MarketChange | None:
    """Return one change that does to a book what all of these do, one after another; None where there is none.

    An empty list of traded volumes clears what was traded, which a merged change cannot say after others.

    :raises msgspec.MsgspecError: where runner changes are not as documented.
    """
    runners: dict[tuple[int, float], RunnerChange] = {}
    ladders: dict[tuple[int, float], dict[str, dict[Any, Any]]] = {}
    merged = MarketChange(changes[0].id, img=changes[0].img)
    for change in changes:
        if change.marketDefinition is not None:
            merged.marketDefinition = change.marketDefinition
        if change.tv is not None:
            merged.tv = change.tv
        for runner in _runner_changes(change):
            if runner.trd == []:
                return None
            key = runner.key
            into = runners.setdefault(key, RunnerChange(id=runner.id, hc=runner.hc))
            for name in _SCALARS:
                value = getattr(runner, name)
                if value is not None:
                    setattr(into, name, value)
            levels = ladders.setdefault(key, {})
            for name in _LADDERS:
                ladder = getattr(runner, name)
                if ladder is not None:
                    levels.setdefault(name, {}).update((level.price, level) for level in ladder)
            for name in _POSITIONS:
                positions = getattr(runner, name)
                if positions is not None:
                    levels.setdefault(name, {}).update((position[0], position) for position in positions)
    for key, into in runners.items():
        for name, found in ladders[key].items():
            setattr(into, name, list(found.values()))
    merged.rc = list(runners.values())
    return merged


def _runner_changes(change: MarketChange) -> Iterable[RunnerChange]:
    rc = change.rc
    if isinstance(rc, list):
        return rc
    return (decode_runner_changes(bytes(rc)) or ()) if rc is not None and bytes(rc) else ()


UNMERGEABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What merging raises where a change is not as documented."""
