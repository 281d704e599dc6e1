"""A group of commands that imports a command's module when it is invoked, and never for `--help`."""

import copy
import importlib
import traceback
from collections.abc import Callable
from typing import Any

import click

from ..errors import FlumineCoreError
from ..hint import did_you_mean, one_line, without_passwords

BUILT_IN: dict[str, tuple[str, str]] = {
    "config": ("flumine_core.cli.config", "Check flumine.toml, or show each effective value and its origin."),
    "demo": ("flumine_core.cli.demo", "Make a synthetic market, simulate the example strategy over it."),
    "doctor": (
        "flumine_core.cli.doctor",
        "Check what a live run needs, and say in plain words what is wrong.",
    ),
    "hooks": ("flumine_core.cli.hooks", "List the hooks, or print the manual page of one."),
    "new": (
        "flumine_core.cli.new",
        "Write a distribution for a plugin: package, entry point, README, tests, CI.",
    ),
    "plugins": ("flumine_core.cli.plugins", "List the installed plugins, and what is wrong with broken ones."),
    "simulate": ("flumine_core.cli.simulate", "Run strategies over recorded markets and print what they did."),
    "trade": ("flumine_core.cli.trade", "Trade strategies live on the accounts of flumine.toml, or on paper."),
}
"""Command -> module and one line of help; a test compares the lines with the commands' own."""

KIND = "commands"


class Failure(click.ClickException):
    """An error to be told in plain words; exit code 1."""

    def show(self, file: Any = None) -> None:
        """Print the message to stderr."""
        click.echo(without_passwords(f"error: {self.format_message()}"), file=file, err=True)


class LazyGroup(click.Group):
    """The commands of `BUILT_IN`, and those that distributions bring in the group `flumine_core.commands`.

    :ivar is_aborted: whether Ctrl-C has ended a command.
    """

    is_aborted = False

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return all names, built-in ones first."""
        return [*sorted(BUILT_IN), *(name for name in self.brought(ctx) if name not in BUILT_IN)]

    def brought(self, ctx: click.Context) -> dict[str, list[Any]]:
        """Return the entry points of third-party commands by name, blocked ones left out."""
        from ..kernel.entrypoint import read_entry_rows

        rows = read_entry_rows(KIND)
        if not rows:
            return {}
        try:
            blocked = _blocked(ctx)
        except Failure:  # a command that is invoked tells it
            blocked = set()
        found: dict[str, list[Any]] = {}
        for row in rows:
            if row.name not in blocked:
                found.setdefault(row.name, []).append(row)
        return found

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one command.

        :raises Failure: where a third-party command is brought twice or cannot be imported, or nobody can tell whether
            the configuration blocks it.
        """
        if cmd_name in BUILT_IN:
            command: click.Command = importlib.import_module(BUILT_IN[cmd_name][0]).command
            return command
        rows = self.brought(ctx).get(cmd_name)
        if not rows:
            return None
        _blocked(ctx)
        origins = " and ".join(f"{row.distribution} {row.version}" for row in rows)
        if len(rows) > 1:
            raise Failure(f"command {cmd_name!r} is brought twice, by {origins}")
        return _load(cmd_name, rows[0].value, origins)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that the arguments name, with the nearest match where there is none."""
        name = args[0]
        is_unknown = not name.startswith("-") and name not in BUILT_IN and name not in self.brought(ctx)
        if is_unknown and not ctx.resilient_parsing:
            ctx.fail(f"no such command: {name!r}{did_you_mean(name, self.list_commands(ctx))}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl(self.command_lines(ctx))

    def command_lines(self, ctx: click.Context) -> list[tuple[str, str]]:
        """Return each command's name and one line about it."""
        lines = [(name, BUILT_IN[name][1]) for name in sorted(BUILT_IN)]
        for name, rows in self.brought(ctx).items():
            if name not in BUILT_IN:
                origins = ", ".join(f"{row.distribution} {row.version}" for row in rows)
                lines.append((name, f"(from {origins})"))
        return lines

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; the house's own errors are told in one line."""
        try:
            return super().invoke(ctx)
        except FlumineCoreError as error:
            raise Failure(str(error)) from error
        except (KeyboardInterrupt, click.Abort) as error:
            self.is_aborted = True
            for note in getattr(error, "__notes__", ()):
                click.echo(note, err=True)
            raise


def _blocked(ctx: click.Context) -> set[str]:
    """Return the names that the command line and the configuration block; imports nothing heavy for that.

    :raises Failure: where the configuration cannot be read.
    """
    import tomllib
    from pathlib import Path

    from ..configuration.override import parse_override

    path = Path(ctx.params.get("config") or "flumine.toml")
    blocked: Any = []
    try:
        data = tomllib.loads(path.read_bytes().decode("utf-8-sig")) if path.is_file() else {}
        blocked = data.get("plugins", {}).get("blocked", [])
    except (OSError, ValueError, RecursionError, AttributeError) as error:
        raise Failure(f"{path} does not tell which plugins are blocked: {one_line(error)}") from error
    for key, value in map(parse_override, ctx.params.get("sets") or ()):
        blocked = value if key == "plugins.blocked" else blocked
    if not isinstance(blocked, list) or not all(isinstance(each, str) for each in blocked):
        raise Failure(f"plugins.blocked: must be a list of (text), was {blocked!r}")
    return {*blocked, *(ctx.params.get("blocked") or ())}


def _load(name: str, value: str, origin: str) -> click.Command:
    from ..kernel.discovery import import_object
    from ..kernel.foreign import named_if_interrupted

    try:
        with named_if_interrupted(f"command {name!r} ({origin}) was imported"):
            found = import_object(value)
    except FlumineCoreError as error:
        raise Failure(f"command {name!r} ({origin}) cannot be loaded: {error}") from error
    if not isinstance(found, click.Command):
        raise Failure(f"command {name!r} ({origin}) must be a click command, was {type(found).__name__}")
    guarded = copy.copy(found)
    for step in ("make_context", "invoke"):
        setattr(guarded, step, _guard(name, origin, getattr(guarded, step)))
    return guarded


def _guard(name: str, origin: str, step: Callable[..., Any]) -> Callable[..., Any]:
    """Name the distribution whose command raised."""

    def guarded(*arguments: Any, **options: Any) -> Any:
        try:
            return step(*arguments, **options)
        except (click.ClickException, click.exceptions.Exit, click.Abort, FlumineCoreError):
            raise
        except Exception as error:
            click.echo(traceback.format_exc(), err=True)
            raise Failure(f"command {name!r} ({origin}) raised {one_line(error)}") from error

    return guarded
