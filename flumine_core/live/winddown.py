"""An orderly stop: what is still at the exchange is cancelled, and what may be left there can be named."""

from collections.abc import Iterator
from typing import Any, Protocol

from ..errors import FlumineCoreError
from ..market.market import Market
from ..market.markets import Markets
from ..order.order import Order


class StoppingFramework(Protocol):
    """What a stop needs of the framework, on its thread."""

    markets: Markets
    strategies: list[Any]


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


def cancel_orders(framework: StoppingFramework) -> None:
    """Ask to cancel every order that can be.

    One that waits for an answer can be cancelled when it has come, and one whose cancel was refused again: call again.
    """
    for market, order in orders_at_exchange(framework):
        if order.bet_id is None:
            continue
        try:
            market.cancel_order(order, force=True)
        except FlumineCoreError:  # it is being cancelled, or waits for an answer
            continue


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
