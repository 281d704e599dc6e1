"""The one cache that applies a stream's changes and hands out market books."""

from array import array
from collections.abc import Callable
from sys import getrefcount
from typing import Any

from msgspec import Raw

from ..errors import ExecutionError
from .change import UNDECODABLE, MarketChange, RunnerChange, decode_price_changes, decode_runner_changes
from .definition import ABSENT, Definition, RunnerKey
from .marketbook import MarketBook
from .price import Number, PriceSize
from .runner import RunnerBook, RunnerRecord

PENDING_BYTES = 10 << 20
"""How many bytes of changes may wait to be applied before the older ones are folded together."""

_PENDING_OVERHEAD = 200
"""Bytes that a waiting change takes beside its text: the rest of its line, and the objects."""

_MANY = 64
"""With more changes than this that no book was read of, only the last one of each price is put into the ladder."""

_OWN_REFERENCES = 3
"""References to the latest book inside `_note`: the cache's, the local name's, getrefcount's argument."""


Runners = Raw | list[RunnerChange]
"""Runner changes, decoded or not."""

Pending = Runners | tuple[dict[str, Any], Runners]
"""What waits to be applied of one change, the market definition first where there is one."""

Touched = dict[int, RunnerRecord]
"""Records of runners that have changed, by their place among the runners."""

_NO_CHANGES: list[RunnerChange] = []

_NO_SNAPSHOT: Any = None


def _ignore(line_number: int, error: Exception) -> None:
    """Do nothing about a change that cannot be decoded."""


