"""Events as a live run brings them: bets cleared by the exchange, a market that is cleared client by client."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from betfairlightweight.resources import ClearedOrders
from flumine_csvlog.plugin import CsvLog

from flumine_core.events import (
    ClearedOrdersEvent,
    ClearedOrdersMetaEvent,
    CloseMarketEvent,
    Event,
    MarketEvent,
    OrderStatusEvent,
)

Read = Callable[[Path], list[dict[str, str]]]

ORDER = {
    "market_id": "1.100000010",
    "selection_id": 7,
    "handicap": 0,
    "id": "1",
    "bet_id": "200",
    "date_time_created": "2024-06-01 12:50:00.123000+00:00",
    "date_time_status_update": "2024-06-01 12:51:00+00:00",
    "date_time_execution_complete": None,
    "trade": {"id": "1.100000010-1", "strategy": "Own", "status": "Live", "notes": "", "status_log": ""},
    "order_type": {"order_type": "Limit on close", "liability": 5.0, "price": 1.5},
    "info": {"side": "LAY", "size_matched": 0.0},
    "responses": {"date_time_placed": "2024-06-01 12:50:01+00:00"},
    "status": "Executable",
    "profit": 0.0,
}


def handle(control: CsvLog, *events: Event) -> list[Any]:
    """Let a control handle events and end; return its faults."""
    faults: list[Any] = []
    for event in events:
        control.put(event)
    control.start(lambda *fault: faults.append(fault))
    control.stop()
    return faults


def test_cleared_bets_are_written_with_times_in_utc(tmp_path: Path, read: Read) -> None:
    bet = {"betId": "200", "marketId": "1.100000010", "profit": -2.0, "settledDate": "2024-06-01T13:10:00.000Z"}
    cleared = ClearedOrders(clearedOrders=[bet], moreAvailable=False)
    event = ClearedOrdersEvent("1.100000010", [vars(order) for order in cleared.orders])
    assert handle(CsvLog(tmp_path), event) == []
    (row,) = read(tmp_path / "cleared_orders.csv")
    assert (row["market_id"], row["bet_id"], row["profit"]) == ("1.100000010", "200", "-2.0")
    assert row["settled_date"] == "2024-06-01T13:10:00.000+00:00"


@pytest.mark.parametrize(("profit", "rows"), [(0.0, ["0.0"]), (2.5, ["0.0", "2.5"])])
def test_clearing_again_brings_only_what_has_changed(
    tmp_path: Path, read: Read, profit: float, rows: list[str]
) -> None:
    again = {**ORDER, "profit": profit}
    events = (OrderStatusEvent(ORDER), ClearedOrdersMetaEvent([ORDER]), ClearedOrdersMetaEvent([again]))
    assert handle(CsvLog(tmp_path), *events) == []
    assert [row["profit"] for row in read(tmp_path / "orders.csv")] == rows
    assert [row["profit"] for row in read(tmp_path / "trades.csv")] == rows


def test_a_change_after_the_clearing_of_a_market_leaves_its_trade_whole(tmp_path: Path, read: Read) -> None:
    first = {**ORDER, "id": "1", "profit": -5.0, "info": {"side": "LAY", "size_matched": 2.0}}
    second = {**ORDER, "id": "2", "profit": 7.0, "date_time_created": "2024-06-01 12:55:00+00:00"}
    second["info"] = {"side": "BACK", "size_matched": 3.0}
    voided = {**second, "status": "Voided", "profit": 0.0, "info": {"side": "BACK", "size_matched": 0.0}}
    cleared = (OrderStatusEvent(first), OrderStatusEvent(second), ClearedOrdersMetaEvent([first, second]))
    assert handle(CsvLog(tmp_path), *cleared, OrderStatusEvent(voided)) == []
    rows = read(tmp_path / "trades.csv")
    assert [(row["orders"], row["size_matched"], row["profit"]) for row in rows] == [
        ("2", "5.0", "2.0"),
        ("2", "2.0", "-5.0"),
    ]
    assert {row["date_time_created"] for row in rows} == {"2024-06-01T12:50:00.123+00:00"}
    assert [row["order_id"] for row in read(tmp_path / "orders.csv")] == ["1", "2", "2"]


@pytest.mark.parametrize("text", ["one\rtwo", "\r", "one\r\ntwo\r", 'a "hunch",\nno more'])
def test_line_ends_in_a_text_are_quoted(tmp_path: Path, text: str) -> None:
    """A lone CR, too: readers take it for the end of a row."""
    order = {**ORDER, "trade": {**ORDER["trade"], "notes": text}}  # type: ignore[dict-item]
    assert handle(CsvLog(tmp_path, columns={"trades": ["notes", "orders"]}), OrderStatusEvent(order)) == []
    quoted = text.replace('"', '""')
    assert (tmp_path / "trades.csv").read_bytes().decode() == f'notes,orders\n"{quoted}",1\n'


def test_a_tilde_is_the_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path))
    assert handle(CsvLog(Path("~/log")), OrderStatusEvent(ORDER)) == []
    assert (tmp_path / "log/orders.csv").exists()


def test_an_order_that_nobody_clears_is_written_at_the_end(tmp_path: Path, read: Read) -> None:
    assert handle(CsvLog(tmp_path), OrderStatusEvent(ORDER)) == []
    (row,) = read(tmp_path / "orders.csv")
    assert row["date_time_created"] == "2024-06-01T12:50:00.123+00:00"
    assert (row["order_type"], row["price"], row["size"]) == ("LIMIT_ON_CLOSE", "1.5", "5.0")


def test_a_market_of_which_nothing_is_known_yet_has_no_day(tmp_path: Path, read: Read) -> None:
    """After a restart orders may be known before any book of their market."""
    info = {"market_id": "1.100000010", "market_start_datetime": "1970-01-01 00:00:00+00:00"}
    control = CsvLog(tmp_path, rotation="day", status_changes=True)
    known = {**info, "market_start_datetime": "2024-06-01 13:00:00+00:00"}
    closed = (CloseMarketEvent(known), ClearedOrdersMetaEvent([{**ORDER, "status": "Execution complete"}]))
    assert handle(control, MarketEvent(info), OrderStatusEvent(ORDER), *closed) == []
    assert {path.name for path in tmp_path.iterdir()} == {"unknown", "2024-06-01"}
    assert len(read(tmp_path / "unknown" / "order_status.csv")) == 1
    for kind in ("orders", "trades", "markets"):
        assert len(read(tmp_path / "2024-06-01" / f"{kind}.csv")) == 1


def test_a_market_that_was_never_seen_has_no_start(tmp_path: Path, read: Read) -> None:
    info = {"market_id": "1.100000010", "market_start_datetime": "1970-01-01 00:00:00+00:00"}
    assert handle(CsvLog(tmp_path), MarketEvent(info)) == []
    assert [row["market_start_datetime"] for row in read(tmp_path / "markets.csv")] == [""]
