"""Having something run on the kernel's thread."""

import threading
from typing import Any

from flumine_core import FlumineSimulation
from flumine_core.errors import ExecutionError


def test_on_the_kernels_own_thread_it_runs_at_once() -> None:
    assert FlumineSimulation().in_kernel(lambda: True)
    assert not FlumineSimulation().in_kernel(lambda: False)


class EndsMeanwhile(FlumineSimulation):
    """Takes what was posted at the very moment when the other thread has stopped waiting, and ends."""

    @property
    def is_running(self) -> bool:
        self._answer_posted()
        return False

    @is_running.setter
    def is_running(self, value: bool) -> None: ...


def test_what_was_taken_at_the_last_moment_is_told() -> None:
    framework = EndsMeanwhile()
    told: list[Any] = []

    def ask() -> None:
        try:
            told.append(framework.in_kernel(lambda: True))
        except ExecutionError as error:
            told.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join(10)
    assert told == [True]


def test_an_exit_on_the_kernels_thread_is_raised_to_who_asked() -> None:
    framework = EndsMeanwhile()
    told: list[BaseException] = []

    def leaves() -> bool:
        raise SystemExit(3)

    def ask() -> None:
        try:
            framework.in_kernel(leaves)
        except SystemExit as error:
            told.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join(10)
    assert [error.args for error in told] == [(3,)]
