"""The one cache that applies a stream's changes and hands out market books."""

from collections.abc import Callable, Sequence
from sys import getrefcount
from threading import Lock, get_ident
from time import sleep
from typing import Any

from ..errors import ExecutionError
from .change import MarketChange, RunnerChange
from .deferred import PENDING_OVERHEAD, DeferredChanges, Touched
from .definition import ABSENT, Definition, RunnerKey
from .marketbook import MarketBook
from .price import Number
from .runner import RunnerBook, RunnerRecord

PENDING_BYTES = 10 << 20
"""How many bytes of changes may wait to be applied."""

_MANY = 64
"""With more changes than this that no book was read of, only the last one of each price is put into the ladder."""

_OWN_REFERENCES = 3
"""References to the latest book inside `_note`: the cache's, the local name's, getrefcount's argument."""

_NO_CHANGES: list[RunnerChange] = []

_NO_SNAPSHOT: Any = None


def _ignore(line_number: int, error: Exception) -> None:
    """Do nothing about a change that cannot be decoded."""


class MarketBookCache(DeferredChanges):
    """All that is known of one market.

    A change is only noted; it is applied when the runners of a book are read. A book that somebody besides the
    framework still holds when the next change arrives is completed first, so that it never changes. Books may be read
    from any thread: one that is not `thread` makes the cache rest meanwhile, which costs the others next to nothing.

    :param stream_id: becomes `streaming_unique_id` of the books.
    :param on_error: called with line number and error where runner changes are not as documented; these are left out.
    :ivar thread: ident of the one thread that takes changes, 0 if there may be several, one at a time.
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
        super().__init__(calculate_market_tv, cumulative_runner_tv, on_error)
        self.market_id = market_id
        self.stream_id = stream_id
        self.definition: Definition = ABSENT
        self.book: MarketBook | None = None
        self.pending_limit = PENDING_BYTES
        self.ladders_built = 0
        self._total_matched: Number | None = 0
        self.thread = 0
        self._lock = Lock()
        self._is_busy = False
        self._is_wanted = False
        self._snapshots: list[RunnerBook] = []
        self._noted = 0
        self._delivered = 0
        self._dirty: Touched = {}
        self._early: Touched = {}  # changed since the latest book by what was applied early
        self._seen_before = 0  # how many runners there were before that

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle what a book that is built needs of it: the places of the runners."""
        return _places, (self.market_id, self.stream_id, self.index)

    def hold(self, change: MarketChange, line_number: int = 0) -> None:
        """Take a change without delivering a book, as where a filter leaves it out."""
        change.detach()  # there may be many of them
        self._begin()
        try:
            self._note(change, line_number)
        finally:
            self._is_busy = False

    def _begin(self) -> None:
        """Begin to change what other threads may want to read, as soon as none of them does."""
        self._is_busy = True
        while self._is_wanted:
            self._is_busy = False
            with self._lock:  # whoever reads holds it
                self._is_busy = True

    def _note(self, change: MarketChange, line_number: int) -> int:
        """Put a change with those that wait; return how many were ever taken.

        The latest book is completed first, if somebody besides the framework holds it.
        """
        book = self.book
        if book is not None and book.built is None and getrefcount(book) > _OWN_REFERENCES + book.house_references:
            self._complete(book)
        rc: Any = change.rc
        if rc is None:
            rc = _NO_CHANGES
        size = self._pending_bytes = self._pending_bytes + len(rc) + PENDING_OVERHEAD
        raw = change.marketDefinition
        if raw is not None:
            self.definition = Definition(raw)
            rc = (raw, rc)
        if change.tv is not None:
            self._total_matched = change.tv
        self._pending.append(rc)
        self._line_numbers.append(line_number)
        if size > self.pending_limit:
            self._apply_early()
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
        self._is_busy = True  # as `_begin`, which would be a call a change
        if self._is_wanted:
            self._begin()
        try:
            rc: Any = change.rc
            runners: list[RunnerBook] | None = None
            is_up_to_date = not self._pending and not self._early and not self.is_adding_up
            if type(rc) is list and is_up_to_date and change.marketDefinition is None:
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
        finally:
            self._is_busy = False

    def _taken_first(self, change: RunnerChange) -> RunnerBook:
        """Add a runner that a change is the first to name, and hand it out."""
        record = self._add(change.key)
        record.added = record.taken = self._noted
        if change.trd is not None:
            record.traded_before = record.taken_before = self._earlier_traded.get(record.key)
        record.apply(change, is_new=True)
        return record.snapshot()

    def complete(self, book: MarketBook) -> list[RunnerBook]:
        """Build the runners of `book`, unless they are, by applying what it has and was not applied yet."""
        if get_ident() != self.thread:
            return self._complete_elsewhere(book)
        self._begin()
        try:
            return self._complete(book) if book.built is None else book.built
        finally:
            self._is_busy = False

    def _complete_elsewhere(self, book: MarketBook) -> list[RunnerBook]:
        """Complete a book on a thread that may be another than the one that takes changes, which waits meanwhile."""
        with self._lock:
            self._is_wanted = True
            try:
                while self._is_busy:
                    sleep(0.0001)
                return self._complete(book) if book.built is None else book.built
            finally:
                self._is_wanted = False

    def _complete(self, book: MarketBook) -> list[RunnerBook]:
        start, end = book._since - self._applied, book._upto - self._applied
        if end < 0:
            raise ExecutionError(f"market book {book!r} was read after the framework had let it go")
        dirty = self._dirty
        if start > _MANY:
            self._put_off(start, dirty)
        elif start > 0:
            self._apply(0, start, dirty)
        touched, self._early = self._early, {}
        if touched and start > 0:  # they were of a book that nobody has read
            for record in touched.values():
                record.traded_before = None
            dirty |= touched
            touched = {}
        self._apply(max(start, 0), end, touched, self._seen_before if touched else len(self._records))
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
        if self.is_market_total_calculated:
            keys = self.index.keys() - self.uncounted
            counted = (runner for runner in snapshots if (runner.selection_id, runner.handicap) in keys)
            book._total_matched = round(sum(level.size for runner in counted for level in runner.ex.traded_volume), 2)
        return snapshots

    def withdraw(self, book: MarketBook, touched: Sequence[RunnerRecord | RunnerChange]) -> None:
        """Count what changed with the latest book, which is built, as changed with the next one."""
        self._begin()
        try:
            if not self._early:
                self._seen_before = len(self._records)
            for each in touched:
                index = self.index[each.key]
                record, before = self._records[index], book.built[index].traded_before  # type: ignore[index]
                if record.traded_before is None:
                    record.traded_before = before
                self._early[index] = record
        finally:
            self._is_busy = False

    def replacement(self) -> "MarketBookCache":
        """Return an empty cache of the same market, as an image asks for, which knows what its books showed traded."""
        if self.book is not None:
            self.complete(self.book)
        cache = MarketBookCache(
            self.market_id, self.stream_id, self.is_market_total_calculated, self.cumulative_runner_tv, self.on_error
        )
        traded = {(each.selection_id, each.handicap): each.ex.traded_volume for each in self._snapshots}
        cache.pending_limit, cache.thread = self.pending_limit, self.thread
        cache._earlier_traded = {**self._earlier_traded, **traded}
        return cache

    def _complete_latest(self) -> None:
        if self.book is not None and self.book.built is None:
            self._complete(self.book)

    def _apply_early(self) -> None:
        """Apply what waits but the newest change, though nobody has asked; it counts as changed with the next book."""
        self._complete_latest()
        count = len(self._pending) - 1
        if count > 0:
            if not self._early:
                self._seen_before = len(self._records)
            self._apply(0, count, self._early, self._seen_before)
            self._drop(count)


def _places(market_id: str, stream_id: int, index: dict[RunnerKey, int]) -> MarketBookCache:
    cache = MarketBookCache(market_id, stream_id)
    cache.index = index
    return cache
