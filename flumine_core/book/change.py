"""The Exchange Stream API's market change messages, decoded as far as somebody looks."""

from typing import Any

import msgspec
from msgspec import Raw, Struct

Number = int | float
Level = tuple[Number, Number]
"""(price, size); size 0 removes the price."""
Position = tuple[int, Number, Number]
"""(position, price, size); size 0 removes the position."""


class RunnerChange(Struct, gc=False):
    """What changed of one runner (ESASwaggerSchema: RunnerChange); None where the field was absent."""

    id: int
    hc: Number | None = None
    ltp: Number | str | None = None
    tv: Number | None = None
    spn: Number | str | None = None
    spf: Number | str | None = None
    trd: list[Level] | None = None
    atb: list[Level] | None = None
    atl: list[Level] | None = None
    batb: list[Position] | None = None
    batl: list[Position] | None = None
    bdatb: list[Position] | None = None
    bdatl: list[Position] | None = None
    spb: list[Level] | None = None
    spl: list[Level] | None = None


_ABSENT = Raw()


class MarketChange(Struct, gc=False):
    """What changed of one market (ESASwaggerSchema: MarketChange); `rc` stays undecoded bytes."""

    id: str | None = None
    marketDefinition: dict[str, Any] | None = None
    rc: Raw = _ABSENT
    tv: Number | None = None
    img: bool | None = None
    number: int = msgspec.field(default=0, name=" line number")
    """Which line of a file it came from; set by the reader, no field of the API bears such a name."""


class MarketChangeMessage(Struct, gc=False):
    """One line of a market stream; `pt` in milliseconds since 1970 (UTC)."""

    pt: int
    mc: list[MarketChange] = []
    op: str | None = None
    clk: str | None = None


decode_message = msgspec.json.Decoder(MarketChangeMessage).decode
"""Decode one line. Raises msgspec.MsgspecError (a ValueError) naming the field that is not as documented."""

_decode_runner_changes = msgspec.json.Decoder(list[RunnerChange] | None).decode


def runner_changes(change: MarketChange) -> list[RunnerChange]:
    """Decode what changed of the runners.

    :raises msgspec.MsgspecError: where a field is not as documented.
    """
    raw = change.rc
    return (_decode_runner_changes(raw) or []) if len(bytes(raw)) else []


def plain_change(line: bytes, market_id: str) -> dict[str, Any] | None:
    """Return the last change of `market_id` in a line as it was received, unknown fields included."""
    message = msgspec.json.decode(line)
    found = [change for change in message.get("mc", ()) if change.get("id") == market_id]
    return found[-1] if found else None
