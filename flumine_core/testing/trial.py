"""A plugin in a simulation of its own: alone, beside a strategy that asks for everything."""

import io
import tempfile
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from ..kernel.discovery import Discovery
from ..kernel.entrypoint import HOOKS
from ..plain import Named, Result, Run
from ..run import simulate
from .busy import Busy
from .market import MarketScript
from .run import Outcome, run
from .subject import Subject

BUSY = f"{Busy.__module__}:{Busy.__qualname__}"


def try_out(subject: Subject, scripts: MarketScript | Sequence[MarketScript]) -> Outcome:
    """Simulate with one plugin; what it raises is counted, what it prints is dropped."""
    made = subject.make()
    kinds = {
        "trading_controls": "controls",
        "client_controls": "client_controls",
        "middleware": "middleware",
        "logging_controls": "logging_controls",
        "workers": "workers",
        HOOKS: "hooks",
    }
    part = kinds.get(subject.kind)
    strategies = [made] if subject.kind == "strategies" else [Busy()]
    options: dict[str, Any] = {part: [made]} if part else {}
    with redirect_stdout(io.StringIO()):
        return run(strategies, scripts, settings={"raise_errors": False}, **options)


def spread_out(subject: Subject, scripts: Sequence[MarketScript], workers: Sequence[int]) -> list[Result]:
    """Simulate with one plugin, as a run that is plain data, on so many processes; other hook plugins are blocked.

    Returns: a result for each number of processes, over the same files.
    """
    found = Discovery().candidates(HOOKS)
    blocked = tuple(each.name for each in found if each.name != subject.name)  # a name is blocked for every kind
    named = (Named(subject.name if subject.distribution else subject.value, subject.fitting),)
    kind = {subject.kind: named} if subject.kind != HOOKS else {}
    with tempfile.TemporaryDirectory() as folder:
        files = tuple(str(script.write(Path(folder) / script.market_id)) for script in scripts)
        plan: dict[str, Any] = {"strategies": (Named(BUSY),), "files": files, "blocked": blocked, **kind}
        return [simulate(Run(**plan, workers=number)) for number in workers]
