"""Changes that wait until somebody reads what they change, and the records that they are applied to."""

from array import array
from collections.abc import Callable, Iterable
from typing import Any

from msgspec import Raw

from .change import UNDECODABLE, RunnerChange, decode_price_changes, decode_runner_changes
from .definition import RunnerKey, key_of
from .price import PriceSize
from .runner import RunnerRecord

PENDING_OVERHEAD = 200
"""Bytes that a waiting change takes beside its text: the rest of its line, and the objects."""

Runners = Raw | list[RunnerChange]
"""Runner changes, decoded or not."""

Pending = Runners | tuple[dict[str, Any], Runners]
"""What waits to be applied of one change, the market definition first where there is one."""

Touched = dict[int, RunnerRecord]
"""Records of runners that have changed, by their place among the runners."""


class DeferredChanges:
    """The records of a market's runners, and the changes that have not reached them yet.

    :ivar index: runner -> its place.
    :ivar is_adding_up: totals are made of what was traded, for which each change counts, and not each price's last.
    :ivar uncounted: runners whose traded volume is not in the market's total yet, where that is calculated.
    """

    def __init__(
        self, calculate_market_tv: bool, cumulative_runner_tv: bool, on_error: Callable[[int, Exception], None]
    ) -> None:
        self.is_market_total_calculated = calculate_market_tv
        self.cumulative_runner_tv = cumulative_runner_tv
        self.is_adding_up = calculate_market_tv or cumulative_runner_tv
        self.uncounted: set[RunnerKey] = set()
        self.on_error = on_error
        self.index: dict[RunnerKey, int] = {}
        self._records: list[RunnerRecord] = []
        self._by_id: dict[int, RunnerRecord] = {}
        self._pending: list[Pending] = []
        self._line_numbers: array[int] = array("L")
        self._pending_bytes = 0
        self._applied = 0
        self._earlier_traded: dict[RunnerKey, list[PriceSize]] = {}

    def _drop(self, count: int) -> None:
        """Drop the first of what was pending."""
        del self._pending[:count]
        del self._line_numbers[:count]
        rest = [each[1] if type(each) is tuple else each for each in self._pending]
        self._pending_bytes = sum(map(len, rest)) + len(rest) * PENDING_OVERHEAD
        self._applied += count

    def _put_off(self, count: int, dirty: Touched) -> None:
        """Take note of the first pending changes, of each price the last, without building a ladder.

        Here goes the time of a strategy that reads few books: nine changes in ten are of one price.
        """
        by_id = self._by_id
        if self.is_adding_up:
            self._apply(0, count, dirty)
            return
        try:
            for position in range(count):
                pending: Any = self._pending[position]
                if type(pending) is tuple:
                    self._define(pending[0], dirty)
                    pending = pending[1]
                has_more = True
                if type(pending) is not list:
                    try:
                        pending = decode_price_changes(pending)
                        has_more = False
                    except UNDECODABLE:
                        pending = self._decoded(pending, position)
                for change in pending or ():
                    record = by_id.get(change.id)
                    if record is None or change.hc:
                        record = self._record(change.key)
                        dirty[record.index] = record
                    levels = change.atb
                    if levels is not None:
                        deltas = record.atb.deltas
                        for level in levels:
                            deltas[level.price] = level
                    levels = change.atl
                    if levels is not None:
                        deltas = record.atl.deltas
                        for level in levels:
                            deltas[level.price] = level
                    levels = change.trd
                    if levels is not None:
                        if not levels:
                            record.trd.clear()
                            dirty[record.index] = record
                        deltas = record.trd.deltas
                        for level in levels:
                            deltas[level.price] = level
                    if change.ltp is not None:
                        record.last_price_traded = change.ltp
                        dirty[record.index] = record
                    if change.tv is not None:
                        record.total_matched = change.tv
                        dirty[record.index] = record
                    if has_more:
                        record.apply_more(change)
                        dirty[record.index] = record
        finally:
            for record in self._records:
                if record.atb.deltas or record.atl.deltas or record.trd.deltas:
                    dirty[record.index] = record
            for record in dirty.values():
                record.is_behind = True

    def _decoded(self, changes: Raw, position: int) -> list[RunnerChange] | None:
        try:
            return decode_runner_changes(changes) if changes else None
        except UNDECODABLE as error:
            self.on_error(self._line_numbers[position], error)
            return None

    def _apply(self, start: int, end: int, touched: Touched, seen: int | None = None) -> None:
        """Apply pending changes; `seen` is how many runners the book before had, None where nobody will ask."""
        by_id = self._by_id
        is_calculated = self.is_market_total_calculated
        for position in range(start, end):
            pending: Any = self._pending[position]
            if type(pending) is tuple:
                self._define(pending[0], touched)
                pending = pending[1]
            if type(pending) is not list:
                pending = self._decoded(pending, position)
            if is_calculated:
                self._count(pending or ())
            for change in pending or ():
                record = by_id.get(change.id)
                is_new = False
                if record is None or change.hc:
                    is_new = change.key not in self.index
                    record = self._record(change.key)
                touched[record.index] = record
                if record.is_behind:
                    record.settle()
                if seen is not None and change.trd is not None and record.traded_before is None:
                    if record.index < seen:
                        record.traded_before = record.traded_table()
                    else:
                        record.traded_before = self._earlier_traded.get(record.key)
                record.apply(change, is_new)

    def _count(self, changes: Iterable[RunnerChange]) -> None:
        """Note whose volume a total has: as with betfairlightweight everybody's once a known runner trades."""
        new: set[RunnerKey] = set()
        has_traded = False
        for change in changes:
            key = change.key
            if key not in self.index and key not in new:
                new.add(key)
            elif change.trd is not None:
                has_traded = True
        self.uncounted = set() if has_traded else self.uncounted | new

    def _define(self, raw: dict[str, Any], touched: Touched) -> None:
        for definition in raw.get("runners") or ():
            key = key_of(definition)
            is_new = key not in self.index
            record = self._record(key)
            if record.define(definition) or is_new:
                touched[record.index] = record

    def _record(self, key: RunnerKey) -> RunnerRecord:
        index = self.index.get(key)
        return self._add(key) if index is None else self._records[index]

    def _add(self, key: RunnerKey) -> RunnerRecord:
        record = RunnerRecord(key, len(self._records), self.cumulative_runner_tv)
        self.index[key] = record.index
        if not key[1]:
            self._by_id[key[0]] = record
        self._records.append(record)
        return record
