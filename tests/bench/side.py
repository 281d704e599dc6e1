"""One measured simulation, under either framework: `side.py SIDE WORKLOAD FILE...` prints one JSON object."""

import json
import os
import resource
import sys
import time
from typing import Any

SIDE, WORKLOAD, *FILES = sys.argv[1:]
os.environ["FLUMINE_CORE_BENCH_SIDE"] = SIDE

from bench_strategies import STRATEGIES  # noqa: E402

if SIDE == "flumine":
    import logging

    from flumine import FlumineSimulation, clients
    from flumine.streams.betfairhistoricalstream import BetfairHistoricalStream

    logging.disable(logging.CRITICAL)
else:
    from flumine_core import BetfairHistoricalStream, FlumineSimulation, clients


def simulate(files: list[str]) -> dict[str, Any]:
    """Simulate and return seconds, orders and sums."""
    strategy_class, options = STRATEGIES[WORKLOAD.removeprefix("pool-")]
    framework = FlumineSimulation(client=clients.SimulatedClient(transaction_limit=None, min_bet_validation=False))
    streams = [BetfairHistoricalStream(file_path=path) for path in files]
    for stream in streams:
        framework.add_stream(stream)
    strategy = strategy_class(streams=streams, **options)
    framework.add_strategy(strategy)
    start = time.perf_counter()
    framework.run()
    seconds = time.perf_counter() - start
    orders = [order for market in framework.markets for order in market.blotter.strategy_orders(strategy)]
    return {
        "seconds": seconds,
        "markets": len(framework.markets),
        "orders": len(orders),
        "matched": round(sum(order.size_matched for order in orders), 2),
        "profit": round(sum(order.profit for order in orders), 2),
    }


def one(path: str) -> int:
    """Simulate one file in a pool's worker, as flumine's documentation shows."""
    return int(simulate([path])["markets"])


def pooled(files: list[str]) -> dict[str, Any]:
    """Simulate many files on two processes."""
    start = time.perf_counter()
    if SIDE == "flumine":
        from concurrent.futures import ProcessPoolExecutor

        with ProcessPoolExecutor(max_workers=2) as pool:
            markets = sum(pool.map(one, files))
    else:
        from flumine_core.plain import Named
        from flumine_core.run import Run
        from flumine_core.run import simulate as run

        name = {"no-op": "NoOp", "top": "TopOfBook"}[WORKLOAD.removeprefix("pool-")]
        made = Run((Named(f"bench_strategies:{name}"),), tuple(files), workers=2)
        result = run(made, take=lambda each: None)
        markets = result.market_count
        assert not result.error_count, result
    return {"seconds": time.perf_counter() - start, "markets": markets, "orders": 0, "matched": 0, "profit": 0}


if __name__ == "__main__":
    found = pooled(FILES) if WORKLOAD.startswith("pool-") else simulate(FILES)
    found["rss"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps(found))
