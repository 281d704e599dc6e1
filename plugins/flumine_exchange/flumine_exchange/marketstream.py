"""Market subscriptions: which markets, which fields, images, deltas, best offers."""

from collections.abc import Sequence
from typing import Any

import msgspec

from .market import ExchangeMarket
from .marketstate import MarketState, RunnerState
from .state import ExchangeState
from .streamparams import MarketFilter, MarketSubscribing
from .subscription import Invalid, Line, Message, Subscription, encode

FIELDS: dict[str, tuple[str, ...]] = {
    "EX_BEST_OFFERS_DISP": ("bdatb", "bdatl"),
    "EX_BEST_OFFERS": ("batb", "batl"),
    "EX_ALL_OFFERS": ("atb", "atl"),
    "EX_TRADED": ("trd",),
    "EX_TRADED_VOL": ("tv",),
    "EX_LTP": ("ltp",),
    "EX_MARKET_DEF": ("marketDefinition",),
    "SP_TRADED": ("spb", "spl"),
    "SP_PROJECTED": ("spn", "spf"),
}
BEST = {"batb": "atb", "batl": "atl", "bdatb": "atb", "bdatl": "atl"}
"""Ladders by position, and from which full ladder each follows where the recording lacks it."""
MOST_LEVELS = 10
DEFAULT_LEVELS = 3

LISTS = (
    ("market_types", "marketType"),
    ("event_ids", "eventId"),
    ("event_type_ids", "eventTypeId"),
    ("venues", "venue"),
    ("country_codes", "countryCode"),
    ("betting_types", "bettingType"),
    ("race_types", "raceType"),
)
FLAGS = (("bsp_market", "bspMarket"), ("turn_in_play_enabled", "turnInPlayEnabled"))