class MarketBookCache:
    """All that is known of one market.

    A change is only noted; it is applied when the runners of a book are read. A book that somebody besides the
    framework still holds when the next change arrives is completed first, so that it never changes.

    :param stream_id: becomes `streaming_unique_id` of the books.
    :param on_error: called with line number and error where runner changes are not as documented; these are left out.
    :ivar ladders_built: how many ladders were brought up to date for a reader, ever.
    """

    def __init__(
        self,
        market_id: str,
        stream_id: int,
        calculate_market_tv: bool = False,
        cumulative_runner_tv: bool = False,
        on_error: Callable[[int, Exception], None] = _ignore,
    ) -> None:
        self.market_id = market_id
        self.stream_id = stream_id
        self.is_market_total_calculated = calculate_market_tv
        self.cumulative_runner_tv = cumulative_runner_tv
        self.on_error = on_error
        self.definition: Definition = ABSENT
        self.book: MarketBook | None = None
        self.index: dict[RunnerKey, int] = {}
        self.pending_limit = PENDING_BYTES
        self.ladders_built = 0
        self._total_matched: Number | None = 0
        self._records: list[RunnerRecord] = []
        self._by_id: dict[int, RunnerRecord] = {}
        self._snapshots: list[RunnerBook] = []
        self._pending: list[Pending] = []
        self._line_numbers: array[int] = array("L")
        self._pending_bytes = 0
        self._applied = 0
        self._noted = 0
        self._delivered = 0
        self._earlier_traded: dict[RunnerKey, list[PriceSize]] = {}
        self._dirty: Touched = {}

    def hold(self, change: MarketChange, line_number: int = 0) -> None:
        """Take a change without delivering a book, as where a filter leaves it out."""
        change.detach()  # there may be many of them
        self._note(change, line_number)

    def _note(self, change: MarketChange, line_number: int) -> int:
        """Put a change with those that wait; return how many were ever taken.

        The latest book is completed first, if somebody besides the framework holds it.
        """
        book = self.book
        if book is not None and book.built is None and getrefcount(book) > _OWN_REFERENCES + book.house_references:
            self.complete(book)
        rc: Any = change.rc
        if rc is None:
            rc = _NO_CHANGES
        size = self._pending_bytes = self._pending_bytes + len(rc) + _PENDING_OVERHEAD
        raw = change.marketDefinition
        if raw is not None:
            self.definition = Definition(raw)
            rc = (raw, rc)
        if change.tv is not None:
            self._total_matched = change.tv
        self._pending.append(rc)
        self._line_numbers.append(line_number)
        if size > self.pending_limit:
            self._fold()
        noted = self._noted = self._noted + 1
        return noted

    def update(
        self, change: MarketChange, publish_time: int, line: bytes | None = None, line_number: int = 0
    ) -> MarketBook:
        """Take a change and return the book that it makes.

        :param publish_time: milliseconds since 1970.
        :param line: the message as received, for `streaming_update`.
        :param line_number: for `on_error`.
        """
        rc: Any = change.rc
        runners: list[RunnerBook] | None = None
        if type(rc) is list and not self._pending and change.marketDefinition is None and not self.cumulative_runner_tv:
            runners = self._snapshots = self._snapshots.copy()
            by_id, noted = self._by_id, self._noted
            for each in rc:
                record = by_id.get(each.id)
                if record is None or each.hc:
                    index = self.index.get(each.key)
                    if index is None:
                        runners.append(self._taken_first(each))
                        continue
                    record = self._records[index]
                runners[record.index] = record.take(each, noted)
            self.ladders_built += len(rc)
            noted = self._noted = self._applied = noted + 1
            if change.tv is not None:
                self._total_matched = change.tv
        else:
            noted, rc = self._note(change, line_number), None
        book = self.book = MarketBook(
            self.market_id,
            publish_time,
            self.definition,
            self.stream_id,
            self._total_matched,
            self,
            self._delivered,
            noted,
            line,
            runners,
            rc,
        )
        self._delivered = noted
        return book

    def _taken_first(self, change: RunnerChange) -> RunnerBook:
        """Add a runner that a change is the first to name, and hand it out."""
        record = self._add(change.key)
        record.added = record.taken = self._noted
        if change.trd is not None:
            record.traded_before = record.taken_before = self._earlier_traded.get(record.key)
        record.apply(change, is_new=True)
        return record.snapshot()

    def complete(self, book: MarketBook) -> list[RunnerBook]:
        """Build the runners of `book` by applying what it has and was not applied yet."""
        start, end = book._since - self._applied, book._upto - self._applied
        if end < 0:
            raise ExecutionError(f"market book {book!r} was read after the framework had let it go")
        dirty = self._dirty
        if start > _MANY:
            self._put_off(start)
        elif start > 0:
            self._apply(0, start, dirty)
        touched: Touched = {}
        self._apply(max(start, 0), end, touched, len(self._records))
        self._drop(end)
        snapshots = self._snapshots
        if touched or dirty:
            snapshots = self._snapshots = snapshots.copy()
            changed = (dirty | touched if dirty else touched).values()
            snapshots.extend([_NO_SNAPSHOT] * (len(self._records) - len(snapshots)))
            for record in changed:
                snapshots[record.index] = record.snapshot()
            self.ladders_built += len(changed)
            if dirty:
                self._dirty = {}
        book.built = snapshots
        book._touched = list(touched.values())
        return snapshots

    def replacement(self) -> "MarketBookCache":
        """Return an empty cache of the same market, as an image asks for, which knows what was traded."""
        if self.book is not None and self.book.built is None:
            self.complete(self.book)
        cache = MarketBookCache(
            self.market_id,
            self.stream_id,
            self.is_market_total_calculated,
            self.cumulative_runner_tv,
            self.on_error,
        )
        traded = {key: self._records[index].traded_table() for key, index in self.index.items()}
        cache.pending_limit = self.pending_limit
        cache._earlier_traded = {**self._earlier_traded, **traded}
        return cache

    def _fold(self) -> None:
        """Put off, runner by runner, the changes older than the last two books."""
        folded = (self.book._since if self.book is not None else 0) - self._applied
        if folded > 0:
            self._put_off(folded)
            self._drop(folded)

    def _drop(self, count: int) -> None:
        """Drop the first of what was pending."""
        del self._pending[:count]
        del self._line_numbers[:count]
        rest = [each[1] if type(each) is tuple else each for each in self._pending]
        self._pending_bytes = sum(map(len, rest)) + len(rest) * _PENDING_OVERHEAD
        self._applied += count

    def _put_off(self, count: int) -> None:
        """Take note of the first pending changes, of each price the last, without building a ladder.

        Here goes the time of a strategy that reads few books: nine changes in ten are of one price.
        """
        dirty, by_id = self._dirty, self._by_id
        if self.cumulative_runner_tv:
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
        for position in range(start, end):
            pending: Any = self._pending[position]
            if type(pending) is tuple:
                self._define(pending[0], touched)
                pending = pending[1]
            if type(pending) is not list:
                pending = self._decoded(pending, position)
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

    def _define(self, raw: dict[str, Any], touched: Touched) -> None:
        for definition in raw.get("runners") or ():
            key = (definition["id"], definition.get("hc", 0))
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
