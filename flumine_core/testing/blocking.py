"""Whether a plugin waits on the kernel's thread: seen through audit events, and sleeping through profiler calls."""

import sys
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

import attrs

WAITS = {
    "time.sleep": "sleeps",
    "socket.connect": "opens a connection",
    "socket.getaddrinfo": "looks up a host",
    "socket.gethostbyname": "looks up a host",
    "subprocess.Popen": "starts a process and may wait for it",
    "os.system": "starts a process and waits for it",
    "builtins.input": "waits for somebody to type",
}
"""Audit event -> what it means to the loop."""

LOOPBACK = ("127.", "::1", "localhost")

SECONDS = 60.0
"""After this long a run has hung."""


@attrs.define
class Watch:
    """What a plugin's code did on one thread.

    :ivar places: (file, line) -> what it did there; `opened`: (file, line) -> how many files it opened there.
    """

    directories: tuple[str, ...]
    thread: int | None = None
    places: dict[tuple[str, int], str] = attrs.Factory(dict)
    opened: dict[tuple[str, int], int] = attrs.Factory(dict)

    def see(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Take note of an audit event; a connection to anywhere but this machine is refused.

        :raises ConnectionRefusedError: a conformance run reaches nobody.
        """
        if event not in WAITS and event != "open":
            return
        place = self._place(event)
        if place is None:
            return
        if threading.get_ident() == self.thread:
            if event == "open":
                self.opened[place] = self.opened.get(place, 0) + 1
            else:
                self.places[place] = WAITS[event]
        if event == "socket.connect" and not _is_near(arguments[1]):
            raise ConnectionRefusedError("a conformance run reaches nobody")

    def _place(self, event: str) -> tuple[str, int] | None:
        """Return the innermost place of the plugin's own code on the stack; None for files that an import opens."""
        frame: FrameType | None = sys._getframe(2)
        while frame is not None:
            if frame.f_code.co_filename.startswith(self.directories):
                return frame.f_code.co_filename, frame.f_lineno
            if event == "open" and frame.f_code.co_filename.startswith("<frozen importlib"):
                return None
            frame = frame.f_back
        return None


def _is_near(address: Any) -> bool:
    return not isinstance(address, tuple) or str(address[0]).startswith(LOOPBACK)


_watch: Watch | None = None


def _profile(frame: FrameType, event: str, function: Any) -> None:
    if event == "c_call" and function is time.sleep and _watch is not None:
        _watch.see("time.sleep", ())


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if _watch is not None:
        _watch.see(event, arguments)


_hooked = threading.Event()


def watched(directories: tuple[str, ...], function: Callable[[], Any], seconds: float = SECONDS) -> tuple[Watch, Any]:
    """Call a function on a thread of its own; return what code in `directories` did there, and its result.

    :raises TimeoutError: where it has not come back within `seconds`, naming the line at which it stands.
    """
    global _watch
    if not _hooked.is_set():  # an audit hook cannot be taken away again: there is one, and it mostly does nothing
        _hooked.set()
        sys.addaudithook(_audit)
    watch = Watch(directories)
    outcome: list[Any] = []
    raised: list[BaseException] = []

    def work() -> None:
        watch.thread = threading.get_ident()
        sys.setprofile(_profile)  # Python 3.11 has no audit event for sleeping
        try:
            outcome.append(function())
        except BaseException as error:
            raised.append(error)
        finally:
            sys.setprofile(None)

    thread = threading.Thread(target=work, daemon=True, name="conformance")
    _watch = watch
    try:
        thread.start()
        thread.join(seconds)
    finally:
        _watch = None
    if thread.is_alive():
        raise TimeoutError(_standing(thread.ident, directories, seconds))
    if raised:
        raise raised[0]
    return watch, outcome[0]


def _standing(thread: int | None, directories: tuple[str, ...], seconds: float) -> str:
    frame = sys._current_frames().get(thread or 0)
    while frame is not None and not frame.f_code.co_filename.startswith(directories):
        frame = frame.f_back
    where = f", it stands at {frame.f_code.co_filename}:{frame.f_lineno}" if frame is not None else ""
    return f"it had not come back after {seconds:.0f} seconds{where}"
