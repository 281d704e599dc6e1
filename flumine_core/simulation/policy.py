"""The three small policies of a matching profile, each a named value, and the profiles by name."""

from collections.abc import Sequence
from typing import Protocol, Self

import attrs

from ..book.price import PriceSize
from ..errors import SettingsError
from ..hint import did_you_mean


class ReleasePolicy(Protocol):
    """When a request that waits is carried out; all times in seconds since the request."""

    @property
    def name(self) -> str:
        """Name of the policy."""
        ...

    def is_due(self, elapsed: float, latency: float) -> bool:
        """Whether a request may be looked at, at a book of its own market."""
        ...

    def is_placeable(self, elapsed: float, latency_and_delay: float, models: Sequence[str] | None) -> bool:
        """Whether placing may be tried, given the market's bet delay models."""
        ...

    def is_delay_over(self, elapsed: float, latency_and_delay: float) -> bool:
        """Whether a bet that would be matched at once may be placed."""
        ...


class QueuePolicy(Protocol):
    """How much stands ahead of a resting bet at its price, in pounds, and how that shrinks."""

    @property
    def name(self) -> str:
        """Name of the policy."""
        ...

    @property
    def reads_ladders(self) -> bool:
        """Whether `revised` is to be asked at each change of the bet's runner."""
        ...

    def joined(self, price: float, levels: Sequence[PriceSize]) -> float:
        """Return the queue that a bet finds when it comes to rest at `price` on the ladder `levels`."""
        ...

    def volume(self, traded: float) -> float:
        """Return how much of the traded volume, as published, counts against queue and bet."""
        ...

    def published(self, volume: float) -> float:
        """Return the published volume that stands for `volume`: the inverse of `volume()`."""
        ...

    def revised(self, queue: float, price: float, levels: Sequence[PriceSize]) -> float:
        """Return the queue after a change of the ladder that the bet rests on."""
        ...


class LiquidityPolicy(Protocol):
    """Whether own bets consume what they take."""

    @property
    def name(self) -> str:
        """Name of the policy."""
        ...

    def for_market(self) -> Self:
        """Return what one market works with: a fresh object if the policy remembers anything."""
        ...

    def offered(self, key: tuple[int, float], side: str, levels: Sequence[PriceSize]) -> Sequence[PriceSize]:
        """Return what of the visible `levels` a bet on `side` of the runner `key` may take."""
        ...

    def took(self, key: tuple[int, float], side: str, price: float, size: float) -> None:
        """Take note that a bet on `side` of the runner `key` took `size` of the visible level at `price`."""
        ...

    def left(self, traded: float, used: float) -> float:
        """Return what of the traded volume is left for the bets that follow in the same group."""
        ...


@attrs.frozen
class NextBookOfItsMarket:
    """A request is carried out by the first book of its own market with elapsed > latency.

    Simulation rule: the latency is exceeded strictly. Placing further waits until latency + bet delay is
    reached, save where the market's bet delay models name PASSIVE; a bet that would be matched at once waits
    until it is exceeded.
    """

    name: str = "next-book-of-its-market"

    def is_due(self, elapsed: float, latency: float) -> bool:
        """Return elapsed > latency."""
        return elapsed > latency

    def is_placeable(self, elapsed: float, latency_and_delay: float, models: Sequence[str] | None) -> bool:
        """Return whether the delay is reached or may be skipped by passive bets."""
        return elapsed >= latency_and_delay or (models is not None and "PASSIVE" in models)

    def is_delay_over(self, elapsed: float, latency_and_delay: float) -> bool:
        """Return elapsed > latency and delay."""
        return elapsed > latency_and_delay


@attrs.frozen
class TradedVolumeQueue:
    """Only traded volume shortens the queue; cancellations ahead are never seen.

    Simulation rule: the queue is what was visible at exactly the bet's price; published volume counts both
    sides, so half of it was matched against the queue.
    """

    name: str = "traded-volume"
    reads_ladders: bool = False

    def joined(self, price: float, levels: Sequence[PriceSize]) -> float:
        """Return the size visible at `price`, else 0."""
        for level in levels:
            if level.price == price:
                return level.size
        return 0.0

    def volume(self, traded: float) -> float:
        """Return half of it."""
        return traded / 2

    def published(self, volume: float) -> float:
        """Return twice of it."""
        return volume * 2

    def revised(self, queue: float, price: float, levels: Sequence[PriceSize]) -> float:
        """Return it unchanged."""
        return queue


@attrs.frozen
class ConsumedVolumeOnly:
    """Own bets share traded volume within a group, and leave visible prices as they are.

    Simulation rule: two aggressive bets both take the same visible volume.
    """

    name: str = "consumed-volume-only"

    def for_market(self) -> Self:
        """Return itself: nothing is remembered."""
        return self

    def offered(self, key: tuple[int, float], side: str, levels: Sequence[PriceSize]) -> Sequence[PriceSize]:
        """Return all of them."""
        return levels

    def took(self, key: tuple[int, float], side: str, price: float, size: float) -> None:
        """Do nothing."""

    def left(self, traded: float, used: float) -> float:
        """Return the difference, at least 0."""
        return max(traded - used, 0.0)


@attrs.frozen
class Profile:
    """One way of matching: a named set of three policies."""

    name: str
    release: ReleasePolicy
    queue: QueuePolicy
    liquidity: LiquidityPolicy


FLUMINE = Profile("flumine", NextBookOfItsMarket(), TradedVolumeQueue(), ConsumedVolumeOnly())
"""Equal to flumine 3.3.2."""

PROFILES: dict[str, Profile] = {FLUMINE.name: FLUMINE}
"""The profiles that `Settings.simulation` may name."""


def find_profile(name: str) -> Profile:
    """Return a profile by name.

    :raises SettingsError: where there is none of that name; names the nearest.
    """
    profile = PROFILES.get(name)
    if profile is None:
        raise SettingsError(f"simulation must be the name of a profile, was {name!r}{did_you_mean(name, PROFILES)}")
    return profile
