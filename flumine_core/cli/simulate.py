"""`simulate`: strategies over recorded markets."""

import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from time import perf_counter

import attrs
import click

from ..configuration.check import check
from ..configuration.model import Configuration, load_configuration
from ..configuration.torun import run_of
from ..errors import FlumineCoreError
from ..kernel.discovery import Discovery
from ..kernel.foreign import prints_apart
from ..plain import Result, Run
from ..run import Progress, simulate
from .choices import Choices, with_choices
from .here import see_modules_here
from .logs import enable_stderr
from .report import print_result
from .results import ResultFiles

Watch = Callable[[Progress], None]


@click.command()
@click.argument("paths", nargs=-1, metavar="PATH...")
@click.option(
    "-s",
    "--strategy",
    "strategies",
    multiple=True,
    metavar="NAME|MODULE:CLASS",
    help="A strategy of an installed plugin, or of a module; again for more.",
)
@click.option("--format", "output_format", type=click.Choice(["table", "json"]), default="table", show_default=True)
@click.option("--output", metavar="DIR", help="Write orders.csv and markets.csv there.")
@click.option("--workers", type=click.IntRange(min=1), help="Processes that simulate side by side.")
@with_choices
@click.pass_context
def command(
    ctx: click.Context,
    paths: tuple[str, ...],
    strategies: tuple[str, ...],
    output_format: str,
    output: str | None,
    workers: int | None,
    choices: Choices,
) -> None:
    """Run strategies over recorded markets and print what they did.

    PATH is a file (plain, gz, bz2, zst), a glob, a directory, a tar archive, archive.tar!member, or a URL. Each file,
    or group of files that are merged, is simulated with strategies made anew, so that results are the same for any
    number of workers. The exit code is 1 where anything raised, or a file or line could not be used.
    """
    if output == "":
        raise click.UsageError("--output must be a directory, was an empty text")
    configuration = load_configuration(choices.config, choices.sets, strategies)
    discovery = discovery_of(configuration, choices)
    run = checked_run(configuration, discovery, paths, choices)
    if workers is not None:
        run = attrs.evolve(run, workers=workers)
    log = choices.logging(run.settings, is_quiet=True)
    if not run.strategies:
        known = ", ".join(each.name for each in discovery.candidates("strategies")) or "none"
        raise FlumineCoreError(f"a strategy must be named (--strategy NAME or module:Class), installed are: {known}")
    if not run.files:
        raise FlumineCoreError("a recorded file must be named: simulate PATH..., or paths in [simulation]")
    ctx.exit(run_and_print(run, discovery, output_format, output or configuration.simulation.output, log))


def run_and_print(run: Run, discovery: Discovery, output_format: str, output: str | None, log: tuple[str, bool]) -> int:
    """Simulate a run, print what it came to, and return the exit code.

    What strategies and plugins print meanwhile goes to stderr: stdout is for the result.

    :param log: what `Choices.logging` says.
    """
    see_modules_here()
    enable_stderr(*log)
    is_logged = log[0] != "CRITICAL"
    prepare = partial(enable_stderr, *log)
    with (
        _sigterm_as_ctrl_c(),
        ResultFiles(output) if output else nullcontext() as files,
        _progress() as watch,
        prints_apart(),
    ):
        result: Result = simulate(run, files.take if files else _drop, watch, discovery, prepare)
    if files is not None and files.fault is not None:
        result.lost.append(files.fault)
    print_result(result, output_format, is_logged)
    return 1 if result.error_count else 0


def checked_run(configuration: Configuration, discovery: Discovery, paths: Iterable[str], choices: Choices) -> Run:
    """Return the run that a configuration describes.

    :raises SettingsError: with everything that keeps it from starting, as `config check` tells it.
    """
    see_modules_here()
    with prints_apart():
        configuration.problems = check(configuration, discovery, is_start=True)
    return run_of(configuration, paths, choices.blocked)


def discovery_of(configuration: Configuration, choices: Choices) -> Discovery:
    """Return the installed plugins; tell of names to be blocked that nobody bears, or that cannot be blocked.

    :raises UsageError: where what was to be kept out would run: the command line named one, or it is a plugin's, or
        like a plugin's.
    """
    discovery = Discovery([*configuration.plugins.blocked, *choices.blocked], configuration.plugins.required)
    for name, message in discovery.vainly_blocked().items():
        if name in choices.blocked or not message.startswith("no plugin") or "did you mean" in message:
            raise click.UsageError(message)
        click.echo(f"warning: {message}", err=True)
    return discovery


def _drop(result: Result) -> None:
    """Keep no rows: only totals are printed."""


@contextmanager
def _sigterm_as_ctrl_c() -> Iterator[None]:
    """Have SIGTERM end a run as Ctrl-C does: what was simulated is written, and no worker process is left."""
    before = signal.getsignal(signal.SIGTERM)
    if before != signal.SIG_DFL or threading.current_thread() is not threading.main_thread():
        yield  # somebody else heeds it, or it cannot be heeded here
        return
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _progress() -> Iterator[Watch | None]:
    """Show a progress bar on stderr where that is a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("simulating"),
        BarColumn(),
        TextColumn("{task.fields[done]}/{task.fields[files]} files, {task.fields[rate]:,.0f} books/s,"),
        TimeRemainingColumn(),
    )
    start = perf_counter()
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=1.0, rate=0.0, done=0, files="?")

        def watch(progress: Progress) -> None:
            rate = progress.books / max(perf_counter() - start, 1e-9)
            bar.update(task, completed=progress.share, rate=rate, done=progress.done, files=progress.total)

        yield watch
