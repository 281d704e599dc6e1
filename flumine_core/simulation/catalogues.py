"""Middleware that brings recorded market catalogues to a simulation."""

from typing import Any

import msgspec

from ..book.change import UNDECODABLE
from ..contract.middleware import Middleware
from ..errors import FlumineCoreError
from ..events import MarketCataloguesEvent
from .companion import address_of, beside, recording_of, report
from .reader import open_lines


class MarketCatalogueMiddleware(Middleware):
    """Gives each market its catalogue, read from `<market id>.json`, through the same step as live.

    `market.market_catalogue` is there and `process_market_catalogue` has been called before any strategy sees the
    market's first book. A market without a usable file has no catalogue: that is told in the framework's
    `stream_errors`, and the run goes on.

    :param directory: where the files lie, each one JSON object as listMarketCatalogue returns it; None is beside each
        recording, where a recorder puts them.
    """

    def __init__(self, directory: str | None = None) -> None:
        self.directory = directory
        self._waiting: set[str] = set()

    def add_market(self, market: Any) -> None:
        """Take note that a market has no catalogue yet."""
        self._waiting.add(market.market_id)

    def __call__(self, market: Any) -> None:
        """At a market's first book, let the kernel process its catalogue."""
        if market.market_id not in self._waiting:
            return
        self._waiting.discard(market.market_id)
        name = f"{market.market_id}.json"
        try:
            if self.directory is None:
                address = beside(recording_of(market), name)
            else:
                address = address_of(self.directory, name)
            catalogue = read_catalogue(address)
        except (FlumineCoreError, ValueError, TypeError, KeyError, AttributeError) as error:
            report(market.flumine, f"no catalogue of market {market.market_id}: {error}")
            return
        if catalogue.market_id != market.market_id:
            report(
                market.flumine,
                f"no catalogue of market {market.market_id}: {address} is of market {catalogue.market_id}",
            )
            return
        market.flumine.process(MarketCataloguesEvent([catalogue]))

    def remove_market(self, market: Any) -> None:
        """Forget a market that never had a book."""
        self._waiting.discard(market.market_id)


def read_catalogue(address: str) -> Any:
    """Return the betfairlightweight MarketCatalogue that a JSON file holds.

    :raises StreamError: if there is no such file, or it cannot be read.
    :raises ValueError: if it is not one JSON object.
    """
    from betfairlightweight.resources import MarketCatalogue

    lines = open_lines(address)
    try:
        described = msgspec.json.decode(b"".join(lines), type=dict[str, Any])
    except UNDECODABLE as error:
        raise ValueError(f"{address}: {error}") from error
    finally:
        lines.close()
    return MarketCatalogue(**described)
