"""Where the requests for one market wait, and how they become bets and reports."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, cast

import msgspec
from msgspec import Struct

from ..garbage import tracked
from ..order.kinds import LimitOnCloseOrder, LimitOrder
from ..order.package import OrderPackageType
from ..order.report import BetTotals, CancelReport, PlaceReport, ReplaceReport, Report, UpdateReport
from ..order.states import OrderStatus
from .bet import LIMIT, LIMIT_ON_CLOSE, MARKET_ON_CLOSE, Bet
from .exchange import MarketExchange
from .matching import DELAYED
from .policy import ReleasePolicy

if TYPE_CHECKING:
    from ..book.marketbook import MarketBook
    from ..order.order import Order
    from ..order.package import OrderPackage
    from ..order.roles import ClientRole

NO_REPORTS: tuple[Report, ...] = ()
UNKNOWN_BET = "INVALID_BET_ID"
NO_BOOK = "INVALID_MARKET_ID"
"""Betfair's error codes for what flumine has no answer to."""


class Latencies(Struct, frozen=True):
    """Seconds from a request to its execution, by what is asked for."""

    place: float
    cancel: float
    update: float
    replace: float

    def of(self, package_type: OrderPackageType) -> float:
        """Return the latency of a package."""
        if package_type is OrderPackageType.PLACE:
            return self.place
        if package_type is OrderPackageType.CANCEL:
            return self.cancel
        if package_type is OrderPackageType.UPDATE:
            return self.update
        return self.replace


@tracked
class Request(Struct, eq=False):
    """A package that waits, with what was read of its orders at submission.

    :ivar number: place in the order of submission, over all markets.
    :ivar latency: seconds; `latency_and_delay` has the market's bet delay added.
    :ivar bets: bets to place.
    :ivar orders: orders to cancel, update or replace, each with its bet (None: the exchange knows of none)
        and the size to cancel (None: all).
    :ivar persistences: what replacements inherit, in the order of the cancels that succeeded.
    :ivar replaced: how many replacements were taken from the package.
    :ivar placed: bets of the package that were placed while others of it were delayed.
    """

    number: int
    package: "OrderPackage"
    latency: float
    latency_and_delay: float
    bets: list[Bet] = []
    orders: "list[tuple[Order, Bet | None, float | None]]" = []
    is_cancelled: bool = False
    persistences: list[str | None] = []
    replaced: int = 0
    placed: list[Bet] = []

    def replacing(self) -> list[Bet]:
        """Return the bets placed by this request of which a replace waits."""
        return [bet for bet in self.placed if is_replacing(bet)]

    def waiting_orders(self) -> "Iterator[tuple[Order, OrderPackageType]]":
        """Yield the orders that have no answer yet, each with what is asked for it."""
        for bet in self.bets:
            yield order_of(bet), OrderPackageType.PLACE
        if not self.is_cancelled:
            for order, _, _ in self.orders:
                yield order, self.package.package_type
        for order in self.package.replacements[self.replaced :]:
            yield order, OrderPackageType.PLACE

    def release(self, order: "Order") -> None:
        """Have the account's controls give back what they reserved for an order that there is no answer for."""
        self.package.client.release(order, self.package.package_type)


class Release(Struct, eq=False):
    """One look at what waits: at `now` (milliseconds since 1970), against `book`."""

    book: "MarketBook"
    now: int
    reports: list[Report]


