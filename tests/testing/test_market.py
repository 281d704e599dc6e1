"""Markets written by hand come through the stream as they were said."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from flumine_core import BaseStrategy
from flumine_core.errors import DataError
from flumine_core.testing.market import MarketScript

Market = Callable[..., MarketScript]


class Keeping(BaseStrategy):
    """Keeps every book that is not CLOSED, and the closing one."""

    def __init__(self) -> None:
        super().__init__()
        self.books: list[Any] = []
        self.markets: list[Any] = []

    def check_market_book(self, market: Any, market_book: Any) -> bool:
        self.books.append(market_book)
        return False

    def process_closed_market(self, market: Any, market_book: Any) -> None:
        self.books.append(market_book)
        self.markets.append(market)


def books_of(script: MarketScript, run: Any) -> list[Any]:
    strategy = Keeping()
    assert not run(strategy, script).framework.bad_lines
    return strategy.books


def test_each_call_is_a_book(market: Market, run: Any) -> None:
    script = market().runners(3).back(1, 2.0, 100).lay(1, 2.02, 50).traded(1, 2.0, 30).suspend().inplay(5).win(1)
    books = books_of(script, run)
    assert [(book.status, book.inplay, book.bet_delay) for book in books] == [
        ("OPEN", False, 0),
        ("OPEN", False, 0),
        ("OPEN", False, 0),
        ("OPEN", False, 0),
        ("SUSPENDED", False, 0),
        ("OPEN", True, 5),
        ("CLOSED", True, 5),
    ]
    first = books[3].runners[0]
    assert (first.ex.available_to_back[0].price, first.ex.available_to_back[0].size) == (2.0, 100)
    assert (first.ex.available_to_lay[0].price, first.ex.traded_volume[0].size) == (2.02, 30)
    assert (first.last_price_traded, first.total_matched) == (2.0, 30)
    assert [runner.status for runner in books[-1].runners] == ["WINNER", "LOSER", "LOSER"]
    assert [book.version for book in books] == [1, 1, 1, 1, 2, 3, 4]


def test_traded_volume_adds_up(market: Market, run: Any) -> None:
    books = books_of(market().traded(1, 2.0, 30).traded(1, 2.0, 12).traded(1, 1.5, 8), run)
    levels = [(level.price, level.size) for level in books[-1].runners[0].ex.traded_volume]
    assert sorted(levels) == [(1.5, 8), (2.0, 42)]
    assert books[-1].runners[0].total_matched == 50


def test_levels_of_one_book(market: Market, run: Any) -> None:
    script = market().ladder(2, back=[(3.0, 10), (2.9, 20)], lay=[(3.1, 5)]).back(2, 3.0, 0)
    books = books_of(script, run)
    assert [(level.price, level.size) for level in books[1].runners[1].ex.available_to_back] == [(3.0, 10), (2.9, 20)]
    assert [level.price for level in books[2].runners[1].ex.available_to_back] == [2.9]


def test_removal_and_starting_price(market: Market, run: Any) -> None:
    books = books_of(market().runners(47972, 47973, 47999).remove(47973, 12.5).bsp(47972, 3.4).win(47972), run)
    gone = books[1].runners[1]
    assert (gone.status, gone.adjustment_factor) == ("REMOVED", 12.5)
    assert books[1].number_of_active_runners == 2
    assert books[2].bsp_reconciled and books[2].runners[0].sp.actual_sp == 3.4
    assert [runner.status for runner in books[3].runners] == ["WINNER", "REMOVED", "LOSER"]


def test_time_passes(market: Market, run: Any) -> None:
    books = books_of(market(step_ms=200).back(1, 2.0, 5).wait(60).back(1, 2.0, 6), run)
    opened = datetime(2026, 6, 1, 13, 50, tzinfo=UTC)
    seconds = [(book.publish_time.replace(tzinfo=UTC) - opened).total_seconds() for book in books]
    assert seconds == [0, 0.2, 60.4, 60.6]


def test_fields_of_the_definition(market: Market, run: Any) -> None:
    strategy = Keeping()
    script = market("1.5", marketType="PLACE", numberOfWinners=2, venue=None).define(betDelay=8).win(1, 2)
    run(strategy, script)
    (seen,) = strategy.markets
    assert (seen.market_id, seen.market_type) == ("1.5", "PLACE")
    assert strategy.books[1].bet_delay == 8
    assert [runner.status for runner in strategy.books[-1].runners] == ["WINNER", "WINNER"]


def test_a_longer_script_leaves_the_shorter_one(market: Market) -> None:
    base = market().runners(2).back(1, 2.0, 100)
    assert len([*base.win(1).lines()]) == 3
    assert len([*base.lines()]) == 3
    assert [*base.lines()] == [*base.lines()]


def test_lines_and_files(market: Market, tmp_path: Path) -> None:
    script = market().back(1, 2.0, 100)
    image, change, last = (json.loads(line) for line in script.lines())
    assert image["mc"][0]["img"] and image["mc"][0]["marketDefinition"]["status"] == "OPEN"
    assert change["mc"] == [{"id": "1.100000001", "rc": [{"id": 1, "atb": [[2.0, 100]]}]}]
    assert last["mc"] == [{"id": "1.100000001", "rc": []}]
    assert script.write(tmp_path / "plain").read_bytes() == b"".join(script.lines())
    assert script.write(tmp_path / "1.zst").read_bytes()[:4] == b"\x28\xb5\x2f\xfd"


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda script: script.back(7, 2.0, 1), r"one of the market's runners \(1, 2\), was 7"),
        (lambda script: script.win(3), "was 3"),
        (lambda script: script.back(1, 2.0, 1).runners(3), "before the first book"),
        (lambda script: script.runners(0), "a number > 0"),
        (lambda script: script.runners(5, 5), "different selection ids"),
    ],
)
def test_nonsense_is_refused(market: Market, write: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        write(market())
