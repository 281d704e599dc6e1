"""Race, cricket and catalogue files beside recorded markets, replayed in step with the books."""

import gzip
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flumine_core import BaseStrategy, FlumineSimulation, HistoricalStream, SimulatedClient
from flumine_core.errors import SettingsError
from flumine_core.simulation.catalogues import MarketCatalogueMiddleware
from flumine_core.simulation.companion import beside
from flumine_core.simulation.sportsdata import SimulatedSportsDataMiddleware, scheduled_ms
from flumine_core.synthetic.market import SyntheticMarket

HOUR_MS = 3_600_000


class Spectator(BaseStrategy):
    """Notes sports data, catalogues and books in the order in which they come."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.log: list[tuple[str, str, int]] = []
        self.updates: list[Any] = []

    def process_market_catalogue(self, market: Any, market_catalogue: Any) -> None:
        self.log.append(("catalogue", market.market_id, 0))

    def process_new_market(self, market: Any, market_book: Any) -> None:
        self.log.append(("new", market.market_id, market_book.publish_time_epoch))

    def check_market_book(self, market: Any, market_book: Any) -> bool:
        self.log.append(("book", market.market_id, market_book.publish_time_epoch))
        return False

    def check_sports_data(self, market: Any, sports_data: Any) -> bool:
        assert market.market_id == sports_data.market_id
        return True

    def process_sports_data(self, market: Any, sports_data: Any) -> None:
        self.log.append(("sports", market.market_id, sports_data.publish_time_epoch))
        self.updates.append(sports_data)

    def of(self, kind: str, market_id: str | None = None) -> list[int]:
        return [ms for what, market, ms in self.log if what == kind and market_id in (None, market)]


def book_times(path: str) -> list[int]:
    """Return publish times of a market's file, without those of CLOSED books."""
    found, status = [], ""
    for line in Path(path).read_text().splitlines():
        message = json.loads(line)
        for change in message["mc"]:
            status = change.get("marketDefinition", {}).get("status", status)
        if status != "CLOSED":
            found.append(message["pt"])
    return found


def cricket(market_id: str, publish_time: int, **change: Any) -> str:
    whole = {"eventId": "1", "marketId": market_id, "fixtureInfo": {"fixtureStatus": "IN_RUNNING"}, **change}
    return json.dumps({"op": "ccm", "pt": publish_time, "cc": [whole]})


def race(market_id: str, publish_time: int, race_id: str, **change: Any) -> str:
    return json.dumps({"op": "rcm", "pt": publish_time, "rc": [{"mid": market_id, "id": race_id, **change}]})


@pytest.fixture
def watch(simulate: Callable[..., FlumineSimulation], tmp_path: Path) -> Callable[..., Any]:
    """Return a function that replays files beside markets and gives the strategy and the framework."""

    def run(paths: Any, operation: str, files: dict[str, list[str]], **stream: Any) -> tuple[Spectator, Any]:
        for name, lines in files.items():
            (tmp_path / name).write_text("".join(f"{line}\n" for line in lines))
        middleware = SimulatedSportsDataMiddleware(operation, str(tmp_path))
        strategy = Spectator()
        framework = simulate(
            paths, strategy, before=lambda framework: framework.add_market_middleware(middleware), **stream
        )
        return strategy, framework

    return run


def test_each_update_comes_with_the_first_book_published_after_it(
    watch: Callable[..., Any], market_file: Callable[..., str]
) -> None:
    path = market_file()
    times = book_times(path)
    market_id = "1.100000001"
    published = [times[0] - 1000, times[3], times[3] + 1, times[10] - 1, times[10], times[-1] + 5]
    strategy, framework = watch(path, "cricketSubscription", {market_id: [cricket(market_id, t) for t in published]})

    assert strategy.of("sports") == published[:-1], "what no book follows is never shown"
    for position, (kind, _, publish_time) in enumerate(strategy.log):
        if kind == "sports":
            following = next(ms for what, _, ms in strategy.log[position:] if what == "book")
            assert following == min(ms for ms in times if ms > publish_time)
    assert {type(update).__name__ for update in strategy.updates} == {"CricketMatch"}
    assert framework.stream_errors == framework.bad_lines == []
    assert framework.faults.total == 0


