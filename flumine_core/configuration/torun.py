"""A configuration turned into a run."""

from collections.abc import Iterable

from ..plain import Named, Run
from .model import Configuration


def run_of(configuration: Configuration, paths: Iterable[str] = (), blocked: Iterable[str] = ()) -> Run:
    """Return the simulation that a configuration describes.

    :param paths: files in place of `[simulation] paths`.
    :param blocked: plugins to be blocked beside those of the configuration.
    :raises SettingsError: with every problem that reading the configuration has found.
    """
    configuration.require_sound()
    simulation, plugins = configuration.simulation, configuration.plugins
    return Run(
        strategies=_named(configuration, "strategies"),
        files=tuple(paths) or tuple(simulation.paths),
        clients=_named(configuration, "clients") or (Named("simulated"),),
        trading_controls=_named(configuration, "trading_controls"),
        client_controls=_named(configuration, "client_controls"),
        middleware=_named(configuration, "middleware"),
        background_workers=_named(configuration, "workers"),
        logging_controls=_named(configuration, "logging_controls"),
        settings=configuration.settings,
        blocked=(*plugins.blocked, *blocked),
        required=tuple(plugins.required),
        listener_kwargs=simulation.listener_kwargs,
        event_processing=simulation.event_processing,
        event_groups=simulation.event_groups,
        market_types=tuple(simulation.market_types),
        country_codes=tuple(simulation.country_codes),
        workers=simulation.workers,
    )


def _named(configuration: Configuration, section: str) -> tuple[Named, ...]:
    return tuple(Named(each.name, each.options, each.client) for each in configuration.entries[section])
