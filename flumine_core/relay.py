"""From the frameworks of a run to its logging controls, which live as long as the run, in one process."""

import io
import pickle
from collections.abc import Callable, Iterable, Iterator, Sequence
from types import TracebackType
from typing import Self

import zstandard

from .contract.loggingcontrol import LoggingControl
from .errors import survivable
from .events import EVENT_NOUNS, Event
from .hint import one_line
from .kernel.guard import Faults
from .kernel.logs import start_logs, stop_logs

OnError = Callable[[str, str, BaseException], None]
Put = Callable[[Event], None]


class RunLog:
    """A run's logging controls: started before its first unit, stopped after its last.

    :param faults: counts the exceptions of controls.
    :ivar tells_refused: whether any wants the status of refused orders.
    """

    def __init__(self, controls: Sequence[LoggingControl], faults: Faults) -> None:
        self.controls = controls
        self.tells_refused = any(control.REFUSED_STATUS for control in controls)
        self._faults = faults

    @property
    def nouns(self) -> frozenset[str]:
        """What any of those that have started handles; before the start, any of them."""
        return frozenset(noun for control in self.controls for noun in control.handlers)

    def __enter__(self) -> Self:
        try:
            self.controls = start_logs(self.controls, True, self._faults)
        except BaseException as error:
            self.__exit__(type(error), error, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            stop_logs(self.controls, "end of streams" if error is None else one_line(error), self._faults, None)
        except survivable():
            if error is None:
                raise

    def put(self, event: Event) -> None:
        """Queue an event for the controls that handle it."""
        noun = EVENT_NOUNS[type(event)]
        for control in self.controls:
            if noun in control.handlers:
                try:
                    control.put(event)
                except survivable() as raised:
                    self._faults.count(control.name, "put", raised)

    def put_all(self, events: Iterable[Event]) -> None:
        """Queue events in their order."""
        for event in events:
            self.put(event)


class Relay(LoggingControl):
    """Stands in a unit's framework for the logging controls of the run: passes on the events that they handle.

    It has no thread: `pass_on` is called on the kernel's, and what it raises is counted.
    """

    def __init__(self, nouns: Iterable[str], pass_on: Put, tells_refused: bool = True) -> None:
        super().__init__()
        self.REFUSED_STATUS = tells_refused
        self.handlers = dict.fromkeys(nouns, pass_on)
        self._pass_on = pass_on

    def start(self, on_error: OnError) -> None:
        """Take note of who is told of exceptions."""
        self._on_error = on_error

    def put(self, event: Event) -> None:
        """Pass an event on at once."""
        try:
            self._pass_on(event)
        except survivable() as error:
            if self._on_error is not None:
                self._on_error(self.name, f"process_{EVENT_NOUNS[type(event)]}", error)


class Packed:
    """Events as bytes, compressed as they come: plain data that another process can read, in little memory."""

    def __init__(self) -> None:
        self._bytes = io.BytesIO()
        self._file = zstandard.ZstdCompressor(level=1).stream_writer(self._bytes, closefd=False)

    def put(self, event: Event) -> None:
        """Add an event."""
        self._file.write(pickle.dumps(event, pickle.HIGHEST_PROTOCOL))

    def close(self) -> bytes:
        """Return all events as bytes, for `unpacked`."""
        self._file.flush(zstandard.FLUSH_FRAME)
        return self._bytes.getvalue()


def unpacked(data: bytes) -> Iterator[Event]:
    """Yield the events that a `Packed` was given, in their order."""
    if not data:
        return
    with io.BufferedReader(zstandard.ZstdDecompressor().stream_reader(data)) as file:
        while file.peek(1):
            yield pickle.load(file)
