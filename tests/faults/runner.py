"""Runs the fault table: `python -m tests.faults [--rows 1,5-9] [--seed N] [--real-times] [--sample N] [--json]`."""

import argparse
import random
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from time import monotonic

import msgspec
from flumine_exchange.loopback import guard_loopback

from .peer import NOT_RUN, make_peer, peer_python
from .scenario import FACTOR, Make, make_ours
from .table import Outcome, parse, run


def sample(numbers: Sequence[int], count: int, seed: int) -> list[int]:
    """Return some of the rows, the same for the same seed."""
    return sorted(random.Random(seed).sample(list(numbers), min(count, len(numbers))))


def play(
    numbers: Sequence[int], make: Make, seed: int, factor: float, processes: int, is_silent: bool
) -> list[Outcome]:
    """Play rows, a few at a time, and print each as it ends."""
    outcomes = []
    with ProcessPoolExecutor(processes, get_context("spawn"), guard_loopback) as pool:
        for outcome in pool.map(partial(run, make=make, seed=seed, factor=factor), numbers):
            outcomes.append(outcome)
            if not is_silent:
                print(line(outcome), flush=True)
    return outcomes


def line(outcome: Outcome) -> str:
    """Return a row as it is printed."""
    verdict = "passed" if outcome.is_passed else "FAILED"
    told = f"{outcome.number:>3}  {verdict}  {outcome.seconds:>6.1f}  {outcome.name}"
    return told if outcome.is_passed else f"{told}\n{'':20}{outcome.why}"


def passed(outcomes: Sequence[Outcome]) -> int:
    """Return how many rows passed."""
    return sum(outcome.is_passed for outcome in outcomes)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--rows", help="which, as 1,5-9; all unless told otherwise")
    parser.add_argument("--seed", type=int, default=1, help="decides what is left to chance")
    parser.add_argument("--real-times", action="store_true", help="no wait is scaled down")
    parser.add_argument("--sample", type=int, help="so many rows, drawn by the seed")
    parser.add_argument("--processes", type=int, default=2, help="rows that are run at a time")
    parser.add_argument("--peer", action="store_true", help="run flumine 3.3.2 too, and print its score beside ours")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    asked = parser.parse_args()
    numbers = list(parse(asked.rows))
    if asked.sample is not None:
        numbers = sample(numbers, asked.sample, asked.seed)
    factor = 1.0 if asked.real_times else FACTOR
    started = monotonic()
    outcomes = play(numbers, make_ours, asked.seed, factor, asked.processes, asked.json)
    seconds = monotonic() - started
    told = {"rows": outcomes, "passed": passed(outcomes), "seed": asked.seed, "factor": factor, "seconds": seconds}
    if not asked.json:
        print(f"\n{passed(outcomes)} of {len(outcomes)} rows passed in {seconds:.0f} s", end=" ")
        print(f"(seed {asked.seed}, waits x {factor:g})", flush=True)
    if asked.peer:
        peer_python()
        runnable = [number for number in numbers if number not in NOT_RUN]
        if not asked.json:
            left_out = "; ".join(f"row {number}, {why}" for number, why in NOT_RUN.items())
            print(f"\nflumine 3.3.2, at real times, held to the last column; left out: {left_out}\n", flush=True)
        peers = play(runnable, make_peer, asked.seed, 1.0, asked.processes, asked.json)
        told |= {"peer_rows": peers, "peer_passed": passed(peers)}
        if not asked.json:
            ours = passed([outcome for outcome in outcomes if outcome.number in runnable])
            print(
                f"\nof the {len(peers)} rows that both were run on: flumine_core {ours}, flumine 3.3.2 {passed(peers)}"
            )
    if asked.json:
        print(msgspec.json.encode(told).decode())
    return 0 if passed(outcomes) == len(outcomes) else 1
