"""A recorded market written by hand, one call a book: what happens is said, everything around it is filled in."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from ..errors import DataError
from ..synthetic.definition import iso
from ..synthetic.market import encode, write

START_MS = 1_780_321_800_000
"""Publish time of the first book: 2026-06-01 13:50 UTC, in milliseconds since 1970."""

LEAD_MS = 600_000
"""How long before its advertised start a market opens."""

STEP_MS = 1_000
"""How long a book stands, unless `wait` says otherwise: longer than any latency of the settings."""

Levels = Sequence[tuple[float, float]]
"""(price, size) of a ladder, in pounds; size 0 takes a level away."""

Extra = Mapping[str, Any]


@attrs.frozen
class MarketScript:
    """A market as a sequence of books. Every call returns a longer script and leaves this one as it was.

    The first call may be `runners`; each further one is one book, a second after the one before. The script opens with
    an image of an OPEN market ten minutes before its start. A script that does not close its market ends with one more
    book, unchanged, so that what was asked for on the last one is executed.

    :ivar market_id: the market's id, also the name of the file.
    :ivar definition: fields of the market definition in place of those made up (`marketType`, `numberOfWinners`, ...).
    :ivar step_ms: milliseconds between two books.
    """

    market_id: str = "1.100000001"
    definition: Mapping[str, Any] = attrs.Factory(dict)
    step_ms: int = STEP_MS
    selections: tuple[int, ...] = (1, 2)
    steps: tuple[Callable[["_Life"], None], ...] = ()

    def runners(self, *selections: int) -> "MarketScript":
        """Set who runs: a number of runners (ids 1, 2, ...), or two or more selection ids.

        :raises DataError: after the first book, or without any runner.
        """
        if self.steps:
            raise DataError("runners must be set before the first book")
        ids = tuple(range(1, selections[0] + 1)) if len(selections) == 1 else selections
        if not ids or len(set(ids)) != len(ids):
            raise DataError(f"runners must be a number > 0 or different selection ids, was {selections}")
        return attrs.evolve(self, selections=ids)

    def back(self, selection_id: int, price: float, size: float) -> "MarketScript":
        """Offer `size` pounds to backers of a runner at `price`."""
        return self.ladder(selection_id, back=[(price, size)])

    def lay(self, selection_id: int, price: float, size: float) -> "MarketScript":
        """Offer `size` pounds to layers of a runner at `price`."""
        return self.ladder(selection_id, lay=[(price, size)])

    def traded(self, selection_id: int, price: float, size: float) -> "MarketScript":
        """Trade `size` more pounds at `price`; as in Betfair's stream that counts both sides of each bet."""
        return self.ladder(selection_id, traded=[(price, size)])

    def ladder(
        self, selection_id: int, back: Levels = (), lay: Levels = (), traded: Levels = (), **fields: Any
    ) -> "MarketScript":
        """Change several levels of a runner in one book; `fields` are further ones of its change (`spn`, `hc`, ...)."""
        self._check(selection_id)
        return self._with(lambda life: life.trade(selection_id, back, lay, traded, fields))

    def bsp(self, selection_id: int, price: float) -> "MarketScript":
        """Reconcile the starting prices, with this one for a runner."""
        self._check(selection_id)
        return self._with(lambda life: life.define({"bspReconciled": True}, {selection_id: {"bsp": price}}))

    def remove(self, selection_id: int, adjustment_factor: float = 0.0) -> "MarketScript":
        """Withdraw a runner."""
        self._check(selection_id)
        return self._with(lambda life: life.remove(selection_id, adjustment_factor))

    def suspend(self) -> "MarketScript":
        """Suspend the market."""
        return self._turn({"status": "SUSPENDED"})

    def open(self) -> "MarketScript":
        """Open the market again."""
        return self._turn({"status": "OPEN"})

    def inplay(self, bet_delay: int = 1) -> "MarketScript":
        """Turn the market in play, open, with a bet delay in seconds."""
        return self._turn({"status": "OPEN", "inPlay": True, "betDelay": bet_delay})

    def define(self, **fields: Any) -> "MarketScript":
        """Change fields of the market definition."""
        return self._turn(fields, is_new_version=False)

    def wait(self, seconds: float) -> "MarketScript":
        """Let time pass before the next book."""
        return self._with(lambda life: life.wait(round(seconds * 1000)))

    def win(self, *selections: int) -> "MarketScript":
        """Close the market with these winners; everybody else has lost."""
        for selection_id in selections:
            self._check(selection_id)
        return self._with(lambda life: life.close(set(selections)))

    def lines(self) -> Iterator[bytes]:
        """Yield the lines of the stream."""
        life = _Life(self)
        for step in self.steps:
            step(life)
        if life.fields["status"] != "CLOSED":
            life.pause()
        return encode((publish_time, [change]) for publish_time, change in life.changes)

    def write(self, path: str | Path) -> Path:
        """Write the lines to `path`, compressed where it ends in .gz, .bz2 or .zst, and return it."""
        return write(path, self.lines())

    def _check(self, selection_id: int) -> None:
        if selection_id not in self.selections:
            known = ", ".join(map(str, self.selections))
            raise DataError(f"selection_id must be one of the market's runners ({known}), was {selection_id!r}")

    def _turn(self, fields: Extra, is_new_version: bool = True) -> "MarketScript":
        return self._with(lambda life: life.define(fields, is_new_version=is_new_version))

    def _with(self, step: Callable[["_Life"], None]) -> "MarketScript":
        return attrs.evolve(self, steps=(*self.steps, step))


