"""What a configuration says: sections, named entries with options, overrides, and everything wrong with them."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import attrs

from ..contract.streams import listener_problems
from ..errors import SettingsError
from ..hint import did_you_mean, one_line, without_passwords
from ..options import convert, options_of, shown
from ..settings import Settings, option_names
from .file import FILE_NAME, ConfigurationFile, Path_, read_file
from .override import parse_override

LISTS = (
    "strategies",
    "trading_controls",
    "client_controls",
    "middleware",
    "workers",
    "logging_controls",
    "clients",
)
"""Sections that are arrays of tables, one table for each thing that is named."""

TABLES = ("settings", "plugins", "simulation")

DEFAULTS = {
    "trading_controls": ("order_validation", "market_validation", "strategy_exposure"),
    "client_controls": ("max_order_count",),
    "clients": ("simulated",),
}
"""What a run has that the configuration does not name; an account only where none is named."""

_BEYOND = 1000
"""Places from here on are of entries that no file names."""

_ENTRY_STEPS = 2
"""Steps of an entry's key; those of its options are more."""


@attrs.frozen
class Problem:
    """One thing that is wrong: where it stands, which key, and what is the matter."""

    place: str
    key: str
    text: str

    def __str__(self) -> str:
        told = f"{self.place}: {self.key}: {self.text}" if self.key else f"{self.place}: {self.text}"
        return without_passwords(told)


@attrs.define
class PluginsSection:
    """`[plugins]`: names of plugins not to be used, and of those without which nothing may start."""

    blocked: list[str] = attrs.Factory(list)
    required: list[str] = attrs.Factory(list)


@attrs.define
class SimulationSection:
    """`[simulation]`: which recorded markets, which of their updates, and how many processes.

    :ivar paths: files, globs, directories and archives.
    :ivar listener_kwargs: `inplay`, `seconds_to_start`, `max_inplay_seconds`, `event_type_ids`, ...
    :ivar event_processing: merge the files of one event by publish time.
    :ivar event_groups: event id -> name of a group; files of one group are merged, too.
    :ivar workers: processes; 1 simulates in this one.
    :ivar output: directory for orders.csv and markets.csv.
    """

    paths: list[str] = attrs.Factory(list)
    listener_kwargs: dict[str, Any] = attrs.Factory(dict)
    event_processing: bool = False
    event_groups: dict[str, str] = attrs.Factory(dict)
    market_types: list[str] = attrs.Factory(list)
    country_codes: list[str] = attrs.Factory(list)
    workers: int = 1
    output: str | None = None


@attrs.define(eq=False)
class Entry:
    """One named thing of a list section, with its options.

    :ivar name: its entry point or module:Class; of a client its type.
    :ivar client: of a client control, the client (by username) that it watches; None for every client.
    """

    section: str
    name: str
    key: Path_
    options: dict[str, Any] = attrs.Factory(dict)
    client: str | None = None

    @property
    def label(self) -> str:
        """What messages and `--set` call it: the `name` (of a client the username) among its options, if given."""
        own = self.options.get("username" if self.section == "clients" else "name")
        return own if isinstance(own, str) else self.name


