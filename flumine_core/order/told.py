"""Plain values for logs that also read like what they describe, so that handlers written for flumine work."""

from datetime import datetime
from typing import Any

from .snapshot import OrderSnapshot, TradeSnapshot


class Told(dict[str, Any]):
    """Plain values by name: `told["profit"]` is `told.profit`."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"nothing is told by the name {name!r}") from None

    @property
    def info(self) -> dict[str, Any]:
        """The plain values."""
        return self


class ToldMarket(Told):
    """A market's plain values; its start is ISO 8601 by name, and a datetime as attribute."""

    __slots__ = ()

    @property
    def market_start_datetime(self) -> datetime:
        """When it is to start, as an aware UTC datetime."""
        return datetime.fromisoformat(self["market_start_datetime"])


class ToldCopy(dict[str, Any]):
    """Plain values of an order or trade, `told["status"]`; as attributes what it had itself, `told.status.value`."""

    __slots__ = ("_copy",)

    def __init__(self, copy: OrderSnapshot | TradeSnapshot) -> None:
        super().__init__(copy.info)
        self._copy = copy

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._copy, name)

    def __reduce__(self) -> tuple[type["ToldCopy"], tuple[OrderSnapshot | TradeSnapshot]]:
        return type(self), (self._copy,)


class ToldCleared(list[Told]):
    """What was cleared; flumine's handlers look for it in `orders`."""

    @property
    def orders(self) -> "ToldCleared":
        """The list itself."""
        return self
