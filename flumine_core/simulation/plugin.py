"""The simulated end as a hook plugin: what it makes of a HistoricalStream and a SimulatedClient."""

from collections.abc import Callable
from typing import Any

from ..contract.hookspecs import hookimpl
from ..contract.streams import BaseStream, HistoricalStream
from ..settings import Settings
from .execution import SimulatedExecution
from .stream import RecordedStream


class SimulatedEnd:
    """Makes recorded streams, and one simulated execution for all simulated and paper clients."""

    def __init__(self, on_bad_line: Callable[[str, str], None]) -> None:
        self._on_bad_line = on_bad_line
        self._execution: SimulatedExecution | None = None

    @hookimpl
    def flumine_make_stream(self, description: BaseStream) -> RecordedStream | None:
        """Replay a recorded file."""
        if isinstance(description, HistoricalStream) and description.operation == "marketSubscription":
            return RecordedStream(description, self._on_bad_line)
        return None

    @hookimpl
    def flumine_make_execution(self, client: Any, settings: Settings) -> SimulatedExecution | None:
        """Simulate the execution of clients that are simulated or trade on paper."""
        if not client.is_on_paper:
            return None
        if self._execution is None:
            self._execution = SimulatedExecution(settings)
        return self._execution
