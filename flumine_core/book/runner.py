"""One runner's prices as a snapshot, and the record that makes such snapshots."""

from datetime import datetime
from typing import Any

from msgspec import Struct

from .change import Level, Number, RunnerChange
from .definition import RunnerKey, parse_datetime
from .price import Ladder, PositionLadder, PriceSize


class RunnerBookEX(Struct, frozen=True, eq=False):
    """Exchange prices: the two available ladders best first, the traded volume by ascending price."""

    available_to_back: list[PriceSize]
    available_to_lay: list[PriceSize]
    traded_volume: list[PriceSize]


class RunnerBookSP(Struct, frozen=True, eq=False):
    """Starting prices; `actual_sp` is None until reconciled, and may be the text "NaN" or "Infinity"."""

    near_price: Number | str | None
    far_price: Number | str | None
    actual_sp: Number | str | None
    back_stake_taken: list[PriceSize]
    lay_liability_taken: list[PriceSize]


class RunnerBook(Struct, frozen=True, eq=False):
    """One runner at one publish time; never changes.

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
    """What a cache knows of one runner; `snapshot()` hands it out."""

    __slots__ = (
        "adjustment_factor",
        "atb",
        "atl",
        "batb",
        "batl",
        "bdatb",
        "bdatl",
        "bsp",
        "ex",
        "handicap",
        "index",
        "is_behind",
        "is_cumulative",
        "key",
        "last_price_traded",
        "removal_date",
        "selection_id",
        "sp",
        "spb",
        "spf",
        "spl",
        "spn",
        "status",
        "total_matched",
        "traded_before",
        "trd",
    )

    def __init__(self, key: RunnerKey, index: int, is_cumulative: bool) -> None:
        self.key = key
        self.selection_id, self.handicap = key
        self.index = index
        self.is_cumulative = is_cumulative
        self.is_behind = False
        self.last_price_traded: Number | str | None = None
        self.total_matched: Number | None = 0
        self.spn: Number | str | None = None
        self.spf: Number | str | None = None
        self.trd = Ladder()
        self.atb = Ladder(-1)
        self.atl = Ladder()
        self.batb: PositionLadder | None = None
        self.batl: PositionLadder | None = None
        self.bdatb: PositionLadder | None = None
        self.bdatl: PositionLadder | None = None
        self.spb = Ladder(-1)
        self.spl = Ladder()
        self.status: str | None = None
        self.bsp: Number | str | None = None
        self.adjustment_factor: Number | None = None
        self.removal_date: str | None = None
        self.ex: RunnerBookEX | None = None
        self.sp: RunnerBookSP | None = None
        self.traded_before: list[PriceSize] | None = None

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

    def apply(self, change: RunnerChange, is_new: bool) -> None:
        """Apply one change at once. `is_new`: a runner first seen in a change takes `tv` whatever is asked."""
        if change.atb is not None:
            self.atb.apply(change.atb)
            self.ex = None
        if change.atl is not None:
            self.atl.apply(change.atl)
            self.ex = None
        if change.ltp is not None:
            self.last_price_traded = change.ltp
        if change.tv is not None and (is_new or not self.is_cumulative):
            self.total_matched = change.tv
        if change.trd is not None:
            self._trade(change.trd, is_new)
        if change.spn is not None or change.spf is not None or change.spb is not None or change.spl is not None:
            self._apply_starting_prices(change)
        if not (change.batb is change.batl is change.bdatb is change.bdatl is None):
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
        self.ex = None
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

    def _trade(self, traded: list[Level], is_new: bool) -> None:
        if traded:
            self.trd.apply(traded)
        else:
            self.trd.clear()
        if self.is_cumulative and not is_new:
            self.total_matched = round(sum(level.size for level in self.trd.levels), 2)
        self.ex = None

    def put_off(self, change: RunnerChange) -> bool:
        """Take note of a change without building a ladder; False if that cannot be done for this change."""
        if self.is_cumulative or change.trd == []:
            return False
        self.is_behind = True
        if change.ltp is not None:
            self.last_price_traded = change.ltp
        if change.tv is not None:
            self.total_matched = change.tv
        if change.atb is not None:
            self.atb.deltas.update(change.atb)
            self.ex = None
        if change.atl is not None:
            self.atl.deltas.update(change.atl)
            self.ex = None
        if change.trd is not None:
            self.trd.deltas.update(change.trd)
            self.ex = None
        if change.spn is not None or change.spf is not None or change.spb is not None or change.spl is not None:
            self._apply_starting_prices(change)
        if not (change.batb is change.batl is change.bdatb is change.bdatl is None):
            self._apply_positions(change)
        return True

    def settle(self) -> None:
        """Apply every change that was put off."""
        self.is_behind = False
        self.atb.settle()
        self.atl.settle()
        self.trd.settle()

    def snapshot(self) -> RunnerBook:
        """Hand out the runner as it is now."""
        if self.is_behind:
            self.settle()
        ex = self.ex
        if ex is None:
            atb, atl, trd = self.atb, self.atl, self.trd
            atb.is_shared = atl.is_shared = trd.is_shared = True
            ex = self.ex = RunnerBookEX(
                atb.levels or _displayed(self.bdatb, self.batb),
                atl.levels or _displayed(self.bdatl, self.batl),
                trd.levels,
            )
        sp = self.sp
        if sp is None:
            sp = self.sp = RunnerBookSP(self.spn, self.spf, self.bsp, self.spl.share(), self.spb.share())
        traded_before, self.traded_before = self.traded_before, None
        return RunnerBook(
            self.selection_id,
            self.handicap,
            self.status,
            self.adjustment_factor,
            self.last_price_traded,
            self.total_matched,
            ex,
            sp,
            traded_before,
            self.removal_date,
        )


def _displayed(display: PositionLadder | None, best: PositionLadder | None) -> list[PriceSize]:
    """Return what stands in for a full ladder that is empty: best display prices, else best prices."""
    if display is not None and display.positions:
        return display.share()
    return [] if best is None else best.share()
