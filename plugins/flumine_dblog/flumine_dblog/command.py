"""`python -m flumine_core db`: what is in the database, as tables or JSON."""

import functools
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from flumine_core.command import Choices, load_configuration, with_choices
from flumine_core.errors import SettingsError

if TYPE_CHECKING:
    from sqlalchemy import Connection

DEFAULT_URL = "sqlite:///flumine.db"

CONTROL_NAMES = ("dblog", "flumine_dblog.plugin:DatabaseLog")
"""What a configuration may call the logging control."""

_NUMBERS = frozenset({"run", "run_id", "price", "size", "markets", "orders", "size_matched", "profit"})


@click.group()
@click.option(
    "--url",
    envvar="FLUMINE_DBLOG_URL",
    help="The database. [default: FLUMINE_DBLOG_URL, the url that the configuration gives dblog, else flumine.db]",
)
@with_choices
@click.pass_context
def command(context: click.Context, url: str | None, choices: Choices) -> None:
    """Look into the database that the logging control dblog writes."""
    context.obj = choices


def _with_url(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the database's url, and the options that all commands share."""

    @with_choices
    @functools.wraps(function)
    def asked(choices: Choices, **options: Any) -> Any:
        group = click.get_current_context().parent
        assert group is not None
        return function(group.params["url"] or _configured(choices) or DEFAULT_URL, **options)

    return asked


def _configured(choices: Choices) -> str | None:
    """Return the url that the configuration gives dblog, None where it gives none.

    :raises SettingsError: where the configuration has errors.
    """
    configuration = load_configuration(choices.config, choices.sets)
    configuration.require_sound()
    for entry in configuration.entries["logging_controls"]:
        if entry.name in CONTROL_NAMES:
            url = entry.options.get("url")
            return None if url is None else str(url)
    return None


@contextmanager
def _connected(url: str) -> Iterator["Connection"]:
    """Connect for reading.

    :raises SettingsError: where there is no such database, or its tables are not those of this version.
    """
    from sqlalchemy import func, select
    from sqlalchemy.exc import SQLAlchemyError

    from .database import open_engine, parse_url, shown
    from .schema import runs

    address = parse_url(url)
    if address.get_backend_name() == "sqlite" and not Path(str(address.database)).is_file():
        raise SettingsError(f"there is no database {shown(address)} yet: a run with the logging control dblog makes it")
    engine = open_engine(address, is_reader=True)
    try:
        with engine.connect() as connection:
            connection.execute(select(func.count()).select_from(runs))
            yield connection
    except SQLAlchemyError as error:
        cause = getattr(error, "orig", None) or error
        raise SettingsError(
            f"{shown(address)} cannot be read: {' '.join(str(cause).split())}; is it of this version (db upgrade)?"
        ) from error
    finally:
        engine.dispose()


def _as_json(function: Callable[..., Any]) -> Callable[..., Any]:
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON array.")(function)


def _run_option(function: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--run",
        default="last",
        show_default=True,
        metavar="NUMBER|last|all",
        callback=_parse_run,
        help="Which run's orders.",
    )(function)


def _parse_run(context: click.Context, parameter: click.Parameter, value: str) -> str | int:
    if value in ("last", "all"):
        return value
    if not value.isdecimal():
        raise click.BadParameter(f"must be a run's number, last or all, was {value!r}")
    return int(value)


def _since_option(function: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--since",
        callback=_parse_since,
        metavar="TIME",
        help="Orders made then or later: ISO 8601, a date or a time; UTC unless it says otherwise.",
    )(function)


def _parse_since(context: click.Context, parameter: click.Parameter, value: str | None) -> datetime | None:
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise click.BadParameter(f"must be ISO 8601, was {value!r}") from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _number(connection: "Connection", run: str | int) -> int | None:
    from .questions import last_run

    if run == "all":
        return None
    if run == "last":
        return last_run(connection)
    return int(run)


@command.command()
@_with_url
def upgrade(url: str) -> None:
    """Make the tables, or bring them up to this version."""
    from sqlalchemy.exc import SQLAlchemyError

    from .database import Database, migrate, parse_url, shown

    database = Database(parse_url(url))
    try:
        before, now = migrate(database.engine)
    except SQLAlchemyError as error:
        cause = getattr(error, "orig", None) or error
        raise SettingsError(f"{shown(database.url)} cannot be upgraded: {' '.join(str(cause).split())}") from error
    finally:
        database.dispose()
    click.echo(f"{shown(database.url)}: version {now}" + (", as it was" if before == now else f", was {before}"))


@command.command()
@click.option("--most", default=20, show_default=True, type=click.IntRange(1), help="How many, the latest ones.")
@_as_json
@_with_url
def runs(url: str, most: int, as_json: bool) -> None:
    """List the runs."""
    from .questions import list_runs

    with _connected(url) as connection:
        _print(list_runs(connection, most), as_json)


@command.command()
@_run_option
@click.option("--market", help="Of one market, by its id.")
@click.option("--strategy", help="Of one strategy, by its name.")
@_since_option
@click.option("--most", type=click.IntRange(1), help="How many, the oldest ones.  [default: all]")
@_as_json
@_with_url
def orders(
    url: str,
    run: str | int,
    market: str | None,
    strategy: str | None,
    since: datetime | None,
    most: int | None,
    as_json: bool,
) -> None:
    """List orders."""
    from .questions import list_orders

    with _connected(url) as connection:
        _print(list_orders(connection, _number(connection, run), market, strategy, since, most), as_json)


@command.command()
@click.option(
    "--by",
    type=click.Choice(["strategy", "day", "market-type"]),
    default="strategy",
    show_default=True,
    help="What to sum up by; the day is that of the market's start, in UTC.",
)
@_run_option
@_since_option
@_as_json
@_with_url
def pnl(url: str, by: str, run: str | int, since: datetime | None, as_json: bool) -> None:
    """Sum up profit and loss, before commission."""
    from .questions import profit

    with _connected(url) as connection:
        _print(profit(connection, by, _number(connection, run), since), as_json)


def _print(rows: Sequence[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    if not rows:
        click.echo("nothing found", err=True)
        return
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for name in rows[0]:
        table.add_column(name, justify="right" if name in _NUMBERS else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text("" if value is None else str(value)) for value in row.values()))
    is_terminal = sys.stdout.isatty()
    console = Console(highlight=False) if is_terminal else Console(highlight=False, width=10_000, color_system=None)
    with console.capture() as captured:
        console.print(table)
    for line in captured.get().splitlines():
        click.echo(line.rstrip())
