"""How much was traded on each runner of one market since the book before."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import compress, count
from operator import is_not

from msgspec import Struct

from ..book.definition import Definition, RunnerKey
from ..book.marketbook import MarketBook
from ..book.price import PriceSize
from ..book.runner import RunnerBook

ACTIVE = "ACTIVE"

Traded = dict[float, float]
"""Price -> volume as published (both sides, pounds), by ascending price."""

NOTHING: Traded = {}


def traded_between(before: Sequence[PriceSize], after: Sequence[PriceSize]) -> Traded:
    """Return what was traded between two tables of traded volume.

    Simulation rule: a price that was there counts with its increase, rounded to two places; a price that
    was not counts in full and unrounded; decreases and prices that vanished count nothing.

    Levels that are the same object in both tables are taken for equal without a look.
    """
    if len(before) == len(after):  # mostly the prices are the same
        traded: Traded = {}
        for earlier, level in compress(zip(before, after, strict=True), map(is_not, before, after)):
            if earlier.price != level.price:
                break
            increase = float(level.size) - float(earlier.size)
            if increase > 0:
                traded[level.price] = round(increase, 2)
        else:
            return traded
    most = min(len(before), len(after))
    head = _alike(before, after, most)
    tail = _alike(reversed(before), reversed(after), most)
    known = {level.price: level.size for level in before[head : len(before) - tail]}
    traded = {}
    for level in after[head : len(after) - tail]:
        size = known.get(level.price)
        if size is None:
            traded[level.price] = level.size
        else:
            increase = float(level.size) - float(size)
            if increase > 0:
                traded[level.price] = round(increase, 2)
    return traded


def _alike(one: Iterable[PriceSize], other: Iterable[PriceSize], most: int) -> int:
    # how many levels, from the start, are the same objects
    return next(compress(count(), map(is_not, one, other)), most)


class Dormant(Struct, frozen=True, eq=False):
    """A runner that is no longer ACTIVE.

    :ivar runner: as of its last ACTIVE book.
    :ivar traded: what that book brought.
    """

    runner: RunnerBook
    traded: Traded


class TradedVolume:
    """Which runners of one market are ACTIVE, and what a book brought of traded volume.

    Simulation rule: only ACTIVE runners are followed. A runner seen first brings nothing. One that stops
    being ACTIVE keeps its prices and the volume of its last ACTIVE book, which is offered again at EVERY
    later book (a fault of flumine's that is kept); should it become ACTIVE again, it brings the
    difference to that book.

    :ivar definition: the last one seen, None before the first and after a closing.
    :ivar told: traded tables of streams that another one has followed while they went on.
    :ivar fresh: what the latest book brought of runners that cannot say so themselves; for that book alone.
    """

    __slots__ = ("_is_forgotten", "_is_handed_over", "active", "definition", "dormant", "fresh", "told")

    def __init__(self) -> None:
        self.told: dict[RunnerKey, Traded] = {}
        self._is_handed_over = False
        self._is_forgotten = False
        self.definition: Definition | None = None
        self.active: set[RunnerKey] = set()
        self.dormant: dict[RunnerKey, Dormant] = {}
        self.fresh: dict[RunnerKey, Traded] = {}

    def __contains__(self, key: RunnerKey) -> bool:
        """Whether the runner was ACTIVE at any book since the market opened."""
        return key in self.active or key in self.dormant

    def put_to_rest(self, statuses: Mapping[RunnerKey, str | None], previous: MarketBook) -> None:
        """Keep what is needed of runners that `statuses`, of the next book, no longer has as ACTIVE."""
        for key in [key for key in self.active if statuses.get(key, ACTIVE) != ACTIVE]:
            runner = previous.runner(*key)
            if runner is not None:
                self.dormant[key] = Dormant(runner, self.traded(key, runner, previous))
                self.active.discard(key)

    def hand_over(self, previous: MarketBook) -> None:
        """Keep what was traded by `previous`: another stream brings the next book, and may bring that once more."""
        for key in self.active:
            runner = previous.runner(*key)
            if runner is not None:
                known = self.told.setdefault(key, {})
                known.update((level.price, level.size) for level in runner.ex.traded_volume)
        self._is_handed_over = True

    def define(self, book: MarketBook) -> None:
        """Take over the definition of `book`."""
        self.definition = book.definition
        fresh = self.fresh
        fresh.clear()
        if self._is_handed_over:
            self._is_handed_over = False
            fresh.update([(key, self._untold(key, book)) for key in self.active])
        statuses = book.definition.runner_statuses
        if self._is_forgotten:  # a definition that lacks a runner leaves it as it was
            self._is_forgotten = False
            statuses = {(each.selection_id, each.handicap): each.status for each in book.runners}
        for key, status in statuses.items():
            if status != ACTIVE or key in self.active:
                continue
            rested = self.dormant.pop(key, None)
            runner = None if rested is None else book.runner(*key)
            if rested is None or runner is None:
                fresh[key] = NOTHING
            else:
                fresh[key] = traded_between(rested.runner.ex.traded_volume, runner.ex.traded_volume)
            self.active.add(key)

    def _untold(self, key: RunnerKey, book: MarketBook) -> Traded:
        """Return what a stream brings of a runner that no other one has brought before."""
        runner = book.runner(*key)
        if runner is None:
            return NOTHING
        known = self.told.get(key, NOTHING)
        beyond = {level.price: level.size - known.get(level.price, 0.0) for level in runner.ex.traded_volume}
        if book.is_first and runner.traded_before is None:
            untold = {price: round(size, 2) for price, size in beyond.items()}
        else:
            brought = self.traded(key, runner, book)
            untold = {price: min(size, round(beyond[price], 2)) for price, size in brought.items()}
        return {price: size for price, size in untold.items() if size > 0}

    def traded(self, key: RunnerKey, runner: RunnerBook, book: MarketBook) -> Traded:
        """Return what `book` brought of a runner; the result is shared and not to be changed."""
        rested = self.dormant.get(key)
        if rested is not None:
            return rested.traded
        fresh = self.fresh.get(key)
        if fresh is not None:
            return fresh
        before = runner.traded_before
        if before is None or key not in book.changed:
            return NOTHING
        return traded_between(before, runner.ex.traded_volume)

    def prices(self, key: RunnerKey, book: MarketBook) -> RunnerBook | None:
        """Return the runner that available prices are read from."""
        rested = self.dormant.get(key)
        return book.runner(*key) if rested is None else rested.runner

    def forget(self) -> None:
        """Start anew, as after a closing."""
        self.definition = None
        self.active = set()
        self.dormant = {}
        self.fresh = {}
        self.told = {}
        self._is_forgotten = True
