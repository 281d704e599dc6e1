"""Recorded, synthetic and scripted markets: pace, dates, scripts, bad lines, races."""

import json
from pathlib import Path
from typing import Any

import pytest
from flumine_core.book.definition import parse_datetime
from flumine_core.errors import SettingsError
from flumine_core.synthetic.event import event
from flumine_core.synthetic.market import SyntheticMarket
from wire import MARKET, client_of, is_delta, wait_until

from flumine_exchange.exchange import Scenario

SMALL = SyntheticMarket(updates=60, seed=2)


def milliseconds(text: str) -> float:
    found = parse_datetime(text)
    assert found is not None
    return found.timestamp() * 1000


def test_nothing_is_played_until_it_is_told(make_exchange: Any) -> None:
    exchange = make_exchange([SMALL])
    assert exchange.replay_status()["played"] == 1
    assert exchange.step(10) == 10
    exchange.start_replay()
    assert exchange.wait_replayed(10)
    assert exchange.market(exchange.market_ids[0]).definition["status"] == "CLOSED"


def test_dates_are_moved_to_now(make_exchange: Any) -> None:
    exchange = make_exchange([SMALL], speed=1.0)
    exchange.clock.freeze()
    exchange.start_replay()
    definition = exchange.market(exchange.market_ids[0]).definition
    ahead = milliseconds(definition["marketTime"]) - exchange.clock.epoch_ms
    assert abs(ahead - 600_000) < 1000  # the off is ten minutes after the first line of a synthetic market


def test_pace_follows_the_recording_and_the_speed(make_exchange: Any) -> None:
    exchange = make_exchange([SMALL], speed=10.0)
    exchange.clock.freeze()
    exchange.start_replay()
    total = sum(1 for _ in SMALL.lines())
    exchange.clock.advance(30)  # half of the ten minutes before the off
    wait_until(lambda: exchange.replay_status()["played"] > total / 4)
    assert exchange.replay_status()["played"] < total * 0.8
    exchange.clock.advance(60)
    assert exchange.wait_replayed(10)


def test_rate_of_changes_may_be_fixed(make_exchange: Any) -> None:
    exchange = make_exchange([SMALL], speed=1.0, changes_a_second=10.0)
    exchange.clock.freeze()
    exchange.start_replay()
    exchange.clock.advance(2)
    wait_until(lambda: exchange.replay_status()["played"] >= 21)
    assert exchange.replay_status()["played"] <= 23
    exchange.clock.advance(10)
    assert exchange.wait_replayed(10)


def test_replay_begins_near_the_off(make_exchange: Any) -> None:
    exchange = make_exchange([SMALL], speed=1.0, seconds_before_off=60.0)
    exchange.clock.freeze()
    exchange.start_replay()
    definition = exchange.market(exchange.market_ids[0]).definition
    ahead = milliseconds(definition["marketTime"]) - exchange.clock.epoch_ms
    assert 0 < ahead <= 60_000
    assert exchange.replay_status()["played"] > 20


def test_pause_moves_the_off(make_exchange: Any) -> None:
    exchange = make_exchange([SMALL], speed=1.0)
    exchange.clock.freeze()
    exchange.start_replay()
    exchange.pause()
    exchange.clock.advance(100)
    exchange.start_replay()
    definition = exchange.market(exchange.market_ids[0]).definition
    assert milliseconds(definition["marketTime"]) - exchange.clock.epoch_ms > 599_000


def test_files_begin_together_unless_gaps_are_kept(make_exchange: Any) -> None:
    later = SyntheticMarket(updates=60, market_id="1.100000002", start_ms=SMALL.start_ms + 3_600_000)
    for keeps_gaps, between in ((False, 0), (True, 3_600_000)):
        exchange = make_exchange([SMALL, later], speed=1.0, keeps_gaps=keeps_gaps)
        starts = [milliseconds(exchange.market(each).definition["marketTime"]) for each in exchange.market_ids]
        assert abs(starts[1] - starts[0] - between) < 1000


def test_event_of_several_markets_in_one_file(make_exchange: Any, tmp_path: Path) -> None:
    file = event("WIN", "PLACE", like=SMALL).write(tmp_path / "event.zst")
    exchange = make_exchange([file])
    exchange.start_replay()
    assert exchange.wait_replayed(10)
    assert len(exchange.market_ids) == 2


def test_bad_lines_are_told_and_left_out(make_exchange: Any, tmp_path: Path) -> None:
    lines = list(SMALL.lines())
    lines[3:3] = [b"nonsense\n", b'{"op":"mcm","pt":1,"mc":[{"id":"1.5","rc":[]}]}\n']
    (tmp_path / "market").write_bytes(b"".join(lines))
    exchange = make_exchange([tmp_path / "market"])
    exchange.start_replay()
    assert exchange.wait_replayed(10)
    first, second = exchange.replay_status()["bad_lines"]
    assert "market:4:" in first and "1.5" in second


def test_file_that_ends_too_early_is_told_and_played_so_far(make_exchange: Any, tmp_path: Path) -> None:
    file = SMALL.write(tmp_path / "market.gz")
    file.write_bytes(file.read_bytes()[:-400])
    exchange = make_exchange([file])
    exchange.start_replay()
    assert exchange.wait_replayed(10)
    status = exchange.replay_status()
    assert status["played"] > 10
    assert len(status["bad_lines"]) == 1 and "market.gz" in status["bad_lines"][0]


def test_file_that_is_named_twice_is_played_once(make_exchange: Any, tmp_path: Path) -> None:
    file = SMALL.write(tmp_path / "market")
    exchange = make_exchange([file, str(file)])
    assert exchange.step(1000) == sum(1 for _ in SMALL.lines()) - 1
    assert exchange.replay_status()["bad_lines"] == []


