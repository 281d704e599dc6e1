"""Outcomes that nobody told: looked for at the exchange, asked for again while that is safe, given up when late."""

import secrets
from collections.abc import Iterator, Sequence

from msgspec import structs

from ..order.package import OrderPackageType
from ..order.report import MatchReport, Report
from .bet import Bet
from .betreports import totals_of
from .outcomes import Outcomes
from .request import Ask, LookEvent, Request

_LOOKS, _LOOKS_IF_EXPECTED = 3, 2
"""How many looks must find nothing before a bet is taken to be done with; fewer where it was to be cancelled."""

_IDEMPOTENT = (OrderPackageType.CANCEL, OrderPackageType.UPDATE)


class Unknowns(Outcomes):
    """Decides what becomes of requests without an outcome, each time that the exchange was asked about them."""

    def due(self) -> list[Ask]:
        """Return what is to be looked for now; the answer must come back by `looked`."""
        now = self._now()
        asks = [ask for ask in self.asks.values() if ask.is_unknown and not ask.is_looking and ask.look_at <= now]
        for ask in asks:
            ask.is_looking = True
        return asks

    @property
    def next_due(self) -> float | None:
        """When the next look is due; None: nothing is to be looked for."""
        moments = [ask.look_at for ask in self.asks.values() if ask.is_unknown and not ask.is_looking]
        return min(moments, default=None)

    def looked(self, event: LookEvent) -> Iterator[Report]:
        """Report what a look has found, and what it means where it has found nothing."""
        most = self._settings.wait("look_interval_max")
        for ask in event.asks:
            ask.is_looking = False
            ask.look_wait = min(ask.look_wait * 2, most)
            ask.look_at = self._now() + ask.look_wait
        if event.error is not None:
            return
        yield from self.seen(event.bets)
        found = {bet.bet_id: bet for bet in reversed(event.bets)}
        for ask in event.asks:
            if ask.is_open:
                yield from self._decide(ask, found.get(ask.order.bet_id), event.started)

    def _decide(self, ask: Ask, bet: Bet | None, started: float) -> Iterator[Report]:
        request = ask.request
        if request is not None and request.is_sending:
            return
        last = (ask.since if request is None else request.last_ended) or ask.since
        if started < last:
            return
        is_late = started - last >= self._deadline(ask)
        ask.missing = ask.missing + 1 if bet is None else 0
        if ask.kind is None:
            if bet is not None:
                self.close(ask)
            else:
                yield from self._missing(ask)
        elif ask.kind is OrderPackageType.PLACE:
            if is_late:
                seconds = started - last
                text = f"not placed: the exchange has no trace of it {seconds:.1f} s after it was last sent"
                yield from self._failed(ask, "NOT_PLACED", text)
            elif request is not None and request.kind is OrderPackageType.PLACE:
                self._send_again(request)
        elif bet is None:
            yield from self._missing(ask)
        elif ask.error_code is not None:
            yield from self._failed(ask, ask.error_code, ask.error_code)
        elif is_late:
            yield from self._failed(ask, f"NOT_{_PAST[ask.kind]}", "the bet is as it was")
        elif request is not None:
            self._send_again(request)

    def _missing(self, ask: Ask) -> Iterator[Report]:
        """Report that a bet is done with which was placed, and is neither current nor cleared any more.

        The exchange drops a bet from its current orders once it is cancelled or lapsed and nothing of it is matched,
        and may be late to show it among the cleared ones.
        """
        order = ask.order
        # a request that was refused, and never sent in vain before, has cancelled nothing
        is_doing = ask.kind in (OrderPackageType.CANCEL, OrderPackageType.REPLACE) and (
            ask.error_code is None or ask.request is None or ask.request.is_doubtful
        )
        is_expected = is_doing or order.bet_id in self.cancels_asked
        if ask.missing < (_LOOKS_IF_EXPECTED if is_expected else _LOOKS) or order.size_matched or order.complete:
            return
        known = totals_of(order)
        if ask.kind is OrderPackageType.REPLACE and is_doing:
            yield from self.cancelled_by_replace(ask, round(order.size_cancelled + order.size_remaining, 2))
            return
        self.close(ask)
        self.gone.add(order.id)
        if not is_doing:
            self.count_failure(ask)
        if is_expected:
            totals = structs.replace(known, size_cancelled=round(known.size_cancelled + order.size_remaining, 2))
        else:
            totals = structs.replace(known, size_lapsed=round(known.size_lapsed + order.size_remaining, 2))
        yield MatchReport(order, totals, True)

    def _deadline(self, ask: Ask) -> float:
        delay = ask.request.package.bet_delay if ask.request is not None else 0.0
        return self._settings.wait("unknown_deadline") + delay * self._settings.wait_factor

    def _send_again(self, request: Request) -> None:
        """Ask again: with a new customerRef what may be done twice, with the same what may not, and then not late."""
        if not request.is_doubtful and request.kind not in _IDEMPOTENT:
            return
        if request in self.resends or request.is_sending:
            return
        if request.kind in _IDEMPOTENT and not any(ask.instruction.get("sizeReduction") for ask in request.asks):
            if request.sends < self._settings.execution_retry_attempts:
                request.customer_ref = secrets.token_hex(16)
                request.first_sent = None
                self.resends.append(request)
        elif all(ask.is_open for ask in request.asks) and self._may_resend(request):
            self.resends.append(request)

    def take_resends(self) -> Sequence[tuple[Request, list[Ask]]]:
        """Return what is to be sent again, with those of its asks that are still open."""
        resends, self.resends = self.resends, []
        taken = []
        for request in resends:
            asks = [ask for ask in request.asks if ask.is_open]
            if asks:
                request.is_sending = True
                taken.append((request, asks))
        return taken


_PAST = {
    OrderPackageType.CANCEL: "CANCELLED",
    OrderPackageType.UPDATE: "UPDATED",
    OrderPackageType.REPLACE: "REPLACED",
    OrderPackageType.PLACE: "PLACED",
}
