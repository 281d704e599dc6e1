"""The Exchange Stream API's messages, decoded as far as the connection needs them."""

from collections.abc import Callable
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Raw, Struct

from ..book.change import LATEST_MS, UNDECODABLE, LazyMarketChange, ReadMarketChange
from ..errors import DataError


class StreamMessage(Struct, gc=False):
    """One line from the exchange; what changed stays bytes, unknown fields are passed over.

    :ivar pt: publish time, milliseconds since 1970; a bare status message has none.
    :ivar mc, oc, rc, cc: each change's own bytes (market, order, race, cricket).
    """

    op: str | None = None
    id: int | None = None
    ct: str | None = None
    clk: str | None = None
    initialClk: str | None = None
    pt: int | None = None
    heartbeatMs: int | None = None
    segmentType: str | None = None
    status: int | None = None
    statusCode: str | None = None
    errorCode: str | None = None
    errorMessage: str | None = None
    connectionClosed: bool | None = None
    connectionId: str | None = None
    connectionsAvailable: int | None = None
    mc: list[Raw] | None = None
    oc: list[Raw] | None = None
    rc: list[Raw] | None = None
    cc: list[Raw] | None = None

    @property
    def changes(self) -> list[Raw]:
        """What changed, of whichever kind the stream is."""
        return self.mc or self.oc or self.rc or self.cc or []


class MarketDelta(Struct, gc=False, forbid_unknown_fields=True):
    """What nearly every line of a market stream is: changes of markets, and nothing about the stream itself."""

    op: Literal["mcm"]
    id: int
    pt: Annotated[int, Meta(ge=0, lt=LATEST_MS)]
    mc: list[LazyMarketChange]
    clk: str | None = None


class _ReadDelta(MarketDelta, gc=False, forbid_unknown_fields=True):
    mc: list[ReadMarketChange]  # type: ignore[assignment]


decode_market_delta: Callable[[bytes], MarketDelta] = msgspec.json.Decoder(MarketDelta).decode
"""Decode a line that is nothing but that; raises one of `UNDECODABLE` where there is more to it."""

decode_whole_delta: Callable[[bytes], MarketDelta] = msgspec.json.Decoder(_ReadDelta).decode
"""The same with its runner changes: quicker where they will be asked for."""

_decode: Callable[[bytes], StreamMessage] = msgspec.json.Decoder(StreamMessage).decode
_decode_object: Callable[[bytes], dict[str, Any]] = msgspec.json.Decoder(dict[str, Any]).decode


def decode_stream_message(line: bytes) -> StreamMessage:
    """Decode one line.

    :raises DataError: where it is no JSON object, or a field is not as documented.
    """
    try:
        message = _decode(line)
    except UNDECODABLE as error:
        raise DataError(str(error)) from error
    if message.pt is not None and not 0 <= message.pt < LATEST_MS:
        raise DataError(f"publish time (pt) must be milliseconds since 1970, was {message.pt}")
    return message


def decode_plain(change: Raw | bytes) -> dict[str, Any]:
    """Decode one change as plain data.

    :raises DataError: where it is no JSON object.
    """
    try:
        return _decode_object(bytes(change))
    except UNDECODABLE as error:
        raise DataError(str(error)) from error


class RawChange(dict[str, Any]):
    """One change as plain data, with its own bytes.

    :ivar raw: the change as it was received, unknown fields, spaces and the form of numbers included.
    """

    __slots__ = ("raw",)

    raw: bytes

    @classmethod
    def of(cls, raw: Raw | bytes) -> "RawChange":
        """Decode a change.

        :raises DataError: where it is no JSON object.
        """
        change = cls(decode_plain(raw))
        change.raw = bytes(raw)
        return change


def shown(line: bytes) -> str:
    """Return the beginning of a line as it may stand in a message."""
    text = line[:80].decode("utf-8", "replace").rstrip()
    return repr(text + "..." if len(line) > 80 else text)
