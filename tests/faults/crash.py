"""Crash anywhere: a strategy that trades steadily is killed with SIGKILL at seeded points, again and again.

`python -m tests.faults.crash [--count 100] [--seed 1]` prints how many bets were lost and how many doubled. After each
restart, on the same journal and the same exchange, ledger, blotter and exposure must agree before it goes on.
"""

import argparse
import random
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from time import monotonic
from typing import Any

from flumine_exchange.exchange import LocalExchange
from flumine_exchange.exchange import Scenario as Market
from flumine_exchange.loopback import guard_loopback
from msgspec import Struct

from flumine_core.live.crash import POINTS

from .judge import differences
from .remote import Gone, Remote, remote_ours
from .scenario import FACTOR, MARKET, Traffic, scaled

KILLS_OF_AN_EXCHANGE = 25
"""So many kills share one journal and one ledger, which grow with each."""
MOST_REACHED = 60
DYING_SECONDS = 60.0


class Tally(Struct, frozen=True):
    """What became of some kills.

    :ivar points: how many deaths there were at each point.
    :ivar lost: bets without an order, and orders without their bet; `doubled`: references with two bets.
    :ivar told: a sentence for each breach of the ledger's rules.
    """

    kills: int
    points: dict[str, int]
    bets: int
    lost: int
    doubled: int
    told: list[str]


def deaths(seed: int, count: int) -> Iterator[dict[str, Any]]:
    """Yield when to die: at which point, the how-manieth time, counted from the start of the process or of trading."""
    chance = random.Random(seed)
    for _ in range(count):
        from_start = chance.random() < 0.2
        yield {
            "point": chance.choice(POINTS),
            "count": chance.randrange(1, 12 if from_start else MOST_REACHED),
            "from_start": from_start,
        }


def crash(count: int, seed: int) -> Tally:
    """Kill so many times, on one journal and one exchange."""
    points = dict.fromkeys(POINTS, 0)
    told: list[str] = []
    lost = doubled = 0
    with (
        tempfile.TemporaryDirectory(prefix="crash-") as folder,
        LocalExchange([Market(market_id=MARKET)], None, scaled(FACTOR), seed) as exchange,
    ):
        traffic = Traffic(exchange, FACTOR)
        traffic.start()
        make = partial(remote_ours, exchange, Path(folder), FACTOR, client={"transaction_limit": None})
        try:
            for number, death in enumerate(deaths(seed, count)):
                points[death["point"]] += _die(make(seed=seed + number, death=death), death)
                survivor = make(seed=seed)
                breaches = _agree(exchange, survivor)
                survivor.kill()
                if breaches:
                    told += [f"kill {number + 1} at {death}: {each}" for each in breaches]
                    lost += sum(each.startswith(("(a)", "(b)")) for each in breaches)
                    doubled += sum(each.startswith("(e)") for each in breaches)
                    break
        finally:
            traffic.stop()
        return Tally(sum(points.values()), points, len(exchange.ledger.bets()), lost, doubled, told)


def _die(process: Remote, death: dict[str, Any]) -> int:
    """Let a process trade until it dies at its point; 1 where it did, 0 where it never came there."""
    process.launch()
    try:
        process.ask("start")
        process.ask("go")
        end = monotonic() + DYING_SECONDS
        while monotonic() < end:
            process.ask("is_running")
    except Gone:
        return 1
    finally:
        process.kill()
    return 0


def _agree(exchange: Any, process: Remote) -> list[str]:
    """Start a process and return the breaches that are left once it has had time to learn everything."""
    process.start()
    end = monotonic() + process.patience
    while told := differences(exchange, process, is_with_books=False):
        if monotonic() > end:
            break
    return told


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.crash", description=__doc__)
    parser.add_argument("--count", type=int, default=100, help="how many kills")
    parser.add_argument("--seed", type=int, default=1, help="decides where")
    parser.add_argument("--processes", type=int, default=2, help="exchanges that are used at a time")
    asked = parser.parse_args()
    started = monotonic()
    parts = [min(KILLS_OF_AN_EXCHANGE, asked.count - done) for done in range(0, asked.count, KILLS_OF_AN_EXCHANGE)]
    seeds = [asked.seed * 1_000_000 + number * 1_000 for number in range(len(parts))]
    tallies = []
    with ProcessPoolExecutor(asked.processes, get_context("spawn"), guard_loopback) as pool:
        for tally in pool.map(crash, parts, seeds):
            tallies.append(tally)
            print(f"{tally.kills} kills, {tally.bets} bets, at {tally.points}", *tally.told, sep="\n  ", flush=True)
    kills, lost, doubled = (sum(getattr(each, name) for each in tallies) for name in ("kills", "lost", "doubled"))
    wrong = sum(len(tally.told) for tally in tallies)
    print(
        f"\n{kills} kills in {monotonic() - started:.0f} s (seed {asked.seed}): "
        f"{lost} bets lost, {doubled} doubled, {wrong} breaches of the ledger's rules"
    )
    return 1 if wrong or kills < asked.count else 0


if __name__ == "__main__":
    sys.exit(main())
