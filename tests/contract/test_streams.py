"""Stream descriptions: when two are the same stream, and what they refuse."""

from types import SimpleNamespace
from typing import Any

import pytest

from flumine_core import DataStream, Flumine, FlumineCoreError, HistoricalStream, MarketStream
from flumine_core.contract.streams import CricketDataStream, OrderDataStream, OrderStream, RaceDataStream
from flumine_core.errors import SettingsError

BASE: dict[str, Any] = {
    "market_filter": {"eventTypeIds": ["7"], "marketTypes": ["WIN"]},
    "market_data_filter": {"fields": ["EX_LTP"]},
    "streaming_timeout": 1.0,
    "conflate_ms": 50,
    "client": SimpleNamespace(username="me"),
}


def test_equal_descriptions_are_equal_whatever_their_id() -> None:
    one = MarketStream(stream_id=1, **BASE)
    reordered = {**BASE, "market_filter": {"marketTypes": ["WIN"], "eventTypeIds": ["7"]}}
    assert one == MarketStream(stream_id=2, **reordered)
    assert hash(one) == hash(MarketStream(**BASE))


@pytest.mark.parametrize(
    "change",
    [
        {"market_filter": {"eventTypeIds": ["7"]}},
        {"market_data_filter": None},
        {"streaming_timeout": None},
        {"conflate_ms": 0},
        {"client": SimpleNamespace(username="you")},
    ],
)
def test_each_option_makes_another_stream(change: dict[str, Any]) -> None:
    assert MarketStream(**BASE) != MarketStream(**{**BASE, **change})


def test_raw_data_is_another_stream_than_books() -> None:
    assert DataStream(**BASE) != MarketStream(**BASE)
    assert DataStream(**BASE) == DataStream(**BASE)
    assert MarketStream(**BASE) != "stream"


@pytest.mark.parametrize(
    "options",
    [
        {"streaming_timeout": 0},
        {"streaming_timeout": -1},
        {"conflate_ms": -1},
        {"conflate_ms": 120_001},
        {"conflate_ms": 1.5},
        {"market_filter": ["7"]},
        {"market_data_filter": 3},
    ],
)
@pytest.mark.parametrize("cls", [MarketStream, DataStream])
def test_what_makes_no_sense_is_refused(cls: type, options: dict[str, Any]) -> None:
    with pytest.raises(FlumineCoreError, match=next(iter(options))):
        cls(**options)


def test_filter_objects_of_betfairlightweight_are_taken() -> None:
    from betfairlightweight.filters import streaming_market_data_filter, streaming_market_filter

    stream = MarketStream(
        market_filter=streaming_market_filter(event_type_ids=["7"]),
        market_data_filter=streaming_market_data_filter(fields=["EX_LTP"]),
    )
    assert stream.market_filter == {"eventTypeIds": ["7"]}
    assert stream.market_data_filter["fields"] == ["EX_LTP"]
    assert MarketStream().market_data_filter["fields"]


def test_a_description_does_not_share_the_callers_filter() -> None:
    mine = {"eventTypeIds": ["7"]}
    stream = MarketStream(market_filter=mine)
    mine["eventTypeIds"] = ["1"]
    assert stream.market_filter == {"eventTypeIds": ["7"]}


def test_recorded_files_differ_by_file_filter_and_group() -> None:
    one = HistoricalStream("a", {"inplay": True})
    assert one == HistoricalStream("a", {"inplay": True})
    for other in (
        HistoricalStream("b", {"inplay": True}),
        HistoricalStream("a"),
        HistoricalStream("a", {"inplay": True}, event_processing=True),
        HistoricalStream("a", {"inplay": True}, event_group="g"),
        HistoricalStream("a", {"inplay": True}, market_types=["WIN"]),
        HistoricalStream("a", {"inplay": True}, country_codes=["GB"]),
    ):
        assert one != other


@pytest.mark.parametrize("listener", [{"in_play": True}, {"lightweight": True}])
def test_listener_options_are_checked(listener: dict[str, Any]) -> None:
    with pytest.raises(FlumineCoreError, match=next(iter(listener))):
        HistoricalStream("a", listener)


@pytest.mark.parametrize(
    "option",
    [
        {"seconds_to_start": float("nan")},
        {"seconds_to_start": float("-inf")},
        {"max_inplay_seconds": float("nan")},
        {"max_inplay_seconds": -5},
        {"calculate_market_tv": "x"},
        {"cumulative_runner_tv": 2},
    ],
)
def test_listener_options_that_withhold_all_or_mean_nothing_are_refused(option: dict[str, Any]) -> None:
    ((name, value),) = option.items()
    with pytest.raises(SettingsError, match=f"{name}: must be .*, was {value!r}"):
        HistoricalStream("1.1", option)
    HistoricalStream("1.1", {"seconds_to_start": float("inf"), "max_inplay_seconds": float("inf")})


def test_the_framework_may_come_first_as_in_flumine() -> None:
    framework = SimpleNamespace()
    assert MarketStream(framework, market_filter={"marketIds": ["1.1"]}) == MarketStream(
        flumine=None, market_filter={"marketIds": ["1.1"]}
    )
    assert DataStream(framework, 7).stream_id == 7


@pytest.mark.parametrize("stream_id", [SimpleNamespace(), "7", 7.0, True])
def test_an_id_that_is_no_number_is_refused(stream_id: Any) -> None:
    with pytest.raises(SettingsError, match="stream_id must be a whole number"):
        MarketStream(stream_id=stream_id)


@pytest.mark.parametrize("make", [OrderStream, OrderDataStream, RaceDataStream, CricketDataStream])
def test_a_framework_is_no_client(make: Any) -> None:
    with pytest.raises(SettingsError, match="takes a client here, and no framework"):
        make(Flumine())
