"""Markets that have closed: books that still come, and what may still be read."""

import json
from pathlib import Path
from typing import Any

import pytest

from flumine_core import BaseStrategy
from flumine_core.testing.run import run

OPEN = {
    "status": "OPEN",
    "version": 1,
    "eventId": "1",
    "eventTypeId": "7",
    "marketTime": "2020-01-01T00:00:00.000Z",
    "marketType": "WIN",
    "bettingType": "ODDS",
    "runners": [{"id": 1, "status": "ACTIVE"}, {"id": 2, "status": "ACTIVE"}],
}
CLOSED = OPEN | {"status": "CLOSED"}
BACK = [{"id": 1, "atb": [[2.0, 5.0]]}]


class Watcher(BaseStrategy):
    """Notes the statuses of what it is shown."""

    is_opening = False

    def add(self, flumine: Any) -> None:
        self.seen: list[str] = []

    def check_market_book(self, market: Any, market_book: Any) -> bool:
        self.seen.append(market_book.status)
        return False

    def process_closed_market(self, market: Any, market_book: Any) -> None:
        self.seen.append("closed")
        if self.is_opening:
            market.open_market()


class Opener(Watcher):
    """Opens a market as it closes."""

    is_opening = True


def recorded(tmp_path: Path, *changes: dict[str, Any]) -> str:
    """Write a recording of these changes of one market; return its path."""
    path = tmp_path / "1.1"
    lines = [
        json.dumps({"op": "mcm", "pt": 1_000 * number, "mc": [{"id": "1.1", **change}]})
        for number, change in enumerate(changes, 1)
    ]
    path.write_text("\n".join(lines) + "\n")
    return str(path)


def test_a_market_that_is_opened_by_hand_closes_again_with_its_next_closed_book(tmp_path: Path) -> None:
    path = recorded(
        tmp_path, {"img": True, "marketDefinition": OPEN}, {"marketDefinition": CLOSED}, {"rc": BACK}, {"rc": BACK}
    )
    watcher = Opener()
    run(watcher, path)
    assert watcher.seen == ["OPEN", "closed", "closed", "closed"]


@pytest.mark.parametrize("is_image", [False, True])
def test_a_closed_market_has_a_book_that_can_be_read_whatever_came_after(tmp_path: Path, is_image: bool) -> None:
    last = {"marketDefinition": CLOSED, "rc": BACK} | ({"img": True} if is_image else {})
    path = recorded(
        tmp_path,
        {"img": True, "marketDefinition": OPEN},
        {"rc": BACK},
        {"marketDefinition": CLOSED},
        {"marketDefinition": CLOSED},
        last,
    )
    watcher = Watcher()
    outcome = run(watcher, path)
    assert watcher.seen == ["OPEN", "OPEN", "closed"]
    book = outcome.market.market_book
    assert [(runner.selection_id, runner.ex.available_to_back[0].price) for runner in book.runners[:1]] == [(1, 2.0)]


def test_the_book_that_closed_a_market_stays_its_latest(tmp_path: Path) -> None:
    again = [{"marketDefinition": CLOSED | {"version": version}} for version in (2, 3)]
    path = recorded(tmp_path, {"img": True, "marketDefinition": OPEN}, *again)
    market = run(Watcher(), path).market
    assert (market.market_book.version, market.market_book.publish_time_epoch) == (2, 2_000)
