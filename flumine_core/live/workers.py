"""The background workers of a live run, by their documented names: each does one round and returns."""

from collections.abc import Callable, Iterator
from functools import partial
from time import monotonic
from typing import Any, Protocol, TypeVar

import attrs
from loguru import logger

from ..book.definition import fit
from ..clock import Clock
from ..contract.client import BaseClient
from ..contract.worker import BackgroundWorker
from ..errors import ExecutionError, FlumineCoreError
from ..events import BalanceEvent, ClearedMarketsEvent, ClearedOrdersEvent, Event, MarketCataloguesEvent
from ..hint import one_line
from ..market.market import Market
from ..market.markets import Markets
from ..order.cleared import Cleared
from ..settings import Settings
from .api import Api
from .backoff import Backoff

CATALOGUES_A_CALL = 25
"""The projections below weigh 2 a market, and a call may weigh 200."""

_PROJECTION = (
    "COMPETITION",
    "EVENT",
    "EVENT_TYPE",
    "MARKET_START_TIME",
    "MARKET_DESCRIPTION",
    "RUNNER_DESCRIPTION",
    "RUNNER_METADATA",
)
_PAGE = 1000


T = TypeVar("T")


class WorkedFramework(Protocol):
    """What the workers use of the framework; orders and markets are looked at on its thread alone."""

    clock: Clock
    settings: Settings
    markets: Markets
    cleared_market_queue: Any
    is_running: bool

    def is_kernel_thread(self) -> bool: ...

    def in_kernel(self, function: Callable[[], bool]) -> bool: ...

    def post(self, event: Event) -> None: ...

    def log_control(self, event: Event) -> None: ...

    def remove_closed_markets(self, seconds: float) -> None: ...


Accounts = Callable[[], list[tuple[BaseClient, Api]]]
"""Gives the clients that have an account at Betfair, each with its API."""


def default_workers(framework: WorkedFramework, accounts: Accounts) -> list[BackgroundWorker]:
    """Return the workers of a live run; recording alone needs the session and the catalogues."""
    settings = framework.settings
    delay = settings.wait("worker_start_delay")
    timeouts = [client.betting_client.session_timeout / 2 for client, _ in accounts()]
    interval = min([settings.keep_alive_interval, *timeouts]) * settings.wait_factor
    workers = [BackgroundWorker(interval, keep_alive, (accounts,), name="keep_alive", start_delay=interval)]
    life = settings.wait("closed_market_life")
    workers.append(
        BackgroundWorker(max(life / 60, 0.01), remove_closed_markets, (framework, life), name="remove_closed_markets")
    )
    workers.append(
        BackgroundWorker(
            settings.wait("poll_market_catalogue_interval"),
            poll_market_catalogue,
            (framework, accounts),
            name="poll_market_catalogue",
            start_delay=delay,
        )
    )
    if all(client.market_recording_mode for client, _ in accounts()):
        return workers
    tracker = ClearedMarkets(framework, accounts)
    workers += [
        BackgroundWorker(
            settings.wait("poll_account_balance_interval"),
            poll_account_balance,
            (framework, accounts),
            name="poll_account_balance",
            start_delay=delay,
        ),
        BackgroundWorker(
            settings.wait_factor, poll_cleared_orders, (tracker,), name="poll_cleared_orders", start_delay=delay
        ),
    ]
    return workers


def keep_alive(accounts: Accounts) -> None:
    """Keep every session alive, or log in anew; a call that finds its session dead does not wait for this."""
    for client, api in accounts():
        _guarded(client, "keep_alive", api.login.keep_alive)


def poll_account_balance(framework: WorkedFramework, accounts: Accounts) -> None:
    """Ask for each account's funds and details, and tell the logging controls."""
    for client, api in accounts():
        _guarded(client, "poll_account_balance", partial(update_account, framework, client, api))


def update_account(framework: WorkedFramework, client: BaseClient, api: Api) -> None:
    """Ask for an account's details, which name its currency, and its funds.

    :raises CallError: where the exchange does not answer.
    """
    from betfairlightweight.resources import AccountDetails, AccountFunds

    details = api.call("getAccountDetails", {}, "account")
    funds = api.call("getAccountFunds", {}, "account")

    def take() -> None:
        client.account_details = AccountDetails(**details)
        client.account_funds = AccountFunds(**funds)

    _in_kernel(framework, take)
    framework.log_control(BalanceEvent({"username": client.username, **funds}))


def poll_market_catalogue(framework: WorkedFramework, accounts: Accounts) -> None:
    """Ask for the catalogues of markets that are new or have changed, 25 a call."""
    wanted = _in_kernel(framework, lambda: _without_catalogue(framework.markets)) or []
    for client, api in accounts()[:1]:
        for start in range(0, len(wanted), CATALOGUES_A_CALL):
            chunk = wanted[start : start + CATALOGUES_A_CALL]
            params = {
                "filter": {"marketIds": chunk},
                "marketProjection": list(_PROJECTION),
                "maxResults": len(chunk),
            }
            rows = _guarded(client, "poll_market_catalogue", partial(api.call, "listMarketCatalogue", params))
            catalogues = list(_catalogues(rows or []))
            if catalogues:
                framework.post(MarketCataloguesEvent(catalogues))


def _without_catalogue(markets: Markets) -> list[str]:
    return [market.market_id for market in markets if market.update_market_catalogue and not market.closed]


def _catalogues(rows: list[Any]) -> Iterator[Any]:
    for row in rows:
        try:
            yield catalogue_of(row)
        except (TypeError, ValueError, AttributeError, KeyError) as error:
            logger.warning("a market catalogue cannot be used: {}", one_line(error))


