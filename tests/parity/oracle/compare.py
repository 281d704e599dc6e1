"""Compare the results of one job from both frameworks, order by order.

What differs by intention is known by name here and described in `differences.toml`; a test holds the two lists
together. An intended difference that is met is counted, never silently passed over.
"""

import tomllib
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

DIFFERENCES = Path(__file__).resolve().parents[1] / "differences.toml"

EXACT = (
    "market_id",
    "selection_id",
    "handicap",
    "side",
    "kind",
    "client",
    "status",
    "complete",
    "size_matched",
    "average_price_matched",
    "profit",
    "price",
    "size",
    "has_bet_id",
    "placed_ms",
    "created_ms",
    "runner_status",
    "market_type",
    "dead_heat",
    "line_range_result",
    "market_notes",
    "in_blotter",
)
CLOSE = ("size_remaining", "size_cancelled", "size_lapsed", "size_voided", "liability")
SETTLED = ("status", "size_matched", "average_price_matched", "profit")  # of a replacement that was never placed

COUNTED = ("replacement-in-blotter", "market-notes-handicap", "exposures", "refused-or-error")
TOLERANCE = 1e-9
CENTS = 0.05


@dataclass
class Comparison:
    """What comparing found: counts, differences as lines of text, and intended differences by name."""

    orders: int = 0
    matched: int = 0
    requests: int = 0
    differences: list[str] = field(default_factory=list)
    intended: Counter[str] = field(default_factory=Counter)
    by_field: Counter[str] = field(default_factory=Counter)
    runs: int = 1

    def add(self, other: "Comparison") -> None:
        """Add another comparison's figures to this one's."""
        self.orders += other.orders
        self.matched += other.matched
        self.requests += other.requests
        self.differences += other.differences
        self.intended += other.intended
        self.by_field += other.by_field
        self.runs += other.runs

    def summary(self) -> str:
        """Return one line for people."""
        by_rule = ", ".join(f"{name} {count}" for name, count in sorted(self.intended.items())) or "none"
        return (
            f"parity with flumine 3.3.2: compared {self.orders} orders ({self.matched} matched) and {self.requests} "
            f"requests on {self.runs} runs: {len(self.differences)} differences (intended, by rule: {by_rule})"
        )


def known_differences() -> dict[str, dict[str, Any]]:
    """Return the intended differences by name."""
    entries = tomllib.loads(DIFFERENCES.read_text())["difference"]
    return {entry["name"]: entry for entry in entries}


def is_same(one: Any, other: Any) -> bool:
    """Return whether two values are equal: numbers by value (0.0 is -0.0), close where they carry float noise."""
    if isinstance(one, float) or isinstance(other, float):
        return isinstance(one, int | float) and isinstance(other, int | float) and abs(one - other) <= TOLERANCE
    return bool(one == other)


def compare_job(job: dict[str, Any], peer: dict[str, Any], own: dict[str, Any]) -> Comparison:
    """Compare one job's results; `peer` is flumine's."""
    found = Comparison()
    name = job["name"]
    if "died" in peer or "died" in own:
        for side, run in (("flumine", peer), ("flumine_core", own)):
            if "died" in run:
                found.differences.append(f"{name}: {side} died: {run['died']}")
        return found
    for strategy, theirs in peer["orders"].items():
        where = f"{name} {strategy}"
        compare_orders(where, theirs, own["orders"][strategy], found)
        compare_trace(where, peer["trace"][strategy], own["trace"][strategy], found)
        for call, count in peer["calls"][strategy].items():
            if count != own["calls"][strategy][call]:
                note(found, f"calls.{call}", where, count, own["calls"][strategy][call])
    for market_id, theirs in peer["markets"].items():
        ours = own["markets"].get(market_id)
        if ours is None:
            note(found, "market", name, market_id, None)
            continue
        for key in ("closed", "transactions"):
            if theirs[key] != ours[key]:
                note(found, key, f"{name} {market_id}", theirs[key], ours[key])
        for client, summary in theirs["cleared"].items():
            for key, value in summary.items():
                if not is_same(value, ours["cleared"][client][key]):
                    note(found, f"cleared.{key}", f"{name} {market_id} {client}", value, ours["cleared"][client][key])
    return found


def compare_orders(where: str, theirs: list[Any], ours: list[Any], found: Comparison) -> None:
    """Compare one strategy's orders by their keys."""
    own = {order["key"]: order for order in ours}
    for order in theirs:
        other = own.pop(order["key"], None)
        found.orders += 1
        found.matched += order["size_matched"] != 0
        if other is None:
            note(found, "missing", f"{where} {order['key']}", order["status"], None)
            continue
        skipped = intended(order, other, found)
        for key in EXACT + CLOSE:
            if key not in skipped and not is_same(order[key], other[key]):
                note(found, key, f"{where} {order['key']} ({order['kind']} {order['side']})", order[key], other[key])
    for key, order in own.items():
        note(found, "additional", f"{where} {key}", None, order["status"])


def intended(peer: dict[str, Any], own: dict[str, Any], found: Comparison) -> set[str]:
    """Return the fields that may differ, counting the intended differences that apply."""
    if not peer["in_blotter"] and own["in_blotter"]:
        found.intended["replacement-in-blotter"] += 1
        return set(EXACT + CLOSE) - set(SETTLED)
    if peer["handicap"] and peer["market_notes"] != own["market_notes"]:
        found.intended["market-notes-handicap"] += 1
        return {"market_notes"}
    return set()


def compare_trace(where: str, theirs: list[Any], ours: list[Any], found: Comparison) -> None:
    """Compare what was asked and observed, up to the first difference."""
    found.requests += len(theirs)
    for one, other in zip(theirs, ours, strict=False):
        if one[:3] == other[:3]:
            if one[2].startswith("seen"):
                if compare_seen(one, other, found):
                    continue
            elif is_same(one[3], other[3]):
                continue
            elif {one[3], other[3]} == {False, "error"}:
                found.intended["refused-or-error"] += 1
                continue
        note(found, "trace", where, one, other)
        return
    if len(theirs) != len(ours):
        note(found, "trace", where, f"{len(theirs)} entries", f"{len(ours)} entries")


def compare_seen(one: list[Any], other: list[Any], found: Comparison) -> bool:
    """Compare exposures (to some cents: flumine rounds each part) and the counts of trades behind them."""
    exposures, others = one[3][:-2], other[3][:-2]
    if one[3][-2:] != other[3][-2:]:
        return False
    gap = max(abs(a - b) for a, b in zip(exposures, others, strict=True))
    found.intended["exposures"] += gap > TOLERANCE
    return gap <= CENTS or one[2] != "seen"


def note(found: Comparison, what: str, where: str, theirs: Any, ours: Any) -> None:
    """Add one difference."""
    found.by_field[what] += 1
    found.differences.append(f"{where}: {what}: flumine {theirs!r}, ours {ours!r}")
