"""What a test or a user does to an exchange, in this process or in another: the same methods for both."""

from typing import Any, Protocol

import msgspec

from .faults import Fault
from .scenario import Scenario


class Caller(Protocol):
    """Carries out a control operation by name, wherever the exchange runs."""

    def __call__(self, operation: str, /, **args: Any) -> Any:
        """Return what the operation returns, as plain values."""
        ...


class MarketControl:
    """One market of an exchange; prices in decimal odds, sizes in the account's currency."""

    def __init__(self, call: Caller, market_id: str) -> None:
        self._call = call
        self.market_id = market_id

    def _run(self, operation: str, /, **args: Any) -> Any:
        return self._call(f"market.{operation}", market_id=self.market_id, **args)

    def suspend(self, lapses: bool = True) -> None:
        """Suspend it: with a new version, for which LAPSE bets lapse, or with the same one."""
        self._run("suspend", lapses=lapses)

    def resume(self) -> None:
        """Open it again."""
        self._run("resume")

    def turn_inplay(self, bet_delay: int = 1, bsp: dict[str, float] | None = None) -> None:
        """Reconcile the starting prices (`bsp` by selection id, else the best offers) and open it in play."""
        self._run("turn_inplay", bet_delay=bet_delay, bsp=bsp)

    def remove_runner(self, selection_id: int, handicap: float = 0, adjustment_factor: float | None = None) -> None:
        """Remove a runner, under suspension."""
        self._run("remove_runner", selection_id=selection_id, handicap=handicap, adjustment_factor=adjustment_factor)

    def add_runner(self, selection_id: int, handicap: float = 0, name: str = "Reserve") -> None:
        """Add a runner, under suspension."""
        self._run("add_runner", selection_id=selection_id, handicap=handicap, name=name)

    def bump_version(self, is_material: bool = True) -> int:
        """Raise the market's version; return it."""
        version: int = self._run("bump_version", is_material=is_material)
        return version

    def move(self, event_id: str, is_former_first: bool = True) -> None:
        """Move it to another event, with a new version; images hold the former copy too, before or after this one."""
        self._run("move", event_id=event_id, is_former_first=is_former_first)

    def set_price(
        self,
        selection_id: int,
        back: list[list[float]] | None = None,
        lay: list[list[float]] | None = None,
        handicap: float = 0,
    ) -> None:
        """Make these the only offers to back and to lay, each a list of [price, size]."""
        self._run("set_price", selection_id=selection_id, back=back, lay=lay, handicap=handicap)

    def change(self, change: dict[str, Any]) -> None:
        """Apply a market change as on the wire."""
        self._run("change", change=change)

    def match_bet(self, bet_id: str, size: float | None = None, price: float | None = None) -> float:
        """Match a live LIMIT bet, all that is left unless told otherwise; return the size."""
        matched: float = self._run("match_bet", bet_id=bet_id, size=size, price=price)
        return matched

    def lapse_bet(self, bet_id: str, code: str = "MKT_UNKNOWN") -> None:
        """Let what is left of a live LIMIT bet lapse."""
        self._run("lapse_bet", bet_id=bet_id, code=code)

    def void_bet(self, bet_id: str) -> None:
        """Void all of a bet."""
        self._run("void_bet", bet_id=bet_id)

    def close(self, winners: list[int] | None = None) -> None:
        """Close it; settlement follows by itself."""
        self._run("close", winners=winners)

    def settle(self, line_result: float | None = None) -> None:
        """Settle it now."""
        self._run("settle", line_result=line_result)

    def reopen(self) -> None:
        """Open it again after it was closed; its settlement is taken back."""
        self._run("reopen")

    @property
    def definition(self) -> dict[str, Any]:
        """The market definition as on the wire."""
        found: dict[str, Any] = self._run("definition")
        return found

    @property
    def book(self) -> dict[str, Any]:
        """Every level that is served: selection id (as text) -> ladder or field -> levels or value."""
        found: dict[str, Any] = self._run("book")
        return found


