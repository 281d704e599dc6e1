"""Everything that is wrong with a configuration, found before anything runs: names, options, types."""

from collections.abc import Mapping
from typing import Any

from ..assembly import CLIENTS, GIVEN
from ..contract.streams import MARKET_FILTER_KEYS, RECORDED_FILTER_KEYS, filter_problems
from ..errors import DiscoveryError, SettingsError
from ..hint import did_you_mean
from ..kernel.discovery import Discovery
from ..options import problems_and_arguments
from ..simulation.policy import find_profile
from .model import LISTS, Configuration, Entry, Problem
from .trial import refused_options

NEEDED = ("clients", "trading_controls", "client_controls")
"""Sections of things that no run goes without once they are named."""


def target_of(entry: Entry, discovery: Discovery) -> Any:
    """Return the class or function that an entry names, None for a client that a plugin makes.

    :raises DiscoveryError: where there is none, or it is blocked or broken.
    """
    if entry.section != "clients":
        return discovery.load(entry.section, entry.name)
    if entry.name in CLIENTS:
        return CLIENTS[entry.name]
    if discovery.has_hook("flumine_make_client"):
        return None
    raise DiscoveryError(f"no client type {entry.name!r}{did_you_mean(entry.name, CLIENTS)}")


def check(configuration: Configuration, discovery: Discovery, is_start: bool = False) -> list[Problem]:
    """Return every problem: those found when reading, and those that only the named plugins can tell.

    Imports hook plugins and what the configuration names, and makes none of it but what is the house's own.

    :param is_start: tell only what is certain to keep a run from starting. It goes without what it does not need and
        is broken; clients that a plugin may make, and strategies' names, are known once they are made.
    """
    found = Configuration(configuration.file)
    found.problems = list(configuration.problems)
    found.entries = configuration.entries
    found.origins = configuration.origins
    for fault in discovery.required_faults():
        found.problem(("plugins", "required"), fault)
    for text in () if is_start else discovery.vainly_blocked().values():
        found.problem(("plugins", "blocked"), text)
    if "simulation" in configuration.settings:
        try:
            find_profile(configuration.settings["simulation"])
        except SettingsError as error:
            found.problem(("settings", "simulation"), str(error).removeprefix("simulation "))
    for section in LISTS:
        for entry in configuration.entries[section]:
            _check_entry(found, entry, discovery, is_start)
    _check_clients(found, discovery)
    if not is_start:
        _check_names(found, discovery)
    return found.problems


def _check_clients(found: Configuration, discovery: Discovery) -> None:
    """Note two clients of one name, and clients that are named and not there."""
    if discovery.has_hook("flumine_make_client"):
        return
    entries = found.entries
    clients = [entry.label for entry in entries["clients"]] or ["simulated"]
    for number, entry in enumerate(entries["clients"]):
        if entry.label in clients[:number] and "username" in entry.options:
            found.problem(found.option_key(entry, "username"), f"two clients are called {entry.label!r}")
    named = [((*entry.key, "client"), entry.client) for entry in entries["client_controls"]]
    named += [(found.option_key(entry, "client"), entry.options.get("client")) for entry in entries["strategies"]]
    made = [entry for entry in entries["clients"] if entry.name in CLIENTS]
    nameless = [entry.name for entry in made if "username" not in entry.options]
    if nameless not in ([], ["simulated"]):
        return  # their names are known once they are made
    for key, client in named:
        if isinstance(client, str) and client not in clients:
            found.problem(key, f"no client is called {client!r}{did_you_mean(client, clients)}")


def _check_names(found: Configuration, discovery: Discovery) -> None:
    """Note two strategies of one name."""
    names: set[str] = set()
    for entry in found.entries["strategies"]:
        name = entry.options.get("name") or _class_name(entry, discovery)
        if name in names:
            found.problem(
                (*entry.key, "name"), f"two strategies are called {name!r}: give one another name, as options.name"
            )
        names.add(name)


def _class_name(entry: Entry, discovery: Discovery) -> str:
    """Return the name of a strategy that is given none."""
    try:
        return getattr(target_of(entry, discovery), "__name__", entry.name)
    except DiscoveryError:
        return entry.name


def _check_entry(found: Configuration, entry: Entry, discovery: Discovery, is_start: bool) -> None:
    naming = "type" if entry.section == "clients" else "name"
    if is_start and entry.section == "clients" and discovery.has_hook("flumine_make_client"):
        return
    try:
        target = target_of(entry, discovery)
    except DiscoveryError as error:
        candidate = discovery.find(entry.section, entry.name)
        is_broken = candidate is not None and candidate.status == "failed"
        if is_start and is_broken and entry.section not in NEEDED:
            return
        found.problem((*entry.key, naming), str(error))
        return
    if target is None:
        return
    try:
        problems, arguments = problems_and_arguments(target, entry.options, GIVEN.get(entry.section, ()))
    except SettingsError as error:
        found.problem((*entry.key, naming), f"{entry.name!r} cannot be used: {error}")
        return
    if entry.section == "strategies" and isinstance(wanted := arguments.get("market_filter"), Mapping):
        for key, text in filter_problems(wanted, MARKET_FILTER_KEYS | RECORDED_FILTER_KEYS).items():
            found.problem((*found.option_key(entry, "market_filter"), key), text)
    for option, text in {**problems, **refused_options(target, arguments)}.items():
        if option:
            found.problem(found.option_key(entry, option), text)
        else:
            found.problem((*entry.key, naming), f"{entry.name!r} cannot be made: {text}")
