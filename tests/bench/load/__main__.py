"""flumine 3.3.2 and flumine_core in turn on the local exchange, live: `python -m tests.bench.load [--quick] [--check]`.

Exchange, client and this are three processes of one machine, whose clock all three read. Prints for each figure what
we got, what flumine did, and what ours must be.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from statistics import median
from typing import IO, Any

from attrs import field, frozen
from flumine_exchange.spawn import spawn

from ..__main__ import ROOT, peer_python
from .figures import Callback, Lag, percentile, read_callbacks, write_times_of
from .lines import market_ids, write_lines

HERE = Path(__file__).resolve().parent
OURS, PEER = "flumine_core", "flumine"
PATIENCE = 60.0
QUIET_RATE, QUIET_MARKETS = 100, 10
BUSY_RATE, BUSY_MARKETS = 5_000, 200
STALL_RATE = 1_000
STEPS = (250, 500, 750, 1_000, 1_500, 2_000, 3_000, 4_000, 5_000)
ACCOUNT = {"balance": 1e7, "exposure_limit": -1e7}


@frozen
class Outcome:
    """What one run of one side has brought.

    :ivar told: what the side said at its end.
    :ivar memory: its resident memory (bytes) once a second.
    :ivar writes, bets, requests: of the exchange's ledger.
    """

    callbacks: list[Callback]
    told: dict[str, Any]
    memory: list[int] = field(factory=list)
    writes: list[tuple[str, int, int]] = field(factory=list)
    bets: list[Any] = field(factory=list)
    requests: list[Any] = field(factory=list)


class Side:
    """One side in a process of its own, on an exchange."""

    def __init__(self, name: str, workload: str, details: dict[str, Any]) -> None:
        python = peer_python() if name == PEER else sys.executable
        environment = {**os.environ, "PYTHONHASHSEED": "0", "NO_PROXY": "127.0.0.1,localhost"}
        environment["REQUESTS_CA_BUNDLE"] = details["ca_file"]
        environment["PYTHONPATH"] = "" if name == PEER else str(ROOT)
        self.name = name
        self.process = subprocess.Popen(
            [python, str(HERE / "side.py"), name, workload, json.dumps(details)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            text=True,
        )
        assert self.process.stdin is not None and self.process.stdout is not None
        self._stdin: IO[str] = self.process.stdin
        self._stdout: IO[str] = self.process.stdout

    def hear(self, wanted: str = "") -> str:
        """Return its next line, which must be `wanted`."""
        line = self._stdout.readline().strip()
        if not line or (wanted and line != wanted):
            sys.exit(f"{self.name}: {wanted or 'a report'} was expected, was {line!r}")
        return line

    def say(self, word: str) -> None:
        """Tell it what to do."""
        self._stdin.write(f"{word}\n")
        self._stdin.flush()

    def memory(self) -> int:
        """Return its resident memory, where the system tells."""
        with suppress(OSError):
            pages = Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]
            return int(pages) * os.sysconf("SC_PAGE_SIZE")
        return 0

    def close(self) -> None:
        """End it."""
        self.process.kill()
        self.process.communicate()


@contextmanager
def running(
    name: str, workload: str, rate: int, seconds: float, markets: int, **settings: Any
) -> Iterator[tuple[Any, Side, Path]]:
    """Have an exchange and a side that has seen every market; the changes have begun."""
    with tempfile.TemporaryDirectory(prefix="flumine-load-") as folder:
        lines = write_lines(Path(folder) / "markets", markets, round(rate * seconds))
        chosen = {"accounts": [ACCOUNT], "changes_a_second": rate, "shows_own_bets": False, **settings}
        with spawn([lines], 1.0, chosen) as exchange:
            records = Path(folder) / "records"
            details = exchange.details | {
                "market_ids": market_ids(markets),
                "records": str(records),
                "journal": str(Path(folder) / "journal.sqlite"),
            }
            side = Side(name, workload, details)
            try:
                side.hear("ready")
                exchange.start_replay()
                yield exchange, side, records
            finally:
                side.close()


def finish(exchange: Any, side: Side, records: Path, memory: list[int], is_bet: bool = False) -> Outcome:
    """Wait until all is played, and a second more; return what came of it."""
    until = time.monotonic() + PATIENCE + len(memory)
    while not exchange.replay_status()["finished"] and time.monotonic() < until:
        time.sleep(0.25)
    time.sleep(1)
    side.say("stop")
    told = json.loads(side.hear())
    ledger = exchange.ledger
    if not is_bet:
        return Outcome(read_callbacks(records), told, memory)
    return Outcome(read_callbacks(records), told, memory, ledger.write_times(), ledger.bets(), ledger.events("request"))


def row(name: str, ours: str, theirs: str, must: str, is_met: bool | None) -> bool:
    """Print one line; True where nothing was to be met."""
    verdict = "" if is_met is None else "ok" if is_met else "MISSED"
    print(f"{name:46}{ours:>15}{theirs:>15}  {must:26}{verdict}", flush=True)
    return is_met is not False


# at 100 changes a second


def latencies(name: str, seconds: float) -> dict[str, list[float]]:
    """Return milliseconds: exchange to callback, exchange to prices read, and callback to exchange."""
    count = round(QUIET_RATE * seconds)
    with running(name, "bet", QUIET_RATE, seconds, QUIET_MARKETS, keeps_write_times=True) as (exchange, side, records):
        time.sleep(seconds)
        outcome = finish(exchange, side, records, [], is_bet=True)
    written = write_times_of(outcome.writes, count)
    seen = [each for each in outcome.callbacks if each.number in written]
    strange = [each for each in seen if not -2 <= each.publish_ms - written[each.number] / 1e6 <= 2]
    if len(seen) < count * 0.95 or strange:
        print(f"  {name}: {len(seen)} of {count} changes seen, {len(strange)} with another publish time", flush=True)
    arrived = {
        instruction["customerOrderRef"]: request.detail["arrived_ns"]
        for request in reversed(outcome.requests)
        if request.detail["operation"] == "placeOrders"
        for instruction in request.detail["params"]["instructions"]
    }
    called = outcome.told["called"]
    lost = [ref for ref in called if ref not in arrived]
    if lost:
        print(f"  {name}: {len(lost)} of {len(called)} orders did not arrive", flush=True)
    return {
        "change to callback": [(each.called_ns - written[each.number]) / 1e6 for each in seen],
        "change to prices read": [(each.read_ns - written[each.number]) / 1e6 for each in seen],
        "callback to order's arrival": [
            (arrived[ref] - time_ns) / 1e6 for ref, time_ns in called.items() if ref in arrived
        ],
    }


def bench_latency(quick: bool) -> list[bool]:
    """Compare latencies, pair by pair."""
    pairs, seconds = (1, 15.0) if quick else (5, 60.0)
    ours, theirs = [], []
    for _ in range(pairs):
        theirs.append(latencies(PEER, seconds))
        ours.append(latencies(OURS, seconds))
    met = []
    for name in ours[0]:
        must = 1.0 if "order" in name else 0.5
        for share in (0.5, 0.99):
            mine = [percentile(each[name], share) for each in ours]
            other = [percentile(each[name], share) for each in theirs]
            ratio = median(a / b for a, b in zip(mine, other, strict=True))
            label = f"{name}, {'median' if share == 0.5 else '99 %'}"
            got = f"{must:.1f} of flumine's, is {ratio:.2f}"
            met.append(row(label, f"{median(mine):.2f} ms", f"{median(other):.2f} ms", got, ratio <= must))
    return met


# at 5,000 changes a second


def busy(name: str, rate: int, seconds: float) -> tuple[Lag, Outcome]:
    """Run the top-of-book strategy over 200 markets at a rate."""
    memory = []
    with running(name, "top", rate, seconds, BUSY_MARKETS) as (exchange, side, records):
        for _ in range(round(seconds)):
            time.sleep(1)
            memory.append(side.memory())
        outcome = finish(exchange, side, records, memory)
    return Lag(outcome.callbacks, BUSY_MARKETS), outcome


def describe(lag: Lag) -> str:
    """Return the lag of the second and the last tenth."""
    return f"{lag.tenth(1) * 1e3:.1f}, {lag.tenth(9) * 1e3:.1f}"


def bench_busy(quick: bool) -> list[bool]:
    """Look at our lag and memory at the full rate, and at flumine's at the same."""
    seconds = 20.0 if quick else 300.0
    lag, outcome = busy(OURS, BUSY_RATE, seconds)
    other, their_outcome = busy(PEER, BUSY_RATE, 20.0)
    first = round(seconds / 5)
    settled = outcome.memory[first]
    growth = 100 * (max(outcome.memory[first:]) / settled - 1) if settled else 0.0
    used = outcome.told["cpu"]
    name = f"at {BUSY_RATE:,} a second, {seconds:.0f} s (flumine 20 s)"
    row(name, f"{lag.rate:,.0f} written", f"{other.rate:,.0f} written", "", None)
    row("  callbacks a change", f"{share_of(lag):.2f}", f"{share_of(other):.2f}", "", None)
    row("  processor seconds", f"{used:.1f}", f"{their_outcome.told['cpu']:.1f}", "", None)
    row("  lag of newest change, median, ms", newest(lag), newest(other), "", None)
    late = [f"{percentile(each.seconds, 0.99) * 1e3:.0f}" for each in (lag, other)]
    row("  lag, 99 %, ms", *late, "", None)
    return [
        row("  lag in second and last tenth, ms", describe(lag), describe(other), "does not grow", lag.is_steady),
        row(
            f"  memory from second {first} on",
            f"{growth:+.1f} %",
            "",
            f"5 %, was {settled / 1e6:.0f} MB",
            bool(settled) and growth <= 5,
        ),
    ]


