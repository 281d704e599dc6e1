"""The matching engine of the simulation as an exchange runs it: at once, and bets of all senders meet each other."""

from collections.abc import Callable, Sequence
from typing import Self

from flumine_core.book.definition import RunnerKey
from flumine_core.book.marketbook import MarketBook
from flumine_core.book.price import PriceSize
from flumine_core.simulation.bet import LIMIT, Bet
from flumine_core.simulation.exchange import MarketExchange
from flumine_core.simulation.policy import NextBookOfItsMarket, Profile, TradedVolumeQueue

Where = tuple[RunnerKey, str]
"""A runner, and the side of who takes."""
Sizes = dict[float, float]
"""Price -> size."""


class SharedOffers:
    """What is offered: the replayed offers less what was taken of them, and the resting bets of other senders.

    What was taken stays taken until the replayed level vanishes.

    :ivar taken: what own bets took of the replayed offers.
    :ivar own: what own LIMIT bets that rest offer to takers of the other side.
    """

    name = "shared-offers"

    def __init__(self) -> None:
        self.taken: dict[Where, Sizes] = {}
        self.own: dict[Where, Sizes] = {}
        self.match_own: Callable[[Where, float, float], None] = lambda where, price, size: None
        self._counted: dict[int, tuple[Where, float, float]] = {}
        self._replayed: Sizes | None = None
        self._mixed: dict[Where, tuple[Sequence[PriceSize], Sizes, list[PriceSize]]] = {}

    def for_market(self) -> Self:
        """Return itself: each market has offers of its own."""
        return self

    def count(self, bet: Bet) -> None:
        """Take note of what a bet offers now."""
        before = self._counted.pop(id(bet), None)
        if before is not None:
            where, price, size = before
            self._add(where, price, -size)
        if bet.is_live and bet.kind == LIMIT and bet.size_remaining > 0 and bet.price is not None:
            where = (bet.key, "LAY" if bet.side == "BACK" else "BACK")
            self._counted[id(bet)] = (where, bet.price, bet.size_remaining)
            self._add(where, bet.price, bet.size_remaining)

    def _add(self, where: Where, price: float, size: float) -> None:
        sizes = self.own.setdefault(where, {})
        left = round(sizes.get(price, 0.0) + size, 2)
        if left > 0:
            sizes[price] = left
        else:
            sizes.pop(price, None)
        self._mixed.pop(where, None)

    def offered(self, key: RunnerKey, side: str, levels: Sequence[PriceSize]) -> Sequence[PriceSize]:
        """Return what a bet on `side` of the runner may take, best first."""
        where = (key, side)
        taken, own = self.taken.get(where), self.own.get(where)
        if not taken and not own:
            self._replayed = None
            return levels
        mixed = self._mixed.get(where)
        if mixed is None or mixed[0] is not levels:
            mixed = self._mixed[where] = (levels, *_mix(side, levels, taken or {}, own or {}))
        self._replayed = mixed[1]
        return mixed[2]

    def took(self, key: RunnerKey, side: str, price: float, size: float) -> None:
        """Match `size` against the replayed offer at `price` first, which was there first, then against bets."""
        where = (key, side)
        replayed = size if self._replayed is None else min(size, self._replayed.get(price, 0.0))
        if replayed:
            taken = self.taken.setdefault(where, {})
            taken[price] = round(taken.get(price, 0.0) + replayed, 2)
        self._mixed.pop(where, None)
        if replayed < size:
            self.match_own(where, price, round(size - replayed, 2))

    def left(self, traded: float, used: float) -> float:
        """Return what of the traded volume is left for the bets that follow."""
        return max(traded - used, 0.0)

    def renew(self) -> None:
        """Take note that all replayed offers are new."""
        self.taken.clear()
        self._mixed.clear()

    def forget(self, key: RunnerKey, side: str, price: float) -> None:
        """Take note that a replayed level has vanished."""
        taken = self.taken.get((key, side))
        if taken and taken.pop(price, None) is not None:
            self._mixed.pop((key, side), None)


def _mix(side: str, levels: Sequence[PriceSize], taken: Sizes, own: Sizes) -> tuple[Sizes, list[PriceSize]]:
    """Return what is left of the replayed offers, and that with own bets as levels, best first."""
    replayed: Sizes = {}
    for level in levels:
        size = round(level.size - taken.get(level.price, 0.0), 2)
        if size > 0:
            replayed[level.price] = size
    sizes = dict(replayed)
    for price, size in own.items():
        sizes[price] = round(sizes.get(price, 0.0) + size, 2)
    return replayed, [PriceSize(price, sizes[price]) for price in sorted(sizes, reverse=side == "BACK")]


