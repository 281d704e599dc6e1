"""The tables come to be by migrations, once, however many start at the same time."""

import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flumine_core.errors import SettingsError

from flumine_dblog.database import HEAD, Database, migrate, parse_url
from flumine_dblog.schema import metadata


def test_migrations_give_the_tables_that_the_code_expects(url: str) -> None:
    database = Database(parse_url(url))
    assert migrate(database.engine) == (None, HEAD)
    assert migrate(database.engine) == (HEAD, HEAD)
    with database.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    database.dispose()


def test_the_last_migration_is_the_one_that_is_looked_for() -> None:
    config = Config()
    config.set_main_option("script_location", "flumine_dblog:migrations")
    assert ScriptDirectory.from_config(config).get_current_head() == HEAD


def test_several_that_start_at_once_make_the_tables_once(url: str, tools: Any) -> None:
    database = Database(parse_url(url))
    database.prepare()
    command = [sys.executable, "-m", "flumine_core", "db", "--url", url, "upgrade"]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    told = [process.communicate()[0] for process in started]
    assert [process.returncode for process in started] == [0] * 4
    assert sorted(text.partition(": ")[2] for text in told) == [
        *["version 0001, as it was\n"] * 3,
        "version 0001, was None\n",
    ]
    assert tools.query(url, "SELECT version_num FROM alembic_version") == [(HEAD,)]


def test_tables_of_a_newer_version_are_left_alone(sqlite_url: str, tools: Any) -> None:
    database = Database(parse_url(sqlite_url))
    migrate(database.engine)
    with database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(SettingsError, match="tables are of version 9999, this flumine-dblog knows"):
        migrate(database.engine)
    database.dispose()


def test_sqlite_is_in_wal_mode_and_minds_foreign_keys(sqlite_url: str) -> None:
    database = Database(parse_url(sqlite_url))
    migrate(database.engine)
    with database.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
    database.dispose()


def test_a_first_migration_that_was_cut_off_is_done_anew(mariadb: Any, tools: Any) -> None:
    """MariaDB does not make tables in a transaction."""
    url = tools.fresh_database(mariadb, "cut_off")
    database = Database(parse_url(url))
    migrate(database.engine)
    with database.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM alembic_version")
        connection.exec_driver_sql("DROP TABLE refusals, order_events")
    assert migrate(database.engine) == (None, HEAD)
    database.dispose()
    assert tools.query(url, "SELECT count(*) FROM refusals") == [(0,)]


def test_a_run_keeps_what_it_cannot_write_into_newer_tables(
    simulate: Any, sqlite_url: str, tools: Any, tmp_path: Path
) -> None:
    tools.upgrade(sqlite_url)
    path = sqlite_url.removeprefix("sqlite:///")
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    framework = simulate(sqlite_url, close_seconds=3)
    told = framework.faults.first["DatabaseLog", "database"].error
    assert "tables are of version 9999, this flumine-dblog knows" in told
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (HEAD,))
    connection.close()
    simulate(sqlite_url)
    assert tools.written_results(sqlite_url) == tools.own_results(framework)
    assert not list(tmp_path.rglob("*.rejected.jsonl"))
