"""Attributes read as items, as betfairlightweight's resources have them."""

from typing import Any


class Items:
    """`book["marketId"]`, `book["market_id"]` and `book.get("marketId", default)` beside `book.market_id`."""

    __slots__ = ()

    def __getitem__(self, name: str) -> Any:
        """Return an attribute by its name, or by the name that Betfair's APIs have for it.

        :raises AttributeError: if there is none, as betfairlightweight does.
        """
        from betfairlightweight.utils import to_snake_case

        return getattr(self, to_snake_case(name))

    def get(self, name: str, default: Any = None) -> Any:
        """Return what `self[name]` is, `default` where there is no such attribute."""
        try:
            return self[name]
        except AttributeError:
            return default
