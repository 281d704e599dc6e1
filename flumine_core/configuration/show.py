"""Each effective value of a configuration, and where it came from."""

from contextlib import suppress
from typing import Any

import attrs

from ..assembly import GIVEN
from ..errors import DiscoveryError, FlumineCoreError, SettingsError
from ..kernel.discovery import Discovery
from ..kernel.guard import Faults
from ..kernel.plan import Plan
from ..options import REQUIRED, Option, options_of, problems_and_arguments, shown
from ..settings import Settings, option_names
from .check import target_of
from .model import DEFAULTS, LISTS, Configuration, Entry, Problem

MISSING = "(missing)"

UNNAMED = "unnamed"
"""Stands in a key for the place of what the file does not name."""


@attrs.frozen
class Value:
    """One effective value: its key as `--set` names it, and its origin.

    :ivar origin: "default", a file and line, "--set", "--strategy" or "plugin NAME".
    """

    key: str
    value: Any
    origin: str


def effective(configuration: Configuration, discovery: Discovery) -> list[Value]:
    """Return all values: settings as plugins leave them, the tables, and every option of what is named."""
    values = _settings(configuration, discovery)
    for section in ("plugins", "simulation"):
        for name, value in attrs.asdict(getattr(configuration, section)).items():
            key = (section, name)
            values.append(Value(f"{section}.{name}", shown(name, value), configuration.place(key, exact=True)))
    for section in LISTS:
        for entry in (*configuration.entries[section], *_unnamed(configuration, section, discovery)):
            values.extend(_options(configuration, entry, discovery))
    return values


def _unnamed(configuration: Configuration, section: str, discovery: Discovery) -> list[Entry]:
    """Return what a run has in a section beside what the configuration names."""
    entries = configuration.entries[section]
    if section == "clients" and entries:
        return []
    named = []
    for entry in entries:
        with suppress(DiscoveryError):
            named.append(target_of(entry, discovery))
    unnamed = []
    for name in DEFAULTS.get(section, ()):
        entry = Entry(section, name, (section, UNNAMED))
        target = None
        with suppress(DiscoveryError):  # of another plugin of this name; the run has the house's all the same
            target = target_of(entry, discovery)
        if target not in named:
            unnamed.append(entry)
    return unnamed


def _settings(configuration: Configuration, discovery: Discovery) -> list[Value]:
    given = Settings(**configuration.settings)
    origins = {name: configuration.place(("settings", name), exact=True) for name in option_names()}
    try:
        final, changes = Plan(discovery.load_hook_plugins(), (), Faults()).configure(given.evolve())
    except FlumineCoreError as error:
        configuration.problems.append(Problem("plugins", "", str(error)))
        final, changes = given, []
    before = given
    for plugin, after in changes:
        for name in option_names():
            if getattr(after, name) != getattr(before, name):
                origins[name] = f"plugin {plugin}"
        before = after
    return [Value(f"settings.{name}", shown(name, value), origins[name]) for name, value in final.as_dict().items()]


def _options(configuration: Configuration, entry: Entry, discovery: Discovery) -> list[Value]:
    prefix = f"{entry.section}.{entry.label}"
    naming = "type" if entry.section == "clients" else "name"
    origin = configuration.place((*entry.key, naming), exact=UNNAMED in entry.key)
    values = [Value(f"{prefix}.{naming}", entry.name, origin)]
    if entry.client is not None:
        values.append(Value(f"{prefix}.client", entry.client, configuration.place((*entry.key, "client"))))
    known: dict[str, Option] = {}
    converted: dict[str, Any] = {}
    with suppress(DiscoveryError, SettingsError):  # `config check` tells
        target = target_of(entry, discovery)
        if target is not None:
            given = GIVEN.get(entry.section, ())
            known = options_of(target, given)
            _, converted = problems_and_arguments(target, entry.options, given)
    for name in dict.fromkeys([*entry.options, *known]):
        key = f"{prefix}.options.{name}" if name == naming else f"{prefix}.{name}"
        if name in entry.options:
            place = configuration.place(configuration.option_key(entry, name))
            value = _readable(entry.options[name], converted.get(name))
            values.append(Value(key, shown(name, value), place))
        else:
            default = known[name].default
            values.append(Value(key, MISSING if default is REQUIRED else shown(name, default), "default"))
    return values


def _readable(given: Any, converted: Any) -> Any:
    """Return what a constructor is given; a table, whose keys tell secrets, and module:Class as the file has them."""
    parts = given if isinstance(given, list) else [given]
    is_plain = all(isinstance(each, str | int | float) for each in parts)
    return converted if is_plain and converted is not None and not callable(converted) else given
