"""clk and initialClk: where a subscription stands, opaque to clients."""

import base64
import binascii
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
        text = f"{self.instance}:{self.sequence}:{self.time_ms}"
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode(clk: str) -> Position | None:
    """Return what a clk says, None where it is not one of ours."""
    try:
        text = base64.urlsafe_b64decode(clk + "=" * (-len(clk) % 4)).decode()
        instance, sequence, time_ms = text.split(":")
        return Position(instance, int(sequence), int(time_ms))
    except (ValueError, UnicodeDecodeError, binascii.Error):
        return None


def initial_clk(instance: str, *terms: object) -> str:
    """Return the initialClk of a subscription with these terms: equal terms, equal initialClk."""
    digest = hashlib.sha256(msgspec.json.encode([instance, *terms], order="sorted")).digest()
    return base64.urlsafe_b64encode(digest[:12]).decode()
