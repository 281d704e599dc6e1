"""Adds a client type for configurations: `type = "small"` is a simulated account with a small transaction limit."""

from flumine_core import SimulatedClient, hookimpl


@hookimpl
def flumine_make_client(kind, options):
    """Return a client for the type that is ours, None for every other."""
    if kind != "small":
        return None
    return SimulatedClient(**{"transaction_limit": 100, "commission_base": 0.02, **options})
