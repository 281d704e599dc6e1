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
        self._told: dict[tuple[str, RunnerKey, str | None, str], Totals] = {}
        self._matched: set[tuple[str, RunnerKey]] = set()
        self._gathered: dict[str, BetRecord] = {}
        self.past: deque[Message] = deque(maxlen=REMEMBERED)

    def _is_wanted(self, record: BetRecord) -> bool:
        return not self._strategies or record.rfs in self._strategies

    def image(self, only: list[str] | None = None) -> list[Message]:
        """Return every market with bets: executable ones as `uo`, what was matched as totals."""
        self._told.clear()
        self._matched.clear()
        return self._by_market(list(self.account.records.values()), is_image=True, only=only)

    def patch(self, since: int) -> list[Message]:
        """Return the bets that changed after `since`, each as it is now."""
        records = [record for record in self.account.records.values() if record.sequence > since]
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
            positions: Message = {}
            where = (found[0].market_id, key)
            if where in self._matched or any(record.bet.fills for record in found):
                self._matched.add(where)
                positions = self._positions(*where)
            if orders:
                runner["uo"] = orders
            if orders or positions:
                runners.append(runner | positions)
        return runners

    def _positions(self, market_id: str, key: RunnerKey) -> Message:
        """Return the matched totals that are not as they were sent."""
        records = [
            record for record in self.account.records_of(market_id) if record.bet.key == key and record.bet.fills
        ]
        if not records and not self._told:
            return {}
        found: Message = {}
        if self.has_positions:
            found |= self._changed_totals(market_id, key, None, records)
        if self.has_partition:
            partition = {}
            for ref in sorted({record.rfs for record in records if self._is_wanted(record)}):
                changed = self._changed_totals(market_id, key, ref, [each for each in records if each.rfs == ref])
                if changed:
                    partition[ref] = changed
            if partition:
                found["smc"] = partition
        return found

    def _changed_totals(self, market_id: str, key: RunnerKey, ref: str | None, records: list[BetRecord]) -> Message:
        found: Message = {}
        for name, side in (("mb", "BACK"), ("ml", "LAY")):
            now: Totals = {}
            for record in records:
                if record.bet.side == side:
                    for _, price, size in record.bet.fills:
                        now[price] = round(now.get(price, 0.0) + size, 2)
            where = (market_id, key, ref, name)
            before = self._told.get(where, {})
            if now != before:
                self._told[where] = now
                found[name] = [[price, now.get(price, 0.0)] for price in sorted({*now, *before})
                               if now.get(price) != before.get(price)]  # fmt: skip
        return found

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
