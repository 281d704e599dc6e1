"""What `pytest --flumine-conformance PACKAGE` runs: does a plugin keep the contract, and what is to be mended."""

import inspect
import pickle
from collections.abc import Iterable
from functools import partial
from typing import Any

import pytest

from ..errors import DiscoveryError
from ..hint import one_line
from ..kernel.entrypoint import HOOKS
from ..order.package import OrderPackageType
from .blocking import watched
from .busy import Busy
from .odd import odd, ordinary
from .run import run
from .signatures import signature_faults
from .subject import Subject, parsed, subjects_of
from .trial import spread_out, try_out
from .wallclock import wall_clock_faults

SIMULATED = ("strategies", "trading_controls", "client_controls", "middleware", HOOKS, "logging_controls")
"""Kinds whose plugins are called while markets are processed."""

ON_THE_LOOP = tuple(kind for kind in SIMULATED if kind != "logging_controls")
"""Kinds that are called on the kernel's own thread."""

SPREAD = ("strategies", "trading_controls", "client_controls", "middleware", HOOKS)
"""Kinds that a run on several processes may hold."""

CONTROLS = ("trading_controls", "client_controls")

WORKER_SECONDS = 5.0
"""Within this time a worker's function must have returned."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each check on each plugin of the packages asked for."""
    if "subject" in metafunc.fixturenames:
        options = parsed(metafunc.config.getoption("--flumine-option"))
        wanted = metafunc.config.getoption("--flumine-conformance")
        try:
            subjects = [subject for each in wanted for subject in subjects_of(each, options)]
        except DiscoveryError as error:
            raise pytest.Collector.CollectError(str(error)) from None
        metafunc.parametrize("subject", subjects, ids=str)


def tell(subject: Subject, faults: Iterable[str]) -> None:
    """Fail with what is to be mended, in words and without a traceback."""
    found = list(dict.fromkeys(faults))
    if found:
        pytest.fail(
            "\n".join([f"{subject.name} ({subject.value}):", *(f"- {fault}" for fault in found)]), pytrace=False
        )


def usable(subject: Subject, kinds: Iterable[str]) -> None:
    """Skip what does not concern a plugin, or can say no more than that it cannot be loaded."""
    if subject.kind not in kinds:
        pytest.skip(f"does not concern {subject.kind.replace('_', ' ')}")
    if subject.fault:
        pytest.skip("it cannot be loaded, see test_loads")


def test_loads(subject: Subject) -> None:
    """It is imported, made with the options given, and is what its entry point says."""
    tell(subject, [subject.fault] if subject.fault else [])


def test_signatures(subject: Subject) -> None:
    """Its callbacks take what they are called with, and none is misspelt."""
    usable(subject, [*SIMULATED, "workers"])
    tell(subject, signature_faults(subject))


def test_no_wall_clock(subject: Subject) -> None:
    """It asks the framework for the time."""
    usable(subject, ON_THE_LOOP)
    tell(subject, wall_clock_faults(subject))


def test_no_blocking(subject: Subject) -> None:
    """It does not wait on the kernel's thread, on which every market is processed."""
    usable(subject, ON_THE_LOOP)
    script = ordinary()
    books = len([*script.lines()])
    try:
        watch, _ = watched(subject.directories, partial(try_out, subject, script))
    except TimeoutError as error:
        tell(subject, [f"it hangs: {error}"])
        return
    faults = [
        f"{path}:{line} {deed} on the kernel's thread: no market is processed meanwhile, do it in a worker or a "
        "logging control"
        for (path, line), deed in watch.places.items()
    ]
    faults += [
        f"{path}:{line} opened {count} files in {books} books: open it once in start(), or write from a logging control"
        for (path, line), count in watch.opened.items()
        if count > books / 4
    ]
    tell(subject, faults)


