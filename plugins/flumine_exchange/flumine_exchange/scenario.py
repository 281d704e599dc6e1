"""A market by script: how it begins, and what happens to it when."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

from attrs import define, field, frozen

from .clock import iso
from .marketstate import Changes

FIRST_VERSION = 5_000_000_000
DEFAULT_OFFERS = ([[2.0, 50.0], [1.99, 100.0], [1.98, 200.0]], [[2.02, 50.0], [2.04, 100.0], [2.06, 200.0]])


@frozen
class Step:
    """One thing that happens: so many seconds after the start of the replay, an operation on the market."""

    seconds: float
    operation: str
    args: Mapping[str, Any]


@define(kw_only=True)
class Scenario:
    """A market that is made up.

    `offers` holds, by selection id, what may be backed and laid: two lists of [price, size]; runners without have some
    around 2.0. `definition` overrides fields of the market definition as on the wire. Script it with `at`::

        Scenario(market_id="1.200").at(1, "suspend").at(1.5, "remove_runner", selection_id=22).at(2, "resume")
    """

    market_id: str = "1.200000001"
    runners: Sequence[int] = (11, 22, 33)
    offers: Mapping[int, tuple[list[list[float]], list[list[float]]]] = field(factory=dict)
    starts_in_seconds: float = 600.0
    definition: Mapping[str, Any] = field(factory=dict)
    steps: list[Step] = field(factory=list)

    def at(self, seconds: float, operation: str, **args: Any) -> Self:
        """Have a market operation (suspend, resume, turn_inplay, change, close, ...) happen; return self."""
        self.steps.append(Step(seconds, operation, args))
        return self

    def market_definition(self, now_ms: int) -> dict[str, Any]:
        """Return the definition that the market begins with."""
        start = iso(now_ms + round(self.starts_in_seconds * 1000))
        base: dict[str, Any] = {
            "bspMarket": True,
            "turnInPlayEnabled": True,
            "persistenceEnabled": True,
            "marketBaseRate": 5.0,
            "eventId": "30000001",
            "eventTypeId": "7",
            "numberOfWinners": 1,
            "bettingType": "ODDS",
            "marketType": "WIN",
            "marketTime": start,
            "suspendTime": start,
            "bspReconciled": False,
            "complete": True,
            "inPlay": False,
            "crossMatching": True,
            "runnersVoidable": False,
            "numberOfActiveRunners": len(self.runners),
            "betDelay": 0,
            "status": "OPEN",
            "regulators": ["MR_INT"],
            "venue": "Nowhere",
            "countryCode": "GB",
            "discountAllowed": True,
            "timezone": "Europe/London",
            "openDate": start,
            "version": FIRST_VERSION,
            "priceLadderDefinition": {"type": "CLASSIC"},
            "name": "Scenario",
            "eventName": "Scenario",
        }
        runners = [
            {
                "id": selection_id,
                "sortPriority": rank,
                "status": "ACTIVE",
                "adjustmentFactor": round(100 / len(self.runners), 2),
                "name": f"Runner {rank}",
            }
            for rank, selection_id in enumerate(self.runners, 1)
        ]
        return base | {"runners": runners} | dict(self.definition)

    def changes(self) -> Changes:
        """Return the prices that the market begins with, as runner changes."""
        return [
            {
                "id": selection_id,
                "atb": [list(level) for level in self.offers.get(selection_id, DEFAULT_OFFERS)[0]],
                "atl": [list(level) for level in self.offers.get(selection_id, DEFAULT_OFFERS)[1]],
            }
            for selection_id in self.runners
        ]
