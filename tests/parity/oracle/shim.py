"""The names of the framework under test: flumine's where FLUMINE_CORE_PARITY_SIDE is `peer`, else ours.

Only import lines, and how a run is configured, differ between the two; all else is written once.
"""

import os
from typing import Any

SIDE = os.environ.get("FLUMINE_CORE_PARITY_SIDE", "own")

if SIDE == "peer":
    import flumine
    from flumine import BaseStrategy, FlumineSimulation
    from flumine.clients import SimulatedClient
    from flumine.markets.middleware import Middleware
    from flumine.order.order import OrderStatus
    from flumine.order.ordertype import LimitOnCloseOrder, LimitOrder, MarketOnCloseOrder
    from flumine.order.trade import Trade
    from flumine.streams.betfairhistoricalstream import BetfairHistoricalStream
    from flumine.utils import get_nearest_price, get_price, get_size, price_ticks_away

    _DEFAULTS = {
        name: getattr(flumine.config, name)
        for name in (
            "simulated_strategy_isolation",
            "simulation_available_prices",
            "place_latency",
            "cancel_latency",
            "update_latency",
            "replace_latency",
            "raise_errors",
        )
    }

    def make_framework(clients: list[Any], settings: dict[str, Any]) -> Any:
        """Return a framework with these clients; flumine keeps its settings in a module."""
        for name, value in {**_DEFAULTS, **settings}.items():
            setattr(flumine.config, name, value)
        framework = FlumineSimulation()
        for client in clients:
            framework.add_client(client)
        return framework

    def transaction_number(market: Any) -> int:
        """Return how many transactions the market has opened."""
        return int(market._transaction_id)

else:
    from flumine_core import (
        BaseStrategy,
        BetfairHistoricalStream,
        FlumineSimulation,
        LimitOnCloseOrder,
        LimitOrder,
        MarketOnCloseOrder,
        Middleware,
        OrderStatus,
        Settings,
        SimulatedClient,
        Trade,
        get_nearest_price,
        get_price,
        get_size,
        price_ticks_away,
    )

    def make_framework(clients: list[Any], settings: dict[str, Any]) -> Any:
        """Return a framework with these clients and settings, in flumine's matching profile."""
        framework = FlumineSimulation(settings=Settings(**{"simulation": "flumine", **settings}))
        for client in clients:
            framework.add_client(client)
        return framework

    def transaction_number(market: Any) -> int:
        """Return how many transactions the market has opened."""
        return int(market.transaction_id)


__all__ = [
    "SIDE",
    "BaseStrategy",
    "BetfairHistoricalStream",
    "FlumineSimulation",
    "LimitOnCloseOrder",
    "LimitOrder",
    "MarketOnCloseOrder",
    "Middleware",
    "OrderStatus",
    "SimulatedClient",
    "Trade",
    "get_nearest_price",
    "get_price",
    "get_size",
    "make_framework",
    "price_ticks_away",
    "transaction_number",
]
