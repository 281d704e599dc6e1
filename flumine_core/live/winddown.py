"""An orderly stop: what is still at the exchange is cancelled, and what may be left there can be named."""

import queue
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from time import monotonic
from typing import Any, Protocol

from ..errors import FlumineCoreError
from ..events import CurrentOrdersEvent, EndFlumineEvent, Event
from ..market.market import Market
from ..market.markets import Markets
from ..order.order import Order
from ..order.states import OrderStatus
from .inbox import Inbox

_PATIENCE = 0.1
"""Seconds without a word of orders after which it is looked again for what can be cancelled."""


class StoppingFramework(Protocol):
    """What a stop needs of the framework, on its thread."""

    markets: Markets
    strategies: list[Any]
    handler_queue: Inbox

    def drain(self) -> None: ...


def orders_at_exchange(framework: StoppingFramework) -> list[tuple[Market, Order]]:
    """Return the strategies' orders that may still be at the exchange, those of unknown outcome included.

    Bets that are no strategy's, placed by hand, are not among them: they are not this framework's to cancel.
    """
    return list(_orders_at_exchange(framework))


def _orders_at_exchange(framework: StoppingFramework) -> Iterator[tuple[Market, Order]]:
    for market in framework.markets:
        for order in market.blotter.live_orders:
            if order.trade.strategy in framework.strategies and is_at_exchange(market, order):
                yield market, order


def is_at_exchange(market: Market, order: Order) -> bool:
    """Whether an order may have a bet at the exchange that is not complete; one on paper, or never sent, has none."""
    is_real = order.client is None or not order.client.is_on_paper
    is_sent = order.bet_id is not None or order.id not in market.blotter.unsent
    return is_real and is_sent and not order.complete


def is_ours(market: Market, order: Order) -> bool:
    """Whether an order was placed by this process or by one whose journal it has, or has followed such an order.

    Another process on the account may have placed what was made an order for its reference alone: the name of a
    strategy is no proof.
    """
    if order.async_ is not None:  # known of what was asked for, and kept by the journal; no bet tells it
        return True
    blotter = market.blotter
    return order.follows is not None and order.follows in blotter and blotter[order.follows].async_ is not None


def steps_of_stop(
    framework: StoppingFramework, take: Callable[[Event | None], object], until: float
) -> Iterator[Callable[[], object]]:
    """Yield what is to be done next until nothing of ours is at the exchange, or until then (monotonic seconds).

    What a step raises is the caller's; the next one goes on all the same. Bets that are another's are left and named.

    :param take: processes an event.
    """
    while monotonic() < until and _ours_at_exchange(framework):
        yield partial(_cancel_orders, framework)
        yield framework.drain
        yield partial(_hear_of_orders, framework.handler_queue, take, until)
    yield partial(_name_others, framework)


def _ours_at_exchange(framework: StoppingFramework) -> list[tuple[Market, Order]]:
    return [(market, order) for market, order in _orders_at_exchange(framework) if is_ours(market, order)]


def _cancel_orders(framework: StoppingFramework) -> None:
    """Ask to cancel every order that can be, those of a market and client together.

    One that waits for an answer can be cancelled when it has come, and one whose cancel was refused again: call again.
    """
    asked: dict[tuple[Market, Any], list[Order]] = defaultdict(list)
    for market, order in _ours_at_exchange(framework):
        if order.bet_id is not None and order.status is OrderStatus.EXECUTABLE:
            asked[market, order.client].append(order)
    for (market, client), orders in asked.items():
        with market.transaction(client=client) as transaction:
            for order in orders:
                with suppress(FlumineCoreError):  # no bet at the starting price can be cancelled
                    transaction.cancel_order(order, force=True)


def _hear_of_orders(inbox: Inbox, take: Callable[[Event | None], object], until: float) -> None:
    """Process what is said of orders next, if that comes soon; books and all else that would hold it up are let go."""
    until = min(until, monotonic() + _PATIENCE)
    while (left := until - monotonic()) > 0:
        try:
            event = inbox.get(timeout=left)
        except queue.Empty:
            return
        is_of_orders = isinstance(event, CurrentOrdersEvent) or getattr(event, "op", "") == "ocm"
        take(event if is_of_orders or isinstance(event, EndFlumineEvent) else None)
        if is_of_orders:
            return


def _name_others(framework: StoppingFramework) -> None:
    for market, order in _orders_at_exchange(framework):
        if not is_ours(market, order):
            from loguru import logger

            logger.warning("left, since neither this process nor its journal has placed it: {}", describe(order))


def describe(order: Order) -> str:
    """Return one line that lets a human find a bet on the exchange's own page."""
    kind = order.order_type
    price, size = getattr(kind, "price", None), getattr(kind, "size", None) or getattr(kind, "liability", None)
    status = order.status.value if order.status is not None else "new"
    return (
        f"market {order.market_id} selection {order.selection_id} {order.side} {size} at {price}: "
        f"bet {order.bet_id or 'of unknown number'}, reference {order.customer_order_ref}, {status}, "
        f"{order.size_remaining} unmatched"
    )
