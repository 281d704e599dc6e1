"""One market at the simulated exchange: its bets, and what a new book does to them."""

from bisect import insort
from collections.abc import Callable, Iterator, Sequence

from ..book.definition import RunnerKey, key_of
from ..book.marketbook import MarketBook
from ..book.runner import RunnerBook
from .bet import LIMIT, MARKET_ON_CLOSE, Bet
from .matching import (
    DELAYED,
    lapse_on_new_version,
    match_available,
    match_traded,
    place,
    settle_at_sp,
    starting_price,
)
from .policy import Profile
from .removal import apply_removal
from .volume import Traded, TradedVolume, traded_between

NO_BETS: tuple[Bet, ...] = ()

_UNNUMBERED_BITS = 24
"""Room behind each number for bets that were admitted without one."""


class Resting:
    """The live bets of one group on one runner, in the order in which volume is offered to them.

    Simulation rule: lays by falling price, then backs by rising price, then MARKET_ON_CLOSE bets; on equal
    terms in order of entry.
    """

    __slots__ = ("backs", "lays", "unpriced")

    def __init__(self) -> None:
        self.lays: list[Bet] = []
        self.backs: list[Bet] = []
        self.unpriced: list[Bet] = []

    def __iter__(self) -> Iterator[Bet]:
        yield from self.lays
        yield from self.backs
        yield from self.unpriced

    def __bool__(self) -> bool:
        return bool(self.lays or self.backs or self.unpriced)

    def _shelf(self, bet: Bet) -> list[Bet]:
        if bet.kind == MARKET_ON_CLOSE:
            return self.unpriced
        return self.backs if bet.side == "BACK" else self.lays

    def add(self, bet: Bet) -> None:
        """Put a bet into its place."""
        shelf = self._shelf(bet)
        if shelf:
            insort(shelf, bet, key=_turn)
        else:
            shelf.append(bet)

    def discard(self, bet: Bet) -> None:
        """Take a bet out."""
        self._shelf(bet).remove(bet)


def _turn(bet: Bet) -> tuple[float, int]:
    price = bet.price or 0.0
    return (price if bet.side == "BACK" else -price, bet.sequence)


