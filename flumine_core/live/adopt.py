"""Bets that no order stands for: of an earlier run, of a replace that was given up, or placed by hand."""

from collections.abc import Iterable
from typing import Any

from loguru import logger

from ..contract.strategy import BaseStrategy
from ..order.kinds import LimitOnCloseOrder, LimitOrder, MarketOnCloseOrder, OrderKind
from ..order.order import Order
from ..order.report import AdoptReport, Report
from ..order.roles import NAME_HASH_LENGTH
from ..order.trade import Trade
from .bet import Bet

OUTSIDE = "outside"
"""Name of the strategy that owns the bets that are nobody's."""


class Adoption:
    """Makes orders for bets.

    :param own_strategy_ref: leave out bets that bear another customerStrategyRef; None: leave out none.
    """

    def __init__(self, framework: Any, client: Any, ids: Any, own_strategy_ref: str | None) -> None:
        self._framework = framework
        self._client = client
        self._own_strategy_ref = own_strategy_ref
        self.outside = BaseStrategy(market_filter={}, name=OUTSIDE)
        self.outside.bind(framework, ids)

    def adopt(self, bet: Bet, like: Order | None) -> Report | None:
        """Return the report of a bet's new order; `like`: an order of ours that it has followed.

        Nothing is made of a bet that is complete with nothing matched, or that is another instance's.
        """
        if bet.is_complete and not bet.size_matched:
            return None
        if self._own_strategy_ref is not None and bet.customer_strategy_ref != self._own_strategy_ref:
            return None
        if like is not None:
            order = self._order(like.trade, bet, like.sep)
            logger.warning("bet {} has followed order {}: adopted as order {}", bet.bet_id, like.id, order.id)
            return self._report(order, bet, is_outside=False)
        strategy = strategy_of(bet.customer_order_ref, self._framework.strategies)
        owner = self.outside if strategy is None else strategy
        trade = Trade(bet.market_id, bet.selection_id, bet.handicap, owner)
        ref = bet.customer_order_ref
        order = self._order(trade, bet, ref[NAME_HASH_LENGTH] if strategy is not None else "-")
        order_id = ref[NAME_HASH_LENGTH + 1 :]
        if strategy is not None and self._framework.markets.get_order(bet.market_id, order_id) is None:
            order.id = order_id
        logger.warning("bet {} of market {} is adopted, of strategy {}", bet.bet_id, bet.market_id, owner.name)
        return self._report(order, bet, is_outside=strategy is None)

    def _order(self, trade: Trade, bet: Bet, sep: str) -> Order:
        order = trade.create_order(bet.side, kind_of(bet), sep=sep)
        order.client = self._client
        return order

    @staticmethod
    def _report(order: Order, bet: Bet, is_outside: bool) -> AdoptReport:
        return AdoptReport(
            order,
            bet.totals,
            bet.bet_id,
            bet.placed_ms,
            is_complete=bet.is_complete,
            is_outside=is_outside,
        )


def strategy_of(ref: str, strategies: Iterable[Any]) -> Any:
    """Return the strategy whose name hash opens a customerOrderRef, None where there is none."""
    if len(ref) <= NAME_HASH_LENGTH + 1:
        return None
    return next((each for each in strategies if each.name_hash == ref[:NAME_HASH_LENGTH]), None)


def kind_of(bet: Bet) -> OrderKind:
    """Return the kind of order that a bet is."""
    if bet.order_type == "LIMIT_ON_CLOSE":
        return LimitOnCloseOrder(bet.liability, bet.price)
    if bet.order_type == "MARKET_ON_CLOSE":
        return MarketOnCloseOrder(bet.liability)
    return LimitOrder(bet.price, bet.size, bet.persistence)
