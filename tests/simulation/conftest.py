"""One market, its recorded stream by hand, and as much of a kernel as applies reports."""

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from flumine_core.book.cache import MarketBookCache
from flumine_core.book.change import MarketChange, decode_message
from flumine_core.book.marketbook import MarketBook
from flumine_core.clock import EventClock
from flumine_core.market.market import Market
from flumine_core.order.kinds import LimitOrder, OrderKind
from flumine_core.order.order import Order
from flumine_core.order.package import OrderPackage, OrderPackageType
from flumine_core.order.report import (
    CancelReport,
    DropReport,
    MatchReport,
    PlaceReport,
    ReplaceReport,
    Report,
    UpdateReport,
)
from flumine_core.order.trade import Trade
from flumine_core.settings import Settings
from flumine_core.simulation.execution import SimulatedExecution

MARKET_ID = "1.23"
DEFINITION: dict[str, Any] = {
    "status": "OPEN",
    "version": 1,
    "inPlay": False,
    "betDelay": 0,
    "bspMarket": True,
    "bspReconciled": False,
    "persistenceEnabled": True,
    "marketType": "WIN",
    "numberOfWinners": 1,
    "marketTime": "2026-11-01T12:00:00.000Z",
}
RUNNER: dict[str, Any] = {"status": "ACTIVE"}


class Strategy:
    """A strategy as orders need it."""

    def __init__(self, name: str, clock: EventClock) -> None:
        self.name = self.name_hash = name
        self.clock = clock
        self.count = 0
        self.contexts = SimpleNamespace(place=lambda trade_id: None, reset=lambda trade_id: None)

    def next_order_id(self, market_id: str) -> str:
        self.count += 1
        return f"{self.name}{self.count}"

    order_sep = "-"

    next_trade_id = next_order_id

    def get_runner_context(self, market_id: str, selection_id: int, handicap: float = 0) -> Any:
        return self.contexts


def make_client(**options: Any) -> Any:
    """A client as executions need it."""
    return SimpleNamespace(
        **{
            "username": "client",
            "best_price_execution": True,
            "simulated_full_match": False,
            "min_bsp_liability": 10,
            "release": lambda order, package_type: None,
            **options,
        }
    )


