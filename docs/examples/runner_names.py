"""Puts the runners' names, which only the catalogue has, where strategies find them: `market.context["names"]`."""

from flumine_core import hookimpl


@hookimpl
def flumine_process_market_catalogues(market, market_catalogue):
    """A catalogue arrived, or changed."""
    runners = market_catalogue.runners or []
    market.context["names"] = {runner.selection_id: runner.runner_name for runner in runners}
