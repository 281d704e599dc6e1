"""What the exchange has of our bets: listCurrentOrders and listClearedOrders, paged, chunked and tried again."""

import random
import threading
from collections.abc import Iterable, Sequence
from typing import Any

from loguru import logger

from .api import PASSING, Api
from .bet import Bet
from .login import CallError

PAGE = 1000
"""Most rows that a call brings."""

MOST_IDS = 250
"""Most bet ids or references that a call may name."""

CLEARED_STATUSES = ("SETTLED", "VOIDED", "LAPSED", "CANCELLED")

_TRIES = 6


class Lists:
    """Reads bets, at most three calls at a time, from any thread.

    :raises CallError: from each method, if the exchange would not answer.
    """

    def __init__(self, api: Api) -> None:
        self._api = api
        self._slots = threading.BoundedSemaphore(api.settings.list_concurrency)
        self._is_closed = threading.Event()

    def current(self, **filters: Any) -> list[Bet]:
        """Return all current orders that fit the filters of listCurrentOrders, of every status."""
        rows = self._pages("listCurrentOrders", "currentOrders", {"orderProjection": "ALL", **filters})
        return [Bet.from_current_order(row) for row in rows]

    def named(self, bet_ids: Iterable[str], refs: Iterable[str]) -> list[Bet]:
        """Return the current orders of these bet ids, and of these customerOrderRefs."""
        found: list[Bet] = []
        for key, names in (("betIds", bet_ids), ("customerOrderRefs", refs)):
            for chunk in _chunks(names):
                found += self.current(**{key: chunk})
        return found

    def cleared(self, bet_ids: Iterable[str], refs: Iterable[str]) -> list[Bet]:
        """Return what became of bets that are no longer current, one whole bet each."""
        found: dict[str, Bet] = {}
        for key, names in (("betIds", bet_ids), ("customerOrderRefs", refs)):
            for chunk in _chunks(names):
                for status in CLEARED_STATUSES:
                    params = {"betStatus": status, key: chunk}
                    for row in self._pages("listClearedOrders", "clearedOrders", params):
                        bet = Bet.from_cleared_order(row, status)
                        if bet.bet_id is not None:
                            known = found.get(bet.bet_id)
                            found[bet.bet_id] = bet if known is None else known.merge_cleared(bet)
        return list(found.values())

    def _pages(self, operation: str, key: str, params: dict[str, Any]) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        while True:
            page = self._read(operation, {**params, "fromRecord": len(rows), "recordCount": PAGE})
            new = page.get(key) if isinstance(page, dict) else None
            if not isinstance(new, list):
                raise CallError("BAD_ANSWER", f"{operation} must bring {key}", is_refused=True)
            rows += [row for row in new if isinstance(row, dict)]
            if not page.get("moreAvailable") or not new:
                return rows

    def _read(self, operation: str, params: dict[str, Any]) -> Any:
        wait = self._api.settings.wait("look_interval")
        for attempt in range(_TRIES):
            try:
                with self._slots:
                    return self._api.call(operation, params)
            except CallError as error:
                passes = not error.is_refused or error.code in PASSING or error.code in ("NOT_SENT", "LOGIN")
                if not passes or attempt == _TRIES - 1 or self._is_closed.is_set():
                    raise
                logger.info("{}: {}, trying again", operation, error)
            self._is_closed.wait(wait * 2**attempt * random.uniform(0.5, 1.0))
        raise CallError("NO_ANSWER", operation, is_refused=True)

    def close(self) -> None:
        """Try nothing again from now on."""
        self._is_closed.set()


def _chunks(names: Iterable[str]) -> list[Sequence[str]]:
    every = list(dict.fromkeys(names))
    return [every[start : start + MOST_IDS] for start in range(0, len(every), MOST_IDS)]
