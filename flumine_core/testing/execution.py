"""An execution that keeps what it is given and reports what a test tells it to."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..order.report import BetTotals, CancelReport, MatchReport, PlaceReport, Report, UpdateReport

if TYPE_CHECKING:
    from ..book.marketbook import MarketBook
    from ..market.market import Market
    from ..order.order import Order
    from ..order.package import OrderPackage


class RecordingExecution:
    """Keeps order packages. Nothing reaches an exchange; what is reported comes with the next book.

    :ivar packages: every package, in the order of submission.
    """

    def __init__(self) -> None:
        self.packages: list[OrderPackage] = []
        self._reports: list[Report] = []
        self._bets = 0

    @property
    def orders(self) -> "list[Order]":
        """The orders of all packages, one for each request."""
        return [order for package in self.packages for order in package.orders]

    @property
    def requests(self) -> "list[tuple[str, Order]]":
        """What was asked for, in order: ("Place", order), ("Cancel", order), ..."""
        return [(package.package_type.value, order) for package in self.packages for order in package.orders]

    def report(self, *reports: Report) -> None:
        """Report these before the next book."""
        self._reports.extend(reports)

    def accept(self, order: "Order") -> None:
        """Report that an order was placed; it becomes EXECUTABLE."""
        self._bets += 1
        placed_ms = order.trade.strategy.clock.epoch_ms
        self.report(PlaceReport(order, True, BetTotals(), str(self._bets), placed_ms))

    def refuse(self, order: "Order", error_code: str = "INVALID_ODDS") -> None:
        """Report that the exchange did not take an order."""
        self.report(PlaceReport(order, False, BetTotals(), error_code=error_code))

    def match(self, order: "Order", size: float, price: float) -> None:
        """Report that `size` pounds in all are matched now, at this average price."""
        self.report(MatchReport(order, BetTotals(size_matched=size, average_price_matched=price)))

    def cancel(self, order: "Order", size: float) -> None:
        """Report that `size` pounds were cancelled."""
        totals = BetTotals(order.size_matched, order.average_price_matched, order.size_cancelled + size)
        self.report(CancelReport(order, True, totals, size))

    def update(self, order: "Order") -> None:
        """Report that the wished persistence type was taken."""
        self.report(UpdateReport(order, True))

    def submit(self, package: "OrderPackage") -> None:
        """Keep a package."""
        self.packages.append(package)

    def before_book(self, market: "Market", book: "MarketBook") -> Sequence[Report]:
        """Return what is to be reported of this market's orders."""
        due = [report for report in self._reports if report.order.market_id == market.market_id]
        self._reports = [report for report in self._reports if report.order.market_id != market.market_id]
        return due

    def after_book(self, market: "Market", book: "MarketBook") -> Sequence[Report]:
        """Report nothing: no bet is matched unless the test says so."""
        return ()

    def close_market(self, market: "Market") -> None:
        """Do nothing."""

    def end_stream(self) -> Sequence[Report]:
        """Report nothing: orders stay as they are."""
        return ()

    def shutdown(self) -> None:
        """Do nothing."""
