"""Variants of a recorded market: what a stream may contain and these few files do not.

A market here is a list of decoded lines; each edit takes one and a seeded generator and changes it in place or
returns another. Edits know the stream format and no framework.
"""

import copy
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from msgspec import json

Line = dict[str, Any]
Lines = list[Line]
Definition = dict[str, Any]

LADDERS = ("atb", "atl", "trd", "spb", "spl")  # price, size
LEVELS = ("batb", "batl", "bdatb", "bdatl")  # position, price, size
SCALARS = ("ltp", "tv", "spn", "spf")


def read(path: Path) -> Lines:
    """Return a market's decoded lines."""
    return [json.decode(line) for line in path.read_bytes().splitlines()]


def clone(lines: Lines) -> Lines:
    """Return a deep copy; much faster than `copy.deepcopy`."""
    return json.decode(json.encode(lines), type=list)


def write(lines: Lines, path: Path) -> Path:
    """Write a market to a file of its own."""
    path.write_bytes(b"\n".join(json.encode(line) for line in lines) + b"\n")
    return path


def definitions(lines: Lines) -> list[tuple[int, Definition]]:
    """Return each definition with the number of its line."""
    return [
        (i, mc["marketDefinition"]) for i, line in enumerate(lines) for mc in line["mc"] if "marketDefinition" in mc
    ]


def inject(lines: Lines, changes: dict[int, Callable[[Definition], None]]) -> Lines:
    """Apply each change to the definition of its line, which it gets if it has none, and to every later one."""
    active: list[Callable[[Definition], None]] = []
    latest: Definition = {}
    for i, line in enumerate(lines):
        due = i in changes
        if due:
            active.append(changes[i])
        for position, mc in enumerate(line["mc"]):
            if "marketDefinition" in mc:
                latest = mc["marketDefinition"]
            elif not (due and position == 0):
                continue
            changed = copy.deepcopy(latest)
            for change in active:
                change(changed)
            mc["marketDefinition"] = changed
    return lines


def every_definition(lines: Lines, change: Callable[[Definition], None]) -> Lines:
    """Apply one change to every definition."""
    for _, definition in definitions(lines):
        change(definition)
    return lines


def excerpt(lines: Lines, start: int, stop: int | None = None) -> Lines:
    """Return the lines from `start` on; the first carries the image of all before it."""
    books: dict[tuple[int, float], dict[str, Any]] = {}
    definition: Definition = {}
    for line in lines[: start + 1]:
        for mc in line["mc"]:
            definition = mc.get("marketDefinition", definition)
            if mc.get("img"):
                books = {}
            for change in mc.get("rc", ()):
                book = books.setdefault((change["id"], change.get("hc", 0)), {})
                for name in LADDERS + LEVELS:
                    for level in change.get(name, ()):
                        book.setdefault(name, {})[level[0]] = level
                for name in SCALARS:
                    if name in change:
                        book[name] = change[name]
    image = []
    for (selection_id, handicap), book in books.items():
        change = {"id": selection_id} | ({"hc": handicap} if handicap else {})
        for name, value in book.items():
            change[name] = [level for level in value.values() if level[-1]] if isinstance(value, dict) else value
        image.append(change)
    first = lines[start]
    market = {"id": first["mc"][0]["id"], "marketDefinition": definition, "rc": image, "img": True}
    cut = [{"op": "mcm", "clk": "x", "pt": first["pt"], "mc": [market]}, *lines[start + 1 : stop]]
    return clone(cut)


def spots(lines: Lines, rng: random.Random, count: int, low: float = 0.05, high: float = 0.95) -> list[int]:
    """Return the numbers of some lines before the market closes, in order."""
    closing = next((i for i, d in definitions(lines) if d["status"] == "CLOSED"), len(lines))
    candidates = [i for i in range(int(closing * low), int(closing * high)) if i > 0]
    return sorted(rng.sample(candidates, min(count, len(candidates))))


# what happens to runners


