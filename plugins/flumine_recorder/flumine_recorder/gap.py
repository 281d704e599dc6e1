"""What a recording misses, as a value that is listed beside it."""

import attrs
import msgspec

from .message import KINDS

SUFFIX = ".gaps"
"""Ends the name of a file of gaps, one JSON object a line."""


@attrs.frozen
class Gap:
    """Changes that a recording misses: published after `start_ms` and before `end_ms`.

    :ivar kind: "market", "order", "race" or "cricket".
    :ivar start_ms: publish time of the last line before.
    :ivar end_ms: publish time of the next line, None where none has come. Books are whole again from it on, unless it
        begins another gap, as a market definition does that came before an image.
    :ivar reason: "restarted", "new image", "conflated", "not written" or "came back after its file was closed".
    :ivar lines_lost: lines that came and were not written, 0 where nothing is known to have come.
    """

    market_id: str
    kind: str
    start_ms: int
    end_ms: int | None
    reason: str
    lines_lost: int = 0

    def encode(self) -> bytes:
        """Return the gap as a line of JSON."""
        return msgspec.json.encode(attrs.asdict(self)) + b"\n"


_KINDS = frozenset(kind.name for kind in KINDS.values())


def decode_gaps(text: bytes) -> list[Gap]:
    """Return the gaps that a file lists; a line that was cut short is left out."""
    found = []
    for line in text.splitlines():
        try:
            gap = Gap(**msgspec.json.decode(line, type=dict))
        except (msgspec.MsgspecError, TypeError):
            continue
        if gap.kind in _KINDS:
            found.append(gap)
    return found
