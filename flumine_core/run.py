"""Simulating a run: file after file in this process, or several at a time in others; the results are the same.

Each file, or group of files that are merged by publish time, is simulated by a framework of its own with strategies
made anew, whether one process does it or many. So results do not depend on the number of workers, memory does not
grow with the number of markets, and a market that kills the process of a worker costs nothing but itself. A strategy
that is to see all markets with one instance belongs into `FlumineSimulation`, used as a library. Logging controls
alone live as long as the run, in this process, and are given the events of all units in the order of the files.
"""

import functools
import gc
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import closing
from typing import Any

import attrs

from .assembly import make_logging_controls, simulate_unit
from .errors import FlumineCoreError, SettingsError, StreamError
from .garbage import collect, frozen
from .hint import one_line
from .kernel.discovery import Discovery
from .kernel.entrypoint import HOOKS
from .kernel.guard import Faults
from .kernel.plan import Plan
from .plain import LOAD, Named, Result, Row, Run, Totals, Unit
from .relay import Packed, Relay, RunLog, unpacked
from .simulation.reader import Source, expand, knowing
from .simulation.stream import event_of
from .spread import Lost, Processes, in_order, spread

__all__ = ["Named", "Progress", "Result", "Row", "Run", "Totals", "Unit", "simulate", "units_of"]


@attrs.define
class Progress:
    """How far a simulation has come.

    :ivar done, total: units; `bytes_done`, `bytes_total`: the same by the stored size of their files, and with the
        part of the present one that was read, in a single process. `bytes_total` is 0 where a size is not known.
    """

    total: int
    bytes_total: int
    done: int = 0
    bytes_done: int = 0
    books: int = 0

    @property
    def share(self) -> float:
        """How much is done, from 0 to 1: by bytes, or by units where a size is not known."""
        if self.bytes_total:
            return self.bytes_done / self.bytes_total
        return self.done / self.total if self.total else 1.0


PRELOADED = ["flumine_core.run"]
"""What worker processes have imported before they are made."""

Watch = Callable[[Progress], None]
Tell = Callable[[int, int], None]
"""Given the books and the stored bytes of a unit so far."""

Take = Callable[[Result], None]
Prepare = Callable[[], Any]


def units_of(run: Run) -> tuple[list[Unit], list[str]]:
    """Expand a run's files into units, in the order in which they were named.

    Returns: the units, and a message for each address that gives no file. A file named twice counts once.
    """
    lost: list[str] = []
    sources: dict[str, Source] = {}
    for address in run.files:
        try:
            found = expand(address)
        except StreamError as error:
            lost.append(str(error))
            continue
        for source in found:
            if source.fault:
                lost.append(source.fault)
            else:
                sources.setdefault(source.name, source)
    groups: dict[str, list[Source]] = {}
    for name, source in sources.items():
        groups.setdefault(_group_of(run, name) or f"file {name}", []).append(source)
    units = [
        Unit(
            tuple(source.name for source in group),
            "" if name.startswith("file ") else name,
            sum(source.size for source in group),
            tuple(group),
        )
        for name, group in groups.items()
    ]
    return units, lost


def _group_of(run: Run, name: str) -> str | None:
    if not (run.event_processing or run.event_groups):
        return None
    try:
        event_id = event_of(name)
    except StreamError:
        return None
    if not event_id:
        return None
    group = run.event_groups.get(event_id)
    return f"group {group}" if group else f"event {event_id}"


def simulate(
    run: Run,
    take: Take | None = None,
    watch: Watch | None = None,
    discovery: Discovery | None = None,
    prepare: Prepare | None = None,
) -> Result:
    """Simulate a run.

    :param take: given each unit's rows, in the order of the files; the result then holds none, so that memory does not
        grow with the number of orders.
    :param watch: told of progress, about every 2,000 books of a single process and after each unit.
    :param prepare: called in each process of the default executor before its first unit; it can be pickled.
    Returns: what it came to; errors of strategies, plugins and data are in it and raise nothing.
    :raises FlumineCoreError: where the run cannot start: an unknown name, an option that does not fit, a control that
        cannot be made, a required plugin that is missing.
    """
    discovery = discovery or Discovery(run.blocked, run.required)
    discovery.load_hook_plugins()
    units, lost = units_of(run)
    total = Result()
    for failed in discovery.failures(HOOKS):
        total.note_fault(failed.name, LOAD, 1, f"{failed.origin}: {failed.reason}")
    total.lost.extend(lost)
    sizes = [unit.size for unit in units]
    progress = Progress(len(units), sum(sizes) if all(sizes) else 0)
    plain = attrs.evolve(run, files=())
    keep = take is None
    faults = Faults(lambda: bool(run.settings.get("raise_errors")))
    log = RunLog(make_logging_controls(run, discovery, faults), faults)
    if run.workers > 1 and len(units) > 1:
        outcomes = _spread(plain, units, keep, discovery, progress, watch, log, prepare)
    else:
        outcomes = _one_by_one(plain, units, keep, discovery, progress, watch, log)
    merged = _Merged(total, take)
    with log, closing(outcomes):
        for unit, outcome in zip(units, outcomes, strict=False):
            merged.add(unit, outcome)
    for (plugin, hook), count in faults.counts.items():
        total.note_fault(plugin, hook, count, faults.first[plugin, hook].error)
    return total


