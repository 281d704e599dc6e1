"""Random strategies, written once and run under both frameworks.

Each decision is drawn from a hash of (seed, strategy, publish time, what is decided) and from what a strategy may
see of its market and its own orders; nothing is drawn from a running generator, so that one difference between the
frameworks cannot move every later decision. What differs by intention (`differences.toml`) is never looked at.
"""

import random
from collections import OrderedDict
from hashlib import blake2b
from typing import Any

from betfairlightweight.resources.bettingresources import LineRangeInfo

from .shim import (
    BaseStrategy,
    LimitOnCloseOrder,
    LimitOrder,
    MarketOnCloseOrder,
    OrderStatus,
    Trade,
    get_nearest_price,
    get_price,
    get_size,
    price_ticks_away,
)

DEFAULTS: dict[str, Any] = {
    "rate": 0.01,  # chance of a decision to place, a book
    "late_factor": 3.0,  # its multiple in the last 90 seconds before the off, and on a book that is not OPEN
    "inplay_factor": 2.0,  # its multiple in play
    "burst": 3,  # most trades a decision
    "siblings": 0.2,  # chance that a trade gets more than one order
    "kinds": {"passive": 4, "touch": 3, "cross": 2, "deep": 1, "fok": 2, "close": 1, "loc": 1, "moc": 1},
    "sizes": [0.5, 1, 2, 2.5, 3.33, 5, 7.77, 10, 25, 60, 250],
    "persistence": {"LAPSE": 3, "PERSIST": 2},
    "patience": 100,  # mean number of books until something is done with a resting order
    "acts": {"wait": 1, "cancel": 2, "reduce": 2, "replace": 3, "cross": 1, "update": 2, "illegal": 0.2},
    "version_rate": 0.15,  # chance that a request carries a market version
    "stale_rate": 0.3,  # chance that this version is not the market's
    "transaction_rate": 0.3,  # chance that requests of one callback go in one transaction
    "force_rate": 0.03,  # chance that a request is forced past the controls
    "removed_rate": 0.3,  # chance to go on where a removed runner was drawn
    "resets": [0.0],  # seconds after a placing, and after a completion, before the next trade
    "line_result": 195,  # what a LINE_RANGE order is settled against
    "update_latency": 0.150,  # seconds, as in the settings
    "naive_acts": 0.02,  # NaiveStrategy: chance to do something with a resting order, a book
    "exposure_rate": 0.3,  # chance that exposures are noted with a decision
}


def draw(*parts: object) -> int:
    """Return 64 bits that depend on the parts alone."""
    text = "|".join(map(str, parts)).encode()
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "big")


def pick(rng: random.Random, weights: dict[str, float]) -> str:
    """Return one of the keys, by weight."""
    return rng.choices(list(weights), list(weights.values()))[0]


