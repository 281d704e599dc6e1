"""The options that every command shares: given before or after the command's name, they mean the same."""

import functools
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

LEVELS = ("TRACE", "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


class Choices:
    """What the shared options say.

    :ivar blocked: names of plugins not to be used.
    :ivar config: the configuration file, None for ./flumine.toml where there is one.
    :ivar sets: `key=value` texts, later ones win.
    """

    __slots__ = ("blocked", "config", "log_json", "log_level", "sets")

    def __init__(
        self,
        blocked: tuple[str, ...] = (),
        config: str | None = None,
        sets: tuple[str, ...] = (),
        log_level: str | None = None,
        log_json: bool = False,
    ) -> None:
        self.blocked = blocked
        self.config = config
        self.sets = sets
        self.log_level = log_level
        self.log_json = log_json

    def with_later(self, later: "Choices") -> "Choices":
        """Return these choices with those given after the command's name."""
        return Choices(
            (*self.blocked, *later.blocked),
            later.config or self.config,
            (*self.sets, *later.sets),
            later.log_level or self.log_level,
            later.log_json or self.log_json,
        )

    def logging(self, settings: Mapping[str, Any], is_quiet: bool = False) -> tuple[str, bool]:
        """Return the level that is logged from, and whether as JSON, for `enable_stderr`.

        :param settings: those of the configuration, whose `log_json` counts, too.
        :param is_quiet: the command tells by itself what went wrong, and logs where that is asked for, if only as JSON.
        """
        is_json = self.log_json or bool(settings.get("log_json"))
        return self.log_level or ("CRITICAL" if is_quiet and not is_json else "WARNING"), is_json


def _blocked(ctx: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    for value in values:
        if not value.startswith("no:") or len(value) == 3:
            raise click.BadParameter(f"must be no:NAME, was {value!r}")
    return tuple(value[3:] for value in values)


def _sets(ctx: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    for value in values:
        if "=" not in value or not value.partition("=")[0].strip():
            raise click.BadParameter(f"must be key=value, was {value!r}")
    return values


def shared_options(function: F) -> F:
    """Add the shared options to a command or group."""
    for option in (
        click.option("--log-json", is_flag=True, help="Log one JSON object a line, from WARNING on."),
        click.option("--log-level", type=click.Choice(LEVELS, case_sensitive=False), help="Log from this level on."),
        click.option(
            "--set",
            "sets",
            multiple=True,
            metavar="KEY=VALUE",
            callback=_sets,
            help="Set a value of the configuration, e.g. settings.place_latency=0.2; wins over the file.",
        ),
        click.option(
            "--config",
            type=click.Path(exists=True, dir_okay=False),
            help="Configuration file; ./flumine.toml where there is one.",
        ),
        click.option(
            "-p",
            "--plugin",
            "blocked",
            multiple=True,
            metavar="no:NAME",
            callback=_blocked,
            help="Do without the plugin NAME.",
        ),
    ):
        function = option(function)
    return function


def with_choices(function: F) -> F:
    """Add the shared options to a command, which is given them as one `Choices` together with the group's."""

    @functools.wraps(function)
    def command(
        *args: Any,
        blocked: tuple[str, ...],
        config: str | None,
        sets: tuple[str, ...],
        log_level: str | None,
        log_json: bool,
        **options: Any,
    ) -> Any:
        before = click.get_current_context().find_object(Choices) or Choices()
        choices = before.with_later(Choices(blocked, config, sets, log_level, log_json))
        return function(*args, choices=choices, **options)

    return shared_options(command)  # type: ignore[return-value]
