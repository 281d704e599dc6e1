"""Each effective value of a configuration, and where it came from."""

from contextlib import suppress
from typing import Any

import attrs

from ..assembly import GIVEN
from ..errors import DiscoveryError, FlumineCoreError, SettingsError
from ..kernel.discovery import Discovery
from ..kernel.guard import Faults
from ..kernel.plan import Plan
from ..options import REQUIRED, Option, options_of, shown
from ..settings import Settings, option_names
from .check import target_of
from .model import LISTS, Configuration, Entry, Problem

MISSING = "(missing)"


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
        for entry in configuration.entries[section]:
            values.extend(_options(configuration, entry, discovery))
    return values


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
    values = [Value(f"{prefix}.{naming}", entry.name, configuration.place((*entry.key, naming)))]
    if entry.client is not None:
        values.append(Value(f"{prefix}.client", entry.client, configuration.place((*entry.key, "client"))))
    known: dict[str, Option] = {}
    with suppress(DiscoveryError, SettingsError):  # `config check` tells
        target = target_of(entry, discovery)
        if target is not None:
            known = options_of(target, GIVEN.get(entry.section, ()))
    for name in dict.fromkeys([*entry.options, *known]):
        key = f"{prefix}.options.{name}" if name == naming else f"{prefix}.{name}"
        if name in entry.options:
            place = configuration.place(configuration.option_key(entry, name))
            values.append(Value(key, shown(name, entry.options[name]), place))
        else:
            default = known[name].default
            values.append(Value(key, MISSING if default is REQUIRED else shown(name, default), "default"))
    return values
