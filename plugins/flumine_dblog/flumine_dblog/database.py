"""The database: how it is opened, migrated and written to, whichever it is."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs
from flumine_core.errors import SettingsError
from loguru import logger
from sqlalchemy import Connection, Engine, create_engine, event, insert, inspect, select, text, update
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DataError, DBAPIError, IntegrityError, NoSuchModuleError, SQLAlchemyError

from . import schema
from .pieces import Piece, entries_of
from .rows import run_values
from .statements import DIALECTS, chunked, gathered, loaded

LOCK_SECONDS = 60
"""How long a start waits for another one's migration."""

_DRIVERS = {
    "sqlite": "sqlite",
    "postgresql": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
    "mariadb": "mariadb+pymysql",
    "mysql": "mysql+pymysql",
}
_EXTRAS = {"psycopg": "postgresql", "pymysql": "mariadb"}
_ARGUMENTS: dict[str, dict[str, Any]] = {
    "sqlite": {"timeout": 10},
    "postgresql": {
        "connect_timeout": 5,
        "keepalives_idle": 10,
        "tcp_user_timeout": 20_000,
        "options": "-c timezone=utc",
    },
    "mysql": {"connect_timeout": 5, "read_timeout": 60, "write_timeout": 60},
}


class Rejected(Exception):
    """The database refuses a row, and would refuse it again."""


class Away(Exception):
    """The database cannot be written to for now."""


def parse_url(text: str) -> URL:
    """Return a database's address with the driver that this plugin uses.

    :raises SettingsError: where it is none, or names another kind of database.
    """
    try:
        url = make_url(text)
    except ArgumentError:
        raise SettingsError("url must be like sqlite:///flumine.db or postgresql://user@host/name") from None
    backend = url.get_backend_name()
    if backend not in _DRIVERS:
        raise SettingsError(f"url must be of sqlite, postgresql or mariadb, was of {backend}")
    if backend == "sqlite" and url.database in (None, "", ":memory:"):
        raise SettingsError("url must name a file where it is of sqlite")
    if url.database is not None and backend == "sqlite":
        url = url.set(database=str(expanded(Path(url.database))))
    return url if "+" in url.drivername else url.set(drivername=_DRIVERS[backend])


def expanded(path: Path) -> Path:
    """Return a path with the home directory in place of `~`.

    :raises SettingsError: where there is none.
    """
    try:
        return path.expanduser()
    except RuntimeError as error:
        raise SettingsError(f"{path}: {error}") from None


def shown(url: URL) -> str:
    """Return an address without password and parameters, which may hold one."""
    return url.set(query={}).render_as_string(hide_password=True)


def _on_sqlite_connect(connection: Any, record: Any) -> None:
    # transactions are begun by `_begin_sqlite`: the driver's own rules would leave tables created outside of any
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}").close()


def open_engine(url: URL, is_reader: bool = False) -> Engine:
    """Make an engine; nothing is connected yet.

    :raises SettingsError: where the driver is not installed.
    """
    backend = url.get_backend_name()
    family = "mysql" if backend == "mariadb" else backend
    arguments = {name: value for name, value in _ARGUMENTS[family].items() if name not in url.query}
    if family == "mysql":
        arguments |= {"charset": "utf8mb4", "init_command": "SET time_zone='+00:00'"}
    try:
        engine = create_engine(url, connect_args=arguments, pool_size=1, max_overflow=1)
    except ModuleNotFoundError as error:
        extra = _EXTRAS.get(str(error.name), str(error.name))
        raise SettingsError(f"{error.name} is not installed: pip install 'flumine-dblog[{extra}]'") from None
    except (ArgumentError, NoSuchModuleError) as error:
        raise SettingsError(f"url cannot be used: {error}") from None
    if backend == "sqlite":
        begin = "BEGIN" if is_reader else "BEGIN IMMEDIATE"
        event.listen(engine, "connect", _on_sqlite_connect)
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(begin))
    return engine


