"""The composition root: the only file that knows both ends of a framework."""

import queue
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from loguru import logger

from .clock import EventClock, LiveClock
from .contract.client import BaseClient
from .contract.strategy import BaseStrategy
from .contract.streams import BaseStream, HistoricalStream, MarketStream
from .errors import ClientError, SettingsError, StreamError
from .events import ClearedMarketsEvent, ClearedOrdersEvent, ConfigEvent, EndFlumineEvent, Event
from .hint import one_line
from .kernel.discovery import Discovery
from .kernel.kernel import Kernel
from .kernel.plan import Plan
from .market.market import Market
from .order.cleared import Cleared, ClearedMarket
from .settings import Settings, config
from .simulation.plugin import SimulatedEnd
from .simulation.reader import expand
from .simulation.stream import MergedStream, event_of

# a library keeps silent until its user, or the command line, enables it
logger.disable("flumine_core")

BOOKS_A_PROGRESS = 2_000
"""How many books are processed between two calls of `progress`."""


class _Session(Kernel):
    """Begins and ends a run: settings, plugins, executions, controls, strategies."""

    def __init__(
        self,
        clock: Any,
        client: BaseClient | None = None,
        settings: Settings | None = None,
        plugins: Discovery | None = None,
    ) -> None:
        self.bad_lines: list[str] = []
        self.stream_errors: list[str] = []
        self.progress: Callable[[Any], None] | None = None
        self.setting_changes: list[tuple[str, Settings]] = []
        self._given = config if settings is None else settings
        self._discovery = plugins
        self._own_end = SimulatedEnd(self.bad_lines.append)
        super().__init__(clock, self._given, client)

    def _begin(self) -> None:
        self._check_not_running()
        if not len(self.clients):
            raise ClientError("a client must be added before run()")
        discovery = self._discovery = self._discovery or Discovery()
        self.plan = Plan(discovery.load_hook_plugins(), [("flumine_core", self._own_end)], self.faults)
        for failed in discovery.failures():
            if failed.kind == "hooks":
                logger.error("plugin {} ({}) is not used: {}", failed.name, failed.origin, failed.reason)
        settings, self.setting_changes = self.plan.configure(self._given.evolve())
        self._given.use_clock(self.clock)
        self.settings = settings.evolve(simulated=self.clients.simulated).frozen()
        self._book_step = self.plan["process_market_books"]
        self._thread = threading.get_ident()
        self.posted = queue.SimpleQueue()
        self.executions = []
        for client in self.clients:
            client.execution = self._make_execution(client)
            if not any(client.execution is other for other in self.executions):
                self.executions.append(client.execution)

    def _make_execution(self, client: BaseClient) -> Any:
        if client.execution_cls is not None:
            return client.execution_cls(self.settings)
        execution = self.plan.make("execution", client=client, settings=self.settings)
        if execution is None:
            raise ClientError(
                f"nothing installed can execute orders of {client!r}: this version trades live only through a plugin "
                "that implements flumine_make_execution; use SimulatedClient() to simulate"
            )
        return execution

    def _start(self) -> None:
        for control in self._logging_controls:
            control.start(self._logging_control_raised)
        self.is_running = True
        for worker in self._workers:
            worker.start(self, self._worker_raised)
        self.log_control(ConfigEvent(self.settings.as_dict()))
        for strategy in self.strategies:
            self._guard_strategy(strategy, "start", self)
        self.plan["start"].run(lambda: None, self)

    def _end(self) -> None:
        try:
            self._process_end_flumine(EndFlumineEvent())
            self.drain()
            self._end_stream()
        finally:
            self.is_running = False
            for worker in self._workers:
                worker.shutdown()
            for execution in self.executions:
                self._close(execution, "shutdown")
            for control in self._logging_controls:
                control.stop()

    def _close(self, end: Any, method: str) -> None:
        """End a stream or execution; one that raises keeps nobody else from ending."""
        try:
            getattr(end, method)()
        except Exception as error:
            self.faults.count(type(end).__name__, method, error)

    def _made_stream(self, description: Any) -> Any:
        if not isinstance(description, BaseStream):
            return description
        stream = self.plan.make("stream", description=description, settings=self.settings)
        if stream is None:
            raise StreamError(
                f"nothing installed can open {description!r}: this version opens live streams only through a plugin "
                "that implements flumine_make_stream"
            )
        return stream

    def _end_stream(self) -> None:
        """Refuse what will never be executed, now that no more books come."""
        self._abandon_transactions()
        for execution in self.executions:
            for report in execution.end_stream():
                market = self.markets.get(report.order.market_id)
                if market is not None:
                    self.apply(market, (report,))


