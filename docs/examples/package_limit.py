"""Stops order packages of more than ten orders: somebody's loop has probably run wild."""

from loguru import logger

from flumine_core import hookimpl

MOST = 10


@hookimpl
def flumine_process_market_orders(market):
    """Packages of a market are about to leave; `market.outbox` holds them."""
    logger.debug("{} packages of market {}", len(market.outbox), market.market_id)


@hookimpl
def flumine_process_order_package(order_package):
    """Return None to let a package pass, a reason to stop it."""
    if len(order_package) > MOST:
        return f"a package must hold {MOST} orders at most, had {len(order_package)}"
    return None
