"""The beginning and end of logging controls, the same in a framework of one's own and in a run of many units."""

from collections.abc import Sequence
from time import monotonic

from ..contract.loggingcontrol import LoggingControl
from .guard import Faults, each_guarded


def start_logs(controls: Sequence[LoggingControl], is_awaited: bool, faults: Faults) -> list[LoggingControl]:
    """Start controls; return those that have started. One that raises is counted, and is to be given no events."""

    def start(control: LoggingControl) -> None:
        control.is_awaited = is_awaited
        try:
            control.start(faults.count)
        except BaseException:
            LoggingControl.stop(control, 1)  # the thread, if it came so far
            raise

    return each_guarded(controls, "start", start, faults)


def stop_logs(controls: Sequence[LoggingControl], reason: str, faults: Faults, seconds: float | None) -> None:
    """Stop controls, one after the other; one that raises is counted.

    :param reason: why the run ends.
    :param seconds: how long all of them may take, each as long as the same share; None: as long as events are handled.
    """
    until = None if seconds is None else monotonic() + seconds
    left = len(controls)

    def stop(control: LoggingControl) -> None:
        nonlocal left
        control.stop_within = None if until is None else max(until - monotonic(), 0) / left
        left -= 1
        control.end_reason = reason
        control.stop()

    each_guarded(controls, "stop", stop, faults)
