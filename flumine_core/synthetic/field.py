"""Who takes part: runners with ids, names and strength, how they finish, and who is withdrawn."""

from attrs import define

from .dice import Dice
from .kind import Kind

_FIRST = (
    "Amber",
    "Brave",
    "Copper",
    "Distant",
    "Eager",
    "Fallow",
    "Golden",
    "Harbour",
    "Ivory",
    "Jolly",
    "Keen",
)
_SECOND = ("Arrow", "Brook", "Comet", "Drummer", "Echo", "Falcon", "Galleon", "Heather", "Islander", "Jester")
_TOWNS = ("Abbotsley", "Brackwater", "Cragmoor", "Dunholme", "Eastmere", "Fenwick Hill", "Garside")

THE_DRAW = 58805
"""Betfair's own id of the draw."""

UNTOUCHED = 4
"""The first so many to finish are not withdrawn, so that all markets of an event withdraw the same."""


@define(eq=False)
class Runner:
    """One runner and what the definition says of it as the market goes on."""

    id: int
    name: str
    strength: float
    status: str = "ACTIVE"
    adjustment_factor: float | None = None
    bsp: float | str | None = None
    removal_date: str | None = None

    @property
    def is_active(self) -> bool:
        """Whether the runner is still in the market."""
        return self.status == "ACTIVE"


@define
class Field:
    """The runners of an event; markets of one event and seed share it.

    `finish` holds indices of `runners` in the order of the result, `withdrawals` those of runners that may be
    withdrawn, in that order.
    """

    runners: list[Runner]
    finish: list[int]
    withdrawals: list[int]
    venue: str


def make_field(kind: Kind, count: int, seed: int, event_id: str) -> Field:
    """Return `count` runners and their fate, as `seed` and `event_id` have it."""
    dice = Dice(seed * 1_000_003 + int(event_id))
    venue = _TOWNS[dice.below(len(_TOWNS))]
    base = 10_000_000 + int(event_id) % 1_000_000 * 100
    if kind.is_race:
        runners = [
            Runner(base + rank, f"{rank}. {_name(dice, rank)}", 0.02 + dice.unit() * dice.unit() * dice.unit())
            for rank in range(1, count + 1)
        ]
    elif kind.line is not None:
        runners = [Runner(base + 1, "Total Runs", 1.0)]
    else:
        away = _TOWNS[dice.below(len(_TOWNS))]
        runners = [
            Runner(base + 1, f"{venue} Rovers", dice.between(0.3, 0.7)),
            Runner(base + 2, f"{away} United", dice.between(0.2, 0.6)),
            Runner(THE_DRAW, "The Draw", dice.between(0.25, 0.33)),
        ]
    finish = _finish(dice, [runner.strength for runner in runners])
    losers = sorted(finish[min(UNTOUCHED, count) :], key=lambda index: -runners[index].strength)
    # the strongest first, whose factor reduces prices, then the weakest, whose factor seldom does
    withdrawals = [losers[0], losers[-1], *losers[1:-1]] if len(losers) > 1 else losers
    return Field(runners, finish, withdrawals, venue)


def _name(dice: Dice, rank: int) -> str:
    return f"{_FIRST[rank % len(_FIRST)]} {_SECOND[dice.below(len(_SECOND))]}"


def _finish(dice: Dice, strengths: list[float]) -> list[int]:
    left = list(strengths)
    order = []
    for _ in strengths:
        chosen = dice.weighted(left)
        order.append(chosen)
        left[chosen] = 0.0
    return order