class MarketSubscription(Subscription):
    """One market subscription."""

    kind = "market"
    op = "mcm"
    changes = "mc"

    def __init__(self, line: Line, request: MarketSubscribing) -> None:
        data = request.market_data_filter
        fields: Sequence[str] = (data.fields if data is not None else None) or list(FIELDS)
        levels = (data.ladder_levels if data is not None else None) or DEFAULT_LEVELS
        if not 1 <= levels <= MOST_LEVELS:
            raise Invalid("INVALID_INPUT", f"ladderLevels must be 1 to {MOST_LEVELS}, was {levels}")
        self.filter = request.market_filter or MarketFilter()
        super().__init__(line, request, msgspec.to_builtins(self.filter), sorted(fields), levels)
        self.names = frozenset(name for field in fields for name in FIELDS[field])
        self.ladders = sorted(self.names - {"marketDefinition", "tv"})
        self.runner_names = sorted(self.names - {"marketDefinition"} - BEST.keys())
        self.best_names = sorted(self.names & BEST.keys())
        self.levels = levels
        self._best: dict[tuple[str, tuple[int, float], str], list[list[float]]] = {}
        self._known: set[str] = set()
        self._dirty: dict[str, ExchangeMarket] = {}
        self._seen: dict[str, tuple[int, bool]] = {}

    def selects(self, market: ExchangeMarket) -> bool:
        """Whether the subscription's filter takes a market; asked anew when its definition changes."""
        seen = self._seen.get(market.market_id)
        sequence = market.served.definition_sequence
        if seen is None or seen[0] != sequence:
            seen = self._seen[market.market_id] = (sequence, selects(self.filter, market))
        return seen[1] or market.market_id in self._known

    def image(self, only: list[str] | None = None) -> list[Message]:
        """Return an image of each market; `only` some of them."""
        self._best.clear()
        self._known.clear()
        found = [market for market in self.selected() if only is None or market.market_id in only]
        self._known.update(market.market_id for market in found)
        return [copy for market in found for copy in self._copies_of(market)]

    def selected(self) -> list[ExchangeMarket]:
        """Return the markets of the subscription that there are."""
        named = self.filter.market_ids
        return [
            market
            for market in self.state.markets.values()
            if selects(self.filter, market) and (named or market.status != "CLOSED")
        ]

    def _image_of(self, market: ExchangeMarket) -> Message:
        return {"id": market.market_id, "img": True} | self._content(market, market.served, -1)

    def _copies_of(self, market: ExchangeMarket) -> list[Message]:
        """Return a market's image, and that of the event from which it has moved."""
        if market.former is None:
            return [self._image_of(market)]
        former = {"id": market.market_id, "img": True} | self._content(market, market.former, -1)
        copies = [former, self._image_of(market)]
        return copies if market.is_former_first else copies[::-1]

    def patch(self, since: int) -> list[Message]:
        """Return what changed after `since`; markets that came or were imaged since then as images."""
        self._known.update(market.market_id for market in self.selected())
        patches = []
        for market in self.state.markets.values():
            if market.market_id in self._known and market.served.sequence > since:
                patches.append(self._patch_of(market, since) | {"con": True})
        self.imaged = ()
        return patches

    def _patch_of(self, market: ExchangeMarket, since: int) -> Message:
        is_imaged = self.imaged is None or market.market_id in self.imaged
        if market.served.image_sequence > since or is_imaged:
            return self._image_of(market)
        return {"id": market.market_id} | self._content(market, market.served, since)

    def _content(self, market: ExchangeMarket, served: MarketState, since: int) -> Message:
        content: Message = {}
        if "marketDefinition" in self.names and served.definition_sequence > since:
            content["marketDefinition"] = served.definition
        if "tv" in self.names and served.total is not None and served.total_sequence > since:
            content["tv"] = served.total
        runners = []
        for runner in served.runners.values():
            if runner.sequence <= since:
                continue
            change = runner.patch(self.runner_names, since) | self._best_offers(market, runner, since < 0)
            if change:
                runners.append(_identified(runner, change))
        if runners:
            content["rc"] = runners
        return content

    def _best_offers(self, market: ExchangeMarket, runner: RunnerState, is_image: bool) -> Message:
        """Return the positions of the best offers that are not as they were sent."""
        change: Message = {}
        for name in self.best_names:
            if runner.ladders.get(name):
                now = sorted(level for level in runner.ladder(name) if level[0] < self.levels)
            else:
                best = runner.best(BEST[name], self.levels)
                now = [[position, *level] for position, level in enumerate(best)]
            where = (market.market_id, runner.key, name)
            before = [] if is_image else self._best.get(where, [])
            self._best[where] = now
            gone = [[level[0], 0, 0] for level in before if level[0] not in {each[0] for each in now}]
            levels = [level for level in now if level not in before] + gone
            if levels:
                change[name] = levels
        return change

    def changed(self, market: ExchangeMarket, change: Message, sequence: int, memo: dict[Any, bytes]) -> None:
        """Take a change of a market.

        :param memo: this change as encoded for subscriptions with the same fields.
        """
        if not self.is_live or not self.selects(market):
            return
        if self.must_wait:
            self._dirty[market.market_id] = market
            self.schedule(self.flush)
            return
        if market.market_id not in self._known:
            self._known.add(market.market_id)
            self.sent = sequence
            self.write([self._image_of(market)])
            return
        if self.best_names:
            shown = self._patch_of(market, self.sent)
            self.sent = sequence
            if len(shown) > 1:
                self.write([shown])
            return
        self.sent = sequence
        if self.is_direct:
            encoded = memo.get(self.names)
            if encoded is None:
                shown = self._shown(change)
                encoded = memo[self.names] = encode(shown) if len(shown) > 1 else b""
            if encoded:
                self.write_encoded(encoded)
            return
        shown = self._shown(change)
        if len(shown) > 1:
            self.write([shown])

    def _shown(self, change: Message) -> Message:
        """Return of a change what the subscription asked for."""
        names = self.names
        shown = {name: value for name, value in change.items() if name in ("id", "img") or name in names}
        runners = []
        for runner in change.get("rc") or ():
            kept = {name: value for name, value in runner.items() if name in names}
            if kept:
                kept["id"] = runner["id"]
                if runner.get("hc"):
                    kept["hc"] = runner["hc"]
                runners.append(kept)
        if runners:
            shown["rc"] = runners
        return shown

    def flush(self) -> None:
        """Write what was gathered, as one change a market."""
        self.flushed()
        if not self.is_live or self.line.is_paused or not self._dirty:
            return
        dirty, self._dirty = self._dirty, {}
        changes = []
        for market_id, market in dirty.items():
            if market_id not in self._known:
                self._known.add(market_id)
                changes.append(self._image_of(market))
            else:
                changes.append(self._patch_of(market, self.sent) | {"con": True})
        self.sent = self.state.sequence
        self.write(changes)


def _identified(runner: RunnerState, change: Message) -> Message:
    identity: Message = {"id": runner.key[0]}
    if runner.key[1]:
        identity["hc"] = runner.key[1]
    return change | identity


def selects(wanted: MarketFilter, market: ExchangeMarket) -> bool:
    """Whether a filter takes a market."""
    if wanted.market_ids and market.market_id not in wanted.market_ids:
        return False
    definition = market.definition
    for name, field in LISTS:
        values = getattr(wanted, name)
        if values and str(definition.get(field)) not in values:
            return False
    for name, field in FLAGS:
        flag = getattr(wanted, name)
        if flag is not None and bool(definition.get(field)) != flag:
            return False
    models = wanted.bet_delay_models
    return not models or bool(set(models) & set(definition.get("betDelayModels") or ()))


class MarketStreams:
    """All market subscriptions."""

    def __init__(self, state: ExchangeState) -> None:
        self.state = state
        self.subscriptions: list[MarketSubscription] = []
        state.market_listeners.append(self._changed)

    def _changed(self, market: ExchangeMarket, change: Message, sequence: int) -> None:
        memo: dict[Any, bytes] = {}
        for subscription in self.subscriptions:
            subscription.changed(market, change, sequence, memo)

    def check(self, subscription: MarketSubscription) -> None:
        """Raise `Invalid` where a subscription takes too many markets."""
        limit = self.state.settings.markets_limit
        number = max(len(subscription.selected()), len(subscription.filter.market_ids or ()))
        if number > limit:
            raise Invalid("SUBSCRIPTION_LIMIT_EXCEEDED", f"trying to subscribe to {number} markets, at most {limit}")
