"""Executes nothing: every request of a client called "dry" is written down, and ends with a refusal that says so."""

from flumine_core import hookimpl
from flumine_core.order.report import DropReport


class DryExecution:
    """Takes packages and reports, with the next book, that they were not executed."""

    def __init__(self):
        self.waiting = []

    def submit(self, package):
        self.waiting.extend(package.orders)

    def before_book(self, market, book):
        due = [order for order in self.waiting if order.market_id == market.market_id]
        self.waiting = [order for order in self.waiting if order.market_id != market.market_id]
        return [DropReport(order, "a dry run executes nothing") for order in due]

    def after_book(self, market, book):
        return ()

    def close_market(self, market):
        pass

    def end_stream(self):
        return [DropReport(order, "a dry run executes nothing") for order in self.waiting]

    def shutdown(self):
        self.waiting = []


@hookimpl
def flumine_make_execution(client):
    """Return an execution for the client that is ours."""
    return DryExecution() if client.username == "dry" else None
