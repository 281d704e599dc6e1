"""Which markets are run with which strategies, clients and settings: the jobs of a parity run, from seeds."""

import os
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import edits

Job = dict[str, Any]

REAL = (
    "PRO-1.170258213",
    "SELF-1.181223994",
    "SELF-1.181223995",
    "BASIC-1.132153978",
    "BASIC-1.132153978.gz",
    "1.197931750",
    "1.197931751",
    "1.200806927",
)

TYPES = ("WIN", "PLACE", "MATCH_ODDS", "EACH_WAY", "LINE_RANGE")
LONG = ("PRO-1.170258213", "SELF-1.181223994", "SELF-1.181223995", "1.200806927")
VARIED = (*LONG, "1.197931750")

MIXES: dict[str, dict[str, Any]] = {
    "general": {},
    "maker": {
        "kinds": {"passive": 8, "touch": 2, "deep": 1, "close": 2},
        "patience": 300,
        "acts": {"wait": 1, "cancel": 1, "reduce": 3, "replace": 1, "update": 3},
        "persistence": {"LAPSE": 2, "PERSIST": 2, "MARKET_ON_CLOSE": 1},
    },
    "taker": {"kinds": {"touch": 4, "cross": 6, "deep": 3, "fok": 3}, "burst": 2},
    "replacer": {
        "kinds": {"passive": 5, "touch": 2, "loc": 1},
        "patience": 8,
        "acts": {"cancel": 1, "reduce": 1, "replace": 8, "cross": 3, "update": 1},
    },
    "closer": {
        "kinds": {"close": 5, "loc": 4, "moc": 4, "passive": 2},
        "patience": 400,
        "acts": {"wait": 2, "cancel": 1, "reduce": 1, "update": 4, "replace": 1},
        "late_factor": 12.0,
    },
    "killer": {"kinds": {"fok": 9, "touch": 2, "cross": 1}, "burst": 4},
    "forcer": {"force_rate": 0.5, "late_factor": 10.0},
    "versions": {"version_rate": 0.7, "transaction_rate": 0.7, "siblings": 0.6, "burst": 5},
    "ladders": {"kinds": {"finest": 5, "passive": 2}},
    "runner_up": {"late_factor": 20.0, "inplay_factor": 8.0, "patience": 15},
    "modest": {
        "limits": {"max_live_trade_count": 1, "max_trade_count": 12, "multi_order_trades": False},
        "siblings": 0.4,
        "patience": 20,
    },
    "patient": {
        "limits": {"max_live_trade_count": 2, "max_trade_count": 10**6, "multi_order_trades": True},
        "resets": [0.0, 0.5, 5.0, 60.0],
        "siblings": 0.6,
        "patience": 10,
    },
    "naive": {"kinds": {"passive": 5, "touch": 3, "cross": 1, "fok": 1, "close": 1, "loc": 1, "moc": 1}, "burst": 0},
    "updater": {
        "kinds": {"passive": 5, "touch": 2, "close": 2},
        "persistence": {"LAPSE": 4, "PERSIST": 2, "MARKET_ON_CLOSE": 1},
        "acts": {"update": 6, "reduce": 1, "wait": 1},
        "patience": 100,
        "late_factor": 8.0,
    },
}


def data_folder() -> Path | None:
    """Return the folder of recorded markets: FLUMINE_CORE_DATA, or `shared/data` beside the repository."""
    named = os.environ.get("FLUMINE_CORE_DATA")
    folder = Path(named) if named else Path(__file__).resolve().parents[4] / "shared" / "data"
    return folder if (folder / REAL[0]).is_file() else None


def count_lines(path: Path) -> int:
    """Return the number of lines of a market's file (480 for the compressed one)."""
    return 480 if path.suffix == ".gz" else path.read_bytes().count(b"\n")


def make_strategies(rng: random.Random, lines: int, clients: int, wanted: int, count: int | None = None) -> list[Any]:
    """Return one to three strategies that place about `wanted` orders each."""
    specs = []
    for number in range(count or rng.choice((1, 1, 2, 3))):
        mix = rng.choice(list(MIXES))
        params = dict(MIXES[mix])
        params["rate"] = wanted / max(lines, 1) / (1 + params.get("burst", 3)) * 1.2
        params.setdefault("patience", rng.choice((5, 25, 120, 600)))
        params["naive_acts"] = rng.choice((0.002, 0.02, 0.1))
        specs.append(
            {
                "name": f"{mix}-{number}",
                "seed": rng.randrange(10**9),
                "client": rng.randrange(clients),
                "params": params,
            }
        )
    return specs


def make_job(name: str, path: Path, rng: random.Random, wanted: int = 250, lines: int | None = None) -> Job:
    """Return one job over one file, with clients, settings and strategies drawn from `rng`."""
    clients: list[dict[str, Any]] = [{"username": "one"}]
    if rng.random() < 0.3:
        clients[0]["best_price_execution"] = False
    if rng.random() < 0.3:
        clients.append({"username": "two", "best_price_execution": rng.random() < 0.5})
    if rng.random() < 0.12:
        clients[-1]["simulated_full_match"] = True
    settings: dict[str, Any] = {}
    if rng.random() < 0.25:
        settings["simulated_strategy_isolation"] = False
    if rng.random() < 0.2:
        settings["simulation_available_prices"] = True
    if rng.random() < 0.25:
        for kind in ("place", "cancel", "update", "replace"):
            settings[f"{kind}_latency"] = rng.choice((0.0, 0.04, 0.12, 0.16, 0.17, 0.28, 0.5, 1.0, 3.0))
    listener: dict[str, Any] = {}
    if rng.random() < 0.15:
        listener = rng.choice(
            (
                {"inplay": True},
                {"inplay": False},
                {"seconds_to_start": 600},
                {"seconds_to_start": 120, "inplay": False},
                {"max_inplay_seconds": 30},
                {"seconds_to_start": 900, "max_inplay_seconds": 60},
            )
        )
    strategies = make_strategies(rng, lines or count_lines(path), len(clients), wanted)
    for spec in strategies:
        spec["params"]["update_latency"] = settings.get("update_latency", 0.150)
    return {
        "name": name,
        "files": [str(path)],
        "clients": clients,
        "settings": settings,
        "listener_kwargs": listener,
        "strategies": strategies,
    }


