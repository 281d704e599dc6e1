"""What installed distributions say they bring: entry points as plain rows; imports nobody and nothing heavy."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from importlib_metadata import distributions

GROUP = "flumine_core"

HOOKS = "hooks"
"""The kind of the entry points in the group `flumine_core` itself."""

KINDS = (
    HOOKS,
    "strategies",
    "trading_controls",
    "client_controls",
    "middleware",
    "workers",
    "logging_controls",
    "commands",
)


class EntryRow(NamedTuple):
    """One entry point: its kind, name, `module:attribute`, and the distribution that brings it."""

    kind: str
    name: str
    value: str
    distribution: str
    version: str


def group_of(kind: str) -> str:
    """Return the entry-point group that holds a kind."""
    return GROUP if kind == HOOKS else f"{GROUP}.{kind}"


def kind_of(group: str) -> str | None:
    """Return the kind that an entry-point group holds, None for a group that is not ours."""
    if group == GROUP:
        return HOOKS
    prefix = GROUP + "."
    return group[len(prefix) :] if group.startswith(prefix) else None


def _rows_of(text: str) -> Iterator[tuple[str, str, str]]:
    """Yield (kind, name, value) of a distribution's entry_points.txt; a line without `=` has the value ""."""
    kind: str | None = None
    for raw in text.splitlines():
        line = raw.strip()
        if not line or line[0] in "#;":
            continue
        if line.startswith("[") and line.endswith("]"):
            kind = kind_of(line[1:-1].strip())
        elif kind is not None:
            name, _, value = line.partition("=")
            yield kind, name.strip(), value.strip()


def _name_and_version(distribution: Any) -> tuple[str, str]:
    """Return a distribution's name and version; "?" where its metadata does not tell."""
    # `distribution.metadata` imports a parser of e-mail for what are two lines of a header
    try:
        text = distribution.read_text("METADATA") or distribution.read_text("PKG-INFO") or ""
    except (OSError, ValueError):
        text = ""
    header = text.partition("\n\n")[0]
    found = [re.search(rf"^{name}:[ \t]*(\S+)", header, re.MULTILINE) for name in ("Name", "Version")]
    name, version = ("?" if each is None else each[1] for each in found)
    return name, version


def read_entry_rows(kind: str | None = None) -> list[EntryRow]:
    """Return every entry point of ours (of one kind), sorted by kind and name.

    A distribution that stands twice on `sys.path` counts once, as the first one wins for imports too; one whose
    metadata cannot be read is passed over, since without it nothing is known of it.
    """
    rows: list[EntryRow] = []
    seen: set[str] = set()
    # sys.path names python311.zip, which is seldom there: looking into it would import zipfile
    path = [each for each in sys.path if isinstance(each, str) and Path(each).exists()]
    for distribution in distributions(path=path):
        try:
            text = distribution.read_text("entry_points.txt") or ""
        except (OSError, ValueError):
            continue
        if GROUP not in text:
            continue
        name, version = _name_and_version(distribution)
        folded = re.sub(r"[-_.]+", "-", name).lower()
        if folded in seen and name != "?":
            continue
        seen.add(folded)
        rows.extend(
            EntryRow(found, entry, value, name, version)
            for found, entry, value in _rows_of(text)
            if kind in (None, found)
        )
    return sorted(rows)
