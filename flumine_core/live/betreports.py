"""What a bet says of our orders: from the exchange's record to reports, once, whoever tells of it first or again."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec

from ..order.kinds import LimitOrder
from ..order.order import Order
from ..order.package import OrderPackageType
from ..order.report import BetTotals, CancelReport, MatchReport, PlaceReport, ReplaceReport, Report, UpdateReport
from ..order.roles import NAME_HASH_LENGTH
from ..order.states import OrderStatus
from ..settings import Settings
from .bet import PENDING, Bet
from .request import Ask

_EPSILON = 0.005


class BetReports:
    """Knows what is asked for each order, and turns bets into reports. All on the kernel's thread.

    Its methods are generators: the kernel applies a report before the next one is made.

    :param market_of: market id -> market, or None.
    :param adopt: makes a report of a bet that no order stands for, None where that is nobody's concern.
    :ivar gone: ids of orders whose bets are taken to be complete since the exchange has no trace of them any more.
    :ivar cancels_asked: ids of bets that an earlier run has asked to cancel or replace.
    :ivar asks: order id -> what is asked for it and not yet answered.
    """

    def __init__(
        self,
        settings: Settings,
        client: Any,
        market_of: Callable[[str], Any],
        adopt: Callable[[Bet, Order | None], Report | None],
        now: Callable[[], float],
    ) -> None:
        self._settings = settings
        self._client = client
        self._market_of = market_of
        self._adopt = adopt
        self._now = now
        self.asks: dict[str, Ask] = {}
        self.gone: set[str] = set()
        self.cancels_asked: frozenset[str] = frozenset()

    def seen(self, bets: Iterable[Bet]) -> Iterator[Report]:
        """Report what bets of the order stream or of a list say."""
        for bet in bets:
            if bet.bet_id is None:  # nobody could cancel it, or tell it from another
                continue
            order, other = self._order_of(bet)
            if order is not None:
                yield from self._bet_reports(order, bet)
            elif other is not None:
                yield from self._successor(other, bet)
            else:
                replaced = self._replace_without_ref(bet)
                if replaced is not None:
                    yield from self._successor(replaced, bet)
                else:
                    report = self._adopt(bet, None)
                    if report is not None:
                        yield report

    # whose bet it is

    def _order_of(self, bet: Bet) -> tuple[Order | None, Order | None]:
        """Return the order of a bet, or the order whose reference it bears although that has another bet."""
        market = self._market_of(bet.market_id)
        if market is None or bet.bet_id is None:
            return None, None
        blotter = market.blotter
        order: Order | None = blotter.get_order_bet_id(bet.bet_id)
        if order is not None:
            return order, None
        order_id = bet.customer_order_ref[NAME_HASH_LENGTH + 1 :]
        if order_id not in blotter:
            return None, None
        order = blotter[order_id]
        if order.customer_order_ref != bet.customer_order_ref or order.client is not self._client:
            return None, None
        if order.bet_id is None:
            return order, None
        return None, order

    def _successor(self, order: Order, bet: Bet) -> Iterator[Report]:
        """Report a bet that a replace of `order`, or of what once replaced it, has brought about."""
        named = order.follows or order.id
        for ask in list(self.asks.values()):
            if named not in (ask.order.id, ask.order.follows) or not _is_alike(ask.order, bet):
                continue
            kind = ask.order.order_type
            if ask.kind is OrderPackageType.PLACE and ask.order.bet_id is None:
                if isinstance(kind, LimitOrder) and kind.price == bet.price:
                    yield from self._bet_reports(ask.order, bet)
                    return
            elif (
                ask.kind is OrderPackageType.REPLACE
                and ask.replacement is None
                and ask.instruction.get("newPrice") == bet.price
                and ask.order.bet_id != bet.bet_id
            ):
                yield from self.cancelled_by_replace(ask, ask.size_before + bet.size)
                if ask.replacement is not None:
                    yield from self._bet_reports(ask.replacement, bet)
                return
        report = self._adopt(bet, order)
        if report is not None:
            report.order.follows = named
            yield report

    def _replace_without_ref(self, bet: Bet) -> Order | None:
        """Return the order whose replace without an answer may have brought about a bet that bears no reference.

        It is of the size that remains: another one is somebody's by hand.
        """
        if bet.customer_order_ref:
            return None
        for ask in self.asks.values():
            if not _is_alike(ask.order, bet):
                continue
            order, kind = ask.order, ask.order.order_type
            if abs(order.size_remaining - bet.size) > _EPSILON:
                continue
            if ask.kind is OrderPackageType.REPLACE and ask.instruction.get("newPrice") == bet.price:
                return order
            is_replacement = ask.request is not None and ask.request.kind is OrderPackageType.REPLACE
            if is_replacement and order.bet_id is None and getattr(kind, "price", None) == bet.price:
                return order
        return None

    # what it says

    def _bet_reports(self, order: Order, bet: Bet, response: Any = None) -> Iterator[Report]:
        """Report what is new in a bet; an older word than what is known says nothing."""
        ask = self.asks.get(order.id)
        if order.bet_id is None:
            if bet.bet_id is None or bet.status == PENDING:
                return
            if ask is not None:
                self.close(ask)
            yield PlaceReport(order, True, bet.totals, bet.bet_id, bet.placed_ms, response=response)
            if bet.is_complete:
                yield MatchReport(order, bet.totals, True)
            return
        if order.id in self.gone:
            self.gone.discard(order.id)
            if bet.is_complete:
                yield MatchReport(order, bet.totals, not order.complete)
            else:
                yield PlaceReport(order, True, bet.totals, bet.bet_id, bet.placed_ms)
                self.watch(order)  # it may be an older word than that there was no trace of it
            return
        known = progress_of(order)
        if bet.progress < known - _EPSILON or (bet.progress < known + _EPSILON and bet.source == "response"):
            if bet.source == "cleared" and not order.complete:  # a part of its rows is missing, but it is done with
                yield MatchReport(order, totals_of(order), True)
            return
        if ask is not None and ask.kind is OrderPackageType.REPLACE:
            yield from self._bet_being_replaced(ask, bet)
            return
        is_done = bet.is_complete and not order.complete
        if ask is not None and ask.is_unknown:
            yield from self._settles(ask, bet)
            if not ask.is_open and not is_done:
                return
        if is_done or _differs(order, bet):
            yield MatchReport(order, bet.totals, is_done)
        if is_done and ask is not None and ask.is_unknown and ask.is_open:
            self.close(ask)
            self.count_failure(ask)

    def _settles(self, ask: Ask, bet: Bet) -> Iterator[Report]:
        """Report the outcome of a cancel or update that nobody told, where the bet shows it."""
        order = ask.order
        if ask.kind is OrderPackageType.CANCEL and bet.size_cancelled > ask.size_before + _EPSILON:
            self.close(ask)
            if not order.complete:
                cancelled = round(bet.size_cancelled - ask.size_before, 2)
                yield CancelReport(order, True, bet.totals, cancelled, response=ask.response)
        elif ask.kind is OrderPackageType.UPDATE:
            wanted = ask.instruction.get("newPersistenceType")
            if bet.persistence == wanted and not order.complete and not bet.is_complete:
                self.close(ask)
                yield self.updated(ask)
        elif ask.kind is None and (bet.is_complete or order.complete):
            self.close(ask)

    def updated(self, ask: Ask) -> UpdateReport:
        """Return the report of an update that was carried out."""
        kind = ask.order.order_type
        if isinstance(kind, LimitOrder):
            kind = msgspec.structs.replace(kind, persistence_type=ask.instruction["newPersistenceType"])
        return UpdateReport(ask.order, True, kind, response=ask.response)

    def _bet_being_replaced(self, ask: Ask, bet: Bet) -> Iterator[Report]:
        order = ask.order
        if ask.replacement is None and bet.is_complete and bet.size_cancelled > ask.size_before + _EPSILON:
            yield from self.cancelled_by_replace(ask, bet.size_cancelled, bet.totals)
            return
        is_done = bet.is_complete and not order.complete
        if is_done or _differs(order, bet):
            yield MatchReport(order, bet.totals, is_done)
        if is_done and ask.replacement is None and ask.is_unknown:  # nothing was left to be replaced
            self.close(ask)
            self.count_failure(ask)

    def cancelled_by_replace(
        self, ask: Ask, size_cancelled: float, totals: BetTotals | None = None
    ) -> Iterator[Report]:
        """Report that the old bet of a replace is cancelled: its replacement is made, and is waited for.

        Where less was cancelled than seemed to remain, the rest is taken to be matched, at the order's own price,
        until the exchange says how.
        """
        order, request = ask.order, ask.request
        if ask.replacement is not None or request is None:
            return
        if totals is None:
            totals = _worst_totals(order, size_cancelled)
        cancelled = round(size_cancelled - ask.size_before, 2)
        before = len(request.package.replacements)
        yield ReplaceReport(
            order,
            True,
            request.package,
            totals,
            cancelled,
            new_price=ask.instruction["newPrice"],
            response=ask.response,
        )
        if len(request.package.replacements) == before:
            return
        ask.replacement = request.package.replacements[-1]
        self.close(ask)
        placed = Ask(ask.replacement, OrderPackageType.PLACE, request, is_unknown=ask.is_unknown)
        placed.look_at, placed.look_wait = ask.look_at, ask.look_wait
        self.asks[ask.replacement.id] = placed

    # from the request to its end

    def watch(self, order: Order, kind: OrderPackageType | None = None) -> None:
        """Look for an order's bet until the exchange says what it is; `kind` PLACE: it may not have been placed."""
        if order.id not in self.asks:
            ask = self.asks[order.id] = Ask(order, kind, None, size_before=order.size_cancelled, since=self._now())
            self.schedule(ask)

    def schedule(self, ask: Ask) -> None:
        """Look for what became of a request, soon and then less and less often."""
        ask.is_unknown = True
        ask.look_wait = self._settings.wait("look_interval")
        ask.look_at = self._now() + ask.look_wait

    def close(self, ask: Ask) -> None:
        """Note that the outcome of a request is known for one of its orders."""
        ask.is_open = False
        if self.asks.get(ask.order.id) is ask:
            del self.asks[ask.order.id]

    def count_failure(self, ask: Ask, was_sent: bool = True) -> None:
        """Count a request that came to nothing since its bet was complete: the order itself has nothing to learn."""
        if ask.kind is None or ask.kind is OrderPackageType.PLACE:
            return
        if ask.kind is OrderPackageType.REPLACE:
            self._client.release(ask.order, OrderPackageType.REPLACE)
        if was_sent:
            self._client.add_transaction(1, failed=True)


