"""The beginning and end of a run: settings, plugins, executions, controls, strategies."""

import queue
import sys
import threading
from collections.abc import Callable, Iterable
from functools import partial
from time import monotonic
from typing import Any, ClassVar

from ..clock import running
from ..contract.client import BaseClient
from ..contract.ports import Stream
from ..contract.strategy import BaseStrategy, owned_by_base
from ..contract.streams import BETFAIR_STREAMS, BaseStream
from ..errors import ClientError, DiscoveryError, ExecutionError, SettingsError, StreamError, survivable
from ..events import ClearedMarketsEvent, ClearedOrdersEvent, ConfigEvent
from ..hint import one_line
from ..market.market import Market
from ..order.cleared import Cleared, ClearedMarket
from ..order.told import Told
from ..plain import LOAD
from ..settings import Settings, config
from .badlines import BadLines
from .desk import NO_THREAD
from .discovery import Discovery
from .entrypoint import HOOKS
from .guard import each_guarded
from .kernel import Kernel
from .life import nothing
from .logs import start_logs, stop_logs
from .plan import Plan

FLUMINES = frozenset({"execute_place", "execute_cancel", "execute_update", "execute_replace"})
"""What an execution of flumine's overrides."""


class Session(Kernel):
    """Begins and ends a run: settings, plugins, executions, controls, strategies."""

    _opens_betfair: ClassVar[str]
    """What opens a description of one of Betfair's streams."""

    def __init__(
        self,
        clock: Any,
        client: BaseClient | None = None,
        settings: Settings | None = None,
        plugins: Discovery | None = None,
    ) -> None:
        self._ends: list[tuple[str, object]] = []
        self.bad_lines = BadLines()
        self.stream_errors: list[str] = []
        self.progress: Callable[[Any], None] | None = None
        self.setting_changes: list[tuple[str, Settings]] = []
        self._given = config if settings is None else settings
        self._discovery = plugins
        self._has_run = False
        self._handled: BaseException | None = None
        self._started: list[BaseStrategy] = []
        super().__init__(clock, self._given, client)

    def _begin(self) -> None:
        """Make all that a run needs; where that fails, end what was made."""
        try:
            self._make_ready()
        except BaseException:
            for execution in self.executions:
                self._close(execution, "shutdown")
            raise

    def _make_ready(self) -> None:
        self._check_not_run()
        self._handled = sys.exception()
        if not len(self.clients):
            raise ClientError("a client must be added before run()")
        for strategy in self.strategies:
            if strategy.client is not None and strategy.client not in self.clients:
                raise ClientError(f"{strategy.client!r} of strategy {strategy.name} must be added with add_client")
        discovery = self._discovery = self._discovery or Discovery()
        self.plan = Plan(discovery.load_hook_plugins(), self._ends, self.faults)
        for failed in discovery.failures(HOOKS):
            self.faults.record(failed.name, LOAD, DiscoveryError(f"{failed.origin}: {failed.reason}"))
        self._given.use_clock(self.clock, self.clients.simulated)
        settings, self.setting_changes = self.plan.configure(self._given.evolve())
        self.settings = settings.evolve(simulated=self.clients.simulated).frozen()
        self.settings.use_clock(self.clock, self.clients.simulated)
        for strategy in self.strategies:
            strategy.order_sep = self.settings.order_sep
        self._book_step = self.plan.steps["process_market_books"]
        self.kernel_thread = threading.get_ident()
        self.posted = queue.SimpleQueue()
        self.executions = []
        for client in self.clients:
            client.execution = self._make_execution(client)
            if not any(client.execution is other for other in self.executions):
                self.executions.append(client.execution)
        self._has_run = True

    def _check_not_run(self) -> None:
        if self.is_running:
            raise ExecutionError("the framework is running already")
        if self._has_run:
            raise ExecutionError(
                f"this {type(self).__name__} has run: another run needs a new one, with strategies made anew"
            )

    def _make_execution(self, client: BaseClient) -> Any:
        if client.execution_cls is not None:
            _check_execution(client)
            return client.execution_cls(self.settings)
        execution = self.plan.make("execution", client=client, settings=self.settings)
        if execution is None:
            raise ClientError(
                f"nothing installed can execute orders of {client!r}: trading at Betfair, or on paper, needs "
                "BetfairClient(betting_client), a simulation SimulatedClient()"
            )
        if not all(callable(getattr(execution, name, None)) for name in ("submit", "before_book", "after_book")):
            maker = self.plan.maker("execution", execution)
            raise ClientError(f"{maker} must give an Execution (contract.ports), was {execution!r}")
        return execution

    def _start(self) -> None:
        self._logging_controls = start_logs(self._logging_controls, self._awaits_logs, self.faults)
        self._find_takers()
        self._add_default_workers()
        self.is_running = True
        running.append(self.clock)
        each_guarded(list(self._workers), "start", lambda each: each.start(self, self._worker_raised), self.faults)
        self.log_control(ConfigEvent(Told(self.settings.as_dict())))
        self._start_strategies()
        self.drain()
        self.plan.steps["start"].run(nothing, self)
        self._start_strategies()

    def _start_strategies(self) -> None:
        """Start those that have not started: a hook, or the start of another one, may have added some."""
        begun: set[int] = set(map(id, self._started))
        while waiting := [each for each in self.strategies if id(each) not in begun]:
            strategy = waiting[0]
            begun.add(id(strategy))
            try:
                strategy.start(self)
                _check_owned(strategy, self.clock, self.settings.order_sep)
            except survivable() as error:
                self._start_failed(strategy, error)
            else:
                self._started.append(strategy)

    def _start_failed(self, strategy: BaseStrategy, error: BaseException) -> None:
        """Take a strategy that cannot start out of the run."""
        self.take_out(strategy)
        self.faults.record(strategy.name, "strategy.start", error)

    def _process_end_flumine(self) -> None:
        """Process the end of the run: all strategies that have started finish."""
        try:
            each_guarded(self._started, "strategy.finish", lambda strategy: strategy.finish(self), self.faults)
        finally:
            self.plan.steps["process_end_flumine"].run(nothing, self)

    def _add_default_workers(self) -> None:
        """Add nothing: a subclass adds workers of its own here, as the run begins. Those of a live run come besides."""

    def _end(self, reason: str = "end of streams", log_seconds: float | None = None) -> None:
        """End what has begun, all of it; then raise what was raised first, unless the run itself was ended by that.

        :param log_seconds: how long the logging controls may take, None: as long as they handle events.
        """
        cause = sys.exception()
        if cause is self._handled:  # by whoever has called run()
            cause = None
        if cause is not None:
            reason = one_line(cause)
        raised: list[BaseException] = []

        def attempt(step: Callable[[], object]) -> None:
            try:
                step()
            except survivable() as error:
                raised.append(error)

        try:
            for step in (self._process_end_flumine, self.drain, self._end_stream):
                attempt(step)
        finally:
            self.is_running = False
            running[:] = [each for each in running if each is not self.clock]
            attempt(self._stop_workers)
            for execution in self.executions:
                self._close(execution, "shutdown")
            attempt(partial(stop_logs, self._logging_controls, reason, self.faults, log_seconds))
            for client in self.clients:
                client.has_run = True
            self.kernel_thread = NO_THREAD
        if raised and cause is None:
            raise raised[0]

    def _stop_workers(self) -> None:
        """Tell all workers to end, and wait a second at most until they have."""
        told = each_guarded(self._workers, "stop", lambda each: each.shutdown(0), self.faults)
        until = monotonic() + 1
        each_guarded(told, "stop", lambda each: each.shutdown(max(until - monotonic(), 0)), self.faults)

    def _close(self, end: Any, method: str) -> None:
        """End a stream or execution; one that raises keeps nobody else from ending."""
        try:
            getattr(end, method)()
        except survivable() as error:
            self.faults.count(type(end).__name__, method, error)

    def _clear_simulated(self, market: Market, clients: Iterable[BaseClient]) -> None:
        """Bring what listClearedOrders would report of simulated orders: no orders, one record a client."""
        self._process_cleared_orders(ClearedOrdersEvent(market.market_id, Cleared(market.market_id, [])))
        for client in clients:
            record = market.cleared(client, self.settings.customer_strategy_ref)
            market.market_cleared.append(record)
            cleared = Cleared(market.market_id, [ClearedMarket.of(record)])
            self._process_cleared_markets(ClearedMarketsEvent(cleared, client.username))

    def _made_stream(self, description: Any) -> Any:
        self._is_too_late = True
        if not isinstance(description, BaseStream):
            return description
        stream = self.plan.make("stream", description=description, settings=self.settings)
        if stream is None:
            needed = "it needs a plugin's flumine_make_stream, or in its place an object that is iterated for events"
            if isinstance(description, BETFAIR_STREAMS):
                needed = self._opens_betfair
            raise StreamError(f"nothing installed can open {description!r}: {needed}")
        if not isinstance(stream, Stream):
            maker = self.plan.maker("stream", stream)
            raise StreamError(f"{maker} must give a Stream (contract.ports), was {stream!r}")
        return stream

    def _end_stream(self) -> None:
        """Refuse what will never be executed, now that no more books come."""
        self._abandon_outboxes()
        self._abandon_transactions()
        for execution in self.executions:
            for report in self._reports_of(execution, "end_stream"):
                self.take_report(report)


def _check_execution(client: BaseClient) -> None:
    """Refuse a class that overrides flumine's methods: nobody would call them, and nobody would notice."""
    for each in getattr(client.execution_cls, "__mro__", ()):
        if "submit" in vars(each):
            return
        theirs = FLUMINES & vars(each).keys()
        if theirs:
            raise ClientError(
                f"execution_cls of {client!r} has {', '.join(sorted(theirs))}, which nothing calls: an execution has "
                "submit(package) and the other methods of flumine_core.contract.ports.Execution"
            )


def _check_owned(strategy: BaseStrategy, clock: Any, order_sep: str) -> None:
    """Refuse a strategy that has overwritten what its placing needs."""
    fits = {
        "clock": strategy.clock is clock,
        "client": isinstance(strategy.client, BaseClient | None),
        "order_sep": strategy.order_sep == order_sep,
    }
    for attribute, does_fit in fits.items():
        if not does_fit:
            raise SettingsError(owned_by_base(strategy, attribute))
