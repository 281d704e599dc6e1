"""`market.context["simulated"]`: the runners, and what was traded on them since the book before."""

import json
from pathlib import Path
from typing import Any

import pytest

from flumine_core import BaseStrategy, Middleware
from flumine_core.synthetic.market import SyntheticMarket

MARKET = "1.100000001"


@pytest.fixture
def recording(tmp_path: Path) -> str:
    """A market of which runner 1 trades at the second and third line, and runner 2 is removed at the fourth."""
    definition = next(SyntheticMarket(updates=20).changes())[1]["marketDefinition"]
    runner = definition["runners"][0]
    runners = [{**runner, "id": selection, "sortPriority": selection, "status": "ACTIVE"} for selection in (1, 2)]
    removed = [runners[0], {**runners[1], "status": "REMOVED", "adjustmentFactor": 10.0}]
    changes: list[dict[str, Any]] = [
        {
            "marketDefinition": {**definition, "runners": runners},
            "img": True,
            "rc": [{"id": 1, "trd": [[2.0, 10.0]]}, {"id": 2, "trd": [[3.0, 5.0]]}],
        },
        {"rc": [{"id": 1, "trd": [[2.0, 14.0], [2.02, 6.0]]}]},
        {"rc": [{"id": 1, "trd": [[2.0, 15.5]]}]},
        {"marketDefinition": {**definition, "runners": removed}},
        {"rc": [{"id": 1, "ltp": 2.5}]},
    ]
    lines = [
        json.dumps({"op": "mcm", "pt": 1_600_000_000_000 + number, "mc": [{"id": MARKET, **change}]})
        for number, change in enumerate(changes)
    ]
    path = tmp_path / MARKET
    path.write_text("\n".join(lines) + "\n")
    return str(path)


def test_traded_since_the_book_before_by_runner(simulate: Any, recording: str) -> None:
    seen: list[dict[Any, Any]] = []

    class Reads(BaseStrategy):
        def check_market_book(self, market: Any, market_book: Any) -> bool:
            runners = market.context["simulated"]
            assert len(runners) == len(list(runners))
            for key, each in runners.items():
                assert each.runner is market_book.runner(*key)
            seen.append({key: each.traded for key, each in runners.items()})
            return False

    framework = simulate(recording, Reads())
    assert framework.faults.counts == {}
    assert seen == [
        {(1, 0): {}, (2, 0): {}},
        {(1, 0): {2.0: 4.0, 2.02: 6.0}, (2, 0): {}},
        {(1, 0): {2.0: 1.5}, (2, 0): {}},
        {(1, 0): {}},
        {(1, 0): {}},
    ]


def test_it_can_be_asked_for_runners_that_are_not_there(simulate: Any, recording: str) -> None:
    answers: list[Any] = []

    class Reads(BaseStrategy):
        def check_market_book(self, market: Any, market_book: Any) -> bool:
            answers.append([market.context["simulated"].get(key) is None for key in ((1, 0), (2, 0), (3, 0))])
            return False

    simulate(recording, Reads())
    assert answers == [[False, False, True]] * 3 + [[False, True, True]] * 2


def test_what_nobody_reads_is_not_built(simulate: Any, recording: str) -> None:
    read: list[bool] = []

    class Looks(Middleware):
        def __call__(self, market: Any) -> None:
            read.append(market.latest_book.is_read)

    simulate(recording, BaseStrategy(), before=lambda framework: framework.add_market_middleware(Looks()))
    assert read == [False] * 5
