"""One market of the exchange: what its stream serves, its bets in the engine, and its life."""

import copy
from collections.abc import Callable
from typing import Any

import msgspec
from flumine_core.book.cache import MarketBookCache
from flumine_core.book.change import MarketChange
from flumine_core.book.definition import RunnerKey
from flumine_core.book.marketbook import MarketBook
from flumine_core.simulation.bet import LIMIT, Bet

from .bets import BetRecord
from .engine import MarketEngine
from .marketstate import Changes, MarketState
from .servedoffers import ServedOffers
from .state import ExchangeState

PENDING_BYTES = 64_000

_encode = msgspec.json.encode


class ExchangeMarket:
    """A market; every change of it goes through `apply`.

    :ivar served: what the stream serves: the replayed offers, and on top of them what the bets here change.
    :ivar material_version: the version of the last change that a bet for an earlier version must not survive.
    :ivar delayed: how many placings wait out the bet delay.
    :ivar former: what it was before it moved to another event: images hold that copy too, `is_former_first` or last.
    """

    def __init__(self, market_id: str, state: ExchangeState) -> None:
        self.market_id = market_id
        self.state = state
        self.served = MarketState(market_id)
        self.engine = MarketEngine()
        self.records: list[BetRecord] = []
        self.material_version = 0
        self.version_offset = 0
        self.is_settled = False
        self.former: MarketState | None = None
        self.is_former_first = True
        self.on_closed: Callable[[ExchangeMarket], None] = lambda market: None
        self.on_reopened: Callable[[ExchangeMarket], None] = lambda market: None
        self._cache = self._new_cache()
        self.book: MarketBook | None = None
        self.offers = ServedOffers(self.engine.offers)

    def _new_cache(self) -> MarketBookCache:
        cache = MarketBookCache(self.market_id, 0)
        cache.pending_limit = PENDING_BYTES
        return cache

    @property
    def definition(self) -> dict[str, Any]:
        """The market definition as on the wire; not to be changed."""
        return self.served.definition

    @property
    def status(self) -> str:
        """OPEN, SUSPENDED, CLOSED or INACTIVE."""
        return str(self.definition.get("status", "INACTIVE"))

    @property
    def is_in_play(self) -> bool:
        """Whether it is in play."""
        return bool(self.definition.get("inPlay"))

    @property
    def version(self) -> int:
        """The version now."""
        return int(self.definition.get("version") or 0)

    def runner_definition(self, selection_id: int, handicap: float = 0) -> dict[str, Any] | None:
        """Return a runner's part of the definition."""
        for runner in self.definition.get("runners") or ():
            if runner["id"] == selection_id and (runner.get("hc") or 0) == handicap:
                found: dict[str, Any] = runner
                return found
        return None

    def record_of(self, bet_id: str) -> BetRecord | None:
        """Return one of the market's bets."""
        return next((record for record in self.records if record.bet_id == bet_id), None)

    def apply(
        self,
        definition: dict[str, Any] | None = None,
        changes: Changes | None = None,
        total: float | None = None,
        is_image: bool = False,
        raw: msgspec.Raw | None = None,
    ) -> None:
        """Take a change: of the definition, of runners (as on the wire), or both; bets and streams follow.

        :param raw: `changes` as they came, where that is known.
        """
        changes = changes or []
        sequence = self.state.next_sequence()
        before = self.definition
        if definition is not None:
            definition = self._shift_version(definition)
        if is_image:
            self.offers.renew()
            self.served.clear(sequence)
            self._cache = self._new_cache() if self.book is None else self._cache.replacement()
        bets = self._step(definition, changes, total, raw)
        wire: dict[str, Any] = {"id": self.market_id}
        if is_image:
            wire["img"] = True
        if total is not None:
            wire["tv"] = total
        if definition is not None:
            self.served.define(definition, sequence)
            wire["marketDefinition"] = definition
        if changes:
            changes = self.offers.replay(changes)
            wire["rc"] = changes
        self.served.apply(changes, total, sequence)
        self.state.publish_market(self, wire, sequence)
        if is_image:
            self.show_bets({key for key, _ in self.engine.offers.own})
        if definition is not None:
            self._follow(before, definition, bets)
        self._tell(bets)
        if definition is not None and definition.get("status") == "CLOSED" and before.get("status") != "CLOSED":
            self._close()

    def _shift_version(self, definition: dict[str, Any]) -> dict[str, Any]:
        if self.version_offset and definition.get("version") is not None:
            return definition | {"version": definition["version"] + self.version_offset}
        return definition

    def _step(
        self, definition: dict[str, Any] | None, changes: Changes, total: float | None, raw: msgspec.Raw | None
    ) -> list[Bet]:
        rc = msgspec.Raw(_encode(changes)) if raw is None and changes else raw
        change = MarketChange(self.market_id, definition, rc or msgspec.Raw(b"null"), total)
        book = self._cache.update(change, self.state.clock.epoch_ms)
        book.house_references = 1
        previous, self.book = self.book, book
        if book.status == "CLOSED":
            return []
        return self.engine.step(previous, book, book.definition.market_type)

    def show_bets(self, keys: set[RunnerKey]) -> None:
        """Serve anew the levels that bets on these runners changed."""
        if not self.state.settings.shows_own_bets:
            return
        changes = self.offers.changed_by_bets(keys)
        if changes:
            sequence = self.state.next_sequence()
            self.served.apply(changes, None, sequence)
            self.state.publish_market(self, {"id": self.market_id, "rc": changes}, sequence)

    def _follow(self, before: dict[str, Any], after: dict[str, Any], bets: list[Bet]) -> None:
        """Do what a new definition asks for beside matching."""
        if before.get("status") != after.get("status") or before.get("inPlay") != after.get("inPlay"):
            self.state.record(
                "market",
                market_id=self.market_id,
                status=after.get("status"),
                in_play=bool(after.get("inPlay")),
                version=self.version,
            )
        if after.get("status") != "CLOSED" and before.get("status") == "CLOSED":
            self.on_reopened(self)
        turned = bool(after.get("inPlay")) and not before.get("inPlay")
        if turned and before:
            for bet in self.engine.all_live():
                if bet.kind == LIMIT and bet.persistence in (None, "LAPSE"):
                    self.engine.lapse(bet)
                    bets.append(bet)
        is_changed = after.get("version") != before.get("version")
        gone = _removed(after) - _removed(before)
        for record in self.records if gone else ():
            # the engine knows removals with an adjustment factor only
            bet = record.bet
            if (*bet.key, True) in gone and (bet.is_live or bet.size_matched):
                self.engine.void(bet)
                bets.append(bet)
        if turned or _removed(before) != _removed(after) or (is_changed and after.get("status") == "SUSPENDED"):
            self.material_version = self.version

    def _tell(self, bets: list[Bet]) -> None:
        """Publish the bets that changed by themselves."""
        if self.book is not None:
            known = {id(bet) for bet in bets}
            bets.extend(bet for bet in self.engine.take_changed(self.book) if id(bet) not in known)
        for bet in bets:
            self.tell(bet)
        if bets:
            self.show_bets({bet.key for bet in bets})

    def tell_changed(self, *others: Bet) -> None:
        """Publish what changed of the bets since the last time, `others` in any case."""
        self._tell(list(others))

    def tell(self, bet: Bet) -> None:
        """Publish one bet that changed by itself."""
        record = bet.order
        assert isinstance(record, BetRecord)
        kind, detail = "changed", {}
        now = self.state.clock.epoch_ms
        if bet.size_matched > record.told_matched:
            kind, detail = "matched", {"size": round(bet.size_matched - record.told_matched, 2)}
            record.matched_ms = now
        elif bet.size_voided:
            kind = "voided"
        elif bet.size_lapsed:
            kind = "lapsed"
            record.lapsed_ms = record.lapsed_ms or now
            if bet.kind == LIMIT:
                record.lapse_code = record.lapse_code or "MKT_VERSION"
        elif bet.fills and record.told_matched and bet.average_price_matched:
            kind, record.is_reduced = "reduced", True
        if bet.size_lapsed and record.lapsed_ms is None:
            record.lapsed_ms = now
        record.told_matched = bet.size_matched
        self.state.publish_bet(record, kind, **detail)

    def admit(self, record: BetRecord) -> None:
        """Take a bet that the engine has accepted, and publish it and whom it met."""
        self.records.append(record)
        book = self.book
        changed = [] if book is None else [bet for bet in self.engine.take_changed(book) if bet is not record.bet]
        record.told_matched = record.bet.size_matched
        if record.told_matched:
            record.matched_ms = self.state.clock.epoch_ms
        self.state.publish_bet(record, "placed", size=record.size, matched=record.told_matched)
        for bet in changed:
            self.tell(bet)
        self.show_bets({record.bet.key})

    def lapse_all(self, code: str) -> None:
        """Let every live bet lapse."""
        bets = self.engine.all_live()
        for bet in bets:
            assert isinstance(bet.order, BetRecord)
            bet.order.lapse_code = code
            self.engine.lapse(bet)
        self.tell_changed(*bets)

    def _close(self) -> None:
        self.lapse_all("MKT_SUSPENDED")
        self.engine.close()
        self.on_closed(self)

    def definition_copy(self) -> dict[str, Any]:
        """Return the definition to change and apply; its version is as replayed."""
        definition = copy.deepcopy(self.definition)
        if definition.get("version") is not None:
            definition["version"] -= self.version_offset
        return definition


def _removed(definition: dict[str, Any]) -> set[tuple[Any, ...]]:
    """Return which runners there are, and which of them are removed."""
    return {
        (runner["id"], runner.get("hc") or 0, runner.get("status") == "REMOVED")
        for runner in definition.get("runners") or ()
    }