def test_merged_markets_have_readers_of_their_own(watch: Callable[..., Any], tmp_path: Path) -> None:
    folder = tmp_path / "markets"
    folder.mkdir()
    paths, files = [], {}
    for number in (1, 2):
        market_id = f"1.10000000{number}"
        market = SyntheticMarket(market_id=market_id, updates=60, seed=number)
        paths.append(str(market.write(folder / market_id)))
        files[market_id] = [cricket(market_id, ms + number) for ms in book_times(paths[-1])[:-1]]
    strategy, _ = watch(paths, "cricketSubscription", files, event_group="together")
    for market_id, lines in files.items():
        assert strategy.of("sports", market_id) == [json.loads(line)["pt"] for line in lines]


def test_updates_of_other_markets_are_passed_over(watch: Callable[..., Any], market_file: Callable[..., str]) -> None:
    path = market_file()
    first = book_times(path)[0]
    lines = [cricket("1.9", first), cricket("1.100000001", first + 1), cricket("1.9", first + 2)]
    strategy, framework = watch(path, "cricketSubscription", {"1.100000001": lines})
    assert strategy.of("sports") == [first + 1]
    assert framework.bad_lines == []


def test_a_missing_file_is_told_once_and_costs_nothing(
    watch: Callable[..., Any], market_file: Callable[..., str]
) -> None:
    strategy, framework = watch(market_file(), "raceSubscription", {})
    assert strategy.of("sports") == []
    assert len(strategy.of("book")) > 100
    assert len(framework.stream_errors) == 1
    assert "1.100000001" in framework.stream_errors[0]
    assert framework.faults.total == 0


def test_lines_that_cannot_be_used_are_named(watch: Callable[..., Any], market_file: Callable[..., str]) -> None:
    path = market_file()
    first = book_times(path)[0]
    good = cricket("1.100000001", first)
    deep = '{"pt":1,"cc":' + "[" * 3000 + "]" * 3000 + "}"
    lines = [
        "",
        "{",
        deep,
        '{"op":"ccm"}',
        cricket("1.100000001", 10**17),
        '{"pt":1,"cc":[3]}',
        good,
        '{"op":"ccm","pt":1}',
        good[:20],
    ]
    strategy, framework = watch(path, "cricketSubscription", {"1.100000001": lines})
    assert strategy.of("sports") == [first]
    named = [re.search(r"1\.100000001:(\d+): ", line) for line in framework.bad_lines]
    assert [int(found[1]) for found in named if found] == [1, 2, 3, 4, 5, 6, 9]
    assert framework.faults.total == 0


def test_an_update_that_betfairlightweight_refuses_costs_only_itself(
    watch: Callable[..., Any], market_file: Callable[..., str]
) -> None:
    path = market_file()
    first = book_times(path)[0]
    lines = [cricket("1.100000001", first, homeTeam=[1]), cricket("1.100000001", first + 1)]
    strategy, framework = watch(path, "cricketSubscription", {"1.100000001": lines})
    assert strategy.of("sports") == [first + 1]
    assert len(framework.bad_lines) == 1
    assert framework.faults.total == 0


def test_only_subscribers_of_the_books_stream_are_shown_it(tmp_path: Path, market_file: Callable[..., str]) -> None:
    path = market_file()
    market_id, first = "1.100000001", book_times(path)[0]
    (tmp_path / market_id).write_text(cricket(market_id, first))
    framework = FlumineSimulation(client=SimulatedClient())
    subscribed, other = Spectator(name="subscribed", stream=HistoricalStream(path)), Spectator(name="other")
    other.streams = [HistoricalStream(market_file(seed=4, market_id="1.100000004"))]
    framework.add_market_middleware(SimulatedSportsDataMiddleware("cricketSubscription", str(tmp_path)))
    framework.add_strategy(subscribed)
    framework.add_strategy(other)
    framework.run()
    assert subscribed.of("sports") == [first]
    assert other.of("sports") == []


def test_a_race_that_is_published_in_no_year_is_a_bad_line(
    watch: Callable[..., Any], market_file: Callable[..., str]
) -> None:
    path = market_file()
    first = book_times(path)[0]
    good = race("1.100000001", first, start_of(first, 0))
    lines = [race("1.100000001", 10**18, "1.1300"), race("1.100000001", first, start_of(first, 0), rrc=[{"id": 1}, 5])]
    strategy, framework = watch(path, "raceSubscription", {"1.100000001": [*lines, good]})
    assert strategy.of("sports") == [first]
    assert strategy.updates[0].race_runners == []
    assert len(framework.bad_lines) == 2


