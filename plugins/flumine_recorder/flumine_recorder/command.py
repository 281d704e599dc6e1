"""`record`: what the configuration's recorders ask for, until it is stopped; nothing is traded."""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import click

from flumine_core import Flumine
from flumine_core.command import Choices, flumine_of, with_choices
from flumine_core.errors import SettingsError

from .plugin import RecorderStrategy
from .report import closing_report, live_table, print_report


@click.command()
@click.option("--format", "output_format", type=click.Choice(["table", "json"]), default="table", show_default=True)
@click.option("--quiet", is_flag=True, help="Show no live table.")
@with_choices
@click.pass_context
def command(ctx: click.Context, output_format: str, quiet: bool, choices: Choices) -> None:
    """Record markets as the configuration's recorders say, until Ctrl-C or SIGTERM.

    Each [[strategies]] table of the configuration named "recorder" says which markets are recorded, and where to; other
    strategies are left out, so that nothing is traded. On a terminal a live table shows how it goes; at the end a
    report lists what the recordings miss. The exit code is 1 where lines were lost or a problem was met.
    """
    framework, left_out = flumine_of(choices, _is_recorder)
    recorders = [strategy for strategy in framework.strategies if isinstance(strategy, RecorderStrategy)]
    if not recorders:
        raise SettingsError('a recorder must be configured: a [[strategies]] table with name = "recorder"')
    for client in framework.clients:
        client.market_recording_mode = True
    for name in left_out:
        click.echo(f"strategy {name} is left out: record trades nothing", err=True)
    with _signals(framework), live_table(recorders, is_shown=not quiet and sys.stderr.isatty()):
        framework.run()
    report = closing_report(framework, recorders)
    print_report(report, output_format)
    ctx.exit(1 if report["lines_lost"] or report["problems"] else 0)


def _is_recorder(target: Any) -> bool:
    return isinstance(target, type) and issubclass(target, RecorderStrategy)


@contextmanager
def _signals(framework: Flumine) -> Iterator[None]:
    """Let Ctrl-C and SIGTERM end the run in order; a second one ends the process."""

    def stop(number: int, frame: FrameType | None) -> None:
        for each, handler in before.items():
            signal.signal(each, handler)
        # on a thread of its own: the main one may hold the very lock of the queue that stop() needs
        threading.Thread(target=framework.stop, daemon=True).start()

    before = {each: signal.signal(each, stop) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
