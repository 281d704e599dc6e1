"""`simulate --output`: how text is spelt in the CSV files."""

import csv
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

STRATEGY = """
from flumine_core import BaseStrategy, LimitOrder, Trade

class Noting(BaseStrategy):
    def check_market_book(self, market, market_book):
        return market_book.status == "OPEN" and not market.blotter

    def process_market_book(self, market, market_book):
        runner = next(each for each in market_book.runners if each.status == "ACTIVE")
        trade = Trade(market.market_id, runner.selection_id, 0, self)
        market.place_order(trade.create_order("BACK", LimitOrder(1.01, 2.0), notes={"why": "one\\rtwo"}))
"""


def test_a_lone_cr_in_a_text_is_quoted_and_rows_end_in_lf(
    cli: Callable[..., Result], market: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "noting_strategy.py").write_text(STRATEGY)
    monkeypatch.syspath_prepend(tmp_path)
    assert cli("simulate", market, "--strategy", "noting_strategy:Noting", "--output", "out").exit_code == 0
    text = (tmp_path / "out" / "orders.csv").read_bytes().decode()
    assert '"one\rtwo"' in text and "\r\n" not in text and text.endswith("\n")
    with (tmp_path / "out" / "orders.csv").open(newline="") as file:
        rows = list(csv.DictReader(file, strict=True))
    assert [row["notes"] for row in rows] == ["one\rtwo"]
