"""The composition root: the only file that knows both ends of a framework."""

import queue
import sys
import threading
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import partial
from itertools import chain
from time import monotonic
from typing import Any

from .clock import EventClock, LiveClock
from .contract.client import BaseClient
from .contract.strategy import BaseStrategy
from .contract.streams import HistoricalStream, MarketStream, OrderStream
from .errors import ClientError, ExecutionError, StreamError, survivable
from .events import EndFlumineEvent, Event, MarketBooksEvent
from .garbage import frozen
from .hint import one_line
from .kernel.discovery import Discovery
from .kernel.session import Session
from .live.backlog import Backlog, WaitingEvent
from .live.ids import LiveIds
from .live.inbox import Inbox
from .live.winddown import is_at_exchange, orders_at_exchange, steps_of_stop
from .market.market import Market
from .order.order import Order
from .order.refusal import Refusal
from .settings import Settings
from .silence import keep_silent
from .simulation.plugin import SimulatedEnd
from .simulation.recordings import recordings_of
from .simulation.stream import MergedStream, event_of

keep_silent()

BOOKS_A_PROGRESS = 2_000
"""How many books are processed between two calls of `progress`."""


class FlumineSimulation(Session):
    """Simulates strategies over recorded files.

    :param client: the first client, a SimulatedClient.
    :param settings: in place of the process's `config`.
    :param plugins: the installed plugins and which of them are blocked; all hook plugins if None.
    :ivar bad_lines: a sentence for each line that could not be used, up to 100 a file; `bad_lines.counts` has all.
    :ivar stream_errors: a sentence for each file that could not be read, or whose market another one has brought.
    :ivar faults: what strategies and plugins raised.
    :ivar refusals: what controls refused, the latest 1,000.
    :ivar refusals_by_market: market -> (strategy, control) -> how many requests it refused.
    :ivar progress: called with the framework every 2,000 books.
    """

    SIMULATED = True
    clock: EventClock
    _opens_betfair = "a simulation replays recorded files, HistoricalStream(path)"

    def __init__(
        self,
        client: BaseClient | None = None,
        settings: Settings | None = None,
        plugins: Discovery | None = None,
    ) -> None:
        super().__init__(EventClock(), client, settings, plugins)
        self._ends = [("flumine_core", SimulatedEnd(self.bad_lines.append))]
        self.stream: Any = None
        self.refusals_by_market: dict[str, dict[tuple[str, str], int]] = defaultdict(lambda: defaultdict(int))

    def refuse(self, order: Order, refusal: Refusal) -> None:
        """Keep a refusal, and count it also by its market, which may turn out to have come before."""
        super().refuse(order, refusal)
        self.refusals_by_market[refusal.market_id][refusal.strategy, refusal.control] += 1

    @frozen()
    def run(self) -> None:
        """Simulate file after file; those of one event or group together.

        A file that cannot be read is reported in `stream_errors` and the run goes on with the next.

        :raises ClientError: if there is no client, or one that is not simulated.
        """
        for client in self.clients:
            if not (client.is_on_paper or client.execution_cls):
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
        stream = self.stream = streams[0] if len(streams) == 1 else MergedStream(streams, self.stream_errors.append)
        progress, due = self.progress, self.books + BOOKS_A_PROGRESS
        handlers, workers, posted = self._handlers, self._workers, self.posted
        try:
            for event in stream:
                if workers:
                    _complete_books(event)
                    if not posted.empty():
                        self._answer_posted()
                handlers[type(event)](event)  # as `process`, which would be a call a line
                if self._waiting:
                    self.drain()
                if self.books >= due:
                    due = self.books + BOOKS_A_PROGRESS
                    self._answer_posted()
                    if progress is not None:
                        progress(self)
        except StreamError as error:
            self.stream_errors.append(str(error))
            from loguru import logger

            logger.error("{}", error)
        except survivable() as error:
            if self.settings.raise_errors:
                raise
            self.stream_errors.append(f"{_place_of(group, stream)}: {one_line(error)}")
            self.faults.record(type(self).__name__, "replay", error)
        finally:
            for each in streams:
                if callable(getattr(each, "stop", None)):
                    self._close(each, "stop")
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
        return recordings_of(strategy)

    def _open_again(self, market: Market, publish_ms: int, stream_id: int) -> bool:
        paths = {stream.stream_id: getattr(stream, "file_path", None) for stream in self.streams}
        path, known = paths.get(stream_id), [paths.get(each) for each in market.streams]
        if path is not None and path not in known:
            before = ", ".join(filter(None, known))
            self.stream_errors.append(
                f"{path}: market {market.market_id} came before in {before}, orders of both are counted"
            )
        return super()._open_again(market, publish_ms, stream_id)

    def _clear_market(self, market: Market) -> None:
        """Bring what listClearedOrders would report."""
        self._clear_simulated(market, self.clients)


