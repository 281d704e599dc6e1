"""What came of the orders of closed markets: asked for until it is all there, and then the journal lets go of it."""

from collections.abc import Iterable, Iterator
from functools import partial
from time import monotonic
from typing import Any

import attrs
from loguru import logger

from ..contract.client import BaseClient
from ..events import ClearedMarketsEvent, ClearedOrdersEvent, CloseMarketEvent, Event
from ..hint import one_line
from ..market.market import Market
from ..order.cleared import Cleared
from .api import Api
from .backoff import Backoff
from .journal import Journal
from .login import CallError
from .resources import cleared_order_of
from .worked import Accounts, WorkedFramework, guarded, in_kernel

_PAGE = 1000
_MARKETS_A_CALL = 40
"""Markets of a listMarketBook: without prices each weighs 2 to 5, and a call may weigh 200."""

_CLOSED = "CLOSED"


@attrs.define(eq=False)
class _Closed:
    """A closed market whose cleared orders are asked for; times in monotonic seconds.

    :ivar done: usernames of the clients that have been told.
    """

    market_id: str
    due: float
    until: float
    backoff: Backoff
    done: set[str] = attrs.Factory(set)

    @property
    def is_late(self) -> bool:
        """Whether it has been long enough: what there is now is all."""
        return monotonic() > self.until


class ClearedMarkets:
    """Markets that have closed, and when to ask next what came of their orders.

    :ivar left: markets that the journal has and that may be in nobody's memory, as of an account that is not there
        any more.
    """

    def __init__(self, framework: WorkedFramework, accounts: Accounts, journal: Journal | None) -> None:
        self.framework = framework
        self.accounts = accounts
        self.waiting: dict[str, _Closed] = {}
        self.left: set[str] = set() if journal is None else journal.market_ids()
        self._journal = journal

    def take_closed(self) -> None:
        """Take what the kernel has queued; a market that closes again begins anew."""
        queue = self.framework.cleared_market_queue
        while not queue.empty():
            market_id = queue.get_nowait()
            settings = self.framework.settings
            self.waiting[market_id] = _Closed(
                market_id,
                monotonic(),
                self._late(),
                Backoff(settings.wait("poll_cleared_orders_first"), settings.wait("poll_cleared_orders_most")),
            )

    def _late(self) -> float:
        return monotonic() + self.framework.settings.wait("poll_cleared_orders_for")

    def due(self) -> list[_Closed]:
        """Return the markets that are to be asked for now."""
        now = monotonic()
        return [each for each in self.waiting.values() if each.due <= now]

    def kept(self) -> frozenset[str]:
        """Return the markets that are to stay in memory; they are waited for no longer than a day."""
        return frozenset(self.waiting)

    def put_off(self, closed: _Closed, is_closed: bool = True) -> None:
        """Ask again later; the time for asking begins when the market has closed."""
        closed.due = monotonic() + closed.backoff.next_wait()
        if not is_closed:
            closed.until = self._late()

    def status(self, market_id: str) -> str:
        """Return CLOSED, another status, or empty where there is nothing to ask for.

        A market that its stream shows no more has closed only if the exchange says so.
        """

        def known() -> tuple[bool, str | None]:
            market = self.framework.markets.get(market_id)
            if market is None or not market.closed or not len(market.blotter):
                return False, None
            return True, market.status

        found = in_kernel(self.framework, known)
        if found is None or not found[0]:
            return ""
        if found[1] == _CLOSED:
            return _CLOSED
        return self.statuses([market_id]).get(market_id, "UNKNOWN")

    def statuses(self, market_ids: Iterable[str]) -> dict[str, str]:
        """Return what the exchange says of markets; one that it would not tell of is missing, one unknown to it not."""
        found: dict[str, str] = {}
        wanted = sorted(market_ids)
        for client, api in self.accounts()[:1]:
            for start in range(0, len(wanted), _MARKETS_A_CALL):
                chunk = wanted[start : start + _MARKETS_A_CALL]
                books = guarded(client, "listMarketBook", partial(api.call, "listMarketBook", {"marketIds": chunk}))
                if isinstance(books, list):
                    found |= dict.fromkeys(chunk, "ABSENT")
                    found |= {str(book.get("marketId")): str(book.get("status")) for book in books if _is_object(book)}
        return found

    def let_go(self, market_id: str) -> None:
        """Let the journal forget a market some time."""
        self.left.discard(market_id)
        if self._journal is not None:
            self._journal.close_market(market_id)


def poll_market_closure(tracker: ClearedMarkets) -> None:
    """Ask whether markets have closed in which there are orders and which no stream shows, as after a restart.

    One that the exchange does not know any more has closed, unless one of its orders is still live.
    """
    framework = tracker.framework

    def unseen() -> dict[str, bool]:
        found = {market_id: False for market_id in tracker.left if market_id not in framework.markets}
        for market in framework.markets:
            if market.latest_book is None and not market.closed and len(market.blotter):
                found[market.market_id] = market.blotter.has_live_orders
        return found

    wanted = in_kernel(framework, unseen) or {}
    for market_id, status in tracker.statuses(wanted).items():
        if status == _CLOSED or (status == "ABSENT" and not wanted.get(market_id, True)):
            if in_kernel(framework, partial(framework.markets.get, market_id)) is None:
                tracker.let_go(market_id)
            else:
                framework.post(CloseMarketEvent({"id": market_id}, None))


