"""From a run as plain data to a framework that trades it, live or on paper, and how that is begun, told and stopped."""

import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from time import monotonic
from typing import Any

from .assembly import Assembly, make_logging_controls
from .contract.client import BaseClient
from .contract.endpoints import LOOPBACK
from .contract.streams import MarketStream
from .errors import SettingsError
from .kernel.discovery import Discovery
from .kernel.entrypoint import HOOKS
from .leave import leave
from .live.doctor import Finding, examine, examine_context, examine_filter
from .live.ids import LiveIds
from .live.plugin import LiveEnd
from .live.winddown import describe
from .order.order import Order
from .plain import Named, Run
from .session import Flumine
from .settings import Settings

Tell = Callable[[str], None]

ORDERS_LEFT = 1
"""Exit code where something went wrong, or orders may have been left at the exchange that were to be cancelled."""

TOO_LATE = 3
"""Exit code of a stop that took longer than `on_stop_timeout`, or was asked for a second time."""

NO_STREAM = "it names no stream, so that no book comes to it; market_filter = {} asks for every market"


class TradedFlumine(Flumine):
    """A framework that tells what it is about to do once its accounts are known, before any strategy starts."""

    def __init__(self, settings: Settings, plugins: Discovery, tell: Tell) -> None:
        super().__init__(settings=settings, plugins=plugins)
        self._tell = tell

    def _start(self) -> None:
        for line in summary(self):
            self._tell(line)
        super()._start()


class TradingAssembly(Assembly):
    """A framework that trades what a run names; whatever cannot be made stops the start.

    :param is_paper: the execution of every account is simulated, whatever the configuration says.
    :raises FlumineCoreError: where anything that is named cannot be made.
    """

    flumine: TradedFlumine

    def __init__(self, run: Run, discovery: Discovery, is_paper: bool, tell: Tell) -> None:
        self._is_paper = is_paper
        framework = TradedFlumine(Settings(**run.settings), discovery, tell)
        super().__init__(run, discovery, framework, make_logging_controls(run, discovery, framework.faults))
        failed = [f"{fault.plugin}: {fault.error}" for fault in self.flumine.faults.first.values()]
        discovery.load_hook_plugins()
        failed += [
            f"plugin {each.name} ({each.origin}): {each.reason} (-p no:{each.name} trades without it)"
            for each in discovery.failures(HOOKS)
        ]
        if failed:
            raise SettingsError(f"nothing is traded, since not all could be made: {'; '.join(failed)}")
        if not self.flumine.strategies:
            raise SettingsError("a strategy must be named, in [[strategies]] or by --strategy")

    def _client(self, named: Named) -> BaseClient:
        client = super()._client(named)
        if self._is_paper:
            client.paper_trade = True
        return client


def summary(flumine: Flumine) -> Iterator[str]:
    """Yield lines that say what will trade, on which accounts, within which limits."""
    settings = flumine.settings
    for client in flumine.clients:
        funds = getattr(client.account_funds, "available_to_bet_balance", None)
        parts = [
            _stakes(client),
            f"currency {client.currency_code}",
            *([] if funds is None else [f"available {funds}"]),
            f"at most {_limit(client.transaction_limit)} transactions an hour",
            f"controls {_names(client.trading_controls)}",
        ]
        yield f"account {client.username}: {', '.join(parts)}"
    for strategy in flumine.strategies:
        limits = ", ".join(
            f"{name} {_limit(getattr(strategy, name))}"
            for name in ("max_order_exposure", "max_selection_exposure", "max_market_exposure", "max_live_trade_count")
        )
        client = strategy.client or flumine.clients.get_default()
        yield f"strategy {strategy.name} on {client.username}: {limits}"
        if not strategy.streams:
            yield f"  {NO_STREAM}"
        for stream in strategy.streams:
            wanted = getattr(stream, "market_filter", None)
            yield f"  stream {stream!r}: {wanted or 'every market that the account may see'}"
    yield f"controls of every order: {_names(flumine.trading_controls)}, StreamValidation"
    logging_controls = _names(flumine._logging_controls)
    yield f"logging controls: {logging_controls}; when stopped, orders at the exchange: {settings.on_stop}"


def _stakes(client: BaseClient) -> str:
    if client.is_on_paper:
        return "ON PAPER, no bet leaves"
    if client.endpoints.stream_host in LOOPBACK:
        return f"on a local exchange, {client.endpoints.stream_host}:{client.endpoints.stream_port}"
    return "WITH REAL MONEY"


def _limit(value: Any) -> str:
    return "without limit" if value is None else str(value).removesuffix(".0")


def _names(things: list[Any]) -> str:
    return ", ".join(type(each).__name__ for each in things) or "none"


_FINISHED = 0
"""Number of no signal."""