class MarketEngine(MarketExchange):
    """One market's bets; all share the traded volume, and rest against visible prices as these move."""

    def __init__(self) -> None:
        self.offers = SharedOffers()
        profile = Profile("exchange", NextBookOfItsMarket(), TradedVolumeQueue(), self.offers)
        super().__init__(profile, is_isolated=False, is_matching_available=True)
        self.offers.match_own = self._match_own
        self.publish_time = 0

    def _match_own(self, where: Where, price: float, size: float) -> None:
        """Match bets that rest at `price` against a taker, first come first."""
        key, side = where
        groups = self.live.get(key)
        if groups is None:
            return
        bets = groups[None].lays if side == "BACK" else groups[None].backs
        for bet in sorted((bet for bet in bets if bet.kind == LIMIT and bet.price == price), key=_entry):
            if size <= 0:
                return
            matched = min(size, bet.size_remaining)
            if matched > 0:
                self.match(bet, matched)
                size = round(size - matched, 2)

    def _note(self, bet: Bet) -> None:
        super()._note(bet)
        self.offers.count(bet)

    def _enter(self, bet: Bet) -> None:
        super()._enter(bet)
        self.offers.count(bet)

    def complete(self, bet: Bet) -> None:
        super().complete(bet)
        self.offers.count(bet)

    def cancel(self, bet: Bet, book: MarketBook, reduction: float | None) -> tuple[str | None, float]:
        """Cancel `reduction` (None: all that remains) of a bet; return the error code and the size."""
        answer = super().cancel(bet, book, reduction)
        self.offers.count(bet)
        return answer

    def match(self, bet: Bet, size: float, price: float | None = None) -> None:
        """Match a live bet by itself, at its own price unless told otherwise."""
        bet.fill(self.publish_time, (bet.price or 0.0) if price is None else price, size)
        self._note(bet)

    def lapse(self, bet: Bet) -> None:
        """Let what a bet has left lapse; an on-close bet lapses as a whole."""
        if bet.kind == LIMIT:
            bet.lapse(bet.size_remaining)
        elif not bet.fills:
            bet.size_lapsed = bet.size or 0.0
        self._finish(bet)

    def void(self, bet: Bet) -> None:
        """Void all of a bet, what was matched included."""
        bet.refill([])
        bet.size_voided = round((bet.size or 0.0) - bet.size_cancelled - bet.size_lapsed, 2)
        bet.reckon()
        self._finish(bet)

    def _finish(self, bet: Bet) -> None:
        self._note(bet)
        self.complete(bet)

    def enter(self, bet: Bet, book: MarketBook, is_delay_over: bool) -> str | None:
        """Place a bet now; return the error code, or DELAYED where it would be matched and must wait first."""
        self.publish_time = book.publish_time_epoch
        return self.place(bet, book, None, is_delay_over)

    def take_changed(self, book: MarketBook) -> list[Bet]:
        """Return the bets that changed by themselves since the last call, and complete what has nothing left."""
        changed = list(self._settle(book))
        for bet in changed:
            _mend(bet)
        return changed

    def step(self, previous: MarketBook | None, book: MarketBook, market_type: str | None) -> list[Bet]:
        """Let a new book act on the bets; return those that changed."""
        self.publish_time = book.publish_time_epoch
        if previous is not None and book.definition is not self.volume.definition:
            self.before_book(previous, book)
        self.is_matching_available = self._is_crossed(book)
        changed = list(self.after_book(book, market_type))
        for bet in changed:
            _mend(bet)
            if bet.kind != LIMIT and bet.is_sp_done and not bet.fills:
                bet.size_lapsed = bet.size or 0.0
            bet.is_sp_done = bet.is_rescaled = False
        return changed

    def _is_crossed(self, book: MarketBook) -> bool:
        """Whether the book offers what a resting bet asks for."""
        for (key, side), sizes in self.offers.own.items():
            runner = book.runner(*key) if sizes else None
            if runner is None:
                continue
            # own bets that offer to layers are backs, and take what is available to back
            if side == "LAY":
                levels = runner.ex.available_to_back
                if levels and levels[0].price >= min(sizes):
                    return True
            else:
                levels = runner.ex.available_to_lay
                if levels and levels[0].price <= max(sizes):
                    return True
        return False

    def all_live(self) -> list[Bet]:
        """Return every live bet."""
        return [bet for groups in self.live.values() for resting in groups.values() for bet in resting]


def _entry(bet: Bet) -> int:
    return bet.sequence


def _mend(bet: Bet) -> None:
    # the simulation voids the whole stake of a removed runner; here sizes must add up to it
    if bet.size_remaining < 0:
        bet.size_voided = round(bet.size_voided + bet.size_remaining, 2)
        bet.reckon()
