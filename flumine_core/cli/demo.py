"""`demo`: a synthetic market, and the example strategy simulated over it."""

import shlex
import tempfile
from pathlib import Path

import click

from ..configuration.model import load_configuration
from ..errors import StreamError
from ..synthetic.market import SyntheticMarket
from .choices import Choices, with_choices
from .simulate import checked_run, discovery_of, run_and_print

TYPES = ("WIN", "PLACE", "OTHER_PLACE", "EACH_WAY", "MATCH_ODDS", "LINE_RANGE")
SEEDS = click.IntRange(0, 9_999_999)


@click.command()
@click.option("--type", "market_type", type=click.Choice(TYPES), default="WIN", show_default=True)
@click.option("--seed", type=SEEDS, default=1, show_default=True, help="Another seed, another market.")
@click.option("--updates", type=click.IntRange(min=20), default=3000, show_default=True, help="Lines of the market.")
@click.option("--out", type=click.Path(dir_okay=False), metavar="FILE", help="Keep the market; .gz, .bz2 or .zst.")
@click.option("--removals", type=click.IntRange(0, 5), default=None, help="Runners withdrawn before the off.")
@click.option("--dead-heat", is_flag=True, help="One runner more wins than there are winners.")
@click.option("--each-way", is_flag=True, help="An each-way market.")
@click.option("--line-range", is_flag=True, help="A line market.")
@click.option("--reopen", is_flag=True, help="The market opens again after CLOSED.")
@click.option("--passive-delay", is_flag=True, help="Passive bets skip the bet delay.")
@click.option("--missing-bsp", is_flag=True, help="Starting prices are missing.")
@click.option("--strategy", default="example", show_default=True, metavar="NAME|MODULE:CLASS")
@click.option("--format", "output_format", type=click.Choice(["table", "json"]), default="table", show_default=True)
@with_choices
@click.pass_context
def command(
    ctx: click.Context,
    market_type: str,
    seed: int,
    updates: int,
    out: str | None,
    removals: int | None,
    dead_heat: bool,
    each_way: bool,
    line_range: bool,
    reopen: bool,
    passive_delay: bool,
    missing_bsp: bool,
    strategy: str,
    output_format: str,
    choices: Choices,
) -> None:
    """Make a synthetic market, simulate the example strategy over it.

    A configuration is read where --config names one: ./flumine.toml is not looked for.
    """
    configuration = load_configuration(choices.config, choices.sets, [strategy], look_around=False)
    log = choices.logging(configuration.settings, is_quiet=True)
    kind = "LINE_RANGE" if line_range else market_type
    is_race = kind not in ("MATCH_ODDS", "LINE_RANGE")
    market = SyntheticMarket(
        market_id=f"1.1{TYPES.index(kind)}{seed:07d}",  # so that those kept go together
        market_type=kind,
        seed=seed,
        updates=updates,
        removals=(1 if is_race else 0) if removals is None else removals,
        dead_heat=dead_heat,
        each_way=each_way,
        reopen_after_close=reopen,
        passive_delay=passive_delay,
        missing_bsp=missing_bsp,
    )
    with tempfile.TemporaryDirectory() as directory:
        try:
            path = market.write(Path(out) if out else Path(directory) / market.market_id)
        except OSError as error:
            raise StreamError(f"cannot write the market to {out or directory}: {error.strerror or error}") from error
        discovery = discovery_of(configuration, choices)
        run = checked_run(configuration, discovery, [str(path)], choices)
        if output_format == "table":
            origin = next(
                (each.origin for each in discovery.candidates("strategies") if each.name == strategy), strategy
            )
            click.echo(
                f"synthetic {market.kind.name} market {market.market_id}, seed {seed}, "
                f"strategy {strategy!r} from {origin}\n"
            )
        code = run_and_print(run, discovery, output_format, None, log)
    if out and output_format == "table":
        again = shlex.join(["python", "-m", "flumine_core", "simulate", out, "--strategy", strategy])
        click.echo(f"\nthe market is kept in {out}: {again}")
    ctx.exit(code)
