"""betfairlightweight's resources, made of what the exchange answers: fields that they do not know are passed over."""

from collections.abc import Callable, Mapping
from typing import Any

from ..book.definition import fit


def account_funds_of(answer: Mapping[str, Any]) -> Any:
    """Return an AccountFunds of an answer of getAccountFunds.

    :raises TypeError: where it is none.
    """
    from betfairlightweight.resources import AccountFunds

    return AccountFunds(**answer)


def account_details_of(answer: Mapping[str, Any]) -> Any:
    """Return an AccountDetails of an answer of getAccountDetails.

    :raises TypeError: where it is none.
    """
    from betfairlightweight.resources import AccountDetails

    return AccountDetails(**answer)


def cleared_order_of(row: Mapping[str, Any]) -> Any:
    """Return a ClearedOrder of a row of listClearedOrders.

    :raises TypeError: (ValueError, AttributeError) where it is none.
    """
    from betfairlightweight.resources.bettingresources import ClearedOrder, ItemDescription

    return ClearedOrder(**_with_parts(row, {"itemDescription": ItemDescription}))


def catalogue_of(row: Mapping[str, Any]) -> Any:
    """Return a MarketCatalogue of a row of listMarketCatalogue.

    :raises TypeError: (ValueError, AttributeError, KeyError) where it is none.
    """
    from betfairlightweight.resources import MarketCatalogue
    from betfairlightweight.resources.bettingresources import (
        Competition,
        Event,
        EventType,
        LineRangeInfo,
        MarketCatalogueDescription,
        PriceLadderDescription,
        RunnerCatalogue,
    )

    fitted = _with_parts(
        row,
        {
            "competition": Competition,
            "event": Event,
            "eventType": EventType,
            "description": MarketCatalogueDescription,
        },
    )
    if fitted.get("description"):
        parts = {"lineRangeInfo": LineRangeInfo, "priceLadderDescription": PriceLadderDescription}
        fitted["description"] = _with_parts(fitted["description"], parts)
    fitted["runners"] = [fit(runner, RunnerCatalogue) for runner in row.get("runners") or ()]
    return MarketCatalogue(**fitted)


def _with_parts(row: Mapping[str, Any], parts: Mapping[str, Callable[..., Any]]) -> dict[str, Any]:
    """Return a row with each part as its class takes it; a part that is null is left out."""
    fitted = {name: value for name, value in row.items() if value is not None or name not in parts}
    for name, cls in parts.items():
        if name in fitted:
            fitted[name] = fit(fitted[name], cls)  # type: ignore[arg-type]
    return fitted
