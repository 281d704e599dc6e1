"""The simulated end: requests wait out their latency, then the simulated exchange answers them."""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from ..book.definition import RunnerKey
from ..order.kinds import MarketOnCloseOrder
from ..order.report import DropReport, MatchReport, Report
from .bet import Bet
from .companion import report
from .context import SimulatedRunners
from .exchange import MarketExchange
from .pending import NO_REPORTS, Latencies, PendingRequests, Request, order_of, totals_of
from .policy import find_profile

if TYPE_CHECKING:
    from ..book.marketbook import MarketBook
    from ..events import CurrentOrdersEvent
    from ..market.market import Market
    from ..order.package import OrderPackage
    from ..settings import Settings

DROPPED = "market stream ended before the request was executed"


class SimulatedExecution:
    """Executes packages against the books that pass, as `Settings.simulation` says, for all clients.

    Simulation rule: a request made at one book is executed at the start of the first later book of the same
    market at which its latency has passed, against the newest book BEFORE that one; what was traded with that book
    is then offered to what came to rest.

    :raises SettingsError: where there is no such matching profile.
    """

    def __init__(self, settings: "Settings") -> None:
        self._profile = find_profile(settings.simulation)
        self._is_isolated = settings.simulated_strategy_isolation
        self._is_matching_available = settings.simulation_available_prices
        self._latencies = Latencies(
            settings.place_latency,
            settings.cancel_latency,
            settings.update_latency,
            settings.replace_latency,
        )
        self._markets: dict[str, PendingRequests] = {}
        self._submitted = 0

    def submit(self, package: "OrderPackage") -> None:
        """Take a package; the terms of its orders and the latency are read now."""
        self._submitted += 1
        self._pending(package.market_id).submit(package, self._submitted)

    def before_book(self, market: "Market", book: "MarketBook") -> Sequence[Report]:
        """Execute what is due against the previous book, which `market` still has."""
        pending = self._markets.get(book.market_id)
        if pending is None:
            return NO_REPORTS
        is_defined = book.definition is not pending.exchange.volume.definition
        newest = None
        if is_defined or pending.newest is not None:  # each stream has definitions of its own
            newest = pending.meet(market.latest_book, book)
            if is_defined and newest is not None:
                pending.exchange.before_book(newest, book)
        if not pending.requests:
            return NO_REPORTS
        return pending.release(newest or market.latest_book, book.publish_time_epoch)

    def after_book(self, market: "Market", book: "MarketBook") -> Sequence[Report]:
        """Let the exchange match its bets against `book`."""
        pending = self._markets.get(book.market_id)
        if pending is None:
            pending = self._pending(book.market_id)
            pending.exchange.on_blind = partial(_tell_blind, market)
            market.context["simulated"] = SimulatedRunners(market)
        if book.streaming_unique_id != pending.stream_id and not pending.turn_to(book):
            return NO_REPORTS
        pending.publish_time = book.publish_time_epoch
        exchange = pending.exchange
        if book.definition is exchange.volume.definition:
            if not exchange.live and not exchange.volume.fresh:
                return NO_REPORTS
            bets = exchange.after_usual_book(book)
        else:
            bets = exchange.after_book(book, market.market_type)
        return [_match_report(bet) for bet in bets] if bets else NO_REPORTS

    def process_current_orders(self, event: "CurrentOrdersEvent") -> Sequence[Report]:
        """Report nothing: no order stream tells of simulated bets."""
        return NO_REPORTS

    def close_market(self, market: "Market") -> None:
        """Forget the market's volumes; bets and what still waits stay, should it open again."""
        pending = self._markets.get(market.market_id)
        if pending is not None:
            pending.exchange.close()

    def forget_market(self, market: "Market") -> Sequence[Report]:
        """Forget a market that leaves a live run, and drop what still waits there."""
        pending = self._markets.pop(market.market_id, None)
        return NO_REPORTS if pending is None else _drops(pending.requests)

    def end_stream(self) -> Sequence[Report]:
        """Drop what still waits, in the order of submission, and forget the markets that no bet rests on.

        Another stream may bring a market again, as where strategies filter one file each in its own way.
        """
        waiting = [request for pending in self._markets.values() for request in pending.requests]
        waiting.sort(key=lambda request: request.number)
        self._markets = {market_id: each for market_id, each in self._markets.items() if each.exchange.live}
        for pending in self._markets.values():
            pending.end_stream()
        return _drops(waiting)

    def shutdown(self) -> None:
        """Forget every market."""
        self._markets = {}

    def _pending(self, market_id: str) -> PendingRequests:
        pending = self._markets.get(market_id)
        if pending is None:
            exchange = MarketExchange(self._profile, self._is_isolated, self._is_matching_available)
            pending = PendingRequests(market_id, exchange, self._profile.release, self._latencies)
            self._markets[market_id] = pending
        return pending


def _drops(requests: Sequence[Request]) -> list[Report]:
    return [DropReport(order, DROPPED, asked) for request in requests for order, asked in request.waiting_orders()]


def _tell_blind(market: "Market", key: RunnerKey) -> None:
    report(
        market.flumine,
        f"market {market.market_id}: bets are not matched beyond the first on runner {key}, which has not been ACTIVE "
        "since the market opened, as in flumine",
    )


def _match_report(bet: Bet) -> MatchReport:
    report = MatchReport(order_of(bet), totals_of(bet), bet.is_sp_done)
    if bet.is_rescaled:
        report.kind = MarketOnCloseOrder(bet.size or 0.0)
    bet.is_sp_done = bet.is_rescaled = False
    return report
