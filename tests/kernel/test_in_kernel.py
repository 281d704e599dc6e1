"""Having something run on the kernel's thread."""

from flumine_core import FlumineSimulation


def test_on_the_kernels_own_thread_it_runs_at_once() -> None:
    assert FlumineSimulation().in_kernel(lambda: True)
    assert not FlumineSimulation().in_kernel(lambda: False)