@dataclass(frozen=True)
class Spec:
    """What a job is made of, before any file is made: a recorded or generated market, a seed, and its edits.

    :ivar source: a file's name in the folder of recorded markets, or a market type to generate.
    :ivar edits: names in `edits.EDITS`; None draws some; an empty tuple leaves the market as it is, and whole.
    """

    source: str
    seed: int
    edits: tuple[str, ...] | None = ()
    wanted: int = 250

    @property
    def name(self) -> str:
        """The job's name, also that of its file."""
        drawn = "drawn" if self.edits is None else "+".join(self.edits) or "whole"
        return f"{self.source}-{drawn}-{self.seed}"


class Builder:
    """Make jobs, and the files that they need, in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._excerpts: dict[tuple[Path, int], edits.Lines] = {}

    def build(self, spec: Spec) -> Job:
        """Return the job of a spec."""
        rng = random.Random(f"{spec.name}")
        data = data_folder()
        if spec.source in TYPES:
            path = write_synthetic(self.folder / f"{spec.name}-source", spec.seed, spec.source)
        elif data is not None:
            path = data / spec.source
        else:
            raise FileNotFoundError(f"recorded market {spec.source} needs FLUMINE_CORE_DATA")
        if spec.edits == ():
            return make_job(spec.name, path, rng, spec.wanted)
        names = list(spec.edits or rng.sample(list(edits.EDITS), rng.choice((1, 2, 2, 3))))
        lines = self._lines(path, rng)
        for name in sorted(names, key=lambda name: name in ("merge", "sparse", "grid")):  # those last
            lines = edits.EDITS[name](lines, rng)
        target = edits.write(lines, self.folder / spec.name)
        return make_job(spec.name, target, rng, spec.wanted, len(lines))

    def _lines(self, path: Path, rng: random.Random) -> edits.Lines:
        """Return the lines of a file, or of one of a few excerpts where it is long; most run to its end."""
        length = count_lines(path)
        if length <= 6_000:
            return edits.read(path)
        part = rng.choice((0, 0, 0, 1, 2))
        size = rng.choice((2_500, 4_000, 6_000))
        if (path, part) not in self._excerpts:
            start = (length - 6_000, length // 2, length - 15_000)[part]
            self._excerpts[path, part] = edits.excerpt(edits.read(path), start, start + 6_000)
        lines = self._excerpts[path, part]
        if part == 0 and size < 6_000:
            return edits.excerpt(lines, len(lines) - size)
        return edits.clone(lines[:size])


def write_synthetic(path: Path, seed: int, market_type: str) -> Path:
    """Generate a market of flumine_core's own, with some of what its generator can do."""
    from flumine_core.synthetic.market import SyntheticMarket

    rng = random.Random(f"{market_type}/{seed}")
    options: dict[str, Any] = {"updates": rng.choice((800, 2_000, 3_500))}
    wanted = {
        "removals": rng.choice((0, 0, 1, 2)),
        "dead_heat": rng.random() < 0.2,
        "passive_delay": rng.random() < 0.3,
        "missing_bsp": rng.random() < 0.2,
        "reopen_after_close": rng.random() < 0.15,
        "bet_delay": rng.choice((None, None, 1, 3, 6)),
    }
    for name, value in wanted.items():  # each alone, for not all go together
        try:
            SyntheticMarket(market_type=market_type, seed=seed, **options, **{name: value})
        except ValueError:
            continue
        options[name] = value
    SyntheticMarket(market_type=market_type, seed=seed, **options).write(path)
    return path


def default_plan() -> list[Spec]:
    """Return the jobs of an ordinary parity run: over the recorded markets and variants of them, and generated ones."""
    generated = [Spec(kind, seed) for kind in TYPES for seed in range(4 if data_folder() else 8)]
    generated += [Spec(kind, 100 + seed, None) for kind in TYPES for seed in range(2 if data_folder() else 10)]
    if data_folder() is None:
        return generated
    plan = [Spec(name, seed, wanted=400) for name in REAL for seed in range(2 if name in LONG else 3)]
    plan += [Spec(name, seed, (edit,)) for name in VARIED for seed, edit in enumerate(edits.EDITS)]
    return plan + generated


def random_plan(first: int, count: int) -> list[Spec]:
    """Return `count` further jobs, each a random variant of a random market."""
    plan = []
    for seed in range(first, first + count):
        rng = random.Random(f"random/{seed}")
        if data_folder() is None or rng.random() < 0.25:
            plan.append(Spec(rng.choice(TYPES), 1000 + seed, rng.choice(((), None))))
        elif rng.random() < 0.06:
            plan.append(Spec(rng.choice(REAL), 1000 + seed))
        else:
            plan.append(Spec(rng.choice([n for n in REAL if not n.endswith(".gz")]), 1000 + seed, None))
    return plan