class _Stopper:
    """Stops the framework at a signal, and the process where that takes too long.

    The interpreter writes a signal's number into a socket at once, whatever its main thread is busy with or waits for;
    Python's own handlers would run when that thread next runs Python.
    """

    def __init__(self, flumine: Flumine, tell: Tell, leave: Callable[[int], Any]) -> None:
        self._flumine = flumine
        self._tell = tell
        self._leave = leave
        self._numbers = {signal.SIGINT, signal.SIGTERM}
        hangup = getattr(signal, "SIGHUP", None)  # not everywhere
        if hangup is not None and signal.getsignal(hangup) is not signal.SIG_IGN:  # as nohup has it
            self._numbers.add(hangup)
        self._reader, self._writer = socket.socketpair()
        self._writer.setblocking(False)
        threading.Thread(target=self._watch, name="stopper", daemon=True).start()

    @contextmanager
    def heeding(self) -> Iterator[None]:
        """Heed the signals that end a run, on the main thread."""
        before = {number: signal.signal(number, _take_note) for number in self._numbers}
        wakeup = signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(wakeup)
            for number, handler in before.items():
                signal.signal(number, handler)

    def finish(self) -> None:
        """Take note that the framework has stopped; no signal comes any more."""
        with suppress(OSError):  # it has left already
            self._writer.send(bytes([_FINISHED]))

    def _next(self, seconds: float | None = None) -> int | None:
        """Return the next signal, None where the framework has stopped; TimeoutError where neither comes in time."""
        until = None if seconds is None else monotonic() + seconds
        while True:
            self._reader.settimeout(None if until is None else max(until - monotonic(), 0.001))
            (number,) = self._reader.recv(1)
            if number == _FINISHED:
                return None
            if number in self._numbers:
                return int(number)

    def _watch(self) -> None:
        with self._reader, self._writer:
            if self._next() is None:
                return
            self._flumine.stop()
            self._say("stopping: nothing is placed any more")
            told = "a second signal"
            try:
                if self._next(self._flumine.settings.wait("on_stop_timeout")) is None:
                    return
            except TimeoutError:
                told = "it took too long to stop"
            try:
                self._say(f"left at once: {told}")
                for line in left_behind(self._flumine.orders_at_exchange()):
                    self._say(line)
            finally:
                self._leave(TOO_LATE)

    def _say(self, line: str) -> None:
        with suppress(OSError, ValueError):  # nobody may be listening any more, which must not keep it from stopping
            self._tell(line)


def examine_run(run: Run, discovery: Discovery) -> Iterator[Finding]:
    """Yield what is right and wrong with a run's accounts, streams and strategies; nothing is traded.

    :raises FlumineCoreError: where anything that is named cannot be made.
    """
    flumine = TradingAssembly(run, discovery, False, lambda line: None).flumine
    end = LiveEnd(flumine, LiveIds(flumine.clock))
    accounts = end.accounts()
    for client, api in accounts:
        market_streams = [each for each in flumine.streams if getattr(each, "client", None) in (None, client)]
        yield from examine(client, api, flumine.settings, len(market_streams) + client.order_stream)
    if not accounts:
        yield Finding("error", "no account of Betfair's is named")
        return
    api = accounts[0][1]
    for strategy in flumine.strategies:
        if not strategy.streams:
            yield Finding("warning", f"strategy {strategy.name}: {NO_STREAM}")
        for stream in strategy.streams if api.betting_client.session_token else ():
            if isinstance(stream, MarketStream):
                yield examine_filter(strategy.name, api, stream.market_filter)
        yield from examine_context(strategy.name, strategy.context)
    end.log_out()


def left_behind(orders: list[Order]) -> Iterator[str]:
    """Yield a line for each order that may be live at the exchange."""
    for order in orders:
        yield f"may be live: {describe(order)}"


def _take_note(number: int, frame: Any) -> None:
    """Do nothing: the number is in the stopper's socket already."""


def trade(run: Run, discovery: Discovery, is_paper: bool, tell: Tell) -> int:
    """Trade until the streams end or a signal (SIGTERM, Ctrl-C, SIGHUP) comes; return the exit code.

    A signal stops placing, cancels or leaves orders as `on_stop` says, flushes logging controls and logs out. Where
    that takes longer than `on_stop_timeout`, every bet that may be live is named and the process left.

    :param tell: given the lines that a human is to read.
    :raises FlumineCoreError: where the run cannot be started.
    """
    flumine = TradingAssembly(run, discovery, is_paper, tell).flumine
    stopper = _Stopper(flumine, tell, leave)
    try:
        with stopper.heeding():
            flumine.run()
    finally:
        stopper.finish()
        orders = flumine.orders_at_exchange()
        for line in left_behind(orders):
            tell(line)
    for fault in flumine.faults.first.values():
        count = flumine.faults.counts[fault.plugin, fault.hook]
        tell(f"{fault.plugin} raised {count} times in {fault.hook}: {fault.error}")
    for (strategy, control), count in flumine.refusal_counts.items():
        tell(f"{control} refused {count} requests of {strategy}")
    placed = sum(len(market.blotter) for market in flumine.markets)
    tell(f"ended: {flumine.books} books, {len(flumine.markets)} markets, {placed} orders")
    is_left = bool(orders) and flumine.settings.on_stop == "cancel"
    return ORDERS_LEFT if is_left or flumine.faults.total or flumine.has_run_out else 0