class Flumine(Session):
    """Runs strategies live: on Betfair's streams and API, on paper, or on what installed plugins make.

    Each stream connects on a thread of its own, or is iterated there; all events are processed on the thread of
    `run()`, which reads the connections as well, and returns when every stream has ended, or after `stop()`.

    :param client: the first client.
    :param settings: in place of the process's `config`.
    :param plugins: the installed plugins and which of them are blocked; all hook plugins if None.
    :ivar is_stopping: True from `stop()` on, or once the streams have ended: nothing new is placed.
    :ivar has_run_out: True where the run ended without having been stopped.
    """

    _awaits_logs = False
    _opens_betfair = "Betfair's need a BetfairClient with a betting_client"

    def __init__(
        self,
        client: BaseClient | None = None,
        settings: Settings | None = None,
        plugins: Discovery | None = None,
    ) -> None:
        from .live.plugin import LiveEnd  # brings betfairlightweight, which a simulation does without

        super().__init__(LiveClock(), client, settings, plugins)
        self.handler_queue = Inbox()
        self.is_stopping = False
        self.has_run_out = False
        self._stop_reason = "stopped"
        self._ids = LiveIds(self.clock)
        self._live = LiveEnd(self, self._ids)
        self._ends = [
            ("flumine_core.simulation", SimulatedEnd(self.bad_lines.append)),
            ("flumine_core.live", self._live),
        ]
        self._keeps_closed_markets = False
        self._has_begun = False
        self._made: list[Any] = []
        self._feeds: dict[int, Any] = {}
        self._ended_streams = 0

    def _describe_streams(self, strategy: BaseStrategy) -> Iterable[Any]:
        """Describe the stream that the strategy's filter or stream class asks for; none where it names neither."""
        if strategy.market_filter is None and strategy.stream_class is MarketStream:
            return []
        if issubclass(strategy.stream_class, OrderStream):
            return [strategy.stream_class(strategy.client or self.clients.get_default())]
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
        stream = super()._made_stream(description)
        if hasattr(stream, "reason_stale"):
            self._feeds[stream.stream_id] = stream
        return stream

    def feed_of(self, stream_id: int | None) -> Any:
        """Return the stream that says how late and how current its books are, None where there is none."""
        return None if stream_id is None else self._feeds.get(stream_id)

    def post(self, event: Event) -> None:
        """Put an event on the queue, from any thread."""
        self.handler_queue.put(event)

    def _start_failed(self, strategy: BaseStrategy, error: BaseException) -> None:
        """End the run before any stream is opened: what trades for money trades whole or not at all."""
        self.faults.record(strategy.name, "strategy.start", error)
        raise ExecutionError(f"strategy {strategy.name} cannot start: {one_line(error)}") from error

    def stop(self) -> None:
        """End `run()` after the event that is being processed, from any thread; nothing new is placed from now on."""
        self.is_stopping = True
        self.handler_queue.put(None)

    def _wake(self) -> None:
        self.handler_queue.put(None)

    def _open_again(self, market: Market, publish_ms: int, stream_id: int) -> bool:
        latest = market.latest_book
        is_of_another = latest is not None and latest.streaming_unique_id != stream_id
        if is_of_another and market.publish_ms is not None and publish_ms <= market.publish_ms:
            return False  # that stream lags; on one stream, what comes later is later, whatever its clock says
        return super()._open_again(market, publish_ms, stream_id)

    def _clear_market(self, market: Market) -> None:
        """Bring what listClearedOrders would report of accounts whose execution is simulated."""
        simulated = [client for client in self.clients if client.is_on_paper]
        if simulated:
            self._clear_simulated(market, simulated)

    def remove_closed_markets(self, seconds: float, kept: Collection[str] = ()) -> None:
        """Let markets go that closed so long ago, but for ids `kept` and orders at the exchange; refuse what waits."""
        for market in self.markets:
            closed = market.elapsed_seconds_closed
            is_due = closed is not None and closed >= seconds and market.market_id not in kept
            if is_due and not any(is_at_exchange(market, order) for order in market.blotter.live_orders):
                for execution in self.executions:
                    if hasattr(execution, "forget_market"):
                        for report in self._reports_of(execution, "forget_market", market):
                            self.take_report(report)
                self._remove_market(market)

    def orders_at_exchange(self) -> list[Order]:
        """Return the orders of real accounts that may still be at the exchange."""
        return [order for _, order in orders_at_exchange(self)]

    def run(self) -> None:
        """Process events until all streams have ended, or `stop()`.

        However it ends, by an exception too, nothing new is placed from then on, and with `on_stop = "cancel"` what it
        or its journal has placed is cancelled at the exchange first.

        :raises ClientError: if there is no client, or nothing installed executes its orders.
        :raises StreamError: if nothing installed opens one of the streams.
        :raises ExecutionError: if it runs or has run before, or a strategy cannot start.
        """
        if self._has_begun:
            running = "it is running" if self.is_running else "make another Flumine, its clients may be the same"
            raise ExecutionError(f"a live framework can be run once: {running}")
        try:
            self._begin()
        except BaseException:
            self._live.close_journal()
            raise
        self._has_begun = True
        with frozen():
            self._run()

    def _run(self) -> None:
        threads: list[threading.Thread] = []
        ending = monotonic()
        try:
            self._live.log_in()
            try:
                self._start()
                self._live.start()
                self._made = [self._made_stream(stream) for stream in self.streams]
                order_streams = [
                    stream
                    for description, stream in zip(self.streams, self._made, strict=True)
                    if isinstance(description, OrderStream)
                ]
                self._open(order_streams, threads)
                self._await_orders()
                self._open([each for each in self._made if each not in order_streams], threads)
                self._loop(len(threads))
                self.has_run_out = not self.is_stopping
            finally:
                ending = monotonic()
                self.is_stopping = True
                self._wind_down()
        finally:
            self.is_stopping = True
            for stream in self._made:
                self._close(stream, "stop")
            self.handler_queue.close()
            ended = monotonic() + 1
            for thread in threads:
                thread.join(max(ended - monotonic(), 0))
            patience = self.settings.wait("on_stop_timeout")
            left = max(0.9 * patience - (monotonic() - ending), 0.2 * patience)
            try:
                self._end("end of streams" if self.has_run_out else self._stop_reason, left)
            finally:
                self._live.log_out()

    def _open(self, streams: Iterable[Any], threads: list[threading.Thread]) -> None:
        for stream in streams:
            thread = threading.Thread(target=self._pump, args=(stream,), name=f"stream-{len(threads)}", daemon=True)
            threads.append(thread)
            thread.start()

    def _await_orders(self) -> None:
        """Hear what is at the exchange before any book arrives, so that strategies begin with their orders in place.

        Where that takes longer than connecting may, the run begins all the same, and nothing new may be placed yet.
        """
        until = monotonic() + self.settings.wait("stream_connect_timeout")
        while not self._live.is_ready() and not self.is_stopping:
            remaining = until - monotonic()
            if remaining <= 0 or not self._process_next(min(remaining, 0.1)):
                return

    def _process_next(self, seconds: float) -> bool:
        """Process one event if it comes in time; False where the run is to end."""
        try:
            event = self.handler_queue.get(timeout=seconds)
        except queue.Empty:
            return True
        self._take(event)
        return not isinstance(event, EndFlumineEvent)

    def _take(self, event: Event | None) -> None:
        """Process an event, None being a wake-up, after what other threads have asked for."""
        if not self.posted.empty():
            self._answer_posted()
        if isinstance(event, _StreamEnded):
            self._ended_streams += 1
        elif isinstance(event, EndFlumineEvent):
            self.is_stopping, self._stop_reason = True, event.reason
        elif event is not None:
            self._process_guarded(event)

    def _wind_down(self) -> None:
        """Give up what was never sent and, if so set, cancel, within three fifths of `on_stop_timeout`.

        What is raised meanwhile keeps nothing from being cancelled: it is raised at the end, unless the run itself was
        ended by an exception.
        """
        cause, raised = sys.exception(), None
        steps: Iterable[Any] = ()
        if self.settings.on_stop == "cancel":
            steps = steps_of_stop(self, self._take, monotonic() + 0.6 * self.settings.wait("on_stop_timeout"))
        for step in chain((self._abandon_transactions,), steps):
            try:
                step()
            except survivable() as error:
                raised = raised or error
        if raised is not None and cause in (None, self._handled):
            raise raised

    def _pump(self, stream: Any) -> None:
        name = type(stream).__name__
        on_dropped = partial(self.faults.count, name, "waiting")
        backlog = Backlog(stream, self.settings.max_data_waiting, on_dropped, self.handler_queue.put)
        try:
            if hasattr(stream, "read_by"):
                deliver = backlog.put if stream.brings_data else self.handler_queue.put
                stream.read_by(partial(self.handler_queue.lend, deliver=deliver))
            for event in stream:
                if type(event) is MarketBooksEvent:
                    _complete_books(event)
                backlog.put(event)
        except survivable() as error:
            self.stream_errors.append(f"{name}: {error}")
            self.faults.count(name, "stream", error)
        finally:
            self.handler_queue.put(_StreamEnded())

    def _loop(self, open_streams: int) -> None:
        while not self.is_stopping and (self._ended_streams < open_streams or not self.handler_queue.empty()):
            self._take(self.handler_queue.get())
        self._answer_posted()
        if not self.is_stopping:
            self._end_stream()

    def _process_guarded(self, event: Event) -> None:
        try:
            self.process(event.take() if type(event) is WaitingEvent else event)
        except survivable() as error:
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
    return " + ".join(names) + (f":{stream.line_number}" if hasattr(stream, "line_number") else "")
