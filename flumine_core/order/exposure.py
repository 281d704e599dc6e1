"""Worst-case arithmetic: what a strategy's orders on a selection can win or lose.

An order counts from the moment it is accepted, before the exchange has answered. A limit order counts with
what is matched at its average price and, until it is complete, with what remains at its own price. A
starting-price order counts with its full liability (less what was voided) until it is complete, and from
then on with what is matched; flumine counts the full liability for ever. Sums are kept in whole
hundred-millionths, so that they do not depend on the order of adding.
"""

from collections.abc import Iterable
from math import isfinite
from typing import Any, Protocol, TypedDict

from msgspec import structs

from .kinds import LimitOnCloseOrder, LimitOrder, OrderKind, OrderTypes
from .line import LineBets
from .states import OrderStatus

_LIMIT = OrderTypes.LIMIT
_IN_DOUBT = (OrderStatus.REPLACING, OrderStatus.UNKNOWN)
_SCALE = 10_000  # units of a price or a size; four decimals, though the exchange has two
_ONE = _SCALE  # decimal odds of 1
_EVENS = 2 * _SCALE  # every bet on a line is struck at 2.0
_MONEY = _SCALE * _SCALE
_PENNY = _MONEY // 100
_INFINITY = float("inf")


class Exposures(TypedDict):
    """Profits (losses negative) in the account's currency, rounded to two places."""

    matched_profit_if_win: float
    matched_profit_if_lose: float
    worst_potential_unmatched_profit_if_win: float
    worst_potential_unmatched_profit_if_lose: float
    worst_possible_profit_on_win: float
    worst_possible_profit_on_lose: float


class ExposedOrder(Protocol):
    """What the arithmetic reads of an order."""

    @property
    def side(self) -> str: ...

    @property
    def order_type(self) -> OrderKind: ...

    @property
    def lookup(self) -> tuple[str, int, float]: ...

    @property
    def status(self) -> OrderStatus | None: ...

    @property
    def complete(self) -> bool: ...

    @property
    def size_matched(self) -> float: ...

    @property
    def average_price_matched(self) -> float: ...

    @property
    def size_remaining(self) -> float: ...

    @property
    def size_voided(self) -> float: ...

    @property
    def update_data(self) -> dict[str, Any]: ...


class Prospect:
    """What an order would be if replaced at `new_price`: its matched part, and the rest at that price."""

    __slots__ = (
        "average_price_matched",
        "complete",
        "lookup",
        "order_type",
        "side",
        "size_matched",
        "size_remaining",
        "size_voided",
        "status",
        "update_data",
    )

    def __init__(self, order: ExposedOrder, new_price: float) -> None:
        kind = order.order_type
        if isinstance(kind, LimitOrder | LimitOnCloseOrder):
            kind = structs.replace(kind, price=new_price)
        self.order_type: OrderKind = kind
        self.side = order.side
        self.lookup = order.lookup
        self.status: OrderStatus | None = OrderStatus.PENDING
        self.complete = False
        self.size_matched = order.size_matched
        self.average_price_matched = order.average_price_matched
        self.size_remaining = order.size_remaining
        self.size_voided = order.size_voided
        self.update_data: dict[str, Any] = {}


def _units(number: float) -> float:
    """Return `number` in whole units; what is no finite number is unbounded, so that limits refuse it."""
    try:
        return round(number * _SCALE)
    except (OverflowError, ValueError, TypeError):
        return _INFINITY


def money(units: float) -> float:
    """Return whole hundred-millionths as an amount in the account's currency."""
    if not units:
        return 0.0
    try:
        return round(units / _PENNY) / 100 + 0.0  # no -0.0
    except OverflowError:
        return units


def open_risk(order: ExposedOrder, kind: LimitOrder) -> float:
    """Return what the unmatched part of a limit order can lose, in hundred-millionths (positive)."""
    size = _units(order.size_remaining)
    if size <= 0:
        return 0
    if order.side == "BACK":
        return size * _SCALE
    if kind.price_ladder_definition == "LINE_RANGE":
        return (_EVENS - _ONE) * size
    price = _units(kind.price)
    if order.update_data and order.status in _IN_DOUBT:
        # it may still be matched at the old price, or be back at the new one
        price = max(price, _units(order.update_data.get("new_price", 0)))
    return (price - _ONE) * size if price > _ONE else 0


