"""The logging control: what the framework tells becomes rows, which a writer brings into the database."""

import hashlib
import os
import sys
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from flumine_core import OrderStatus
from flumine_core.clock import LiveClock
from flumine_core.contract.loggingcontrol import LoggingControl
from flumine_core.errors import SettingsError
from flumine_core.events import EVENT_NOUNS, Event

from . import rows
from .database import Database, expanded, parse_url, shown
from .process import LAST_SECONDS, WriterProcess
from .wire import EncodedRows, Terms, frame_of
from .writer import Writer

ENTRIES = 1_000
"""Rows that are handed over in one piece, at most."""

BURST = 256
"""Events that become rows together, at most."""

REFUSED = (OrderStatus.VIOLATION,)
"""The statuses of an order that no control has let pass: no blotter knows it, and only its refusal is written."""

DEFAULT_URL = "sqlite:///flumine.db"


class DatabaseLog(LoggingControl):
    """Writes runs, strategies, markets, trades, orders, their events and what became of them into a database.

    :param url: the database: `sqlite:///FILE`, `postgresql://...` or `mariadb://...`.
    :param spool: directory for what cannot be written while the database is away.
    :param run: a name for the run.
    :param batch: entries that are written in one transaction, at most.
    :param interval: seconds that an entry waits for others, at most.
    :param memory: entries that are kept in memory; more are spooled.
    :param close_seconds: how long the end of a run waits for the database; what is left then lies in the spool, and
        the next run writes it.
    :param process: write in a process of its own, which costs the trading loop less than a thread; False: a thread. On
        Windows it is always a thread.
    :raises SettingsError: where an option does not fit, or the spool cannot be written to.
    """

    NAME = "DATABASE_LOG"
    PAUSE = 0.1
    REFUSED_STATUS = False

    def __init__(
        self,
        url: str = DEFAULT_URL,
        spool: Path = Path("flumine_dblog_spool"),
        run: str | None = None,
        batch: int = 5_000,
        interval: float = 0.5,
        memory: int = 20_000,
        close_seconds: float = 10.0,
        process: bool = True,
        daemon: bool = True,
    ) -> None:
        super().__init__(daemon)
        for name, value in (("batch", batch), ("interval", interval), ("memory", memory)):
            if not value > 0:
                raise SettingsError(f"{name} must be above 0, was {value!r}")
        if close_seconds < 0:
            raise SettingsError(f"close_seconds must not be below 0, was {close_seconds!r}")
        self._run_name = run
        self._close_seconds = close_seconds
        self.END_PATIENCE += close_seconds
        self._skipped: set[str] = set()
        self._started = 0
        self._frameworks = 0
        self._markets: dict[str, int] = {}
        self._uuid = uuid.uuid4().hex
        self._installed = _installed()
        self._number = 0
        self._most = memory
        self._burst = min(BURST, memory)
        self._handler_of = {kind: self.handlers.get(noun, _pass_over) for kind, noun in EVENT_NOUNS.items()}
        self._waiting: deque[Event] = deque()
        self._told = EncodedRows()
        self._lock = threading.RLock()
        self._handing = threading.RLock()
        folder = _made_folder(Path(spool), url)
        terms = Terms(url, str(folder.absolute()), self._uuid, batch, interval, memory, close_seconds)
        Database(parse_url(url)).prepare()
        # a process takes over the socket as an open file, which Windows cannot
        has_process = process and sys.platform != "win32"
        self._writer = WriterProcess(terms, self._report) if has_process else Writer(terms, self._report)

    def start(self, on_error: Callable[[str, str, BaseException], None]) -> None:
        """Start the thread that takes events, and what writes."""
        self._on_error = on_error
        self._started = LiveClock().epoch_ms
        try:
            self._writer.start()
        except OSError as error:
            self._report("spool", error)
        super().start(on_error)

    def _report(self, what: str, error: Exception) -> None:
        if self._on_error is not None:
            self._on_error(self.name, what, error)

    def put(self, event: Event) -> None:
        """Take what is told, from any thread; with every `BURST`-th event all of them become rows.

        Whoever makes more rows than `memory` allows hands all of them over. One by one they would cost more than twice
        as much, since the trading loop's own work fills the processor's caches in between. More do not wait: the
        garbage collector would look at them, and at all that the run holds.
        """
        self._waiting.append(event)
        if len(self._waiting) < self._burst:
            return
        self._make_rows()
        if self._told.count > self._most:
            try:
                self.flush()
            except Exception as error:
                self._raised("flush", error)

    def _make_rows(self) -> None:
        with self._lock:
            while self._waiting:
                event = self._waiting.popleft()
                try:
                    self._handler_of[type(event)](event)
                except (Exception, SystemExit) as error:
                    self._raised(f"process_{EVENT_NOUNS.get(type(event))}", error)

    def _put(self, noun: str, row: rows.Row) -> None:
        try:
            self._told.add(noun, row)
        except Exception as error:
            self._raised(noun, error)

    def flush(self) -> None:
        """Hand over to the writer what has been told since the last time; meanwhile more can be told."""
        with self._handing:
            self._make_rows()
            with self._lock:
                told, self._told = self._told, EncodedRows()
            frames = []
            for piece in told.split(ENTRIES):
                frames.append(frame_of(self._number + 1, piece))
                self._number = frames[-1].last
            self._writer.put(frames)

    # what the framework tells

    def process_config(self, event: Any) -> None:
        """Write the run; each further framework of the same run begins with its settings, too."""
        self._frameworks += 1
        self._skipped.clear()
        if self._frameworks > 1:
            return
        self._put_run(event.event.get("simulated"), event.event)

    def _put_run(self, is_simulated: bool | None, settings: dict[str, Any]) -> None:
        version, plugins = self._installed
        texts = rows.text_of(plugins), rows.text_of(settings)
        self._put("run", (self._uuid, self._run_name, is_simulated, self._started, version, *texts))

    def process_strategy(self, event: Any) -> None:
        """Write a strategy."""
        self._put("strategy", rows.strategy_row(event.event))

    def process_market(self, event: Any) -> None:
        """Write a market and its runners."""
        info = event.event
        if self._markets.setdefault(info["market_id"], self._frameworks) != self._frameworks:
            self._skipped.add(info["market_id"])
            raise ValueError(f"market {info['market_id']} came before in this run, it is not written again")
        self._put_market(info)

    def process_close_market(self, event: Any) -> None:
        """Write a market's and its runners' last state."""
        if event.market_book["market_id"] not in self._skipped:
            self._put_market(event.market_book)

    def _put_market(self, info: dict[str, Any]) -> None:
        self._put("market", rows.market_row(info))
        for row in rows.runner_rows(info):
            self._put("runner", row)

    def process_order_status(self, event: Any) -> None:
        """Write an order and its change, unless it never passed the controls."""
        order = event.order
        if order.market_id not in self._skipped and order.status_log != REFUSED:
            self._put("order", rows.order_row(order))

    def process_refusal(self, event: Any) -> None:
        """Write a refusal."""
        if event.event.market_id not in self._skipped:
            self._put("refusal", rows.refusal_row(event))

    def process_cleared_orders_meta(self, event: Any) -> None:
        """Write the orders of a closed market as they have ended."""
        for order in event.orders:
            if order.market_id not in self._skipped:
                self._put("settled_order", rows.order_row(order))

    def process_cleared_orders(self, event: Any) -> None:
        """Write what the exchange says of a market's bets."""
        for cleared in event.cleared_orders:
            self._put("cleared_order", rows.cleared_order_row(event.market_id, cleared))

    def process_cleared_markets(self, event: Any) -> None:
        """Write what the exchange says of whole markets."""
        for cleared in event.cleared_markets:
            if cleared["market_id"] not in self._skipped:
                self._put("cleared_market", rows.cleared_market_row(event.client, cleared))

    def process_balance(self, event: Any) -> None:
        """Write a client's account funds."""
        self._put("balance", rows.balance_row(LiveClock().epoch_ms, event.event))

    def process_end_flumine(self, event: Any) -> None:
        """Write the run's end, and wait for everything to be written.

        Of the time that a live run gives, half is for the database; the rest is for a process that does not answer, and
        for the spool.
        """
        began = time.monotonic()
        self.flush()
        if not self._frameworks:  # it ended before its first framework told anything
            self._put_run(self.is_awaited, {})
        self._put("end", (self._uuid, LiveClock().epoch_ms))
        self.flush()
        within = self._close_seconds
        if self.stop_within is not None:
            within = min(within, max(self.stop_within / 2 - (time.monotonic() - began), 0.0))
            if isinstance(self._writer, WriterProcess):
                self._writer.last_seconds = min(LAST_SECONDS, self.stop_within / 4)
        left = self._writer.close(within)
        if left:
            self._report("close", OSError(f"{left} entries are in {self._writer.spool}, the next run writes them"))


def _pass_over(event: Event) -> None:
    """Do nothing with an event that is not asked for."""


def _made_folder(spool: Path, url: str) -> Path:
    """Return the directory for one database's spools, made if need be."""
    folder = expanded(spool) / hashlib.sha256(shown(parse_url(url)).encode()).hexdigest()[:12]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"spool {folder} cannot be made: {error.strerror}") from error
    if not os.access(folder, os.W_OK):
        raise SettingsError(f"spool {folder} cannot be written to")
    return folder


def _installed() -> tuple[str, dict[str, str]]:
    """Return flumine_core's version, and those of the distributions that bring plugins for it."""
    version, plugins = "", {}
    for distribution in distributions():
        if any(entry.group.partition(".")[0] == "flumine_core" for entry in distribution.entry_points):
            metadata = distribution.metadata  # of few: to read it takes a millisecond
            if metadata["Name"] == "flumine_core":
                version = metadata["Version"]
            else:
                plugins[metadata["Name"]] = metadata["Version"]
    return version, plugins
