"""`plugins`: every installed plugin, whether it is used, and why not."""

import json

import click

from ..configuration.model import LISTS, Configuration, load_configuration
from ..errors import DiscoveryError
from ..kernel.discovery import Candidate, Discovery
from .choices import Choices, with_choices
from .lazy import BUILT_IN, KIND
from .tables import print_table


def named_in(configuration: Configuration) -> set[tuple[str, str]]:
    """Return (kind, name) of everything that the configuration switches on."""
    return {
        (section, entry.name) for section in LISTS if section != "clients" for entry in configuration.entries[section]
    }


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array.")
@click.option("--time", "with_time", is_flag=True, help="Also print how long each took to import.")
@click.option("--no-import", is_flag=True, help="List what the metadata say, without looking for broken ones.")
@with_choices
def command(choices: Choices, as_json: bool, with_time: bool, no_import: bool) -> None:
    """List the installed plugins, and what is wrong with broken ones.

    Plugins with hooks are enabled once installed, unless blocked; everything else is only available until the
    configuration or the command line names it.
    """
    configuration = load_configuration(choices.config, choices.sets)
    for problem in configuration.problems:
        click.echo(f"warning: {problem}", err=True)
    section = configuration.plugins
    discovery = Discovery([*section.blocked, *choices.blocked], section.required)
    for message in discovery.vainly_blocked().values():
        click.echo(f"warning: {message}", err=True)
    if not no_import:
        try:
            discovery.examine()
        except DiscoveryError as error:
            click.echo(f"warning: {error}", err=True)
    named = named_in(configuration)
    found = discovery.candidates()
    for candidate in discovery.candidates(KIND):
        fault = _command_fault(candidate)
        if fault and candidate.status == "available":
            candidate.fail(fault)
    for candidate in found:
        if candidate.status == "available" and (candidate.kind, candidate.name) in named:
            candidate.status = "enabled"
    if as_json:
        rows = [each.as_dict() for each in found]
        for row in rows:
            if not with_time:
                del row["import_seconds"]
        click.echo(json.dumps(rows, indent=2))
        return
    _print(found, with_time)


def _command_fault(candidate: Candidate) -> str | None:
    """Say why a command can never be run."""
    if candidate.name in BUILT_IN:
        return f"{candidate.name} is the name of a built-in command, which runs in its place"
    if candidate.name.startswith("-"):
        return f"{candidate.name} would be an option, not a command"
    if candidate.loaded is not None and not isinstance(candidate.loaded, click.Command):
        return f"{candidate.value} must be a click command, was {type(candidate.loaded).__name__}"
    return None


def _print(found: list[Candidate], with_time: bool) -> None:
    columns = ["kind", "name", "distribution", "version", "status", "hooks"]
    rows = []
    for each in found:
        status = f"{each.status}: {each.reason}" if each.status == "failed" else each.status
        hooks = ", ".join(hook.removeprefix("flumine_") for hook in each.hooks)
        row = [each.kind, each.name, each.distribution, each.version, status, hooks]
        if with_time:
            row.append("" if each.import_seconds is None else f"{each.import_seconds:.3f}")
        rows.append(row)
    print_table([*columns, *(["seconds"] if with_time else [])], rows, numbers=("seconds",))