def share_of(lag: Lag) -> float:
    """Return callbacks for each change that was written."""
    return len(lag.seconds) / max(each.number for each in lag.callbacks)


def newest(lag: Lag) -> str:
    """Return the median lag of the newest change in each book."""
    return f"{median(lag.newest) * 1e3:.1f}"


def bench_steps(quick: bool) -> list[bool]:
    """Find the highest rate that each side sustains, of a few."""
    seconds = 8.0 if quick else 30.0
    highest = {}
    for name in (PEER, OURS):
        highest[name] = 0
        for rate in STEPS if name == PEER else STEPS[-1:]:
            lag, _ = busy(name, rate, seconds)
            print(f"  {name} at {rate:,}: {lag.rate:,.0f} written, lag {describe(lag)} ms", flush=True)
            if not lag.is_steady:
                break
            highest[name] = rate
    row("highest sustained rate", f">= {highest[OURS]:,}", f"{highest[PEER]:,}", "", None)
    return []


# a strategy that stalls


def stall(name: str, rate: int) -> tuple[float, Outcome]:
    """Let the strategy stand still for five seconds while its bets change; return how soon it was current again."""
    with running(name, "stall", rate, 16.0, BUSY_MARKETS) as (exchange, side, records):
        side.hear("placed")
        time.sleep(1)
        side.say("stall")
        side.hear("stalled")
        for number, bet in enumerate(exchange.ledger.bets()):
            market = exchange.market(bet.market_id)
            market.match_bet(bet.bet_id, 0.5)
            if number % 4 == 0:
                market.match_bet(bet.bet_id)
            elif number % 4 == 1:
                market.match_bet(bet.bet_id, 0.25)
            elif number % 4 == 2:
                market.lapse_bet(bet.bet_id)
            else:
                market.void_bet(bet.bet_id)
        outcome = finish(exchange, side, records, [], is_bet=True)
    return Lag(outcome.callbacks, BUSY_MARKETS).current_after(outcome.told["stall_ns"][1]), outcome


