"""The live end as a hook plugin: what it makes of Betfair's stream descriptions and accounts."""

from contextlib import suppress
from typing import Any, Protocol

from loguru import logger

from ..contract.client import BaseClient, BetfairClient, Clients
from ..contract.hookspecs import hookimpl
from ..contract.streams import (
    MARKET_FILTER_KEYS,
    BaseStream,
    CricketDataStream,
    DataStream,
    MarketStream,
    OrderDataStream,
    OrderStream,
    RaceDataStream,
    SportsDataStream,
    check_filter,
)
from ..contract.worker import BackgroundWorker
from ..control.stream import StreamValidation
from ..errors import ClientError, ExecutionError, StreamError
from ..market.market import Market
from ..settings import Settings
from .api import Api
from .datastream import LiveDataStream, LiveOrderDataStream, LiveSportsRawStream
from .execution import BetfairExecution
from .ids import LiveIds
from .journal import Journal, open_journal, reading
from .login import CallError
from .marketstream import LiveMarketStream
from .orderstream import LiveOrderStream
from .reconcile import Reconciliation
from .restore import restore_contexts
from .sportsstream import LiveSportsDataStream
from .subscription import LiveStream
from .worked import WorkedFramework
from .workers import default_workers, update_account

_MOST_TOLD = 1_000
"""So many failures of connections are kept; what follows is counted by the stream itself."""


class LiveFramework(WorkedFramework, Protocol):
    """What the live end uses of the framework that it belongs to."""

    clients: Clients
    stream_errors: list[str]
    trading_controls: list[Any]
    strategies: list[Any]
    faults: Any

    @property
    def bad_lines(self) -> list[str]: ...

    def add_stream(self, stream: Any) -> None: ...

    def add_worker(self, worker: Any) -> None: ...

    def add_trading_control(self, trading_control: Any, **options: Any) -> None: ...