def test_odd_input(subject: Subject) -> None:
    """It raises nothing on markets that are out of the ordinary."""
    usable(subject, SIMULATED)
    if any(signature_faults(subject)):
        pytest.skip("it cannot be called, see test_signatures")
    faults = []
    for what, script in odd():
        try:
            _, outcome = watched(subject.directories, partial(try_out, subject, script))
        except TimeoutError as error:
            faults.append(f"on {what} it hangs: {error}")
            continue
        for (who, hook), first in outcome.framework.faults.first.items():
            place = [line.strip() for line in first.traceback.splitlines() if line.strip().startswith("File ")][-1]
            faults.append(f"on {what} {who} raised in {hook}: {first.error} ({place}): expect it, and do nothing then")
    tell(subject, faults)


def test_cancels_pass(subject: Subject) -> None:
    """A control refuses no cancel on an open market."""
    usable(subject, CONTROLS)
    if any(signature_faults(subject)):
        pytest.skip("it cannot be called, see test_signatures")
    _, outcome = watched(subject.directories, partial(try_out, subject, ordinary()))
    if outcome.faults:
        pytest.skip("it raises, see test_odd_input")
    refused = [each for each in outcome.refusals if each.control == subject.cls.__name__]
    tell(
        subject,
        [
            f"it refuses a cancel on an open market ({each.reason}): let every package_type CANCEL pass, or a position "
            "could not be closed"
            for each in refused
            if each.package_type is OrderPackageType.CANCEL
        ],
    )


def test_other_processes(subject: Subject) -> None:
    """It can be sent to another process, and does there what it does here."""
    usable(subject, SPREAD)
    if inspect.isclass(subject.loaded) or inspect.isfunction(subject.loaded):
        try:
            is_same = pickle.loads(pickle.dumps(subject.loaded)) is subject.loaded
            pickle.dumps(dict(subject.fitting))
        except Exception as error:
            tell(subject, [f"it cannot be pickled ({one_line(error)}): define it at the top of a module"])
            return
        tell(subject, [] if is_same else ["it is another object under its own name: define it once, at the top"])
    if subject.kind == HOOKS and not subject.distribution:
        pytest.skip("another process finds hook plugins by their entry points: install the distribution")
    scripts = [ordinary(f"1.10000000{number}", 30 + number) for number in range(3)]
    here, there = spread_out(subject, scripts, (1, 2))
    faults = []
    if there.lost != here.lost:
        faults.append(f"in another process it cannot be used: {there.lost[0]}")
    elif (here.orders, here.refusals) != (there.orders, there.refusals):
        faults.append(
            f"one process gives {_summary(here)}, two give {_summary(there)}: keep what belongs to a market in "
            "market.context or on the instance, not in the module or the class, and use no order of sets and no chance"
        )
    tell(subject, faults)


def _summary(result: Any) -> str:
    matched = sum(order["size_matched"] for order in result.orders)
    return f"{len(result.orders)} orders with {matched:.2f} matched and {len(result.refusals)} refusals"


def test_worker_returns(subject: Subject) -> None:
    """A worker's function comes back, and raises nothing on a framework with and without markets."""
    usable(subject, ["workers"])
    nothing_offered = next(script for _, script in odd())
    faults = []
    for scripts in ([], [ordinary()], [nothing_offered]):
        framework = run(Busy(), scripts).framework
        worker = subject.make()
        try:
            watched(subject.directories, partial(worker.call, framework), WORKER_SECONDS)
        except TimeoutError as error:
            faults.append(f"its function must return, it is called again every interval seconds: {error}")
            break
        except OSError:
            continue  # nobody can be reached here; in a run it is counted and the function called again
        except (Exception, SystemExit) as error:
            faults.append(f"its function raised {one_line(error)} on a framework of {len(scripts)} markets")
    tell(subject, faults)


def test_command_helps(subject: Subject) -> None:
    """A command explains itself."""
    usable(subject, ["commands"])
    from click.testing import CliRunner

    done = CliRunner().invoke(subject.loaded, ["--help"])
    faults = [] if done.exit_code == 0 else [f"--help ends with exit code {done.exit_code}: {done.output}"]
    if not subject.loaded.help:
        faults.append("it has no help: give its function a docstring")
    tell(subject, faults)
