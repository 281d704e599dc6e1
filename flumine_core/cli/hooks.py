"""`hooks`: the list of hooks in the order of a run's life, or the manual page of one."""

import inspect
import re
from collections.abc import Iterable

import click

from ..configuration.model import load_configuration
from ..contract import hookspecs
from ..errors import DiscoveryError
from ..hint import did_you_mean
from ..kernel.discovery import Discovery
from ..kernel.signature import PREFIX, hook_arguments
from .choices import Choices, with_choices
from .tables import print_table


@click.command()
@click.argument("name", required=False)
@with_choices
def command(choices: Choices, name: str | None) -> None:
    """List the hooks, or print the manual page of one.

    NAME may leave out `flumine_` and `process_`.
    """
    hooks = hook_arguments()
    wanted = None
    if name is not None:
        spellings = (name, PREFIX + name, f"{PREFIX}process_{name}")
        wanted = next((spelling for spelling in spellings if spelling in hooks), None)
        if wanted is None:
            raise click.UsageError(f"no such hook: {name!r}{_hint(name, hooks)}")
    implementers = _implementers(choices)
    if wanted is None:
        rows = [(hook, _first_line(hook), ", ".join(implementers.get(hook, ()))) for hook in hooks]
        print_table(["hook", "when", "implemented by"], rows)
        return
    function = getattr(hookspecs, wanted)
    options = getattr(function, hookspecs.PROJECT + "_spec")
    click.echo(f"{wanted}{inspect.signature(function)}")
    if options["firstresult"]:
        click.echo("(the first result that is not None counts)")
    click.echo(f"\n{inspect.getdoc(function)}")
    click.echo(f"\nImplemented by: {', '.join(implementers.get(wanted, ())) or 'no plugin'}")


def _hint(name: str, hooks: Iterable[str]) -> str:
    """Return what to follow "no such hook": what all names begin with makes none of them alike."""
    short = {_short(hook): hook for hook in hooks}
    hint = did_you_mean(_short(name), short)
    return re.sub("'(.*?)'", lambda found: repr(short[found[1]]), hint)


def _short(hook: str) -> str:
    return hook.removeprefix(PREFIX).removeprefix("process_")


def _first_line(hook: str) -> str:
    return (inspect.getdoc(getattr(hookspecs, hook)) or "").partition("\n")[0]


def _implementers(choices: Choices) -> dict[str, list[str]]:
    configuration = load_configuration(choices.config, choices.sets)
    discovery = Discovery([*configuration.plugins.blocked, *choices.blocked])
    found: dict[str, list[str]] = {}
    try:
        plugins = discovery.load_hook_plugins()
    except DiscoveryError as error:
        click.echo(f"warning: {error}", err=True)
        return found
    hooks = {each.name: each.hooks for each in discovery.candidates("hooks")}
    for plugin, _ in plugins:
        for hook in hooks[plugin]:
            found.setdefault(hook, []).append(plugin)
    return found
