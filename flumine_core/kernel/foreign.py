"""Around foreign code: what it prints goes to stderr, which it cannot close, and Ctrl-C names it."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from typing import Any


class _Lent:
    """A stream, or the buffer of one, that foreign code is lent: closing it does nothing."""

    def __init__(self, owned: Any) -> None:
        self._owned = owned

    def __getattr__(self, name: str) -> Any:
        return getattr(self._owned, name)

    def __enter__(self) -> "_Lent":
        return self

    def __exit__(self, *raised: object) -> None: ...

    @property
    def buffer(self) -> "_Lent":
        """What the bytes go to, lent, too: who wraps it in a stream anew closes it when that stream goes."""
        return _Lent(self._owned.buffer)

    def close(self) -> None:
        """Do nothing."""

    def detach(self) -> "_Lent":
        """Return the buffer, and go on writing to it."""
        return self.buffer


def lent_stderr() -> Any:
    """Return stderr as foreign code is lent it; None where there is none."""
    return None if sys.stderr is None else _Lent(sys.stderr)


@contextmanager
def prints_apart() -> Iterator[None]:
    """Have what is printed go to stderr, and let nobody close that."""
    lent = lent_stderr()
    with redirect_stdout(lent), redirect_stderr(lent):
        yield


@contextmanager
def same_directory() -> Iterator[None]:
    """Go back to the directory that it is now, should foreign code leave it."""
    try:
        before = Path.cwd()
    except OSError:  # it was removed
        yield
        return
    try:
        yield
    finally:
        with suppress(OSError):
            os.chdir(before)


@contextmanager
def named_if_interrupted(what: str) -> Iterator[None]:
    """Note at a KeyboardInterrupt what was going on: it may be the user's Ctrl-C, or foreign code's own."""
    try:
        yield
    except KeyboardInterrupt as error:
        error.add_note(f"interrupted while {what}")
        raise