def start_of(publish_time: int, minutes: int) -> str:
    """Return a race id whose scheduled minute lies some whole minutes from a publish time."""
    due = (publish_time // 60_000 + minutes) % 1440
    return f"28587288.{due // 60:02}{due % 60:02}"


def test_a_race_is_shown_from_its_scheduled_minute(watch: Callable[..., Any], market_file: Callable[..., str]) -> None:
    path = market_file()
    first = book_times(path)[0]
    due = (first // 60_000 + 2) * 60_000
    race_id = start_of(first, 2)
    lines = [race("1.100000001", ms, race_id) for ms in (first, due - 1, due, due + 1)]
    strategy, _ = watch(path, "raceSubscription", {"1.100000001": lines})
    assert strategy.of("sports") == [due, due + 1]
    assert {type(update).__name__ for update in strategy.updates} == {"Race"}


@pytest.mark.parametrize("progress", [{"rt": 1.5}, {"spd": 17.2}, {"ord": [1, 2]}])
def test_a_race_that_is_off_early_is_shown(
    progress: dict[str, Any], watch: Callable[..., Any], market_file: Callable[..., str]
) -> None:
    path = market_file()
    first = book_times(path)[0]
    standing = {"rt": 0, "spd": 0, "ord": []}
    lines = [
        race("1.100000001", first, start_of(first, 300), rpc=standing),
        race("1.100000001", first + 1, start_of(first, 300), rpc={**standing, **progress}),
        race("1.100000001", first + 2, start_of(first, 300), rrc=[{"id": 7, "lat": 1.0}]),
    ]
    strategy, _ = watch(path, "raceSubscription", {"1.100000001": lines})
    assert strategy.of("sports") == [first + 1, first + 2]
    assert [runner.selection_id for runner in strategy.updates[-1].race_runners] == [7]


@pytest.mark.parametrize(
    ("race_id", "publish_time", "expected"),
    [
        ("1.1650", 16 * HOUR_MS, 16 * HOUR_MS + 50 * 60_000),
        ("1.0010", 23 * HOUR_MS, 24 * HOUR_MS + 10 * 60_000),
        ("1.2350", 25 * HOUR_MS, 24 * HOUR_MS - 10 * 60_000),
    ],
)
def test_the_nearest_start_counts_also_across_midnight(race_id: str, publish_time: int, expected: int) -> None:
    assert scheduled_ms(race_id, publish_time) == expected


@pytest.mark.parametrize("race_id", ["", "None", "1.2560", "1.99", "1.2400", "1.12:5"])
def test_race_ids_are_checked(race_id: str) -> None:
    with pytest.raises(ValueError, match="race id"):
        scheduled_ms(race_id, 0)


def test_an_operation_must_be_known() -> None:
    with pytest.raises(SettingsError, match="raceSubscription"):
        SimulatedSportsDataMiddleware("marketSubscription", "somewhere")


def test_a_recorded_cricket_match(recorded: Path, simulate: Callable[..., FlumineSimulation]) -> None:
    strategy = Spectator()
    middleware = SimulatedSportsDataMiddleware("cricketSubscription", str(recorded / "sportsdata"))
    path = str(recorded / "1.200806927")
    framework = simulate(path, strategy, before=lambda framework: framework.add_market_middleware(middleware))
    last_book = strategy.of("book")[-1]
    published = [json.loads(line)["pt"] for line in (recorded / "sportsdata" / "1.200806927").read_text().splitlines()]
    assert strategy.of("sports") == [ms for ms in published if ms < last_book]
    assert len(strategy.of("sports")) > 2000
    assert framework.faults.total == 0


def catalogue(market_id: str) -> str:
    return json.dumps({"marketId": market_id, "marketName": "To Be Placed", "totalMatched": 0.0, "runners": []})


def test_a_catalogue_is_there_before_the_first_book(
    tmp_path: Path, simulate: Callable[..., FlumineSimulation], market_file: Callable[..., str]
) -> None:
    (tmp_path / "1.100000001.json").write_text(catalogue("1.100000001"))
    strategy = Spectator()
    middleware = MarketCatalogueMiddleware(str(tmp_path))
    framework = simulate(market_file(), strategy, before=lambda framework: framework.add_market_middleware(middleware))
    assert [kind for kind, _, _ in strategy.log[:3]] == ["catalogue", "new", "book"]
    assert len(strategy.of("catalogue")) == 1
    assert next(iter(framework.markets)).market_name == "To Be Placed"


@pytest.mark.parametrize(
    "text", [None, "", "[]", "{", '{"a":' * 3000 + "1" + "}" * 3000, '{"marketName":"none"}', catalogue("1.9")]
)
def test_a_catalogue_that_cannot_be_used_is_told(
    text: str | None, tmp_path: Path, simulate: Callable[..., FlumineSimulation], market_file: Callable[..., str]
) -> None:
    if text is not None:
        (tmp_path / "1.100000001.json").write_text(text)
    strategy = Spectator()
    middleware = MarketCatalogueMiddleware(str(tmp_path))
    framework = simulate(market_file(), strategy, before=lambda framework: framework.add_market_middleware(middleware))
    assert strategy.of("catalogue") == []
    assert len(framework.stream_errors) == 1
    assert "1.100000001" in framework.stream_errors[0]
    assert framework.faults.total == 0
    assert len(strategy.of("book")) > 100


def test_each_strategy_gets_the_catalogues_of_its_streams(recorded: Path) -> None:
    framework = FlumineSimulation(client=SimulatedClient())
    first, second = (
        HistoricalStream(str(recorded / name), event_processing=True) for name in ("1.197931750", "1.197931751")
    )
    framework.add_market_middleware(MarketCatalogueMiddleware(str(recorded / "catalogues")))
    one, both = Spectator(name="strategy_1", streams=[first]), Spectator(name="strategy_2", streams=[first, second])
    framework.add_strategy(one)
    framework.add_strategy(both)
    framework.run()
    assert [market_id for kind, market_id, _ in one.log if kind == "catalogue"] == ["1.197931750"]
    assert [market_id for kind, market_id, _ in both.log if kind == "catalogue"] == ["1.197931750", "1.197931751"]


def test_companions_of_a_recording_are_found_without_a_directory(
    simulate: Callable[..., FlumineSimulation], tmp_path: Path
) -> None:
    folder = tmp_path / "market" / "2024" / "06"
    folder.mkdir(parents=True)
    path = SyntheticMarket(updates=60).write(folder / "1.100000001.gz")
    (folder / "1.100000001.json").write_text('{"marketId": "1.100000001", "marketName": "4f Hcap"}')
    other = tmp_path / "cricket" / "2024" / "06"
    other.mkdir(parents=True)
    with gzip.open(other / "1.100000001.gz", "wt") as file:
        file.write(cricket("1.100000001", 1) + "\n")
    strategy = Spectator()

    def add(framework: FlumineSimulation) -> None:
        framework.add_market_middleware(MarketCatalogueMiddleware())
        framework.add_market_middleware(SimulatedSportsDataMiddleware("cricketSubscription"))

    framework = simulate(str(path), strategy, before=add)
    assert framework.stream_errors == [] and len(strategy.of("catalogue")) == len(strategy.of("sports")) == 1


def test_companions_that_cannot_be_looked_for_are_told(
    simulate: Callable[..., FlumineSimulation], market_file: Callable[..., str]
) -> None:
    framework = simulate(
        market_file(),
        Spectator(),
        before=lambda made: made.add_market_middleware(SimulatedSportsDataMiddleware("raceSubscription")),
    )
    assert len(framework.stream_errors) == 1 and "below a directory named market" in framework.stream_errors[0]


@pytest.mark.parametrize(
    ("recording", "expected"),
    [
        ("1.2", "1.2.json"),
        ("a/b/1.2.zst", "a/b/1.2.json"),
        ("a\\b\\1.2.zst", "a\\b\\1.2.json"),
        ("s3://bucket/a/1.2.gz", "s3://bucket/a/1.2.json"),
        ("a/all.tar!1.2.bz2", "a/all.tar!1.2.json"),
        ("a/all.tar!in/1.2.bz2", "a/all.tar!in/1.2.json"),
    ],
)
def test_what_lies_beside_a_recording(recording: str, expected: str) -> None:
    assert beside(recording, "1.2.json") == expected
