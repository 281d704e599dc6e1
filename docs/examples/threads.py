"""Spreads a simulation over threads instead of processes: for strategies that wait for a model server, say."""

from concurrent.futures import ThreadPoolExecutor

from flumine_core import hookimpl


@hookimpl
def flumine_make_executor(workers):
    """Return any concurrent.futures.Executor; who asked shuts it down."""
    return ThreadPoolExecutor(workers)
