"""Garbage collection while a run lasts."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def frozen() -> Iterator[None]:
    """Leave what there is now out of collections: going through it takes tens of milliseconds, and it stays anyway.

    It is the whole process's; within another such block nothing happens.
    """
    if gc.get_freeze_count():
        yield
        return
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
