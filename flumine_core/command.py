"""What a plugin's command is made of: the options that all commands share, and a framework as flumine.toml has it."""

from collections.abc import Callable
from typing import Any

from .assembly import Assembly
from .cli.choices import Choices, with_choices
from .cli.here import see_modules_here
from .cli.logs import enable_stderr
from .configuration.model import load_configuration
from .configuration.torun import run_of
from .errors import SettingsError
from .kernel.discovery import Discovery
from .plain import Named, Run
from .session import Flumine
from .settings import Settings

__all__ = ["Choices", "flumine_of", "load_configuration", "with_choices"]


def flumine_of(choices: Choices, wants: Callable[[Any], bool]) -> tuple[Flumine, list[str]]:
    """Return a framework with the configuration's clients and some of its strategies, and the names of the others.

    Controls, middleware, workers and logging controls are left out. Log records go to stderr as the options say.

    :param choices: what `with_choices` gives to a command.
    :param wants: asked of each strategy's class.
    :raises FlumineCoreError: where the configuration has errors, or a client or strategy cannot be made.
    """
    run = run_of(load_configuration(choices.config, choices.sets), (), choices.blocked)
    enable_stderr(*choices.logging(run.settings))
    see_modules_here()
    discovery = Discovery(run.blocked, run.required)
    wanted: list[Named] = []
    others: list[str] = []
    for named in run.strategies:
        if wants(discovery.load("strategies", named.name)):
            wanted.append(named)
        else:
            others.append(named.name)
    framework = Flumine(settings=Settings(**run.settings), plugins=discovery)
    Assembly(Run(tuple(wanted), clients=run.clients, settings=run.settings), discovery, framework, ())
    failed = [f"{fault.plugin}: {fault.error}" for fault in framework.faults.first.values()]
    if failed:
        raise SettingsError(f"not all could be made: {'; '.join(failed)}")
    return framework, others