def wrong_orders(outcome: Outcome) -> int:
    """Return how many bets of the ledger are not known to the strategy as they are."""
    bets = {bet.bet_id: (bet.sm, bet.sr, bet.sc + bet.sl + bet.sv, bet.status == "EC") for bet in outcome.bets}
    orders = {
        order["bet_id"]: (
            order["matched"],
            order["remaining"],
            order["cancelled"] + order["lapsed"] + order["voided"],
            order["complete"],
        )
        for order in outcome.told["orders"]
    }
    return sum(orders.get(bet_id) != state for bet_id, state in bets.items()) + len(orders.keys() - bets.keys())


def bench_stall(quick: bool) -> list[bool]:
    """Look at what comes after a stall."""
    met = []
    for rate in (STALL_RATE,) if quick else (STALL_RATE, BUSY_RATE):
        after, outcome = stall(OURS, rate)
        other, their_outcome = stall(PEER, rate)
        name = f"after a stall of 5 s at {rate:,} a second"
        met.append(row(name, f"{after:.2f} s", f"{other:.2f} s", "current within 1 s", after <= 1))
        bets = [f"{wrong_orders(each)} of {len(each.bets)}" for each in (outcome, their_outcome)]
        met.append(row("  bets not known as they are", *bets, "0", bool(outcome.bets) and not wrong_orders(outcome)))
    return met


PARTS = {"latency": bench_latency, "busy": bench_busy, "stall": bench_stall, "steps": bench_steps}


def main() -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.load")
    parser.add_argument("--quick", action="store_true", help="one pair, seconds instead of minutes")
    parser.add_argument("--check", action="store_true", help="exit with 1 where a must was missed")
    parser.add_argument("--only", choices=sorted(PARTS), help="one part of it")
    options = parser.parse_args()
    print(f"{'':46}{'flumine_core':>15}{'flumine 3.3.2':>15}  must")
    met = [each for name, part in PARTS.items() if options.only in (None, name) for each in part(options.quick)]
    print(f"{sum(met)} of {len(met)} musts met")
    return int(options.check and not all(met))


if __name__ == "__main__":
    sys.exit(main())
