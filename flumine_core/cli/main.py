"""The command line: `python -m flumine_core`."""

import codecs
import errno
import io
import os
import sys
import threading
from pathlib import Path
from typing import Any

import click

from ..leave import leave
from .choices import Choices, shared_options
from .lazy import LazyGroup


def version() -> str:
    """Return the installed version."""
    from importlib_metadata import PackageNotFoundError
    from importlib_metadata import version as installed

    try:
        return installed("flumine_core")
    except PackageNotFoundError:
        return "not installed, run from its source"


def _print_version(ctx: click.Context, parameter: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        click.echo(f"flumine_core {version()}")
        ctx.exit()


@click.group(cls=LazyGroup, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Print the version.",
)
@shared_options
@click.pass_context
def group(
    ctx: click.Context,
    blocked: tuple[str, ...],
    config: str | None,
    sets: tuple[str, ...],
    log_level: str | None,
    log_json: bool,
) -> None:
    """A plugin-based trading framework for the Betfair exchange.

    Without a command, print what is installed; nothing trades until a command and a strategy are named.
    """
    ctx.obj = Choices(blocked, config, sets, log_level, log_json)
    if ctx.invoked_subcommand is None:
        _print_overview(ctx)


def _print_overview(ctx: click.Context) -> None:
    from ..kernel.entrypoint import KINDS, read_entry_rows

    click.echo(f"flumine_core {version()}\n\ninstalled plugins:")
    rows = read_entry_rows()
    for kind in KINDS:
        names = sorted({row.name for row in rows if row.kind == kind})
        shown = f"{len(names):3}  {', '.join(names)}" if names else "  0"
        click.echo(f"  {kind.replace('_', ' '):17}{shown}")
    click.echo("\ncommands:")
    group_command = ctx.command
    assert isinstance(group_command, LazyGroup)
    lines = group_command.command_lines(ctx)
    width = max(len(name) for name, _ in lines)
    for name, line in lines:
        click.echo(f"  {name:{width}}  {line}")
    click.echo("\nTry 'python -m flumine_core demo', or '--help' behind any command.")


class _Ascii(io.TextIOWrapper):
    """Writes ASCII and calls it Latin-1: past a stream that calls itself ASCII click would write UTF-8."""

    encoding = "latin-1"


def _escaping(stream: Any) -> Any:
    """Return a stream that escapes what its encoding lacks, unless it knows by itself what to do about that."""
    if not isinstance(stream, io.TextIOWrapper):
        return stream
    if stream.errors in ("strict", "surrogateescape"):
        stream.reconfigure(errors="backslashreplace")
    if codecs.lookup(stream.encoding).name != "ascii":
        return stream
    stream.flush()
    return _Ascii(stream.buffer, "ascii", stream.errors, line_buffering=stream.line_buffering)


def main() -> None:
    """Run the command line; where Ctrl-C has aborted it, threads and worker processes are given a second to end.

    Output that nobody takes is dropped, output that cannot be written is an error, a character that the output's
    encoding lacks is escaped.
    """
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # it was closed
            setattr(sys, name, Path(os.devnull).open("w"))  # noqa: SIM115 (it stays open)
        setattr(sys, name, _escaping(getattr(sys, name)))
    try:
        group()
    except OSError as error:
        if error.errno != errno.ENOSPC or error.filename is not None:
            raise
        sys.exit(f"error: the output cannot be written: {error.strerror}")
    finally:
        patience = threading.Timer(1, *((leave, (1,)) if group.is_aborted else (_name_threads,)))
        patience.daemon = True
        patience.start()


def _name_threads() -> None:
    """Say what keeps the process: a thread of a strategy or plugin, which Python waits for."""
    main_thread = threading.main_thread()
    names = [thread.name for thread in threading.enumerate() if not thread.daemon and thread is not main_thread]
    if names:
        click.echo(f"done; waiting for what a plugin has started (Ctrl-C ends it): thread {', '.join(names)}", err=True)
