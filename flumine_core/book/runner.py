"""One runner's prices as a snapshot, and the record that makes such snapshots."""

from datetime import datetime
from typing import Any

from msgspec import Struct

from .change import RunnerChange
from .definition import RunnerKey, parse_datetime
from .items import Items
from .price import Ladder, Number, PositionLadder, PriceSize


class RunnerBookEX(Items, Struct, frozen=True, eq=False, gc=False):
    """Exchange prices: the two available ladders best first, the traded volume by ascending price."""

    available_to_back: list[PriceSize]
    available_to_lay: list[PriceSize]
    traded_volume: list[PriceSize]


class RunnerBookSP(Items, Struct, frozen=True, eq=False, gc=False):
    """Starting prices; `actual_sp` is None until reconciled, and may be the text "NaN" or "Infinity"."""

    near_price: Number | str | None
    far_price: Number | str | None
    actual_sp: Number | str | None
    back_stake_taken: list[PriceSize]
    lay_liability_taken: list[PriceSize]


class RunnerBook(Items, Struct, frozen=True, eq=False, gc=False):
    """One runner at one publish time; never changes.

    Its lists of levels are those of each strategy, and of the books around it where they are the same: copy one to
    change it.

    :ivar traded_before: the traded table of the book delivered before, where it changed with the book that made
        this snapshot; None where the traded table did not change. Levels that did not change are the same objects.
    """

    selection_id: int
    handicap: Number
    status: str | None
    adjustment_factor: Number | None
    last_price_traded: Number | str | None
    total_matched: Number | None
    ex: RunnerBookEX
    sp: RunnerBookSP
    traded_before: list[PriceSize] | None = None
    _removal_date: str | None = None

    @property
    def removal_date(self) -> datetime | None:
        """When the runner was removed."""
        return parse_datetime(self._removal_date)

    @property
    def orders(self) -> list[Any]:
        """Empty: a stream carries no orders beside prices."""
        return []

    @property
    def matches(self) -> list[Any]:
        """Empty: a stream carries no matches beside prices."""
        return []

    @property
    def matches_by_strategy(self) -> None:
        """None: a stream carries no matches beside prices."""
        return

    @property
    def suspend_reason(self) -> None:
        """None: only the market catalogue of another API has it."""
        return

    @property
    def bet_delay_models(self) -> None:
        """None: the stream has them on the market."""
        return

    def __str__(self) -> str:
        return f"RunnerBook: {self.selection_id}"


