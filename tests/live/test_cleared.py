"""Cleared orders of markets: an odd answer of one holds up no other."""

from types import SimpleNamespace
from typing import Any

import pytest

from flumine_core import Settings
from flumine_core.events import ClearedMarketsEvent
from flumine_core.live.cleared import ClearedMarkets, cleared_rows, poll_cleared_orders
from flumine_core.live.login import CallError


class Blotter:
    live_orders = ()

    def __init__(self, market_id: str) -> None:
        self._orders = [SimpleNamespace(bet_id=f"bet-{market_id}")]

    def client_orders(self, client: Any, matched_only: bool = False) -> list[Any]:
        return self._orders

    def __len__(self) -> int:
        return 1


class Framework:
    """Two closed markets, "1.1" before "1.2", and what is processed."""

    settings = Settings()
    is_running = True

    def __init__(self, is_raising: bool = False) -> None:
        ids = ("1.1", "1.2")
        self.markets = {
            each: SimpleNamespace(market_id=each, closed=True, status="CLOSED", blotter=Blotter(each)) for each in ids
        }
        self.cleared_market_queue = SimpleNamespace(empty=lambda: not self.queued, get_nowait=lambda: self.queued.pop())
        self.queued = list(reversed(ids))
        self.is_raising = is_raising
        self.told: list[str] = []

    def is_kernel_thread(self) -> bool:
        return True

    def process(self, event: Any) -> None:
        if isinstance(event, ClearedMarketsEvent):
            self.told.append(event.event.market_id)
        elif self.is_raising and event.market_id == "1.1":
            raise RuntimeError("a logging control")


class AnyApi:
    def __init__(self, odd: dict[str, Any]) -> None:
        self.odd = odd

    def call(self, operation: str, params: dict[str, Any]) -> Any:
        (market_id,) = params["marketIds"]
        row = {"betId": f"bet-{market_id}", "marketId": market_id}
        return self.odd.get(market_id, {"clearedOrders": [row], "moreAvailable": False})


def tracker_of(framework: Any, odd: dict[str, Any]) -> ClearedMarkets:
    client: Any = SimpleNamespace(username="me", paper_trade=False)
    api: Any = AnyApi(odd)
    return ClearedMarkets(framework, lambda: [(client, api)], None)


ODD = [None, [], "text", {}, {"clearedOrders": None}, {"clearedOrders": {}}]


@pytest.mark.parametrize("odd", ODD, ids=repr)
def test_an_odd_answer_of_one_market_starves_no_other(odd: Any) -> None:
    api: Any = AnyApi({"1.1": odd})
    with pytest.raises(CallError, match="listClearedOrders must bring clearedOrders"):
        cleared_rows(api, "1.1", None, None)
    framework = Framework()
    tracker = tracker_of(framework, {"1.1": odd})
    poll_cleared_orders(tracker)
    assert framework.told == ["1.2"]
    assert [each.market_id for each in tracker.waiting.values()] == ["1.1"]
    assert not tracker.due()


def test_what_one_market_raises_is_told_once_the_others_had_their_turn() -> None:
    framework = Framework(is_raising=True)
    tracker = tracker_of(framework, {})
    with pytest.raises(RuntimeError, match="a logging control"):
        poll_cleared_orders(tracker)
    assert framework.told == ["1.2"]
    assert list(tracker.waiting) == ["1.1"]
    assert not tracker.due()
