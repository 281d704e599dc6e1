"""`doctor`: what keeps this configuration from trading, in plain words."""

import click

from ..configuration.check import check
from ..configuration.model import load_configuration
from ..configuration.torun import run_of
from ..errors import FlumineCoreError
from ..kernel.discovery import Discovery
from ..trading import examine_run
from .choices import Choices, with_choices
from .here import see_modules_here
from .logs import enable_stderr


@click.command()
@click.option("-s", "--strategy", "strategies", multiple=True, metavar="NAME|MODULE:CLASS", help="As of trade.")
@with_choices
@click.pass_context
def command(ctx: click.Context, strategies: tuple[str, ...], choices: Choices) -> None:
    """Check what a live run needs, and say in plain words what is wrong.

    Looks at flumine.toml, keys, certificates, clock, permissions, stream limits and strategies' contexts; nothing is
    traded. The exit code is 1 where something is wrong.
    """
    see_modules_here()
    configuration = load_configuration(choices.config, choices.sets, strategies)
    enable_stderr(*choices.logging(configuration.settings, is_quiet=True))
    plugins = configuration.plugins
    discovery = Discovery([*plugins.blocked, *choices.blocked], plugins.required)
    problems = check(configuration, discovery)
    for problem in problems:
        click.echo(f"error    {problem}")
    if problems:
        ctx.exit(1)
    try:
        findings = list(examine_run(run_of(configuration, (), choices.blocked), discovery))
    except FlumineCoreError as error:
        click.echo(f"error    {error}")
        ctx.exit(1)
    for finding in findings:
        click.echo(str(finding))
    ctx.exit(1 if any(finding.level == "error" for finding in findings) else 0)
