"""Run jobs under one framework: `python -m oracle.runner JOBS.json RESULTS.json`.

A job is plain data (files, settings, clients, strategies), a result is plain data (orders, markets, calls), so that
the two frameworks never meet in one process.
"""

import json
import logging
import sys
import time
import traceback
from pathlib import Path
from typing import Any

from .naive import NaiveStrategy
from .shim import BetfairHistoricalStream, SimulatedClient, make_framework, transaction_number
from .strategies import RandomStrategy

UNLIMITED = 10**9


def epoch_ms(moment: Any) -> int | None:
    """Return milliseconds since 1970 of a datetime of either framework."""
    return None if moment is None else round(moment.timestamp() * 1000)


def describe(order: Any, key: str, in_blotter: bool) -> dict[str, Any]:
    """Return what is compared of an order."""
    kind = order.order_type
    return {
        "key": key,
        "in_blotter": in_blotter,
        "market_id": order.market_id,
        "selection_id": order.selection_id,
        "handicap": order.handicap,
        "side": order.side,
        "kind": kind.ORDER_TYPE.name,
        "price": getattr(kind, "price", None),
        "size": getattr(kind, "size", None),
        "liability": getattr(kind, "liability", None),
        "persistence": getattr(kind, "persistence_type", None),
        "client": order.client.username if order.client else None,
        "status": order.status.value if order.status else None,
        "complete": bool(order.complete),
        "size_matched": order.size_matched,
        "average_price_matched": order.average_price_matched,
        "size_remaining": order.size_remaining,
        "size_cancelled": order.size_cancelled,
        "size_lapsed": order.size_lapsed,
        "size_voided": order.size_voided,
        "profit": order.profit,
        "has_bet_id": order.bet_id is not None,
        "bet_id": order.bet_id,
        "placed_ms": epoch_ms(order.responses.date_time_placed),
        "complete_ms": epoch_ms(order.date_time_execution_complete),
        "created_ms": epoch_ms(order.date_time_created),
        "published_ms": epoch_ms(order.publish_time),
        "runner_status": order.runner_status,
        "market_type": order.market_type,
        "dead_heat": order.number_of_dead_heat_winners,
        "line_range_result": order.line_range_result,
        "market_notes": order.market_notes,
        "status_log": [s.value for s in order.status_log],
    }


def run_job(job: dict[str, Any]) -> dict[str, Any]:
    """Run one job and return its result."""
    clients = [
        SimulatedClient(**{"transaction_limit": UNLIMITED, "min_bet_validation": False, **options})
        for options in job["clients"]
    ]
    framework = make_framework(clients, job.get("settings", {}))
    streams = []
    for path in job["files"]:
        stream = BetfairHistoricalStream(file_path=path, listener_kwargs=job.get("listener_kwargs") or {})
        framework.add_stream(stream)
        streams.append(stream)
    strategies = []
    for spec in job["strategies"]:
        kind = NaiveStrategy if spec["name"].startswith("naive") else RandomStrategy
        strategy = kind(
            seed=spec["seed"],
            client=clients[spec.get("client", 0)],
            params=spec.get("params", {}),
            name=spec["name"],
            streams=streams,
        )
        framework.add_strategy(strategy)
        strategies.append(strategy)
    start = time.perf_counter()
    framework.run()
    seconds = time.perf_counter() - start
    markets = list(framework.markets)
    entered = {order.id for market in markets for order in market.blotter}
    orders: dict[str, list[dict[str, Any]]] = {}
    for strategy in strategies:
        orders[strategy.name] = [
            describe(order, f"{key}.{position}", order.id in entered)
            for key, trade in strategy.trades.items()
            for position, order in enumerate(trade.orders)
        ]
    return {
        "seconds": seconds,
        "orders": orders,
        "trace": {s.name: s.trace for s in strategies},
        "calls": {s.name: s.calls for s in strategies},
        "markets": {
            market.market_id: {
                "closed": market.closed,
                "transactions": transaction_number(market),
                "blotter": len(market.blotter),
                "cleared": {c.username: cleared(market, c) for c in clients},
            }
            for market in markets
        },
    }


def cleared(market: Any, client: Any) -> dict[str, Any]:
    """Return the summary of a market's settled orders of one client."""
    summary = market.cleared(client)
    return {name: summary[name] for name in ("betCount", "profit", "commission", "betOutcome")}


def main(jobs_path: str, results_path: str) -> None:
    """Run every job of a file; one that dies leaves its traceback."""
    logging.disable(logging.CRITICAL)
    results = []
    for job in json.loads(Path(jobs_path).read_text()):
        try:
            result = run_job(job)
        except Exception:
            result = {"died": traceback.format_exc()}
        results.append({"name": job["name"], **result})
    Path(results_path).write_text(json.dumps(results))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
