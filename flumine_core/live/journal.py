"""The journal of a live run: what was intended before it left, and what became of it, in an SQLite file.

A row of `orders`, `trades` or `runner_contexts` holds a thing's latest state; `intents` has every request as it first
left. One process writes a journal at a time.
"""

import queue
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Any

import msgspec
from loguru import logger
from platformdirs import user_state_path

from ..errors import FlumineCoreError, SettingsError
from ..hint import one_line
from ..order.order import Order
from ..order.package import OrderPackageType
from ..settings import Settings
from .crash import reach
from .ids import LiveIds
from .records import context_records, keepable, order_record, plain_number, trade_record
from .request import Request
from .runnermemory import SCHEMA, TABLES, RunnerMemory, Statement, read_contexts

_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT);
CREATE TABLE IF NOT EXISTS orders (order_id TEXT PRIMARY KEY, client TEXT, market_id TEXT, body BLOB);
CREATE TABLE IF NOT EXISTS trades (trade_id TEXT PRIMARY KEY, market_id TEXT, body BLOB);
CREATE TABLE IF NOT EXISTS contexts (strategy TEXT, name BLOB, body BLOB, PRIMARY KEY (strategy, name));
CREATE TABLE IF NOT EXISTS given_contexts (strategy TEXT PRIMARY KEY, body BLOB);
CREATE TABLE IF NOT EXISTS intents (
    customer_ref TEXT PRIMARY KEY, client TEXT, market_id TEXT, operation TEXT, made_ms INTEGER, params BLOB);
