"""The base class of logging controls: a queue, a thread, one handler a noun."""

import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any

from ..errors import ExecutionError, SettingsError, survivable
from ..events import EVENT_NOUNS, LOGGED_NOUNS, NOUNS, EndFlumineEvent, Event
from ..overrides import refuse_overrides

if TYPE_CHECKING:
    from loguru import Record

_FLUMINE_NAMES = {"close_market": "_process_closed_market"}
"""Handlers that flumine calls by another name than the noun's."""

_INSTEAD = "define process_<noun>, such as process_order, for each noun that it wants"


class LoggingControl:
    """Handles events on a thread of its own; this class itself logs each at DEBUG.

    A subclass defines `process_<noun>(event)` for the nouns it wants (`process_order`, `process_cleared_markets`, ...;
    flumine's `_process_<noun>` works too) and is given those events only. Events hold plain copies, never live orders.
    An exception in a handler is counted under the control's name and never reaches the trading loop.
    No more than `MOST_WAITING` events wait for a slow handler: beyond that a live run drops the oldest event for each
    new one; they are counted under the control's name, as "waiting". A simulation waits for it, from `MOST_AWAITED`
    events on, and where that is in vain from `MOST_WAITING`; where that is in vain, too, it drops them as well.

    :cvar MOST_WAITING: so many events may wait. One that concerns an order takes about a kilobyte.
    :cvar MOST_AWAITED: so many in a simulation, which the handlers cannot fall behind without making it last longer.
    :ivar cache: for handlers, as in flumine; nothing here reads it.
    :ivar is_awaited: whether the run waits for slow handlers; a simulation says so.
    :ivar end_reason: why the run ends, told by `end_flumine`.
    :ivar stop_within: how many seconds `stop` may take unless it is told; a live run says so. None: see `END_PATIENCE`.
    :cvar PATIENCE: a handler that takes nothing for so many seconds is waited for no longer.
    :cvar END_PATIENCE: the same at the end of a simulation, where what is not handled is missing from the results. A
        handler of `end_flumine` or a last `flush` that may take longer needs more.
    :cvar PAUSE: seconds between two looks at the queue; 0 handles each event as it comes. Each look makes the trading
        loop wait for the thread, so that a control which writes in batches had better pause.
    :cvar REFUSED_STATUS: whether the status of an order that no control has let pass is wanted, too, for which
        `process_refusal` may do. It is a copy of the order for each refusal, and comes unless no control wants it.
    """

    NAME = "LOGGING_CONTROL"
    MOST_WAITING = 100_000
    MOST_AWAITED = 2_000
    PATIENCE = 10.0
    END_PATIENCE = 60.0
    PAUSE = 0.0
    REFUSED_STATUS = True

    def __init__(self, daemon: bool = True, *args: Any, **options: Any) -> None:
        if args or options:
            unknown = ", ".join([*map(repr, args), *options])
            raise TypeError(f"{type(self).__name__} takes no such options: {unknown}")
        refuse_overrides(type(self), dict.fromkeys(("process_event", "run"), _INSTEAD))
        self.daemon = daemon
        self.cache: list[Any] = []
        self.logging_queue: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self.is_awaited = False
        self._most_queued = self.MOST_WAITING
        self.end_reason = EndFlumineEvent().reason
        self.stop_within: float | None = None
        self._thread: threading.Thread | None = None
        self._is_ending = False
        self._hurry = threading.Event()
        self._on_error: Callable[[str, str, BaseException], None] | None = None
        self.handlers: dict[str, Callable[[Any], Any]] = {}
        for noun in (*NOUNS, *LOGGED_NOUNS):
            names = (f"process_{noun}", f"_process_{noun}", _FLUMINE_NAMES.get(noun, ""))
            handler = next((getattr(self, name) for name in names if hasattr(self, name)), None)
            if handler is not None:
                self.handlers[noun] = handler
            elif type(self) is LoggingControl:
                self.handlers[noun] = self.log

    @property
    def name(self) -> str:
        """The control's name in counts and messages."""
        return type(self).__name__

    def log(self, event: Event) -> None:
        """Log an event at DEBUG, with its noun and what it tells (`event.info`) bound to the record."""
        from loguru import logger

        noun = EVENT_NOUNS[type(event)]

        def bind(record: "Record") -> None:
            record["extra"].update(event.info, noun=noun)

        logger.patch(bind).debug("{}: {}", noun, event)

    def start(self, on_error: Callable[[str, str, BaseException], None]) -> None:
        """Start the thread; `on_error(control, handler, error)` is told of every exception of a handler."""
        self._on_error = on_error
        self._most_queued = min(self.MOST_WAITING, self.MOST_AWAITED) if self.is_awaited else self.MOST_WAITING
        self._is_ending = False
        self._hurry.clear()
        run = self._run_in_batches if self.PAUSE else self._run
        self._thread = threading.Thread(target=run, name=self.name, daemon=self.daemon)
        self._thread.start()

    def put(self, event: Event) -> None:
        """Queue an event, from any thread."""
        if self.logging_queue.qsize() >= self._most_queued and self._thread is not None:
            self._make_room()
        self.logging_queue.put(event)

    def _make_room(self) -> None:
        """Wait until the handlers have taken an event where the run may wait, else drop the oldest one."""
        self._hurry.set()
        if threading.current_thread() is self._thread:  # a handler tells of something: nobody else makes room
            return
        if self.is_awaited:
            if self._has_room():
                return
            if self._most_queued < self.MOST_WAITING:  # it is not only slow
                self._most_queued = self.MOST_WAITING
                return
            self.is_awaited = False
        with suppress(queue.Empty):
            oldest = self.logging_queue.get_nowait()
            if oldest is None:  # the end, which nothing may overtake
                self.logging_queue.put(None)
                return
            told = f"more than {self.MOST_WAITING} events waited for its handlers: the oldest are lost, first "
            self._raised("waiting", ExecutionError(told + EVENT_NOUNS[type(oldest)]))

    def _has_room(self) -> bool:
        until = monotonic() + self.PATIENCE
        while self.logging_queue.qsize() >= self._most_queued:
            if monotonic() >= until or not self.is_alive():
                return False
            sleep(0.001)
        return True

    def flush(self) -> None:
        """Do what is to be done after a look at the queue; called where `PAUSE` is not 0, also if nothing was there."""

    def _run(self) -> None:
        take = self.logging_queue.get
        while (event := take()) is not None:
            self.handle(event)

    def _run_in_batches(self) -> None:
        take = self.logging_queue.get_nowait
        is_last = False
        while not is_last:
            self._hurry.wait(self.PAUSE)
            self._hurry.clear()
            is_last = self._is_ending
            with suppress(queue.Empty):  # an event may have been dropped meanwhile
                for _ in range(self.logging_queue.qsize()):
                    event = take()
                    if event is not None:
                        self.handle(event)
            try:
                self.flush()
            except survivable() as error:
                self._raised("flush", error)

    def handle(self, event: Event) -> None:
        """Call an event's handler, if there is one; what it raises is counted."""
        noun = EVENT_NOUNS[type(event)]
        handler = self.handlers.get(noun)
        if handler is None:
            return
        try:
            handler(event)
        except survivable() as error:
            self._raised(f"process_{noun}", error)

    def _raised(self, what: str, error: BaseException) -> None:
        if self._on_error is not None:
            self._on_error(self.name, what, error)

    def stop(self, timeout: float | None = None) -> None:
        """Handle what is queued, the end included, and end the thread; wait `timeout` seconds at most.

        Where `timeout` and `stop_within` are None, wait until it takes no event for `END_PATIENCE` seconds. A thread
        that has not ended by then is left to itself, and counted under the control's name, as "stop".
        """
        if self._thread is None:
            return
        if "end_flumine" in self.handlers:
            self.logging_queue.put(EndFlumineEvent(self.end_reason))
        self.logging_queue.put(None)
        self._is_ending = True
        self._hurry.set()
        thread, self._thread = self._thread, None
        self._wait_for(thread, self.stop_within if timeout is None else timeout)
        if thread.is_alive():
            left = max(self.logging_queue.qsize() - 1, 0)  # the last one is the end
            self._raised(
                "stop", ExecutionError(f"its thread did not end in time: it handles one event, and {left} are left")
            )

    def _wait_for(self, thread: threading.Thread, seconds: float | None) -> None:
        if seconds is not None:
            thread.join(seconds)
            return
        waiting = None
        while thread.is_alive() and waiting != (waiting := self.logging_queue.qsize()):
            thread.join(self.END_PATIENCE)

    def is_alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread is not None and self._thread.is_alive()


def check_whole(control: LoggingControl) -> None:
    """Refuse a control whose constructor has left out its base's.

    :raises SettingsError: naming its class.
    """
    if not hasattr(control, "handlers"):
        raise SettingsError(f"{type(control).__name__}.__init__ must call super().__init__()")
