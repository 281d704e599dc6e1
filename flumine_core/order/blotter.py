"""One market's orders: by id, trade, strategy, selection, client and bet, with exposures and settlement."""

from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator
from operator import attrgetter
from typing import Any, Protocol

from ..errors import OrderError
from .exposure import (
    ExposedOrder,
    Exposures,
    Tally,
    exposures_of,
    line_of,
    of_each_way,
    tally_of,
    worst_market_profit,
    worst_of_each_way,
)
from .order import Order
from .position import Position
from .roles import ClientRole, StrategyRole
from .settlement import SettledDefinition, Settlement
from .states import OrderStatus, TradeStatus
from .trade import Trade

_number_of = attrgetter("number")
_CANNOT_WIN = ("REMOVED", "REMOVED_VACANT", "LOSER")

Lookup = tuple[str, int, float]
"""(market id, selection id, handicap)."""


class ExposedBook(Protocol):
    """What exposures read of a book."""

    @property
    def definition(self) -> SettledDefinition: ...

    @property
    def number_of_winners(self) -> int | None: ...


class _Exposures:
    """What a strategy's orders in a market can win or lose."""

    __slots__ = ()

    market_id: str
    each_way_divisor: float | None
    betting_type: str | None
    outsider: StrategyRole | None
    _positions: dict[StrategyRole, dict[tuple[int, float], Position]]

    def _position(self, strategy: StrategyRole, key: tuple[int, float]) -> Position | None:
        positions = self._positions.get(strategy)
        return positions.get(key) if positions else None

    def get_exposures(
        self,
        strategy: StrategyRole,
        lookup: Lookup,
        exclusion: ExposedOrder | None = None,
        new_order: ExposedOrder | None = None,
    ) -> Exposures:
        """Return what a strategy's orders on a selection can bring, profits positive and losses negative.

        `exclusion` is left out, `new_order` counted as if it were accepted. Orders count from their
        acceptance.
        """
        exposures = self._get_exposures(strategy, lookup, exclusion, new_order)
        return exposures if self.each_way_divisor is None else of_each_way(exposures, self.each_way_divisor)

    def _get_exposures(self, strategy: StrategyRole, lookup: Lookup, exclusion: Any, new_order: Any) -> Exposures:
        position = self._position(strategy, lookup[1:])
        outside = self._outside(strategy, lookup)
        if outside is not None:
            return self._with_outside(position, outside, exclusion, new_order).exposures()
        if position is None:
            return exposures_of((), new_order)
        return position.exposures(exclusion, new_order)

    def _outside(self, strategy: StrategyRole, lookup: Lookup) -> Position | None:
        outsider = self.outsider
        return None if outsider is None or outsider is strategy else self._position(outsider, lookup[1:])

    def _with_outside(self, position: Position | None, outside: Position, exclusion: Any, new_order: Any) -> Tally:
        tally = tally_of((), new_order) if position is None else position.tally(exclusion, new_order)
        tally.add_sums(outside.tally())
        return tally

    def worst_profit(
        self,
        strategy: StrategyRole,
        lookup: Lookup,
        side: str,
        exclusion: ExposedOrder | None = None,
        new_order: ExposedOrder | None = None,
    ) -> float:
        """Return the worst possible profit that orders of `side` make worse: BACK if it loses, LAY if it wins.

        One number of what `get_exposures` returns, for who asks often; between lines only what `new_order` makes worse.
        """
        if self.each_way_divisor is not None:
            exposures = self.get_exposures(strategy, lookup, exclusion, new_order)
            return exposures["worst_possible_profit_on_lose" if side == "BACK" else "worst_possible_profit_on_win"]
        if self.outsider is not None and (outside := self._outside(strategy, lookup)) is not None:
            own = self._position(strategy, lookup[1:])
            return self._with_outside(own, outside, exclusion, new_order).worst(side, line_of(new_order))
        positions = self._positions.get(strategy)
        position = (positions.get(lookup[1:]) if positions else None) or Position(lookup)
        return position.worst(side, exclusion, new_order)

    def selection_exposure(self, strategy: StrategyRole, lookup: Lookup) -> float:
        """Return the most that a strategy can lose on a selection, whether it wins or loses; at least 0."""
        exposures = self.get_exposures(strategy, lookup)
        worst = min(exposures["worst_possible_profit_on_win"], exposures["worst_possible_profit_on_lose"])
        return max(-worst, 0.0)

    def market_exposure(
        self,
        strategy: StrategyRole,
        market_book: ExposedBook,
        exclusion: ExposedOrder | None = None,
        new_order: ExposedOrder | None = None,
    ) -> float:
        """Return a strategy's worst outcome in the market: negative is a loss, positive a certain profit.

        `exclusion` is left out, `new_order` counted as if it were accepted.
        """
        keys = dict.fromkeys(self._positions.get(strategy, ()))
        if self.outsider is not None:
            keys |= dict.fromkeys(self._positions.get(self.outsider, ()))
        new_key = None if new_order is None else new_order.lookup[1:]
        keys |= {} if new_key is None else {new_key: None}
        statuses = market_book.definition.runner_statuses
        idle = sum(status == "ACTIVE" and key not in keys for key, status in statuses.items())
        found: dict[bool, list[Exposures]] = {True: [], False: []}
        for key in keys:
            new, is_loser = new_order if key == new_key else None, statuses.get(key) in _CANNOT_WIN
            exposures = self._get_exposures(strategy, (self.market_id, *key), exclusion, new)
            if self.each_way_divisor is not None:
                exposures = worst_of_each_way(exposures, self.each_way_divisor)
            found[is_loser].append(exposures)
        is_told = self.each_way_divisor is None and self.betting_type in (None, "ODDS")
        winners = market_book.number_of_winners if is_told else None  # else it says not how many pay
        return worst_market_profit(found[False], idle, winners, found[True])


