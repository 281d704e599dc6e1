"""`trade`: strategies live, or on paper."""

import os
import sys
from contextlib import suppress

import click

from ..configuration.model import load_configuration
from ..errors import FlumineCoreError
from ..trading import trade
from .choices import Choices, with_choices
from .logs import enable_stderr
from .simulate import checked_run, discovery_of


@click.command()
@click.option(
    "-s",
    "--strategy",
    "strategies",
    multiple=True,
    metavar="NAME|MODULE:CLASS",
    help="A strategy of an installed plugin, or of a module; again for more.",
)
@click.option("--paper", is_flag=True, help="Simulate every execution: live prices, and no bet leaves.")
@with_choices
@click.pass_context
def command(ctx: click.Context, strategies: tuple[str, ...], paper: bool, choices: Choices) -> None:
    """Trade strategies live on the accounts of flumine.toml, or on paper.

    It tells what will trade, on which account and within which limits, then runs until SIGTERM, Ctrl-C or the closing
    of its terminal: then nothing is placed any more, orders are cancelled or left as `on_stop` says, and the exit code
    is 0. Where a stop takes longer than 5 s the exit code is 3, and every bet that may be live is named.
    """
    configuration = load_configuration(choices.config, choices.sets, strategies)
    enable_stderr(*choices.logging(configuration.settings))
    discovery = discovery_of(configuration, choices)
    run = checked_run(configuration, discovery, (), choices)
    if not configuration.entries["clients"]:
        raise FlumineCoreError('an account must be named: [[clients]] with type = "betfair"')
    ctx.exit(trade(run, discovery, paper, _tell))


def _tell(line: str) -> None:
    try:
        click.echo(line)
        sys.stdout.flush()
    except (OSError, ValueError):  # it or the terminal was closed, or its reader has gone: nothing waits for that
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
