"""The matching engine of the simulation as an exchange runs it: at once, and bets of all senders meet each other."""

from collections.abc import Callable, Sequence
from typing import Self

from flumine_core.book.definition import RunnerKey
from flumine_core.book.marketbook import MarketBook
from flumine_core.book.price import PriceSize
from flumine_core.simulation.bet import LIMIT, Bet
from flumine_core.simulation.exchange import MarketExchange
from flumine_core.simulation.policy import NextBookOfItsMarket, Profile, TradedVolumeQueue

Taken = dict[tuple[RunnerKey, str, float], float]
"""What own bets took of the replayed offers: by runner, side of the taker, and price."""


class SharedOffers:
    """What is offered: the replayed offers less what was taken of them, and the resting bets of other senders.

    What was taken stays taken until the replayed level vanishes.
    """

    name = "shared-offers"

    def __init__(self) -> None:
        self.taken: Taken = {}
        self.resting: Callable[[RunnerKey, str], list[Bet]] = lambda key, side: []
        self.match_resting: Callable[[Bet, float], None] = lambda bet, size: None
        self._replayed: dict[float, float] = {}

    def for_market(self) -> Self:
        """Return itself: each market has offers of its own."""
        return self

    def offered(self, key: RunnerKey, side: str, levels: Sequence[PriceSize]) -> Sequence[PriceSize]:
        """Return what a bet on `side` of the runner may take, best first."""
        resting = self.resting(key, side)
        if not self.taken and not resting:
            self._replayed = {}
            return levels
        left: dict[float, float] = {}
        for level in levels:
            size = round(level.size - self.taken.get((key, side, level.price), 0.0), 2)
            if size > 0:
                left[level.price] = size
        self._replayed = dict(left)
        for bet in resting:
            price = bet.price or 0.0
            left[price] = round(left.get(price, 0.0) + bet.size_remaining, 2)
        return [PriceSize(price, left[price]) for price in sorted(left, reverse=side == "BACK")]

    def took(self, key: RunnerKey, side: str, price: float, size: float) -> None:
        """Match `size` against the replayed offer at `price` first, which was there first, then against bets."""
        resting = [bet for bet in self.resting(key, side) if bet.price == price]
        replayed = min(size, self._replayed.get(price, 0.0)) if resting else size
        if replayed:
            where = (key, side, price)
            self.taken[where] = round(self.taken.get(where, 0.0) + replayed, 2)
        left = round(size - replayed, 2)
        for bet in resting:
            if left <= 0:
                break
            matched = min(left, bet.size_remaining)
            self.match_resting(bet, matched)
            left = round(left - matched, 2)

    def left(self, traded: float, used: float) -> float:
        """Return what of the traded volume is left for the bets that follow."""
        return max(traded - used, 0.0)

    def forget(self, key: RunnerKey, side: str, price: float) -> None:
        """Take note that a replayed level has vanished."""
        self.taken.pop((key, side, price), None)


class MarketEngine(MarketExchange):
    """One market's bets; all share the traded volume, and rest against visible prices as these move."""

    def __init__(self) -> None:
        self.offers = SharedOffers()
        profile = Profile("exchange", NextBookOfItsMarket(), TradedVolumeQueue(), self.offers)
        super().__init__(profile, is_isolated=False, is_matching_available=True)
        self.offers.resting = self.resting_against
        self.offers.match_resting = self.match
        self.publish_time = 0

    def resting_against(self, key: RunnerKey, side: str) -> list[Bet]:
        """Return the LIMIT bets that a taker on `side` may meet, first come first."""
        groups = self.live.get(key)
        if not groups:
            return []
        bets = groups[None].lays if side == "BACK" else groups[None].backs
        return sorted((bet for bet in bets if bet.kind == LIMIT and bet.size_remaining > 0), key=_entry)

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
        self._complete(bet)

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
        changed = list(self.after_book(book, market_type))
        for bet in changed:
            _mend(bet)
            if bet.kind != LIMIT and bet.is_sp_done and not bet.fills:
                bet.size_lapsed = bet.size or 0.0
            bet.is_sp_done = bet.is_rescaled = False
        return changed

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
