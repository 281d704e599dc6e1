"""Which installed distributions a test sees plugins of."""

import re
from collections.abc import Iterable
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
    read = entrypoint.read_entry_rows

    def read_entry_rows(kind: str | None = None) -> list[entrypoint.EntryRow]:
        return [row for row in read(kind) if folded(row.distribution) in wanted]

    for module in (entrypoint, discovery):
        monkeypatch.setattr(module, "read_entry_rows", read_entry_rows)
