"""Numbers for orders and trades: counted per market, so that they do not depend on what else a run does."""

_LENGTH = 18
"""Digits of an order id: with a strategy's hash of 13 and a separator, the 32 of a customerOrderRef."""


class OrderIds:
    """Counts orders and trades per market; the same market gives the same ids in every run."""

    __slots__ = ("_orders", "_trades")

    def __init__(self) -> None:
        self._orders: dict[str, int] = {}  # the market's latest order id, as a number
        self._trades: dict[str, int] = {}

    def next_order_id(self, market_id: str) -> str:
        """Return the next order id of a market, 18 digits as text."""
        number = self._orders.get(market_id)
        if number is None:
            digits = market_digits(market_id)
            number = int(digits) * 10 ** (_LENGTH - len(digits))
        number = self._orders[market_id] = number + 1
        text = str(number)
        return text if len(text) == _LENGTH else text.zfill(_LENGTH)

    def next_trade_id(self, market_id: str) -> str:
        """Return the next trade id of a market."""
        count = self._trades[market_id] = self._trades.get(market_id, 0) + 1
        return f"{market_id}-{count}"


def market_digits(market_id: str) -> str:
    """Return up to 10 digits that stand for a market: its number, or a hash where it has none."""
    digits = market_id.rpartition(".")[2]
    if digits.isdecimal() and len(digits) <= 10:
        return digits
    import hashlib  # brings OpenSSL, 3.5 MB

    number = int.from_bytes(hashlib.sha1(market_id.encode(), usedforsecurity=False).digest()[:5])
    return str(number)[:10]
