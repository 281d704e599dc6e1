"""How many changes a second a recorder takes on one core: `python plugins/flumine_recorder/bench/throughput.py`.

Changes of 50 synthetic markets in turn come over a TLS socket from another process, at 5,000 a second. Everything of
the recorder runs on one core: the live data stream, the framework's loop, the recorder's threads. Needs the test extra
(trustme).
"""

import json
import multiprocessing
import os
import resource
import socket
import ssl
import tempfile
import threading
import time
from multiprocessing.connection import Connection
from pathlib import Path

import trustme
from betfairlightweight import APIClient
from flumine_recorder.plugin import RecorderStrategy

from flumine_core.contract.client import BetfairClient
from flumine_core.contract.endpoints import Endpoints
from flumine_core.session import Flumine
from flumine_core.synthetic.market import SyntheticMarket

MARKETS = 50
PACE = 5_000
SECONDS = 20


def lines_of(count: int) -> list[bytes]:
    """Return lines of all markets in turn, without their closing ones."""
    made = []
    for number in range(MARKETS):
        market = SyntheticMarket(market_id=f"1.2{number:08d}", seed=number, updates=2 * count // MARKETS)
        made.append([line for line in market.lines() if b'"CLOSED"' not in line])
    turns = [line for turn in zip(*made, strict=False) for line in turn]
    return turns[:count]


def serve(ready: Connection, pem: bytes, lines: list[bytes], pace: float) -> None:
    """Send the lines to one client, stamped with the time of sending."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile(suffix=".pem") as file:
        Path(file.name).write_bytes(pem)
        context.load_cert_chain(file.name)
    listener = socket.create_server(("127.0.0.1", 0))
    ready.send(listener.getsockname()[1])
    raw, _ = listener.accept()
    connection = context.wrap_socket(raw, server_side=True)
    requests = connection.makefile("rb")
    connection.sendall(b'{"op":"connection","connectionId":"1"}\r\n')
    for _ in range(2):
        number = json.loads(requests.readline())["id"]
        connection.sendall(b'{"op":"status","id":%d,"statusCode":"SUCCESS"}\r\n' % number)
    start = time.monotonic()
    for count, line in enumerate(lines):
        if (ahead := start + count / pace - time.monotonic()) > 0.001:
            time.sleep(ahead)
        rest = line.partition(b'"pt":')[2]
        stamped = b'{"op":"mcm","id":%d,"clk":"A","pt":%d%b' % (number, time.time_ns() // 1_000_000, rest[13:])
        connection.sendall(stamped.rstrip() + b"\r\n")
    requests.readline()


def run(lines: list[bytes], pace: float, authority: trustme.CA) -> None:
    """Record the lines and print what it took."""
    leaf = authority.issue_cert("127.0.0.1")
    pem = leaf.private_key_and_cert_chain_pem.bytes()
    here, there = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(there, pem, lines, pace), daemon=True)
    server.start()
    port = here.recv()
    if hasattr(os, "sched_setaffinity"):  # this process alone: the sender was started with all of them
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    with tempfile.TemporaryDirectory() as folder:
        ca_file = Path(folder, "ca.pem")
        authority.cert_pem.write_to_path(str(ca_file))
        api = APIClient("me", "secret", "key")
        api.set_session_token("token")
        endpoints = Endpoints(stream_host="127.0.0.1", stream_port=port, ca_file=str(ca_file))
        framework = Flumine(BetfairClient(api, endpoints=endpoints, market_recording_mode=True))
        strategy = RecorderStrategy(folder)
        framework.add_strategy(strategy)
        lags: list[int] = []

        def watch() -> None:
            while (done := strategy.recorder.status().counts.lines) < len(lines):
                if done and strategy.lag_ms is not None:
                    lags.append(strategy.lag_ms)
                time.sleep(0.02)
            framework.stop()

        threading.Thread(target=watch, daemon=True).start()
        cpu, start = time.process_time(), time.perf_counter()
        framework.run()
        seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
        written = sum(path.stat().st_size for path in Path(folder, "open").rglob("market"))
        assert written == strategy.recorder.status().counts.bytes
        lags.sort()
        print(
            f"{len(lines):,} changes, {written / 1e6:.0f} MB in {seconds:.1f} s: {len(lines) / seconds:,.0f} a second,"
        )
        print(f"  {cpu / seconds:.0%} of the core, lag {lags[len(lags) // 2]} ms at the median, {lags[-1]} ms at most")
    server.kill()


def main() -> None:
    """Measure on one core; the sender has the others."""
    lines = lines_of(PACE * SECONDS)
    authority = trustme.CA()
    print(f"{MARKETS} markets, {sum(map(len, lines)) / len(lines):,.0f} bytes a line")
    run(lines, PACE, authority)
    print(f"memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB at most")


if __name__ == "__main__":
    main()