def catalogue_of(row: dict[str, Any]) -> Any:
    """Return betfairlightweight's MarketCatalogue of a row of listMarketCatalogue, without fields it does not know.

    :raises TypeError: (ValueError, AttributeError, KeyError) where it is no catalogue.
    """
    from betfairlightweight.resources import MarketCatalogue
    from betfairlightweight.resources.bettingresources import (
        Competition,
        Event,
        EventType,
        MarketCatalogueDescription,
        RunnerCatalogue,
    )

    fitted = dict(row)
    parts = {
        "competition": Competition,
        "event": Event,
        "eventType": EventType,
        "description": MarketCatalogueDescription,
    }
    for name, cls in parts.items():
        if row.get(name):
            fitted[name] = fit(row[name], cls)
    fitted["runners"] = [fit(runner, RunnerCatalogue) for runner in row.get("runners") or ()]
    return MarketCatalogue(**fitted)


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
    """Markets that have closed, and when to ask next what came of their orders."""

    def __init__(self, framework: WorkedFramework, accounts: Accounts) -> None:
        self.framework = framework
        self.accounts = accounts
        self.waiting: dict[str, _Closed] = {}

    def take_closed(self) -> None:
        """Take what the kernel has queued; a market that closes again begins anew."""
        settings = self.framework.settings
        queue = self.framework.cleared_market_queue
        while not queue.empty():
            market_id = queue.get_nowait()
            now = monotonic()
            self.waiting[market_id] = _Closed(
                market_id,
                now,
                now + settings.wait("poll_cleared_orders_for"),
                Backoff(settings.wait("poll_cleared_orders_first"), settings.wait("poll_cleared_orders_most")),
            )

    def due(self) -> list[_Closed]:
        """Return the markets that are to be asked for now."""
        now = monotonic()
        return [each for each in self.waiting.values() if each.due <= now]

    def put_off(self, closed: _Closed) -> None:
        """Ask again later."""
        closed.due = monotonic() + closed.backoff.next_wait()


def poll_cleared_orders(tracker: ClearedMarkets) -> None:
    """Ask what came of the orders of markets that have closed; that there is nothing yet is not final."""
    tracker.take_closed()
    for closed in tracker.due():
        for client, api in tracker.accounts():
            if client.username not in closed.done and _bring_cleared(tracker.framework, closed, client, api):
                closed.done.add(client.username)
        if closed.is_late or all(client.username in closed.done for client, _ in tracker.accounts()):
            del tracker.waiting[closed.market_id]
        else:
            tracker.put_off(closed)


def _bring_cleared(framework: WorkedFramework, closed: _Closed, client: BaseClient, api: Api) -> bool:
    """Bring a client's cleared orders of a market; False where some of its matched bets are not among them yet."""
    if client.paper_trade:
        return True
    market_id = closed.market_id
    matched = _in_kernel(framework, lambda: _matched_bets(framework.markets.get(market_id), client))
    if not matched:
        return True
    orders = _guarded(client, "poll_cleared_orders", partial(cleared_rows, api, market_id, None))
    missing = matched - {str(row.get("betId")) for row in orders or ()}
    if missing and not closed.is_late:
        return False
    if missing:
        told = ", ".join(sorted(missing))
        logger.error("market {}: of the matched bets these were not cleared in time: {}", market_id, told)
    markets = _guarded(client, "poll_cleared_orders", partial(cleared_rows, api, market_id, "MARKET"))
    if not markets and not closed.is_late:
        return False
    from betfairlightweight.resources.bettingresources import ClearedOrder

    framework.post(ClearedOrdersEvent(market_id, Cleared(market_id, [ClearedOrder(**row) for row in orders or ()])))
    cleared = Cleared(market_id, [ClearedOrder(**row) for row in markets or ()])
    framework.post(ClearedMarketsEvent(cleared, client.username))
    return True


def _matched_bets(market: Market | None, client: Any) -> set[str]:
    if market is None:
        return set()
    return {str(order.bet_id) for order in market.blotter.client_orders(client, matched_only=True)}


def cleared_rows(api: Api, market_id: str, group_by: str | None) -> list[dict[str, Any]]:
    """Return all rows of listClearedOrders of a market, page by page.

    :param group_by: "MARKET" for profit and commission, None for every bet.
    :raises CallError: where the exchange does not answer.
    """
    rows: list[dict[str, Any]] = []
    params: dict[str, Any] = {"betStatus": "SETTLED", "marketIds": [market_id]}
    if group_by is not None:
        params["groupBy"] = group_by
    while True:
        page = api.call("listClearedOrders", {**params, "fromRecord": len(rows), "recordCount": _PAGE})
        new = [row for row in page.get("clearedOrders") or () if isinstance(row, dict)]
        rows += new
        if not page.get("moreAvailable") or not new:
            return rows


def remove_closed_markets(framework: WorkedFramework, seconds: float) -> None:
    """Let markets go that have been closed for so long."""
    _in_kernel(framework, lambda: framework.remove_closed_markets(seconds))


def _in_kernel(framework: WorkedFramework, function: Callable[[], T]) -> T | None:
    """Return what a function brings that runs on the kernel's thread; None where the framework ends before."""
    if framework.is_kernel_thread():
        return function()
    found: list[T] = []

    def run() -> bool:
        found.append(function())
        return True

    try:
        framework.in_kernel(run)
    except ExecutionError:
        if framework.is_running:
            raise
    return found[0] if found else None


def _guarded(client: BaseClient, name: str, call: Callable[[], Any]) -> Any:
    """Return what a call brings; None, told in one line, where it fails: the next round tries again."""
    try:
        return call()
    except FlumineCoreError as error:
        logger.warning("{} of {}: {}", name, client.username, error)
        return None