CREATE TABLE IF NOT EXISTS closed_markets (market_id TEXT PRIMARY KEY, closed_ms INTEGER);
"""

_BY_MARKET = ("orders", "trades", *TABLES, "intents", "closed_markets")
_KEPT_MS = 7 * 24 * 3_600_000
"""How long the rows of a closed market are kept."""

_FORGET_SECONDS = 24 * 3600.0
"""How often they are looked for."""

_BUSY_SECONDS = 1.0
"""How long a write waits for another process, such as one that copies the file."""

_URGENT_SECONDS = 0.25
"""How long what cannot wait does so for other writes."""

_QUIET_SECONDS = 2.0
_MOST_IN_LOG = 1_000
"""When nothing was written for so long, or so much was, it is moved from SQLite's log into the file: a disk's time."""

_RETRY_SECONDS = 1.0
_NOTES_A_WRITE = 200

_ORDER = "INSERT OR REPLACE INTO orders VALUES (?, ?, ?, ?)"
_TRADE = "INSERT OR REPLACE INTO trades VALUES (?, ?, ?)"
_CONTEXT = "INSERT OR REPLACE INTO contexts VALUES (?, ?, ?)"
_GIVEN = "INSERT OR REPLACE INTO given_contexts VALUES (?, ?)"
_MOVE = "PRAGMA wal_checkpoint(PASSIVE)"
_INTENT = "INSERT OR REPLACE INTO intents VALUES (?, ?, ?, ?, ?, ?)"
_REOPENED = "DELETE FROM closed_markets WHERE market_id = ?"
_CLOSED = "INSERT OR REPLACE INTO closed_markets VALUES (?, ?)"


class Journal:
    """A journal that is open. Intents are written before `intend` returns, outcomes soon, by a thread of its own.

    :param on_unkept: told a strategy's name and which key of its context cannot be kept, and why.
    :raises SettingsError: where the file cannot be used, or another process does.
    :ivar users: how many executions write into it; the last one that closes it, closes it.
    """

    def __init__(self, path: Path, synchronous: str, clock: Any, on_unkept: Callable[[str, str], None]) -> None:
        self.path = path
        self.users = 0
        self._clock = clock
        self._on_unkept = on_unkept
        self._lock = threading.Lock()
        self._writes = 0
        self._memory = RunnerMemory()
        self._context_bytes: dict[tuple[str, bytes], bytes] = {}
        self._told: set[tuple[str, str]] = set()
        self._notes: queue.SimpleQueue[list[Statement] | None] = queue.SimpleQueue()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._guard = _lock_file(path)
        except (OSError, sqlite3.Error) as error:
            raise SettingsError(f"journal {path} cannot be used: {error}") from error
        try:
            self._open(synchronous)
        except BaseException:
            self._guard.close()
            raise
        self._writer = threading.Thread(target=self._write_notes, name="journal", daemon=True)
        self._writer.start()

    def _open(self, synchronous: str) -> None:
        with reading(self.path):
            try:
                self._connection = sqlite3.connect(
                    self.path, _BUSY_SECONDS, check_same_thread=False, isolation_level=None
                )
                self._connection.execute("PRAGMA journal_mode = WAL")
                self._connection.execute("PRAGMA wal_autocheckpoint = 0")
                self._connection.execute(f"PRAGMA synchronous = {synchronous}")
                (told,) = self._connection.execute("PRAGMA quick_check(1)").fetchone()
                if told != "ok":
                    raise sqlite3.DatabaseError(told)
                self._connection.executescript(_SCHEMA + SCHEMA)
                self._mover = sqlite3.connect(self.path, 0, check_same_thread=False, isolation_level=None)
                self._forget_old()
            except sqlite3.OperationalError as error:
                raise SettingsError(f"journal {self.path} cannot be used: {error}") from error

    # writing, on the kernel's thread

    def intent_of(self, request: Request, params: dict[str, Any], orders: Sequence[Order]) -> list[Statement]:
        """Return what is to be written before a request leaves.

        It brings its orders: those of a placing nobody has written yet, and what was learnt of the others since, as
        the number of a bet that is now replaced and will be in no list, may still wait to be written.
        """
        package = request.package
        body = msgspec.json.encode(params, enc_hook=plain_number)
        made = (request.customer_ref, package.client.username, package.market_id, request.operation)
        statements: list[Statement] = [(_INTENT, (*made, self._clock.epoch_ms, body))]
        if request.kind is OrderPackageType.PLACE:
            statements.append((_REOPENED, (package.market_id,)))
        return statements + self._states(orders)

    def note(self, orders: Sequence[Order]) -> None:
        """Write the state of orders, soon."""
        self._notes.put(self._states(orders, is_note=True))

    def close_market(self, market_id: str) -> None:
        """Restore nothing of a market any more, and forget it in a week, unless it opens again; from any thread."""
        self._notes.put([(_CLOSED, (market_id, self._clock.epoch_ms))])
        self._memory.forget(market_id)

    def save_contexts(self, strategies: Iterable[Any]) -> None:
        """Write what has changed of the strategies' contexts, soon; a key that cannot be kept is named, once."""
        statements: list[Statement] = []
        for strategy in strategies:
            records, bad = context_records(strategy.context)
            for key, reason in bad.items():
                if (strategy.name, key) not in self._told:
                    self._told.add((strategy.name, key))
                    self._on_unkept(strategy.name, f"context[{key!r}] is not kept in the journal: {reason}")
            for name, body in records.items():
                if self._context_bytes.get((strategy.name, name)) != body:
                    self._context_bytes[(strategy.name, name)] = body
                    statements.append((_CONTEXT, (strategy.name, name, body)))
        if statements:
            self._notes.put(statements)

    def note_given(self, strategy: str, context: Mapping[Any, Any]) -> None:
        """Write what a strategy's context was made with, soon."""
        self._notes.put([(_GIVEN, (strategy, msgspec.msgpack.encode(keepable(context))))])

    def _states(self, orders: Sequence[Order], is_note: bool = False) -> list[Statement]:
        statements: list[Statement] = []
        trades = {}
        for order in orders:
            client = order.client.username if order.client is not None else ""
            statements.append((_ORDER, (order.id, client, order.market_id, order_record(order))))
            trades[order.trade.id] = order.trade
        for trade in trades.values():
            statements.append((_TRADE, (trade.id, trade.market_id, trade_record(trade))))
            statements += self._memory.statements(trade, is_note)
        return statements

    # writing, on other threads

    def intend(self, statements: list[Statement], is_urgent: bool = False) -> None:
        """Write an intent; it is durable when this returns (see `Settings.journal_synchronous`).

        :param is_urgent: give up soon where others write, or another process holds the file.
        :raises sqlite3.Error: where it cannot be written.
        """
        reach("journal")
        self._write(statements, _URGENT_SECONDS if is_urgent else -1)

    def intend_late(self, statements: list[Statement]) -> None:
        """Write an intent that could not be written in time, soon, without the orders, which may have moved on."""
        self._notes.put(statements[:1])

    def _write(self, statements: list[Statement], patience: float = -1) -> None:
        if not self._lock.acquire(timeout=patience):
            raise sqlite3.OperationalError("others are writing")
        try:
            self._connection.execute("BEGIN")
            try:
                for statement, values in statements:
                    self._connection.execute(statement, values)
                self._connection.execute("COMMIT")
                self._writes += 1
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
        finally:
            self._lock.release()

    def _write_notes(self) -> None:
        """Write notes; what cannot be written, as on a full disk, is tried again."""
        waiting: list[Statement] = []
        is_last = is_failing = False
        while not is_last:
            is_last = self._collect(waiting)
            if self._writes >= (_MOST_IN_LOG if waiting else 1):
                self._checkpoint()
            if not waiting:
                continue
            reach("journal")
            try:
                self._write(waiting)
            except sqlite3.OperationalError as error:
                if is_last or not is_failing:
                    told = "is lost" if is_last else "is tried again"
                    logger.critical("journal {} cannot be written, what it was to hold {}: {}", self.path, told, error)
                is_failing = True
                continue
            except Exception as error:
                logger.opt(exception=error).critical("journal {} cannot hold {}", self.path, waiting)
                self._memory.forget()
            is_failing = False
            waiting.clear()

    def _checkpoint(self) -> None:
        """Move what was written into the file, by a connection of its own, so that no intent waits for the disk.

        Only the little that is written meanwhile is moved while others wait: the log begins anew where all was moved.
        """
        try:
            if monotonic() >= self._forget_at:
                self._forget_old()
            self._writes = 0
            self._mover.execute(_MOVE)
            with self._lock:
                self._mover.execute(_MOVE)
        except sqlite3.Error as error:  # the log is as good, and is moved another time
            logger.warning("journal {}: {}", self.path, error)

    def _collect(self, waiting: list[Statement]) -> bool:
        """Add the next notes to what waits; True where no more will come."""
        try:
            patience = _RETRY_SECONDS if waiting else _QUIET_SECONDS if self._writes else None
            notes = self._notes.get(timeout=patience)
            while notes is not None:
                waiting += notes
                if len(waiting) >= _NOTES_A_WRITE:  # a request that is about to leave does not wait long
                    return False
                notes = self._notes.get_nowait()
        except queue.Empty:
            return False
        return True

    def close(self) -> None:
        """Write what waits and close, once all who write have said so."""
        self.users -= 1
        if self.users <= 0:
            self.end()

    def end(self) -> None:
        """Write what waits and close, whoever writes still."""
        if not self._writer.is_alive():
            return
        self._notes.put(None)
        self._writer.join(10)
        with self._lock:
            self._mover.close()
            self._connection.close()
            self._guard.close()

    # reading

    @property
    def high_water(self) -> str | None:
        """The highest order id that was ever written, None where there is none."""
        with self._lock:
            (here,) = self._connection.execute("SELECT max(order_id) FROM orders").fetchone()
            row = self._connection.execute("SELECT value FROM meta WHERE name = 'high_water'").fetchone()
        found = [each for each in (here, row[0] if row else None) if each]
        return max(found, default=None)

    def orders(self, client: str) -> Iterator[dict[str, Any]]:
        """Return a client's orders in markets that have not closed, in the order of their ids."""
        return self._bodies(
            "SELECT body FROM orders WHERE client = ? AND market_id NOT IN (SELECT market_id FROM closed_markets) "
            "ORDER BY order_id",
            client,
        )

    def cancels_asked(self, client: str) -> frozenset[str]:
        """Return the ids of a client's bets that were asked to be cancelled or replaced."""
        rows = self._rows(
            "SELECT params FROM intents WHERE client = ? AND operation IN ('cancelOrders', 'replaceOrders') "
            "AND market_id NOT IN (SELECT market_id FROM closed_markets)",
            client,
        )
        instructions = (each for (params,) in rows for each in msgspec.json.decode(params)["instructions"])
        return frozenset(str(each["betId"]) for each in instructions)

    def market_ids(self) -> set[str]:
        """Return the markets with orders that have not been closed here."""
        rows = self._rows(
            "SELECT DISTINCT market_id FROM orders WHERE market_id NOT IN (SELECT market_id FROM closed_markets)"
        )
        return {str(market_id) for (market_id,) in rows}

    def transactions(self, client: str, since_ms: int) -> int:
        """Return how many bets a client has meant to place since then, replacements included."""
        rows = self._rows(
            "SELECT params FROM intents WHERE client = ? AND made_ms >= ? "
            "AND operation IN ('placeOrders', 'replaceOrders')",
            client,
            since_ms,
        )
        return sum(len(msgspec.json.decode(params)["instructions"]) for (params,) in rows)

    def trades(self) -> Iterator[dict[str, Any]]:
        """Return the trades in markets that have not closed, in the order of their ids."""
        return self._bodies(
            "SELECT body FROM trades WHERE market_id NOT IN (SELECT market_id FROM closed_markets) ORDER BY trade_id"
        )

    def runner_contexts(self) -> Iterator[tuple[str, str, int, float, dict[str, Any]]]:
        """Return strategy, market, selection, handicap and contents of each runner context."""
        return read_contexts(self._rows)

    def context(self, strategy: str) -> dict[Any, Any]:
        """Return a strategy's context as it was last written."""
        rows = self._rows("SELECT name, body FROM contexts WHERE strategy = ?", strategy)
        return {msgspec.msgpack.decode(name): msgspec.msgpack.decode(body) for name, body in rows}

    def given_context(self, strategy: str) -> dict[Any, Any]:
        """Return what a strategy's context was made with, as the last run that has begun was told."""
        rows = self._rows("SELECT body FROM given_contexts WHERE strategy = ?", strategy)
        return msgspec.msgpack.decode(rows[0][0]) if rows else {}

    def _bodies(self, query: str, *values: Any) -> Iterator[dict[str, Any]]:
        return (msgspec.msgpack.decode(body) for (body,) in self._rows(query, *values))

    def _rows(self, query: str, *values: Any) -> list[Any]:
        with self._lock:
            return self._connection.execute(query, values).fetchall()

    def _forget_old(self) -> None:
        self._forget_at = monotonic() + _FORGET_SECONDS
        mark = self.high_water
        if mark is not None:
            self._write([("INSERT OR REPLACE INTO meta VALUES ('high_water', ?)", (mark,))])
        statements = _deletions(self._mover, self._clock.epoch_ms - _KEPT_MS)
        for start in range(0, len(statements), _NOTES_A_WRITE):  # an intent may wait
            self._write(statements[start : start + _NOTES_A_WRITE])


