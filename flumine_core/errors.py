"""The error tree: one root, ten children, each also the builtin that a caller would expect.

Beside it what a boundary around foreign code catches: `survivable`.
"""

import sys

_TEST_RUNNERS = ("_pytest", "hypothesis")
"""Packages whose exceptions that are no `Exception` (pytest.fail, a time limit) end a test, wherever raised."""


def survivable() -> tuple[type[BaseException], ...]:
    """Return what an `except` clause is to catch: what is being raised, unless it is to end the run.

    KeyboardInterrupt is the user's. It is asked only once something was raised, and so costs nothing before.
    """
    error = sys.exception()
    if isinstance(error, Exception):
        return (Exception,)
    return () if _ends_run(error) else (BaseException,)


def _ends_run(error: BaseException | None) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return any(map(_ends_run, error.exceptions))
    is_of_test = any(each.__module__.partition(".")[0] in _TEST_RUNNERS for each in type(error).__mro__)
    return isinstance(error, KeyboardInterrupt) or is_of_test


class FlumineCoreError(Exception):
    """Root of every error that flumine_core raises on purpose."""


class SettingsError(FlumineCoreError, ValueError):
    """A setting, option or configuration key is unknown, of the wrong type or out of range."""


class DiscoveryError(FlumineCoreError, LookupError):
    """A plugin is unknown, named twice, or required and broken."""


class StreamError(FlumineCoreError, OSError):
    """A stream, file or archive cannot be opened or read on."""


class DataError(FlumineCoreError, ValueError):
    """A line or field of market data is not what the Exchange Stream API documents."""


class ClientError(FlumineCoreError, ValueError):
    """A client is missing, named twice, or unfit for this framework."""


class OrderError(FlumineCoreError, ValueError):
    """A request on an order makes no sense: placed twice, wrong client, unknown kind."""


class OrderUpdateError(OrderError):
    """An order cannot be cancelled, updated or replaced in its present state."""


class InvalidTransition(OrderError):
    """A status cannot follow from the present one; names order, status and trigger."""


class ControlError(FlumineCoreError, ValueError):
    """Raised inside a control by `_on_error`; its boundary turns it into a refusal.

    :ivar numbers: the refusal's figures, None for none.
    """

    def __init__(self, *arguments: object, numbers: dict[str, float | str | None] | None = None) -> None:
        super().__init__(*arguments)
        self.numbers = numbers


class ExecutionError(FlumineCoreError, RuntimeError):
    """An execution, stream or client was used outside its life."""
