"""Counts each market's books, tells the count at its closing, and forgets the market when it leaves."""

from loguru import logger

from flumine_core import hookimpl

counts = {}


@hookimpl
def flumine_add_market(market):
    """A market is seen for the first time."""
    counts[market.market_id] = 0


@hookimpl
def flumine_process_market_books(market):
    """After each book that is not CLOSED; take only the arguments you need."""
    counts[market.market_id] += 1


@hookimpl
def flumine_process_close_market(market):
    """The market has closed, its orders are settled."""
    logger.info("market {} had {} books", market.market_id, counts[market.market_id])


@hookimpl
def flumine_remove_market(market):
    """What was kept for a market may go."""
    counts.pop(market.market_id, None)