class House:
    """A market with the runners 1, 2 and 3, and a kernel that only applies reports. Times in milliseconds."""

    def __init__(self, **settings: Any) -> None:
        self.clock = EventClock()
        self.execution = SimulatedExecution(Settings(**settings))
        self.markets = SimpleNamespace(events={})
        self.market = Market(self, MARKET_ID)  # type: ignore[arg-type]
        self.cache = MarketBookCache(MARKET_ID, 1)
        self.definition = DEFINITION.copy()
        self.runners: dict[int, dict[str, Any]] = {number: RUNNER.copy() for number in (1, 2, 3)}
        self.client = make_client()
        self.strategies: dict[str, Strategy] = {}
        self.orders: list[Order] = []
        self.dropped: list[Order] = []
        self.reports: list[Report] = []
        self.packages = 0
        self.stream_errors: list[str] = []

    def change(
        self,
        prices: dict[int, dict[str, Any]] | None = None,
        runners: dict[int, dict[str, Any]] | None = None,
        img: bool = False,
        **definition: Any,
    ) -> MarketChange:
        """A change of runners' prices and, where anything of it is given, of the definition."""
        raw: dict[str, Any] = {"id": MARKET_ID}
        if definition or runners or self.market.market_book is None or img:
            self.definition.update(definition)
            for number, values in (runners or {}).items():
                self.runners.setdefault(number, RUNNER.copy()).update(values)
            raw["marketDefinition"] = {
                **self.definition,
                "runners": [{"id": number, **values} for number, values in self.runners.items()],
            }
        raw["rc"] = [{"id": number, **values} for number, values in (prices or {}).items()]
        line = {"op": "mcm", "pt": 0, "mc": [raw]}
        return decode_message(json.dumps(line).encode()).mc[0]

    def book(
        self,
        ms: int,
        prices: dict[int, dict[str, Any]] | None = None,
        runners: dict[int, dict[str, Any]] | None = None,
        img: bool = False,
        **definition: Any,
    ) -> list[Report]:
        """Deliver a book published at `ms`; return what was reported."""
        change = self.change(prices, runners, img, **definition)
        if img:
            self.cache = self.cache.replacement()
        return self.deliver(self.cache.update(change, ms))

    def deliver(self, book: MarketBook) -> list[Report]:
        """Process a book as a kernel does."""
        self.clock.advance(book.publish_time_epoch)
        start = len(self.reports)
        self.apply(self.execution.before_book(self.market, book))
        self.market.market_book = book
        if book.status == "CLOSED":
            self.execution.close_market(self.market)
        else:
            self.apply(self.execution.after_book(self.market, book))
            for order in [each for each in self.orders if each not in self.dropped]:
                is_limit = isinstance(order.order_type, LimitOrder)
                if is_limit and not order.complete and order.size_remaining == 0:
                    order.execution_complete()
                if order.complete:
                    self.dropped.append(order)
        return self.reports[start:]

    def apply(self, reports: Any) -> None:
        """Apply reports to orders."""
        self.reports.extend(reports)
        for report in reports:
            order = report.order
            if not isinstance(report, UpdateReport | DropReport):
                order.apply_totals(report.totals)
            if isinstance(report, PlaceReport):
                if report.is_success:
                    order.bet_id, order.placed_ms = report.bet_id, report.placed_ms
                    order.executable()
                else:
                    order.execution_complete()
            elif isinstance(report, CancelReport):
                if report.is_success and order.size_remaining == 0:
                    order.execution_complete()
                else:
                    order.executable()
            elif isinstance(report, UpdateReport):
                order.order_type = report.kind or order.order_type
                order.executable()
            elif isinstance(report, ReplaceReport):
                self.replaced(order, report)
            elif isinstance(report, MatchReport):
                order.order_type = report.kind or order.order_type
                if report.is_complete and not order.complete:
                    order.execution_complete()

    def replaced(self, order: Order, report: ReplaceReport) -> None:
        """Apply the cancelling half of a replace."""
        if not report.is_success:
            order.executable()
            return
        replacement = order.trade.create_order_replacement(
            order, order.update_data["new_price"], report.size_cancelled, report.package.created_ms
        )
        replacement.placing()
        report.package.replacements.append(replacement)
        self.orders.append(replacement)
        order.execution_complete()

    # requests

    def order(
        self, side: str, kind: OrderKind, selection_id: int = 1, strategy: str = "a", handicap: float = 0
    ) -> Order:
        """An order that is not placed yet."""
        role = self.strategies.setdefault(strategy, Strategy(strategy, self.clock))
        trade = Trade(MARKET_ID, selection_id, handicap, role)  # type: ignore[arg-type]
        return trade.create_order(side, kind)

    def place_together(self, *orders: Order, version: int | None = None, client: Any = None) -> None:
        """Place orders in one package."""
        for order in orders:
            order.client = client or self.client
            order.place(None, version, False)
            self.orders.append(order)
        self.submit(OrderPackageType.PLACE, *orders, version=version)

    def place(
        self,
        side: str,
        kind: OrderKind,
        selection_id: int = 1,
        strategy: str = "a",
        version: int | None = None,
        client: Any = None,
        handicap: float = 0,
    ) -> Order:
        """Place one order."""
        order = self.order(side, kind, selection_id, strategy, handicap)
        self.place_together(order, version=version, client=client)
        return order

    def cancel(self, order: Order, size_reduction: float | None = None) -> None:
        """Ask for a cancel."""
        order.cancel(size_reduction)
        self.submit(OrderPackageType.CANCEL, order)

    def update(self, order: Order, persistence: str) -> None:
        """Ask for an update."""
        order.update(persistence)
        self.submit(OrderPackageType.UPDATE, order)

    def replace(self, order: Order, price: float, version: int | None = None) -> None:
        """Ask for a replace."""
        order.replace(price)
        self.submit(OrderPackageType.REPLACE, order, version=version)

    def submit(self, package_type: OrderPackageType, *orders: Order, version: int | None = None) -> None:
        """Hand a package to the execution."""
        self.packages += 1
        client: Any = orders[0].client
        self.execution.submit(
            OrderPackage(
                self.packages,
                client,
                MARKET_ID,
                orders,
                package_type,
                self.clock.epoch_ms,
                self.market.bet_delay,
                version,
            )
        )


@pytest.fixture
def house() -> House:
    """A market with default settings."""
    return House()


@pytest.fixture
def make_house() -> Callable[..., House]:
    """Make a market with other settings."""
    return House


@pytest.fixture(name="make_client")
def make_client_fixture() -> Callable[..., Any]:
    """Make a client."""
    return make_client
