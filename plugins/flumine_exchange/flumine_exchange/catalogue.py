"""listMarketCatalogue, the lists of what there is to bet on, and the navigation menu."""

from collections.abc import Callable
from typing import Any, Literal

from .clock import iso
from .errors import ApiError
from .market import ExchangeMarket
from .orders import milliseconds
from .params import Params, TimeRange
from .placing import Call
from .rpc import Handler, typed
from .state import ExchangeState

EVENT_TYPES = {
    "1": "Soccer",
    "2": "Tennis",
    "4": "Cricket",
    "7": "Horse Racing",
    "4339": "Greyhound Racing",
    "7522": "Basketball",
}
WEIGHTS = {"MARKET_DESCRIPTION": 1, "RUNNER_METADATA": 1}
MOST_RESULTS = 1_000
GRANULARITIES = {"DAYS": 86_400_000, "HOURS": 3_600_000, "MINUTES": 60_000}
Projection = Literal[
    "COMPETITION",
    "EVENT",
    "EVENT_TYPE",
    "MARKET_START_TIME",
    "MARKET_DESCRIPTION",
    "RUNNER_DESCRIPTION",
    "RUNNER_METADATA",
]


class Filter(Params):
    """MarketFilter of the betting API."""

    text_query: str | None = None
    exchange_ids: list[str] | None = None
    event_type_ids: list[str] | None = None
    event_ids: list[str] | None = None
    competition_ids: list[str] | None = None
    market_ids: list[str] | None = None
    venues: list[str] | None = None
    bsp_only: bool | None = None
    turn_in_play_enabled: bool | None = None
    in_play_only: bool | None = None
    market_betting_types: list[str] | None = None
    market_countries: list[str] | None = None
    market_type_codes: list[str] | None = None
    market_start_time: TimeRange | None = None
    with_orders: list[str] | None = None
    race_types: list[str] | None = None


class ListMarketCatalogue(Params):
    """listMarketCatalogue."""

    filter: Filter
    max_results: int
    market_projection: list[Projection] | None = None
    sort: str | None = None
    locale: str | None = None


class ListOf(Params):
    """listEvents and the like."""

    filter: Filter
    locale: str | None = None
    granularity: str | None = None


LISTS = (
    ("event_type_ids", "eventTypeId"),
    ("event_ids", "eventId"),
    ("venues", "venue"),
    ("market_betting_types", "bettingType"),
    ("market_countries", "countryCode"),
    ("market_type_codes", "marketType"),
    ("race_types", "raceType"),
)


