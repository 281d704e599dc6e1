"""Whatever the options, the lines make sense: valid books, and times and versions that never go back."""

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from betfairlightweight.resources.bettingresources import MarketBook
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flumine_core.synthetic.kind import KINDS
from flumine_core.synthetic.market import SyntheticMarket

Replay = Callable[[Iterable[bytes]], Iterator[MarketBook]]


@st.composite
def markets(draw: st.DrawFn) -> SyntheticMarket:
    market_type = draw(st.sampled_from(sorted(KINDS)))
    options: dict[str, Any] = {}
    if KINDS[market_type].is_race:
        options["removals"] = draw(st.integers(0, 5))
        options["runners"] = draw(st.integers(5 + options["removals"], 24))
        options["dead_heat"] = draw(st.booleans())
    if KINDS[market_type].has_bsp:
        options["missing_bsp"] = draw(st.booleans())
    return SyntheticMarket(
        market_type=market_type,
        seed=draw(st.integers(0, 2**40)),
        market_id=f"1.{draw(st.integers(1, 999_999_999))}",
        event_id=str(draw(st.integers(1, 99_999_999))),
        updates=draw(st.integers(20, 120)),
        in_play=draw(st.booleans()),
        reopen_after_close=draw(st.booleans()),
        passive_delay=draw(st.booleans()),
        bet_delay=draw(st.none() | st.integers(0, 12)),
        **options,
    )


@given(market=markets())
@settings(max_examples=30)
def test_the_same_description_gives_the_same_bytes(market: SyntheticMarket) -> None:
    assert list(market.lines()) == list(market.lines())


@given(market=markets())
@settings(max_examples=30)
def test_times_and_versions_never_go_back(market: SyntheticMarket) -> None:
    latest = version = 0
    for line in market.lines():
        message = json.loads(line)
        assert message["pt"] >= latest
        latest = message["pt"]
        for change in message["mc"]:
            if "marketDefinition" in change:
                assert change["marketDefinition"]["version"] >= version
                version = change["marketDefinition"]["version"]


@given(market=markets())
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
def test_every_book_is_valid(replay: Replay, market: SyntheticMarket) -> None:
    ladder = set(market.kind.prices)
    traded: dict[int, float] = {}
    for book in replay(market.lines()):
        assert book.number_of_active_runners == sum(runner.status == "ACTIVE" for runner in book.runners)
        assert book.total_matched == round(sum(runner.total_matched for runner in book.runners), 2)
        for runner in book.runners:
            backs, lays, volume = (
                runner.ex.available_to_back,
                runner.ex.available_to_lay,
                runner.ex.traded_volume,
            )
            for level in (*backs, *lays, *volume):
                assert level.price in ladder
                assert level.size > 0
                assert round(level.size, 2) == level.size
            if backs and lays:
                assert backs[0].price < lays[0].price
            assert runner.total_matched == round(sum(level.size for level in volume), 2)
            if runner.status != "REMOVED":
                assert runner.total_matched >= traded.get(runner.selection_id, 0)
                traded[runner.selection_id] = runner.total_matched
            if volume:
                assert runner.last_price_traded in ladder
        if book.status != "OPEN":
            continue
        active = [runner for runner in book.runners if runner.status == "ACTIVE"]
        assert all(runner.ex.available_to_back or runner.ex.available_to_lay for runner in active)


@given(market=markets())
@settings(max_examples=30)
def test_every_line_changes_something(market: SyntheticMarket) -> None:
    for _, change in market.changes():
        assert "marketDefinition" in change or change.get("rc")
        for runner in change.get("rc", []):
            assert runner.keys() > {"id"}
