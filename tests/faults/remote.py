"""A framework in a process of its own, told what to do line by line: it can be killed, and may be any framework."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

import msgspec

from .ours import START_SECONDS, details_of
from .view import BookView, OrderView, Terms

ROOT = Path(__file__).parents[2]


class Gone(Exception):
    """The process has ended."""


class Remote:
    """Speaks to a process that reads {"do": verb, "args": [...]} and answers {"result": ...} or {"error": text}.

    :param command: what is run, with one more argument: the exchange's details and `options`, as JSON.
    :param folder: where what it says on stderr is kept.
    """

    def __init__(
        self,
        command: list[str],
        exchange: Any,
        folder: Path,
        options: Mapping[str, Any],
        factor: float,
        patience: float,
        read_timeout: float,
        env: Mapping[str, str] | None = None,
        is_ours: bool = True,
    ) -> None:
        self.is_ours = is_ours
        self.factor, self.patience, self.read_timeout = factor, patience, read_timeout
        told = {"exchange": details_of(exchange), "factor": factor, "folder": str(folder), **options}
        self._command = [*command, msgspec.json.encode(told).decode()]
        self._env = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", **(env or {})}
        self._log = folder / "stderr.txt"
        self._process: subprocess.Popen[bytes] | None = None
        self._answers: SimpleQueue[bytes] = SimpleQueue()
        self._lock = threading.Lock()

    @property
    def is_gone(self) -> bool:
        """Whether the process has ended, or was never started."""
        return self._process is None or self._process.poll() is not None

    def launch(self) -> None:
        """Start the process, without waiting for anything."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, env=self._env, cwd=ROOT
            )
        threading.Thread(target=self._read, args=(self._process,), daemon=True).start()

    def _read(self, process: "subprocess.Popen[bytes]") -> None:
        assert process.stdout is not None
        for line in process.stdout:
            self._answers.put(line)
        self._answers.put(b"")

    def ask(self, verb: str, *args: Any, seconds: float = 60.0) -> Any:
        """Return what a verb brings.

        :raises Gone: where the process has ended, or ends before it answers.
        """
        process = self._process
        if process is None or process.stdin is None:
            raise Gone("it was not started")
        with self._lock:
            try:
                process.stdin.write(msgspec.json.encode({"do": verb, "args": args}) + b"\n")
                process.stdin.flush()
                line = self._answers.get(timeout=seconds)
            except (OSError, ValueError) as error:
                raise Gone(f"it has ended: {error}") from error
            except Empty:
                raise AssertionError(f"{verb} was not answered within {seconds:g} s") from None
        if not line:
            self._answers.put(b"")
            raise Gone(f"it has ended during {verb}")
        answer = msgspec.json.decode(line)
        if "error" in answer:
            raise AssertionError(f"{verb}: {answer['error']}")
        return answer["result"]

    def start(self) -> None:
        self.launch()
        try:
            self.ask("start", seconds=START_SECONDS + 30)
        except Gone as error:
            raise AssertionError(f"it did not start: {self._last_words()}") from error

    def _last_words(self) -> str:
        lines = self._log.read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing"

    def stop(self) -> None:
        if not self.is_gone:
            with contextlib.suppress(Gone, AssertionError):
                self.ask("stop", seconds=self.patience)
        self.kill()

    def kill(self) -> None:
        process = self._process
        if process is None:
            return
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.wait(20)
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        process = self._process
        assert process is not None, "it was not started"
        process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            process.send_signal(signal.SIGCONT)

    def lose_name(self, host: str, is_lost: bool) -> int:
        return int(self.ask("lose_name", host, is_lost))

    def is_running(self) -> bool:
        try:
            return bool(not self.is_gone and self.ask("is_running"))
        except Gone:
            return False

    def place(self, orders: list[Terms], is_async: bool = False, version: int | None = None) -> Any:
        return [(order_id, why) for order_id, why in self.ask("place", orders, is_async, version)]

    def cancel(self, ids: list[str], size_reduction: float | None = None) -> list[str]:
        return list(self.ask("cancel", ids, size_reduction))

    def update(self, id: str, persistence: str) -> str:
        return str(self.ask("update", id, persistence))

    def replace(self, id: str, price: float) -> str:
        return str(self.ask("replace", id, price))

    def orders(self) -> list[OrderView]:
        return msgspec.convert(self.ask("orders"), list[OrderView])

    def exposures(self) -> dict[str, float]:
        return msgspec.convert(self.ask("exposures"), dict[str, float])

    def books(self) -> dict[str, BookView]:
        return msgspec.convert(self.ask("books"), dict[str, BookView], strict=False)

    def seen(self) -> list[tuple[str, tuple[float, ...]]]:
        return msgspec.convert(self.ask("seen"), list[tuple[str, tuple[float, ...]]])

    def stall(self, seconds: float) -> None:
        self.ask("stall", seconds)

    def troubles(self) -> list[str]:
        return list(self.ask("troubles"))


def remote_ours(exchange: Any, folder: Path, factor: float = 0.05, **options: Any) -> Remote:
    """Return this framework in a process of its own, its journal in a folder; options as of `Ours`."""
    command = [sys.executable, "-m", "tests.faults.served"]
    return Remote(
        command, exchange, folder, {"options": options}, factor, max(20.0, 90 * factor), max(16 * factor, 2.0)
    )