def poll_cleared_orders(tracker: ClearedMarkets) -> None:
    """Ask what came of the orders of markets that have closed; that there is nothing yet is not final.

    :raises Exception: what a market has raised first, once all that are due have had their turn.
    """
    tracker.take_closed()
    raised: list[Exception] = []
    for closed in tracker.due():
        try:
            _ask(tracker, closed)
        except Exception as error:  # of a market that others do not wait for
            tracker.put_off(closed)
            raised.append(error)
    if raised:
        raise raised[0]


def _ask(tracker: ClearedMarkets, closed: _Closed) -> None:
    status = tracker.status(closed.market_id)
    if not status:  # it has left, or is open again
        del tracker.waiting[closed.market_id]
        return
    if status not in (_CLOSED, "ABSENT"):
        tracker.put_off(closed, is_closed=False)
        return
    for client, api in tracker.accounts():
        if client.username not in closed.done and _bring_cleared(tracker.framework, closed, client, api):
            closed.done.add(client.username)
    if closed.is_late or all(client.username in closed.done for client, _ in tracker.accounts()):
        del tracker.waiting[closed.market_id]
        tracker.let_go(closed.market_id)
    else:
        tracker.put_off(closed)


def _bring_cleared(framework: WorkedFramework, closed: _Closed, client: BaseClient, api: Api) -> bool:
    """Bring a client's cleared orders of a market; False where some of its matched bets are not among them yet.

    An order that is still live may turn out to be matched.
    """
    if client.paper_trade:
        return True
    market_id = closed.market_id
    found = in_kernel(framework, lambda: _bets(framework.markets.get(market_id), client))
    matched, is_live, has_orders = found or (set(), False, False)
    if is_live and not closed.is_late:
        return False
    if not matched:
        return not has_orders or _process(framework, ClearedOrdersEvent(market_id, Cleared(market_id, [])))
    refs = [framework.settings.own_strategy_ref] if framework.settings.own_orders_only else None
    orders = guarded(client, "poll_cleared_orders", partial(cleared_rows, api, market_id, None, refs))
    missing = matched - {str(row.get("betId")) for row in orders or ()}
    if missing and not closed.is_late:
        return False
    if missing:
        told = ", ".join(sorted(missing))
        logger.error("market {}: of the matched bets these were not cleared in time: {}", market_id, told)
    markets = guarded(client, "poll_cleared_orders", partial(cleared_rows, api, market_id, "MARKET", refs))
    if not markets and not closed.is_late:
        return False
    cleared_orders = ClearedOrdersEvent(market_id, Cleared(market_id, list(_resources(orders or ()))))
    cleared_markets = ClearedMarketsEvent(Cleared(market_id, list(_resources(markets or ()))), client.username)
    return _process(framework, cleared_orders, cleared_markets)


def _process(framework: WorkedFramework, *events: Event) -> bool:
    """Have events processed, now: what was posted could come when the market has left memory."""

    def process() -> bool:
        for event in events:
            framework.process(event)
        return True

    return in_kernel(framework, process) is True


def _bets(market: Market | None, client: Any) -> tuple[set[str], bool, bool]:
    """Return the ids of a client's matched bets, whether it has live orders, and whether any."""
    if market is None:
        return set(), False, False
    matched = {str(order.bet_id) for order in market.blotter.client_orders(client, matched_only=True)}
    is_live = any(order.client is client and not order.complete for order in market.blotter.live_orders)
    return matched, is_live, bool(market.blotter.client_orders(client))


def _resources(rows: Iterable[dict[str, Any]]) -> Iterator[Any]:
    for row in rows:
        try:
            yield cleared_order_of(row)
        except (TypeError, ValueError, AttributeError) as error:
            logger.error("a cleared order cannot be used: {}", one_line(error))


def cleared_rows(api: Api, market_id: str, group_by: str | None, refs: list[str] | None) -> list[dict[str, Any]]:
    """Return all rows of listClearedOrders of a market, page by page.

    :param group_by: "MARKET" for profit and commission, None for every bet.
    :param refs: customerStrategyRefs of the bets, None is every bet of the account.
    :raises CallError: where the exchange does not answer, or what is no answer.
    """
    rows: list[dict[str, Any]] = []
    params: dict[str, Any] = {"betStatus": "SETTLED", "marketIds": [market_id]}
    if group_by is not None:
        params["groupBy"] = group_by
    if refs is not None:
        params["customerStrategyRefs"] = refs
    while True:
        page = api.call("listClearedOrders", {**params, "fromRecord": len(rows), "recordCount": _PAGE})
        new = page.get("clearedOrders") if _is_object(page) else None
        if not isinstance(new, list):
            raise CallError("BAD_ANSWER", "listClearedOrders must bring clearedOrders", is_refused=True)
        rows += [row for row in new if _is_object(row)]
        if not page.get("moreAvailable") or not new:
            return rows


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)