class FlumineSimulation(_Session):
    """Simulates strategies over recorded files.

    :param client: the first client, a SimulatedClient.
    :param settings: in place of the process's `config`.
    :param plugins: the installed plugins and which of them are blocked; all hook plugins if None.
    :ivar bad_lines: a sentence for each line that could not be used.
    :ivar stream_errors: a sentence for each file that could not be read.
    :ivar faults: what strategies and plugins raised.
    :ivar refusals: what controls refused.
    :ivar progress: called with the framework every 2,000 books.
    """

    clock: EventClock

    def __init__(
        self,
        client: BaseClient | None = None,
        settings: Settings | None = None,
        plugins: Discovery | None = None,
    ) -> None:
        super().__init__(EventClock(), client, settings, plugins)
        self.stream: Any = None

    def run(self) -> None:
        """Simulate file after file; those of one event or group together.

        A file that cannot be read is reported in `stream_errors` and the run goes on with the next.

        :raises ClientError: if there is no client, or one that is not simulated.
        """
        for client in self.clients:
            if not (client.is_simulated or client.paper_trade or client.execution_cls):
                raise ClientError(f"a simulation takes simulated clients only, was {client!r}")
        self._begin()
        try:
            self._start()
            for group in self._groups():
                self._replay(group)
        finally:
            self._end()

    def _replay(self, group: Sequence[Any]) -> None:
        self.clock.reset()
        self.subscriptions_changed()
        streams = [self._made_stream(description) for description in group]
        stream = streams[0] if len(streams) == 1 else MergedStream(streams, self.stream_errors.append)
        self.stream = stream
        progress, due = self.progress, self.books + BOOKS_A_PROGRESS
        process, workers, posted = self.process, self._workers, self.posted
        try:
            for event in stream:
                if workers:
                    _complete_books(event)
                    if not posted.empty():
                        self._answer_posted()
                process(event)
                if self.books >= due:
                    due = self.books + BOOKS_A_PROGRESS
                    self._answer_posted()
                    if progress is not None:
                        progress(self)
        except StreamError as error:
            self.stream_errors.append(str(error))
            logger.error("{}", error)
        except Exception as error:
            if self.settings.raise_errors:
                raise
            self.stream_errors.append(f"{_place_of(group, stream)}: {one_line(error)}")
            self.faults.record(type(self).__name__, "replay", error)
        finally:
            self._answer_posted()
            self._end_stream()

    def _groups(self) -> Iterator[list[Any]]:
        """Yield streams that are to be replayed together, in order of the first of each group."""
        groups: dict[Any, list[Any]] = defaultdict(list)
        for number, stream in enumerate(self.streams):
            groups[self._group_of(stream) or number].append(stream)
        yield from groups.values()

    def _group_of(self, stream: Any) -> str | None:
        if not isinstance(stream, HistoricalStream):
            return None
        if stream.event_group:
            return f"group {stream.event_group}"
        if stream.event_processing:
            try:
                event_id = stream.event_id or event_of(stream.file_path)
            except StreamError:
                return None
            return f"event {event_id}" if event_id else None
        return None

    def _describe_streams(self, strategy: BaseStrategy) -> Iterable[Any]:
        """Make a HistoricalStream of each file that `market_filter["markets"]` names."""
        wanted = strategy.market_filter
        if wanted is None:
            return []
        known = {
            "markets",
            "listener_kwargs",
            "event_processing",
            "event_groups",
            "market_types",
            "country_codes",
        }
        if not isinstance(wanted, dict) or "markets" not in wanted:
            raise SettingsError(
                f"in simulation market_filter of {strategy.name} must be a dict with markets (paths or globs), "
                f"was {wanted!r}"
            )
        unknown = wanted.keys() - known
        if unknown:
            raise SettingsError(f"market_filter of {strategy.name} has no key {', '.join(sorted(unknown))}")
        markets = wanted["markets"]
        paths = [markets] if isinstance(markets, str) else list(markets)
        groups = wanted.get("event_groups") or {}
        is_event = bool(wanted.get("event_processing")) or bool(groups)
        descriptions = []
        for path in paths:
            try:
                sources = [source.name for source in expand(str(path))]
            except StreamError:
                sources = [str(path)]
            for name in sources:
                event_id = _event_or_none(name) if groups else None
                descriptions.append(
                    HistoricalStream(
                        name,
                        wanted.get("listener_kwargs"),
                        event_processing=is_event,
                        event_group=groups.get(event_id) if event_id else None,
                        event_id=event_id,
                        market_types=wanted.get("market_types"),
                        country_codes=wanted.get("country_codes"),
                    )
                )
        return descriptions

    def _clear_market(self, market: Market) -> None:
        """Bring what listClearedOrders would report: no orders, one record a client."""
        self._process_cleared_orders(ClearedOrdersEvent(market.market_id, Cleared(market.market_id, [])))
        for client in self.clients:
            record = market.cleared(client, self.settings.customer_strategy_ref)
            market.market_cleared.append(record)
            cleared = Cleared(market.market_id, [ClearedMarket.of(record)])
            self._process_cleared_markets(ClearedMarketsEvent(cleared, client.username))