class _Life:
    """What a script has come to: time, definition, runners, and the changes so far."""

    def __init__(self, script: MarketScript) -> None:
        self.script = script
        self.now = START_MS
        self.runners: dict[int, dict[str, Any]] = {
            selection_id: {"id": selection_id, "sortPriority": number, "status": "ACTIVE", "adjustmentFactor": 0.0}
            for number, selection_id in enumerate(script.selections, 1)
        }
        self.totals: dict[tuple[int, float], float] = {}
        self.fields: dict[str, Any] = {**_DEFINITION, **_times(START_MS + LEAD_MS), **script.definition}
        self.changes: list[tuple[int, dict[str, Any]]] = []
        self._add({**self._defined(), "img": True}, 0)

    def trade(self, selection_id: int, back: Levels, lay: Levels, traded: Levels, fields: Extra) -> None:
        change: dict[str, Any] = {"id": selection_id, **fields}
        for name, levels in (("atb", back), ("atl", lay)):
            if levels:
                change[name] = [list(level) for level in levels]
        for price, size in traded:
            total = self.totals.get((selection_id, price), 0.0) + size
            self.totals[(selection_id, price)] = total
            change.setdefault("trd", []).append([price, total])
            change["ltp"] = price
        if traded:
            change["tv"] = sum(total for (of, _), total in self.totals.items() if of == selection_id)
        self._add({"rc": [change]})

    def define(self, fields: Extra, runners: Mapping[int, Extra] | None = None, *, is_new_version: bool = True) -> None:
        self.fields.update(fields)
        for selection_id, values in (runners or {}).items():
            self.runners[selection_id].update(values)
        if is_new_version:
            self.fields["version"] += 1
        self._add(self._defined())

    def remove(self, selection_id: int, adjustment_factor: float) -> None:
        removed = {"status": "REMOVED", "removalDate": iso(self.now), "adjustmentFactor": adjustment_factor}
        self.define({}, {selection_id: removed})

    def close(self, winners: set[int]) -> None:
        results = {
            selection_id: {"status": "WINNER" if selection_id in winners else "LOSER"}
            for selection_id, runner in self.runners.items()
            if runner["status"] != "REMOVED"
        }
        self.define({"status": "CLOSED", "settledTime": iso(self.now)}, results)

    def pause(self) -> None:
        self._add({"rc": []})

    def wait(self, milliseconds: int) -> None:
        self.now += milliseconds

    def _defined(self) -> dict[str, Any]:
        active = sum(runner["status"] == "ACTIVE" for runner in self.runners.values())
        runners = [dict(runner) for runner in self.runners.values()]
        definition = {**self.fields, "numberOfActiveRunners": active, "runners": runners}
        return {"marketDefinition": {name: value for name, value in definition.items() if value is not None}}

    def _add(self, change: dict[str, Any], after_ms: int | None = None) -> None:
        self.now += self.script.step_ms if after_ms is None else after_ms
        self.changes.append((self.now, {"id": self.script.market_id, **change}))


_DEFINITION: dict[str, Any] = {
    "bspMarket": True,
    "turnInPlayEnabled": True,
    "persistenceEnabled": True,
    "marketBaseRate": 5.0,
    "eventId": "30000001",
    "eventTypeId": "7",
    "numberOfWinners": 1,
    "bettingType": "ODDS",
    "marketType": "WIN",
    "bspReconciled": False,
    "complete": True,
    "inPlay": False,
    "crossMatching": True,
    "runnersVoidable": False,
    "betDelay": 0,
    "status": "OPEN",
    "regulators": ["MR_INT"],
    "venue": "Ascot",
    "countryCode": "GB",
    "discountAllowed": True,
    "timezone": "Europe/London",
    "version": 1,
}


def _times(start_ms: int) -> dict[str, str]:
    return {"marketTime": iso(start_ms), "suspendTime": iso(start_ms), "openDate": iso(start_ms - 3_600_000)}