class Configuration:
    """A configuration file with `--set` and `--strategy` applied; `problems` holds all that is wrong so far."""

    def __init__(self, file: ConfigurationFile | None = None) -> None:
        self.file = file
        self.problems: list[Problem] = []
        self.settings: dict[str, Any] = {}
        self.entries: dict[str, list[Entry]] = {section: [] for section in LISTS}
        self.plugins = PluginsSection()
        self.simulation = SimulationSection()
        self.origins: dict[Path_, str] = {}
        """Keys that the command line has set, and by which option."""
        self._tables: dict[str, dict[str, Any]] = {name: {} for name in TABLES}

    def place(self, key: Path_, exact: bool = False) -> str:
        """Return where a value comes from: "--set", "--strategy", file and line, or "default".

        :param exact: of a key that the file does not have, "default" instead of the place of the table around it.
        """
        for length in range(len(key), 0, -1):
            if key[:length] in self.origins:
                return self.origins[key[:length]]
        is_option = len(key) > _ENTRY_STEPS and key[0] in LISTS
        if (exact or is_option) and any(each[: len(key)] == key for each in self.origins):
            return "--set"
        if self.file is None or (exact and not self._is_given(key)):
            return "default"
        return self.file.place(key)

    def _is_given(self, key: Path_) -> bool:
        found: Any = self.file.data if self.file else {}
        for step in key:
            try:
                found = found[step]
            except (KeyError, IndexError, TypeError):
                return False
        return True

    def problem(self, key: Path_, text: str) -> None:
        """Note something that is wrong with the value of a key."""
        self.problems.append(Problem(self.place(key), self.spell(key), text))

    def _problem_within(self, key: Path_, text: str) -> None:
        """Note something that is wrong with a key, or with what `--set` puts below it."""
        self.problems.append(Problem(self.place(key, exact=True), self.spell(key), text))

    def spell(self, key: Path_) -> str:
        """Return a key as `--set` would name it."""
        steps: list[str] = []
        section = key[0] if key else ""
        for position, step in enumerate(key):
            if isinstance(step, int) and section in LISTS:
                entries = self.entries[str(section)]
                found = [each.label for each in entries if each.key == (section, step)]
                steps.append(found[0] if found else str(step))
            elif step != "options" or position != 2 or len(key) == 3:
                steps.append(str(step))
        return ".".join(steps)

    def require_sound(self) -> None:
        """Do nothing where nothing is wrong.

        :raises SettingsError: with every problem, one a line.
        """
        if self.problems:
            raise SettingsError("\n".join(str(problem) for problem in self.problems))

    # ------------------------------------------------------------------------------------------ reading

    def read(self) -> None:
        """Take over what the file says."""
        data = self.file.data if self.file else {}
        for section, content in data.items():
            if section in TABLES:
                if isinstance(content, Mapping):
                    self._tables[section] = dict(content)
                else:
                    self.problem((section,), f"must be a table [{section}], was {shown(section, content)!r}")
            elif section in LISTS:
                if isinstance(content, list) and all(isinstance(each, Mapping) for each in content):
                    for index, table in enumerate(content):
                        self._read_entry(section, index, table)
                else:
                    self.problem((section,), f"must be tables [[{section}]], was {type(content).__name__}")
            else:
                self.problem((section,), f"there is no such section{did_you_mean(section, (*TABLES, *LISTS))}")

    def _read_entry(self, section: str, index: int, table: Mapping[str, Any]) -> None:
        key: Path_ = (section, index)
        naming = "type" if section == "clients" else "name"
        name = table.get(naming)
        if not isinstance(name, str) or not name:
            wanted = "a client's type" if section == "clients" else "an entry point or module:Class"
            was = "missing" if name is None else repr(shown(naming, name))
            self.problem((*key, naming), f"must be {wanted}, was {was}")
            return
        entry = Entry(section, name, key)
        self.entries[section].append(entry)
        for option, value in table.items():
            if option == naming or option == "options":
                continue
            if section == "client_controls" and option == "client":
                if isinstance(value, str):
                    entry.client = value
                else:
                    self.problem((*key, option), f"must be text, was {shown(option, value)!r}")
            else:
                entry.options[option] = value
        nested = table.get("options", {})
        if not isinstance(nested, Mapping):
            self.problem((*key, "options"), f"must be a table, was {shown('', nested)!r}")
            return
        for option, value in nested.items():
            if option in entry.options:
                self.problem((*key, "options", option), "is given twice, beside and inside options")
            entry.options[option] = value

    def option_key(self, entry: Entry, option: str) -> Path_:
        """Return the key of an entry's option as it stands in the file, beside or inside `options`."""
        flat, nested = (*entry.key, option), (*entry.key, "options", option)
        is_nested = flat not in self.origins and self._is_given(nested)
        return nested if is_nested else flat

    # --------------------------------------------------------------------------------------- overriding

    def select_strategies(self, names: Iterable[str]) -> None:
        """Run these strategies, and no other; a table of the file with that name keeps its options."""
        chosen: list[Entry] = []
        for position, name in enumerate(names):
            entries = self.entries["strategies"]
            found = [each for each in entries if each.label == name] or [each for each in entries if each.name == name]
            if not found:
                key: Path_ = ("strategies", _BEYOND + position)
                self.origins[key] = "--strategy"
                found = [Entry("strategies", name, key)]
            chosen.extend(each for each in found if each not in chosen)
        if chosen:
            self.entries["strategies"] = chosen

    def override(self, texts: Iterable[str], has_selected: bool = False) -> None:
        """Apply `--set key=value` texts in their order; a key without a section is an option of `--strategy`."""
        for text in texts:
            name, value = parse_override(text)
            section, _, rest = name.partition(".")
            if section in TABLES and rest:
                steps: Path_ = (section, *rest.split("."))
                self.origins[steps] = "--set"
                self._assign(self._tables[section], steps[1:], value, steps)
            elif section in LISTS and rest:
                self._override_entry(section, rest, name, value)
            elif has_selected and section not in (*TABLES, *LISTS):
                for entry in self.entries["strategies"]:
                    self._override_option(entry, name.split("."), value)
            else:
                is_section = section in (*TABLES, *LISTS)
                was = f"{name}={shown(name, value)}"
                hint = f", was {was!r}" if is_section else did_you_mean(section, (*TABLES, *LISTS))
                self.problems.append(Problem("--set", name, f"must be section.key=value{hint}"))

    def _override_entry(self, section: str, rest: str, name: str, value: Any) -> None:
        entries = self.entries[section]
        for called in (
            [entry.label for entry in entries],
            [entry.name for entry in entries],
            [str(place) for place in range(len(entries))],
        ):
            meant = [text for text in called if rest.startswith(text + ".")]
            text = max(meant, key=len, default="")
            if meant.count(text) > 1:
                places = " or ".join(f"{section}.{place}" for place, each in enumerate(called) if each == text)
                self.problems.append(Problem("--set", name, f"names several of the {section}: say {places}"))
                return
            if meant:
                self._override_option(entries[called.index(text)], rest[len(text) + 1 :].split("."), value)
                return
        for default in DEFAULTS.get(section, ()):
            if rest.startswith(default + ".") and not (section == "clients" and entries):
                entry = Entry(section, default, (section, _BEYOND + len(entries)))
                self.origins[entry.key] = "--set"
                entries.append(entry)
                self._override_option(entry, rest[len(default) + 1 :].split("."), value)
                return
        known = [each.label for each in entries]
        hint = did_you_mean(rest.rpartition(".")[0] or rest, known)
        self.problems.append(Problem("--set", name, f"names none of the {section}{hint}"))

    def _override_option(self, entry: Entry, steps: list[str], value: Any) -> None:
        if len(steps) > 1 and steps[0] == "options":
            steps = steps[1:]
        key: Path_ = (*entry.key, *steps)
        self.origins[key] = "--set"
        self._assign(entry.options, tuple(steps), value, key)

    def _assign(self, table: dict[str, Any], steps: Path_, value: Any, key: Path_) -> None:
        *outer, last = (str(step) for step in steps)
        for step in outer:
            inner = table.get(step, {})
            if not isinstance(inner, Mapping):
                self.problem(key, f"{step} is no table, it is {shown(step, inner)!r}")
                return
            table[step] = table = dict(inner)  # a copy: the file's data stay as they were read
        table[last] = value

    # ----------------------------------------------------------------------------------------- checking

    def check_tables(self) -> None:
        """Convert the sections that are tables, noting every unknown key and wrong type."""
        for name, value in self._tables["settings"].items():
            if name not in option_names():
                self._problem_within(
                    ("settings", name), f"there is no such setting{did_you_mean(name, option_names())}"
                )
                continue
            try:
                Settings(**{name: value})
            except (SettingsError, TypeError, ValueError) as error:
                told = str(error) if isinstance(error, SettingsError) else one_line(error)
                told = told.replace(repr(value), repr(shown(name, value)))
                self.problem(("settings", name), told.removeprefix(f"{name} "))
            else:
                self.settings[name] = value
        self.plugins = self._structured("plugins", PluginsSection)
        self.simulation = self._structured("simulation", SimulationSection)
        for name, text in listener_problems(self.simulation.listener_kwargs).items():
            self.problem(("simulation", "listener_kwargs", name), text)
        if self.simulation.workers < 1:
            self.problem(("simulation", "workers"), f"must be 1 or more, was {self.simulation.workers}")

    def _structured(self, section: str, target: type[Any]) -> Any:
        known = options_of(target)
        made = target()
        for name, value in self._tables[section].items():
            if name not in known:
                self.problem((section, name), f"there is no such key{did_you_mean(name, known)}")
                continue
            try:
                setattr(made, name, convert(value, known[name].type))
            except SettingsError as error:
                self.problem((section, name), str(error))
        return made


def load_configuration(
    path: str | None = None,
    overrides: Iterable[str] = (),
    strategies: Iterable[str] = (),
    look_around: bool = True,
) -> Configuration:
    """Read a configuration and apply what the command line says; imports no plugin.

    :param path: the file; None for ./flumine.toml, which need not exist (with `look_around`; no file without).
    :param overrides: `key=value` texts, later ones win, and all win over the file.
    :param strategies: names of the only strategies to run.
    :raises SettingsError: where the file cannot be read at all; what else is wrong is in `problems`.
    """
    if path is None and look_around and Path(FILE_NAME).is_file():
        path = FILE_NAME
    configuration = Configuration(read_file(path) if path else None)
    configuration.read()
    names = list(strategies)
    configuration.select_strategies(names)
    configuration.override(overrides, has_selected=bool(names))
    configuration.check_tables()
    return configuration
