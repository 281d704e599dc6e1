"""What a pip-installed hook that does nothing costs a book: microseconds, the median of seven pairs."""

from statistics import median
from time import perf_counter
from typing import Any

from flumine_core import hookimpl
from flumine_core.kernel.guard import Faults
from flumine_core.kernel.plan import Plan

EVENTS = 1_000_000


class Idle:
    """Does nothing on market books."""

    @hookimpl
    def flumine_process_market_books(self, market: Any, market_book: Any) -> None: ...


def seconds(plan: Plan) -> float:
    """Return the time of the step's loop over so many events."""
    step, market, book = plan.steps["process_market_books"], object(), object()
    start = perf_counter()
    for _ in range(EVENTS):
        for _, call in step.calls:
            call(market, book)
    return perf_counter() - start


bare, hooked = Plan((), (), Faults()), Plan([("idle", Idle())], (), Faults())
print(median((seconds(hooked) - seconds(bare)) * 1e6 / EVENTS for _ in range(7)))
