"""Keeps how far a race has come, in metres to go, where strategies find it: `market.context["to_go"]`."""

from flumine_core import hookimpl


@hookimpl
def flumine_process_sports_data(market, sports_data):
    """A race or cricket update of a market."""
    progress = getattr(sports_data, "race_progress", None)
    if progress is not None:
        market.context["to_go"] = progress.progress
