"""Files that lie beside recorded markets and bear a market's id: sports data, catalogues."""

import re
from typing import Any

from ..errors import StreamError


def address_of(directory: str, name: str) -> str:
    """Return the address of a file in a directory, local or remote."""
    return f"{str(directory).rstrip('/')}/{name}"


def recording_of(market: Any) -> str:
    """Return the address of the recording that has brought a market.

    :raises StreamError: where it was not brought by a recording.
    """
    stream_id = market.market_book.streaming_unique_id
    for stream in market.flumine.streams:
        if getattr(stream, "stream_id", None) == stream_id and hasattr(stream, "file_path"):
            return str(stream.file_path)
    raise StreamError(f"market {market.market_id} was not brought by a recording")


def beside(recording: str, name: str) -> str:
    """Return the address of a file in the directory, local, remote or in an archive, where a recording lies."""
    end = max(recording.rfind(mark) for mark in "/\\!") + 1
    return recording[:end] + name


def counterpart(recording: str, kind: str) -> str:
    """Return the address of another kind of recording ("race", "cricket") of the same market.

    :raises StreamError: where no directory or file named `market` stands in the recording's address, for which the
        other's has `kind`.
    """
    parts = re.split(r"([/\\!])", recording)
    for position in range(len(parts) - 1, -1, -1):
        if parts[position] == "market":
            parts[position] = kind
            return "".join(parts)
    raise StreamError(f"a recording with others of its kind lies below a directory named market, was {recording}")


def report(framework: Any, problem: str) -> None:
    """Tell of a file that could not be used: in the framework's `stream_errors`, and as a warning."""
    framework.stream_errors.append(problem)
    from loguru import logger

    logger.warning("{}", problem)
