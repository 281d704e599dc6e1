"""The life of a synthetic market as market changes: image, pre-off, removals, the off, play, result."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from .definition import State, definition, iso
from .dice import Dice
from .field import make_field
from .prices import FEWEST, MOST, Prices, number, pounds
from .walk import LineWalk, OddsWalk, Walk

if TYPE_CHECKING:
    from .market import SyntheticMarket

Change = tuple[int, dict[str, Any]]
"""A publish time in ms and one item of a line's `mc`."""

Extra = dict[int, dict[str, Any]]
"""Further fields of a runner's change, by the runner's index."""

PRE_OFF = 0.75
"""The share of price updates before the off, in a market that is turned in play."""

LEAD_MS = 600_000
"""Least time from the first line to the scheduled start; longer where that gave under 100 ms an update."""


class Life:
    """One run through a market's life; the dice fall as the description's seed and ids have it."""

    def __init__(self, market: "SyntheticMarket") -> None:
        self.market = market
        self.kind = kind = market.kind
        self.field = field = make_field(kind, market.number_of_runners, market.seed, market.event_id)
        digits = int(market.market_id.replace(".", ""))
        self.dice = Dice(market.seed * 1_000_003 + digits * 7 + sum(map(ord, kind.name)))
        ladder = kind.prices
        self.walk: Walk
        if kind.line is None:
            strengths = [runner.strength for runner in field.runners]
            self.walk = OddsWalk(strengths, market.paid_of(field.finish), kind.paid, ladder)
        else:
            self.walk = LineWalk(self.dice, ladder)
        wire = [number(price) for price in ladder]
        self.prices = [Prices(wire, 60 + 900 * runner.strength) for runner in field.runners]
        self.state = State(5_000_000_000 + self.dice.below(900_000_000), list(range(len(field.runners))))
        self.updates_before = int(market.updates * PRE_OFF) if market.in_play else market.updates
        self.lead_ms = max(LEAD_MS, self.updates_before * 100)
        self.start_ms = market.start_ms + self.lead_ms
        self.now = market.start_ms
        self.stakes = [0] * len(field.runners)
        self._rate()

    def changes(self) -> Iterator[Change]:
        """Yield the market's changes from its image to its (last) closing."""
        market = self.market
        yield self._image()
        yield from self._before_the_off()
        yield from self._off()
        if market.in_play:
            yield from self._play(market.updates - self.updates_before)
        yield from self._close(market.result_of(self.field.finish))
        if market.reopen_after_close:
            yield from self._reopen()

    def _image(self) -> Change:
        for prices, centre in zip(self.prices, self.walk.centres(), strict=True):
            prices.settle(self.dice, centre, FEWEST + 2 + self.dice.below(8), MOST)
        extra = {index: {"spn": "Infinity", "spf": "NaN"} for index in self._active() if self.kind.has_bsp}
        now, change = self._change(defined=True, extra=extra)
        return now, change | {"img": True}

    def _before_the_off(self) -> Iterator[Change]:
        count = self.updates_before
        removals = self.market.removals
        # in the middle of quiet trading, each at an update of its own
        at = {count * (each + 2) // (removals + 4) for each in range(removals)}
        withdrawals = iter(self.field.withdrawals)
        for update in range(count):
            self._tick(self.lead_ms / count)
            if update in at:
                yield from self._remove(next(withdrawals))
            active = self._active()
            for _ in range(1 + self.dice.below(3)):
                self.walk.drift(self.dice, active[self.dice.below(len(active))])
            chosen = active[self.dice.below(len(active))]
            self._follow({chosen}, 1, FEWEST + 2, 3)
            prices = self.prices[chosen]
            prices.stir(self.dice)
            if self.dice.chance(0.35):
                prices.trade(self.dice)
            extra = self._starting_prices(chosen) if self.kind.has_bsp and self.dice.chance(0.03) else None
            yield self._ensured(chosen, extra)

    def _remove(self, index: int) -> Iterator[Change]:
        """Withdraw a runner: suspend, mark it removed and empty its book, open again."""
        yield self._turn("SUSPENDED")
        self._tick(400)
        runner = self.field.runners[index]
        runner.status = "REMOVED"
        runner.removal_date = iso(self.now // 1000 * 1000)
        self.state.order.remove(index)
        self.state.order.append(index)
        self.walk.remove(index)
        self._rate()
        self.prices[index].void()
        gone: Extra = {index: {"spn": "NaN", "spf": "NaN"}} if self.kind.has_bsp else {}
        yield self._change(defined=True, extra=gone)
        self._tick(15_000)
        yield self._turn("OPEN")
        self._tick(300)

    def _off(self) -> Iterator[Change]:
        """Suspend at the off, reconcile the starting prices, and turn in play where the market is."""
        self.now = max(self.now, self.start_ms) + self.dice.below(20_000)
        yield self._turn("SUSPENDED")
        self._tick(300)
        for prices in self.prices:
            prices.clear()
        if self.kind.has_bsp:
            self._reconcile()
            yield self._turn("SUSPENDED")
        else:
            yield self._change()
        if self.market.in_play:
            self._tick(400)
            self.state.in_play = True
            self.state.bet_delay = self.market.delay
            self._follow(set(self._active()), 0, 8, 8)
            yield self._turn("OPEN")

    def _reconcile(self) -> None:
        self.state.bsp_reconciled = True
        active = self._active()
        runners = self.field.runners
        for index in active:
            runners[index].bsp = min(1000.0, max(1.01, self.walk.fair(index) * self.dice.between(0.98, 1.02)))
        if self.market.missing_bsp:
            weakest = sorted(active, key=lambda index: runners[index].strength)
            runners[weakest[0]].bsp = "NaN"
            runners[weakest[1]].bsp = None

    def _play(self, count: int) -> Iterator[Change]:
        """Trade in play, faster and wilder; a match is suspended twice, for a goal or a wicket."""
        active = self._active()
        goals = set() if self.kind.is_race else {count // 3, count * 2 // 3}
        steps = max(1, count * 2 // len(active))
        for update in range(count):
            self._tick(self.kind.in_play_ms / count)
            if update in goals:
                yield from self._goal()
            chosen = {active[self.dice.below(len(active))] for _ in range(2)}
            for index in sorted(chosen):
                self.walk.play(self.dice, index, update / count, steps)
            for index in self._follow(chosen, 2, 6, 4):
                if self.dice.chance(0.6):
                    self.prices[index].trade(self.dice)
                self.prices[index].stir(self.dice)
            yield self._ensured(min(chosen))

    def _goal(self) -> Iterator[Change]:
        yield self._suspend()
        self.walk.jump(self.dice)
        self._tick(45_000)
        self._follow(set(self._active()), 0, 6, 6)
        yield self._turn("OPEN")
        self._tick(300)

    def _close(self, result: dict[int, str]) -> Iterator[Change]:
        """Suspend, then close with `result`, the statuses by index of those who have not lost."""
        if self.state.status == "OPEN":
            self._tick(500)
            yield self._suspend()
        self._tick(90_000)
        self.state.settled_ms = self.now // 1000 * 1000
        for index in self._active():
            self.field.runners[index].status = result.get(index, "LOSER")
        yield self._turn("CLOSED")

    def _reopen(self) -> Iterator[Change]:
        """Open the closed market again for a few updates, and close it with another result."""
        self._tick(60_000)
        for runner in self.field.runners:
            if runner.status != "REMOVED":
                runner.status = "ACTIVE"
        self.state.settled_ms = None
        yield self._turn("SUSPENDED")
        self._tick(5_000)
        self._follow(set(self._active()), 0, 6, 6)
        yield self._turn("OPEN")
        yield from self._play(20)
        winner, *others = (index for index in self.field.finish if self.field.runners[index].is_active)
        yield from self._close(self.market.result_of([*others, winner]))

    def _suspend(self) -> Change:
        """Suspend and take every offer away."""
        for prices in self.prices:
            prices.clear()
        return self._turn("SUSPENDED")

    def _turn(self, status: str) -> Change:
        """Return the change to `status`, with a new version and everything else that has changed."""
        self.state.status = status
        self.state.version += 2 + 2 * self.dice.below(20)
        return self._change(defined=True)

    def _change(self, *, defined: bool = False, extra: Extra | None = None) -> Change:
        """Return all that changed since the last one, the definition too if `defined`."""
        market = self.market
        change: dict[str, Any] = {"id": market.market_id}
        if defined:
            change["marketDefinition"] = definition(
                self.kind,
                self.field,
                self.state,
                event_id=market.event_id,
                start_ms=self.start_ms,
                plays=market.in_play,
                passive=market.passive_delay,
            )
        runner_changes = []
        for index, prices in enumerate(self.prices):
            runner_change = prices.drain()
            if extra and index in extra:
                runner_change |= extra[index]
            if runner_change:
                runner_changes.append(runner_change | {"id": self.field.runners[index].id})
        if runner_changes:
            change["rc"] = runner_changes
        if any("trd" in runner_change for runner_change in runner_changes):
            change["tv"] = pounds(sum(prices.volume for prices in self.prices))
        return self.now, change

    def _ensured(self, index: int, extra: Extra | None = None) -> Change:
        """Return the change, stirring the book of the runner at `index` until there is one."""
        now, change = self._change(extra=extra)
        while "rc" not in change:
            self.prices[index].stir(self.dice)
            now, change = self._change()
        return now, change

    def _follow(self, chosen: set[int], slack: int, fewest: int, at_most: int) -> list[int]:
        """Move to their fair prices the books of `chosen`, and all that are over `slack` ticks off."""
        centres = self.walk.centres()
        active = self._active()
        moved = [i for i in active if i in chosen or abs(centres[i] - self.prices[i].centre) > slack]
        for index in moved:
            self.prices[index].settle(self.dice, centres[index], fewest, at_most)
        return moved

    def _starting_prices(self, index: int) -> Extra:
        """Return new projected starting prices of a runner, and more money that waits for them."""
        fair = self.walk.fair(index)
        self.stakes[index] += 200 + self.dice.below(20_000)
        return {
            index: {
                "spn": round(fair * self.dice.between(0.96, 1.04), 2),
                "spf": round(fair * self.dice.between(0.9, 1.1), 2),
                "spl": [[1.01, pounds(self.stakes[index])]],
                "spb": [[1000, pounds(self.stakes[index] * 2)]],
            }
        }

    def _rate(self) -> None:
        """Set adjustment factors from the chances of the moment; that of a withdrawn runner stays."""
        if self.kind.is_race and isinstance(self.walk, OddsWalk):
            for runner, chance in zip(self.field.runners, self.walk.chances(), strict=True):
                if runner.is_active:
                    runner.adjustment_factor = round(100 * chance, 2)

    def _active(self) -> list[int]:
        return [index for index, runner in enumerate(self.field.runners) if runner.is_active]

    def _tick(self, mean_ms: float) -> None:
        self.now += max(1, int(mean_ms * self.dice.between(0.3, 1.7)))
