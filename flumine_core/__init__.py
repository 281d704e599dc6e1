"""A plugin-based trading framework for the Betfair exchange. This is its public face; nothing inside imports it."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .cli.logs import enable_logging
    from .contract import client as clients
    from .contract.client import BetfairClient, SimulatedClient
    from .contract.hookspecs import hookimpl, hookspec
    from .contract.loggingcontrol import LoggingControl
    from .contract.middleware import Middleware
    from .contract.strategy import BaseStrategy, RunnerContext
    from .contract.streams import DataStream, HistoricalStream, MarketStream, SportsDataStream
    from .contract.streams import DataStream as BetfairDataStream
    from .contract.streams import DataStream as RawDataStream
    from .contract.streams import HistoricalStream as BetfairHistoricalStream
    from .contract.streams import MarketStream as BetfairMarketStream
    from .contract.streams import SportsDataStream as BetfairSportsDataStream
    from .contract.worker import BackgroundWorker
    from .control.base import ClientControl, TradingControl
    from .control.client import MaxOrderCount
    from .control.client import MaxOrderCount as MaxTransactionCount
    from .control.trading import MarketValidation, OrderValidation, StrategyExposure
    from .errors import FlumineCoreError
    from .events import CustomEvent
    from .ladder import get_nearest_price, get_price, get_size, get_sp, price_ticks_away
    from .order.kinds import LimitOnCloseOrder, LimitOrder, MarketOnCloseOrder
    from .order.order import Order
    from .order.order import Order as BetfairOrder
    from .order.states import OrderStatus, TradeStatus
    from .order.trade import Trade
    from .session import Flumine, FlumineSimulation
    from .settings import Settings, config

__version__ = "0.1.0"

_HOMES = {
    "BackgroundWorker": "contract.worker",
    "BaseStrategy": "contract.strategy",
    "BetfairClient": "contract.client",
    "BetfairDataStream": "contract.streams:DataStream",
    "BetfairHistoricalStream": "contract.streams:HistoricalStream",
    "BetfairMarketStream": "contract.streams:MarketStream",
    "BetfairOrder": "order.order:Order",
    "BetfairSportsDataStream": "contract.streams:SportsDataStream",
    "ClientControl": "control.base",
    "CustomEvent": "events",
    "DataStream": "contract.streams",
    "Flumine": "session",
    "FlumineCoreError": "errors",
    "FlumineSimulation": "session",
    "HistoricalStream": "contract.streams",
    "LimitOnCloseOrder": "order.kinds",
    "LimitOrder": "order.kinds",
    "LoggingControl": "contract.loggingcontrol",
    "MarketOnCloseOrder": "order.kinds",
    "MarketStream": "contract.streams",
    "MarketValidation": "control.trading",
    "MaxOrderCount": "control.client",
    "MaxTransactionCount": "control.client:MaxOrderCount",
    "Middleware": "contract.middleware",
    "Order": "order.order",
    "OrderStatus": "order.states",
    "OrderValidation": "control.trading",
    "RawDataStream": "contract.streams:DataStream",
    "RunnerContext": "contract.strategy",
    "Settings": "settings",
    "SimulatedClient": "contract.client",
    "SportsDataStream": "contract.streams",
    "StrategyExposure": "control.trading",
    "Trade": "order.trade",
    "TradeStatus": "order.states",
    "TradingControl": "control.base",
    "clients": "contract.client:",
    "config": "settings",
    "enable_logging": "cli.logs",
    "get_nearest_price": "ladder",
    "get_price": "ladder",
    "get_size": "ladder",
    "get_sp": "ladder",
    "hookimpl": "contract.hookspecs",
    "hookspec": "contract.hookspecs",
    "price_ticks_away": "ladder",
}
"""Public name -> the module where it lives, with its name there if that is another (none: the module itself)."""

__all__ = [
    "BackgroundWorker",
    "BaseStrategy",
    "BetfairClient",
    "BetfairDataStream",
    "BetfairHistoricalStream",
    "BetfairMarketStream",
    "BetfairOrder",
    "BetfairSportsDataStream",
    "ClientControl",
    "CustomEvent",
    "DataStream",
    "Flumine",
    "FlumineCoreError",
    "FlumineSimulation",
    "HistoricalStream",
    "LimitOnCloseOrder",
    "LimitOrder",
    "LoggingControl",
    "MarketOnCloseOrder",
    "MarketStream",
    "MarketValidation",
    "MaxOrderCount",
    "MaxTransactionCount",
    "Middleware",
    "Order",
    "OrderStatus",
    "OrderValidation",
    "RawDataStream",
    "RunnerContext",
    "Settings",
    "SimulatedClient",
    "SportsDataStream",
    "StrategyExposure",
    "Trade",
    "TradeStatus",
    "TradingControl",
    "clients",
    "config",
    "enable_logging",
    "get_nearest_price",
    "get_price",
    "get_size",
    "get_sp",
    "hookimpl",
    "hookspec",
    "price_ticks_away",
]
"""The names of `_HOMES`, spelt out for type checkers."""


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, colon, attribute = home.partition(":")
    found: Any = importlib.import_module(f".{module}", __name__)
    if not colon or attribute:
        found = getattr(found, attribute or name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
