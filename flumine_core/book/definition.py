"""One market definition, shared by every book until the next arrives."""

import inspect
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

from ..clock import to_datetime
from ..errors import DataError

if TYPE_CHECKING:
    from betfairlightweight.resources import MarketDefinition

RunnerKey = tuple[int, float]
"""(selection id, handicap), the handicap being 0 where there is none."""


@lru_cache(1024)
def parse_datetime(value: str | int | None) -> datetime | None:
    """Return Betfair's time ("2020-04-01T05:30:00.000Z", or milliseconds) as an aware datetime, None if it is none."""
    try:
        if isinstance(value, int):
            return to_datetime(value)
        parsed = datetime.fromisoformat(value or "")
        return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


_TEXTS = (
    "status",
    "marketTime",
    "marketType",
    "eventId",
    "eventTypeId",
    "eventName",
    "name",
    "countryCode",
    "venue",
    "raceType",
    "bettingType",
    "openDate",
    "suspendTime",
    "settledTime",
)
_NUMBERS = (
    "version",
    "betDelay",
    "numberOfWinners",
    "numberOfActiveRunners",
    "eachWayDivisor",
    "marketBaseRate",
)
_LARGEST = 2**63
_RUNNER_NUMBERS = ("hc", "adjustmentFactor")
_RUNNER_TEXTS = ("status", "bsp", "removalDate", "name")


def _check_fields(raw: dict[str, Any], names: tuple[str, ...], wanted: Any, what: str, where: str) -> None:
    for name in names:
        value = raw.get(name)
        if value is not None and not isinstance(value, wanted):
            raise DataError(f"{where}.{name} must be {what}, was {value!r}")


def _check_numbers(raw: dict[str, Any], names: tuple[str, ...], where: str) -> None:
    for name in names:
        value = raw.get(name)
        if value is not None and not (isinstance(value, int | float) and abs(value) < _LARGEST):
            raise DataError(f"{where}.{name} must be a number of up to 64 bits, was {value!r}")


def _check(raw: dict[str, Any]) -> None:
    """Raise DataError where a definition is not fit to be traded on."""
    _check_fields(raw, _TEXTS, str | int, "text", "marketDefinition")
    _check_numbers(raw, _NUMBERS, "marketDefinition")
    _check_fields(raw, ("runners", "betDelayModels", "regulators"), list, "a list", "marketDefinition")
    for runner in raw.get("runners") or ():
        if not isinstance(runner, dict) or not isinstance(runner.get("id"), int):
            raise DataError(f"marketDefinition.runners must each have an id, was {runner!r}")
        _check_numbers(runner, _RUNNER_NUMBERS, "marketDefinition.runners")
        _check_fields(runner, _RUNNER_TEXTS, str | int | float, "text", "marketDefinition.runners")
    _check_fields(raw, ("priceLadderDefinition", "keyLineDefinition"), dict, "an object", "marketDefinition")
    key_line = raw.get("keyLineDefinition") or {}
    _check_fields(key_line, ("kl",), list, "a list", "marketDefinition.keyLineDefinition")
    if not all(isinstance(each, dict) for each in key_line.get("kl") or ()):
        raise DataError(f"marketDefinition.keyLineDefinition.kl must hold objects, was {key_line['kl']!r}")


@lru_cache(32)
def _fields(cls: type) -> tuple[frozenset[str], frozenset[str]]:
    parameters = [p for p in inspect.signature(cls).parameters.values() if p.kind is not inspect.Parameter.VAR_KEYWORD]
    required = frozenset(p.name for p in parameters if p.default is inspect.Parameter.empty)
    return frozenset(p.name for p in parameters), required


def fit(raw: dict[str, Any], cls: type) -> dict[str, Any]:
    """Return the fields of `raw` that the constructor of `cls` knows, with None for each that it requires."""
    known, required = _fields(cls)
    fitted = {name: value for name, value in raw.items() if name in known}
    for name in required - fitted.keys():
        fitted[name] = None
    return fitted


def key_of(runner: dict[str, Any]) -> RunnerKey:
    """Return the key of a definition's runner, its handicap as the stream has it."""
    handicap = runner.get("hc")
    return runner["id"], 0 if handicap is None else handicap


class Definition:
    """The stream's marketDefinition; `raw` is the message, everything else is read from it once.

    Attributes bear Betfair's names in snake case and are None where the field was absent; `market_time` is an
    aware datetime, `market_time_ms` the same in milliseconds since 1970, `bet_delay` in seconds.
    """

    def __init__(self, raw: dict[str, Any]) -> None:
        _check(raw)
        self.raw = raw
        get = raw.get
        self.status: str | None = get("status")
        self.in_play: bool | None = get("inPlay")
        self.version: int | None = get("version")
        self.bet_delay: int | None = get("betDelay")
        self.bet_delay_models: list[str] | None = get("betDelayModels")
        self.bsp_market: bool | None = get("bspMarket")
        self.bsp_reconciled: bool | None = get("bspReconciled")
        self.persistence_enabled: bool | None = get("persistenceEnabled")
        self.complete: bool | None = get("complete")
        self.cross_matching: bool | None = get("crossMatching")
        self.runners_voidable: bool | None = get("runnersVoidable")
        self.number_of_winners: int | None = get("numberOfWinners")
        self.number_of_active_runners: int | None = get("numberOfActiveRunners")
        self.market_type: str | None = get("marketType")
        self.event_id: str | None = get("eventId")
        self.event_type_id: str | None = get("eventTypeId")
        self.event_name: str | None = get("eventName")
        self.name: str | None = get("name")
        self.country_code: str | None = get("countryCode")
        self.venue: str | None = get("venue")
        self.race_type: str | None = get("raceType")
        self.each_way_divisor: float | None = get("eachWayDivisor")
        self.market_base_rate: float | None = get("marketBaseRate")
        self.runners: list[dict[str, Any]] = get("runners") or []

    def __reduce__(self) -> tuple[type["Definition"], tuple[dict[str, Any]]]:
        """Pickle the message alone."""
        return Definition, (self.raw,)

    @cached_property
    def market_time(self) -> datetime | None:
        """When the market is due to start."""
        return parse_datetime(self.raw.get("marketTime"))

    @cached_property
    def market_time_ms(self) -> int | None:
        """When the market is due to start, in milliseconds since 1970."""
        return None if self.market_time is None else round(self.market_time.timestamp() * 1000)

    @cached_property
    def runner_statuses(self) -> dict[RunnerKey, str | None]:
        """Status by (selection id, handicap)."""
        return {key_of(runner): runner.get("status") for runner in self.runners}

    @cached_property
    def resource(self) -> "MarketDefinition":
        """The definition as betfairlightweight's object; fields that it does not know are left out."""
        # importing betfairlightweight takes more memory and time than a small simulation
        from betfairlightweight.resources.bettingresources import PriceLadderDescription
        from betfairlightweight.resources.streamingresources import MarketDefinition, MarketDefinitionRunner

        fitted = fit(self.raw, MarketDefinition)
        fitted["runners"] = [fit(runner, MarketDefinitionRunner) for runner in self.runners]
        if fitted.get("priceLadderDefinition"):
            fitted["priceLadderDefinition"] = fit(fitted["priceLadderDefinition"], PriceLadderDescription)
        if fitted.get("keyLineDefinition"):
            fitted["keyLineDefinition"] = {"kl": fitted["keyLineDefinition"].get("kl") or []}
        return MarketDefinition(**fitted)


ABSENT = Definition({})
"""What a book has before any definition arrived."""