class Catalogue:
    """What there is to bet on; closed markets are not."""

    def __init__(self, state: ExchangeState) -> None:
        self.state = state

    def operations(self) -> dict[str, Handler]:
        """Return the operations by name."""
        lists: dict[str, Callable[[ExchangeMarket], tuple[str, dict[str, Any]] | None]] = {
            "listEventTypes": _event_type_row,
            "listCompetitions": lambda market: None,
            "listEvents": _event_row,
            "listMarketTypes": lambda market: _plain_row(market, "marketType"),
            "listCountries": lambda market: _plain_row(market, "countryCode"),
            "listVenues": lambda market: _plain_row(market, "venue"),
        }
        handlers: dict[str, Handler] = {"listTimeRanges": typed(ListOf, self._time_ranges)}
        handlers |= {name: typed(ListOf, self._lister(row)) for name, row in lists.items()}
        return {"listMarketCatalogue": typed(ListMarketCatalogue, self._catalogue), **handlers}

    def found(self, wanted: Filter) -> list[ExchangeMarket]:
        """Return the markets that a filter takes."""
        return [
            market for market in self.state.markets.values() if market.status != "CLOSED" and _selects(wanted, market)
        ]

    async def _catalogue(self, call: Call, params: ListMarketCatalogue) -> Any:
        projection: set[str] = set(params.market_projection or ())
        if not 1 <= params.max_results <= MOST_RESULTS:
            raise ApiError("INVALID_INPUT_DATA", f"maxResults must be 1 to {MOST_RESULTS}, was {params.max_results}")
        weight = sum(WEIGHTS.get(each, 0) for each in projection)
        if weight * params.max_results > self.state.settings.weight_limit:
            raise ApiError("TOO_MUCH_DATA", f"weight {weight} times {params.max_results} markets")
        markets = self.found(params.filter)
        markets.sort(key=lambda market: str(market.definition.get("marketTime")))
        if (params.sort or "").startswith("LAST_"):
            markets.reverse()
        return [_entry(market, projection) for market in markets[: params.max_results]]

    def _lister(self, row: Callable[[ExchangeMarket], tuple[str, dict[str, Any]] | None]) -> Any:
        async def lister(call: Call, params: ListOf) -> Any:
            rows: dict[str, dict[str, Any]] = {}
            for market in self.found(params.filter):
                found = row(market)
                if found is not None:
                    rows.setdefault(found[0], found[1] | {"marketCount": 0})["marketCount"] += 1
            return list(rows.values())

        return lister

    async def _time_ranges(self, call: Call, params: ListOf) -> Any:
        span = GRANULARITIES.get(params.granularity or "DAYS")
        if span is None:
            raise ApiError("INVALID_INPUT_DATA", f"granularity must be one of {', '.join(GRANULARITIES)}")
        counts: dict[int, int] = {}
        for market in self.found(params.filter):
            start = (milliseconds(market.definition.get("marketTime")) or 0) // span * span
            counts[start] = counts.get(start, 0) + 1
        return [
            {"timeRange": {"from": iso(start), "to": iso(start + span)}, "marketCount": count}
            for start, count in sorted(counts.items())
        ]

    def navigation(self) -> dict[str, Any]:
        """Return the navigation menu: event types, events, markets."""
        types: dict[str, dict[str, Any]] = {}
        events: dict[str, dict[str, Any]] = {}
        for market in self.state.markets.values():
            definition = market.definition
            if market.status == "CLOSED":
                continue
            type_id, event_id = str(definition.get("eventTypeId")), str(definition.get("eventId"))
            event_type = types.setdefault(
                type_id,
                {"type": "EVENT_TYPE", "name": EVENT_TYPES.get(type_id, type_id), "id": type_id, "children": []},
            )
            event = events.get(event_id)
            if event is None:
                event = events[event_id] = {
                    "type": "EVENT",
                    "name": definition.get("eventName", event_id),
                    "id": event_id,
                    "countryCode": definition.get("countryCode", ""),
                    "children": [],
                }
                event_type["children"].append(event)
            event["children"].append(
                {
                    "type": "MARKET",
                    "name": _name(market),
                    "id": market.market_id,
                    "exchangeId": "1",
                    "marketType": definition.get("marketType", ""),
                    "marketStartTime": definition.get("marketTime"),
                    "numberOfWinners": definition.get("numberOfWinners"),
                }
            )
        return {"children": list(types.values()), "id": 0, "name": "ROOT", "type": "GROUP"}


def _name(market: ExchangeMarket) -> str:
    return str(market.definition.get("name") or market.definition.get("marketType") or market.market_id)


def _selects(wanted: Filter, market: ExchangeMarket) -> bool:
    definition = market.definition
    if wanted.market_ids and market.market_id not in wanted.market_ids:
        return False
    if wanted.competition_ids:
        return False
    for name, field in LISTS:
        values = getattr(wanted, name)
        if values and str(definition.get(field)) not in values:
            return False
    for flag, field in (
        (wanted.bsp_only, "bspMarket"),
        (wanted.turn_in_play_enabled, "turnInPlayEnabled"),
        (wanted.in_play_only, "inPlay"),
    ):
        if flag is not None and bool(definition.get(field)) != flag:
            return False
    if wanted.text_query and wanted.text_query.lower() not in f"{_name(market)} {definition.get('eventName')}".lower():
        return False
    span = wanted.market_start_time
    if span is not None:
        start, end, when = milliseconds(span.start), milliseconds(span.end), milliseconds(definition.get("marketTime"))
        if when is not None and ((start is not None and when < start) or (end is not None and when > end)):
            return False
    return True


