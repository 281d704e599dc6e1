"""Functions that run beside the kernel, again and again."""

import inspect
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial, wraps
from typing import Any, TypeVar

from ..errors import SettingsError
from ..overrides import refuse_overrides

Init = TypeVar("Init", bound=Callable[..., None])


def _takes_flumines_order(init: Init) -> Init:
    """Let a constructor be given what flumine's is: the framework comes first."""

    @wraps(init)
    def either(self: Any, *args: Any, **kwargs: Any) -> None:
        if "flumine" in kwargs or (args and hasattr(args[0], "add_worker")):
            args, kwargs = (), _from_flumines_order(*args, **kwargs)
        init(self, *args, **kwargs)

    return either  # type: ignore[return-value]


def _from_flumines_order(
    flumine: Any,
    function: Callable[..., Any],
    interval: float | None,
    func_args: Sequence[Any] | None = None,
    func_kwargs: Mapping[str, Any] | None = None,
    start_delay: float = 0,
    context: dict[str, Any] | None = None,
    name: str | None = None,
) -> dict[str, Any]:
    """Return the constructor's arguments by name; the function is called with `(context, flumine, *func_args)`."""
    if not callable(function):
        raise SettingsError(f"function must be callable, was {function!r}")
    context = {} if context is None else context
    return {
        "interval": interval,
        "function": partial(function, context, flumine),
        "func_args": func_args or (),
        "func_kwargs": func_kwargs,
        "name": name or getattr(function, "__name__", None) or type(function).__name__,
        "start_delay": start_delay,
        "context": context,
    }


class BackgroundWorker:
    """Calls a function every `interval` seconds on a thread of its own.

    flumine's `BackgroundWorker(flumine, function, interval, ...)` works, too; its function is called as flumine does,
    with `(context, flumine, *func_args)`.

    :param interval: seconds between two calls; None calls once.
    :param function: called with `*func_args, **func_kwargs`; a parameter named `context` or `flumine`, wherever it
        stands, gets the worker's context or the framework, and the arguments are for the others.
    :param start_delay: seconds before the first call.
    :raises SettingsError: on a negative interval or delay, or something that cannot be called.
    """

    @_takes_flumines_order
    def __init__(
        self,
        interval: float | None,
        function: Callable[..., Any],
        func_args: Sequence[Any] = (),
        func_kwargs: Mapping[str, Any] | None = None,
        name: str | None = None,
        start_delay: float = 0,
        context: dict[str, Any] | None = None,
    ) -> None:
        if not callable(function):
            raise SettingsError(f"function must be callable, was {function!r}")
        if getattr(function, "__self__", None) is not self:
            refuse_overrides(type(self), {"run": "give what it does as function"})
        if interval is not None and not (isinstance(interval, int | float) and interval > 0):
            raise SettingsError(f"interval must be seconds > 0, was {interval!r}")
        if not (isinstance(start_delay, int | float) and start_delay >= 0):
            raise SettingsError(f"start_delay must be seconds >= 0, was {start_delay!r}")
        self.interval = interval
        self.function = function
        self.func_args = tuple(func_args or ())
        self.func_kwargs = dict(func_kwargs or {})
        self.name: str = name or getattr(function, "__name__", None) or type(function).__name__
        self.start_delay = start_delay
        self.context: dict[str, Any] = {} if context is None else context
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, flumine: Any, on_error: Callable[[str, BaseException], None]) -> None:
        """Start the thread; `on_error(name, error)` is told of every exception of the function."""
        args, kwargs = self._arguments(flumine)
        stop = self._stop = threading.Event()  # an earlier run's thread may not have ended yet

        def run() -> None:
            pause: float | None = self.start_delay
            while pause is not None and not stop.wait(pause):
                try:
                    self.function(*args, **kwargs)
                except BaseException as error:  # nothing else would hear of it on this thread
                    on_error(self.name, error)
                pause = self.interval

        self._thread = threading.Thread(target=run, name=self.name, daemon=True)
        self._thread.start()

    def call(self, flumine: Any) -> None:
        """Call the function once, on this thread."""
        args, kwargs = self._arguments(flumine)
        self.function(*args, **kwargs)

    def _arguments(self, flumine: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return what the function is called with: its arguments, and what it asks for by name."""
        offered = {"context": self.context, "flumine": flumine}
        try:
            signature = inspect.signature(self.function)
            others = [
                each for name, each in signature.parameters.items() if name in self.func_kwargs or name not in offered
            ]
            try:
                given = signature.replace(parameters=others).bind(*self.func_args, **self.func_kwargs)
            except TypeError:  # some are for these two
                given = signature.bind_partial(*self.func_args, **self.func_kwargs)
        except (TypeError, ValueError):
            # a builtin that tells no signature, or arguments that do not fit, which the call will say
            return self.func_args, self.func_kwargs
        values = offered | given.arguments
        bound = signature.bind_partial()
        bound.arguments = {name: values[name] for name in signature.parameters if name in values}
        return bound.args, bound.kwargs

    def shutdown(self, timeout: float = 1) -> None:
        """Tell the thread to end and wait for it, `timeout` seconds at most."""
        self._stop.set()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout)

    def is_alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread is not None and self._thread.is_alive()

    def __repr__(self) -> str:
        return f"<BackgroundWorker {self.name}>"