class Bets:
    """One market's bets and what their senders ask for; the books are `MarketExchange`'s.

    :param is_isolated: each group of bets is offered all of the traded volume; else all groups share it.
    :ivar bets: all bets in the order of entry, the ones still to be placed and the complete ones included.
    :ivar live: runner -> group -> live bets.
    """

    __slots__ = (
        "_changed",
        "_is_blind",
        "_last_number",
        "_liquidity",
        "_queue",
        "_unchecked",
        "_unnumbered",
        "bets",
        "is_isolated",
        "live",
    )

    def __init__(self, profile: Profile, is_isolated: bool = True) -> None:
        self._queue = profile.queue
        self._liquidity = profile.liquidity.for_market()
        self.is_isolated = is_isolated
        self.bets: list[Bet] = []
        self.live: dict[RunnerKey, dict[object, Resting]] = {}
        self._changed: list[Bet] = []
        self._unchecked: list[Bet] = []
        self._is_blind = False
        self._last_number = 0
        self._unnumbered = 0

    def admit(self, bet: Bet, number: int | None = None) -> None:
        """Enter a bet that is going to be placed; removals concern it from now on.

        :param number: its place in the order of the sender's requests; None: behind all that were admitted so far.
        """
        if number is None:
            self._unnumbered += 1
            bet.sequence = (self._last_number << _UNNUMBERED_BITS) + self._unnumbered
        else:
            self._last_number = max(self._last_number, number)
            bet.sequence = number << _UNNUMBERED_BITS
        self.bets.append(bet)

    def place(self, bet: Bet, book: MarketBook, version: int | None, is_delay_over: bool) -> str | None:
        """Place a bet against `book`, see `matching.place`; if that succeeds, one not admitted yet is."""
        error = place(bet, book, version, is_delay_over, self._queue, self._liquidity)
        if error is None:
            if bet.sequence < 0:
                self.admit(bet)
            if not bet.is_live:
                self._enter(bet)
            self._unchecked.append(bet)
        elif error != DELAYED:
            bet.is_complete = True
        return error

    def cancel(self, bet: Bet, book: MarketBook, reduction: float | None) -> tuple[str | None, float]:
        """Cancel `reduction` (None or 0: all that remains) of a bet; return the error code and the size.

        Simulation rule: never more than remains is cancelled, without an error, also of a complete bet.
        """
        if book.status != "OPEN":
            return self._refuse(bet, "ERROR_IN_ORDER"), 0.0
        if bet.kind != LIMIT:
            return self._refuse(bet, "BET_ACTION_ERROR"), 0.0
        size = min(reduction or bet.size_remaining, bet.size_remaining)
        bet.cancel(size)
        if bet.size_remaining == 0:
            self.complete(bet)
        return None, size

    def change_persistence(self, bet: Bet, persistence: str) -> None:
        """Give a bet another persistence.

        Simulation rule: this happens at the request, before any latency, and stays so if the update fails.
        """
        bet.persistence = persistence
        if bet.is_live:
            self._unchecked.append(bet)

    def update(self, bet: Bet, book: MarketBook) -> str | None:
        """Answer an update of the persistence; return the error code."""
        if book.status != "OPEN":
            return self._refuse(bet, "ERROR_IN_ORDER")
        if book.definition.persistence_enabled is False:
            return self._refuse(bet, "INVALID_PERSISTENCE_TYPE")
        if bet.kind != LIMIT or bet.size_remaining <= 0:
            return self._refuse(bet, "BET_ACTION_ERROR")
        return None

    def _refuse(self, bet: Bet, error: str) -> str:
        # Simulation rule: a bet that was completed before its cancel or update failed is open again for its
        # sender, and nothing but a starting price or another cancel completes it any more.
        if bet.is_complete:
            bet.is_complete = False
            bet.is_unlisted = True
            if self.is_isolated:
                self._enter(bet)
        return error

    def _note(self, bet: Bet) -> None:
        if not bet.is_changed:
            bet.is_changed = True
            self._changed.append(bet)

    def _settle(self, book: MarketBook) -> Sequence[Bet]:
        # after the pass, bets with nothing left are complete; those placed just now were not before
        for bet in self._unchecked:
            if book.bsp_reconciled and not bet.takes_sp and not self._is_blind:
                bet.is_sp_settled = True
            if bet.size_remaining == 0 and bet.kind == LIMIT and not bet.is_unlisted:
                self.complete(bet)
        self._unchecked.clear()
        changed, self._changed = self._changed, []
        for bet in changed:
            bet.is_changed = False
            if bet.is_sp_done or (bet.kind == LIMIT and bet.size_remaining == 0 and not bet.is_unlisted):
                self.complete(bet)
        return changed

    def _enter(self, bet: Bet) -> None:
        bet.is_live = True
        group = bet.group if self.is_isolated else None
        groups = self.live.setdefault(bet.key, {})
        if group not in groups:
            groups[group] = Resting()
        groups[group].add(bet)

    def complete(self, bet: Bet) -> None:
        """Have done with a bet."""
        bet.is_complete = True
        if not bet.is_live:
            return
        bet.is_live = False
        group = bet.group if self.is_isolated else None
        groups = self.live[bet.key]
        groups[group].discard(bet)
        if not groups[group]:
            del groups[group]
            if not groups:
                del self.live[bet.key]


