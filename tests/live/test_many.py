"""Many markets and many requests without an answer: what each costs does not grow with how many there are."""

import random
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import msgspec

from flumine_core import LimitOrder, MarketStream, Settings, Trade
from flumine_core.live.bet import Bet
from flumine_core.live.login import CallError
from flumine_core.live.marketstream import LiveMarketStream
from flumine_core.live.request import AnswerEvent, LookEvent
from flumine_core.live.unknown import Unknowns

from .conftest import Report, image
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


def test_a_change_of_two_markets_does_not_go_through_all() -> None:
    account: Any = SimpleNamespace(username="me", endpoints=None, betting_client=None)
    stream = LiveMarketStream(MarketStream(stream_id=1), account, Settings(), Report())
    stream._is_synced = True

    def books(changes: list[Any]) -> int:
        line = msgspec.json.encode({"op": "mcm", "id": 0, "clk": "A", "pt": 1, "mc": changes})
        return sum(len(event.market_books) for event in stream._read(line) if hasattr(event, "market_books"))

    assert books([image(f"1.{number}") for number in range(COUNT)]) == COUNT
    stream._markets = markets = Walked(stream._markets)
    assert books([{"id": f"1.{number}", "rc": [{"id": 11, "ltp": 3.0}]} for number in (1, 2)]) == 2
    assert markets.walks == 0


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
    orders = [
        Trade(MARKET, 11, 0, world.strategy).create_order("BACK", LimitOrder(3.0, 2.0)) for _ in range(COUNT)
    ]  # fmt: skip
    bets = []
    for number, order in enumerate(orders):
        world.market.place_order(order, force=True)
        world.kernel.drain()
        ref = order.customer_order_ref
        bets.append(Bet(bet_id=f"{number}", market_id=MARKET, selection_id=11, price=3.0, size=2.0, size_remaining=2.0,
                        customer_order_ref=ref))  # fmt: skip
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
