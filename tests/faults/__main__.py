"""Runs the fault table and prints it: `python -m tests.faults [--rows 1,5-9] [--seed N] [--real-times] [--sample N]`."""

import argparse
import random
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from time import monotonic

import msgspec
from flumine_exchange.loopback import guard_loopback

from .scenario import make_ours
from .table import Outcome, parse, run

FACTOR = 0.05
"""Waits are a twentieth of those of real life, unless they are to be real."""


def sample(numbers: Sequence[int], count: int, seed: int) -> list[int]:
    """Return some of the rows, the same for the same seed."""
    return sorted(random.Random(seed).sample(list(numbers), min(count, len(numbers))))


def line(outcome: Outcome) -> str:
    """Return a row as it is printed."""
    told = f"{outcome.number:>3}  {'passed' if outcome.is_passed else 'FAILED':<6}  {outcome.seconds:>6.1f}  {outcome.name}"
    return told if outcome.is_passed else f"{told}\n{'':20}{outcome.why}"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--rows", help="which, as 1,5-9; all unless told otherwise")
    parser.add_argument("--seed", type=int, default=1, help="decides what is left to chance")
    parser.add_argument("--real-times", action="store_true", help="no wait is scaled down")
    parser.add_argument("--sample", type=int, help="so many rows, drawn by the seed")
    parser.add_argument("--processes", type=int, default=2, help="rows that are run at a time")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    asked = parser.parse_args()
    numbers = list(parse(asked.rows))
    if asked.sample is not None:
        numbers = sample(numbers, asked.sample, asked.seed)
    factor = 1.0 if asked.real_times else FACTOR
    started = monotonic()
    outcomes = []
    play = partial(run, make=make_ours, seed=asked.seed, factor=factor)
    with ProcessPoolExecutor(asked.processes, get_context("spawn"), guard_loopback) as pool:
        for outcome in pool.map(play, numbers):
            outcomes.append(outcome)
            if not asked.json:
                print(line(outcome), flush=True)
    seconds, passed = monotonic() - started, sum(outcome.is_passed for outcome in outcomes)
    if asked.json:
        told = {"rows": outcomes, "passed": passed, "seed": asked.seed, "factor": factor, "seconds": round(seconds, 1)}
        print(msgspec.json.encode(told).decode())
    else:
        print(f"\n{passed} of {len(outcomes)} rows passed in {seconds:.0f} s (seed {asked.seed}, waits x {factor:g})")
    return 0 if passed == len(outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
