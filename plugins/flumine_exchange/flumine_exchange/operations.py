"""What may be done to the exchange's markets from outside: the operations of the control API, by name."""

import copy
from collections.abc import Callable
from typing import Any

from flumine_core.errors import OrderError, SettingsError
from flumine_core.simulation.bet import LIMIT

from .bets import BetRecord
from .clock import iso
from .market import ExchangeMarket
from .settlement import Settlement
from .state import ExchangeState

VERSION_STEP = 2


class MarketOperations:
    """Each public method is an operation `market.<name>`; all raise `SettingsError` for an unknown market."""

    def __init__(self, state: ExchangeState, settlement: Settlement) -> None:
        self.state = state
        self._settlement = settlement

    def as_operations(self) -> dict[str, Callable[..., Any]]:
        """Return the operations by name."""
        names = [name for name in dir(self) if not name.startswith("_") and name not in ("state", "as_operations")]
        return {f"market.{name}": getattr(self, name) for name in names}

    def _market(self, market_id: str) -> ExchangeMarket:
        market = self.state.markets.get(market_id)
        if market is None:
            known = ", ".join(sorted(self.state.markets)) or "none"
            raise SettingsError(f"no such market: {market_id}, known are {known}")
        return market

    def _redefine(self, market: ExchangeMarket, changes: dict[str, Any] | None = None, **fields: Any) -> None:
        """Apply a definition with these fields and a new version."""
        definition = market.definition_copy() | fields
        market.version_offset += VERSION_STEP
        market.apply(definition, (changes or {}).get("rc"))

    def suspend(self, market_id: str, lapses: bool = True) -> None:
        """Suspend the market: with a new version, for which LAPSE bets lapse, or with the same one."""
        market = self._market(market_id)
        if lapses:
            self._redefine(market, status="SUSPENDED")
        else:
            market.apply(market.definition_copy() | {"status": "SUSPENDED"})

    def resume(self, market_id: str) -> None:
        """Open it again."""
        self._redefine(self._market(market_id), status="OPEN")

    def turn_inplay(self, market_id: str, bet_delay: int = 1, bsp: dict[str, float] | None = None) -> None:
        """Suspend, reconcile the starting prices of a BSP market (`bsp`: selection id -> price), open in play."""
        market = self._market(market_id)
        self._redefine(market, status="SUSPENDED")
        if market.definition.get("bspMarket"):
            prices = {str(selection_id): price for selection_id, price in (bsp or {}).items()}
            runners = [
                runner | ({"bsp": prices.get(str(runner["id"]), _fair(market, runner))}
                          if runner.get("status") == "ACTIVE" else {})
                for runner in market.definition["runners"]
            ]  # fmt: skip
            self._redefine(market, runners=runners, bspReconciled=True)
        self._redefine(market, status="OPEN", inPlay=True, betDelay=bet_delay)

    def remove_runner(
        self, market_id: str, selection_id: int, handicap: float = 0, adjustment_factor: float | None = None
    ) -> None:
        """Suspend, remove a runner and its offers, and restore the status."""
        market = self._market(market_id)
        status = market.status
        runner = market.runner_definition(selection_id, handicap)
        if runner is None:
            raise SettingsError(f"no such runner in market {market_id}: {selection_id}")
        self._redefine(market, status="SUSPENDED")
        removed = runner | {"status": "REMOVED", "removalDate": iso(self.state.clock.epoch_ms)}
        if adjustment_factor is not None:
            removed["adjustmentFactor"] = adjustment_factor
        runners = [
            removed if (each["id"], each.get("hc") or 0) == (selection_id, handicap) else each
            for each in market.definition["runners"]
        ]
        active = sum(each.get("status") == "ACTIVE" for each in runners)
        gone: dict[str, Any] = {"id": selection_id, "tv": 0}
        if handicap:
            gone["hc"] = handicap
        state = market.served.runners.get((selection_id, handicap))
        for name in ("atb", "atl"):
            levels = [] if state is None else state.ladder(name)
            if levels:
                gone[name] = [[level[0], 0] for level in levels]
        self._redefine(market, {"rc": [gone]}, runners=runners, numberOfActiveRunners=active)
        if status == "OPEN":
            self._redefine(market, status="OPEN")

    def add_runner(self, market_id: str, selection_id: int, handicap: float = 0, name: str = "Reserve") -> None:
        """Add a runner, under suspension."""
        market = self._market(market_id)
        status = market.status
        self._redefine(market, status="SUSPENDED")
        runners = list(market.definition["runners"])
        runner: dict[str, Any] = {
            "id": selection_id,
            "sortPriority": len(runners) + 1,
            "status": "ACTIVE",
            "adjustmentFactor": 0.0,
            "name": name,
        }
        if handicap:
            runner["hc"] = handicap
        active = int(market.definition.get("numberOfActiveRunners") or 0) + 1
        self._redefine(market, runners=[*runners, runner], numberOfActiveRunners=active)
        if status == "OPEN":
            self._redefine(market, status="OPEN")

    def bump_version(self, market_id: str, is_material: bool = True) -> int:
        """Raise the version; where that is material, bets for an earlier one are refused. Return the version."""
        market = self._market(market_id)
        self._redefine(market)
        if is_material:
            market.material_version = market.version
        return market.version

    def move(self, market_id: str, event_id: str, is_former_first: bool = True) -> None:
        """Move it to another event, with a new version.

        As at Betfair, images hold two copies from then on: the former one as it was, which does not change any more,
        and this one, whose version is the higher.
        """
        market = self._market(market_id)
        market.former, market.is_former_first = copy.deepcopy(market.served), is_former_first
        self._redefine(market, eventId=event_id)

    def set_price(
        self,
        market_id: str,
        selection_id: int,
        back: list[list[float]] | None = None,
        lay: list[list[float]] | None = None,
        handicap: float = 0,
    ) -> None:
        """Make these the only offers to back (atb) and to lay (atl), each a list of [price, size]."""
        market = self._market(market_id)
        change: dict[str, Any] = {"id": selection_id}
        if handicap:
            change["hc"] = handicap
        for name, levels in (("atb", back), ("atl", lay)):
            if levels is None:
                continue
            before = market.offers.replayed((selection_id, handicap), name)
            gone = [[price, 0] for price in before if price not in {level[0] for level in levels}]
            change[name] = gone + [list(level) for level in levels]
        market.apply(None, [change])

    def change(self, market_id: str, change: dict[str, Any]) -> None:
        """Apply a market change as on the wire (`mc`): marketDefinition, rc, tv, img."""
        market = self._market(market_id)
        definition = change.get("marketDefinition")
        market.apply(definition, change.get("rc"), change.get("tv"), bool(change.get("img")))

    def match_bet(self, market_id: str, bet_id: str, size: float | None = None, price: float | None = None) -> float:
        """Match a live bet with nobody in particular; return the size matched."""
        market = self._market(market_id)
        record = self._live(market, bet_id)
        matched = round(min(record.remaining if size is None else size, record.remaining), 2)
        market.engine.publish_time = self.state.clock.epoch_ms
        market.engine.match(record.bet, matched, price)
        market.tell_changed()
        return matched

    def lapse_bet(self, market_id: str, bet_id: str, code: str = "MKT_UNKNOWN") -> None:
        """Let what is left of a bet lapse."""
        market = self._market(market_id)
        record = self._live(market, bet_id)
        record.lapse_code = code
        market.engine.lapse(record.bet)
        market.tell_changed(record.bet)

    def void_bet(self, market_id: str, bet_id: str) -> None:
        """Void all of a bet."""
        market = self._market(market_id)
        record = market.record_of(bet_id)
        if record is None:
            raise OrderError(f"no such bet in market {market_id}: {bet_id}")
        market.engine.void(record.bet)
        market.tell_changed(record.bet)

    def _live(self, market: ExchangeMarket, bet_id: str) -> BetRecord:
        record = market.record_of(bet_id)
        if record is None or not record.is_executable or record.bet.kind != LIMIT:
            raise OrderError(f"no live LIMIT bet in market {market.market_id}: {bet_id}")
        return record

    def close(self, market_id: str, winners: list[int] | None = None) -> None:
        """Close the market: `winners` have won, the other active runners have lost."""
        market = self._market(market_id)
        if market.status == "OPEN":
            self._redefine(market, status="SUSPENDED")
        runners = [
            runner | {"status": "WINNER" if runner["id"] in (winners or ()) else "LOSER"}
            if runner.get("status") in ("ACTIVE", "WINNER", "LOSER")
            else runner
            for runner in market.definition["runners"]
        ]
        now = iso(self.state.clock.epoch_ms)
        self._redefine(market, status="CLOSED", runners=runners, settledTime=now)

    def settle(self, market_id: str, line_result: float | None = None) -> None:
        """Settle a closed market at once."""
        market = self._market(market_id)
        if market.status != "CLOSED":
            raise SettingsError(f"market {market_id} must be CLOSED to be settled, was {market.status}")
        self._settlement.settle(market, line_result)

    def reopen(self, market_id: str) -> None:
        """Open a closed market again; its settlement is taken back."""
        market = self._market(market_id)
        self._settlement.take_back(market)
        runners = [
            runner | {"status": "ACTIVE"} if runner.get("status") in ("WINNER", "LOSER", "PLACED") else runner
            for runner in market.definition["runners"]
        ]
        definition = market.definition_copy()
        definition.pop("settledTime", None)
        market.version_offset += VERSION_STEP
        market.apply(definition | {"status": "OPEN", "runners": runners})

    def definition(self, market_id: str) -> dict[str, Any]:
        """Return the market definition."""
        return self._market(market_id).definition

    def book(self, market_id: str) -> dict[str, Any]:
        """Return every level that is served: selection id -> ladder -> levels, sorted by price."""
        market = self._market(market_id)
        return {
            str(runner.key[0]) if not runner.key[1] else f"{runner.key[0]}/{runner.key[1]}": {
                name: sorted(runner.ladder(name)) for name in runner.ladders
            }
            | {name: value for name, (value, _) in runner.scalars.items()}
            for runner in market.served.runners.values()
        }


def _fair(market: ExchangeMarket, runner: dict[str, Any]) -> float:
    state = market.served.runners.get((runner["id"], runner.get("hc") or 0))
    if state is None:
        return 2.0
    best = state.best("atb", 1) or state.best("atl", 1)
    return best[0][0] if best else 2.0
