"""Stream messages cut into one line a market; each change's own bytes go into its line unaltered."""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import attrs
import msgspec


@attrs.frozen
class Kind:
    """A kind of stream: its name, what its messages' `op` is, and where they hold their changes.

    :ivar market_field: the field of a change that holds its market's id.
    """

    name: str
    op: str
    changes: str
    market_field: str


KINDS = {
    kind.op: kind
    for kind in (
        Kind("market", "mcm", "mc", "id"),
        Kind("order", "ocm", "oc", "id"),
        Kind("race", "rcm", "rc", "mid"),
        Kind("cricket", "ccm", "cc", "marketId"),
    )
}
"""`op` -> kind of stream."""


_MARKET_ID = re.compile(r"[0-9A-Za-z_-]+(\.[0-9A-Za-z_-]+)*")
"""Files bear these ids as their names, so that nothing else may stand in them."""


class Definition(msgspec.Struct, gc=False):
    """What is looked at of a market definition."""

    status: Any = None
    eventId: Any = None
    marketTime: Any = None


class Change(msgspec.Struct, gc=False):
    """What is looked at of a change of any kind."""

    id: Any = None
    mid: Any = None
    marketId: Any = None
    eventId: Any = None
    img: Any = None
    fullImage: Any = None
    con: Any = None
    closed: Any = None
    marketDefinition: Definition | None = None

    @property
    def is_image(self) -> bool:
        """Whether it replaces all that was known."""
        return bool(self.img or self.fullImage)

    @property
    def is_closed(self) -> bool:
        """Whether it says that the market has closed."""
        definition = self.marketDefinition
        return bool(self.closed) or (definition is not None and definition.status == "CLOSED")

    @property
    def event_id(self) -> str | None:
        """The event's id, as far as this change tells: a race's id opens with its meeting's."""
        if self.marketDefinition is not None and self.marketDefinition.eventId is not None:
            return str(self.marketDefinition.eventId)
        if self.eventId is not None:
            return str(self.eventId)
        if self.mid is not None and isinstance(self.id, str):
            return self.id.partition(".")[0] or None
        return None


class _Message(msgspec.Struct, gc=False):
    op: str
    pt: int
    clk: str | None = None
    mc: list[msgspec.Raw] = []
    oc: list[msgspec.Raw] = []
    rc: list[msgspec.Raw] = []
    cc: list[msgspec.Raw] = []


decode_change = msgspec.json.Decoder(Change).decode
"""Decode what is looked at of a change. Raises msgspec.MsgspecError where it is no JSON object."""

_decode_message = msgspec.json.Decoder(_Message).decode
_encode = msgspec.json.encode


def compose(kind: Kind, clk: str | None, publish_time: int, changes: Sequence[bytes]) -> bytes:
    """Return a line, its end included, that holds these changes as they are."""
    body = b",".join(changes)
    if b"\n" in body or b"\r" in body:  # white space between tokens: inside of JSON text both are escaped
        body = body.replace(b"\r", b" ").replace(b"\n", b" ")
    return b'{"op":"%b","clk":%b,"pt":%d,"%b":[%b]}\n' % (
        kind.op.encode(),
        _encode(clk),
        publish_time,
        kind.changes.encode(),
        body,
    )


@attrs.frozen
class Line:
    """One line of a market, cut out of a message."""

    market_id: str
    text: bytes
    publish_time: int
    changes: tuple[Change, ...]


def cut(
    kind: Kind, clk: str | None, publish_time: int, changes: Sequence[bytes], on_bad: Callable[[str], None]
) -> Iterator[Line]:
    """Yield a line for each market of a message, in the order of their first changes.

    :param on_bad: told of each change that has no place, in one sentence; the others have theirs.
    """
    markets: dict[str, tuple[list[bytes], list[Change]]] = {}
    for raw in changes:
        try:
            change = decode_change(raw)
            market_id = getattr(change, kind.market_field)
        except msgspec.MsgspecError as error:
            on_bad(f"a change of the {kind.name} stream cannot be read: {error}, was {raw[:80]!r}")
            continue
        if not isinstance(market_id, str) or not _MARKET_ID.fullmatch(market_id):
            on_bad(f"{kind.market_field} of a change of the {kind.name} stream must be a market id, was {market_id!r}")
            continue
        texts, decoded = markets.setdefault(market_id, ([], []))
        texts.append(raw)
        decoded.append(change)
    for market_id, (texts, decoded) in markets.items():
        yield Line(market_id, compose(kind, clk, publish_time, texts), publish_time, tuple(decoded))


def parse(line: bytes) -> tuple[Kind, str | None, int, list[bytes]]:
    """Return kind, clock token, publish time (ms) and the changes' bytes of a stream line.

    :raises ValueError: where it is not one.
    """
    message = _decode_message(line)
    kind = KINDS.get(message.op)
    if kind is None:
        raise ValueError(f"op must be one of {', '.join(KINDS)}, was {message.op!r}")
    return kind, message.clk, message.pt, [bytes(raw) for raw in getattr(message, kind.changes)]