def test_market_that_a_second_file_brings_is_told_and_left_out(make_exchange: Any, tmp_path: Path) -> None:
    plain, packed = SMALL.write(tmp_path / "market"), SMALL.write(tmp_path / "market.gz")
    exchange = make_exchange([plain, packed], speed=1.0, seconds_before_off=60.0)
    exchange.clock.freeze()
    exchange.start_replay()
    exchange.clock.advance(3600)
    assert exchange.wait_replayed(10)
    status = exchange.replay_status()
    assert status["played"] == sum(1 for _ in SMALL.lines())
    (told,) = status["bad_lines"]
    assert told.startswith(f"{packed}: ") and SMALL.market_id in told and f" {plain}," in told


def test_what_else_a_second_file_brings_is_played(make_exchange: Any, tmp_path: Path) -> None:
    both = event("WIN", "PLACE", like=SMALL)
    exchange = make_exchange(
        [SyntheticMarket(updates=60, market_id="1.300000001"), both.write(tmp_path / "event"), both]
    )
    exchange.start_replay()
    assert exchange.wait_replayed(10)
    assert len(exchange.market_ids) == 3
    assert {exchange.market(each).definition["status"] for each in exchange.market_ids} == {"CLOSED"}
    assert len(exchange.replay_status()["bad_lines"]) == 2

    first, second = exchange.market_ids[1:]
    lines = [line for line in both.lines() if first.encode() in line]
    (tmp_path / "first").write_bytes(b"".join(lines))
    exchange = make_exchange([tmp_path / "first", tmp_path / "event"])
    exchange.start_replay()
    assert exchange.wait_replayed(10)
    assert exchange.market_ids == [first, second]
    assert exchange.market(second).definition["status"] == "CLOSED"
    assert len(exchange.replay_status()["bad_lines"]) == 1


def test_scenario_of_a_market_that_is_there_is_refused(make_exchange: Any, tmp_path: Path) -> None:
    scenario = Scenario(market_id=SMALL.market_id)
    with pytest.raises(SettingsError, match=SMALL.market_id):
        make_exchange([SMALL]).add_scenario(scenario)
    exchange = make_exchange([SMALL, scenario])
    assert len(exchange.market(SMALL.market_id).definition["runners"]) == 3
    (told,) = exchange.replay_status()["bad_lines"]
    assert SMALL.market_id in told


def test_script_is_followed(make_exchange: Any, make_stream: Any) -> None:
    scenario = (
        Scenario(market_id=MARKET)
        .at(1, "suspend")
        .at(2, "remove_runner", selection_id=33)
        .at(3, "resume")
        .at(4, "turn_inplay", bet_delay=2)
        .at(5, "close", winners=[11])
        .at(6, "reopen")
    )
    exchange = make_exchange([scenario])
    stream = make_stream(exchange, client_of(exchange))
    stream.markets()
    exchange.start_replay()
    seen = []
    while len(seen) < 2 or seen[-2:] != [("CLOSED", True, 2), ("OPEN", True, 2)]:
        for change in stream.until(is_delta)["mc"]:
            definition = change.get("marketDefinition")
            if definition:
                state = (definition["status"], definition["inPlay"], definition["numberOfActiveRunners"])
                if state not in seen[-1:]:
                    seen.append(state)
    assert seen[0] == ("SUSPENDED", False, 3)
    assert ("OPEN", False, 2) in seen and ("OPEN", True, 2) in seen


def test_version_rises_with_every_change_of_the_market(make_exchange: Any) -> None:
    exchange = make_exchange([SMALL])
    market = exchange.market(exchange.market_ids[0])
    versions = [market.definition["version"]]
    market.suspend()
    versions.append(market.definition["version"])
    versions.append(market.bump_version())
    exchange.start_replay()
    assert exchange.wait_replayed(10)
    versions.append(market.definition["version"])
    assert versions == sorted(set(versions))


def test_races_and_cricket_are_passed_on(make_exchange: Any, make_stream: Any, tmp_path: Path) -> None:
    lines = [
        {"op": "rcm", "clk": "a", "pt": 1000, "rc": [{"mid": "1.1", "id": "28.1", "rpc": {"ft": 1}}]},
        {"op": "ccm", "clk": "b", "pt": 2000, "cc": [{"eventId": "7", "marketId": "1.2", "matchStats": {}}]},
        {"op": "rcm", "clk": "c", "pt": 3000, "rc": [{"mid": "1.1", "id": "28.1", "rpc": {"ft": 2}}]},
    ]
    (tmp_path / "sports").write_text("".join(json.dumps(line) + "\n" for line in lines))
    exchange = make_exchange([tmp_path / "sports"])
    stream = make_stream(exchange, client_of(exchange))
    stream.send("raceSubscription")
    assert stream.next()["statusCode"] == "SUCCESS"
    image = stream.next()
    assert (image["op"], image["ct"], image["rc"]) == ("rcm", "SUB_IMAGE", lines[0]["rc"])
    stream.send("cricketSubscription")
    assert stream.until(lambda message: message["op"] == "ccm")["ct"] == "SUB_IMAGE"
    exchange.start_replay()
    changes = [stream.until(lambda message: "ct" not in message and message["op"] != "status") for _ in range(2)]
    assert [(each["op"], each.get("rc") or each.get("cc")) for each in changes] == [
        ("ccm", lines[1]["cc"]),
        ("rcm", lines[2]["rc"]),
    ]


def test_first_subscription_starts_the_replay(make_exchange: Any, make_stream: Any) -> None:
    exchange = make_exchange([SMALL], start="subscription")
    assert exchange.replay_status()["played"] == 1
    make_stream(exchange, client_of(exchange)).markets()
    assert exchange.wait_replayed(10)