def _deletions(connection: sqlite3.Connection, before_ms: int) -> list[Statement]:
    """Return what deletes the rows of markets that closed before then, each unless its market opens again."""
    statements: list[Statement] = []
    for table in _BY_MARKET:
        chosen = f"(SELECT closed_ms FROM closed_markets AS each WHERE each.market_id = {table}.market_id) < ?"
        rows = connection.execute(f"SELECT rowid FROM {table} WHERE {chosen}", (before_ms,)).fetchall()
        statements += [(f"DELETE FROM {table} WHERE rowid = ? AND {chosen}", (rowid, before_ms)) for (rowid,) in rows]
    return statements


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Name the journal, and say what to do, where what it holds cannot be read.

    :raises SettingsError: in place of what was raised.
    """
    try:
        yield
    except FlumineCoreError:
        raise
    except (sqlite3.Error, msgspec.MsgspecError, LookupError, TypeError, ValueError, AttributeError) as error:
        raise SettingsError(
            f"journal {path} is damaged: {one_line(error)}; move it away to start without it: what the "
            "exchange has is adopted, notes and contexts are lost"
        ) from error


def _lock_file(path: Path) -> sqlite3.Connection:
    """Return a connection that holds the journal's lock as long as the process lives and does not close it."""
    guard = sqlite3.connect(f"{path}-lock", timeout=0, check_same_thread=False, isolation_level=None)
    try:
        guard.execute("BEGIN EXCLUSIVE")
    except sqlite3.Error as error:
        guard.close()
        if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
            raise
        raise SettingsError(
            f"journal {path} is in use by another process: give each a journal of its own, by the setting journal"
        ) from error
    return guard


def open_journal(settings: Settings, clock: Any, ids: LiveIds, on_unkept: Callable[[str, str], None]) -> Journal | None:
    """Return the journal that the settings name, None where they name none; ids go on above it.

    :raises SettingsError: where the file cannot be used, or another process does.
    """
    if settings.journal == "":
        return None
    try:
        named = Path(settings.journal or "").expanduser()
    except RuntimeError as error:  # of a user who is not there
        raise SettingsError(f"journal {settings.journal} cannot be used: {error}") from error
    path = named if settings.journal else user_state_path("flumine_core") / "journal.sqlite"
    journal = Journal(path, settings.journal_synchronous, clock, on_unkept)
    ids.above(journal.high_water)
    return journal
