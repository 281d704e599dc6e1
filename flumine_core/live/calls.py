"""The calls of an account's execution: sent on threads of their own, paced, written down before they leave."""

import sqlite3
from collections.abc import Sequence
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
from .request import AnswerEvent, Ask, LookEvent, Request
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
        self._pace = Pace(settings.order_rate)
        self._timer = Timer(f"timer-{client.username}")

    def _arrive(self, event: CurrentOrdersEvent) -> None:
        """Hand an event to the kernel's thread, from any other."""
        raise NotImplementedError

    @property
    def is_idle(self) -> bool:
        """Whether no request waits for its answer."""
        return self._places.is_idle and self._cancels.is_idle

    def _end_calls(self) -> None:
        """End the threads, as far as they can be ended."""
        self._timer.close()
        self._lists.close()
        for slots in (self._places, self._cancels, self._reads):
            slots.close()

    def _dispatch(self, request: Request, params: dict[str, Any], rows: Any) -> None:
        slots = self._cancels if request.kind is OrderPackageType.CANCEL else self._places
        wait = self._pace.spend(len(params["instructions"]))
        job = partial(self._send, request, params, rows)
        if request.sends and request.first_sent is not None and not request.is_doubtful:
            wait += self._settings.wait("look_interval") * request.sends  # it could not leave: not at once again
        if wait > 0:
            self._timer.call_at(monotonic() + wait, lambda: slots.run(job))
        else:
            slots.run(job)

    def _send(self, request: Request, params: dict[str, Any], rows: Any) -> None:
        """Make a request's call, on a thread of its own."""
        result, error = None, None
        try:
            self._intend(rows)
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

    def _intend(self, rows: Any) -> None:
        """Write what is about to be sent; what cannot be written is not sent."""
        if self._journal is None or rows is None:
            return
        try:
            self._journal.intend(rows)
        except sqlite3.Error as error:
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
        self._reads.run(partial(self._look_up, asks, bet_ids, list(refs), list(market_ids)))

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
        self._arrive(LookEvent(asks=asks, bets=bets, started=started, error=error))

    def _cleared(self, bets: Sequence[Bet], bet_ids: Sequence[str], refs: Sequence[str]) -> list[Bet]:
        """Return cleared bets of those names that are not among the current ones."""
        known_ids, known_refs = {bet.bet_id for bet in bets}, {bet.customer_order_ref for bet in bets}
        return self._lists.cleared(
            [bet_id for bet_id in bet_ids if bet_id not in known_ids],
            [ref for ref in refs if ref not in known_refs],
        )
