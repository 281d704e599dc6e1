"""A trader under a storm of faults: whatever fails, the orders end as the ledger has them."""

import random
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from flumine_core.errors import OrderError

from .crashing import step
from .rig import MARKET, Rig

OPERATIONS = ("placeOrders", "cancelOrders", "updateOrders", "replaceOrders")
LISTS = ("listCurrentOrders", "listClearedOrders")
HTTP = [
    ("http.before_execute", "drop", {}),
    ("http.before_execute", "rst", {}),
    ("http.before_execute", "status", {"status": 503}),
    ("http.before_execute", "error", {"code": "TIMEOUT_ERROR"}),
    ("http.before_execute", "error", {"code": "TOO_MANY_REQUESTS"}),
    ("http.before_execute", "revoke_sessions", {}),
    ("http.before_execute", "report_late", {"seconds": 0.3}),
    ("http.before_execute", "report_late", {}),
    ("http.before_execute", "report", {"status": "TIMEOUT"}),
    ("http.before_execute", "delay", {"seconds": 0.2}),
    ("http.after_execute", "drop", {}),
    ("http.after_execute", "html", {}),
    ("http.after_execute", "error", {"code": "UNEXPECTED_ERROR"}),
    ("http.after_execute", "remove_reports", {}),
    ("http.after_execute", "shuffle_reports", {}),
    ("http.after_execute", "add_field", {}),
    ("http.write", "half_body", {}),
    ("http.write", "hang", {}),
    ("http.write", "delay", {"seconds": 0.2}),
]
STREAM = [
    ("order.publish", "skip", {}),
    ("order.publish", "duplicate", {}),
    ("order.publish", "replay", {}),
    ("order.publish", "hold", {"seconds": 0.3}),
]


def raise_storm(rig: Rig, dice: random.Random) -> None:
    """Do some harm."""
    faults, chance = rig.exchange.faults, dice.random()
    if chance < 0.6:
        hook, action, params = dice.choice(HTTP)
        faults.add(hook, {"op": dice.choice(OPERATIONS)}, 1, action, **params)
    elif chance < 0.7:
        hook, action, params = dice.choice([each for each in HTTP if "report" not in each[1]])
        faults.add(hook, {"op": dice.choice(LISTS)}, 1, action, **params)
    elif chance < 0.9:
        hook, action, params = dice.choice(STREAM)
        faults.add(hook, None, 1, action, **params)
    elif chance < 0.93:
        rig.exchange.drop_streams("order", dice.choice(("drop", "rst")))
    elif chance < 0.95:
        rig.exchange.drop_http(dice.choice(("drop", "rst")))
    live = rig.ledger.live_bets()
    if live and chance > 0.5:
        bet, market = dice.choice(live), rig.exchange.market(MARKET)
        with suppress(OrderError):  # it is gone meanwhile
            if dice.random() < 0.7:
                market.match_bet(bet.bet_id, dice.choice((1.0, None)))
            else:
                market.lapse_bet(bet.bet_id)


def check_storm(make_rig: Callable[..., Rig], seed: int, steps: int) -> None:
    dice = random.Random(seed)
    rig = make_rig()
    pause = threading.Event()
    for _ in range(steps):
        raise_storm(rig, dice)
        rig.ask(lambda: step(rig, dice))
        pause.wait(0.005)
    rig.exchange.faults.clear()
    # what the stream was made to keep silent about is learnt when it connects anew
    rig.exchange.drop_streams("order")
    rig.agrees()
    rig.settled(rig.place())
    rig.agrees()
    assert rig.framework.faults.counts == {}


@pytest.mark.parametrize("seed", range(3))
def test_a_storm(make_rig: Callable[..., Rig], seed: int) -> None:
    check_storm(make_rig, seed, 150)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3, 40))
def test_many_storms(make_rig: Callable[..., Any], seed: int) -> None:
    check_storm(make_rig, seed, 300)
