"""The journal of a live run."""

from collections.abc import Sequence
from typing import Any

from ..order.order import Order
from .request import Request


class Journal:
    """Keeps intents and outcomes."""

    def note(self, orders: Sequence[Order]) -> None: ...

    def intent_of(self, request: Request, params: dict[str, Any], orders: Sequence[Order]) -> Any: ...

    def intend(self, rows: Any) -> None: ...

    def close_market(self, market_id: str) -> None: ...

    def save_contexts(self, strategies: Any) -> None: ...

    def close(self) -> None: ...


def open_journal(settings: Any, ids: Any) -> Journal | None:
    """Open the journal."""
    return None
