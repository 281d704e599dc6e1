"""What a framework is made of: clients, controls, strategies, streams, middleware, workers, logging controls."""

import queue
from collections import deque
from collections.abc import Iterable
from typing import Any, ClassVar

from ..clock import Clock
from ..contract.client import BaseClient, Clients
from ..contract.loggingcontrol import LoggingControl, check_whole
from ..contract.middleware import Middleware
from ..contract.strategy import BaseStrategy
from ..contract.streams import BaseStream, check_is_description
from ..contract.worker import BackgroundWorker
from ..control.base import ClientControl, Control
from ..control.client import MaxOrderCount
from ..control.trading import MarketValidation, OrderValidation, StrategyExposure
from ..errors import ClientError, ExecutionError, SettingsError, survivable
from ..events import EVENT_NOUNS, Event, StrategyEvent
from ..market.markets import Markets
from ..order.ids import OrderIds
from ..order.refusal import Refusal
from ..order.told import Told
from ..overrides import refuse_overrides
from ..settings import Settings
from .guard import Faults

_STREAM_ID_STEP = 10_000

_INSTEAD = {
    "_add_market": "override _add_live_market",
    "process_order_package": "override _process_order_package",
    "_process_simulated_orders": "override _process_market_orders",
    "_check_pending_packages": "requests are executed by an execution, which flumine_make_execution of a plugin gives",
}
"""Steps of flumine's frameworks that have another name here."""

REFUSALS_KEPT = 1000
"""How many refusals a framework remembers, the latest; all of them are counted, and told to logging controls."""