class PendingRequests:
    """The seam between one market's orders and the exchange's bets.

    :ivar bets: the bet of every order ever submitted.
    :ivar requests: what waits, in the order of submission.
    :ivar newest: the newest book, where another stream has brought an older one since.
    :ivar stream_id: the stream whose book was heeded last, and `publish_time` that book's, milliseconds since 1970.
    """

    __slots__ = (
        "_id_prefix",
        "_latencies",
        "_number",
        "_policy",
        "bets",
        "exchange",
        "newest",
        "publish_time",
        "requests",
        "stream_id",
    )

    def __init__(self, market_id: str, exchange: MarketExchange, policy: ReleasePolicy, latencies: Latencies) -> None:
        self.exchange = exchange
        self.bets: dict[Order, Bet] = {}
        self._policy = policy
        self._latencies = latencies
        self._id_prefix = "".join(filter(str.isdigit, market_id.rpartition(".")[2]))
        self._number = 0
        self.end_stream()

    def end_stream(self) -> None:
        """Forget what waits and whose books were heeded: another stream begins anew."""
        self.requests: list[Request] = []
        self.stream_id: int | None = None
        self.publish_time = 0
        self.newest: MarketBook | None = None
        self.exchange.volume.told.clear()

    def meet(self, previous: "MarketBook | None", book: "MarketBook") -> "MarketBook | None":
        """Return the newest book before `book`, whichever stream has brought either.

        :param previous: the one that came last.
        """
        newest, is_other = self.newest or previous, book.streaming_unique_id != self.stream_id
        self.newest = None
        if newest is not None and is_other:
            if book.publish_time_epoch <= self.publish_time:
                self.newest = newest
            else:
                self.exchange.volume.hand_over(newest)
        return newest

    def turn_to(self, book: "MarketBook") -> bool:
        """Heed the stream of a book from now on, in place of another; return False where that was there before.

        A market may come by several streams, and what was traded counts once.
        """
        if self.stream_id is not None and book.publish_time_epoch <= self.publish_time:
            return False
        self.stream_id = book.streaming_unique_id
        return True

    def submit(self, package: "OrderPackage", number: int) -> None:
        """Take a package; the terms of its orders are read now."""
        package_type = package.package_type
        latency = self._latencies.of(package_type)
        request = Request(number, package, latency, latency + package.bet_delay)
        for order in package:
            if package_type is OrderPackageType.PLACE:
                bet = self.bets[order] = make_bet(order, package.client)
                self.exchange.admit(bet, order.number)
                request.bets.append(bet)
                continue
            known = self.bets.get(order)
            request.orders.append((order, known, order.update_data.get("size_reduction")))
            if known is not None and package_type is OrderPackageType.REPLACE:
                known.is_replacing = True
            if package_type is OrderPackageType.UPDATE and known is not None:
                self.exchange.change_persistence(known, order.update_data["new_persistence_type"])
        self.requests.append(request)

    def release(self, book: "MarketBook | None", now: int) -> Sequence[Report]:
        """Execute what is due at `now` against `book`, the market's latest so far."""
        reports: list[Report] = []
        kept: list[Request] = []
        for request in self.requests:
            elapsed = (now - request.package.created_ms) / 1000
            if not self._policy.is_due(elapsed, request.latency):
                kept.append(request)
            elif book is None:
                _reject(request, NO_BOOK, reports)
            elif not self._execute(request, Release(book, now, reports), elapsed):
                kept.append(request)
        self.requests = kept
        return reports or NO_REPORTS

    def _execute(self, request: Request, release: Release, elapsed: float) -> bool:
        # returns whether the request is done with
        package_type = request.package.package_type
        if package_type is OrderPackageType.PLACE:
            return self._place(request, release, elapsed, request.latency_and_delay)
        if package_type is OrderPackageType.REPLACE:
            return self._replace(request, release, elapsed)
        for order, bet, reduction in request.orders:
            if bet is None:
                release.reports.append(_refusal(request, order, UNKNOWN_BET))
            elif package_type is OrderPackageType.CANCEL:
                error, size = self.exchange.cancel(bet, release.book, reduction)
                release.reports.append(CancelReport(order, error is None, totals_of(bet), size, error))
            else:
                error = self.exchange.update(bet, release.book)
                kind = msgspec.structs.replace(order.order_type, persistence_type=bet.persistence)
                release.reports.append(UpdateReport(order, error is None, kind, error))
        return True

    def _place(self, request: Request, release: Release, elapsed: float, wait: float) -> bool:
        models = release.book.definition.bet_delay_models
        if not self._policy.is_placeable(elapsed, wait, models):
            return False
        version = request.package.market_version
        is_delay_over = self._policy.is_delay_over(elapsed, request.latency_and_delay)
        delayed: list[Bet] = []
        # Simulation rule: while a package waits for some of its bets, another of them that is being replaced is
        # placed once more, and its replace comes to nothing.
        is_placing = request.package.package_type is OrderPackageType.PLACE
        again = request.replacing() if request.placed and is_placing else []
        for bet in [*again, *request.bets]:
            bet.is_replacing = False
            if bet.is_complete:  # a removal voided it while it waited
                request.release(order_of(bet))
                continue
            error = self.exchange.place(bet, release.book, version, is_delay_over)
            if error == DELAYED:
                if bet in again:
                    bet.is_replacing = True
                else:
                    delayed.append(bet)
                continue
            # Simulation rule: each answered placing uses up a number, failures too.
            self._number += 1
            report = PlaceReport(order_of(bet), error is None, totals_of(bet), error_code=error)
            if error is None:
                report.bet_id = bet.bet_id = self._id_prefix + str(self._number).zfill(6)
                report.placed_ms = release.now
                if bet not in again:
                    request.placed.append(bet)
            release.reports.append(report)
        request.bets = delayed
        if delayed or (again and request.replacing()):
            return False
        return request.replaced == len(request.persistences)

    def _replace(self, request: Request, release: Release, elapsed: float) -> bool:
        # Simulation rule: the cancels know no bet delay; the replacements are placed at a later book, with
        # the latency of placing (and for aggressive ones of replacing) counted from the request.
        if elapsed < self._latencies.cancel:
            return False
        if request.is_cancelled:
            self._take_replacements(request)
            # Simulation rule: while a replace waits for some of its replacements, whatever else it has asked for or
            # placed and is being replaced (anew) is cancelled by it, and counts from its time.
            asked = [bet for _, bet, _ in request.orders if bet is not None and is_replacing(bet)]
            for replaced in (*asked, *request.replacing()):
                self._cancel_replaced(request, release, order_of(replaced), replaced)
            return self._place(request, release, elapsed, self._latencies.place + request.package.bet_delay)
        request.is_cancelled = True
        for order, bet, _ in request.orders:
            if bet is None:
                release.reports.append(_refusal(request, order, UNKNOWN_BET))
            elif is_replacing(bet):
                self._cancel_replaced(request, release, order, bet)
            elif bet.is_replacing:  # it was filled while the request waited: nothing is left to be replaced
                bet.is_replacing = False
                request.release(order)
        return not request.persistences

    def _cancel_replaced(self, request: Request, release: Release, order: "Order", bet: Bet) -> None:
        bet.is_replacing = False
        error, size = self.exchange.cancel(bet, release.book, None)
        if error is None:
            self.exchange.complete(bet)  # also where rounding has left something of it
            request.persistences.append(bet.persistence)
        release.reports.append(
            ReplaceReport(order, error is None, request.package, totals_of(bet), size, error, bet.persistence)
        )

    def _take_replacements(self, request: Request) -> None:
        package = request.package
        for order in package.replacements[request.replaced :]:
            bet = self.bets[order] = make_bet(order, package.client)
            if request.replaced < len(request.persistences):
                bet.persistence = request.persistences[request.replaced]
            request.bets.append(bet)
            request.replaced += 1


