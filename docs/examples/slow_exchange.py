"""Simulates an exchange that answers late: whatever the configuration says, a placing takes half a second."""

from flumine_core import hookimpl


@hookimpl
def flumine_configure(settings):
    """Return a changed copy; `config show` names this plugin beside the value."""
    return settings.evolve(place_latency=max(settings.place_latency, 0.5))
