"""What a synthetic market is asked to be, it is: types, options and the order of its life."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from betfairlightweight.resources.bettingresources import MarketBook

from flumine_core.errors import SettingsError
from flumine_core.ladder import PRICES_FLOAT, make_line_prices
from flumine_core.simulation.reader import open_lines
from flumine_core.synthetic.kind import KINDS
from flumine_core.synthetic.market import SyntheticMarket

Replay = Callable[[Iterable[bytes]], Iterator[MarketBook]]

FIELDS = {
    "bspMarket",
    "turnInPlayEnabled",
    "persistenceEnabled",
    "marketBaseRate",
    "eventId",
    "eventTypeId",
    "numberOfWinners",
    "bettingType",
    "marketType",
    "marketTime",
    "suspendTime",
    "bspReconciled",
    "complete",
    "inPlay",
    "crossMatching",
    "runnersVoidable",
    "numberOfActiveRunners",
    "betDelay",
    "status",
    "runners",
    "regulators",
    "countryCode",
    "discountAllowed",
    "timezone",
    "openDate",
    "version",
    "priceLadderDefinition",
}


def _changes(market: SyntheticMarket) -> list[dict[str, Any]]:
    return [change for _, change in market.changes()]


def _definitions(market: SyntheticMarket) -> list[dict[str, Any]]:
    return [change["marketDefinition"] for change in _changes(market) if "marketDefinition" in change]


def _life(market: SyntheticMarket) -> list[tuple[str, bool, bool]]:
    """Return status, in play and reconciled of each definition."""
    return [(each["status"], each["inPlay"], each["bspReconciled"]) for each in _definitions(market)]


@pytest.mark.parametrize("market_type", KINDS)
def test_about_three_thousand_lines_of_the_stream(market_type: str) -> None:
    lines = list(SyntheticMarket(market_type=market_type).lines())
    assert 3_000 < len(lines) < 3_020
    for line in lines:
        assert line.endswith(b"}\n")
        message = json.loads(line)
        assert list(message) == ["op", "clk", "pt", "mc"]
        assert message["op"] == "mcm"
        assert [change["id"] for change in message["mc"]] == ["1.100000001"]
    first = json.loads(lines[0])["mc"][0]
    assert first["img"] is True
    assert len(first["rc"]) == len(first["marketDefinition"]["runners"])


@pytest.mark.parametrize("market_type", KINDS)
def test_every_definition_is_complete(market_type: str) -> None:
    for definition in _definitions(SyntheticMarket(market_type=market_type, updates=60)):
        assert definition.keys() >= FIELDS
        assert definition["marketType"] == market_type
        active = [runner for runner in definition["runners"] if runner["status"] == "ACTIVE"]
        assert definition["numberOfActiveRunners"] == len(active)
        assert [runner["sortPriority"] for runner in definition["runners"]] == [
            *range(1, len(definition["runners"]) + 1)
        ]


def test_the_life_of_a_race_to_win() -> None:
    assert _life(SyntheticMarket(updates=60)) == [
        ("OPEN", False, False),
        ("SUSPENDED", False, False),
        ("SUSPENDED", False, True),
        ("OPEN", True, True),
        ("SUSPENDED", True, True),
        ("CLOSED", True, True),
    ]


def test_the_life_of_a_match() -> None:
    statuses = [status for status, _, _ in _life(SyntheticMarket(market_type="MATCH_ODDS", updates=60))]
    goals = ["SUSPENDED", "OPEN"] * 2
    assert statuses == ["OPEN", "SUSPENDED", "OPEN", *goals, "SUSPENDED", "CLOSED"]


def test_the_life_of_a_market_that_is_not_turned_in_play() -> None:
    market = SyntheticMarket(updates=60, in_play=False)
    assert _life(market) == [
        ("OPEN", False, False),
        ("SUSPENDED", False, False),
        ("SUSPENDED", False, True),
        ("CLOSED", False, True),
    ]
    assert not any(definition["turnInPlayEnabled"] for definition in _definitions(market))


@pytest.mark.parametrize("market_type", KINDS)
def test_play_has_a_bet_delay(market_type: str) -> None:
    for definition in _definitions(SyntheticMarket(market_type=market_type, updates=60)):
        assert definition["betDelay"] == (KINDS[market_type].bet_delay if definition["inPlay"] else 0)
    longer = _definitions(SyntheticMarket(market_type=market_type, updates=60, bet_delay=12))
    assert {each["betDelay"] for each in longer} == {0, 12}


def test_the_off_is_not_before_the_scheduled_start(replay: Replay) -> None:
    for book in replay(SyntheticMarket(updates=200).lines()):
        start = book.market_definition.market_time
        assert book.inplay is False or book.publish_time >= start
        assert book.bsp_reconciled is False or book.publish_time >= start


@pytest.mark.parametrize("market_type", ["WIN", "PLACE", "OTHER_PLACE"])
def test_starting_prices_are_reconciled_at_the_off(market_type: str, replay: Replay) -> None:
    for book in replay(SyntheticMarket(market_type=market_type, removals=1, updates=60).lines()):
        assert book.market_definition.bsp_market is True
        for runner in book.runners:
            if book.bsp_reconciled and runner.status != "REMOVED":
                assert 1.01 <= runner.sp.actual_sp <= 1000
            else:
                assert runner.sp.actual_sp is None


@pytest.mark.parametrize("market_type", ["EACH_WAY", "MATCH_ODDS", "LINE_RANGE"])
def test_the_other_types_have_no_starting_price(market_type: str, replay: Replay) -> None:
    for book in replay(SyntheticMarket(market_type=market_type, updates=60).lines()):
        assert book.market_definition.bsp_market is False
        assert book.bsp_reconciled is False
        assert {runner.sp.near_price for runner in book.runners} == {None}


def test_projected_starting_prices_and_their_money_come_before_the_off(replay: Replay) -> None:
    books = list(replay(SyntheticMarket().lines()))
    assert {runner.sp.near_price for runner in books[0].runners} == {"Infinity"}
    runners = books[2_000].runners
    near = [runner.sp.near_price for runner in runners if runner.sp.near_price != "Infinity"]
    assert len(near) > 5
    assert all(isinstance(price, float) for price in near)
    assert any(runner.sp.back_stake_taken and runner.sp.lay_liability_taken for runner in runners)


@pytest.mark.parametrize("removals", [1, 2, 3])
def test_a_removal_suspends_takes_the_runner_out_and_opens_again(removals: int) -> None:
    market = SyntheticMarket(removals=removals, updates=400)
    once = [("SUSPENDED", False, False), ("SUSPENDED", False, False), ("OPEN", False, False)]
    assert _life(market)[: 1 + 3 * removals] == [("OPEN", False, False), *once * removals]
    definitions = _definitions(market)
    for number in range(removals):
        before, gone, after = definitions[1 + 3 * number : 4 + 3 * number]
        assert before["numberOfActiveRunners"] == 10 - number
        assert gone["numberOfActiveRunners"] == after["numberOfActiveRunners"] == 9 - number
        assert before["version"] > definitions[3 * number]["version"]
        assert after["version"] > gone["version"] == before["version"]
        removed = gone["runners"][-1]
        assert removed["status"] == "REMOVED"
        assert removed["removalDate"].startswith("2024-06-01T12:5")
        assert removed["adjustmentFactor"] > 0
        (same,) = (runner for runner in definitions[-1]["runners"] if runner["id"] == removed["id"])
        assert (same["status"], same["adjustmentFactor"]) == ("REMOVED", removed["adjustmentFactor"])


def test_a_removed_runner_loses_its_book_and_volume(replay: Replay) -> None:
    is_seen = False
    for book in replay(SyntheticMarket(removals=2, updates=400).lines()):
        for runner in book.runners:
            if runner.status == "REMOVED":
                is_seen = True
                assert not (runner.ex.available_to_back or runner.ex.available_to_lay or runner.ex.traded_volume)
                assert runner.total_matched == 0
    assert is_seen


def test_the_first_removal_counts_for_reductions_and_the_second_hardly() -> None:
    first = second = 0
    for seed in range(1, 21):
        *_, last = _definitions(SyntheticMarket(seed=seed, removals=2, updates=20))
        removed = [runner for runner in last["runners"] if runner["status"] == "REMOVED"]
        factors = [runner["adjustmentFactor"] for runner in removed]
        first += factors[0] >= 2.5
        second += factors[1] < 2.5
    assert first > 15
    assert second > 10


@pytest.mark.parametrize(
    ("market_type", "expected"),
    [
        ("WIN", {"WINNER": 1, "LOSER": 9}),
        ("PLACE", {"WINNER": 3, "LOSER": 7}),
        ("OTHER_PLACE", {"WINNER": 2, "LOSER": 8}),
        ("EACH_WAY", {"WINNER": 1, "PLACED": 2, "LOSER": 7}),
        ("MATCH_ODDS", {"WINNER": 1, "LOSER": 2}),
        ("LINE_RANGE", {"WINNER": 1}),
    ],
)
def test_the_result(market_type: str, expected: dict[str, int]) -> None:
    last = _definitions(SyntheticMarket(market_type=market_type, updates=60))[-1]
    statuses = [runner["status"] for runner in last["runners"]]
    assert {status: statuses.count(status) for status in set(statuses)} == expected
    assert last["status"] == "CLOSED"
    assert last["numberOfActiveRunners"] == 0
    assert last["settledTime"] > last["marketTime"]


@pytest.mark.parametrize(("market_type", "winners"), [("WIN", 2), ("PLACE", 4), ("EACH_WAY", 2)])
def test_a_dead_heat_has_a_winner_more(market_type: str, winners: int) -> None:
    last = _definitions(SyntheticMarket(market_type=market_type, dead_heat=True, updates=60))[-1]
    assert [runner["status"] for runner in last["runners"]].count("WINNER") == winners
    assert last["numberOfWinners"] == KINDS[market_type].winners


def test_each_way_is_a_type_and_an_option() -> None:
    as_type = SyntheticMarket(market_type="EACH_WAY", updates=60)
    as_option = SyntheticMarket(each_way=True, updates=60)
    assert list(as_type.lines()) == list(as_option.lines())
    assert _definitions(as_type)[0]["eachWayDivisor"] == 4.0
    assert _definitions(as_type)[0]["numberOfWinners"] == 3


def test_a_line_has_units_for_prices(replay: Replay) -> None:
    market = SyntheticMarket(market_type="LINE_RANGE", updates=400)
    units = set(make_line_prices(0.5, 400.5, 1.0))
    for book in replay(market.lines()):
        definition = book.market_definition
        assert definition.betting_type == "LINE"
        assert definition.price_ladder_definition.type == "LINE_RANGE"
        assert (definition.line_min_unit, definition.line_max_unit, definition.line_interval) == (
            0.5,
            400.5,
            1.0,
        )
        ex = book.runners[0].ex
        assert {level.price for level in ex.available_to_back + ex.available_to_lay + ex.traded_volume} <= units
    assert market.line_result is not None
    assert 0.5 < market.line_result < 400.5
    assert SyntheticMarket().line_result is None


def test_a_line_is_near_its_result_in_the_end(replay: Replay) -> None:
    market = SyntheticMarket(market_type="LINE_RANGE")
    last = [book.runners[0].last_price_traded for book in replay(market.lines())][-1]
    assert abs(last - market.line_result) < 30


@pytest.mark.parametrize("market_type", ["WIN", "MATCH_ODDS"])
def test_the_winner_is_odds_on_in_the_end(market_type: str, replay: Replay) -> None:
    for seed in range(1, 4):
        *_, last = replay(SyntheticMarket(market_type=market_type, seed=seed, updates=600).lines())
        price: dict[str, list[float]] = {runner.status: [] for runner in last.runners}
        for runner in last.runners:
            price[runner.status].append(runner.last_price_traded)
        assert max(price["WINNER"]) < 1.6
        assert min(price["LOSER"]) > 2


def test_a_reopened_market_closes_with_another_result() -> None:
    definitions = _definitions(SyntheticMarket(reopen_after_close=True, updates=60))
    closed = [each for each in definitions if each["status"] == "CLOSED"]
    winners = [[runner["id"] for runner in each["runners"] if runner["status"] == "WINNER"] for each in closed]
    assert len(winners) == 2
    assert winners[0] != winners[1]
    statuses = [each["status"] for each in definitions]
    assert statuses[statuses.index("CLOSED") :] == ["CLOSED", "SUSPENDED", "OPEN", "SUSPENDED", "CLOSED"]
    assert all("settledTime" not in each for each in definitions if each["status"] != "CLOSED")


def test_the_passive_model_is_in_every_definition() -> None:
    assert {*map(str, (each.get("betDelayModels") for each in _definitions(SyntheticMarket(updates=60))))} == {"None"}
    passive = _definitions(SyntheticMarket(updates=60, passive_delay=True))
    assert all(each["betDelayModels"] == ["PASSIVE"] for each in passive)


def test_a_missing_starting_price_is_nan_for_one_and_absent_for_another() -> None:
    last = _definitions(SyntheticMarket(updates=60, missing_bsp=True))[-1]
    prices = [runner.get("bsp") for runner in last["runners"]]
    assert prices.count("NaN") == 1
    assert prices.count(None) == 1
    assert sum(isinstance(price, float) for price in prices) == 8


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"market_type": "TOTE"}, "market_type must be one of WIN, .*, was 'TOTE'"),
        ({"market_id": "100"}, r"market_id must match .*, was '100'"),
        ({"event_id": "x"}, r"event_id must match .*, was 'x'"),
        ({"runners": 4}, "runners must be at least 5, was 4"),
        ({"runners": 6, "removals": 2}, "runners must be at least 7, was 6"),
        ({"runners": 20, "removals": 6}, "removals must be at most 5, was 6"),
        ({"market_type": "MATCH_ODDS", "runners": 2}, "runners must be 3 for MATCH_ODDS, was 2"),
        ({"market_type": "LINE_RANGE", "removals": 1}, "removals must be 0 for LINE_RANGE, was 1"),
        ({"market_type": "MATCH_ODDS", "dead_heat": True}, "dead_heat needs a race, was MATCH_ODDS"),
        ({"market_type": "PLACE", "each_way": True}, "each_way needs market_type WIN or EACH_WAY, was PLACE"),
        (
            {"each_way": True, "missing_bsp": True},
            "missing_bsp needs a market with starting prices, was EACH_WAY",
        ),
        ({"updates": 19}, "updates must be at least 20, was 19"),
        ({"seed": -1}, "seed must not be negative, was -1"),
        ({"removals": -1}, "removals must not be negative, was -1"),
        ({"bet_delay": -1}, "delay must not be negative, was -1"),
        ({"start_ms": -1}, "start_ms must not be negative, was -1"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        SyntheticMarket(**options)


def test_other_seeds_and_ids_are_other_markets() -> None:
    def lines(**options: Any) -> list[bytes]:
        return list(SyntheticMarket(updates=40, **options).lines())

    different = [
        lines(),
        lines(seed=2),
        lines(market_id="1.2"),
        lines(event_id="2"),
        lines(market_type="EACH_WAY"),
    ]
    assert len({b"".join(each) for each in different}) == len(different)


def test_the_start_can_be_moved() -> None:
    base = [publish_time for publish_time, _ in SyntheticMarket(updates=40).changes()]
    later = [publish_time for publish_time, _ in SyntheticMarket(updates=40, start_ms=base[0] + 5_000).changes()]
    assert later == [publish_time + 5_000 for publish_time in base]


@pytest.mark.parametrize(
    ("market_type", "digest"),
    [
        ("WIN", "71723bbc0bcc8bf6"),
        ("PLACE", "822406829c3cab0b"),
        ("MATCH_ODDS", "b85b5839408add31"),
        ("LINE_RANGE", "5dbb130ee5a7729b"),
    ],
)
def test_the_bytes_are_the_same_on_every_machine_and_version(market_type: str, digest: str) -> None:
    lines = SyntheticMarket(market_type=market_type, updates=200).lines()
    assert hashlib.sha256(b"".join(lines)).hexdigest()[:16] == digest


@pytest.mark.parametrize("suffix", ["", ".json", ".gz", ".bz2", ".zst"])
def test_a_written_market_reads_back(tmp_path: Path, suffix: str) -> None:
    market = SyntheticMarket(updates=60)
    path = market.write(tmp_path / f"1.1{suffix}")
    assert list(open_lines(str(path))) == list(market.lines())


def test_compressed_files_are_the_same_at_every_writing(tmp_path: Path) -> None:
    market = SyntheticMarket(updates=40)
    for suffix in (".gz", ".bz2", ".zst"):
        first = market.write(tmp_path / f"a{suffix}").read_bytes()
        assert market.write(str(tmp_path / f"b{suffix}")).read_bytes() == first


def test_the_overround_is_a_bit_above_one_before_the_off(replay: Replay) -> None:
    for market_type, paid in (("WIN", 1), ("MATCH_ODDS", 1), ("PLACE", 3)):
        backs, lays = [], []
        for book in replay(SyntheticMarket(market_type=market_type, removals=market_type == "WIN").lines()):
            active = [runner.ex for runner in book.runners if runner.status == "ACTIVE"]
            if book.status != "OPEN" or book.inplay or not all(ex.available_to_back for ex in active):
                continue
            backs.append(sum(1 / ex.available_to_back[0].price for ex in active) / paid)
            lays.append(sum(1 / ex.available_to_lay[0].price for ex in active if ex.available_to_lay) / paid)
        assert 1.0 < sum(backs) / len(backs) < 1.1
        assert 0.85 < sum(lays) / len(lays) < 1.0


def test_books_are_deep_before_the_off(replay: Replay) -> None:
    depths = []
    for book in replay(SyntheticMarket(runners=14).lines()):
        if book.status == "OPEN" and not book.inplay:
            for runner in book.runners:
                for levels in (runner.ex.available_to_back, runner.ex.available_to_lay):
                    ends = {1.01, 1000} & {level.price for level in levels}
                    if not ends:
                        depths.append(len(levels))
    assert min(depths) >= 5
    assert max(depths) <= 25
    assert sum(10 <= depth <= 25 for depth in depths) > 0.95 * len(depths)


def test_play_moves_prices_more_and_trades_faster(replay: Replay) -> None:
    moves: dict[bool, list[int]] = {False: [], True: []}
    volume: dict[bool, float] = {False: 0.0, True: 0.0}
    times: dict[bool, list[int]] = {False: [], True: []}
    matched = 0.0
    last: dict[int, float | None] = {}
    for book in replay(SyntheticMarket().lines()):
        if book.status == "OPEN":
            volume[book.inplay] += book.total_matched - matched
            times[book.inplay].append(book.publish_time_epoch)
        matched = book.total_matched
        for runner in book.runners:
            price, before = runner.last_price_traded, last.get(runner.selection_id)
            if price and before and price != before:
                moves[book.inplay].append(abs(PRICES_FLOAT.index(price) - PRICES_FLOAT.index(before)))
            last[runner.selection_id] = price
    span = {key: value[-1] - value[0] for key, value in times.items()}
    assert volume[True] / span[True] > 1.5 * volume[False] / span[False]
    assert len(times[True]) / span[True] > 1.5 * len(times[False]) / span[False]
    assert sum(moves[True]) / len(moves[True]) > 1.5 * sum(moves[False]) / len(moves[False])
