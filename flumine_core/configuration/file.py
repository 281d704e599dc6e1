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
_LONG = ('"""', "'''")
_TEXT = re.compile(r'''"""(?:\\.|[^\\])*?"{3,5}|'{3}.*?'{3,5}|"(?:\\.|[^"\\\n])*"|'[^'\n]*'|#[^\n]*''', re.DOTALL)
"""A text of several lines, a text of one, or a comment."""

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


def _on_one_line(found: "re.Match[str]") -> str:
    """Leave texts of one line as they are, of longer ones the lines alone, and of comments nothing."""
    text = found[0]
    return "" if text.startswith("#") else "''" + "\n" * text.count("\n") if text[:3] in _LONG else text


def _brackets(line: str) -> int:
    """Return how many lists a line leaves open, negative where it closes more."""
    bare = _TEXT.sub("", line)
    return bare.count("[") - bare.count("]")


def _steps(dotted: str) -> list[str]:
    return [part.strip("\"'") for part in _PART.findall(dotted)]


def _lines_of(text: str) -> dict[Path_, int]:
    """Find the line of each header and key of a text that is known to be TOML."""
    lines: dict[Path_, int] = {}
    counts: dict[Path_, int] = {}
    table: Path_ = ()
    depth = 0
    for number, raw in enumerate(_TEXT.sub(_on_one_line, text).split("\n"), 1):
        line = raw.strip()
        is_inside, depth = depth > 0, depth + _brackets(line)
        if is_inside:
            continue
        header = _HEADER.match(line)
        if header:
            table = _resolve(_steps(header[2]), counts, is_array=bool(header[1]))
            for key in (table[:-1], table) if header[1] else (table,):
                lines.setdefault(key, number)
        elif assigned := _KEY.match(line):
            steps = table
            for step in _steps(assigned[1]):
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
