"""This framework as a process: does what it reads on stdin, a JSON line each, and dies where it is told to."""

import os
import signal
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
from flumine_exchange.loopback import guard_loopback

from flumine_core.live import crash

from .ours import Ours
from .steady import Steady
from .view import Terms

PLAIN = ("start", "stop", "cancel", "update", "replace", "orders", "exposures", "books", "seen", "stall", "troubles")
VERBS = frozenset({*PLAIN, "place", "is_running", "lose_name", "go", "pause"})


def die_at(point: str, count: int) -> None:
    """Kill this process with SIGKILL when a point is reached for the `count`th time."""
    left = count

    def watcher(reached: str) -> None:
        nonlocal left
        if reached == point:
            left -= 1
            if left <= 0:
                os.kill(os.getpid(), signal.SIGKILL)

    crash.watch(watcher)


def main() -> None:
    guard_loopback()
    told: dict[str, Any] = msgspec.json.decode(sys.argv[1])
    options = dict(told.get("options", {}))
    seed = options.pop("seed", None)
    death = options.pop("death", None)
    if seed is not None:
        options["strategy"] = lambda market_ids: Steady(market_ids, seed)
    journal = Path(told["folder"]) / "journal.sqlite"
    served = Ours(SimpleNamespace(**told["exchange"]), told["factor"], journal, **options)
    if death is not None and death["from_start"]:
        die_at(death["point"], death["count"])
    for line in sys.stdin:
        asked = msgspec.json.decode(line)
        verb, args = asked["do"], asked["args"]
        try:
            if verb not in VERBS:
                raise ValueError(f"no such verb: {verb}")
            if verb == "place":
                args = [msgspec.convert(args[0], list[Terms]), *args[1:]]
            if verb in ("go", "pause"):
                if verb == "go" and death is not None and not death["from_start"]:
                    die_at(death["point"], death["count"])
                served.ask(getattr(served.strategy, verb))
                result = None
            else:
                result = getattr(served, verb)(*args)
            answer: dict[str, Any] = {"result": result}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(msgspec.json.encode(answer).decode(), flush=True)
        if verb == "stop":
            return


if __name__ == "__main__":
    main()
