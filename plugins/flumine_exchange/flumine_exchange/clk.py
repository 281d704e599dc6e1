"""clk and initialClk: where a subscription stands, opaque to clients."""

import base64
import hashlib

import msgspec
from attrs import frozen


@frozen
class Position:
    """What a clk says: up to which change of which exchange, as of when (milliseconds since 1970)."""

    instance: str
    sequence: int
    time_ms: int

    def encode(self) -> str:
        """Return the clk."""
        return f"{self.instance}.{self.sequence}.{self.time_ms}"


def decode(clk: str) -> Position | None:
    """Return what a clk says, None where it is not one of ours."""
    instance, _, rest = clk.partition(".")
    sequence, _, time_ms = rest.partition(".")
    if not sequence.isdecimal() or not time_ms.isdecimal():
        return None
    return Position(instance, int(sequence), int(time_ms))


def initial_clk(instance: str, *terms: object) -> str:
    """Return the initialClk of a subscription with these terms: equal terms, equal initialClk."""
    digest = hashlib.sha256(msgspec.json.encode([instance, *terms], order="sorted")).digest()
    return base64.urlsafe_b64encode(digest[:12]).decode()
