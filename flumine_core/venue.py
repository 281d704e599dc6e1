"""What a venue allows: instruction limits, minimum stakes and ladders, as a frozen value."""

from collections.abc import Mapping
from enum import Enum

import attrs

from .errors import ClientError


@attrs.frozen
class OrderLimits:
    """How many instructions one request may carry."""

    place: int
    cancel: int
    update: int
    replace: int


@attrs.frozen
class Currency:
    """The least a bet may be, in the account's currency.

    :ivar min_bet_size: least stake, unless the payout reaches `min_bet_payout`.
    :ivar min_bet_payout: price times stake that makes a smaller stake acceptable.
    :ivar min_bsp_liability: least liability of a LAY at the starting price.
    """

    min_bet_size: float
    min_bet_payout: float
    min_bsp_liability: float


@attrs.frozen
class Venue:
    """A betting exchange, as far as orders are concerned.

    :ivar currencies: by code (ISO 4217).
    :ivar ladders: names of the price ladders that it knows.
    """

    name: str
    order_limits: OrderLimits
    currencies: Mapping[str, Currency]
    ladders: frozenset[str]

    def order_limit(self, package_type: Enum | str) -> int:
        """Return how many instructions a request may carry ("Place", "Cancel", "Update" or "Replace")."""
        name = package_type if isinstance(package_type, str) else package_type.name
        limit: int = getattr(self.order_limits, name.lower())
        return limit

    def currency(self, code: str) -> Currency:
        """Return the minimum stakes of a currency.

        :raises ClientError: where the venue does not trade in it.
        """
        currency = self.currencies.get(code)
        if currency is None:
            raise ClientError(f"currency must be one of {', '.join(sorted(self.currencies))}, was {code}")
        return currency


BETFAIR = Venue(
    name="betfair",
    order_limits=OrderLimits(place=200, cancel=60, update=60, replace=60),
    currencies={
        "GBP": Currency(1, 10, 10),
        "EUR": Currency(1, 20, 10),
        "USD": Currency(1, 20, 20),
        "HKD": Currency(10, 125, 125),
        "AUD": Currency(5, 30, 30),
        "CAD": Currency(2, 30, 30),
        "DKK": Currency(15, 150, 150),
        "NOK": Currency(10, 150, 150),
        "SEK": Currency(15, 150, 150),
        "SGD": Currency(2, 30, 30),
        "RON": Currency(5, 50, 50),
        "BRL": Currency(5, 50, 50),
        "MXN": Currency(30, 300, 300),
        "PEN": Currency(5, 50, 50),
        "HUF": Currency(400, 4000, 4000),
        "ISK": Currency(350, 1750, 1750),
        "NZD": Currency(2, 10, 10),
        "ARS": Currency(100, 500, 500),
        "GEL": Currency(10, 50, 50),
    },
    ladders=frozenset({"CLASSIC", "FINEST", "LINE_RANGE"}),
)
"""The Betfair exchange; figures of its developer programme's currency parameters and betting API limits."""
