"""Markets of one event: the same race, lines interleaved by time, in one file or several."""

import json
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from betfairlightweight.resources.bettingresources import MarketBook

from flumine_core.errors import SettingsError
from flumine_core.simulation.reader import open_lines
from flumine_core.synthetic.event import SyntheticEvent, event
from flumine_core.synthetic.market import SyntheticMarket

Replay = Callable[[Iterable[bytes]], Iterator[MarketBook]]

SMALL = SyntheticMarket(updates=100, removals=1)


def _last(market: SyntheticMarket) -> dict[str, Any]:
    *_, (_, change) = market.changes()
    last: dict[str, Any] = change["marketDefinition"]
    return last


def test_the_markets_are_of_one_race() -> None:
    win, place, each_way = (_last(market) for market in event("WIN", "PLACE", "EACH_WAY", like=SMALL).markets)

    def ids(definition: dict[str, Any], *statuses: str) -> set[int]:
        return {runner["id"] for runner in definition["runners"] if not statuses or runner["status"] in statuses}

    assert ids(win) == ids(place) == ids(each_way)
    assert ids(win, "WINNER") == ids(each_way, "WINNER") < ids(place, "WINNER")
    assert ids(place, "WINNER") == ids(each_way, "WINNER", "PLACED")
    assert len(ids(win, "REMOVED")) == 1
    assert ids(win, "REMOVED") == ids(place, "REMOVED") == ids(each_way, "REMOVED")
    assert win["eventId"] == place["eventId"] == each_way["eventId"]


def test_win_and_place_unless_told_otherwise() -> None:
    markets = event().markets
    assert [market.market_type for market in markets] == ["WIN", "PLACE"]
    assert [market.market_id for market in markets] == ["1.100000001", "1.100000002"]


def test_lines_interleave_in_the_order_of_time() -> None:
    whole = event("WIN", "PLACE", "EACH_WAY", like=SMALL)
    messages = [json.loads(line) for line in whole.lines()]
    times = [message["pt"] for message in messages]
    assert times == sorted(times)
    order = [change["id"] for message in messages for change in message["mc"]]
    assert all(len(message["mc"]) == 1 for message in messages)
    assert sum(one != two for one, two in pairwise(order)) > 100
    for market in whole.markets:
        own = [
            (message["pt"], change)
            for message in messages
            for change in message["mc"]
            if change["id"] == market.market_id
        ]
        assert own == list(market.changes())


@pytest.mark.parametrize("conflate_ms", [50, 1_000, 20_000])
def test_changes_of_one_span_share_a_line(conflate_ms: int) -> None:
    single = event(like=SMALL)
    shared = event(like=SMALL, conflate_ms=conflate_ms)
    messages = [json.loads(line) for line in shared.lines()]
    spans = [message["pt"] // conflate_ms for message in messages]
    assert len(set(spans)) == len(spans) < len(list(single.lines()))
    assert any(len(message["mc"]) > 1 for message in messages)
    changes = [change for message in messages for change in message["mc"]]
    assert changes == [change for _, changes in single.changes() for change in changes]


def test_one_file_or_a_file_each(tmp_path: Path) -> None:
    whole = event(like=SMALL)
    one = whole.write(tmp_path / "event.bz2")
    assert list(open_lines(str(one))) == list(whole.lines())
    paths = whole.write_each(tmp_path, ".gz")
    assert [path.name for path in paths] == ["1.100000001.gz", "1.100000002.gz"]
    for path, market in zip(paths, whole.markets, strict=True):
        assert list(open_lines(str(path))) == list(market.lines())


def test_an_event_replays(replay: Replay) -> None:
    books = list(replay(event("WIN", "PLACE", like=SMALL, conflate_ms=500).lines()))
    assert {book.market_id for book in books} == {"1.100000001", "1.100000002"}
    assert [book.status for book in books[-2:]].count("CLOSED") >= 1


def test_markets_of_different_make_can_be_one_event() -> None:
    match = SyntheticMarket(market_type="MATCH_ODDS", updates=40)
    line = SyntheticMarket(market_type="LINE_RANGE", updates=80, market_id="1.7")
    assert len(list(SyntheticEvent([match, line]).lines())) > 120


@pytest.mark.parametrize(
    ("markets", "message"),
    [
        ([], "markets must be one or more, was none"),
        ([SMALL, SMALL], r"ids of their own, was 1\.100000001, 1\.100000001"),
        ([SMALL, SyntheticMarket(market_id="1.2", event_id="7")], "one event_id, was 30000001, 7"),
    ],
)
def test_markets_that_are_no_event_are_refused(markets: list[SyntheticMarket], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        SyntheticEvent(markets)


def test_a_negative_span_is_refused() -> None:
    with pytest.raises(SettingsError, match="conflate_ms must not be negative, was -1"):
        event(conflate_ms=-1)


def test_an_option_that_does_not_go_with_a_type_is_refused() -> None:
    with pytest.raises(SettingsError, match="removals must be 0 for MATCH_ODDS, was 1"):
        event("WIN", "MATCH_ODDS", like=SMALL)
