"""The market definition of a synthetic market: complete, as each line that changes it carries it."""

from typing import Any

from attrs import define

from ..clock import to_datetime
from .field import Field, Runner
from .kind import Kind


def iso(epoch_ms: int) -> str:
    """Return a time as Betfair writes it, such as 2024-06-01T13:00:00.000Z."""
    return f"{to_datetime(epoch_ms):%Y-%m-%dT%H:%M:%S}.{epoch_ms % 1000:03d}Z"


@define
class State:
    """What changes of a definition while the market lives; `order` holds the runners' indices as listed."""

    version: int
    order: list[int]
    status: str = "OPEN"
    in_play: bool = False
    bet_delay: int = 0
    bsp_reconciled: bool = False
    settled_ms: int | None = None


def definition(
    kind: Kind, field: Field, state: State, *, event_id: str, start_ms: int, plays: bool, passive: bool
) -> dict[str, Any]:
    """Return the `marketDefinition` of the moment; `plays` tells whether the market is turned in play."""
    closed = state.status == "CLOSED"
    start = iso(start_ms)
    result: dict[str, Any] = {
        "bspMarket": kind.has_bsp,
        "turnInPlayEnabled": plays,
        "persistenceEnabled": plays,
        "marketBaseRate": 5.0,
        "eventId": event_id,
        "eventTypeId": kind.event_type,
        "numberOfWinners": kind.winners,
    }
    if kind.each_way_divisor is not None:
        result["eachWayDivisor"] = kind.each_way_divisor
    result |= {
        "bettingType": "ODDS" if kind.line is None else "LINE",
        "marketType": kind.name,
        "marketTime": start,
        "suspendTime": start,
        "bspReconciled": state.bsp_reconciled,
        "complete": True,
        "inPlay": state.in_play,
        "crossMatching": not closed and kind.line is None,
        "runnersVoidable": False,
        "numberOfActiveRunners": sum(runner.is_active for runner in field.runners),
        "betDelay": state.bet_delay,
        "status": state.status,
    }
    if passive:
        result["betDelayModels"] = ["PASSIVE"]
    if state.settled_ms is not None:
        result["settledTime"] = iso(state.settled_ms)
    result["runners"] = [_runner(field.runners[index], rank) for rank, index in enumerate(state.order, 1)]
    result["regulators"] = ["MR_INT"]
    if kind.is_race:
        result |= {"venue": field.venue, "raceType": "Flat"}
    result |= {
        "countryCode": "GB",
        "discountAllowed": True,
        "timezone": "Europe/London",
        "openDate": iso(start_ms - 3_600_000) if kind.is_race else start,
        "version": state.version,
    }
    line = kind.line
    if line is not None:
        result |= {"lineMinUnit": line.low, "lineMaxUnit": line.high, "lineInterval": line.interval}
    result["priceLadderDefinition"] = {"type": "CLASSIC" if line is None else "LINE_RANGE"}
    return result | _names(kind, field, start_ms)


def _runner(runner: Runner, rank: int) -> dict[str, Any]:
    result: dict[str, Any] = {}
    if runner.adjustment_factor is not None:
        result["adjustmentFactor"] = runner.adjustment_factor
    result |= {"status": runner.status, "sortPriority": rank}
    if runner.removal_date is not None:
        result["removalDate"] = runner.removal_date
    if runner.bsp is not None:
        result["bsp"] = runner.bsp
    return result | {"id": runner.id, "name": runner.name}


def _names(kind: Kind, field: Field, start_ms: int) -> dict[str, Any]:
    if kind.is_race:
        day = to_datetime(start_ms)
        name = {"WIN": "1m2f Hcap", "EACH_WAY": "Each Way"}.get(kind.name, "To Be Placed")
        return {"name": name, "eventName": f"{field.venue} {day.day}/{day.month}"}
    if kind.line is None:
        return {"name": "Match Odds", "eventName": f"{field.runners[0].name} v {field.runners[1].name}"}
    return {"name": "Total Runs Line", "eventName": f"{field.venue} v Visitors"}
