"""`record`: what the configuration's recorders ask for, until it is stopped; nothing is traded."""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import click

from flumine_core.assembly import Assembly
from flumine_core.cli.choices import Choices, with_choices
from flumine_core.cli.logs import enable_stderr
from flumine_core.configuration.model import load_configuration
from flumine_core.configuration.torun import run_of
from flumine_core.errors import SettingsError
from flumine_core.kernel.discovery import Discovery
from flumine_core.plain import Named, Run
from flumine_core.session import Flumine
from flumine_core.settings import Settings

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
    run = run_of(load_configuration(choices.config, choices.sets), (), choices.blocked)
    enable_stderr(choices.log_level or "WARNING", choices.log_json or bool(run.settings.get("log_json")))
    if "" not in sys.path:  # as with `python -m`, module:Class may be a module of this directory
        sys.path.insert(0, "")
    framework, recorders, left_out = framework_of(run, Discovery(run.blocked, run.required))
    for name in left_out:
        click.echo(f"strategy {name} is left out: record trades nothing", err=True)
    with _signals(framework), live_table(recorders, is_shown=not quiet and sys.stderr.isatty()):
        framework.run()
    report = closing_report(framework, recorders)
    print_report(report, output_format)
    ctx.exit(1 if report["lines_lost"] or report["problems"] else 0)


def framework_of(run: Run, discovery: Discovery) -> tuple[Flumine, list[RecorderStrategy], list[str]]:
    """Return a framework with the run's clients and recorders, and the names of strategies that are no recorders.

    :raises FlumineCoreError: where a client or recorder cannot be made, or there is no recorder.
    """
    found: list[Named] = []
    left_out: list[Named] = []
    for named in run.strategies:
        target = discovery.load("strategies", named.name)
        is_recorder = isinstance(target, type) and issubclass(target, RecorderStrategy)
        (found if is_recorder else left_out).append(named)
    if not found:
        raise SettingsError('a recorder must be configured: a [[strategies]] table with name = "recorder"')
    alone = Run(tuple(found), clients=run.clients, settings=run.settings, blocked=run.blocked, required=run.required)
    framework = Flumine(settings=Settings(**run.settings), plugins=discovery)
    Assembly(alone, discovery, framework, ())
    failed = [f"{fault.plugin}: {fault.error}" for fault in framework.faults.first.values()]
    if failed:
        raise SettingsError(f"nothing is recorded, since not all could be made: {'; '.join(failed)}")
    for client in framework.clients:
        client.market_recording_mode = True
    recorders = [strategy for strategy in framework.strategies if isinstance(strategy, RecorderStrategy)]
    return framework, recorders, [named.name for named in left_out]


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
