"""Tells how long a run took, and how many books a second that was."""

from time import perf_counter

from loguru import logger

from flumine_core import hookimpl

started = {}


@hookimpl
def flumine_start(framework):
    """Everything is in place, streams come next."""
    started[id(framework)] = perf_counter()


@hookimpl
def flumine_process_end_flumine(framework):
    """Whatever ended the run, this is called last."""
    seconds = perf_counter() - started.pop(id(framework))
    logger.info("{} books in {:.2f} s, {:.0f} a second", framework.books, seconds, framework.books / seconds)
