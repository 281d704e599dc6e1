"""Which installed distributions a test sees plugins of."""

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from ..kernel import discovery, entrypoint

if TYPE_CHECKING:
    import pytest


def folded(distribution: str) -> str:
    """Return a distribution's name as it is compared: lower case, with single hyphens."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


def show_only(monkeypatch: "pytest.MonkeyPatch", distributions: Iterable[str]) -> None:
    """Hide the plugins of all distributions but flumine_core and these, until the test ends."""
    wanted = {"flumine-core", *map(folded, distributions)}
    _show(monkeypatch, lambda name: name in wanted)


def hide(monkeypatch: "pytest.MonkeyPatch", distributions: Iterable[str]) -> None:
    """Hide the plugins of these distributions, until the test ends."""
    unwanted = {*map(folded, distributions)}
    _show(monkeypatch, lambda name: name not in unwanted)


def _show(monkeypatch: "pytest.MonkeyPatch", is_shown: Callable[[str], bool]) -> None:
    read = entrypoint.read_entry_rows

    def read_entry_rows(kind: str | None = None) -> list[entrypoint.EntryRow]:
        return [row for row in read(kind) if is_shown(folded(row.distribution))]

    for module in (entrypoint, discovery):
        monkeypatch.setattr(module, "read_entry_rows", read_entry_rows)
