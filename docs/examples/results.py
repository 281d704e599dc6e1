"""Adds up what markets brought after commission."""

from loguru import logger

from flumine_core import hookimpl

profits = {}


@hookimpl
def flumine_process_cleared_orders(market, cleared_orders):
    """A closed market's cleared orders are known; in simulation the list is empty."""
    logger.debug("market {}: {} cleared orders", market.market_id, len(cleared_orders.orders))


@hookimpl
def flumine_process_cleared_markets(cleared_markets):
    """One record a market and client."""
    for record in cleared_markets.orders:
        before = profits.get(record.market_id, 0.0)
        profits[record.market_id] = before + record.profit - record.commission
