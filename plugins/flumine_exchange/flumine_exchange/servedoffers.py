"""The offers that a market's stream shows: the replayed ones, and on top of them what the bets here change."""

from typing import Any

from flumine_core.book.definition import RunnerKey

from .engine import SharedOffers
from .marketstate import Changes

SIDES = (("atb", "BACK"), ("atl", "LAY"))
"""Which ladder a bet on which side takes from."""

Sizes = dict[float, float]
"""Price -> size, negative where bets here took of the replayed offer."""


class ServedOffers:
    """One market's ladders as replayed, and as shown.

    :param offers: what bets here offer and took, as the engine knows it.
    """

    def __init__(self, offers: SharedOffers) -> None:
        self._offers = offers
        self._replayed: dict[tuple[RunnerKey, str], Sizes] = {}
        self._shown: dict[tuple[RunnerKey, str], Sizes] = {}

    def renew(self) -> None:
        """Forget all offers: an image follows."""
        self._replayed.clear()
        self._shown.clear()
        self._offers.renew()

    def replayed(self, key: RunnerKey, name: str) -> Sizes:
        """Return what is offered on a ladder (atb, atl) without the bets here."""
        return dict(self._replayed.get((key, name), {}))

    def replay(self, changes: Changes) -> Changes:
        """Take note of replayed changes; return them as they are to be shown."""
        served: Changes = []
        for change in changes:
            key = (change["id"], change.get("hc") or 0)
            shown = change
            for name, side in SIDES:
                levels = change.get(name)
                if levels is None:
                    continue
                replayed = self._replayed.setdefault((key, name), {})
                for price, size in levels:
                    if size:
                        replayed[price] = size
                    else:
                        replayed.pop(price, None)
                        self._offers.forget(key, side, price)
                if (key, name) in self._shown:
                    shown = {**shown, name: self._mixed(key, name, side, levels)}
            served.append(shown)
        return served

    def _mixed(self, key: RunnerKey, name: str, side: str, levels: list[list[float]]) -> list[list[float]]:
        """Return replayed levels with what the bets here change of them, and take note of that."""
        own, shown = self._own(key, side), self._shown[key, name]
        mixed = []
        for price, size in levels:
            change = own.get(price, 0.0)
            if change:
                shown[price] = change
            else:
                shown.pop(price, None)
            mixed.append([price, max(round(size + change, 2), 0)])
        return mixed

    def _own(self, key: RunnerKey, side: str) -> Sizes:
        """Return what bets here add to, and took of, the replayed offers to a taker on `side`."""
        own = dict(self._offers.own.get((key, side), {}))
        for price, size in self._offers.taken.get((key, side), {}).items():
            own[price] = round(own.get(price, 0.0) - size, 2)
        return own

    def changed_by_bets(self, keys: set[RunnerKey]) -> Changes:
        """Return the levels of these runners that bets have changed since the last time, with their new sizes."""
        changes: Changes = []
        for key in keys:
            change: dict[str, Any] = {}
            for name, side in SIDES:
                levels = self._changed_levels(key, name, side)
                if levels:
                    change[name] = levels
            if change:
                change["id"] = key[0]
                if key[1]:
                    change["hc"] = key[1]
                changes.append(change)
        return changes

    def _changed_levels(self, key: RunnerKey, name: str, side: str) -> list[list[float]]:
        own = self._own(key, side)
        before = self._shown.get((key, name), {})
        self._shown[key, name] = own
        replayed = self._replayed.get((key, name), {})
        return [
            [price, max(round(replayed.get(price, 0.0) + own.get(price, 0.0), 2), 0)]
            for price in sorted({*own, *before})
            if own.get(price) != before.get(price)
        ]
