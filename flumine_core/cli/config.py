"""`config check` and `config show`."""

import json
from collections.abc import Iterable
from enum import Enum
from math import isfinite
from pathlib import PurePath
from typing import cast

import click

from ..configuration.check import check as check_configuration
from ..configuration.model import Configuration, load_configuration
from ..configuration.show import MISSING, effective
from ..hint import one_line, without_passwords
from ..kernel.discovery import Discovery
from ..kernel.foreign import prints_apart
from ..options import HIDDEN
from .choices import Choices, with_choices
from .here import see_modules_here
from .tables import print_table


@click.group()
def command() -> None:
    """Check flumine.toml, or show each effective value and its origin."""


def _load(choices: Choices) -> tuple[Configuration, Discovery]:
    configuration = load_configuration(choices.config, choices.sets)
    plugins = configuration.plugins
    if choices.blocked:
        plugins.blocked = [*plugins.blocked, *choices.blocked]
        configuration.origins["plugins", "blocked"] = "-p"
    see_modules_here()
    return configuration, Discovery(plugins.blocked, plugins.required)


@command.command()
@with_choices
@click.pass_context
def check(ctx: click.Context, choices: Choices) -> None:
    """Report every error, with file and key; exit code 1 where there is one."""
    configuration, discovery = _load(choices)
    problems = check_configuration(configuration, discovery)
    for problem in problems:
        click.echo(str(problem), err=True)
    if problems:
        click.echo(f"{len(problems)} error{'s' if len(problems) > 1 else ''}", err=True)
        ctx.exit(1)
    click.echo(f"{configuration.file.name}: no errors" if configuration.file else "no flumine.toml, no errors")


@command.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array.")
@with_choices
@click.pass_context
def show(ctx: click.Context, choices: Choices, as_json: bool) -> None:
    """Print each effective value and where it came from: default, file and line, --set, or a plugin."""
    configuration, discovery = _load(choices)
    with prints_apart():
        values = effective(configuration, discovery)
        if as_json:
            rows = [{"key": each.key, "value": _plain(each.value), "origin": each.origin} for each in values]
            text = json.dumps(rows, indent=2)
        else:
            spelt = [(each.key, _spelt(each.value), each.origin) for each in values]
    for problem in configuration.problems:
        click.echo(str(problem), err=True)
    if as_json:
        click.echo(text)
    else:
        print_table(["key", "value", "origin"], spelt)
    if configuration.problems:
        ctx.exit(1)


def _spelt(value: object) -> str:
    if isinstance(value, str) and value in (HIDDEN, MISSING):
        return value
    return _repr(_plain(value) if isinstance(value, Enum | PurePath) else value)


def _plain(value: object) -> object:
    """Return a value as JSON has it; what JSON lacks, such as a number that is none, as text."""
    if value is None or type(value) in (bool, int, str):
        return value
    if isinstance(value, Enum):
        return _plain(value.value)
    if isinstance(value, PurePath):
        return without_passwords(str(value))
    if isinstance(value, str):
        return without_passwords(str.__str__(value))
    if type(value) is float:
        return value if isfinite(value) else repr(value)
    if type(value) is dict:
        return {str(key): _plain(each) for key, each in value.items()}
    if type(value) in (list, tuple):
        return [_plain(each) for each in cast(Iterable[object], value)]
    return _repr(value)


def _repr(value: object) -> str:
    """Return the repr of a value, which may be a plugin's object whose repr raises."""
    try:
        return without_passwords(repr(value))
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        return f"({type(value).__name__}, its repr raises {one_line(error)})"