class ClockControl:
    """The exchange's clock."""

    def __init__(self, call: Caller) -> None:
        self._call = call

    @property
    def epoch_ms(self) -> int:
        """Now, in milliseconds since 1970."""
        now: int = self._call("clock.epoch_ms")
        return now

    def advance(self, seconds: float) -> None:
        """Move it on; whoever waits until then goes on."""
        self._call("clock.advance", seconds=seconds)

    def freeze(self) -> None:
        """Stop it: from now on only `advance` moves it. Heartbeats and conflation go on."""
        self._call("clock.freeze")

    def thaw(self) -> None:
        """Let it run on."""
        self._call("clock.thaw")


class ExchangeControls:
    """What an exchange can be told, beside its faults and its ledger."""

    def call(self, operation: str, /, **args: Any) -> Any:
        """Carry out a control operation by name, wherever the exchange runs."""
        raise NotImplementedError

    def market(self, market_id: str) -> MarketControl:
        """Return the control of one market."""
        return MarketControl(self.call, market_id)

    @property
    def clock(self) -> ClockControl:
        """The control of the exchange's clock."""
        return ClockControl(self.call)

    @property
    def market_ids(self) -> list[str]:
        """The markets that there are, in the order in which they came."""
        found: list[str] = self.call("exchange.market_ids")
        return found

    def add_scenario(self, scenario: Scenario) -> None:
        """Bring one more scripted market; its script begins with the replay, or at once where that has begun.

        :raises SettingsError: where there is such a market already.
        """
        self.call("exchange.add_scenario", scenario=msgspec.to_builtins(scenario, str_keys=True))

    def start_replay(self) -> None:
        """Start the recorded and scripted markets, or let them go on."""
        self.call("replay.start")

    def pause(self) -> None:
        """Stop them for now."""
        self.call("replay.pause")

    def step(self, count: int = 1) -> int:
        """Play the next lines of the recordings now, while they are stopped; return how many there were."""
        played: int = self.call("replay.step", count=count)
        return played

    def replay_status(self) -> dict[str, Any]:
        """Return `running`, `finished`, `played` (lines) and `bad_lines`."""
        found: dict[str, Any] = self.call("replay.status")
        return found

    def place_external_bet(
        self,
        market_id: str,
        selection_id: int,
        side: str,
        price: float,
        size: float,
        account: str | None = None,
        **options: Any,
    ) -> str:
        """Place a LIMIT bet as if by hand; return its bet id. Options: handicap, persistence, rfo, rfs.

        :raises OrderError: where the exchange refuses it.
        """
        bet_id: str = self.call(
            "bets.place",
            market_id=market_id,
            selection_id=selection_id,
            side=side,
            price=price,
            size=size,
            account=account,
            **options,
        )
        return bet_id

    def funds(self, account: str | None = None) -> dict[str, Any]:
        """Return what getAccountFunds would answer to an account, the first one unless told otherwise."""
        found: dict[str, Any] = self.call("account.funds", account=account)
        return found

    def revoke_sessions(self) -> int:
        """End every session; return how many there were."""
        number: int = self.call("sessions.revoke")
        return number

    def set_login_code(self, code: str | None, account: str | None = None) -> None:
        """Refuse every login of an account with a code from now on; None: let it in again."""
        self.call("sessions.login_code", code=code, account=account)

    def drop_streams(self, kind: str | None = None, action: str = "drop") -> int:
        """End the stream connections with a subscription of `kind` (market, order), or all: `drop` or `rst`."""
        number: int = self.call("connections.drop_streams", kind=kind, action=action)
        return number

    def drop_http(self, action: str = "drop") -> int:
        """End all HTTP connections, idle ones too: `drop` or `rst`."""
        number: int = self.call("connections.drop_http", action=action)
        return number

    def refuse_connections(self, server: str) -> None:
        """Close the port of `http` or `stream`; connections that are open stay."""
        self.call("connections.refuse", server=server)

    def take_connections(self, server: str) -> None:
        """Open the port again, the same one."""
        self.call("connections.take", server=server)


def fault_row(fault: Fault) -> dict[str, Any]:
    """Return a fault as plain values."""
    return {
        "id": fault.id,
        "hook": fault.hook,
        "action": fault.action,
        "match": dict(fault.match),
        "count": fault.count,
        "hits": fault.hits,
        "params": dict(fault.params),
    }
