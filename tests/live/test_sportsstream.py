"""The race and cricket streams over a real TLS socket."""

from typing import Any

import pytest

from flumine_core import FlumineCoreError
from flumine_core.contract.streams import SportsDataStream
from flumine_core.live.sportsstream import LiveSportsDataStream

from .conftest import Report, StreamServer


@pytest.fixture
def start(account: Any, fast_settings: Any, pump: Any, report: Report) -> Any:
    def make(kind: str) -> Any:
        client = account()
        return pump(LiveSportsDataStream(SportsDataStream(kind, stream_id=7), client, fast_settings(), report))

    return make


def test_races_hold_what_came_before(server: StreamServer, start: Any, report: Report) -> None:
    pumped = start("raceSubscription")
    connection = server.connection()
    assert connection.subscription["op"] == "raceSubscription"
    runner = {"ft": 1, "id": 11, "long": 1.0, "lat": 1.0, "spd": 16.5, "prg": 1000.0, "sfq": 2.0}
    progress = {"ft": 1, "g": "1f", "st": 9.0, "rt": 60.0, "spd": 16.0, "prg": 900.0, "ord": [11]}
    race = {"mid": "1.1", "id": "28587288.1650", "rpc": progress, "rrc": [runner]}
    connection.change("rcm", pt=1000, clk="A", rc=[race, {"mid": 5}])
    event = pumped.next()
    assert event.streaming_unique_id == 7 and [each.market_id for each in event.sports_data] == ["1.1"]
    connection.change(
        "rcm", pt=1001, clk="B", rc=[{"mid": "1.1", "id": "28587288.1650", "rrc": [{**runner, "id": 22}]}]
    )
    update = pumped.next().sports_data[0]
    assert sorted(each.selection_id for each in update.race_runners) == [11, 22]
    assert update.race_progress.gate_name == "1f"
    assert len(report.bad_lines) == 1


def test_cricket(server: StreamServer, start: Any) -> None:
    pumped = start("cricketSubscription")
    connection = server.connection()
    assert connection.subscription["op"] == "cricketSubscription"
    connection.change("ccm", pt=1000, clk="A", cc=[{"eventId": "30", "marketId": "1.2"}])
    assert pumped.next().sports_data[0].market_id == "1.2"


def test_a_change_that_cannot_be_used_spoils_no_later_one(server: StreamServer, start: Any, report: Report) -> None:
    pumped = start("cricketSubscription")
    connection = server.connection()
    match = {"eventId": "30", "marketId": "1.2"}
    for pt, change in enumerate(({}, {"homeTeam": [1]}, {"fixtureInfo": {"fixtureStatus": "IN_RUNNING"}}), 1000):
        connection.change("ccm", pt=pt, clk="A", cc=[{**match, **change}])
    assert pumped.next().sports_data[0].publish_time_epoch == 1000
    assert pumped.next().sports_data[0].fixture_info.fixture_status == "IN_RUNNING"
    assert len(report.bad_lines) == 1


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(FlumineCoreError, match="raceSubscription"):
        SportsDataStream("golfSubscription")