class Flumine(_Session):
    """Runs strategies on streams and executions that are made for its clients by installed plugins.

    Each stream is iterated on a thread of its own; all events are processed on the thread of `run()`, which returns
    when every stream has ended, or after `stop()`.

    :param client: the first client.
    :param settings: in place of the process's `config`.
    :param plugins: the installed plugins and which of them are blocked; all hook plugins if None.
    """

    def __init__(
        self,
        client: BaseClient | None = None,
        settings: Settings | None = None,
        plugins: Discovery | None = None,
    ) -> None:
        super().__init__(LiveClock(), client, settings, plugins)
        self.handler_queue: queue.Queue[Event | None] = queue.Queue()
        self._keeps_closed_markets = False
        self._made: list[Any] = []

    def _describe_streams(self, strategy: BaseStrategy) -> Iterable[Any]:
        """Describe the stream that the strategy's filters ask for."""
        if not issubclass(strategy.stream_class, MarketStream):
            return [strategy.stream_class()]
        return [
            strategy.stream_class(
                streaming_timeout=strategy.streaming_timeout,
                conflate_ms=strategy.conflate_ms,
                market_filter=strategy.market_filter,
                market_data_filter=strategy.market_data_filter,
                client=strategy.client,
            )
        ]

    def _made_stream(self, description: Any) -> Any:
        if isinstance(description, HistoricalStream):
            raise StreamError(f"recorded files are replayed by FlumineSimulation, Flumine was given {description!r}")
        return super()._made_stream(description)

    def post(self, event: Event) -> None:
        """Put an event on the queue, from any thread."""
        self.handler_queue.put(event)

    def stop(self) -> None:
        """End `run()` after the event that is being processed, from any thread."""
        self.handler_queue.put(EndFlumineEvent("stop() was called"))

    def _wake(self) -> None:
        self.handler_queue.put(None)

    def run(self) -> None:
        """Process events until all streams have ended, or `stop()`.

        :raises ClientError: if there is no client, or nothing installed executes its orders.
        :raises StreamError: if nothing installed opens one of the streams.
        """
        self._begin()
        self._made = [self._made_stream(stream) for stream in self.streams]
        threads = [
            threading.Thread(target=self._pump, args=(stream,), name=f"stream-{number}", daemon=True)
            for number, stream in enumerate(self._made)
        ]
        try:
            self._start()
            for thread in threads:
                thread.start()
            self._loop(len(threads))
        finally:
            for stream in self._made:
                self._close(stream, "stop")
            for thread in threads:
                if thread.ident is not None:
                    thread.join(1)
            self._end()

    def _pump(self, stream: Any) -> None:
        try:
            for event in stream:
                _complete_books(event)
                self.handler_queue.put(event)
        except Exception as error:
            self.stream_errors.append(f"{type(stream).__name__}: {error}")
            self.faults.count(type(stream).__name__, "stream", error)
        finally:
            self.handler_queue.put(_StreamEnded())

    def _loop(self, open_streams: int) -> None:
        while open_streams or not self.handler_queue.empty():
            event = self.handler_queue.get()
            self._answer_posted()
            if event is None:
                continue
            if isinstance(event, _StreamEnded):
                open_streams -= 1
            elif isinstance(event, EndFlumineEvent):
                return
            else:
                self._process_guarded(event)
        self._answer_posted()
        self._end_stream()

    def _process_guarded(self, event: Event) -> None:
        try:
            self.process(event)
        except Exception as error:
            if self.settings.raise_errors:
                raise
            self.faults.record(type(self).__name__, type(event).__name__, error)


class _StreamEnded(Event):
    """A stream's thread has ended."""


def _complete_books(event: Any) -> None:
    """Complete an event's books, before another thread may see them."""
    for book in getattr(event, "market_books", ()):
        book.number_of_runners  # noqa: B018


def _place_of(group: Sequence[Any], stream: Any) -> str:
    """Return files and line that a replay has come to."""
    names = [getattr(each, "file_path", repr(each)) for each in group]
    line = getattr(stream, "line_number", None)
    return " + ".join(names) + ("" if line is None else f":{line}")


def _event_or_none(path: str) -> str | None:
    try:
        return event_of(path)
    except StreamError:
        return None
