"""The whole exchange inside of its loop: the parts put together, and the control operations by name."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from flumine_core.errors import OrderError, SettingsError
from flumine_core.simulation.bet import LIMIT, Bet

from .account import AccountState
from .accounts import Accounts
from .betting import Betting
from .certificates import Certificates
from .clock import ExchangeClock
from .connection import StreamConnection
from .control import ControlEndpoint
from .controls import fault_row
from .faults import Faults
from .http import HttpSide
from .identity import Identity
from .ledger import Ledger
from .market import ExchangeMarket
from .operations import MarketOperations
from .placing import Leg
from .replay import Replay
from .rpc import Rpc
from .scenario import Scenario
from .settings import ExchangeSettings
from .settlement import Settlement
from .sockets import Listener
from .state import ExchangeState
from .streams import Streams

SHUTDOWN_TURNS = 200


class House:
    """Everything of one exchange; made and used in its loop alone."""

    def __init__(
        self,
        settings: ExchangeSettings,
        clock: ExchangeClock,
        ledger: Ledger,
        faults: Faults,
        certificates: Certificates,
        instance: str,
        speed: float | None,
        token: str | None,
    ) -> None:
        self.state = state = ExchangeState(settings, clock, ledger, faults, instance)
        state.speed = speed
        for account in settings.accounts:
            state.accounts[account.username] = AccountState(account, state)
        self.identity = Identity(state)
        self.betting = Betting(state)
        self.settlement = Settlement(state)
        self.streams = Streams(state, self.identity)
        self.replay = Replay(state, self.streams.sports, self.add_market, speed)
        accounts = Accounts(state, self.betting.amending)
        operations = {
            "betting": self.betting.operations(),
            "account": accounts.operations(),
            "heartbeat": accounts.heartbeat_operations(),
            "scores": {},
        }
        rpc = Rpc(state, self.identity, operations)
        control = None if token is None else ControlEndpoint(state, token)
        self.http = HttpSide(state, self.identity, rpc, self.betting.catalogue.navigation, control)
        self.listeners = {
            "http": Listener("http", self.http, certificates, state),
            "stream": Listener("stream", lambda raw: StreamConnection(state, self.streams, raw), certificates, state),
        }
        state.operations = self._operations()
        if settings.start == "subscription":
            state.on_subscription = self.replay.start

    def open(self, sources: Sequence[Any], ports: Mapping[str, int]) -> None:
        """Load the markets, and listen."""
        self.replay.load(sources)
        for name, listener in self.listeners.items():
            listener.port = ports[name]
            listener.open()
        if self.state.settings.start == "now":
            self.replay.start()

    async def shut_down(self) -> None:
        """End everything."""
        await self.replay.shut_down()
        for listener in self.listeners.values():
            await listener.shut_down()
        for connection in list(self.streams.connections):
            connection.end("rst")
        self.http.drop_connections("rst")
        await self.http.shut_down()
        for _ in range(SHUTDOWN_TURNS):
            await asyncio.sleep(0.005)
            if not self.http.transports and not self.streams.connections:
                break
        await asyncio.sleep(0)

    def add_market(self, market_id: str) -> ExchangeMarket:
        """Make room for a market; its first change must hold the definition."""
        market = self.state.markets[market_id] = ExchangeMarket(market_id, self.state)
        market.on_closed = self._closed
        market.on_reopened = self.settlement.take_back
        return market

    def _closed(self, market: ExchangeMarket) -> None:
        self.streams.orders.close_market(market)
        self.settlement.closed(market)

    def _operations(self) -> dict[str, Callable[..., Any]]:
        clock, ledger = self.state.clock, self.state.ledger
        return {
            **MarketOperations(self.state, self.settlement).as_operations(),
            "exchange.add_scenario": self._add_scenario,
            "exchange.market_ids": lambda: list(self.state.markets),
            "clock.epoch_ms": lambda: clock.epoch_ms,
            "clock.advance": clock.advance,
            "clock.freeze": clock.freeze,
            "clock.thaw": clock.thaw,
            "replay.start": self.replay.start,
            "replay.pause": self.replay.pause,
            "replay.step": self.replay.step,
            "replay.status": self._replay_status,
            "faults.add": self._add_fault,
            "faults.remove": self.state.faults.remove,
            "faults.clear": self.state.faults.clear,
            "faults.armed": lambda: [fault_row(fault) for fault in self.state.faults.armed()],
            "faults.hits": self._fault_hits,
            "ledger.summary": ledger.summary,
            "ledger.bets": lambda: [msgspec.to_builtins(bet) for bet in ledger.bets()],
            "ledger.write_times": ledger.write_times,
            "ledger.events": lambda kind=None: [msgspec.to_builtins(event) for event in ledger.events(kind)],
            "sessions.revoke": self.identity.revoke_all,
            "sessions.login_code": self._login_code,
            "bets.place": self._place_external,
            "connections.drop_streams": self.streams.drop,
            "connections.drop_http": self.http.drop_connections,
            "connections.refuse": lambda server: self._listener(server).close(),
            "connections.take": lambda server: self._listener(server).open(),
            "account.funds": lambda account=None: self._account(account).funds(),
        }

    def _add_scenario(self, scenario: dict[str, Any]) -> None:
        self.replay.add(msgspec.convert(scenario, Scenario, strict=False))

    def _listener(self, server: str) -> Listener:
        listener = self.listeners.get(server)
        if listener is None:
            raise SettingsError(f"server must be http or stream, was {server!r}")
        return listener

    def _account(self, username: str | None) -> AccountState:
        if username is None:
            return next(iter(self.state.accounts.values()))
        account = self.state.accounts.get(username)
        if account is None:
            raise SettingsError(f"no such account: {username!r}")
        return account

    def _login_code(self, code: str | None, account: str | None = None) -> None:
        self.identity.refusals[self._account(account).username] = code

    def _replay_status(self) -> dict[str, Any]:
        replay = self.replay
        return {
            "running": replay.is_running,
            "finished": replay.finished.is_set(),
            "played": replay.played,
            "bad_lines": list(replay.bad_lines),
        }

    def _add_fault(
        self, hook: str, action: str, match: Any = None, count: int | None = 1, params: Any = None
    ) -> dict[str, Any]:
        return fault_row(self.state.faults.add(hook, match, count, action, **(params or {})))

    def _fault_hits(self, fault_id: int) -> int:
        return self.state.faults.hits_of(fault_id)

    def _place_external(
        self,
        market_id: str,
        selection_id: int,
        side: str,
        price: float,
        size: float,
        account: str | None = None,
        handicap: float = 0,
        persistence: str = "LAPSE",
        rfo: str = "",
        rfs: str = "",
    ) -> str:
        owner = self._account(account)
        market = self.state.markets.get(market_id)
        if market is None:
            raise SettingsError(f"no such market: {market_id}")
        bet = Bet(None, owner.username, selection_id, handicap, side, LIMIT, price, size, persistence)
        bet.reckon()
        leg = Leg({}, self.betting.placing.record(owner, market, bet, rfo, rfs))
        self.betting.placing.enter(market, leg)
        if not leg.is_placed:
            raise OrderError(f"bet was refused: {leg.error}")
        owner.count_transactions(1)
        return leg.record.bet_id