class RandomStrategy(BaseStrategy):
    """Place, cancel, reduce, update and replace at random."""

    def __init__(self, *, seed: int, client: Any, params: dict[str, Any], name: str, streams: list[Any]) -> None:
        limits = params.get("limits", {})
        super().__init__(
            streams=streams,
            name=name,
            max_order_exposure=None,
            max_selection_exposure=None,
            max_market_exposure=None,
            **{"max_trade_count": 10**9, "max_live_trade_count": 10**9, "multi_order_trades": True, **limits},
        )
        self.seed = seed
        self.client = client
        self.params = {**DEFAULTS, **params}
        self.trades: dict[str, Any] = {}  # key -> Trade
        self.trace: list[list[Any]] = []  # publish time, key, what was done, how it went
        self.calls = {"new": 0, "check": 0, "book": 0, "orders": 0, "orders_seen": 0, "closed": 0}
        self._keys: dict[str, str] = {}  # order id -> key
        self._due: dict[str, int] = {}  # order id -> call of process_orders at which something is next done with it
        self._wish: dict[str, str] = {}  # order id -> persistence asked for last
        self._open_wishes: dict[str, tuple[Any, int]] = {}  # order id -> order, when asked; until answered
        self._refused_wishes: set[str] = set()
        self._status_before: dict[str, str] = {}  # market id -> status of the latest book

    def process_new_market(self, market: Any, market_book: Any) -> None:
        self.calls["new"] += 1
        if self.params["line_result"] is not None:
            market.context["line_range_result"] = self.params["line_result"]

    def check_market_book(self, market: Any, market_book: Any) -> bool:
        self.calls["check"] += 1
        rate = self.params["rate"]
        if market_book.inplay:
            rate *= self.params["inplay_factor"]
        elif market.seconds_to_start < 90:
            rate *= self.params["late_factor"]
        if market_book.status != "OPEN":
            rate *= self.params["late_factor"]
        chance = draw(self.seed, self.name, market_book.publish_time_epoch, "check") / 2**64
        return bool(chance < rate)

    def process_market_book(self, market: Any, market_book: Any) -> None:
        self.calls["book"] += 1
        now = market_book.publish_time_epoch
        rng = random.Random(draw(self.seed, self.name, now, "place"))
        if not market_book.runners:
            return
        in_one = rng.random() < self.params["transaction_rate"]
        transaction = market.transaction(client=self.client) if in_one else None
        requests = []
        for number in range(rng.randint(1, self.params["burst"])):
            key = f"{now}/{number}"
            while key in self.trades:  # several books of one publish time
                key += "+"
            requests += self._make_orders(market, market_book, key, rng)
        if transaction is None:
            for key, order, options in requests:
                self._note(now, key, "place", market.place_order, order, client=self.client, **options)
            return
        with transaction as t:
            for key, order, options in requests:
                self._note(now, key, "place", t.place_order, order, **options)
                if rng.random() < 0.1:
                    t.execute()

    def process_orders(self, market: Any, orders: list[Any]) -> None:
        self.calls["orders"] += 1
        book = market.market_book
        now, tick = book.publish_time_epoch, self.calls["orders"]
        self._remember_status(market)
        due = []
        for order in orders:
            if order.status == OrderStatus.EXECUTABLE:
                when = self._due.get(order.id)
                if when is None:
                    self._due[order.id] = tick + self._patience(self._key(order), now)
                elif when <= tick:
                    due.append((self._key(order), order))
        if not due:
            return
        self.calls["orders_seen"] += len(due)
        due.sort(key=lambda pair: pair[0])
        rng = random.Random(draw(self.seed, self.name, now, "orders"))
        if rng.random() < self.params["transaction_rate"]:
            with market.transaction(client=self.client) as t:
                for key, order in due:
                    self._act(t, market, order, key, now)
        else:
            for key, order in due:
                self._act(market, market, order, key, now)

    def process_closed_market(self, market: Any, market_book: Any) -> None:
        self.calls["closed"] += 1
        profit = round(sum(o.profit for o in market.blotter.strategy_orders(self)), 2)
        self.trace.append([market_book.publish_time_epoch, market.market_id, "closed", profit + 0.0])

    # placing

    def _make_orders(self, market: Any, book: Any, key: str, rng: random.Random) -> list[Any]:
        runner = book.runners[rng.randrange(len(book.runners))]
        goes_on = rng.random() < self.params["removed_rate"]
        if runner.status != "ACTIVE" and not (runner.status == "REMOVED" and goes_on):
            return []
        trade = Trade(
            market.market_id,
            runner.selection_id,
            runner.handicap,
            self,
            notes=OrderedDict(key=key),
            place_reset_seconds=rng.choice(self.params["resets"]),
            reset_seconds=rng.choice(self.params["resets"]),
        )
        self.trades[key] = trade
        self._observe(market, book, runner, key, rng)
        made = []
        for number in range(rng.randint(2, 3) if rng.random() < self.params["siblings"] else 1):
            side = rng.choice(("BACK", "LAY"))
            kind = make_kind(self.params, runner, side, rng, is_line(book))
            order = trade.create_order(side=side, order_type=kind)
            self._keys[order.id] = f"{key}.{number}"
            options: dict[str, Any] = {}
            if rng.random() < self.params["version_rate"]:
                stale = rng.random() < self.params["stale_rate"]
                options["market_version"] = book.version + (rng.choice((-1, 1)) if stale else 0)
            if rng.random() < self.params["force_rate"]:
                options["force"] = True
            made.append((self._keys[order.id], order, options))
        return made

    def _observe(self, market: Any, book: Any, runner: Any, key: str, rng: random.Random) -> None:
        """Note exposures and runner context; where the two count alike: nothing in flight, no each-way, no line."""
        if rng.random() > self.params["exposure_rate"] or market.market_type == "EACH_WAY" or is_line(book):
            return
        orders = [order for trade in self.trades.values() for order in trade.orders]
        if any(order.status in (OrderStatus.PENDING, OrderStatus.REPLACING) for order in orders):
            return
        is_plain = all(o.order_type.ORDER_TYPE.name == "LIMIT" and o.size_remaining >= 0 for o in orders)
        lookup = (market.market_id, runner.selection_id, runner.handicap)
        exposures = market.blotter.get_exposures(self, lookup)
        context = self.get_runner_context(*lookup)
        seen = [
            market.blotter.selection_exposure(self, lookup),
            market.blotter.market_exposure(self, book),
            exposures["matched_profit_if_win"],
            exposures["worst_possible_profit_on_win"],
            exposures["worst_possible_profit_on_lose"],
            context.trade_count,
            context.live_trade_count,
        ]
        what = "seen" if is_plain else "seen with starting-price orders"
        self.trace.append([book.publish_time_epoch, key, what, [round(x, 6) + 0.0 for x in seen]])

    # resting orders

    def _act(self, venue: Any, market: Any, order: Any, key: str, now: int) -> None:
        """Do one thing with an order; `venue` is the market or a transaction."""
        is_limit = order.order_type.ORDER_TYPE.name == "LIMIT"
        self._due[order.id] = self.calls["orders"] + self._patience(key, now) * (1 if is_limit else 20)
        rng = random.Random(draw(self.seed, self.name, key, now, "act"))
        act = pick(rng, self.params["acts"])
        remaining = order.size_remaining
        if act == "wait" or (is_limit and remaining == 0):
            return
        force = {"force": True} if rng.random() < self.params["force_rate"] else {}
        if act == "illegal":
            self._note(now, key, "illegal", venue.cancel_order, order, remaining + 1.0, **force)
        elif not is_limit:
            if act == "cancel":
                self._note(now, key, act, venue.cancel_order, order, **force)
            elif act == "replace" and hasattr(order.order_type, "price"):
                price = ticks_from(order.order_type.price, rng.choice((-1, 1)))
                self._note(now, key, act, venue.replace_order, order, price, **force)
        elif act == "cancel":
            self._note(now, key, act, venue.cancel_order, order, **force)
        elif act == "reduce":
            reduction = round(max(remaining, 0.0) * rng.choice((0.25, 0.5, 0.9)), 2) or None
            self._note(now, key, act, venue.cancel_order, order, reduction, **force)
        elif act in ("replace", "cross"):
            if order.order_type.price_ladder_definition == "LINE_RANGE":
                return
            price = get_nearest_price(order.order_type.price)
            ahead = rng.randint(1, 6) if act == "replace" else rng.randint(4, 30)
            ahead *= rng.choice((-1, 1)) if act == "replace" else (-1 if order.side == "BACK" else 1)
            options = dict(force)
            if rng.random() < self.params["version_rate"]:
                options["market_version"] = market.market_book.version + rng.choice((0, 0, 1))
            self._note(now, key, act, venue.replace_order, order, ticks_from(price, ahead), **options)
        elif act == "update":
            self._update(venue, order, key, now, rng, force)

    def _update(self, venue: Any, order: Any, key: str, now: int, rng: random.Random, force: Any) -> None:
        """Ask for another persistence; after one that may have failed ask no more (flumine keeps what was refused)."""
        if order.id in self._open_wishes or order.id in self._refused_wishes:
            return
        held = self._wish.get(order.id) or order.order_type.persistence_type
        new = rng.choice([p for p in ("LAPSE", "PERSIST", "MARKET_ON_CLOSE") if p != held])
        if self._note(now, key, f"update {new}", venue.update_order, order, new, **force) is True:
            self._wish[order.id] = new
            self._open_wishes[order.id] = (order, now)

    def _remember_status(self, market: Any) -> None:
        """Settle the wishes that were answered with this book: granted if the book before it was OPEN."""
        book = market.market_book
        now, before = book.publish_time_epoch, self._status_before.get(market.market_id)
        self._status_before[market.market_id] = book.status
        if self._open_wishes:
            granted = before == "OPEN" and book.market_definition.persistence_enabled is not False
            for order_id, (order, asked) in list(self._open_wishes.items()):
                if (now - asked) / 1000 > self.params["update_latency"]:
                    del self._open_wishes[order_id]
                    if not granted or order.size_remaining <= 0:
                        self._refused_wishes.add(order_id)

    def _note(self, now: int, key: str, what: str, function: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            outcome = function(*args, **kwargs)
        except Exception:
            outcome = "error"
        self.trace.append([now, key, what, outcome])
        return outcome

    def _key(self, order: Any) -> str:
        key = self._keys.get(order.id)
        if key is None:  # a replacement
            position = [o.id for o in order.trade.orders].index(order.id)
            key = self._keys[order.id] = f"{order.trade.notes['key']}.{position}"
        return key

    def _patience(self, key: str, now: int) -> int:
        chance = (draw(self.seed, self.name, key, now, "patience") + 1) / 2**64
        return int(random.Random(chance).expovariate(1 / self.params["patience"]))


def ticks_from(price: float, ticks: int) -> float:
    """Return the price so many ticks away, kept on the ladder."""
    return float(min(max(price_ticks_away(price, ticks), 1.01), 1000.0))


def is_line(book: Any) -> bool:
    """Whether a book is of a market of lines."""
    return bool(book.market_definition.betting_type == "LINE")


def line_value(value: float) -> float:
    """Return the nearest value of the generated line, which are 0.5, 1.5, ... 400.5."""
    return min(max(round(value - 0.5) + 0.5, 0.5), 400.5)


def make_kind(params: dict[str, Any], runner: Any, side: str, rng: random.Random, is_line: bool) -> Any:
    """Return an order's kind: its price about the prices of the runner, on the market's ladder."""
    kind = pick(rng, params["kinds"])
    size = rng.choice(params["sizes"])
    persistence = pick(rng, params["persistence"])
    if kind == "moc":
        return MarketOnCloseOrder(size)
    own, other = runner.ex.available_to_back, runner.ex.available_to_lay
    if side == "LAY":
        own, other = other, own
    touch = get_price(own, 0)  # what a crossing order of this side would take
    across = get_price(other, 0)
    if touch is None:
        touch = across or get_nearest_price(runner.last_price_traded or rng.uniform(1.01, 30))
    better = -1 if side == "BACK" else 1  # ticks towards and through the other side
    if kind == "loc":
        return LimitOnCloseOrder(size, ticks_from(get_nearest_price(touch), rng.randint(-15, 15)))
    ladder: dict[str, Any] = {}
    if is_line:
        line = LineRangeInfo(marketUnit="goals", interval=1.0, minUnitValue=0.5, maxUnitValue=400.5)
        ladder = {"price_ladder_definition": "LINE_RANGE", "line_range_info": line}
    elif kind == "finest":
        ladder = {"price_ladder_definition": "FINEST"}

    def away(price: float, ticks: int) -> float:
        return line_value(price + ticks) if is_line else ticks_from(price, ticks)

    price = away(touch if is_line else get_nearest_price(touch), 0)
    if kind == "finest":
        at = round(min(max(price + rng.randint(-20, 20) / 100, 1.01), 1000), 2)
        return LimitOrder(line_value(at) if is_line else at, size, persistence, **ladder)
    if kind == "deep":
        price = away(price, better * rng.randint(5, 40))
    elif kind == "cross":
        price = away(price, better * rng.randint(1, 4))
    elif kind == "passive":
        start = across or price
        price = away(start if is_line else get_nearest_price(start), -better * rng.randint(-2, 3))
    if kind == "close":
        return LimitOrder(away(price, -better * rng.randint(-3, 20)), size, "MARKET_ON_CLOSE", **ladder)
    if kind == "fok":
        at = away(price, better * rng.randint(-2, 12))
        at_best = get_size(own, 0) or 0
        least = rng.choice((None, size, round(size / 2, 2), 0.01, size + 1, round(min(at_best, size), 2) or None))
        return LimitOrder(at, size, persistence, time_in_force="FILL_OR_KILL", min_fill_size=least, **ladder)
    if rng.random() < 0.1:
        return LimitOrder(price, size, persistence, min_fill_size=round(size / 2, 2), **ladder)
    return LimitOrder(price, size, persistence, **ladder)