class _Merged:
    """Adds units' results to the total, in the order of the files; a market that came before is passed over."""

    def __init__(self, total: Result, take: Take | None) -> None:
        self.total = total
        self.take = take
        self.origins: dict[str, str] = {}

    def add(self, unit: Unit, result: Result) -> None:
        """Take up one unit's result."""
        known = [row["market_id"] for row in result.markets if row["market_id"] in self.origins]
        for market_id in known:
            result.notices.append(
                f"{unit.name}: market {market_id} came before in {self.origins[market_id]}, its orders are not counted"
            )
        if known:
            result.forget(known)
        self.origins.update((row["market_id"], unit.name) for row in result.markets)
        self.total.add(result)
        self.total.market_count += len(result.markets)
        if self.take is not None:
            self.take(result)
            return
        self.total.markets.extend(result.markets)
        self.total.orders.extend(result.orders)
        self.total.refusals.extend(result.refusals)


def _one_by_one(
    run: Run,
    units: Sequence[Unit],
    keep: bool,
    discovery: Discovery,
    progress: Progress,
    watch: Watch | None,
    log: RunLog,
) -> Generator[Result, None, None]:
    gc.collect()
    with frozen():  # so that a collection after each unit, whose orders and framework are in cycles, takes no time
        for unit in units:
            before = progress.books, progress.bytes_done, unit.size

            def tell(books: int, position: int, before: tuple[int, int, int] = before) -> None:
                progress.books = before[0] + books
                progress.bytes_done = before[1] + min(position, before[2])
                if watch is not None:
                    watch(progress)

            relay = Relay(log.nouns, log.put, log.tells_refused)
            outcome = _attempt(run, unit, discovery, keep, tell if watch else None, relay)
            result = _settled(outcome, unit, unit is units[0])
            progress.done += 1
            tell(result.books, unit.size)
            yield result


def _spread(
    run: Run,
    units: Sequence[Unit],
    keep: bool,
    discovery: Discovery,
    progress: Progress,
    watch: Watch | None,
    log: RunLog,
    prepare: Prepare | None,
) -> Generator[Result, None, None]:
    plan = Plan(discovery.load_hook_plugins(), (), Faults())

    def make_executor(workers: int) -> Executor:
        made = plan.make("executor", workers=workers)
        if made is None:
            return Processes(workers, PRELOADED, prepare)
        if not isinstance(made, Executor):
            maker = plan.maker("executor", made)
            raise SettingsError(f"{maker} must give a concurrent.futures.Executor, was {made!r}")
        return made

    def watched(outcomes: Iterator[tuple[int, Any]]) -> Iterator[tuple[int, Any]]:
        for index, outcome in outcomes:
            outcome = _settled(outcome, units[index], index == 0)
            progress.done += 1
            progress.bytes_done += units[index].size
            progress.books += outcome.books
            if watch is not None:
                watch(progress)
            yield index, outcome

    sizes = [unit.size for unit in units]
    sizes[0] = max(sizes)  # begun first, since it tells whether anything can run
    task = functools.partial(_task, run, keep, log.nouns, log.tells_refused)
    with closing(spread(task, units, sizes, min(run.workers, len(units)), make_executor)) as outcomes:
        for result in in_order(watched(outcomes)):
            log.put_all(unpacked(result.logged))
            result.logged = b""
            yield result


@attrs.frozen
class _Refused:
    """A unit could not be started; where it is the first one, none can."""

    reason: str


def _attempt(
    run: Run, unit: Unit, discovery: Discovery, keep: bool, tell: Tell | None, relay: Relay
) -> Result | _Refused:
    """Simulate a unit; whatever foreign code raises costs this one alone, save where `raise_errors` asks for it."""
    try:
        with knowing(unit.sources):
            return simulate_unit(run, unit, discovery, keep, tell, relay)
    except FlumineCoreError as error:
        return _Refused(str(error))
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        if isinstance(error, Exception) and run.settings.get("raise_errors"):
            raise
        from loguru import logger

        logger.opt(exception=error).error("{} could not be simulated", unit.name)
        return _lost(unit, one_line(error))
    finally:
        collect()


def _lost(unit: Unit, reason: str) -> Result:
    return Result(files=len(unit.files), lost=[f"{unit.name}: {reason}"])


def _settled(outcome: Result | _Refused | Lost, unit: Unit, is_first: bool) -> Result:
    """Return what a unit has come to, also where it has no result.

    :raises SettingsError: where the first one was refused: what is mistyped is not told of every file.
    """
    if isinstance(outcome, Result):
        return outcome
    if is_first and isinstance(outcome, _Refused):
        raise SettingsError(outcome.reason)
    if isinstance(outcome, _Refused | Lost):
        return _lost(unit, outcome.reason)
    return _lost(unit, f"the executor gave {outcome!r} in place of its result")


def _task(run: Run, keep: bool, nouns: frozenset[str], tells_refused: bool, unit: Unit) -> Result | _Refused:
    """Simulate a unit in a worker; the plugins stay loaded from one unit to the next."""
    packed = Packed()
    discovery = _discovery(run.blocked, run.required)
    outcome = _attempt(run, unit, discovery, keep, None, Relay(nouns, packed.put, tells_refused))
    if nouns and isinstance(outcome, Result):
        outcome.logged = packed.close()
    return outcome


@functools.lru_cache(maxsize=1)
def _discovery(blocked: tuple[str, ...], required: tuple[str, ...]) -> Discovery:
    return Discovery(blocked, required)
