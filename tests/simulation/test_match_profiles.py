"""A matching profile is three named policies, and the engine asks each of them."""

from collections.abc import Sequence
from typing import Any

import attrs
import pytest

from flumine_core.book.price import PriceSize
from flumine_core.errors import SettingsError
from flumine_core.order.kinds import LimitOrder
from flumine_core.simulation.policy import (
    FLUMINE,
    PROFILES,
    ConsumedVolumeOnly,
    NextBookOfItsMarket,
    Profile,
    TradedVolumeQueue,
    find_profile,
)


def test_flumine_is_the_only_profile_and_the_default(house: Any) -> None:
    assert list(PROFILES) == ["flumine"]
    assert find_profile("flumine") is FLUMINE


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("flumin", "simulation must be the name of a profile, was 'flumin', did you mean 'flumine'"),
        ("other", "simulation must be the name of a profile, was 'other', known: 'flumine'"),
    ],
)
def test_unknown_profile_is_an_error(make_house: Any, name: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        make_house(simulation=name)


@attrs.frozen
class AtOnce(NextBookOfItsMarket):
    """Requests wait for the next book alone."""

    def is_due(self, elapsed: float, latency: float) -> bool:
        return True

    def is_placeable(self, elapsed: float, latency_and_delay: float, models: Sequence[str] | None) -> bool:
        return True

    def is_delay_over(self, elapsed: float, latency_and_delay: float) -> bool:
        return True


@attrs.frozen
class ShrinkingQueue(TradedVolumeQueue):
    """The queue is never longer than what is visible."""

    reads_ladders: bool = True

    def revised(self, queue: float, price: float, levels: Sequence[PriceSize]) -> float:
        return min(queue, self.joined(price, levels))


@attrs.define
class UsedUp(ConsumedVolumeOnly):
    """What was taken is not offered again."""

    taken: dict[Any, float] = attrs.field(factory=dict)

    def for_market(self) -> "UsedUp":
        return UsedUp()

    def offered(self, key: Any, side: str, levels: Sequence[PriceSize]) -> Sequence[PriceSize]:
        left = [PriceSize(o.price, o.size - self.taken.get((key, side, o.price), 0)) for o in levels]
        return [level for level in left if level.size > 0]

    def took(self, key: Any, side: str, price: float, size: float) -> None:
        self.taken[key, side, price] = self.taken.get((key, side, price), 0) + size


class AnotherSender(ConsumedVolumeOnly):
    """Somebody else's bet stands before what is visible."""

    def offered(self, key: Any, side: str, levels: Sequence[PriceSize]) -> Sequence[PriceSize]:
        return [PriceSize(3.0, 4), *levels]


@pytest.fixture
def profile(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    made = Profile("test", *request.param)
    monkeypatch.setitem(PROFILES, made.name, made)
    return made.name


@pytest.mark.parametrize("profile", [(AtOnce(), TradedVolumeQueue(), ConsumedVolumeOnly())], indirect=True)
def test_release_policy_decides_when(make_house: Any, profile: str) -> None:
    house = make_house(simulation=profile)
    house.book(0, {1: {"atb": [[2.0, 5]]}}, betDelay=5)
    order = house.place("BACK", LimitOrder(2.0, 5))
    house.book(1)
    assert (order.placed_ms, order.size_matched) == (1, 5)


@pytest.mark.parametrize("profile", [(NextBookOfItsMarket(), ShrinkingQueue(), ConsumedVolumeOnly())], indirect=True)
@pytest.mark.parametrize("definition", [{}, {"version": 2}])
def test_queue_policy_sees_the_ladders(make_house: Any, profile: str, definition: dict[str, int]) -> None:
    house = make_house(simulation=profile)
    house.book(0, {1: {"atl": [[2.0, 50]]}})
    order = house.place("BACK", LimitOrder(2.0, 5))
    house.book(200)
    house.book(300, {1: {"atl": [[2.0, 3]]}}, **definition)
    house.book(400, {1: {"trd": [[2.0, 10]]}})
    assert order.size_matched == 2


@pytest.mark.parametrize("profile", [(NextBookOfItsMarket(), TradedVolumeQueue(), UsedUp())], indirect=True)
def test_liquidity_policy_decides_what_is_offered(make_house: Any, profile: str) -> None:
    house = make_house(simulation=profile)
    house.book(0, {1: {"atb": [[2.0, 7], [1.9, 50]]}})
    orders = [house.place("BACK", LimitOrder(2.0, 5)) for _ in range(2)]
    killed = house.place("BACK", LimitOrder(1.9, 5, time_in_force="FILL_OR_KILL"))
    house.book(200)
    assert [order.size_matched for order in orders] == [5, 2]
    assert (killed.size_matched, killed.average_price_matched) == (5, 1.9)


@pytest.mark.parametrize("profile", [(NextBookOfItsMarket(), TradedVolumeQueue(), AnotherSender())], indirect=True)
def test_liquidity_policy_may_offer_what_is_not_visible(make_house: Any, profile: str) -> None:
    house = make_house(simulation=profile)
    house.book(0, {1: {"atb": [[2.0, 7]]}})
    order = house.place("BACK", LimitOrder(2.5, 5))
    house.book(200)
    assert (order.size_matched, order.average_price_matched) == (4, 3.0)
