"""What a worker's round uses of the framework, and how it asks the framework's thread and the exchange."""

from collections.abc import Callable, Collection
from typing import Any, Protocol, TypeVar

from loguru import logger

from ..clock import Clock
from ..contract.client import BaseClient
from ..errors import ExecutionError, FlumineCoreError
from ..events import Event
from ..market.markets import Markets
from ..settings import Settings
from .api import Api

T = TypeVar("T")


class WorkedFramework(Protocol):
    """What the workers use of the framework; orders and markets are looked at on its thread alone."""

    clock: Clock
    settings: Settings
    markets: Markets
    cleared_market_queue: Any
    is_running: bool

    def is_kernel_thread(self) -> bool: ...

    def in_kernel(self, function: Callable[[], bool]) -> bool: ...

    def post(self, event: Event) -> None: ...

    def process(self, event: Event) -> None: ...

    def log_control(self, event: Event) -> None: ...

    def remove_closed_markets(self, seconds: float, kept: Collection[str] = ()) -> None: ...


Accounts = Callable[[], list[tuple[BaseClient, Api]]]
"""Gives the clients that have an account at Betfair, each with its API."""


def in_kernel(framework: WorkedFramework, function: Callable[[], T]) -> T | None:
    """Return what a function brings that runs on the kernel's thread; None where the framework ends before."""
    if framework.is_kernel_thread():
        return function()
    found: list[T] = []

    def run() -> bool:
        found.append(function())
        return True

    try:
        framework.in_kernel(run)
    except ExecutionError:
        if framework.is_running:
            raise
    return found[0] if found else None


def guarded(client: BaseClient, name: str, call: Callable[[], Any]) -> Any:
    """Return what a call brings; None, told in one line, where it fails: the next round tries again."""
    try:
        return call()
    except FlumineCoreError as error:
        logger.warning("{} of {}: {}", name, client.username, error)
        return None