def make_bet(order: "Order", client: "ClientRole") -> Bet:
    """Return the bet that `order` asks for, with all of its terms; its group is the order's strategy."""
    kind = order.order_type
    price = size = persistence = min_fill_size = target_size = None
    is_fill_or_kill = False
    if isinstance(kind, LimitOrder):
        name, price, size, persistence = LIMIT, kind.price, kind.size, kind.persistence_type
        min_fill_size, target_size = kind.min_fill_size, None if kind.size else kind.requested_size
        is_fill_or_kill = kind.time_in_force == "FILL_OR_KILL"
    elif isinstance(kind, LimitOnCloseOrder):
        name, price, size = LIMIT_ON_CLOSE, kind.price, kind.liability
    else:
        name, size = MARKET_ON_CLOSE, kind.liability
    return Bet(
        order,
        order.trade.strategy,
        order.selection_id,
        order.handicap,
        order.side,
        name,
        price,
        size,
        persistence,
        is_fill_or_kill,
        min_fill_size,
        client.best_price_execution,
        client.simulated_full_match,
        client.min_bsp_liability or 0.0,
        target_size,
    )


def is_replacing(bet: Bet) -> bool:
    """Whether a replace of a bet waits and may still be carried out."""
    return bet.is_replacing and not bet.is_complete and order_of(bet).status is OrderStatus.REPLACING


def order_of(bet: Bet) -> "Order":
    """Return the order that a bet of these requests was made for."""
    return cast("Order", bet.order)


def totals_of(bet: Bet) -> BetTotals:
    """Return the sizes of a bet as a report carries them."""
    return BetTotals(bet.size_matched, bet.average_price_matched, bet.size_cancelled, bet.size_lapsed, bet.size_voided)


def _reject(request: Request, error: str, reports: list[Report]) -> None:
    reports.extend(PlaceReport(order_of(bet), False, totals_of(bet), error_code=error) for bet in request.bets)
    if not request.is_cancelled:
        reports.extend(_refusal(request, order, error) for order, _, _ in request.orders)


def _refusal(request: Request, order: "Order", error: str) -> Report:
    known = BetTotals(
        order.size_matched,
        order.average_price_matched,
        order.size_cancelled,
        order.size_lapsed,
        order.size_voided,
    )
    package_type = request.package.package_type
    if package_type is OrderPackageType.CANCEL:
        return CancelReport(order, False, known, error_code=error)
    if package_type is OrderPackageType.REPLACE:
        return ReplaceReport(order, False, request.package, known, error_code=error)
    return UpdateReport(order, False, error_code=error)