def removals(lines: Lines, rng: random.Random, count: int = 2, suspend: bool = True) -> Lines:
    """Remove runners mid-market, with a factor; the market is suspended for some lines around each."""
    active = [r for r in definitions(lines)[0][1]["runners"] if r["status"] == "ACTIVE"]
    last = definitions(lines)[-1][1]["runners"]
    winners = {(r["id"], r.get("hc", 0)) for r in last if r["status"] in ("WINNER", "REMOVED")}
    candidates = [r for r in active if (r["id"], r.get("hc", 0)) not in winners]
    chosen = rng.sample(candidates, min(count, max(len(candidates) - 1, 0)))
    for _, definition in definitions(lines):
        for runner in definition["runners"]:
            runner.setdefault("adjustmentFactor", round(90 / len(definition["runners"]), 2))
    where = spots(lines, rng, len(chosen), 0.15, 0.97)
    for runner, at in zip(chosen, where, strict=True):
        factor = rng.choice((1.3, 2.49, 2.5, 7.31, 24.6, runner.get("adjustmentFactor") or 11.0))
        status = "SUSPENDED" if suspend and rng.random() < 0.7 else None
        key = (runner["id"], runner.get("hc", 0))
        lines = inject(lines, {at: remover(key, factor, status, lines[at]["pt"])})
        if status:
            lines = inject(lines, {min(at + rng.randint(1, 6), len(lines) - 1): opener})
        keep = rng.random() < 0.5
        for line in lines[at + 3 :]:
            for mc in line["mc"]:
                if "rc" in mc and not keep:
                    mc["rc"] = [c for c in mc["rc"] if (c["id"], c.get("hc", 0)) != key]
    return lines


def remover(key: tuple[int, float], factor: float, status: str | None, moment: int) -> Callable[[Definition], None]:
    """Return the change that removes one runner."""

    def change(definition: Definition) -> None:
        for runner in definition["runners"]:
            if (runner["id"], runner.get("hc", 0)) == key:
                if runner["status"] == "ACTIVE":
                    definition["numberOfActiveRunners"] -= 1
                runner["status"] = "REMOVED"
                runner["adjustmentFactor"] = factor
                runner["removalDate"] = "2020-01-01T00:00:00.000Z"
                runner.pop("bsp", None)
        definition["version"] += 1 + moment % 3
        if status and definition["status"] == "OPEN":
            definition["status"] = status

    return change


def opener(definition: Definition) -> None:
    """Undo an earlier suspension of ours."""
    definition["version"] += 1
    if definition["status"] == "SUSPENDED" and definition["numberOfActiveRunners"] > 0:
        definition["status"] = "OPEN"


