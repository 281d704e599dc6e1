"""What a simulation writes: each kind of row, and what the options change."""

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from flumine_csvlog.plugin import CsvLog
from flumine_csvlog.rows import COLUMNS

from flumine_core import FlumineCoreError
from flumine_core.synthetic.market import SyntheticMarket

Simulate = Callable[..., Any]
Read = Callable[[Path], list[dict[str, str]]]

TEXT = {"market_id", "order_id", "strategy", "side", "status", "runner_status"}
NUMBERS = {"selection_id", "handicap", "size_matched", "average_price_matched", "size_cancelled", "profit"}


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "log"


def test_there_is_a_row_for_every_order(simulate: Simulate, markets: list[Path], target: Path, read: Read) -> None:
    framework = simulate(CsvLog(target), *markets)
    orders = {order.id: order for market in framework.markets for order in market.blotter}
    rows = read(target / "orders.csv")
    assert [row["order_id"] for row in rows] == list(orders)
    assert len(rows) == 12
    for row in rows:
        order = orders[row["order_id"]]
        info = {"strategy": "EachKind", "status": order.status.value, "order_id": order.id}
        for name in TEXT:
            assert row[name] == str(info.get(name) or getattr(order, name)), name
        for name in NUMBERS:
            assert float(row[name]) == getattr(order, name), name
        assert row["notes"] == 'a "hunch",\nno more\r'
        assert datetime.fromisoformat(row["date_time_created"]) == order.date_time_created
        assert row["date_time_created"].endswith("+00:00")
    assert framework.faults.total == 0
    assert tuple(rows[0]) == COLUMNS["orders"]


def test_starting_price_orders_have_their_liability_as_size(
    simulate: Simulate, markets: list[Path], target: Path, read: Read
) -> None:
    simulate(CsvLog(target), markets[0])
    told = [(row["order_type"], row["price"], row["size"]) for row in read(target / "orders.csv")]
    assert told == [
        ("LIMIT", "1.01", "2.0"),
        ("LIMIT", "1.01", "3.0"),
        ("LIMIT_ON_CLOSE", "1.5", "20.0"),
        ("MARKET_ON_CLOSE", "", "30.0"),
    ]
    matched = [float(row["size_matched"]) for row in read(target / "orders.csv")]
    assert matched[2] > 0 and matched[3] > 0


def test_each_kind_has_its_file(simulate: Simulate, markets: list[Path], target: Path, read: Read) -> None:
    simulate(CsvLog(target), *markets)
    assert {path.name for path in target.iterdir()} == {f"{kind}.csv" for kind in COLUMNS if kind != "order_status"}
    assert [row["market_id"] for row in read(target / "markets.csv")] == ["1.100000001", "1.100000002", "1.100000030"]
    trades = read(target / "trades.csv")
    assert [row["orders"] for row in trades] == ["1"] * 12
    orders = read(target / "orders.csv")
    assert sum(float(row["profit"]) for row in trades) == pytest.approx(sum(float(row["profit"]) for row in orders))
    cleared = read(target / "cleared_markets.csv")
    assert [row["market_id"] for row in cleared] == ["1.100000001", "1.100000002", "1.100000030"]
    assert read(target / "cleared_orders.csv") == []


def test_a_refusal_has_its_time_reason_and_numbers(
    simulate: Simulate, markets: list[Path], target: Path, read: Read
) -> None:
    framework = simulate(CsvLog(target), markets[0])
    (row,) = read(target / "refusals.csv")
    (refusal,) = framework.refusals
    assert (row["control"], row["reason"], row["order_id"]) == (refusal.control, refusal.reason, refusal.order_id)
    assert json.loads(row["numbers"]) == refusal.numbers
    assert row["date_time"] == read(target / "orders.csv")[0]["date_time_created"]


def test_changes_of_status_are_an_option(simulate: Simulate, markets: list[Path], target: Path, read: Read) -> None:
    framework = simulate(CsvLog(target, status_changes=True), markets[0])
    rows = read(target / "order_status.csv")
    for market in framework.markets:
        for order in market.blotter:
            told = [row["status"] for row in rows if row["order_id"] == order.id]
            assert [status for status, before in zip(told, [None, *told], strict=False) if status != before] == [
                status.value for status in order.status_log
            ]


