"""A simulation writes what it has done into each kind of database."""

import json
from typing import Any

import pytest
from flumine_core.events import BalanceEvent, ClearedMarketsEvent, ClearedOrdersEvent, ConfigEvent

from flumine_dblog.plugin import DatabaseLog


def test_a_run_is_written_as_it_was(simulate: Any, url: str, tools: Any) -> None:
    framework = simulate(url, run="tuesday")
    assert not framework.faults.counts
    own = tools.own_results(framework)
    assert len(own) > 100
    assert tools.written_results(url) == own
    assert {row[-1] for row in own} != {"runner_status": None}


def test_every_table_is_filled(simulate: Any, url: str, tools: Any) -> None:
    framework = simulate(url, run="tuesday")
    run = tools.query(url, "SELECT id, name, simulated, version, plugins, configuration FROM runs")
    assert [row[:4] for row in run] == [(1, "tuesday", True, run[0][3])]
    plain = [json.loads(value) if isinstance(value, str) else value for value in run[0][4:]]
    assert plain[0]["flumine-dblog"] and plain[1]["simulated"] is True
    times = tools.query(url, "SELECT count(*) FROM runs WHERE started <= ended")
    assert times == [(1,)]
    assert tools.query(url, "SELECT name, max_order_exposure FROM strategies") == [("Busy", 50)]
    assert tools.query(url, "SELECT market_id, market_type, status, closed FROM markets ORDER BY market_id") == [
        ("1.300000001", "WIN", "CLOSED", True),
        ("1.300000002", "WIN", "CLOSED", True),
        ("1.300000003", "MATCH_ODDS", "CLOSED", True),
    ]
    statuses = tools.query(url, "SELECT status, count(*) FROM runners GROUP BY status ORDER BY status")
    assert statuses == [("LOSER", 19), ("REMOVED", 1), ("WINNER", 3)]
    assert tools.count(url, "refusals") == len(framework.refusals) > 0
    reasons = tools.query(url, "SELECT control, reason, numbers FROM refusals ORDER BY sequence")
    first = framework.refusals[0]
    numbers = reasons[0][2] if not isinstance(reasons[0][2], str) else json.loads(reasons[0][2])
    assert (reasons[0][0], reasons[0][1], numbers) == (first.control, first.reason, dict(first.numbers))
    assert tools.count(url, "cleared_markets") == 3
    profits = tools.query(url, "SELECT sum(profit) FROM cleared_markets")[0][0]
    assert profits == pytest.approx(sum(row[7] for row in tools.own_results(framework)))
    trades = {order.trade.id for market in framework.markets for order in market.blotter}
    assert tools.count(url, "trades") == len(trades)


def test_a_refused_order_is_a_refusal_alone(simulate: Any, url: str, tools: Any) -> None:
    framework = simulate(url)
    stakes = {refusal.order_id for refusal in framework.refusals if refusal.control == "StrategyExposure"}
    found = tools.query(url, "SELECT order_id, side, size FROM refusals WHERE control = 'StrategyExposure'")
    assert {row[0] for row in found} == stakes and len(found) >= len(stakes)
    assert {row[1] for row in found} == {"BACK", "LAY"} and 100 in {row[2] for row in found}
    kept = {order.id for market in framework.markets for order in market.blotter}
    assert {row[0] for row in tools.query(url, "SELECT id FROM orders")} & stakes <= kept


def test_order_events_tell_an_orders_life(simulate: Any, url: str, tools: Any) -> None:
    framework = simulate(url)
    orders = [order for market in framework.markets for order in market.blotter]
    order = max(orders, key=lambda order: len(order.status_log))
    events = tools.query(
        url, "SELECT status, size_matched FROM order_events WHERE order_id = :id ORDER BY sequence", id=order.id
    )
    statuses = [status for status, _ in events]
    assert statuses[0] == "Pending" and statuses[-1] == "Execution complete"
    assert [each for each, before in zip(statuses, [None, *statuses], strict=False) if each != before] == [
        status.value for status in order.status_log
    ]
    assert events[-1][1] == order.size_matched