class RunnerRecord:
    """What a cache knows of one runner; `take()` or `snapshot()` hand it out.

    :ivar backs, lays, traded: the lists that were handed out last, None where they have changed since.
    :ivar ex, sp: the same of the objects that hold them and the starting prices.
    :ivar has_positions: best or best display prices have come, which stand in for a full ladder that is empty.
    :ivar added, taken: the number of the market change that added the runner, where that was no definition, and of
        the one that `take` took last; -1 for none.
    :ivar taken_before: the traded table before that one, None where it did not change.
    """

    __slots__ = (
        "added",
        "adjustment_factor",
        "atb",
        "atl",
        "backs",
        "batb",
        "batl",
        "bdatb",
        "bdatl",
        "bsp",
        "ex",
        "handicap",
        "has_positions",
        "index",
        "is_behind",
        "is_cumulative",
        "key",
        "last_price_traded",
        "lays",
        "removal_date",
        "selection_id",
        "sp",
        "spb",
        "spf",
        "spl",
        "spn",
        "status",
        "taken",
        "taken_before",
        "total_matched",
        "traded",
        "traded_before",
        "trd",
    )

    def __init__(self, key: RunnerKey, index: int, is_cumulative: bool) -> None:
        self.key = key
        self.selection_id, self.handicap = key
        self.index = index
        self.is_cumulative = is_cumulative
        self.is_behind = False
        self.has_positions = False
        self.added = self.taken = -1
        self.last_price_traded: Number | str | None = None
        self.total_matched: Number | None = 0
        self.spn: Number | str | None = None
        self.spf: Number | str | None = None
        self.trd = Ladder()
        self.atb = Ladder(-1.0)
        self.atl = Ladder()
        self.batb: PositionLadder | None = None
        self.batl: PositionLadder | None = None
        self.bdatb: PositionLadder | None = None
        self.bdatl: PositionLadder | None = None
        self.spb = Ladder(-1.0)
        self.spl = Ladder()
        self.status: str | None = None
        self.bsp: Number | str | None = None
        self.adjustment_factor: Number | None = None
        self.removal_date: str | None = None
        self.backs: list[PriceSize] | None = None
        self.lays: list[PriceSize] | None = None
        self.traded: list[PriceSize] | None = None
        self.ex: RunnerBookEX | None = None
        self.sp: RunnerBookSP | None = None
        self.traded_before: list[PriceSize] | None = None
        self.taken_before: list[PriceSize] | None = None

    def define(self, definition: dict[str, Any]) -> bool:
        """Take over what a market definition says of the runner; True if that is news."""
        status, bsp = definition.get("status"), definition.get("bsp")
        factor, removed = definition.get("adjustmentFactor"), definition.get("removalDate")
        if bsp != self.bsp:
            self.bsp = bsp
            self.sp = None
        elif status == self.status and factor == self.adjustment_factor and removed == self.removal_date:
            return False
        self.status, self.adjustment_factor, self.removal_date = status, factor, removed
        return True

    def take(self, change: RunnerChange, number: int) -> RunnerBook:
        """Apply a change to a runner that is up to date and not cumulative, and hand the runner out.

        The same as `apply` and `snapshot`; this is where the time of a reading strategy goes.

        :param number: the market change that this is a part of.
        """
        ex = self.ex  # one by one: four at once would build a tuple
        atb = change.atb
        atl = change.atl
        trd = change.trd
        if self.taken != number:
            self.taken = number
            self.taken_before = None
        if atb is not None:
            ladder = self.atb
            ladder.apply(atb)
            self.backs = ladder.levels.copy()
            ex = None
        if atl is not None:
            ladder = self.atl
            ladder.apply(atl)
            self.lays = ladder.levels.copy()
            ex = None
        if trd is not None:
            if self.taken_before is None and self.added != number:
                self.taken_before = self.traded_table()
            ladder = self.trd
            if trd:
                ladder.apply(trd)
            else:
                ladder.clear()
            self.traded = ladder.levels.copy()
            ex = None
        if change.ltp is not None:
            self.last_price_traded = change.ltp
        if change.tv is not None:
            self.total_matched = change.tv
        if change.spn is not None or change.spf is not None or change.spb is not None or change.spl is not None:
            self._apply_starting_prices(change)
        if change.batb is not None or change.batl is not None or change.bdatb is not None or change.bdatl is not None:
            self._apply_positions(change)
            ex = None
        if ex is None:
            if self.has_positions:
                ex = self._prices()
            else:
                ex = self.ex = RunnerBookEX(self.backs, self.lays, self.traded)  # type: ignore[arg-type]
        return RunnerBook(
            self.selection_id,
            self.handicap,
            self.status,
            self.adjustment_factor,
            self.last_price_traded,
            self.total_matched,
            ex,
            self.sp or self._starting_prices(),
            self.taken_before,
            self.removal_date,
        )

    def apply(self, change: RunnerChange, is_new: bool) -> None:
        """Apply one change at once. `is_new`: a runner first seen in a change takes `tv` whatever is asked."""
        if change.atb is not None:
            self.atb.apply(change.atb)
            self.backs = self.ex = None
        if change.atl is not None:
            self.atl.apply(change.atl)
            self.lays = self.ex = None
        if change.ltp is not None:
            self.last_price_traded = change.ltp
        if change.tv is not None and (is_new or not self.is_cumulative):
            self.total_matched = change.tv
        if change.trd is not None:
            self._trade(change.trd, is_new)
        self.apply_more(change)

    def apply_more(self, change: RunnerChange) -> None:
        """Apply starting prices and prices by position: what few changes have."""
        if change.spn is not None or change.spf is not None or change.spb is not None or change.spl is not None:
            self._apply_starting_prices(change)
        if change.batb is not None or change.batl is not None or change.bdatb is not None or change.bdatl is not None:
            self._apply_positions(change)

    def _apply_starting_prices(self, change: RunnerChange) -> None:
        self.sp = None
        if change.spn is not None:
            self.spn = change.spn
        if change.spf is not None:
            self.spf = change.spf
        if change.spb is not None:
            self.spb.apply(change.spb)
        if change.spl is not None:
            self.spl.apply(change.spl)

    def _apply_positions(self, change: RunnerChange) -> None:
        self.has_positions = True
        self.backs = self.lays = self.ex = None
        if change.batb is not None:
            self.batb = self.batb or PositionLadder()
            self.batb.apply(change.batb)
        if change.batl is not None:
            self.batl = self.batl or PositionLadder()
            self.batl.apply(change.batl)
        if change.bdatb is not None:
            self.bdatb = self.bdatb or PositionLadder()
            self.bdatb.apply(change.bdatb)
        if change.bdatl is not None:
            self.bdatl = self.bdatl or PositionLadder()
            self.bdatl.apply(change.bdatl)

    def _trade(self, traded: list[PriceSize], is_new: bool) -> None:
        if traded:
            self.trd.apply(traded)
        else:
            self.trd.clear()
        if self.is_cumulative and not is_new:
            self.total_matched = round(sum(level.size for level in self.trd.levels), 2)
        self.traded = self.ex = None

    def settle(self) -> None:
        """Apply every change that was put off."""
        self.is_behind = False
        self.backs = self.lays = self.traded = self.ex = None
        self.atb.settle()
        self.atl.settle()
        self.trd.settle()

    def traded_table(self) -> list[PriceSize]:
        """Hand out the traded volume as it is now."""
        traded = self.traded
        if traded is None:
            traded = self.traded = self.trd.levels.copy()
        return traded

    def snapshot(self) -> RunnerBook:
        """Hand out the runner as it is now."""
        if self.is_behind:
            self.settle()
        traded_before, self.traded_before = self.traded_before, None
        return RunnerBook(
            self.selection_id,
            self.handicap,
            self.status,
            self.adjustment_factor,
            self.last_price_traded,
            self.total_matched,
            self.ex or self._prices(),
            self.sp or self._starting_prices(),
            traded_before,
            self.removal_date,
        )

    def _prices(self) -> RunnerBookEX:
        backs, lays = self.backs, self.lays
        if not backs:
            backs = self.backs = self.atb.levels.copy() or _displayed(self.bdatb, self.batb)
        if not lays:
            lays = self.lays = self.atl.levels.copy() or _displayed(self.bdatl, self.batl)
        ex = self.ex = RunnerBookEX(backs, lays, self.traded or self.traded_table())
        return ex

    def _starting_prices(self) -> RunnerBookSP:
        sp = self.sp = RunnerBookSP(self.spn, self.spf, self.bsp, self.spl.levels.copy(), self.spb.levels.copy())
        return sp


def _displayed(display: PositionLadder | None, best: PositionLadder | None) -> list[PriceSize]:
    """Return what stands in for a full ladder that is empty: best display prices, else best prices."""
    if display is not None and display.positions:
        return display.share()
    return [] if best is None else best.share()
