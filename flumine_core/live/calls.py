"""The calls of an account's execution: sent on threads of their own, paced, written down before they leave."""

import sqlite3
from collections.abc import Callable, Sequence
from functools import partial
from time import monotonic
from typing import Any

from loguru import logger

from ..contract.client import BaseClient
from ..events import CurrentOrdersEvent
from ..order.package import OrderPackageType
from ..settings import Settings
from .api import Api
from .bet import Bet
from .journal import Journal
from .lists import Lists
from .login import CallError
from .request import AnswerEvent, Ask, ListEvent, LookEvent, Request
from .slots import Pace, Slots, Timer


class Calls:
    """Makes calls, and hands what comes of them to `_arrive`. Cancels have threads of their own, and so have lists."""

    def __init__(self, client: BaseClient, settings: Settings, api: Api, journal: Journal | None) -> None:
        self._client = client
        self._settings = settings
        self._api = api
        self._journal = journal
        self._lists = Lists(api)
        self._places = Slots(settings.max_execution_workers, f"place-{client.username}")
        self._cancels = Slots(settings.max_execution_workers, f"cancel-{client.username}")
        self._reads = Slots(settings.list_concurrency, f"list-{client.username}")
        self._timer = Timer(f"timer-{client.username}")
        self._pace = Pace(settings.order_rate, self._timer)

    def _arrive(self, event: CurrentOrdersEvent) -> None:
        """Hand an event to the kernel's thread, from any other."""
        raise NotImplementedError

    @property
    def is_idle(self) -> bool:
        """Whether no request waits for its answer."""
        return self._pace.is_idle and self._places.is_idle and self._cancels.is_idle

    def _end_calls(self) -> None:
        """End the threads, as far as they can be ended."""
        self._timer.close()
        self._lists.close()
        for slots in (self._places, self._cancels, self._reads):
            slots.close()

    def _dispatch(self, request: Request, params: dict[str, Any], rows: Any) -> None:
        slots = self._cancels if request.kind is OrderPackageType.CANCEL else self._places
        count = len(params["instructions"])

        def send(answered: Callable[[], None]) -> None:
            handed_at = monotonic()

            def call() -> None:
                try:
                    self._send(request, params, rows, handed_at)
                finally:
                    answered()

            try:
                slots.run(call)
            except RuntimeError as failure:
                answered()
                error = CallError("HELD_BACK", f"there is no thread for it: {failure}", is_refused=True)
                self._arrive(AnswerEvent(request=request, error=error))

        if request.sends and request.first_sent is not None and not request.is_doubtful:
            wait = self._settings.wait("look_interval") * request.sends  # it could not leave: not at once again
            self._timer.call_at(monotonic() + wait, partial(self._pace.run, count, send))
        else:
            self._pace.run(count, send)

    def _why_not_sent(self, request: Request) -> str:
        """Return why a request that takes exposure may not leave any more, empty where it may; on any thread."""
        raise NotImplementedError

    def _check(self, request: Request, handed_at: float) -> None:
        """Hold back what takes exposure and has become a bad idea since it was decided."""
        if request.kind not in (OrderPackageType.PLACE, OrderPackageType.REPLACE):
            return
        reason = self._why_not_sent(request)
        waited = monotonic() - handed_at
        if not reason and waited > self._settings.wait("connect_timeout"):
            reason = f"it has waited {waited:.1f} s for one of {self._settings.max_execution_workers} threads"
        if reason:
            raise CallError("HELD_BACK", reason, is_refused=True)

    def _send(self, request: Request, params: dict[str, Any], rows: Any, handed_at: float) -> None:
        """Make a request's call, on a thread of its own."""
        result, error = None, None
        try:
            self._check(request, handed_at)
            self._intend(request, rows)
            latest = None
            if request.first_sent is None:
                request.first_sent = monotonic()
            else:
                latest = request.first_sent + self._settings.wait("resend_within")
            request.sends += 1
            extra = request.package.bet_delay * self._settings.wait_factor
            result = self._api.call(request.operation, params, extra_seconds=extra, latest=latest)
        except CallError as failure:
            error = failure
        except Exception as failure:
            logger.exception("{}", request.operation)
            error = CallError("NO_ANSWER", f"{type(failure).__name__}: {failure}", is_refused=False)
        request.last_ended = monotonic()
        self._arrive(AnswerEvent(request=request, result=result, error=error))

    def _intend(self, request: Request, rows: Any) -> None:
        """Write what is about to be sent; what cannot be written is not sent, but for cancels, which take no risk."""
        if self._journal is None or rows is None:
            return
        try:
            self._journal.intend(rows, is_urgent=request.kind is OrderPackageType.CANCEL)
        except sqlite3.Error as error:
            if request.kind is OrderPackageType.CANCEL:
                logger.critical("a cancel leaves without its intent, which cannot be written yet: {}", error)
                self._journal.intend_late(rows)
                return
            raise CallError("JOURNAL", f"the intent cannot be written: {error}", is_refused=True) from error

    def _look(self, asks: Sequence[Ask]) -> None:
        """Ask the exchange about orders, on another thread."""
        bet_ids = [ask.order.bet_id for ask in asks if ask.order.bet_id is not None]
        refs: dict[str, None] = {}
        market_ids: dict[str, None] = {}
        for ask in asks:
            is_replace = ask.request is not None and ask.request.kind is OrderPackageType.REPLACE
            if is_replace:
                market_ids[ask.order.market_id] = None
            if is_replace or ask.order.bet_id is None:
                refs.update((order.customer_order_ref, None) for order in (ask.order, *ask.order.trade.orders))
        look = partial(self._look_up, asks, bet_ids, list(refs), list(market_ids))
        self._read(look, LookEvent(asks=asks, started=monotonic()))

    def _read(self, job: Callable[[], None], unanswered: LookEvent | ListEvent) -> None:
        """Have something listed on another thread; where the machine gives none, nobody has answered."""
        try:
            self._reads.run(job)
        except RuntimeError as failure:
            unanswered.error = unread(failure)
            self._arrive(unanswered)

    def _look_up(self, asks: Sequence[Ask], bet_ids: list[str], refs: list[str], market_ids: list[str]) -> None:
        started, bets, error = monotonic(), [], None
        try:
            for market_id in market_ids:
                bets += self._lists.current(marketIds=[market_id])
            bets += self._lists.named(bet_ids, refs)
            bets += self._cleared(bets, bet_ids, refs)
        except CallError as failure:
            error = failure
            logger.warning("bets cannot be looked for: {}", failure)
        except Exception as failure:
            error = unread(failure)
        self._arrive(LookEvent(asks=asks, bets=bets, started=started, error=error))

    def _cleared(self, bets: Sequence[Bet], bet_ids: Sequence[str], refs: Sequence[str]) -> list[Bet]:
        """Return cleared bets of those names that are not among the current ones."""
        known_ids, known_refs = {bet.bet_id for bet in bets}, {bet.customer_order_ref for bet in bets}
        return self._lists.cleared(
            [bet_id for bet_id in bet_ids if bet_id not in known_ids],
            [ref for ref in refs if ref not in known_refs],
        )


def unread(failure: Exception) -> CallError:
    """Return a call's failure; of another one what stands for it, so that the question is asked again."""
    if isinstance(failure, CallError):
        return failure
    logger.opt(exception=failure).error("bets cannot be read")
    return CallError("BAD_ANSWER", f"{type(failure).__name__}: {failure}", is_refused=False)
