"""An exchange in a process of its own, told what to do through its control endpoint."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from flumine_core.errors import ExecutionError

from .control import ControlClient
from .scenario import Scenario

STOP_SECONDS = 10.0


@contextmanager
def spawn(
    markets: Sequence[Any] = (),
    speed: float | None = 1.0,
    settings: Mapping[str, Any] | None = None,
    seed: int = 0,
    python: str = sys.executable,
) -> Iterator[ControlClient]:
    """Run an exchange in another process for the length of a with block.

    :param markets: paths, synthetic markets or events, and scenarios.
    :param settings: fields of ExchangeSettings as plain values; `start` is "manual" unless told otherwise.
    :raises ExecutionError: where it does not start; its last words are on stderr.
    """
    with tempfile.TemporaryDirectory(prefix="flumine-exchange-markets-") as directory:
        files = [_file(market, Path(directory), number) for number, market in enumerate(markets)]
        chosen = {"start": "manual"} | dict(settings or {})
        start = chosen.pop("start")
        command = [python, "-m", "flumine_core", "exchange", "serve", *(file for file in files if file is not None)]
        command += ["--speed", "max" if speed is None else str(speed), "--seed", str(seed), "--control", "--json"]
        command += ["--start", str(start)]
        for name, value in chosen.items():
            command += ["--set", f"{name}={msgspec.json.encode(value).decode()}"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, env=os.environ | {"PYTHONUNBUFFERED": "1"})
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            if not line:
                raise ExecutionError(f"the exchange did not start, exit code {process.wait(STOP_SECONDS)}")
            client = ControlClient(msgspec.json.decode(line))
            client.pid = process.pid
            for market in markets:
                if isinstance(market, Scenario):
                    client.add_scenario(market)
            yield client
        finally:
            process.terminate()
            try:
                process.communicate(timeout=STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()


def _file(market: Any, directory: Path, number: int) -> str | None:
    if isinstance(market, Scenario):
        return None
    if isinstance(market, str | Path):
        return str(market)
    return str(market.write(directory / f"market-{number}"))
