"""Reading flumine.toml: its data, and on which line each key stands."""

import re
import tomllib
from pathlib import Path
from typing import Any

import attrs

from ..errors import SettingsError

FILE_NAME = "flumine.toml"

Path_ = tuple[str | int, ...]
"""A key as steps from the top of the file: ("strategies", 0, "options", "stake")."""

_HEADER = re.compile(r"^\[(\[?)\s*([^\[\]]+?)\s*\]\]?\s*(#.*)?$")
_KEY = re.compile(r"""^((?:"[^"]*"|'[^']*'|[A-Za-z0-9_-]+)(?:\s*\.\s*(?:"[^"]*"|'[^']*'|[A-Za-z0-9_-]+))*)\s*=""")
_PART = re.compile(r""""[^"]*"|'[^']*'|[A-Za-z0-9_-]+""")


@attrs.frozen
class ConfigurationFile:
    """One configuration file.

    :ivar name: its path as given, as messages show it.
    :ivar lines: step-by-step keys -> line, from 1; keys inside inline tables stand on their table's line.
    """

    name: str
    data: dict[str, Any]
    lines: dict[Path_, int]

    def place(self, key: Path_) -> str:
        """Return file and line of a key, of the nearest outer one that has a line."""
        while key:
            if key in self.lines:
                return f"{self.name}:{self.lines[key]}"
            key = key[:-1]
        return self.name


def read_file(path: str) -> ConfigurationFile:
    """Read a configuration file.

    :raises SettingsError: where it cannot be read or is not TOML, with the line.
    """
    try:
        text = Path(path).read_bytes().decode("utf-8-sig")  # editors of Windows put a mark before it
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path} must be UTF-8 text: {error.reason} at byte {error.start}") from error
    try:
        data = tomllib.loads(text)
    except RecursionError:
        raise SettingsError(f"{path}: not TOML: tables or lists are nested too deep") from None
    except tomllib.TOMLDecodeError as error:
        match = re.search(r"^(.*?) \(at line (\d+), column (\d+)\)$", str(error))
        place, told = (f"{path}:{match[2]}", match[1]) if match else (path, str(error))
        raise SettingsError(f"{place}: not TOML: {told[:1].lower()}{told[1:]}") from error
    return ConfigurationFile(path, data, _lines_of(text))


def _steps(dotted: str) -> list[str]:
    return [part.strip("\"'") for part in _PART.findall(dotted)]


def _lines_of(text: str) -> dict[Path_, int]:
    """Find the line of each header and key of a text that is known to be TOML.

    Inside a multi-line text or list a line that looks like a key may be taken for one; nobody asks for that key.
    """
    lines: dict[Path_, int] = {}
    counts: dict[Path_, int] = {}
    table: Path_ = ()
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        header = _HEADER.match(line)
        if header:
            table = _resolve(_steps(header[2]), counts, is_array=bool(header[1]))
            lines.setdefault(table, number)
        elif key := _KEY.match(line):
            steps = table
            for step in _steps(key[1]):
                steps = (*steps, step)
                lines.setdefault(steps, number)
    return lines


def _resolve(steps: list[str], counts: dict[Path_, int], is_array: bool) -> Path_:
    """Turn a header's steps into a key: the name of an array of tables is followed by its present index."""
    key: Path_ = ()
    for position, step in enumerate(steps):
        key = (*key, step)
        if is_array and position == len(steps) - 1:
            counts[key] = counts.get(key, -1) + 1
        if key in counts:
            key = (*key, counts[key])
    return key