class LiveEnd:
    """Makes live streams of Betfair's, and adds what a live run needs beside what its user asks for.

    A stream that names no account of Betfair's takes the session of the framework's first.
    """

    def __init__(self, framework: LiveFramework, ids: LiveIds) -> None:
        self._framework = framework
        self._ids = ids
        self._journal: Journal | None = None
        self._streams: list[LiveStream] = []
        self._apis: dict[str, Api] = {}

    def api_of(self, client: BaseClient) -> Api:
        """Return the API of an account, one for all who call it."""
        api = self._apis.get(client.username)
        if api is None:
            api = self._apis[client.username] = Api(
                client.betting_client,
                self._framework.settings,
                client.interactive_login,
                self.alert,
                client.endpoints.ca_file,
            )
        return api

    def accounts(self) -> list[tuple[BaseClient, Api]]:
        """Return the clients that have an account at Betfair, each with its API."""
        return [(client, self.api_of(client)) for client in self._framework.clients if has_account(client)]

    def log_in(self) -> None:
        """Log in where there is no session yet, and learn the currency of who trades.

        :raises ClientError: where an account cannot be used, saying why.
        """
        for client, api in self.accounts():
            try:
                api.login.token()
                if trades_live(client):
                    update_account(self._framework, client, api)
            except (CallError, TypeError) as error:  # the latter where the answer is no object
                raise ClientError(f"account {client.username} cannot be used: {error}") from error

    def is_ready(self) -> bool:
        """Whether it is known of every account that trades what it has at the exchange."""
        return all(
            control.is_open
            for client in self._framework.clients
            if trades_live(client)
            for control in client.trading_controls
            if isinstance(control, Reconciliation)
        )

    def log_out(self) -> None:
        """End the sessions that were opened here."""
        for _, api in self.accounts():
            if api.login.count:
                api.login.logout()
            api.close()

    def close_journal(self) -> None:
        """Let go of the journal where a run could not begin."""
        if self._journal is not None:
            self._journal.end()

    def start(self) -> None:
        """Add order streams, workers, and the control that keeps orders off stale markets.

        It is no hook: where it fails the run does not go on without them.

        :raises SettingsError: where one of them cannot be made.
        """
        framework = self._framework
        if not any(isinstance(control, StreamValidation) for control in framework.trading_controls):
            framework.add_trading_control(StreamValidation)
        for client in framework.clients:
            if trades_live(client) and client.order_stream:
                settings = framework.settings
                own = settings.own_strategy_ref
                make = client.order_stream_cls or OrderStream
                framework.add_stream(
                    make(client, client.order_stream_conflate_ms, [own] if settings.own_orders_only else None)
                )
        if self._journal is not None:
            interval = framework.settings.wait("context_interval")
            framework.add_worker(BackgroundWorker(interval, save_contexts, (framework, self._journal), name="journal"))
        if self.accounts():
            for worker in default_workers(framework, self.accounts, self._journal):
                framework.add_worker(worker)

    @hookimpl
    def flumine_make_execution(self, client: BaseClient, settings: Settings) -> BetfairExecution | None:
        """Execute the orders of an account at Betfair; those on paper are somebody else's."""
        if not has_account(client) or client.paper_trade:
            return None
        if self._journal is None and not client.market_recording_mode:
            self._journal = open_journal(settings, self._framework.clock, self._ids, self._unkept)
            if self._journal is not None:
                with reading(self._journal.path):
                    restore_contexts(self._journal, self._framework)
                self._journal.save_contexts(self._framework.strategies)
        journal = None if client.market_recording_mode else self._journal
        execution = BetfairExecution(self._framework, client, settings, self.api_of(client), self._ids, journal)
        if journal is not None:
            journal.users += 1
        execution.start()
        return execution

    @hookimpl
    def flumine_make_stream(self, description: BaseStream, settings: Settings) -> LiveStream | None:
        """Open a market, data, order, race or cricket stream."""
        makers: tuple[tuple[Any, Any], ...] = (
            (DataStream, LiveDataStream),
            (MarketStream, LiveMarketStream),
            (OrderDataStream, LiveOrderDataStream),
            (OrderStream, LiveOrderStream),
            ((RaceDataStream, CricketDataStream), LiveSportsRawStream),
            (SportsDataStream, LiveSportsDataStream),
        )
        for kind, make in makers:
            if isinstance(description, kind):
                account = self._account(description)
                if account is None:
                    return None
                if isinstance(description, MarketStream):
                    check_filter(repr(description), description.market_filter, MARKET_FILTER_KEYS)
                stream: LiveStream = make(description, account, settings, self)
                self._streams.append(stream)
                return stream
        return None

    @hookimpl
    def flumine_remove_market(self, market: Market) -> None:
        """Let the streams forget a market that has left."""
        for stream in self._streams:
            if isinstance(stream, LiveMarketStream):
                stream.forget(market.market_id)

    def _account(self, description: Any) -> BetfairClient | None:
        clients = [description.client, *self._framework.clients]
        found = [client for client in clients if isinstance(client, BetfairClient)]
        if not found:
            return None
        if found[0].betting_client is None:
            raise StreamError(f"{description!r} needs an account: {found[0]!r} has no betting_client")
        return found[0]

    def bad_line(self, text: str) -> None:
        """Take note of a line that could not be used."""
        self._framework.bad_lines.append(text)

    def trouble(self, text: str) -> None:
        """Take note of a connection's failure."""
        if len(self._framework.stream_errors) < _MOST_TOLD:
            self._framework.stream_errors.append(text)

    def alert(self, text: str) -> None:
        """Tell what needs a human, and count it, so that the run does not end as if all had been well."""
        logger.critical("{}", text)
        self.trouble(text)
        self._framework.faults.count("live", "alert", ClientError(text))

    def _unkept(self, strategy: str, text: str) -> None:
        """Name what of a strategy's context a restart would lose."""
        logger.error("strategy {}: {}", strategy, text)
        self._framework.faults.count(strategy, "context", ValueError(text))

    def renew_session(self, account: Any, dead_token: str | None) -> None:
        """Log in anew, unless somebody else has meanwhile."""
        try:
            self.api_of(account).login.renew(dead_token or "")
        except CallError as error:
            self.trouble(f"account {account.username}: {error}")


def save_contexts(framework: LiveFramework, journal: Journal) -> None:
    """Write what strategies have changed of their contexts."""

    def save() -> bool:
        journal.save_contexts(framework.strategies)
        return True

    with suppress(ExecutionError):  # the framework has ended, and saves them then
        framework.in_kernel(save)


def has_account(client: BaseClient) -> bool:
    """Whether a client has an account at Betfair, if only to read prices."""
    return isinstance(client, BetfairClient) and client.betting_client is not None


def trades_live(client: BaseClient) -> bool:
    """Whether a client's orders go to Betfair, so that their stream is to be listened to."""
    return has_account(client) and not client.paper_trade and not client.market_recording_mode
