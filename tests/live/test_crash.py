"""A trader that is killed anywhere loses no bet and doubles none: a restart has all that the exchange has."""

import json
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flumine_core.live.crash import POINTS
from flumine_core.order.exposure import exposures_of

from .rig import MARKET, Rig

SCRIPT = Path(__file__).with_name("crashing.py")


def seeds(count: int) -> list[Any]:
    """Return so many kills: seed, point and which time of reaching it."""
    dice = random.Random(20_240_611)
    kills = []
    for seed in range(count):
        kills.append(pytest.param(seed, POINTS[seed % len(POINTS)], dice.randint(1, 120), id=f"kill-{seed}"))
    return kills


def exposures_of_ledger(rig: Rig) -> list[Any]:
    """Return the exposures that the ledger's bets come to, selection by selection."""
    from types import SimpleNamespace

    from flumine_core import LimitOrder

    found = []
    for runner in (11, 22, 33):
        bets = [
            SimpleNamespace(
                side=bet.side,
                order_type=LimitOrder(bet.price, bet.size),
                lookup=(MARKET, runner, 0),
                status=None,
                complete=bet.status == "EC",
                size_matched=bet.sm,
                average_price_matched=round(bet.avp, 2),
                size_remaining=bet.sr,
                size_voided=bet.sv,
                update_data={},
            )
            for bet in rig.ledger.bets()
            if bet.selection_id == runner
        ]
        found.append(exposures_of(bets))
    return found


def check_kill(make_rig: Callable[..., Rig], exchange: Any, tmp_path: Path, seed: int, point: str, count: int) -> None:
    dice = random.Random(seed)
    for operation in ("placeOrders", "cancelOrders", "replaceOrders"):
        hook = dice.choice(("http.write", "http.before_execute"))
        exchange.faults.add(hook, {"op": operation, "nth": dice.randint(1, 8)}, 1, "drop")
    details, journal = tmp_path / "exchange.json", tmp_path / "journal.sqlite"
    details.write_text(json.dumps(exchange.details()))
    command = [sys.executable, str(SCRIPT), str(details), str(journal), str(seed), point, str(count)]
    ended = subprocess.run(command, capture_output=True, timeout=120, text=True)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    exchange.faults.clear()
    rig = make_rig(journal=str(journal))
    rig.agrees()
    lookups = [(MARKET, runner, 0) for runner in (11, 22, 33)]
    ours = rig.ask(lambda: [rig.market.blotter.get_exposures(rig.trader, lookup) for lookup in lookups])
    assert ours == exposures_of_ledger(rig)
    rig.settled(rig.place())
    rig.agrees()


@pytest.mark.parametrize(("seed", "point", "count"), seeds(6))
def test_killed_anywhere(
    make_rig: Callable[..., Rig], exchange: Any, tmp_path: Path, seed: int, point: str, count: int
) -> None:
    check_kill(make_rig, exchange, tmp_path, seed, point, count)


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "point", "count"), seeds(100)[6:])
def test_killed_a_hundred_times(
    make_rig: Callable[..., Rig], exchange: Any, tmp_path: Path, seed: int, point: str, count: int
) -> None:
    check_kill(make_rig, exchange, tmp_path, seed, point, count)