class MarketExchange(Bets):
    """The exchange's side of one market. Works on `Bet` records alone, whoever sent them.

    Of a book only runners are visited that have live bets and changed, and those that are no longer
    ACTIVE; all live bets are visited where a market definition arrives (status, version, starting prices
    and removals come with definitions alone) and, under `is_matching_available`, at each book.

    :param is_matching_available: match resting bets against visible prices too, at each book anew.
    :ivar on_blind: called once with the runner that bets are not matched beyond, see `_match_until_blind`.
    """

    __slots__ = ("_removals", "is_matching_available", "on_blind", "volume")

    def __init__(self, profile: Profile, is_isolated: bool = True, is_matching_available: bool = False) -> None:
        super().__init__(profile, is_isolated)
        self.is_matching_available = is_matching_available
        self.on_blind: Callable[[RunnerKey], None] | None = None
        self.volume = TradedVolume()
        self._removals: set[tuple[int, float, float | None]] = set()

    def before_book(self, previous: MarketBook, book: MarketBook) -> None:
        """Keep what `previous` knows of runners that stop being ACTIVE with `book`; to be called first."""
        if self.volume.definition is not None and book.status != "CLOSED":
            self.volume.put_to_rest(book.definition.runner_statuses, previous)

    def after_book(self, book: MarketBook, market_type: str | None) -> Sequence[Bet]:
        """Let `book` act on the bets; return those that it changed.

        :param market_type: WIN, PLACE, ...: how a removal scales MARKET_ON_CLOSE lays. Not looked at unless
            the book brings a new definition.
        """
        volume = self.volume
        if book.definition is volume.definition:
            return self.after_usual_book(book)
        volume.define(book)
        self._remove_runners(book, market_type)
        if self.live:
            self._is_blind = any(key not in volume for key in self.live)
            if self._is_blind:
                self._match_until_blind(book)
            else:
                self._match_all(book)
        return self._settle(book) if self._unchecked or self._changed else NO_BETS

    def after_usual_book(self, book: MarketBook) -> Sequence[Bet]:
        """Let a book that brings prices and volumes, and no definition, act on the bets."""
        volume, unchecked = self.volume, self._unchecked
        if volume.fresh:
            volume.fresh.clear()
        if self.live:
            if unchecked:
                suspects = self.live if self._is_blind else [bet.key for bet in unchecked if bet.is_live]
                self._is_blind = any(key not in volume for key in suspects)
            if self._is_blind:
                self._match_until_blind(book)
            elif self.is_matching_available:
                self._match_all(book)
            else:
                self._match_traded(book)
        return self._settle(book) if unchecked or self._changed else NO_BETS

    def _traded(self, key: RunnerKey, book: MarketBook) -> Traded:
        # a copy, for one group to use up
        runner = book.runner(*key)
        return {} if runner is None else self.volume.traded(key, runner, book).copy()

    def _match_traded(self, book: MarketBook) -> None:
        live, dormant = self.live, self.volume.dormant
        if self._queue.reads_ladders:
            for key in {**dict.fromkeys(book.changed), **dormant}:
                changed = book.runner(*key)
                if key in live and changed is not None:
                    self._revise(live[key], changed)
        for key, runner in book.traded_among(live).items():
            if key not in dormant and runner.traded_before is not None:
                self._offer_all(live[key], traded_between(runner.traded_before, runner.ex.traded_volume), book)
        for key in dormant:
            if key in live and book.runner(*key) is not None:
                self._offer_all(live[key], dormant[key].traded, book)

    def _offer_all(self, groups: dict[object, Resting], traded: Traded, book: MarketBook) -> None:
        if traded:
            for resting in groups.values():
                self._offer(resting, traded.copy(), book)

    def _offer(self, resting: Resting, traded: dict[float, float], book: MarketBook) -> None:
        publish_time, is_reconciled = book.publish_time_epoch, book.bsp_reconciled
        queue, liquidity = self._queue, self._liquidity
        prices = list(traded)
        lowest, highest = prices[0], prices[-1]
        for bets, is_back in ((resting.lays, False), (resting.backs, True)):
            for bet in bets:
                price = bet.price
                if price is None or bet.kind != LIMIT:
                    continue
                if price > highest if is_back else price < lowest:
                    break
                if is_reconciled and not bet.is_sp_settled and bet.takes_sp:
                    continue
                if match_traded(bet, price, traded, publish_time, queue, liquidity):
                    self._note(bet)

    def _match_all(self, book: MarketBook) -> None:
        for key, groups in self.live.items():
            runner = book.runner(*key)
            if runner is not None and self._queue.reads_ladders:
                self._revise(groups, runner)
            for resting in groups.values():
                traded = self._traded(key, book)
                for bet in resting:
                    self._visit(bet, traded, book)

    def _visit(self, bet: Bet, traded: dict[float, float], book: MarketBook) -> None:
        # every rule of a book, for one bet
        publish_time = book.publish_time_epoch
        if book.bsp_reconciled and not bet.is_sp_settled:
            if bet.takes_sp:
                price = starting_price(book.runner(bet.selection_id, bet.handicap))
                if price is not None:
                    settle_at_sp(bet, price, publish_time)
                    self._note(bet)
                return
            bet.is_sp_settled = True
        price = bet.price
        if bet.kind != LIMIT or price is None:
            return
        if traded and match_traded(bet, price, traded, publish_time, self._queue, self._liquidity):
            self._note(bet)
        if self.is_matching_available:
            runner = self.volume.prices(bet.key, book)
            if runner is not None and match_available(bet, price, runner, publish_time, self._liquidity):
                self._note(bet)
        if lapse_on_new_version(bet, book):
            self._note(bet)

    def _match_until_blind(self, book: MarketBook) -> None:
        # Simulation rule: the pass over a market's bets ends at the first whose runner was not ACTIVE
        # since the market opened; the bets after it, of all groups, see nothing of the book.
        groups: dict[object, list[Bet]] = {}
        for bet in self.bets:
            bets = groups.setdefault(bet.group if self.is_isolated else None, [])
            if bet.is_live:
                bets.append(bet)
        for bets in groups.values():
            traded: dict[RunnerKey, Traded] = {}
            for bet in sorted(bets, key=_turn_in_market):
                if bet.key not in self.volume:
                    if self.on_blind is not None:
                        self.on_blind(bet.key)
                        self.on_blind = None
                    return
                if bet.key not in traded:
                    traded[bet.key] = self._traded(bet.key, book)
                self._visit(bet, traded[bet.key], book)

    def _remove_runners(self, book: MarketBook, market_type: str | None) -> None:
        # Simulation rule: a removal is recognised once by runner and adjustment factor; without a factor it
        # does nothing.
        removed: dict[RunnerKey, float] = {}
        for raw in book.definition.runners:
            if raw.get("status") == "REMOVED":
                key, factor = key_of(raw), raw.get("adjustmentFactor")
                if (*key, factor) not in self._removals:
                    self._removals.add((*key, factor))
                    if factor:
                        removed[key] = factor
        if not removed or not self.bets:
            return
        factors = {(r.selection_id, r.handicap): r.adjustment_factor for r in book.runners}
        for key in (key for key in factors if key in removed):
            for bet in self.bets:
                if apply_removal(bet, key, removed[key], factors.get(bet.key), market_type):
                    self._note(bet)

    def _revise(self, groups: dict[object, Resting], runner: RunnerBook) -> None:
        for resting in groups.values():
            for bet in resting:
                if bet.price is not None:
                    ex = runner.ex
                    levels = ex.available_to_lay if bet.side == "BACK" else ex.available_to_back
                    bet.queue = self._queue.revised(bet.queue, bet.price, levels)

    def close(self) -> None:
        """Forget traded volumes, as after a closing; bets and removals stay, should the market open again."""
        self.volume.forget()


def _turn_in_market(bet: Bet) -> tuple[int, float, int]:
    if bet.kind == MARKET_ON_CLOSE:
        return (2, 0.0, bet.sequence)
    return (int(bet.side == "BACK"), *_turn(bet))