class Blotter(Settlement, _Exposures):
    """Every order of one market that was accepted, from its acceptance on.

        blotter[order.id] = order    take an order in, once
        order = blotter[order.id]
        order.id in blotter          len(blotter)
        for order in blotter: ...    in the order of placing, over a copy

    Lists returned without a filter are the blotter's own: they grow, and are not to be changed.

    :ivar active: an order was ever taken in.
    :ivar betting_type: the market's: ODDS, LINE, ASIAN_HANDICAP_DOUBLE_LINE, ...; None where it is not known.
    :ivar is_line: whether that is LINE.
    :ivar each_way_divisor: what divides the odds of a place, None where the market is not each-way.
    :ivar outsider: owner of the bets that are nobody's (placed by hand), None where there are none; they count in
        every strategy's exposures.
    :ivar touched: orders whose totals a report has changed, for the kernel to look through.
    :ivar unsent: ids of orders placed with `execute=False`: only a strategy itself may have sent them.
    """

    __slots__ = (
        "_bets",
        "_client_orders",
        "_count",
        "_lists",
        "_live",
        "_orders",
        "_positions",
        "_strategy_orders",
        "_trades",
        "_unnumbered",
        "active",
        "betting_type",
        "each_way_divisor",
        "is_line",
        "market_id",
        "outsider",
        "touched",
        "unsent",
    )

    def __init__(self, market_id: str) -> None:
        self.market_id = market_id
        self.active = False
        self.betting_type: str | None = None
        self.is_line = False
        self.each_way_divisor: float | None = None
        self.outsider: StrategyRole | None = None
        self.touched: list[Order] = []
        self.unsent: set[str] = set()
        self._count = 0
        self._orders: dict[str, Order] = {}
        self._live: dict[str, Order] = {}
        self._trades: dict[str, Trade] = {}
        self._bets: dict[str, Order] = {}
        self._unnumbered: list[Order] = []
        self._strategy_orders: dict[StrategyRole, list[Order]] = {}
        self._positions: dict[StrategyRole, dict[tuple[int, float], Position]] = {}
        self._client_orders: dict[Any, list[Order]] = {}
        self._lists: dict[tuple[Any, StrategyRole], tuple[list[Order], list[Order], list[Order]]] = {}

    # orders

    def __setitem__(self, order_id: str, order: Order) -> None:
        if order_id in self._orders:
            raise OrderError(f"order must be new to the market, {order_id} was placed already")
        self.active = True
        self._count += 1
        order.number = self._count
        self._orders[order_id] = self._live[order_id] = order
        self._unnumbered.append(order)
        trade = order.trade
        self._trades[trade.id] = trade
        for orders in self._lists_of(order):
            orders.append(order)
        positions, key = self._positions[trade.strategy], order.lookup[1:]
        position = positions.get(key)
        if position is None:
            position = positions[key] = Position(order.lookup)
        position.open(order)

    def _lists_of(self, order: Order) -> tuple[list[Order], ...]:
        # the orders of its strategy, of its client, and of both
        strategy, client = order.trade.strategy, order.client
        lists = self._lists.get((client, strategy))
        if lists is None:
            own = self._strategy_orders.setdefault(strategy, [])
            lists = self._lists[(client, strategy)] = (own, self._client_orders.setdefault(client, []), [])
            self._positions.setdefault(strategy, {})
        return lists

    def _ordered(self, order: Order) -> Iterator[list[Order]]:
        """Yield every list that holds an order in the order of placing."""
        yield from self._lists_of(order)
        if order.position is not None:
            yield order.position.orders

    def enter_last(self, order: Order) -> None:
        """Put a replacement behind all orders placed since it was made, now that the exchange has placed it."""
        self._orders[order.id] = self._orders.pop(order.id)
        if order.id in self._live:
            self._live[order.id] = self._live.pop(order.id)
        for orders in self._ordered(order):
            if orders[-1] is not order:
                _remove_from_end(orders, order)
                orders.append(order)
        self._count += 1
        order.number = self._count

    def forget(self, order: Order) -> None:
        """Take out a complete replacement that the exchange refused; its trade and the refusals still have it."""
        self.complete_order(order)
        if self._orders.pop(order.id, None) is not None:
            for orders in self._ordered(order):
                _remove_from_end(orders, order)

    def __getitem__(self, order_id: str) -> Order:
        return self._orders[order_id]

    def __contains__(self, order_id: object) -> bool:
        return order_id in self._orders

    def __iter__(self) -> Iterator[Order]:
        return iter(list(self._orders.values()))

    def __len__(self) -> int:
        return len(self._orders)

    def has_order(self, order_id: str) -> bool:
        """Return whether an order of this id was taken in."""
        return order_id in self._orders

    def has_trade(self, trade: Trade) -> bool:
        """Return whether an order of this trade was taken in."""
        return trade.id in self._trades

    def get_trade(self, trade_id: str) -> Trade | None:
        """Return a trade by its id, None where no order of it was taken in."""
        return self._trades.get(trade_id)

    def get_order_bet_id(self, bet_id: str | None) -> Order | None:
        """Return an order by the exchange's number, None where there is none."""
        order = self._bets.get(bet_id) if bet_id is not None else None
        if order is None and self._unnumbered:
            waiting, self._unnumbered = self._unnumbered, []
            for each in waiting:
                if each.bet_id is not None:
                    self._bets[each.bet_id] = each
                elif not each.complete:
                    self._unnumbered.append(each)
            order = self._bets.get(bet_id) if bet_id is not None else None
        return order

    def complete_order(self, order: Order) -> None:
        """Take a complete order off the live ones; again, or of a stranger, does nothing."""
        if self._live.pop(order.id, None) is not None and order.position is not None:
            order.position.close(order)

    def take_back(self, order: Order) -> None:
        """Count an order among the live ones again: it had been given up, and the exchange has it after all."""
        if order.id in self._orders:
            self._live[order.id] = order
            if order.bet_id is not None:
                self._bets[order.bet_id] = order

    def is_live(self, order: Order) -> bool:
        """Return whether an order was taken in and not yet taken off as complete.

        An order that a late failure makes EXECUTABLE after that stays off, as in flumine; exposures count it.
        """
        return order.id in self._live

    @property
    def live_orders(self) -> Iterator[Order]:
        """The orders not yet taken off as complete, over a copy."""
        return iter(list(self._live.values()))

    @property
    def has_live_orders(self) -> bool:
        """Whether any order was not yet taken off as complete."""
        return bool(self._live)

    # lists

    @property
    def strategies(self) -> Collection[StrategyRole]:
        """The strategies that have orders here, in the order of their first."""
        return self._strategy_orders.keys()

    def strategy_trades(
        self, strategy: StrategyRole, trade_status: Collection[TradeStatus] | None = None
    ) -> list[Trade]:
        """Return a strategy's trades, of these statuses if given."""
        trades = [trade for trade in self._trades.values() if trade.strategy is strategy]
        return [trade for trade in trades if trade.status in trade_status] if trade_status else trades

    def strategy_orders(
        self,
        strategy: StrategyRole,
        order_status: Collection[OrderStatus] | None = None,
        matched_only: bool | None = None,
    ) -> list[Order]:
        """Return a strategy's orders, of these statuses or with something matched if asked for."""
        orders = self._strategy_orders.get(strategy)
        return orders or [] if not order_status and not matched_only else _filtered(orders, order_status, matched_only)

    def strategy_selection_orders(
        self,
        strategy: StrategyRole,
        selection_id: int,
        handicap: float = 0,
        order_status: Collection[OrderStatus] | None = None,
        matched_only: bool | None = None,
    ) -> list[Order]:
        """Return a strategy's orders on one selection, filtered as `strategy_orders`."""
        position = self._position(strategy, (selection_id, handicap))
        return _filtered(position.orders if position else None, order_status, matched_only)

    def client_orders(
        self,
        client: ClientRole,
        order_status: Collection[OrderStatus] | None = None,
        matched_only: bool | None = None,
    ) -> list[Order]:
        """Return a client's orders, filtered as `strategy_orders`."""
        return _filtered(self._client_orders.get(client), order_status, matched_only)

    def client_strategy_orders(
        self,
        client: ClientRole,
        strategy: StrategyRole,
        order_status: Collection[OrderStatus] | None = None,
        matched_only: bool | None = None,
    ) -> list[Order]:
        """Return a strategy's orders at one client, filtered as `strategy_orders`."""
        lists = self._lists.get((client, strategy))
        return _filtered(None if lists is None else lists[2], order_status, matched_only)


def _filtered(
    orders: list[Order] | None, order_status: Iterable[OrderStatus] | None, matched_only: bool | None
) -> list[Order]:
    if orders is None:
        return []
    if order_status:
        wanted = frozenset(order_status)
        orders = [order for order in orders if order.status in wanted]
    if matched_only:
        orders = [order for order in orders if order.size_matched > 0]
    return orders


def _remove_from_end(orders: list[Order], order: Order) -> None:
    index = bisect_left(orders, order.number, key=_number_of)
    if index == len(orders) or orders[index] is not order:  # it is not in order, or not there
        index = next((index for index in range(len(orders) - 1, -1, -1) if orders[index] is order), -1)
    if index >= 0:
        del orders[index]