class Tally:
    """Running sums over orders, in whole hundred-millionths of the currency (losses negative).

    Bets on a line win at the lowest results or lose at the highest ones (BACK; LAY the other way round); what lies
    between them is worked out of `lines`.
    """

    __slots__ = ("lines", "matched_lose", "matched_win", "open_lose", "open_win", "sp_lose", "sp_win")

    def __init__(self) -> None:
        self.matched_win: float = 0
        self.matched_lose: float = 0
        self.open_win: float = 0
        self.open_lose: float = 0
        self.sp_win: float = 0
        self.sp_lose: float = 0
        self.lines: LineBets | None = None

    def add(self, order: ExposedOrder) -> None:
        """Count an order with all that it may still become."""
        if order.complete:
            self.add_matched(order)
        else:
            self.add_live(order)

    def add_live(self, order: ExposedOrder) -> None:
        """Count an order that is live, or would be once accepted (a refused one is complete until then)."""
        kind = order.order_type
        if kind.ORDER_TYPE is _LIMIT:
            self.add_matched(order)
            self._add_open(order, kind)  # type: ignore[arg-type]
        else:
            liability = _units(kind.liability - order.size_voided)  # type: ignore[union-attr]
            if liability > 0:
                if order.side == "BACK":
                    self.sp_lose -= liability * _SCALE
                else:
                    self.sp_win -= liability * _SCALE

    def add_matched(self, order: ExposedOrder, sign: int = 1) -> None:
        """Count the matched part of an order (`sign` -1 takes it out again)."""
        if not order.size_matched:
            return
        size = sign * _units(order.size_matched)
        if _is_line(order.order_type):
            price: float = _EVENS
            won = size * _SCALE * (1 if order.side == "BACK" else -1)
            self._add_line(order.average_price_matched, won, -won, sign)
        else:
            price = _units(order.average_price_matched)
        gain = (price - _ONE) * size
        if order.side == "BACK":
            self.matched_win += gain
            self.matched_lose -= size * _SCALE
        else:
            self.matched_win -= gain
            self.matched_lose += size * _SCALE

    def _add_open(self, order: ExposedOrder, kind: LimitOrder) -> None:
        risk = open_risk(order, kind)
        if order.side == "BACK":
            self.open_lose -= risk
        else:
            self.open_win -= risk
        if kind.price_ladder_definition == "LINE_RANGE" and risk:
            self._add_open_line(order, kind.price, risk)

    def _add_open_line(self, order: ExposedOrder, line: float, risk: float) -> None:
        is_back = order.side == "BACK"
        if order.update_data and order.status in _IN_DOUBT:
            line = (min if is_back else max)(line, order.update_data.get("new_price", line))
        self._add_line(line, 0 if is_back else -risk, -risk if is_back else 0)

    def _add_line(self, line: float, below: float, above: float, sign: int = 1) -> None:
        if self.lines is None:
            self.lines = LineBets()
        self.lines.add(line, below, above, sign)

    def add_sums(self, other: "Tally", sign: int = 1) -> None:
        """Count all that another one has counted (`sign` -1 takes it out again)."""
        self.matched_win += sign * other.matched_win
        self.matched_lose += sign * other.matched_lose
        self.open_win += sign * other.open_win
        self.open_lose += sign * other.open_lose
        self.sp_win += sign * other.sp_win
        self.sp_lose += sign * other.sp_lose
        if other.lines is not None:
            lines = LineBets() if self.lines is None else self.lines.copy()
            lines.add_sums(other.lines, sign)
            self.lines = lines

    def copy(self) -> "Tally":
        """Return the same sums, to be added to."""
        copied = Tally()
        copied.add_sums(self)
        return copied

    @property
    def is_finite(self) -> bool:
        """Whether it can be taken out of other sums again: whole numbers, nothing unbounded."""
        sums = (self.matched_win, self.matched_lose, self.open_win, self.open_lose, self.sp_win, self.sp_lose)
        return all(isinstance(each, int) for each in sums)

    def worst(self, side: str, line: float | None = None) -> float:
        """Return the worst possible profit if the selection loses (BACK) or wins (LAY), in the account's currency.

        :param line: of bets on a line only the results that an order of this side, at this line, makes worse.
        """
        if side == "BACK":
            worst = self.matched_lose + self.open_lose + self.sp_lose
        else:
            worst = self.matched_win + self.open_win + self.sp_win
        if self.lines is not None:
            first, last = (line, None) if side == "BACK" else (None, line)
            worst = min(worst, self.lines.worst_between(first, last))
        return money(worst)

    def exposures(self) -> Exposures:
        """Return the sums as profits in the account's currency."""
        return {
            "matched_profit_if_win": money(self.matched_win),
            "matched_profit_if_lose": money(self.matched_lose),
            "worst_potential_unmatched_profit_if_win": money(self.open_win),
            "worst_potential_unmatched_profit_if_lose": money(self.open_lose),
            "worst_possible_profit_on_win": self.worst("LAY"),
            "worst_possible_profit_on_lose": self.worst("BACK"),
        }


