"""The one cache that applies a stream's changes and hands out market books."""

import sys
from collections.abc import Callable

import msgspec

from ..errors import ExecutionError
from .change import MarketChange, Number, RunnerChange, runner_changes
from .definition import ABSENT, Definition, RunnerKey
from .marketbook import MarketBook
from .price import PriceSize
from .runner import RunnerBook, RunnerRecord

PENDING_BYTES = 4 << 20
"""How many bytes of changes may wait to be applied before the older ones are folded together."""

_OWN_REFERENCES = 3
"""References to the latest book inside `update`: the cache's, the local name's, getrefcount's argument."""


def _ignore(change: MarketChange, error: Exception) -> None:
    """Do nothing with a change that cannot be decoded."""


class MarketBookCache:
    """All that is known of one market.

    A change is only noted; it is applied when the runners of a book are read. A book that somebody besides the
    framework still holds when the next change arrives is completed first, so that it never changes.

    :param stream_id: becomes `streaming_unique_id` of the books.
    :param on_error: called with a change whose runners are not as documented; that change is left out.
    :ivar ladders_built: how many ladders were brought up to date for a reader, ever.
    """

    def __init__(
        self,
        market_id: str,
        stream_id: int,
        calculate_market_tv: bool = False,
        cumulative_runner_tv: bool = False,
        on_error: Callable[[MarketChange, Exception], None] = _ignore,
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
        self._snapshots: list[RunnerBook] = []
        self._pending: list[MarketChange] = []
        self._pending_bytes = 0
        self._applied = 0
        self._noted = 0
        self._delivered = 0
        self._earlier_traded: dict[RunnerKey, list[PriceSize]] = {}
        self._dirty: dict[RunnerKey, RunnerRecord] = {}

    def hold(self, change: MarketChange) -> None:
        """Take a change without delivering a book, as where a filter leaves it out."""
        self._keep_held_book()
        self._note(change)

    def _keep_held_book(self) -> None:
        """Complete the latest book if somebody besides the framework holds it."""
        book = self.book
        if (
            book is not None
            and book._runners is None
            and sys.getrefcount(book) > _OWN_REFERENCES + book.house_references
        ):
            self.complete(book)

    def _note(self, change: MarketChange) -> None:
        raw = change.marketDefinition
        if raw is not None:
            self.definition = Definition(raw)
        if change.tv is not None:
            self._total_matched = change.tv
        self._pending.append(change)
        self._noted += 1
        self._pending_bytes += len(bytes(change.rc))
        if self._pending_bytes > self.pending_limit:
            self._fold()

    def update(self, change: MarketChange, publish_time: int, line: bytes | None = None) -> MarketBook:
        """Take a change and return the book that it makes.

        :param publish_time: milliseconds since 1970.
        :param line: the message as received, for `streaming_update`.
        """
        self._keep_held_book()
        self._note(change)
        noted = self._noted
        book = self.book = MarketBook(
            self.market_id,
            publish_time,
            self.definition,
            self.stream_id,
            self._total_matched,
            self,
            change,
            self._delivered,
            noted,
            line,
        )
        self._delivered = noted
        return book

    def complete(self, book: MarketBook) -> list[RunnerBook]:
        """Build the runners of `book` by applying what it has and was not applied yet."""
        pending = self._pending
        start, end = book._since - self._applied, book._upto - self._applied
        if end < 0:
            raise ExecutionError(f"market book {book!r} was read after the framework had let it go")
        dirty: dict[RunnerKey, RunnerRecord] = self._dirty
        if start > 0:
            for change in pending[:start]:
                self._apply(change, dirty)
            pending = pending[start:end]
        elif end < len(pending):
            pending = pending[:end]
        touched: dict[RunnerKey, RunnerRecord] = {}
        seen = len(self._records)
        for change in pending:
            self._apply(change, touched, seen)
        if end == len(self._pending):
            self._pending = []
            self._pending_bytes = 0
        else:
            self._pending = self._pending[end:]
            self._pending_bytes = sum(len(bytes(change.rc)) for change in self._pending)
        self._applied = book._upto
        snapshots = self._snapshots
        if touched or dirty:
            snapshots = self._snapshots = snapshots.copy()
            size = len(snapshots)
            records = {**dirty, **touched}.values() if dirty else touched.values()
            for record in records:
                if record.is_behind:
                    record.settle()
                if record.index < size:
                    snapshots[record.index] = record.snapshot()
            if len(self._records) > size:
                snapshots.extend(record.snapshot() for record in self._records[size:])
            for record in records:
                record.traded_before = None
            self.ladders_built += len(records)
            self._dirty = {}
        book._runners = snapshots
        book._changed = touched
        return snapshots

    def replacement(self) -> "MarketBookCache":
        """Return an empty cache of the same market, as an image asks for, which knows what was traded."""
        if self.book is not None:
            self.complete(self.book)
        cache = MarketBookCache(
            self.market_id,
            self.stream_id,
            self.is_market_total_calculated,
            self.cumulative_runner_tv,
            self.on_error,
        )
        cache._earlier_traded = {key: self._records[index].trd.share() for key, index in self.index.items()}
        return cache

    def _fold(self) -> None:
        """Put off, runner by runner, the changes older than the last two books."""
        folded = (self.book._since if self.book is not None else 0) - self._applied
        if folded <= 0:
            return
        for change in self._pending[:folded]:
            self._apply(change, self._dirty, is_put_off=True)
        self._pending = self._pending[folded:]
        self._pending_bytes = sum(len(bytes(change.rc)) for change in self._pending)
        self._applied += folded

    def _apply(
        self,
        change: MarketChange,
        touched: dict[RunnerKey, RunnerRecord],
        seen: int | None = None,
        is_put_off: bool = False,
    ) -> None:
        """Apply `change`; `seen` is how many runners the book before had, None where nobody will ask."""
        raw = change.marketDefinition
        index, records = self.index, self._records
        if raw is not None:
            for definition in raw.get("runners") or ():
                key = (definition["id"], definition.get("hc", 0))
                position = index.get(key)
                record = self._add(key) if position is None else records[position]
                if record.define(definition) or position is None:
                    touched[key] = record
        for runner in self._runner_changes(change):
            key = (runner.id, runner.hc or 0)
            position = index.get(key)
            is_new = position is None
            record = self._add(key) if position is None else records[position]
            if is_put_off and record.put_off(runner):
                touched[key] = record
                continue
            if record.is_behind:
                record.settle()
            if seen is not None and runner.trd is not None and record.traded_before is None:
                if record.index < seen:
                    record.traded_before = record.trd.share()
                else:
                    record.traded_before = self._earlier_traded.get(key)
            record.apply(runner, is_new)
            touched[key] = record

    def _runner_changes(self, change: MarketChange) -> list[RunnerChange]:
        try:
            return runner_changes(change)
        except msgspec.MsgspecError as error:
            self.on_error(change, error)
            return []

    def _add(self, key: RunnerKey) -> RunnerRecord:
        record = RunnerRecord(key, len(self._records), self.cumulative_runner_tv)
        self.index[key] = record.index
        self._records.append(record)
        return record
