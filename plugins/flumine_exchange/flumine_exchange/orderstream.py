"""Order subscriptions: an account's bets as images and full states, and matched totals by price."""

from collections import deque
from typing import Any

import msgspec
from flumine_core.book.definition import RunnerKey

from .account import AccountState
from .bets import BetRecord
from .faults import Fault
from .market import ExchangeMarket
from .state import ExchangeState
from .streamparams import OrderFilter, OrderSubscribing
from .subscription import Line, Message, Subscription

Totals = dict[float, float]
"""Price -> size matched."""
Where = tuple[str, RunnerKey, str | None, str]
"""Market id, runner, customerStrategyRef (None: of all), mb or ml."""
REMEMBERED = 1_000


class OrderSubscription(Subscription):
    """One order subscription."""

    kind = "order"
    op = "ocm"
    changes = "oc"

    def __init__(self, line: Line, request: OrderSubscribing, account: AccountState) -> None:
        self.filter = request.order_filter or OrderFilter()
        super().__init__(line, request, account.username, msgspec.to_builtins(self.filter))
        self.account = account
        self.has_positions = self.filter.include_overall_position is not False
        self.has_partition = bool(self.filter.partition_matched_by_strategy_ref)
        self._strategies = self.filter.customer_strategy_refs
        self._totals: dict[Where, Totals] = {}
        self._counted: dict[str, Totals] = {}
        self._gathered: dict[str, BetRecord] = {}
        self.past: deque[Message] = deque(maxlen=REMEMBERED)

    def _is_wanted(self, record: BetRecord) -> bool:
        return not self._strategies or record.rfs in self._strategies

    def image(self, only: list[str] | None = None) -> list[Message]:
        """Return every market with bets: executable ones as `uo`, what was matched as totals."""
        self._totals.clear()
        self._counted.clear()
        return self._by_market(list(self.account.records.values()), is_image=True, only=only)

    def patch(self, since: int) -> list[Message]:
        """Return the bets that changed after `since`, each as it is now."""
        every = list(self.account.records.values())
        for record in every:
            if record.sequence <= since:
                self._count(record)  # what the client has
        records = [record for record in every if record.sequence > since]
        return self._by_market(records, is_image=False)

    def _by_market(self, records: list[BetRecord], is_image: bool, only: list[str] | None = None) -> list[Message]:
        by_market: dict[str, list[BetRecord]] = {}
        for record in records:
            by_market.setdefault(record.market_id, []).append(record)
        changes = []
        for market_id, found in by_market.items():
            market = self.state.markets[market_id]
            if is_image and (market.status == "CLOSED" or (only is not None and market_id not in only)):
                continue
            runners = self._runners(found, is_image)
            if runners:
                head: Message = {"id": market_id}
                if is_image:
                    head["fullImage"] = True
                changes.append(head | {"orc": runners})
        return changes

    def _runners(self, records: list[BetRecord], is_image: bool) -> list[Message]:
        by_runner: dict[RunnerKey, list[BetRecord]] = {}
        for record in records:
            by_runner.setdefault(record.bet.key, []).append(record)
        runners = []
        for key, found in by_runner.items():
            runner: Message = {"id": key[0]}
            if key[1]:
                runner["hc"] = key[1]
            if is_image:
                runner["fullImage"] = True
            orders = [
                record.stream_order()
                for record in found
                if self._is_wanted(record) and (record.is_executable or not is_image)
            ]
            positions = self._positions(found)
            if orders:
                runner["uo"] = orders
            if orders or positions:
                runners.append(runner | positions)
        return runners

    def _positions(self, records: list[BetRecord]) -> Message:
        """Return the matched totals of a runner that these bets have changed since they were last told."""
        changed = {each for record in records for each in self._count(record)}
        found: Message = {}
        partition: dict[str, Message] = {}
        for ref, name, price in sorted(changed, key=lambda each: (each[0] or "", *each[1:])):
            into = found if ref is None else partition.setdefault(ref, {})
            total = self._totals[records[0].market_id, records[0].bet.key, ref, name][price]
            into.setdefault(name, []).append([price, total])
        return found | ({"smc": partition} if partition else {})

    def _count(self, record: BetRecord) -> list[tuple[str | None, str, float]]:
        """Count what is matched of a bet; return the totals that changed: reference, mb or ml, price."""
        now: Totals = {}
        for _, price, size in record.bet.fills:
            now[price] = round(now.get(price, 0.0) + size, 2)
        before = self._counted.get(record.bet_id, {})
        if now == before:
            return []
        self._counted[record.bet_id] = now
        name = "mb" if record.bet.side == "BACK" else "ml"
        changed = []
        for ref in self._refs_of(record):
            totals = self._totals.setdefault((record.market_id, record.bet.key, ref, name), {})
            for price in now.keys() | before.keys():
                difference = now.get(price, 0.0) - before.get(price, 0.0)
                if difference:
                    totals[price] = round(totals.get(price, 0.0) + difference, 2)
                    changed.append((ref, name, price))
        return changed

    def _refs_of(self, record: BetRecord) -> list[str | None]:
        """Return of which totals a bet is part: those of all, and those of its strategy reference."""
        refs: list[str | None] = [None] if self.has_positions else []
        return [*refs, record.rfs] if self.has_partition and self._is_wanted(record) else refs

    def changed(self, record: BetRecord, fault: Fault | None) -> None:
        """Take a changed bet of the account."""
        if not self.is_live:
            return
        if self.must_wait:
            self._gathered[record.bet_id] = record
            self.schedule(self.flush)
            return
        changes = self._by_market([record], is_image=False)
        self.sent = record.sequence
        if not changes:
            return
        if fault is None:
            self._tell(changes)
        else:
            self._tell_wrong(changes, fault)

    def _tell(self, changes: list[Message]) -> None:
        self.past.extend(changes)
        self.write(changes)

    def _tell_wrong(self, changes: list[Message], fault: Fault) -> None:
        action = fault.action
        if action == "skip":
            return
        if action == "hold":
            self.hold(float(fault.get("seconds", 1.0)))
        orders = [order for change in changes for runner in change["orc"] for order in runner.get("uo", ())]
        for order in orders:
            if action == "add_field":
                order[fault.get("name", "newField")] = fault.get("value", "new")
            elif action == "remove_field":
                order.pop(fault.get("name", "rfo"), None)
        older = list(self.past)[-int(fault.get("number", 1)) :] if action == "replay" else []
        self._tell(changes)
        if action == "duplicate":
            for _ in range(int(fault.get("number", 1))):
                self.write(changes)
        for each in older:
            self.write([each])
        if action == "inject":
            self.write([fault.get("change", {})])

    def close_market(self, market: ExchangeMarket) -> None:
        """Tell that a market is closed."""
        if self.is_live and any(record.market_id == market.market_id for record in self.account.records.values()):
            self.flush()
            self.sent = self.state.sequence
            self.write([{"id": market.market_id, "closed": True}])

    def flush(self) -> None:
        """Write what was gathered; no bet's last state is ever left out."""
        self.flushed()
        if not self.is_live or self.line.is_paused or not self._gathered:
            return
        gathered, self._gathered = self._gathered, {}
        changes = self._by_market(list(gathered.values()), is_image=False)
        self.sent = max(record.sequence for record in gathered.values())
        if changes:
            self._tell(changes)


class OrderStreams:
    """All order subscriptions."""

    def __init__(self, state: ExchangeState) -> None:
        self.state = state
        self.subscriptions: list[OrderSubscription] = []
        state.bet_listeners.append(self._changed)

    def _changed(self, record: BetRecord) -> None:
        occasion: dict[str, Any] = {
            "market": record.market_id,
            "account": record.account,
            "ref": record.rfo,
            "bet_id": record.bet_id,
            "status": "E" if record.is_executable else "EC",
        }
        fault = self.state.faults.take("order.publish", **occasion)
        if fault is not None:
            self.state.record("fault", id=fault.id, hook=fault.hook, action=fault.action, bet_id=record.bet_id)
        for subscription in self.subscriptions:
            if subscription.account.username == record.account:
                subscription.changed(record, fault)
        if fault is not None and fault.action == "lapse" and record.is_executable:
            market = self.state.markets[record.market_id]
            record.lapse_code = fault.get("code", "MKT_UNKNOWN")
            market.engine.lapse(record.bet)
            market.tell_changed(record.bet)

    def close_market(self, market: ExchangeMarket) -> None:
        """Tell every subscription with bets there that a market is closed."""
        for subscription in self.subscriptions:
            subscription.close_market(market)
