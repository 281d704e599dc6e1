"""Logs what the exchange reported of orders; live only, since in simulation reports come with the books."""

from loguru import logger

from flumine_core import hookimpl


@hookimpl
def flumine_process_current_orders(event):
    """The reports have been applied: the orders show them."""
    for report in event.reports:
        order = report.order
        logger.debug("{} {}: {} matched", order.bet_id, order.status, order.size_matched)