@attrs.define
class Database:
    """Writes entries, each exactly once.

    :ivar url: where it is.
    """

    url: URL
    _engine: Engine | None = None
    _is_migrated: bool = False

    def prepare(self) -> None:
        """Make what does not need the database to be there.

        :raises SettingsError: where the driver is not installed, or the file's directory cannot be made.
        """
        if self.url.get_backend_name() == "sqlite":
            folder = Path(str(self.url.database)).parent
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise SettingsError(f"directory {folder} cannot be made: {error.strerror}") from error
        self._engine = open_engine(self.url)

    @property
    def engine(self) -> Engine:
        """The engine, made when it is first asked for."""
        if self._engine is None:
            self.prepare()
        assert self._engine is not None
        return self._engine

    def dispose(self) -> None:
        """Close all connections."""
        if self._engine is not None:
            self._engine.dispose()

    def write(self, uuid: str, pieces: Sequence[Piece]) -> None:
        """Write entries of a run in one transaction; those that were written before are passed over.

        :raises Rejected: where the database refuses one of them; none is written then.
        :raises Away: where the database cannot be written to; whether they were written shows at the next try.
        """
        try:
            if not self._is_migrated:
                migrate(self.engine)
                self._is_migrated = True
        except (SQLAlchemyError, OSError, SettingsError) as error:
            raise Away(_told(error)) from error
        try:
            with self.engine.begin() as connection:
                self._write(connection, uuid, pieces)
        except (DataError, IntegrityError, ValueError, TypeError, OverflowError) as error:
            raise Rejected(_told(error)) from error
        except (SQLAlchemyError, OSError) as error:
            # the tables may be gone with the server that had them
            self._is_migrated = False
            raise Away(_told(error)) from error

    def _write(self, connection: Connection, uuid: str, pieces: Sequence[Piece]) -> None:
        run_id, done = self._run(connection, uuid)
        new = []
        for piece in pieces:
            # what a writer that died had spooled, and its answer was lost, comes a second time
            if piece.last > done:
                new.append(piece if piece.first > done else piece.split(done + 1 - piece.first)[1])
                done = piece.last
        if not new:
            return
        runs = schema.runs
        for _, noun, row in entries_of(piece for piece in new if piece.noun in ("run", "end")):
            connection.execute(update(runs).where(runs.c.id == run_id).values(run_values(noun, row)))
        dialect = DIALECTS[connection.dialect.name]
        for load, columns in loaded(gathered(new)):
            values, width, start = dialect.values(load, columns), len(columns), 0
            for count in chunked(len(columns[0])):
                end = start + count * width
                connection.exec_driver_sql(dialect.insert(load, run_id, count), tuple(values[start:end]))
                start = end
        connection.execute(update(runs).where(runs.c.id == run_id).values(sequence=done))

    def _run(self, connection: Connection, uuid: str) -> tuple[int, int]:
        """Return a run's id and the number of the last entry that was written; the run's row is locked."""
        runs = schema.runs
        query = select(runs.c.id, runs.c.sequence).where(runs.c.uuid == uuid).with_for_update()
        row = connection.execute(query).first()
        if row is None:
            connection.execute(insert(runs).values(uuid=uuid, sequence=0))
            row = connection.execute(query).first()
        assert row is not None
        return row.id, row.sequence


def _told(error: Exception) -> str:
    """Return what a driver said, in one line, without the statement and its values."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    return f"{type(cause).__name__}: {' '.join(str(cause).split())}"


HEAD = "0001"
"""The last migration."""


def _version(connection: Connection) -> str | None:
    """Return the last migration that was run, None where there was none."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return found


def migrate(engine: Engine) -> tuple[str | None, str]:
    """Bring the tables up to date; of several that start at once, one does it and the others wait.

    Returns: the version before and now.
    :raises SettingsError: where the tables are newer than this plugin.
    """
    is_mysql = engine.dialect.name in ("mysql", "mariadb")
    with engine.connect() as connection:
        if is_mysql:
            if not _is_locked(connection):
                raise OSError(f"another start has been migrating the tables for more than {LOCK_SECONDS} seconds")
            connection.commit()  # the lock is the session's: held until the migration is committed
        try:
            with connection.begin():
                # SQLite: the transaction itself is the lock (BEGIN IMMEDIATE)
                if engine.dialect.name == "postgresql":
                    connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7203571)")
                before = _version(connection)
                if before is None and is_mysql:
                    _clear_half_made(connection)
                if before != HEAD:
                    _upgrade(connection, before)
        finally:
            if is_mysql:
                connection.exec_driver_sql("SELECT RELEASE_LOCK('flumine_dblog')")
                connection.commit()
    return before, HEAD


def _is_locked(connection: Connection) -> bool:
    return connection.exec_driver_sql(f"SELECT GET_LOCK('flumine_dblog', {LOCK_SECONDS})").scalar() == 1


def _clear_half_made(connection: Connection) -> None:
    """Drop what a first migration that was cut off has left, where tables are not made in a transaction.

    No run can have been written yet, since Alembic notes the version before.
    """
    inspector = inspect(connection)
    if not inspector.has_table("alembic_version"):
        return
    if inspector.has_table("runs") and connection.execute(select(schema.runs.c.id).limit(1)).first() is not None:
        raise SettingsError("table alembic_version is empty, but there are runs: restore it from a backup")
    schema.metadata.drop_all(connection)


def _upgrade(connection: Connection, before: str | None) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", "flumine_dblog:migrations")
    config.attributes["connection"] = connection
    try:
        if before is not None:
            ScriptDirectory.from_config(config).get_revision(before)
        command.upgrade(config, "head")
    except CommandError as error:
        raise SettingsError(
            f"tables are of version {before}, this flumine-dblog knows {HEAD}: install a newer one"
        ) from error
    logger.info("tables migrated from {} to {}", before, HEAD)
