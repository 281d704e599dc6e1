"""Plain values for logs that also read like what they describe, so that handlers written for flumine work."""

from typing import Any

from .snapshot import OrderSnapshot


class Told(dict[str, Any]):
    """Plain values by name: `told["profit"]` is `told.profit`."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"nothing is told by the name {name!r}") from None


class ToldOrder(dict[str, Any]):
    """An order's plain values, `told["status"]`; as attributes it has what the order had, `told.status.value`."""

    __slots__ = ("_order",)

    def __init__(self, order: OrderSnapshot) -> None:
        super().__init__(order.info)
        self._order = order

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._order, name)

    def __reduce__(self) -> tuple[type["ToldOrder"], tuple[OrderSnapshot]]:
        return type(self), (self._order,)


class ToldCleared(list[Told]):
    """What was cleared; flumine's handlers look for it in `orders`."""

    @property
    def orders(self) -> "ToldCleared":
        """The list itself."""
        return self
