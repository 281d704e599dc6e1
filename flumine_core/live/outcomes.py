"""What an answer, or the lack of one, says of the orders that asked."""

from collections.abc import Callable, Iterator
from typing import Any

from ..order.order import Order
from ..order.package import OrderPackageType
from ..order.report import (
    BetTotals,
    CancelReport,
    MatchReport,
    PlaceReport,
    ReplaceReport,
    Report,
    UnknownReport,
    UpdateReport,
)
from .answers import code_of, is_failure, leg, reports_by_order, size_of
from .bet import Bet
from .betreports import BetReports, is_asked, totals_of
from .login import NEVER_LEFT
from .request import AnswerEvent, Ask, Request

MOST_UNSENT = 3
"""How often a request is tried that could not leave at all."""


class Outcomes(BetReports):
    """Turns answers into reports; what they leave open is UNKNOWN and looked for."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.resends: list[Request] = []

    def begin(self, request: Request) -> None:
        """Take note of a request that is about to leave."""
        request.is_sending = True
        for ask in request.asks:
            self.asks[ask.order.id] = ask

    def answered(self, event: AnswerEvent) -> Iterator[Report]:
        """Report what an answer says."""
        request, error, result = event.request, event.error, event.result
        request.is_sending = False
        if error is not None:
            if error.is_refused and not request.is_doubtful:
                yield from self._refused(request, error.code, str(error))
            else:
                request.is_doubtful = request.is_doubtful or not error.is_refused
                for ask in self._open_asks(request):
                    yield from self._unknown(ask, str(error))
            return
        reports = reports_by_order(request.asks, result)
        handle: Callable[[Ask, dict[str, Any] | None, Any], Iterator[Report]] = {
            OrderPackageType.PLACE: self._placed,
            OrderPackageType.CANCEL: self._cancelled,
            OrderPackageType.UPDATE: self._updated,
            OrderPackageType.REPLACE: self._replaced,
        }[request.kind]
        for ask in request.asks:
            ask.response = reports.get(ask.order.id)
            yield from handle(ask, ask.response, result)

    def not_understood(self, event: AnswerEvent, failure: Exception) -> Iterator[Report]:
        """Report that nobody knows what became of a request whose answer could not be read."""
        request = event.request
        request.is_doubtful = True
        for ask in self._open_asks(request):
            yield from self._unknown(ask, f"the answer could not be read: {failure}")

    def _open_asks(self, request: Request) -> list[Ask]:
        """Return what a request still waits for, the replacements that it brought about included."""
        asked = (order for ask in request.asks for order in (ask.order, ask.replacement) if order is not None)
        found = (self.asks.get(order_id) for order_id in dict.fromkeys(order.id for order in asked))
        return [ask for ask in found if ask is not None and ask.request is request]

    def _refused(self, request: Request, code: str, text: str) -> Iterator[Report]:
        """Report that a call was certainly not carried out; what never left is tried again a few times."""
        if code == "NOT_SENT" and request.sends < MOST_UNSENT and self._may_resend(request):
            self.resends.append(request)
            return
        for ask in self._open_asks(request):
            yield from self._failed(ask, code, text, code not in NEVER_LEFT)

    def _may_resend(self, request: Request) -> bool:
        """Whether a request may be sent again with its customerRef, which the exchange remembers for 60 s."""
        if request.is_sending or request.sends >= self._settings.execution_retry_attempts:
            return False
        return request.first_sent is None or self._now() - request.first_sent < self._settings.wait("resend_within")

    # the four operations

    def _placed(self, ask: Ask, report: dict[str, Any] | None, result: Any) -> Iterator[Report]:
        order, request = ask.order, ask.request
        if not ask.is_open:
            if report is not None and report.get("status") == "SUCCESS" and order.bet_id is not None:
                yield from self._bet_reports(order, Bet.from_place_report(order.market_id, report, ask.instruction))
            return
        if report is not None and report.get("status") == "SUCCESS":
            bet = Bet.from_place_report(order.market_id, report, ask.instruction)
            if bet.bet_id is None or bet.status == "PENDING":
                self.schedule(ask)  # asynchronous: the order stream brings the bet, or else a look does
            else:
                yield from self._bet_reports(order, bet, report)
        elif is_failure(report, result) and not (request is not None and request.is_doubtful):
            code = code_of(report, result)
            yield from self._failed(ask, code, code)
        else:
            if request is not None:
                request.is_doubtful = True
            yield from self._unknown(ask, code_of(report, result))

    def _cancelled(self, ask: Ask, report: dict[str, Any] | None, result: Any) -> Iterator[Report]:
        order = ask.order
        if not ask.is_open:
            return
        is_success = report is not None and report.get("status") == "SUCCESS"
        if order.complete:
            self.close(ask)
            if not is_success:
                self.count_failure(ask)
            return
        if report is None or not is_success:
            if is_failure(report, result):
                ask.error_code = code_of(report, result)
            yield from self._unknown(ask, code_of(report, result))
            return
        cancelled = size_of(report, "sizeCancelled")
        known = totals_of(order)
        total = max(known.size_cancelled, round(ask.size_before + cancelled, 2))
        totals = BetTotals(known.size_matched, known.average_price_matched, total, known.size_lapsed, known.size_voided)
        rest = round(order.size_remaining + order.size_cancelled - total, 2)
        if rest > 0 and not ask.instruction.get("sizeReduction"):
            # all was to be cancelled and something was matched meanwhile, of which nobody has told yet
            yield MatchReport(order, totals)
            yield from self._unknown(ask, f"{cancelled} cancelled, {rest} less than remained")
            return
        self.close(ask)
        yield CancelReport(order, True, totals, cancelled, response=report)

    def _updated(self, ask: Ask, report: dict[str, Any] | None, result: Any) -> Iterator[Report]:
        if not ask.is_open:
            return
        is_success = report is not None and report.get("status") == "SUCCESS"
        if ask.order.complete:
            self.close(ask)
            if not is_success:
                self.count_failure(ask)
        elif is_success:
            self.close(ask)
            yield self.updated(ask)
        else:
            if is_failure(report, result):
                ask.error_code = code_of(report, result)
            yield from self._unknown(ask, code_of(report, result))

    def _replaced(self, ask: Ask, report: dict[str, Any] | None, result: Any) -> Iterator[Report]:
        order = ask.order
        cancel, place = leg(report, "cancelInstructionReport"), leg(report, "placeInstructionReport")
        if ask.is_open:
            if cancel.get("status") == "SUCCESS":
                total = max(order.size_cancelled, round(ask.size_before + size_of(cancel, "sizeCancelled"), 2))
                yield from self.cancelled_by_replace(ask, total)
            elif is_failure(report, result) and order.complete:
                self.close(ask)
                self.count_failure(ask)
                return
            else:
                if is_failure(report, result):
                    ask.error_code = code_of(cancel or report, result)
                yield from self._unknown(ask, code_of(cancel or report, result))
                return
        replacement = ask.replacement
        placed = None if replacement is None else self.asks.get(replacement.id)
        if placed is None or placed.request is not ask.request:
            return  # the order stream was first, and something else may be asked of the replacement already
        placed.instruction = placed.order.create_place_instruction()
        if place.get("status") == "SUCCESS" and place.get("betId"):
            bet = Bet.from_place_report(order.market_id, place, placed.instruction)
            yield from self._bet_reports(placed.order, bet, place)
        elif is_failure(place or report, result):
            code = code_of(place or report, result)
            yield from self._failed(placed, code, code)
        else:
            yield from self._unknown(placed, code_of(place or report, result))

    # the two ends that are no success

    def _failed(self, ask: Ask, code: str, text: str, was_sent: bool = True) -> Iterator[Report]:
        """Report that a request was not carried out and never will be."""
        order = ask.order
        self.close(ask)
        told: dict[str, Any] = {"error_code": code, "response": ask.response, "was_sent": was_sent}
        if ask.kind is OrderPackageType.PLACE:
            if order.bet_id is None:
                told["reason"] = text
                yield PlaceReport(order, False, _nothing_of(order), **told)
        elif order.complete or ask.kind is None:
            self.count_failure(ask, was_sent)
        elif ask.kind is OrderPackageType.CANCEL:
            yield CancelReport(order, False, totals_of(order), **told)
        elif ask.kind is OrderPackageType.UPDATE:
            yield UpdateReport(order, False, **told)
        elif ask.request is not None:
            yield ReplaceReport(order, False, ask.request.package, totals_of(order), **told)

    def _unknown(self, ask: Ask, reason: str) -> Iterator[Report]:
        """Report that nobody knows; the exchange is asked from now on."""
        order = ask.order
        if not ask.is_open:
            return
        if ask.kind is OrderPackageType.PLACE and order.bet_id is not None:
            self.close(ask)
            return
        if order.complete and ask.kind is not None:  # its bet was complete before: there was nothing left to be done
            self.close(ask)
            self.count_failure(ask)
            return
        self.schedule(ask)
        if is_asked(order):
            yield UnknownReport(order, reason)


def _nothing_of(order: Order) -> BetTotals:
    """Return the totals of what was never placed: all of it is gone."""
    return BetTotals(size_lapsed=getattr(order.order_type, "requested_size", 0.0))
