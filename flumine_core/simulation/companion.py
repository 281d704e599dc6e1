"""Files that lie beside recorded markets and bear a market's id: sports data, catalogues."""

from typing import Any


def address_of(directory: str, name: str) -> str:
    """Return the address of a file in a directory, local or remote."""
    return f"{str(directory).rstrip('/')}/{name}"


def report(framework: Any, problem: str) -> None:
    """Tell of a file that could not be used: in the framework's `stream_errors`, and as a warning."""
    framework.stream_errors.append(problem)
    from loguru import logger

    logger.warning("{}", problem)
