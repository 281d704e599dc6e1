"""Paper trading: what the simulated execution keeps of markets, and of one that several streams bring."""

import gc
import itertools
import weakref
from collections.abc import Callable
from typing import Any

import pytest

from flumine_core import OrderStatus

from .rig import MARKET, Rig

_NUMBERS = itertools.count()
PAPER: dict[str, Any] = {"client_options": {"paper_trade": True}, "is_ready": False}
LEAVING: dict[str, Any] = {"worker_start_delay": 1.0, "poll_cleared_orders_first": 1.0, "closed_market_life": 10.0}


@pytest.fixture
def paper(make_rig: Callable[..., Rig]) -> Callable[..., Rig]:
    """Return a function that starts a framework on paper and waits for its first book."""

    def make(**settings: Any) -> Rig:
        rig = make_rig(**PAPER, **settings)
        assert rig.trader.first_book.wait(30), rig.error
        return rig

    return make


def wait_by_books(rig: Rig, condition: Callable[[], Any]) -> None:
    """Have books published until a condition holds."""

    def holds() -> bool:
        rig.exchange.market(MARKET).set_price(33, [[1.5, 7.0 + next(_NUMBERS)]], [[1.6, 8.0]])
        return bool(condition())

    rig.wait_until(holds)


def trade_until_it_leaves(rig: Rig) -> list["weakref.ref[Any]"]:
    """Trade a market that closes and leaves; return references to it and to its orders."""
    filled, resting, waiting = rig.place(1.01), rig.place(900.0), rig.place(900.0)
    wait_by_books(rig, lambda: filled.complete and waiting.status is OrderStatus.EXECUTABLE)
    rig.ask(lambda: rig.market.cancel_order(waiting))
    rig.exchange.market(MARKET).close([11])
    rig.wait_until(lambda: rig.market.closed)
    kept = [weakref.ref(each) for each in (rig.market, filled, resting, waiting)]
    rig.wait_until(lambda: MARKET not in rig.framework.markets)
    assert waiting.refusal is not None and waiting.refusal.control == "Execution"
    return kept


def test_a_closed_market_and_its_orders_leave_memory_whatever_waits(paper: Callable[..., Rig]) -> None:
    rig = paper(**LEAVING, place_latency=0.0, cancel_latency=10_000.0)
    kept = trade_until_it_leaves(rig)

    def is_gone() -> bool:
        gc.collect()
        return all(each() is None for each in kept)

    rig.wait_until(is_gone)
    assert not rig.framework.faults.counts
