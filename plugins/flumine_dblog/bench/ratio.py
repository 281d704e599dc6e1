"""What dblog costs a simulation: the same files without and with it, in turn, each in a process of its own.

`python bench/ratio.py [--seconds 30] [--pairs 3] [--strategy lay|churn] [--url URL] FILE...` repeats the files, each
under another market id, until a run without dblog takes so long, and prints the ratio of each pair and the least time
of each side. Start-up (imports, migration) is left out; the end, when everything is written, is not.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from flumine_core import (
    BaseStrategy,
    FlumineSimulation,
    HistoricalStream,
    LimitOrder,
    OrderStatus,
    SimulatedClient,
    Trade,
    get_price,
    price_ticks_away,
)


class Lay(BaseStrategy):
    """Lays what trades below 2.0 in play, and cancels after two seconds."""

    def check_market_book(self, market: Any, market_book: Any) -> bool:
        return bool(market_book.inplay)

    def process_market_book(self, market: Any, market_book: Any) -> None:
        for runner in market_book.runners:
            if runner.status == "ACTIVE" and runner.last_price_traded and runner.last_price_traded < 2:
                price = get_price(runner.ex.available_to_lay, 0) or 1000
                trade = Trade(market.market_id, runner.selection_id, runner.handicap, self)
                market.place_order(trade.create_order("LAY", LimitOrder(price, 2.0)))

    def process_orders(self, market: Any, orders: list[Any]) -> None:
        for order in orders:
            if order.status is OrderStatus.EXECUTABLE and order.elapsed_seconds and order.elapsed_seconds > 2:
                market.cancel_order(order)


class Churn(BaseStrategy):
    """Places on every seventh update before the off, replaces after 5 seconds, cancels after 20."""

    def add(self, flumine: Any) -> None:
        self.count = 0

    def check_market_book(self, market: Any, market_book: Any) -> bool:
        return market_book.status == "OPEN" and not market_book.inplay

    def process_market_book(self, market: Any, market_book: Any) -> None:
        self.count += 1
        runner = market_book.runners[self.count // 7 % len(market_book.runners)]
        price = get_price(runner.ex.available_to_back, 0)
        if self.count % 7 == 0 and runner.status == "ACTIVE" and price and price > 1.05:
            trade = Trade(market.market_id, runner.selection_id, runner.handicap, self)
            market.place_order(trade.create_order("LAY", LimitOrder(price, 2.0)))

    def process_orders(self, market: Any, orders: list[Any]) -> None:
        for order in market.blotter.live_orders:
            age = order.elapsed_seconds
            if order.status is OrderStatus.EXECUTABLE and age:
                if age > 5 and len(order.trade.orders) == 1:
                    market.replace_order(order, price_ticks_away(order.order_type.price, -1))
                elif age > 20:
                    market.cancel_order(order)


STRATEGIES: dict[str, Any] = {
    "lay": lambda: Lay(max_order_exposure=1000, max_selection_exposure=105),
    "churn": lambda: Churn(max_order_exposure=1e9, max_selection_exposure=1e9, max_live_trade_count=10**9),
}


def simulate(strategy: str, url: str, files: list[str]) -> dict[str, Any]:
    """Simulate once; `url` is empty where nothing is to be written."""
    framework = FlumineSimulation(client=SimulatedClient(transaction_limit=None, min_bet_validation=False))
    spool = tempfile.TemporaryDirectory()
    if url:
        from flumine_dblog.database import Database, migrate, parse_url
        from flumine_dblog.plugin import DatabaseLog

        migrate(Database(parse_url(url)).engine)
        framework.add_logging_control(DatabaseLog(url, spool=Path(spool.name), close_seconds=600.0))
    streams = [HistoricalStream(path) for path in files]
    for stream in streams:
        framework.add_stream(stream)
    made = STRATEGIES[strategy]()
    made.streams = streams
    framework.add_strategy(made)
    start, own, every = time.perf_counter(), time.thread_time(), time.process_time()
    framework.run()
    seconds = time.perf_counter() - start
    writer = resource.getrusage(resource.RUSAGE_CHILDREN)
    orders = [order for market in framework.markets for order in market.blotter]
    return {
        "seconds": seconds,
        "thread": time.thread_time() - own,
        "process": time.process_time() - every,
        "writer": writer.ru_utime + writer.ru_stime,
        "orders": len(orders),
        "refusals": len(framework.refusals),
        "profit": round(sum(order.profit for order in orders), 2),
        "faults": {str(key): value for key, value in framework.faults.counts.items()},
    }


def in_process(strategy: str, url: str, files: list[str]) -> dict[str, Any]:
    """Simulate in a process of its own."""
    command = [sys.executable, __file__, "--one", "--strategy", strategy, "--url", url, *files]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr[-3000:])
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    if found["faults"]:
        sys.exit(f"faults: {found['faults']}")
    return found


def repeated(files: list[str], folder: Path, count: int) -> list[str]:
    """Write each file `count` times under other market ids."""
    made = []
    for number in range(count):
        for position, file in enumerate(files):
            old = Path(file).name.rpartition("-")[2]
            path = folder / f"1.7{number:04d}{position:04d}"
            path.write_bytes(Path(file).read_bytes().replace(old.encode(), path.name.encode()))
            made.append(str(path))
    return made


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser()
    parser.add_argument("files", nargs="+")
    parser.add_argument("--strategy", choices=STRATEGIES, default="lay")
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--url", default="")
    parser.add_argument("--one", action="store_true")
    options = parser.parse_args()
    if options.one:
        print(json.dumps(simulate(options.strategy, options.url, options.files)))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        once = in_process(options.strategy, "", options.files)
        files = repeated(options.files, folder, max(round(options.seconds / once["seconds"]), 1))
        without, with_it = [], []
        for pair in range(options.pairs):
            url = options.url or f"sqlite:///{folder / f'{pair}.db'}"
            without.append(in_process(options.strategy, "", files))
            with_it.append(in_process(options.strategy, url, files))
            a, b = without[-1], with_it[-1]
            same = all(a[key] == b[key] for key in ("orders", "refusals", "profit"))
            print(
                f"{a['seconds']:6.1f} s without, {b['seconds']:6.1f} s with: {b['seconds'] / a['seconds']:.3f}  "
                f"(CPU of the loop {a['thread']:.2f} s, {b['thread']:.2f} s; of its process {a['process']:.2f} s, "
                f"{b['process']:.2f} s; of the process that writes {b['writer']:.2f} s) "
                f"{a['orders']} orders, {a['refusals']} refusals{'' if same else ', NOT THE SAME WORK'}",
                flush=True,
            )
        ratios = [b["seconds"] / a["seconds"] for a, b in zip(without, with_it, strict=True)]
        least = [min(each["seconds"] for each in side) for side in (with_it, without)]
        print(f"median ratio {median(ratios):.3f}, ratio of the least times {least[0] / least[1]:.3f}")


if __name__ == "__main__":
    main()