def handicaps(lines: Lines, rng: random.Random) -> Lines:
    """Make an Asian handicap market of it: pairs of runners share an id and differ by their line."""
    ids = [r["id"] for r in definitions(lines)[0][1]["runners"]]
    names = {old: (ids[i - i % 2], (-0.5, 0.5)[i % 2] + (i // 2) * 0.25) for i, old in enumerate(ids)}
    for line in lines:
        for mc in line["mc"]:
            for runner in [*mc.get("marketDefinition", {}).get("runners", ()), *mc.get("rc", ())]:
                runner["id"], runner["hc"] = names.get(runner["id"], (runner["id"], 0))
            if "marketDefinition" in mc:
                mc["marketDefinition"]["marketType"] = "ASIAN_HANDICAP"
    return lines


def vanishing(lines: Lines, rng: random.Random) -> Lines:
    """Let traded levels shrink, vanish and come back."""
    for line in lines:
        for mc in line["mc"]:
            for change in mc.get("rc", ()):
                if "trd" in change and rng.random() < 0.2:
                    change["trd"] = [[p, round(s * rng.choice((0, 0.4, 0.9, 1, 1)), 2)] for p, s in change["trd"]]
    return lines


def statuses(lines: Lines, rng: random.Random) -> Lines:
    """Let runners leave and come back: hidden for a while, removed and reinstated, or unknown at first."""
    ids = [r["id"] for r in definitions(lines)[0][1]["runners"]]
    for at in spots(lines, rng, 3, 0.1, 0.8):
        chosen, status = rng.choice(ids), rng.choice(("HIDDEN", "REMOVED", "HIDDEN"))

        def leave(definition: Definition, chosen: int = chosen, status: str = status) -> None:
            for runner in definition["runners"]:
                if runner["id"] == chosen and runner["status"] == "ACTIVE":
                    runner.update(status=status, ours=True)

        def come_back(definition: Definition, chosen: int = chosen) -> None:
            for runner in definition["runners"]:
                if runner["id"] == chosen and runner.pop("ours", False):
                    runner["status"] = "ACTIVE"

        lines = inject(lines, {at: leave})
        lines = inject(lines, {min(at + rng.randint(5, 900), len(lines) - 2): come_back})
    late = rng.choice(ids)
    first = spots(lines, rng, 1, 0.05, 0.4)[0]
    for i, line in enumerate(lines):
        for mc in line["mc"]:
            if i < first and len(ids) > 2:
                mc["rc"] = [c for c in mc.get("rc", ()) if c["id"] != late]
                if "marketDefinition" in mc:
                    runners = mc["marketDefinition"]["runners"]
                    mc["marketDefinition"]["runners"] = [r for r in runners if r["id"] != late]
            for runner in mc.get("marketDefinition", {}).get("runners", ()):
                runner.pop("ours", None)
    return lines


def fractions(lines: Lines, rng: random.Random) -> Lines:
    """Give every size more decimals than two: sums and roundings must be done in one order."""
    factor = rng.choice((1.1357, 0.3333, 0.0917))
    for line in lines:
        for mc in line["mc"]:
            for change in mc.get("rc", ()):
                for name in LADDERS:
                    if name in change:
                        change[name] = [[price, size * factor] for price, size in change[name]]
    return lines


def best_levels(lines: Lines, rng: random.Random) -> Lines:
    """Send the three best levels by position in place of the full ladders, as a cheaper subscription does."""
    to, back = rng.choice((("batb", "batl"), ("bdatb", "bdatl")))
    books: dict[tuple[int, float, str], dict[float, float]] = {}
    for line in lines:
        for mc in line["mc"]:
            if mc.get("img"):
                books = {}
            for change in mc.get("rc", ()):
                for old, new in (("atb", to), ("atl", back)):
                    if old not in change:
                        continue
                    book = books.setdefault((change["id"], change.get("hc", 0), old), {})
                    for price, size in change.pop(old):
                        book[price] = size
                    best = sorted((p for p, s in book.items() if s), reverse=old == "atb")[:3]
                    gone = [[position, 0, 0] for position in range(len(best), 3)]
                    change[new] = [[position, price, book[price]] for position, price in enumerate(best)] + gone
    return lines


# what happens to the market


def suspensions(lines: Lines, rng: random.Random, count: int = 8) -> Lines:
    """Suspend the market now and then, with a new version or without, and change the version of an open one."""
    for at in spots(lines, rng, count):
        bump = rng.choice((0, 1, 1, 2))

        def suspend(definition: Definition, bump: int = bump) -> None:
            definition["version"] += bump
            if definition["status"] == "OPEN":
                definition["status"] = "SUSPENDED"
                definition["ours"] = True

        def resume(definition: Definition, bump: int = rng.choice((0, 1))) -> None:
            definition["version"] += bump
            if definition.get("ours"):
                definition["status"] = "OPEN"

        lines = inject(lines, {at: suspend})
        lines = inject(lines, {min(at + rng.randint(1, 12), len(lines) - 2): resume})
        for i in spots(lines, rng, 1):
            lines = inject(lines, {i: lambda d: d.update(version=d["version"] + 1)})
    for _, definition in definitions(lines):
        definition.pop("ours", None)
    return lines


def delay(
    lines: Lines, rng: random.Random, seconds: int | None = None, models: Any = "draw", always: bool = False
) -> Lines:
    """Give it another bet delay and other delay models, in play or always."""
    seconds = rng.choice((1, 2, 3, 5, 6, 8, 12)) if seconds is None else seconds
    models = rng.choice((["PASSIVE"], ["PASSIVE", "OTHER"], ["OTHER"], [], None)) if models == "draw" else models

    def change(definition: Definition) -> None:
        if definition["inPlay"] or always:
            definition["betDelay"] = seconds
            if models is not None:
                definition["betDelayModels"] = models

    return every_definition(lines, change)


def starting_prices(lines: Lines, rng: random.Random, how: str | None = None) -> Lines:
    """Spoil the starting price: absent, not a number, infinite, no such market, reconciled on closing only."""
    how = how or rng.choice(("absent", "NaN", "Infinity", "none", "late", "refuse"))
    spoilt = {r["id"] for r in definitions(lines)[0][1]["runners"] if rng.random() < 0.4}

    def change(definition: Definition) -> None:
        if how == "none":
            definition["bspMarket"] = False
        if how == "refuse":
            definition["persistenceEnabled"] = False
        if how == "late" and definition["status"] != "CLOSED":
            definition["bspReconciled"] = False
        for runner in definition["runners"]:
            if how == "late" and definition["status"] != "CLOSED":
                runner.pop("bsp", None)
            if how in ("absent", "NaN", "Infinity") and runner["id"] in spoilt:
                runner.pop("bsp", None)
                if how != "absent":
                    runner["bsp"] = how

    return every_definition(lines, change)


def with_starting_prices(lines: Lines, rng: random.Random) -> Lines:
    """Make a BSP market of one that has none: reconciled at its first line in play."""
    prices: dict[int, float] = {}

    def change(definition: Definition) -> None:
        definition["bspMarket"] = True
        definition["bspReconciled"] = bool(definition["inPlay"]) or definition["status"] == "CLOSED"
        if definition["bspReconciled"]:
            for runner in definition["runners"]:
                runner["bsp"] = prices.setdefault(runner["id"], round(rng.uniform(1.2, 12), 4))

    return every_definition(lines, change)


def flaps(lines: Lines, rng: random.Random) -> Lines:
    """Go in play and back, reconcile and not, change the winners, the delay and the start under way."""
    for at in spots(lines, rng, 5, 0.2, 0.95):
        fields = ("inPlay", "bspReconciled", "betDelay", "numberOfWinners", "persistenceEnabled", "marketTime")
        what = rng.choice(fields)
        value: Any = {
            "betDelay": rng.choice((0, 1, 4)),
            "numberOfWinners": rng.choice((1, 2, 3)),
            "marketTime": "2024-06-01T13:00:00.000Z",
        }.get(what, rng.random() < 0.5)

        def change(definition: Definition, what: str = what, value: Any = value) -> None:
            if definition["status"] != "CLOSED":
                definition[what] = value

        def undo(definition: Definition, what: str = what) -> None:
            if what in ("inPlay", "bspReconciled", "persistenceEnabled") and definition["status"] != "CLOSED":
                definition[what] = not definition[what]

        lines = inject(lines, {at: change})
        lines = inject(lines, {min(at + rng.randint(2, 300), len(lines) - 2): undo})
    return lines


def result(lines: Lines, rng: random.Random, how: str | None = None) -> Lines:
    """Change how it ends: dead heat, each way, more places, never closed, opened again."""
    how = how or rng.choice(("dead_heat", "dead_heat_3", "each_way", "places", "open", "again", "nobody"))
    closing = [(i, d) for i, d in definitions(lines) if d["status"] == "CLOSED"]
    if not closing:
        return lines
    if how == "open":
        return lines[: closing[0][0]]
    if how == "each_way":
        every_definition(lines, lambda d: d.update(marketType="EACH_WAY", eachWayDivisor=rng.choice((4.0, 5.0))))
    if how == "places":
        every_definition(lines, lambda d: d.update(marketType="PLACE", numberOfWinners=3))
    for _, definition in closing:
        runners = [r for r in definition["runners"] if r["status"] != "REMOVED"]
        rng.shuffle(runners)
        winners = {"dead_heat": 2, "dead_heat_3": 3, "places": 4, "nobody": 0}.get(how, 1)
        for position, runner in enumerate(runners):
            runner["status"] = "WINNER" if position < winners else "LOSER"
            if how == "each_way" and 1 <= position <= 2:
                runner["status"] = "PLACED"
    if how == "again":
        at = closing[0][0]
        back = copy.deepcopy(lines[at - 1])
        again = copy.deepcopy(lines[at])
        before = copy.deepcopy([d for i, d in definitions(lines) if i < at][-1])
        back["mc"][0]["marketDefinition"] = before
        back["pt"], again["pt"] = lines[at]["pt"] + 1000, lines[at]["pt"] + 5000
        runners = again["mc"][0]["marketDefinition"]["runners"]
        for runner in runners:
            runner["status"] = {"WINNER": "LOSER", "LOSER": "WINNER"}.get(runner["status"], runner["status"])
        lines = [*lines[: at + 1], back, again]
    return lines


# what happens to the stream


def grid(lines: Lines, rng: random.Random, step: int = 40) -> Lines:
    """Round publish times down to a grid, so that elapsed times equal latencies often."""
    step = rng.choice((10, 20, 40))
    for line in lines:
        line["pt"] -= line["pt"] % step
    return lines


def merge(lines: Lines, rng: random.Random) -> Lines:
    """Put some neighbouring lines into one, as a conflated stream does."""
    merged: Lines = []
    for line in lines:
        if merged and rng.random() < 0.3:
            merged[-1]["mc"] = merged[-1]["mc"] + line["mc"]
            merged[-1]["pt"] = line["pt"]
        else:
            merged.append(line)
    return merged


def images(lines: Lines, rng: random.Random) -> Lines:
    """Send an image of a part of the market now and then: what it does not name is gone."""
    known: Definition = {}
    chosen = set(spots(lines, rng, 4))
    for i, line in enumerate(lines):
        for mc in line["mc"]:
            known = mc.get("marketDefinition", known)
            if i in chosen and known.get("status") != "CLOSED":
                mc["img"] = True
                mc["marketDefinition"] = copy.deepcopy(known)
    return lines


def sparse(lines: Lines, rng: random.Random, keep: float = 0.3) -> Lines:
    """Drop most lines without a definition: long gaps between books."""
    return [line for line in lines if rng.random() < keep or any("marketDefinition" in mc for mc in line["mc"])]


EDITS: dict[str, Callable[..., Lines]] = {
    "removals": removals,
    "handicaps": handicaps,
    "vanishing": vanishing,
    "statuses": statuses,
    "fractions": fractions,
    "best_levels": best_levels,
    "flaps": flaps,
    "suspensions": suspensions,
    "delay": delay,
    "starting_prices": starting_prices,
    "with_starting_prices": with_starting_prices,
    "result": result,
    "grid": grid,
    "merge": merge,
    "images": images,
    "sparse": sparse,
}
