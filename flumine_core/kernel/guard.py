"""The one error policy around foreign code: caught at its boundary, counted, named; the rest goes on.

SystemExit and whatever else is no Exception are caught, too: a plugin does not end a run. KeyboardInterrupt is the
user's, and ends it.
"""

import threading
import traceback
from collections.abc import Callable, Generator, Iterable
from typing import Any, NoReturn, TypeVar

import attrs
from pluggy import Result as Outcome

from ..errors import ExecutionError, FlumineCoreError, survivable
from ..hint import one_line

T = TypeVar("T")


@attrs.frozen
class Fault:
    """An exception that foreign code raised.

    :ivar plugin: the plugin's, strategy's, control's or worker's name.
    :ivar hook: what was called.
    :ivar error: the exception in one line; `traceback` is the whole of it.
    """

    plugin: str
    hook: str
    error: str
    traceback: str


class Faults:
    """Counts of exceptions by plugin and hook, and the first of each kind.

    :ivar counts: (plugin, hook) -> how many; `first`: (plugin, hook) -> the first one.
    """

    def __init__(self, is_raising: Callable[[], bool] = lambda: False) -> None:
        self.counts: dict[tuple[str, str], int] = {}
        self.first: dict[tuple[str, str], Fault] = {}
        self._is_raising = is_raising
        self._raised: BaseException | None = None
        self._lock = threading.Lock()

    def record(self, plugin: str, hook: str, error: BaseException) -> None:
        """Count an exception; raise it again where the settings ask for that, unless it is flumine_core's own.

        Only the first of its kind is logged. What was raised again, and passes another boundary, is not counted again.
        """
        if error is self._raised:
            raise error
        key = (plugin, hook)
        with self._lock:
            self.counts[key] = self.counts.get(key, 0) + 1
            is_first = key not in self.first
            if is_first:
                text = "".join(traceback.format_exception(error))
                self.first[key] = Fault(plugin, hook, one_line(error), text)
        if is_first:
            from loguru import logger

            bound = logger.bind(plugin=plugin, hook=hook)
            bound.error("{} raised in {}: {}\n{}", plugin, hook, one_line(error), self.first[key].traceback)
        if self._is_raising() and not isinstance(error, FlumineCoreError):
            self._raised = error
            raise error

    def count(self, plugin: str, hook: str, error: BaseException) -> None:
        """Count an exception of another thread, which there is nobody to raise to."""
        try:
            self.record(plugin, hook, error)
        except BaseException as raised:
            if raised is not error:
                raise

    @property
    def total(self) -> int:
        """How many exceptions there were."""
        return sum(self.counts.values())

    def by_plugin(self) -> dict[str, int]:
        """Return how many exceptions each plugin raised."""
        totals: dict[str, int] = {}
        for (plugin, _), count in self.counts.items():
            totals[plugin] = totals.get(plugin, 0) + count
        return totals


def each_guarded(parts: Iterable[T], hook: str, call: Callable[[T], Any], faults: Faults) -> list[T]:
    """Call `call` with each part; what raises is counted under the part's name, and the others have their turn.

    Returns: the parts with which it did not raise.
    :raises BaseException: where the settings ask for it, the first of them, once all have had their turn.
    """
    done: list[T] = []
    raised: list[BaseException] = []
    for part in parts:
        try:
            call(part)
        except survivable() as error:
            try:
                faults.record(getattr(part, "name", type(part).__name__), hook, error)
            except survivable() as asked_for:
                raised.append(asked_for)
        else:
            done.append(part)
    if raised:
        raise raised[0]
    return done


def guarded(
    plugin: str, hook: str, function: Callable[..., Any], faults: Faults, is_stopping: bool = False, count: int = 0
) -> Callable[..., Any]:
    """Return `function` with its exceptions recorded; it then returns None, or a reason to stop (`is_stopping`).

    :param count: how many arguments it takes, where that is known.
    """

    def failed(error: BaseException) -> str | None:
        faults.record(plugin, hook, error)
        return f"{plugin} raised {one_line(error)}" if is_stopping else None

    def call(*arguments: Any) -> Any:
        try:
            return function(*arguments)
        except survivable() as error:
            return failed(error)

    def call_with_two(one: Any, two: Any) -> Any:  # as at each book: packing them would take half of the time
        try:
            return function(one, two)
        except survivable() as error:
            return failed(error)

    return call_with_two if count == 2 else call


class Stopped(Exception):
    """A wrapper that broke before the step it brackets, where that means that the step must not be taken."""

    def __init__(self, plugin: str, reason: str) -> None:
        super().__init__(reason)
        self.plugin = plugin


def guarded_wrapper(
    plugin: str,
    function: Callable[..., Any],
    failed: Callable[[BaseException], None],
    is_stopping: bool = False,
) -> Callable[..., Generator[None, Any, Any]]:
    """Return a hook wrapper whose exceptions are given to `failed`; unless that raises, the step runs all the same.

    :param is_stopping: the step does not run where the wrapper raised before it: `Stopped` is raised instead.
    """

    def bracket(*arguments: Any) -> Generator[None, Any, Any]:
        try:
            generator = function(*arguments)
            next(generator)
        except survivable() as error:
            failed(error)
            if is_stopping:
                raise Stopped(plugin, f"{plugin} raised {one_line(error)}") from error
            return (yield)
        try:
            result = yield
        except BaseException:
            _close(generator)
            raise
        had = result.exception if isinstance(result, Outcome) else None
        outcome = result.get_result() if isinstance(result, Outcome) and had is None else None
        try:
            generator.send(result)
        except StopIteration as stop:
            if isinstance(result, Outcome) and had is None and result.exception is not None:
                failed(result.exception)
                result.force_result(outcome)
            if not is_stopping or not isinstance(stop.value, str):
                return stop.value
            failed(ExecutionError(f"a wrapper stops by raising before its yield, it returned {stop.value!r} after it"))
        except survivable() as error:
            failed(error)
        else:
            failed(ExecutionError("a wrapper must yield once, it yielded twice"))
            _close(generator)
        return result

    return bracket


def _close(generator: Generator[Any, Any, Any]) -> None:
    try:
        generator.close()
    except survivable() as error:
        from loguru import logger

        logger.warning("a wrapper did not end when it was closed: {}", one_line(error))


def failing_hard(plugin: str, hook: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return `function` with its exceptions naming the plugin: for hooks whose failure fails the start."""
    failed = fails_start(plugin, hook)

    def call(*arguments: Any) -> Any:
        try:
            return function(*arguments)
        except survivable() as error:
            failed(error)

    return call


def fails_start(plugin: str, hook: str) -> Callable[[BaseException], NoReturn]:
    """Return what raises ExecutionError, which names the plugin, from an exception."""

    def failed(error: BaseException) -> NoReturn:
        raise ExecutionError(f"plugin {plugin!r} failed in {hook}: {one_line(error)}") from error

    return failed
