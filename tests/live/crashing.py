"""A trader in a process of its own that places, cancels and replaces steadily, until it is killed at a chosen point.

Run as `python crashing.py DETAILS JOURNAL SEED POINT COUNT`: `DETAILS` is a JSON file about the exchange, `POINT` is
one of `flumine_core.live.crash`, and `COUNT` which time of reaching it is the last; 0 never.
A sixth argument holds settings, as JSON.
"""

import json
import os
import random
import signal
import sys
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from flumine_core import LimitOrder, Settings, Trade
from flumine_core.kernel.discovery import Discovery
from flumine_core.live import crash
from tests.live.rig import MARKET, WAITS, Rig, client_of

STEPS = 400


def kill_at(point: str, count: int) -> None:
    """Die, without a goodbye, when a point is reached for the `count`-th time."""
    lock = threading.Lock()
    left = [count]

    def watcher(reached: str) -> None:
        if reached == point:
            with lock:
                left[0] -= 1
                if left[0] == 0:
                    os.kill(os.getpid(), signal.SIGKILL)

    if count:
        crash.watch(watcher)


def step(rig: Rig, dice: random.Random) -> bool:
    """Do one thing."""
    market, trader = rig.market, rig.trader
    executable = [order for order in market.blotter.live_orders if order.bet_id and order.status.name == "EXECUTABLE"]
    choice = dice.random()
    if choice < 0.4 or not executable:
        trade = Trade(MARKET, dice.choice((11, 22, 33)), 0, trader)
        kind = LimitOrder(dice.choice((1.9, 3.0, 4.0, 5.0)), dice.choice((2.0, 4.0)))
        return bool(market.place_order(trade.create_order("BACK", kind)))
    order = dice.choice(executable)
    if choice < 0.6:
        return bool(market.cancel_order(order))
    if choice < 0.7:
        return bool(market.cancel_order(order, 1.0) if order.size_remaining > 1 else market.cancel_order(order))
    if choice < 0.8:
        wanted = "PERSIST" if order.order_type.persistence_type == "LAPSE" else "LAPSE"
        return bool(market.update_order(order, wanted))
    return bool(market.replace_order(order, 6.0 if order.order_type.price != 6.0 else 7.0))


def main() -> None:
    details, journal, seed, point, count, *options = sys.argv[1:]
    settings: dict[str, Any] = json.loads(options[0]) if options else {}
    exchange: Any = SimpleNamespace(**json.loads(Path(details).read_text()))
    dice = random.Random(int(seed))
    rig = Rig(exchange, client_of(exchange), Settings(**{**WAITS, "journal": journal, **settings}), Discovery())
    rig.start()
    kill_at(point, int(count))
    pause = threading.Event()
    for _ in range(STEPS):
        rig.ask(lambda: step(rig, dice))
        pause.wait(0.002)
    rig.settled(*rig.ask(lambda: list(rig.market.blotter)))
    rig.agrees() if not settings else None
    rig.stop()


if __name__ == "__main__":
    main()