def line_of(order: ExposedOrder | None) -> float | None:
    """Return the price of an order, its line where that is what it is of."""
    return None if order is None else getattr(order.order_type, "price", None)


def tally_of(orders: Iterable[ExposedOrder], new_order: ExposedOrder | None = None) -> Tally:
    """Return the sums over `orders` on one selection, every one of them walked, and `new_order` as if accepted."""
    tally = Tally()
    for order in orders:
        tally.add(order)
    if new_order is not None:
        tally.add_live(new_order)
    return tally


def exposures_of(orders: Iterable[ExposedOrder], new_order: ExposedOrder | None = None) -> Exposures:
    """Return the profits of `orders` on one selection, and of `new_order` if accepted."""
    return tally_of(orders, new_order).exposures()


def of_each_way(exposures: Exposures, divisor: float) -> Exposures:
    """Return the profits where each bet is two: to win, and to place at its odds over `divisor`.

    A winner pays both and a loser loses both; what a place pays lies between, unless both are profits (see
    `worst_of_each_way`).
    """
    win = 1 + 1 / divisor
    return {  # type: ignore[return-value]
        name: round(profit * (win if name.endswith("win") else 2), 2)  # type: ignore[operator]
        for name, profit in exposures.items()
    }


def worst_of_each_way(exposures: Exposures, divisor: float) -> Exposures:
    """Return the same as `of_each_way`, where the runner that wins may also be merely placed, if that is worse."""
    worst = of_each_way(exposures, divisor)
    placed = exposures["worst_possible_profit_on_win"] / divisor + exposures["worst_possible_profit_on_lose"]
    worst["worst_possible_profit_on_win"] = min(worst["worst_possible_profit_on_win"], round(placed, 2))
    return worst


def order_exposure(order: ExposedOrder, new_price: float | None = None, each_way_divisor: float | None = None) -> float:
    """Return the most that an order by itself can lose, in the account's currency (positive).

    A new order counts in full: its size (LAY: size times price less one; LINE_RANGE: size), or its
    liability. A replace at `new_price` counts what remains of the order, at that price. In an each-way
    market, which has a divisor, both of its bets count.
    """
    kind = order.order_type
    if not isinstance(kind, LimitOrder):
        exposure = kind.liability
    else:
        exposure = (kind.size or kind.requested_size) if new_price is None else order.size_remaining
        if order.side != "BACK" and kind.price_ladder_definition != "LINE_RANGE":
            exposure *= (kind.price if new_price is None else new_price) - 1
            units = exposure * _SCALE
            if isfinite(units):
                exposure = round(units) / _SCALE
    if each_way_divisor is None:
        return exposure
    return exposure * (2 if order.side == "BACK" else 1 + 1 / each_way_divisor)


def worst_market_profit(
    exposures: Iterable[Exposures], idle: int, winners: int | None, losers: Iterable[Exposures] = ()
) -> float:
    """Return the market's worst outcome (losses negative), given the exposures of each selection that may win.

    `winners` of the runners win; the `idle` ones, without orders, cost nothing, and `losers` cannot win any more.
    Where the number of winners is not known (0 or None) every selection that would make things worse by winning is
    taken to win.
    """
    worst = sum(exposure["worst_possible_profit_on_lose"] for exposure in losers)
    differences: list[float] = []
    for exposure in exposures:
        worst += exposure["worst_possible_profit_on_lose"]
        differences.append(exposure["worst_possible_profit_on_win"] - exposure["worst_possible_profit_on_lose"])
    if winners:
        differences.extend([0.0] * idle)
        differences.sort()
        worst += sum(differences[:winners])
    else:
        worst += sum(difference for difference in differences if difference < 0)
    return round(worst, 2)


def calculate_matched_exposure(
    mb: Iterable[tuple[float, float]], ml: Iterable[tuple[float, float]]
) -> tuple[float, float]:
    """Return (profit if the selection wins, profit if it loses) of matched backs and lays, each `(price, size)`."""
    win = lose = 0.0
    for price, size in mb:
        win += (price - 1) * size
        lose -= size
    for price, size in ml:
        win -= (price - 1) * size
        lose += size
    return round(win, 2), round(lose, 2)


def calculate_unmatched_exposure(
    ub: Iterable[tuple[float, float]], ul: Iterable[tuple[float, float]]
) -> tuple[float, float]:
    """Return the worst (profit if it wins, profit if it loses) of unmatched backs and lays, `(price, size)`.

    At worst all lays are matched and the selection wins, or all backs are matched and it loses.
    """
    win = -sum((price - 1) * size for price, size in ul)
    lose = -sum(size for _, size in ub)
    return round(win, 2), round(lose, 2)


def _is_line(kind: OrderKind) -> bool:
    return isinstance(kind, LimitOrder) and kind.price_ladder_definition == "LINE_RANGE"
