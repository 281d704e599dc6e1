"""A plugin-based trading framework for the Betfair exchange. This is its public face; nothing inside imports it."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .cli.logs import enable_logging as enable_logging
    from .contract import client as _client
    from .contract.client import BetfairClient as BetfairClient
    from .contract.client import SimulatedClient as SimulatedClient
    from .contract.hookspecs import hookimpl as hookimpl
    from .contract.hookspecs import hookspec as hookspec
    from .contract.loggingcontrol import LoggingControl as LoggingControl
    from .contract.middleware import Middleware as Middleware
    from .contract.strategy import BaseStrategy as BaseStrategy
    from .contract.strategy import RunnerContext as RunnerContext
    from .contract.streams import DataStream as DataStream
    from .contract.streams import HistoricalStream as HistoricalStream
    from .contract.streams import MarketStream as MarketStream
    from .contract.worker import BackgroundWorker as BackgroundWorker
    from .control.base import ClientControl as ClientControl
    from .control.base import TradingControl as TradingControl
    from .control.client import MaxOrderCount as MaxOrderCount
    from .control.trading import MarketValidation as MarketValidation
    from .control.trading import OrderValidation as OrderValidation
    from .control.trading import StrategyExposure as StrategyExposure
    from .errors import FlumineCoreError as FlumineCoreError
    from .events import CustomEvent as CustomEvent
    from .ladder import get_nearest_price as get_nearest_price
    from .ladder import get_price as get_price
    from .ladder import get_size as get_size
    from .ladder import get_sp as get_sp
    from .ladder import price_ticks_away as price_ticks_away
    from .order.kinds import LimitOnCloseOrder as LimitOnCloseOrder
    from .order.kinds import LimitOrder as LimitOrder
    from .order.kinds import MarketOnCloseOrder as MarketOnCloseOrder
    from .order.order import Order as Order
    from .order.states import OrderStatus as OrderStatus
    from .order.states import TradeStatus as TradeStatus
    from .order.trade import Trade as Trade
    from .session import Flumine as Flumine
    from .session import FlumineSimulation as FlumineSimulation
    from .settings import Settings as Settings
    from .settings import config as config

    BetfairDataStream = DataStream
    BetfairHistoricalStream = HistoricalStream
    BetfairMarketStream = MarketStream
    BetfairOrder = Order
    MaxTransactionCount = MaxOrderCount
    RawDataStream = DataStream
    clients = _client

__version__ = "0.1.0"

_HOMES = {
    "BackgroundWorker": "contract.worker",
    "BaseStrategy": "contract.strategy",
    "BetfairClient": "contract.client",
    "BetfairDataStream": "contract.streams:DataStream",
    "BetfairHistoricalStream": "contract.streams:HistoricalStream",
    "BetfairMarketStream": "contract.streams:MarketStream",
    "BetfairOrder": "order.order:Order",
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

__all__ = [*_HOMES]


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
