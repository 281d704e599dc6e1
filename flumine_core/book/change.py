"""The Exchange Stream API's market change messages, decoded as far as somebody looks."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Raw, Struct

from .price import Number, Position, PriceSize

LATEST_MS = 253_402_300_800_000
"""The first millisecond that no datetime can hold, that of the year 10000."""

UNDECODABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What decoding raises: not JSON or not as documented, not UTF-8, nested too deep."""


class RunnerChange(Struct, gc=False, kw_only=True):
    """What changed of one runner (ESASwaggerSchema: RunnerChange); None where the field was absent, size 0 removes.

    The order is the one in which fields mostly come, since they are looked for in that order.
    """

    atb: list[PriceSize] | None = None
    atl: list[PriceSize] | None = None
    trd: list[PriceSize] | None = None
    ltp: Number | str | None = None
    tv: Number | None = None
    spn: Number | str | None = None
    spf: Number | str | None = None
    spb: list[PriceSize] | None = None
    spl: list[PriceSize] | None = None
    batb: list[Position] | None = None
    batl: list[Position] | None = None
    bdatb: list[Position] | None = None
    bdatl: list[Position] | None = None
    hc: Number | None = None
    id: int

    @property
    def key(self) -> tuple[int, float]:
        """Selection id and handicap."""
        return self.id, self.hc or 0


class PriceChange(Struct, gc=False, kw_only=True, forbid_unknown_fields=True):
    """A runner change that has nothing but prices, traded volume and totals, as nearly all of them."""

    atb: list[PriceSize] | None = None
    atl: list[PriceSize] | None = None
    trd: list[PriceSize] | None = None
    ltp: Number | str | None = None
    tv: Number | None = None
    hc: Number | None = None
    id: int

    @property
    def key(self) -> tuple[int, float]:
        """Selection id and handicap."""
        return self.id, self.hc or 0


_ABSENT = Raw(b"null")


class MarketChange(Struct, gc=False):
    """What changed of one market (ESASwaggerSchema: MarketChange).

    :ivar rc: what changed of the runners, decoded or not; undecoded it is a part of the line that brought it, and
        keeps all of that in memory.
    """

    id: str | None = None
    marketDefinition: dict[str, Any] | None = None
    rc: Raw | list[RunnerChange] = _ABSENT
    tv: Number | None = None
    img: bool | None = None

    def detach(self) -> None:
        """Give undecoded runner changes memory of their own, so that the line may go."""
        if isinstance(self.rc, Raw):
            self.rc = self.rc.copy()


class LazyMarketChange(MarketChange, gc=False):
    """One whose runner changes stay undecoded."""

    rc: Raw = _ABSENT


class ReadMarketChange(MarketChange, gc=False):
    """One whose runner changes are decoded."""

    rc: list[RunnerChange] | None = None  # type: ignore[assignment]


class MarketChangeMessage(Struct, gc=False, kw_only=True):
    """One line of a market stream; `pt` in milliseconds since 1970 (UTC)."""

    pt: Annotated[int, Meta(ge=0, lt=LATEST_MS)]
    mc: Sequence[MarketChange] = ()


class _LazyMessage(MarketChangeMessage, gc=False, kw_only=True):
    mc: list[LazyMarketChange] = []


class _ReadMessage(MarketChangeMessage, gc=False, kw_only=True):
    mc: list[ReadMarketChange] = []


decode_message: Callable[[bytes], MarketChangeMessage] = msgspec.json.Decoder(_LazyMessage).decode
"""Decode one line, its runner changes left for a cache to decode when they are asked for.

Raises msgspec.MsgspecError (a ValueError) naming the field that is not as documented.
"""

decode_market_change: Callable[[Raw | bytes], MarketChange] = msgspec.json.Decoder(LazyMarketChange).decode
"""Decode one market change of a message whose parts were kept as bytes; its runner changes stay undecoded."""

decode_whole_message: Callable[[bytes], MarketChangeMessage] = msgspec.json.Decoder(_ReadMessage).decode
"""Decode one line with its runner changes: quicker where they will be asked for."""

decode_runner_changes: Callable[[Raw | bytes], list[RunnerChange] | None] = msgspec.json.Decoder(
    list[RunnerChange] | None
).decode
"""Decode what changed of the runners. Raises msgspec.MsgspecError where a field is not as documented."""


decode_price_changes: Callable[[Raw | bytes], list[PriceChange] | None] = msgspec.json.Decoder(
    list[PriceChange] | None
).decode
"""The same, quicker, where no runner has anything else. Raises msgspec.MsgspecError where one has."""


def plain_change(line: bytes, market_id: str) -> dict[str, Any] | None:
    """Return the last change of `market_id` in a line as it was received, unknown fields included.

    :param line: a message, or the change by itself.
    """
    message = msgspec.json.decode(line)
    found = [change for change in message.get("mc", (message,)) if change.get("id") == market_id]
    return found[-1] if found else None
