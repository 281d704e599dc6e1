"""The background workers of a live run, by their documented names: each does one round and returns."""

from collections.abc import Iterator
from functools import partial
from typing import Any

from loguru import logger

from ..contract.client import BaseClient
from ..contract.worker import BackgroundWorker
from ..events import BalanceEvent, MarketCataloguesEvent
from ..hint import one_line
from ..market.markets import Markets
from .api import Api
from .cleared import ClearedMarkets, poll_cleared_orders, poll_market_closure
from .journal import Journal
from .resources import account_details_of, account_funds_of, catalogue_of
from .worked import Accounts, WorkedFramework, guarded, in_kernel

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


def default_workers(
    framework: WorkedFramework, accounts: Accounts, journal: Journal | None = None
) -> list[BackgroundWorker]:
    """Return the workers of a live run; recording alone needs the session and the catalogues."""
    settings = framework.settings
    delay = settings.wait("worker_start_delay")
    timeouts = [client.betting_client.session_timeout / 2 for client, _ in accounts()]
    interval = min([settings.keep_alive_interval, *timeouts]) * settings.wait_factor
    workers = [BackgroundWorker(interval, keep_alive, (accounts,), name="keep_alive", start_delay=interval)]
    life = settings.wait("closed_market_life")
    tracker = ClearedMarkets(framework, accounts, journal)
    workers.append(
        BackgroundWorker(
            max(life / 60, 0.01), remove_closed_markets, (framework, life, tracker), name="remove_closed_markets"
        )
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
    workers += [
        BackgroundWorker(
            settings.wait("poll_market_catalogue_interval"),
            poll_market_closure,
            (tracker,),
            name="poll_market_closure",
            start_delay=delay,
        ),
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
        guarded(client, "keep_alive", api.login.keep_alive)


def poll_account_balance(framework: WorkedFramework, accounts: Accounts) -> None:
    """Ask for each account's funds and details, and tell the logging controls."""
    for client, api in accounts():
        guarded(client, "poll_account_balance", partial(update_account, framework, client, api))


def update_account(framework: WorkedFramework, client: BaseClient, api: Api) -> None:
    """Ask for an account's details, which name its currency, and its funds.

    :raises CallError: where the exchange does not answer.
    """
    details = api.call("getAccountDetails", {}, "account")
    funds = api.call("getAccountFunds", {}, "account")

    def take() -> None:
        client.account_details = account_details_of(details)
        client.account_funds = account_funds_of(funds)

    in_kernel(framework, take)
    framework.log_control(BalanceEvent({"username": client.username, **funds}))


def poll_market_catalogue(framework: WorkedFramework, accounts: Accounts) -> None:
    """Ask for the catalogues of markets that are new or have changed, 25 a call."""
    wanted = in_kernel(framework, lambda: _without_catalogue(framework.markets)) or []
    for client, api in accounts()[:1]:
        for start in range(0, len(wanted), CATALOGUES_A_CALL):
            chunk = wanted[start : start + CATALOGUES_A_CALL]
            params = {
                "filter": {"marketIds": chunk},
                "marketProjection": list(_PROJECTION),
                "maxResults": len(chunk),
            }
            rows = guarded(client, "poll_market_catalogue", partial(api.call, "listMarketCatalogue", params))
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


def remove_closed_markets(framework: WorkedFramework, seconds: float, tracker: ClearedMarkets) -> None:
    """Let markets go that have been closed for so long, but for those whose orders are not cleared yet."""
    in_kernel(framework, lambda: framework.remove_closed_markets(seconds, tracker.kept()))
