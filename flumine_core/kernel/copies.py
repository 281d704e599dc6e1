"""Plain copies of received events, for logging controls: they are queued, and must not change meanwhile."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import msgspec

from ..book.definition import key_of
from ..book.marketbook import MarketBook
from ..book.runner import RunnerBook
from ..events import (
    CurrentOrdersEvent,
    Event,
    MarketBooksEvent,
    MarketCataloguesEvent,
    RawDataEvent,
    SportsDataEvent,
)
from ..market.market import Market
from ..order.told import Told, ToldMarket


def plain_book(book: MarketBook) -> dict[str, Any]:
    """Return a market book as plain data; `market_definition` and the runners' prices as the stream names them."""
    return {
        "market_id": book.market_id,
        "publish_time_epoch": book.publish_time_epoch,
        "streaming_unique_id": book.streaming_unique_id,
        "total_matched": book.total_matched,
        "market_definition": book.definition.raw,
        "runners": [_plain_runner(runner) for runner in book.runners],
    }


def plain_market(market: Market) -> ToldMarket:
    """Return a market's `info` with its runners: id, handicap, name, status, starting price where they are known."""
    catalogue = getattr(market.market_catalogue, "runners", None) or ()
    names = {runner.selection_id: runner.runner_name for runner in catalogue}
    runners = [
        Told(
            {
                "selection_id": runner["id"],
                "handicap": key_of(runner)[1],
                "name": names.get(runner["id"]) or runner.get("name"),
                "sort_priority": runner.get("sortPriority"),
                "status": runner.get("status"),
                "adjustment_factor": runner.get("adjustmentFactor"),
                "bsp": runner.get("bsp"),
            }
        )
        for runner in market.definition.runners
    ]
    return ToldMarket(market.info, status=market.status, runners=runners)


def _plain_runner(runner: RunnerBook) -> dict[str, Any]:
    return {
        "selection_id": runner.selection_id,
        "handicap": runner.handicap,
        "status": runner.status,
        "adjustment_factor": runner.adjustment_factor,
        "last_price_traded": runner.last_price_traded,
        "total_matched": runner.total_matched,
        "ex": msgspec.to_builtins(runner.ex),
        "sp": msgspec.to_builtins(runner.sp),
    }


def _plain_resource(resource: Any) -> Any:
    """Return what betfairlightweight made a resource of, else its text."""
    data = getattr(resource, "_data", None)
    return str(resource) if data is None else deepcopy(data)


def _market_books(event: MarketBooksEvent) -> Event:
    books: list[Any] = [plain_book(book) for book in event.market_books]
    return MarketBooksEvent(books)


def _raw_data(event: RawDataEvent) -> Event:
    return RawDataEvent(event.stream_id, event.clk, event.publish_time, deepcopy(event.data), event.op)


def _market_catalogues(event: MarketCataloguesEvent) -> Event:
    return MarketCataloguesEvent([_plain_resource(catalogue) for catalogue in event.market_catalogues])


def _current_orders(event: CurrentOrdersEvent) -> Event:
    reports: list[Any] = [{"report": type(each).__name__, "order": each.order.info} for each in event.reports]
    return CurrentOrdersEvent(reports)


def _sports_data(event: SportsDataEvent) -> Event:
    return SportsDataEvent([_plain_resource(update) for update in event.sports_data], event.streaming_unique_id)


COPIES: dict[type[Event], Callable[[Any], Event]] = {
    MarketBooksEvent: _market_books,
    RawDataEvent: _raw_data,
    MarketCataloguesEvent: _market_catalogues,
    CurrentOrdersEvent: _current_orders,
    SportsDataEvent: _sports_data,
}
"""Event class -> what makes a plain copy of such an event."""