class Registry:
    """Takes the parts of a framework and keeps them in the order in which they were added.

    :cvar SIMULATED: whether it simulates.
    """

    SIMULATED: ClassVar[bool] = False
    _awaits_logs = True

    def __init__(self, clock: Clock, settings: Settings, client: BaseClient | None = None) -> None:
        refuse_overrides(type(self), _INSTEAD)
        self.clock = clock
        self.settings = settings
        self.markets = Markets()
        self.clients = Clients()
        self.strategies: list[BaseStrategy] = []
        self.streams: list[Any] = []
        self.trading_controls: list[Any] = []
        self.faults = Faults(lambda: self.settings.raise_errors)
        self._refusals: deque[Refusal] = deque(maxlen=REFUSALS_KEPT)
        self.refusal_counts: dict[tuple[str, str], int] = {}
        self.cleared_market_queue: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.is_running = False
        self._is_too_late = False  # to add strategies and streams
        self._ids = OrderIds()
        self._streams_by_identity: dict[str, Any] = {}
        self._middleware: list[Middleware] = []
        self._workers: list[BackgroundWorker] = []
        self._logging_controls: list[LoggingControl] = []
        self._logged: frozenset[str] = frozenset()
        self._takers: dict[type[Event], tuple[LoggingControl, ...]] = {}
        self._tells_refused = False
        self._subscribers: dict[int, tuple[BaseStrategy, ...]] = {}
        for control in (OrderValidation, MarketValidation, StrategyExposure):
            self.add_trading_control(control)
        if client is not None:
            self.add_client(client)

    @property
    def refusals(self) -> list[Refusal]:
        """What controls refused last, 1,000 at most; `refusal_counts` has all, by strategy and control."""
        return list(self._refusals)

    def add_client(self, client: BaseClient) -> None:
        """Add a client with its default control; the first one is the default client.

        What an earlier run has left in a simulated one, its controls and what they have counted, is gone.

        :raises ClientError: if it is no client, its username is taken, or it cannot be hashed.
        """
        if not isinstance(client, BaseClient):
            raise ClientError(f"a client must be a BaseClient, was {client!r}")
        if not _is_hashable(client):
            raise ClientError(f"client {client.username} must be hashable (a dataclass: eq=False)")
        self.clients.add_client(client)
        client.begin_anew(self.SIMULATED)
        client.faults = self.faults
        self.add_client_control(client, MaxOrderCount)

    def add_strategy(self, strategy: BaseStrategy) -> None:
        """Add a strategy and its streams, at the latest in `flumine_start`; equal streams are shared.

        :raises SettingsError: if it is no strategy, was added before, or cannot be hashed.
        :raises ExecutionError: once the run's streams are being made.
        """
        if not isinstance(strategy, BaseStrategy):
            raise SettingsError(f"a strategy must be a BaseStrategy, was {strategy!r}")
        if not _is_hashable(strategy):
            raise SettingsError(f"strategy {strategy.name} must be hashable (a dataclass: eq=False)")
        if any(other is strategy for other in self.strategies):
            raise SettingsError(f"strategy {strategy.name} was added before: each book would come to it twice")
        self._check_not_too_late(f"strategy {strategy.name}")
        if not isinstance(strategy.client, BaseClient | None):
            raise SettingsError(f"client of strategy {strategy.name} must be a BaseClient, was {strategy.client!r}")
        if any(other.name == strategy.name for other in self.strategies):
            from loguru import logger

            logger.warning("two strategies are called {}: their orders share a name hash", strategy.name)
        strategy.bind(self, self._ids)
        if not strategy.streams:
            strategy.streams = list(self._describe_streams(strategy))
        for stream in list(strategy.streams):
            shared = self._share(stream)
            if shared is not stream:
                strategy.replace_stream(stream, shared)
        self.strategies.append(strategy)
        self.subscriptions_changed()
        try:
            strategy.add(self)
        except BaseException:
            self.take_out(strategy)
            raise
        if "strategy" in self._wanted():
            self.log_control(StrategyEvent(Told(strategy.info, name=strategy.name)))

    def take_out(self, strategy: BaseStrategy) -> None:
        """Take out a strategy that cannot take part; what others subscribe to goes on, and so does its stream."""
        self.strategies[:] = [each for each in self.strategies if each is not strategy]
        self.subscriptions_changed()

    def _describe_streams(self, strategy: BaseStrategy) -> Iterable[Any]:
        """Describe the streams that a strategy's `market_filter` asks for."""
        raise NotImplementedError

    def add_stream(self, stream: Any) -> None:
        """Add a stream, or the description of one, at the latest in `flumine_start`.

        :raises ExecutionError: once the run's streams are being made.
        """
        self._check_not_too_late(f"stream {stream!r}")
        self._share(stream)

    def _check_not_too_late(self, what: str) -> None:
        if self._is_too_late:
            raise ExecutionError(
                f"{what} is added too late, the run has begun: add it before run(), or in a strategy's start() or "
                "flumine_start at the latest"
            )

    def _share(self, stream: Any) -> Any:
        """Return the stream added before that equals this one, or add this one."""
        check_is_description(type(stream))
        key = stream.identity if isinstance(stream, BaseStream) else f"object {id(stream)}"
        known = self._streams_by_identity.get(key)
        if known is not None:
            return known
        if getattr(stream, "stream_id", None) is None:
            try:
                stream.stream_id = _STREAM_ID_STEP * (len(self.streams) + 1)
            except AttributeError as error:
                raise SettingsError(f"a stream must be an object that takes a stream_id, was {stream!r}") from error
        self._streams_by_identity[key] = stream
        self.streams.append(stream)
        self.subscriptions_changed()
        return stream

    def add_worker(self, worker: BackgroundWorker) -> None:
        """Add a background worker; once the framework runs it starts at once."""
        if not isinstance(worker, BackgroundWorker):
            raise SettingsError(f"a worker must be a BackgroundWorker, was {worker!r}")
        self._workers.append(worker)
        if self.is_running:
            worker.start(self, self._worker_raised)

    def add_trading_control(self, trading_control: Any, **options: Any) -> None:
        """Add a trading control: a class with its options, or an instance.

        :raises SettingsError: if it is none, or a client's: one that counts must be told which client it counts for.
        """
        made = self._make_control(trading_control, (self,), options)
        if isinstance(made, ClientControl):
            name = type(made).__name__
            raise SettingsError(f"{name} is a client control: add_client_control(client, {name}) adds it")
        self.trading_controls.append(made)

    def add_client_control(self, client: BaseClient, client_control: Any, **options: Any) -> None:
        """Add a client control: a class with its options, or an instance."""
        client.begin_anew(self.SIMULATED)
        made = self._make_control(client_control, (self, client), options)
        if not isinstance(made, ClientControl):
            raise SettingsError(f"a client control must be a ClientControl, was {made!r}")
        client.trading_controls.append(made)

    def _make_control(self, control: Any, bound_to: tuple[Any, ...], options: dict[str, Any]) -> Any:
        if isinstance(control, type):
            made = control(*bound_to, **options)
        elif options:
            raise SettingsError(f"options go with a control's class, {control!r} is an instance")
        else:
            made = control
            if isinstance(made, Control):
                made.bind(*bound_to)
        if not callable(made) or not isinstance(made, Control):
            raise SettingsError(f"a control must be a TradingControl or ClientControl, was {control!r}")
        return made

    def add_market_middleware(self, middleware: Middleware) -> None:
        """Add market middleware; it runs in the order of adding."""
        if not callable(middleware):
            raise SettingsError(f"middleware must be callable with a market, was {middleware!r}")
        if middleware not in self._middleware:
            self._middleware.append(middleware)

    def add_logging_control(self, logging_control: LoggingControl) -> None:
        """Add a logging control."""
        if not isinstance(logging_control, LoggingControl):
            raise SettingsError(f"a logging control must be a LoggingControl, was {logging_control!r}")
        check_whole(logging_control)
        if logging_control not in self._logging_controls:
            self._logging_controls.append(logging_control)
            self._find_takers()
            self._tells_refused = self._tells_refused or logging_control.REFUSED_STATUS
            if "strategy" in logging_control.handlers:
                for strategy in self.strategies:
                    logging_control.put(StrategyEvent(Told(strategy.info, name=strategy.name)))
            if self.is_running:
                logging_control.is_awaited = self._awaits_logs
                logging_control.start(self._logging_control_raised)

    def _find_takers(self) -> None:
        self._logged = self._wanted()
        self._takers = {
            event_type: tuple(control for control in self._logging_controls if noun in control.handlers)
            for event_type, noun in EVENT_NOUNS.items()
            if noun in self._logged
        }

    def _wanted(self) -> frozenset[str]:
        return frozenset(noun for control in self._logging_controls for noun in control.handlers)

    def post(self, event: Event) -> None:
        """Put an event on the kernel's queue, from any thread.

        :raises ExecutionError: where the kernel takes events from streams alone, as in a simulation.
        """
        raise ExecutionError(f"{type(self).__name__} takes events from its streams alone")

    def log_control(self, event: Event) -> None:
        """Queue an event for the logging controls that handle it."""
        for control in self._takers.get(type(event), ()):
            control.put(event)

    def feed_of(self, stream_id: int | None) -> Any:
        """Return None: what is recorded is neither late nor out of date."""
        return None

    def subscriptions_changed(self) -> None:
        """Take note that a strategy's streams are others now."""
        self._subscribers.clear()

    def subscribers(self, stream_id: int | None) -> tuple[BaseStrategy, ...]:
        """Return the strategies that subscribe to a stream, in order."""
        if stream_id is None:
            return ()
        known = self._subscribers.get(stream_id)
        if known is None:
            known = self._subscribers[stream_id] = tuple(
                strategy for strategy in self.strategies if stream_id in strategy.stream_ids
            )
        return known

    def _worker_raised(self, name: str, error: BaseException) -> None:
        self.faults.count(name, "worker", error)

    def _logging_control_raised(self, name: str, handler: str, error: BaseException) -> None:
        self.faults.count(name, handler, error)

    @property
    def info(self) -> dict[str, Any]:
        """The framework as plain data."""
        return {
            "clients": self.clients.info,
            "markets": {
                "market_count": len(self.markets),
                "open_market_count": len(self.markets.open_market_ids),
            },
            "streams": [repr(stream) for stream in self.streams],
            "strategies": [strategy.info for strategy in self.strategies],
            "logging_controls": [control.name for control in self._logging_controls],
        }


def _is_hashable(key: object) -> bool:
    try:
        hash(key)
    except survivable():
        return False
    return True