def _event_type_row(market: ExchangeMarket) -> tuple[str, dict[str, Any]]:
    type_id = str(market.definition.get("eventTypeId"))
    return type_id, {"eventType": {"id": type_id, "name": EVENT_TYPES.get(type_id, type_id)}}


def _event(market: ExchangeMarket) -> dict[str, Any]:
    definition = market.definition
    event = {
        "id": str(definition.get("eventId")),
        "name": definition.get("eventName") or str(definition.get("eventId")),
        "countryCode": definition.get("countryCode", "GB"),
        "timezone": definition.get("timezone", "GMT"),
        "openDate": definition.get("openDate") or definition.get("marketTime"),
    }
    if definition.get("venue"):
        event["venue"] = definition["venue"]
    return event


def _event_row(market: ExchangeMarket) -> tuple[str, dict[str, Any]]:
    return str(market.definition.get("eventId")), {"event": _event(market)}


def _plain_row(market: ExchangeMarket, name: str) -> tuple[str, dict[str, Any]] | None:
    value = market.definition.get(name)
    return None if value is None else (str(value), {name: value})


def _entry(market: ExchangeMarket, projection: set[str]) -> dict[str, Any]:
    definition = market.definition
    entry: dict[str, Any] = {
        "marketId": market.market_id,
        "marketName": _name(market),
        "totalMatched": market.served.total or 0.0,
    }
    if "MARKET_START_TIME" in projection:
        entry["marketStartTime"] = definition.get("marketTime")
    if "MARKET_DESCRIPTION" in projection:
        entry["description"] = _description(definition)
    if projection & {"RUNNER_DESCRIPTION", "RUNNER_METADATA"}:
        runners = sorted(definition.get("runners") or (), key=lambda runner: runner.get("sortPriority", 0))
        entry["runners"] = [_runner(runner, "RUNNER_METADATA" in projection) for runner in runners]
    if "EVENT_TYPE" in projection:
        entry["eventType"] = _event_type_row(market)[1]["eventType"]
    if "EVENT" in projection:
        entry["event"] = _event(market)
    return entry


def _runner(runner: dict[str, Any], with_metadata: bool) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "selectionId": runner["id"],
        "runnerName": runner.get("name") or str(runner["id"]),
        "handicap": runner.get("hc") or 0.0,
        "sortPriority": runner.get("sortPriority", 0),
    }
    if with_metadata:
        shown["metadata"] = {"runnerId": str(runner["id"])}
    return shown


def _description(definition: dict[str, Any]) -> dict[str, Any]:
    start = definition.get("marketTime")
    described: dict[str, Any] = {
        "persistenceEnabled": bool(definition.get("persistenceEnabled")),
        "bspMarket": bool(definition.get("bspMarket")),
        "marketTime": start,
        "suspendTime": definition.get("suspendTime") or start,
        "bettingType": definition.get("bettingType", "ODDS"),
        "turnInPlayEnabled": bool(definition.get("turnInPlayEnabled")),
        "marketType": definition.get("marketType", ""),
        "regulator": "GIBRALTAR REGULATOR",
        "marketBaseRate": definition.get("marketBaseRate", 5.0),
        "discountAllowed": bool(definition.get("discountAllowed", True)),
        "wallet": "UK wallet",
        "rules": "",
        "rulesHasDate": False,
        "priceLadderDescription": definition.get("priceLadderDefinition") or {"type": "CLASSIC"},
    }
    for name in ("eachWayDivisor", "raceType", "settledTime", "betDelayModels"):
        if definition.get(name) is not None:
            described["settleTime" if name == "settledTime" else name] = definition[name]
    if definition.get("bettingType") == "LINE":
        described["lineRangeInfo"] = {
            "marketUnit": "Units",
            "interval": definition.get("lineInterval", 1.0),
            "minUnitValue": definition.get("lineMinUnit", 0.0),
            "maxUnitValue": definition.get("lineMaxUnit", 0.0),
        }
    return described
