"""A trader in a process of its own that lives through several lives of a bet and dies in a chosen gap of each.

Run as `python dying.py DETAILS JOURNAL DEATH IS_NOTING`: `DETAILS` is a JSON file about the exchange, `DEATH` one of
`flumine_core.live.crash`, at which the last request of each life stands still until the process is killed, or "note":
all is answered. Where `IS_NOTING` is 0 the journal's thread never comes to write what was learnt.
"""

import json
import os
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
from tests.live.rig import MARKET, PATIENCE, WAITS, Rig, client_of

LIVES = (
    ("place",),
    ("place", "cancel"),
    ("place", "reduce"),
    ("place", "update"),
    ("place", "replace"),
    ("place", "reduce", "replace"),
    ("place", "replace", "cancel"),
    ("place", "replace", "update"),
    ("place", "replace", "replace"),
    ("place", "replace", "replace", "cancel"),
    ("place", "replace", "replace", "replace"),
    ("place_half_matched", "replace", "replace", "cancel"),
)


class Gap:
    """Where requests stand still once it is armed, and the journal's thread before that already."""

    def __init__(self, point: str, is_noting: bool) -> None:
        self._point = point
        self._is_noting = is_noting
        self.is_armed = False
        self.arrived = threading.Semaphore(0)

    def reached(self, point: str) -> None:
        name = threading.current_thread().name
        if name == "journal":
            if not self._is_noting:
                threading.Event().wait()
        elif self.is_armed and point == self._point and not name.startswith("list-"):
            self.arrived.release()
            threading.Event().wait()


class Life:
    """One trade's orders, of which the last is the one that lives."""

    def __init__(self, rig: Rig, runner: int) -> None:
        self._rig = rig
        self._trade = Trade(MARKET, runner, 0, rig.trader)

    @property
    def order(self) -> Any:
        return self._trade.orders[-1]

    def do(self, what: str) -> bool:
        """Ask for one thing, on the framework's thread."""
        market = self._rig.market
        if what == "place":
            return bool(market.place_order(self._trade.create_order("BACK", LimitOrder(3.0, 4.0))))
        if what == "place_half_matched":
            return bool(market.place_order(self._trade.create_order("BACK", LimitOrder(2.0, 100.0))))
        if what == "cancel":
            return bool(market.cancel_order(self.order))
        if what == "reduce":
            return bool(market.cancel_order(self.order, 1.0))
        if what == "update":
            return bool(market.update_order(self.order, "PERSIST"))
        return bool(market.replace_order(self.order, round(self.order.order_type.price + 1, 2)))

    def settle(self) -> None:
        self._rig.settled(*self._trade.orders)


def main() -> None:
    details, journal, death, is_noting = sys.argv[1:]
    exchange: Any = SimpleNamespace(**json.loads(Path(details).read_text()))
    gap = Gap(death, is_noting == "1")
    crash.watch(gap.reached)
    given = {**WAITS, "read_timeout": 4 * PATIENCE / WAITS["wait_factor"], "journal": journal}  # type: ignore[operator]
    rig = Rig(exchange, client_of(exchange), Settings(**given), Discovery())
    rig.start()
    lives = [Life(rig, (11, 22, 33)[number % 3]) for number in range(len(LIVES))]
    for number in range(1, max(map(len, LIVES))):
        going = [(life, steps[number - 1]) for life, steps in zip(lives, LIVES, strict=True) if number < len(steps)]
        rig.ask(lambda going=going: [life.do(what) for life, what in going])
        for life, _ in going:
            life.settle()
    gap.is_armed = True
    assert False not in rig.ask(lambda: [life.do(steps[-1]) for life, steps in zip(lives, LIVES, strict=True)])
    for life in lives:
        if death == "note":
            life.settle()
        else:
            assert gap.arrived.acquire(timeout=PATIENCE)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main()
