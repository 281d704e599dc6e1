"""Garbage collection while a run lasts, and of structures."""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

S = TypeVar("S", bound=type[Any])


def tracked(structure: S) -> S:
    """Have attributes of a `msgspec.Struct` class set as those of any other class, which is five times faster.

    msgspec's own way sees to it that an instance which held nothing to collect is known to the collector once it
    does. So this is for classes whose instances are made with another object: the collector knows them from the start.
    """
    structure.__setattr__ = object.__setattr__  # type: ignore[assignment]
    structure.__delattr__ = object.__delattr__  # type: ignore[assignment]
    return structure


_GROWTH = 1.25
_collected_at = 0
"""How many blocks of memory were in use when everything was last gone through, 0 before."""
_is_frozen = False
_is_settled = False


def freeze() -> None:
    """Leave what there is now out of collections until the process ends; in it `frozen` does nothing from now on."""
    global _is_frozen
    _is_frozen = True
    gc.freeze()


def collect() -> None:
    """Collect what a unit has left; what stays after the first one, as plugins' modules, is left out from then on."""
    global _is_settled
    gc.collect()
    if _is_frozen and not _is_settled:
        _is_settled = True
        gc.freeze()


@contextmanager
def frozen() -> Iterator[None]:
    """Leave what there is now out of collections: going through it takes tens of milliseconds, and it stays anyway.

    But what an earlier run has left is collected first, once there is a quarter more than the last time: a framework
    and its orders refer to each other. It is the whole process's; within another such block nothing happens.
    """
    global _collected_at, _is_frozen, _is_settled
    if _is_frozen or gc.get_freeze_count():
        yield
        return
    _is_frozen, _is_settled = True, False
    try:
        blocks = sys.getallocatedblocks()  # to count what is frozen would take ten times as long
        if _collected_at and blocks > _GROWTH * _collected_at:
            gc.collect()
            blocks = _collected_at = sys.getallocatedblocks()
        _collected_at = min(_collected_at or blocks, blocks)
        gc.freeze()
        yield
    finally:
        _is_frozen = False
        gc.unfreeze()