def test_texts_come_back_as_they_were(simulate: Any, url: str, tools: Any) -> None:
    simulate(url)
    assert tools.query(url, "SELECT DISTINCT notes FROM orders") == [("a,b\n'c' \u2603",)]


def test_times_come_back_to_the_millisecond(simulate: Any, url: str, tools: Any) -> None:
    from sqlalchemy import create_engine

    from flumine_dblog.questions import list_orders

    framework = simulate(url)
    own = {
        order.id: order.date_time_created.isoformat(timespec="milliseconds")
        for market in framework.markets
        for order in market.blotter
    }
    engine = create_engine(url)
    with engine.connect() as connection:
        rows = list_orders(connection)
    engine.dispose()
    assert {row["id"]: row["created"] for row in rows if row["id"] in own} == own


def test_live_nouns(url: str, tools: Any, tmp_path: Any) -> None:
    """What a simulation never tells: the exchange's cleared orders and the account's funds."""
    control = DatabaseLog(url, spool=tmp_path / "spool")
    faults: list[Any] = []
    control.start(lambda *fault: faults.append(fault))
    bet = {
        "bet_id": "77",
        "selection_id": 5,
        "handicap": 0.0,
        "profit": -2.5,
        "settled_date": "2024-06-01T13:00:00.000Z",
    }
    for event in (
        ConfigEvent({"simulated": False}),
        ClearedOrdersEvent("1.5", [bet]),
        ClearedOrdersEvent("1.5", [bet | {"profit": -2.0}]),
        ClearedMarketsEvent([{"market_id": "1.5", "profit": 3.0, "commission": 0.15, "bet_count": 1}], "me"),
        ClearedMarketsEvent([{"market_id": "1.5", "profit": -1.0, "commission": 0.0, "bet_count": 2}], "you"),
        BalanceEvent({"username": "me", "availableToBetBalance": 10.5, "exposure": -2.0, "points": 3}),
    ):
        control.put(event)
    control.stop()
    assert not faults
    assert tools.query(url, "SELECT bet_id, market_id, profit FROM cleared_orders") == [("77", "1.5", -2.0)]
    found = tools.query(url, "SELECT client, profit, commission FROM cleared_markets ORDER BY client")
    assert found == [("me", 3.0, 0.15), ("you", -1.0, 0.0)]
    assert tools.query(url, "SELECT client, available_to_bet_balance, exposure FROM balances") == [("me", 10.5, -2.0)]


@pytest.mark.parametrize("bad", ["nul\0inside", "half \ud800 a character"])
def test_a_text_that_no_database_holds_is_mended(bad: str, simulate: Any, url: str, tools: Any) -> None:
    framework = simulate(url, strategy=tools.noting(bad))
    assert not framework.faults.counts
    assert tools.written_results(url) == tools.own_results(framework)


def test_what_the_database_refuses_is_set_aside_alone(simulate: Any, url: str, tools: Any, tmp_path: Any) -> None:
    control = DatabaseLog(url, spool=tmp_path / "spool")
    faults: list[Any] = []
    control.start(lambda *fault: faults.append(fault))
    good = {"market_id": "1.5", "profit": 3.0, "commission": 0.15, "bet_count": 1}
    for number in range(30):
        count = 10**30 if number == 17 else number
        control.put(ClearedMarketsEvent([good | {"market_id": f"1.{number}", "bet_count": count}], "me"))
    control.stop()
    assert tools.count(url, "cleared_markets") == 29
    assert [fault[:2] for fault in faults] == [("DatabaseLog", "database")]
    [path] = (tmp_path / "spool").rglob("*.rejected.jsonl")
    assert json.loads(path.read_text())[2][0] == "1.17"


def test_the_same_market_in_two_frameworks_is_two_runs(
    simulate: Any, sqlite_url: str, tools: Any, market_files: list[str]
) -> None:
    first = simulate(sqlite_url, files=market_files[:1])
    second = simulate(sqlite_url, files=market_files[:1])
    assert tools.written_results(sqlite_url, 1) == tools.own_results(first)
    assert tools.written_results(sqlite_url, 2) == tools.own_results(second)
