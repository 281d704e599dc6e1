"""Numbers for orders and trades: counted per market, so that they do not depend on what else a run does."""

from collections.abc import Iterator
from itertools import count

_LENGTH = 18
"""Digits of an order id: with a strategy's hash of 13 and a separator, the 32 of a customerOrderRef."""


class OrderIds:
    """Counts orders and trades per market; the same market gives the same ids in every run."""

    __slots__ = ("_orders", "_trades")

    def __init__(self) -> None:
        self._orders: dict[str, Iterator[str]] = {}
        self._trades: dict[str, Iterator[str]] = {}

    def next_order_id(self, market_id: str) -> str:
        """Return the next order id of a market, 18 digits as text."""
        try:
            return next(self._orders[market_id])
        except KeyError:
            digits = market_digits(market_id)
            numbers = map(str, count(int(digits) * 10 ** (_LENGTH - len(digits)) + 1))
            ids = self._orders[market_id] = numbers if digits[0] != "0" else (each.zfill(_LENGTH) for each in numbers)
            return next(ids)

    def next_trade_id(self, market_id: str) -> str:
        """Return the next trade id of a market."""
        try:
            return next(self._trades[market_id])
        except KeyError:
            ids = self._trades[market_id] = map(f"{market_id}-".__add__, map(str, count(1)))
            return next(ids)


def market_digits(market_id: str) -> str:
    """Return up to 10 digits that stand for a market: its number, or a hash where it has none."""
    digits = market_id.rpartition(".")[2]
    if digits.isdecimal() and len(digits) <= 10:
        return digits
    import hashlib  # brings OpenSSL, 3.5 MB

    number = int.from_bytes(hashlib.sha1(market_id.encode(), usedforsecurity=False).digest()[:5])
    return str(number)[:10]