def test_orders_of_a_market_that_never_closes_are_there(
    simulate: Simulate, markets: list[Path], target: Path, read: Read
) -> None:
    lines = markets[0].read_bytes().splitlines(keepends=True)
    markets[0].write_bytes(b"".join(lines[:30]))
    simulate(CsvLog(target), markets[0])
    assert len(read(target / "orders.csv")) == len(read(target / "trades.csv")) == 4
    (market,) = read(target / "markets.csv")
    assert market["closed"] == "False"


def test_a_market_that_closes_twice_brings_what_has_changed(
    simulate: Simulate, markets: list[Path], target: Path, read: Read
) -> None:
    path = SyntheticMarket(updates=60, reopen_after_close=True).write(markets[0])
    framework = simulate(CsvLog(target), path)
    rows = read(target / "orders.csv")
    last = {row["order_id"]: float(row["profit"]) for row in rows}
    assert last == {order.id: order.profit for market in framework.markets for order in market.blotter}
    assert len({tuple(row.values()) for row in rows}) == len(rows)


def test_the_next_run_appends(simulate: Simulate, markets: list[Path], target: Path, read: Read) -> None:
    for market in markets:
        simulate(CsvLog(target), market)
    assert [row["market_id"] for row in read(target / "markets.csv")] == [path.name for path in markets]
    assert (target / "orders.csv").read_text().count("market_id") == 1


@pytest.mark.parametrize(
    ("rotation", "folders"),
    [
        ("day", {"2024-06-01": 8, "2024-06-02": 4}),
        ("market", {"1.100000001": 4, "1.100000002": 4, "1.100000030": 4}),
        ("run", {"run-1": 12}),
    ],
)
def test_rotation(
    simulate: Simulate, markets: list[Path], target: Path, rotation: Any, folders: dict[str, int], read: Read
) -> None:
    simulate(CsvLog(target, rotation=rotation), *markets)
    assert {path.name: len(read(path / "orders.csv")) for path in target.iterdir()} == folders
    simulate(CsvLog(target, rotation=rotation), markets[0])
    assert ("run-2" in {path.name for path in target.iterdir()}) is (rotation == "run")


def test_more_markets_than_files_may_be_open(simulate: Simulate, tmp_path: Path, target: Path, read: Read) -> None:
    ids = [f"1.2000000{number:02d}" for number in range(30)]
    paths = [SyntheticMarket(updates=20, market_id=market_id).write(tmp_path / market_id) for market_id in ids]
    framework = simulate(CsvLog(target, rotation="market", gzip=True), *paths)
    assert [len(read(target / market_id / "orders.csv.gz")) for market_id in ids] == [4] * 30
    assert framework.faults.total == 0


def test_gzip_is_the_same_compressed(simulate: Simulate, markets: list[Path], target: Path, read: Read) -> None:
    for market in markets:
        simulate(CsvLog(target / "plain"), market)
        simulate(CsvLog(target / "gzip", gzip=True), market)
    for path in (target / "plain").iterdir():
        assert read(target / "gzip" / f"{path.name}.gz") == read(path)


def test_columns_are_chosen(simulate: Simulate, markets: list[Path], target: Path) -> None:
    simulate(CsvLog(target, columns={"orders": ["side", "market_id"], "trades": []}), markets[2])
    assert (target / "orders.csv").read_text().splitlines()[:2] == ["side,market_id", "BACK,1.100000030"]
    assert not (target / "trades.csv").exists()


def test_other_columns_go_to_another_file(simulate: Simulate, markets: list[Path], target: Path, read: Read) -> None:
    simulate(CsvLog(target), markets[0])
    before = (target / "orders.csv").read_bytes()
    simulate(CsvLog(target, columns={"orders": ["market_id"]}), markets[0])
    assert (target / "orders.csv").read_bytes() == before
    assert read(target / "orders.2.csv") == [{"market_id": "1.100000001"}] * 4


@pytest.mark.parametrize(
    ("columns", "match"),
    [({"order": ["side"]}, "must be of orders, .* was 'order'"), ({"orders": ["sid"]}, "was 'sid'")],
)
def test_unknown_columns_are_refused(columns: dict[str, list[str]], match: str) -> None:
    with pytest.raises(FlumineCoreError, match=match):
        CsvLog(columns=columns)