def progress_of(order: Order) -> float:
    """Return how much of an order's bet is settled, as far as is known."""
    return round(order.size_matched + order.size_lapsed + order.size_cancelled + order.size_voided, 2)


def totals_of(order: Order) -> BetTotals:
    """Return the sizes of an order's bet, as far as is known."""
    return BetTotals(
        order.size_matched,
        order.average_price_matched,
        order.size_cancelled,
        order.size_lapsed,
        order.size_voided,
    )


def is_asked(order: Order) -> bool:
    """Whether the order waits for the outcome of a request."""
    return order.status in _WAITING


_WAITING = frozenset({OrderStatus.PENDING, OrderStatus.CANCELLING, OrderStatus.UPDATING, OrderStatus.REPLACING})


def _worst_totals(order: Order, size_cancelled: float) -> BetTotals:
    rest = 0.0
    kind = order.order_type
    matched, average = order.size_matched, order.average_price_matched
    if isinstance(kind, LimitOrder):
        rest = round(order.size_remaining + order.size_cancelled - size_cancelled, 2)
        if rest > 0:
            average = (matched * average + rest * kind.price) / (matched + rest)
            matched = round(matched + rest, 2)
    return BetTotals(matched, round(average, 2), round(size_cancelled, 2), order.size_lapsed, order.size_voided)


def _is_alike(order: Order, bet: Bet) -> bool:
    """Whether a bet is of the same market, selection and side as an order."""
    return order.side == bet.side and order.lookup == (bet.market_id, bet.selection_id, bet.handicap)


def _differs(order: Order, bet: Bet) -> bool:
    totals = bet.totals
    return (
        abs(order.size_matched - totals.size_matched) > _EPSILON
        or abs(order.average_price_matched - totals.average_price_matched) > _EPSILON
        or abs(order.size_cancelled - totals.size_cancelled) > _EPSILON
        or abs(order.size_lapsed - totals.size_lapsed) > _EPSILON
        or abs(order.size_voided - totals.size_voided) > _EPSILON
    )
