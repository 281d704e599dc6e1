"""What bets won or lost once their market is closed, in the account's currency."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from .kinds import LimitOrder
from .roles import NAME_HASH_LENGTH

if TYPE_CHECKING:
    from .order import Order


def settle_each_way(side: str, size: float, price: float, divisor: float | None, runner_status: str | None) -> float:
    """Return the profit of an each-way bet: `size` to win, and `size` to place at odds over `divisor`.

    Dead heats are not shared out: the exchange's reductions for each-way markets are not modelled.
    """
    win = size * (price - 1)
    place = size * ((price - 1) * (1 / (divisor or 1)))
    if runner_status == "WINNER":
        profit = round(win + place, 2)
    elif runner_status == "PLACED":
        profit = round(place - size, 2)
    elif runner_status == "LOSER":
        profit = -round(size * 2, 2)
    else:
        return 0.0
    return profit if side == "BACK" else -profit


def settle_line(side: str, size: float, price: float, result: float | None) -> float:
    """Return the profit of a bet on a line, struck at evens; 0.0 where the line's result is not known.

    A BACK wins where the result is below its price, a LAY where it is above; an equal one loses both, as in
    flumine.
    """
    if result is None:
        return 0.0
    is_won = price > result if side == "BACK" else price < result
    return round(size, 2) if is_won else -size


def settle(side: str, size: float, price: float, runner_status: str | None, dead_heat: int = 1) -> float:
    """Return the profit of an ordinary bet; `dead_heat` runners share one first place.

    10 backed at 3.0: 20 alone, 5 with two winners, 0 with three. Any status but WINNER and LOSER pays
    nothing.
    """
    if runner_status == "WINNER":
        profit = (size / dead_heat) * (price - 1) - size * (dead_heat - 1) / dead_heat
        return round(profit if side == "BACK" else -profit, 2) + 0.0  # no -0.0
    if runner_status == "LOSER":
        return (-size if side == "BACK" else size) + 0.0
    return 0.0


def dead_heat_count(winners: int, number_of_winners: int | None) -> int:
    """Return how many runners share the place of a one-winner market, 1 where none do."""
    return winners if number_of_winners == 1 and winners > 1 else 1


class SettledDefinition(Protocol):
    """What settlement reads of a closing book's definition."""

    @property
    def market_type(self) -> str | None: ...

    @property
    def each_way_divisor(self) -> float | None: ...

    @property
    def number_of_winners(self) -> int | None: ...

    @property
    def runner_statuses(self) -> dict[tuple[int, float], str | None]: ...


class SettledRunner(Protocol):
    """What settlement reads of a closing book's runner."""

    @property
    def selection_id(self) -> int: ...

    @property
    def handicap(self) -> float: ...

    @property
    def status(self) -> str | None: ...


class SettledBook(Protocol):
    """What settlement reads of a closing book."""

    @property
    def definition(self) -> SettledDefinition: ...

    @property
    def runners(self) -> Sequence[SettledRunner]: ...


class SettledMarket(Protocol):
    """What settlement reads of a market: `context["line_range_result"]`, where somebody put it."""

    @property
    def context(self) -> dict[str, Any]: ...


class Settlement:
    """What becomes of a market's orders when it closes."""

    __slots__ = ()

    _orders: dict[str, "Order"]

    def process_closed_market(self, market: SettledMarket, market_book: SettledBook) -> None:
        """Give each order what its profit depends on: runner's status, market's type, a line's result.

        Orders keep their status; of one still open the matched part counts. A second closing settles again.
        """
        definition = market_book.definition
        statuses = definition.runner_statuses
        if any(order.lookup[1:] not in statuses for order in self._orders.values()):
            # a definition that lacks a runner leaves it as it was
            statuses = {(each.selection_id, each.handicap): each.status for each in market_book.runners}
        winners = sum(status == "WINNER" for status in statuses.values())
        dead_heat = dead_heat_count(winners, definition.number_of_winners)
        line_range_result = market.context.get("line_range_result")
        for order in self._orders.values():
            key = order.lookup[1:]
            if key not in statuses:
                continue
            order.runner_status = statuses[key]
            order.market_type = definition.market_type
            order.each_way_divisor = definition.each_way_divisor
            order.number_of_dead_heat_winners = dead_heat
            kind = order.order_type
            if line_range_result and isinstance(kind, LimitOrder) and kind.price_ladder_definition == "LINE_RANGE":
                order.line_range_result = line_range_result

    def process_cleared_orders(self, cleared_orders: Any) -> list["Order"]:
        """Attach the exchange's cleared orders (an object with `orders`) to ours; return all orders.

        A cleared order's profit then goes before our own arithmetic. A replacement bears the reference of the bet that
        it has replaced, so that the bet's number comes first.
        """
        numbered: dict[Any, Order] = {
            order.bet_id: order for order in self._orders.values() if order.bet_id is not None
        }
        for cleared in cleared_orders.orders:
            bet_id = getattr(cleared, "bet_id", None)
            order = numbered.get(bet_id)
            if order is None and cleared.customer_order_ref:
                order = self._orders.get(cleared.customer_order_ref[NAME_HASH_LENGTH + 1 :])
            if order is not None and (bet_id is None or order.bet_id in (None, bet_id)):
                order.cleared_order = cleared
        return list(self._orders.values())
