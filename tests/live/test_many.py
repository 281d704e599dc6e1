"""Many requests without an answer: what each costs does not grow with how many there are."""

import random
from collections.abc import Iterator
from typing import Any

from flumine_core import LimitOrder, Trade
from flumine_core.live.bet import Bet
from flumine_core.live.login import CallError
from flumine_core.live.request import AnswerEvent, LookEvent
from flumine_core.live.unknown import Unknowns

from .test_interleavings import MARKET, World

COUNT = 50


class Walked(dict[str, Any]):
    """Counts how often somebody goes through all values."""

    walks = 0

    def values(self) -> Any:
        self.walks += 1
        return super().values()


class Listed(list[Any]):
    """Counts how often somebody goes through all of it."""

    walks = 0

    def __iter__(self) -> Iterator[Any]:
        self.walks += 1
        return super().__iter__()


def lost(unknowns: Unknowns, request: Any) -> list[Any]:
    error = CallError("NO_ANSWER", "gone", is_refused=False)
    return list(unknowns.answered(AnswerEvent(request=request, error=error)))


def test_an_answer_that_is_lost_does_not_go_through_all_requests() -> None:
    world = World(random.Random(1))
    for _ in range(COUNT):
        order = Trade(MARKET, 11, 0, world.strategy).create_order("BACK", LimitOrder(3.0, 2.0))
        world.market.place_order(order, force=True)
        world.kernel.drain()
    world.unknowns.asks = asks = Walked(world.unknowns.asks)
    for request, _ in world.requests:
        (report,) = lost(world.unknowns, request)
        assert report.order is request.asks[0].order
    assert asks.walks == 0 and len(world.unknowns.due()) == 0


def test_a_look_goes_through_its_bets_once_or_twice() -> None:
    world = World(random.Random(1))
    terms: dict[str, Any] = {"market_id": MARKET, "selection_id": 11, "price": 3.0, "size": 2.0, "size_remaining": 2.0}
    orders, bets = [], []
    for number in range(COUNT):
        order = Trade(MARKET, 11, 0, world.strategy).create_order("BACK", LimitOrder(3.0, 2.0))
        world.market.place_order(order, force=True)
        world.kernel.drain()
        orders.append(order)
        bets.append(Bet(bet_id=f"{number}", customer_order_ref=order.customer_order_ref, **terms))
    for report in world.unknowns.seen(bets):
        world.kernel.take_report(report)
    world.requests.clear()
    for order in orders:
        world.market.cancel_order(order, force=True)
        world.kernel.drain()
    for request, _ in world.requests:
        for report in lost(world.unknowns, request):
            world.kernel.take_report(report)
        request.last_ended = world.now
    world.now += 100
    asks = world.unknowns.due()
    listed = Listed(bets)
    reports = list(world.unknowns.looked(LookEvent(asks=asks, bets=listed, started=world.now - 50)))
    assert {report.order for report in reports} == set(orders) and len(asks) == COUNT
    assert listed.walks <= 2 and not any(ask.missing for ask in asks)
