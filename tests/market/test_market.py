"""One market and the registry: what they tell, and how markets leave and come again."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from flumine_core import BaseStrategy, LimitOrder, Trade
from flumine_core.book.cache import MarketBookCache
from flumine_core.book.change import decode_message
from flumine_core.clock import EventClock
from flumine_core.market.market import Market
from flumine_core.market.markets import Markets
from flumine_core.synthetic.event import event
from flumine_core.synthetic.market import SyntheticMarket


class House:
    """A framework as far as markets look at it."""

    def __init__(self) -> None:
        self.clock = EventClock(1_000)
        self.markets = Markets()


def opened(house: Any, lines: int = 1, **options: Any) -> Market:
    """Return a registered market that has seen the first lines of a synthetic one."""
    made = SyntheticMarket(updates=50, **options)
    cache = MarketBookCache(made.market_id, 1)
    market = Market(house, made.market_id)
    for line in list(made.lines())[:lines]:
        message = decode_message(line)
        house.clock.advance(message.pt)
        market.market_book = cache.update(message.mc[0], message.pt)
    house.markets.add_market(made.market_id, market)
    return market


def test_market_without_a_book_knows_nothing_and_says_so() -> None:
    market = Market(House(), "1.1")  # type: ignore[arg-type]
    assert market.status is market.publish_time is market.market_type is market.country_code is None
    assert (market.event_id, market.bet_delay, market.closed) == ("", 0, False)
    assert market.market_start_datetime.year == 1970
    assert market.info["market_id"] == "1.1"
    assert list(market.event) == []


def test_market_reads_the_definition() -> None:
    house = House()
    market = opened(house)
    book = market.market_book
    assert book is not None
    assert (market.status, market.market_type, market.event_id) == ("OPEN", "WIN", "30000001")
    assert market.publish_time == book.publish_time
    assert market.market_start_datetime == book.definition.market_time
    assert market.seconds_to_start == (market.market_start_datetime - house.clock.now()).total_seconds() > 0
    assert market.market_start_hour_minute == f"{market.market_start_datetime:%H%M}"
    assert market.event_type_id == "7"


def test_catalogue_wins_over_the_definition() -> None:
    market = opened(House())
    market.market_catalogue = SimpleNamespace(
        market_name="2m Hcap",
        event=SimpleNamespace(id="9", name="Ascot 1st June", country_code="IE", venue="Ascot"),
        event_type=SimpleNamespace(id="4339"),
        competition=SimpleNamespace(id="c"),
        description=SimpleNamespace(market_type="PLACE", race_type="Flat"),
    )
    assert (market.market_name, market.event_id, market.event_name) == ("2m Hcap", "9", "Ascot 1st June")
    assert (market.event_type_id, market.competition_id, market.market_type) == ("4339", "c", "PLACE")
    assert (market.country_code, market.venue, market.race_type) == ("IE", "Ascot", "Flat")


@pytest.mark.parametrize("zone", [None, UTC])
def test_a_start_that_the_catalogue_tells_is_in_utc(zone: Any) -> None:
    house = House()
    market = Market(house, "1.1")  # type: ignore[arg-type]
    market.market_catalogue = SimpleNamespace(market_start_time=datetime(1970, 1, 1, 0, 1, tzinfo=zone))
    assert market.market_start_datetime == datetime(1970, 1, 1, 0, 1, tzinfo=UTC)
    assert market.seconds_to_start == 59


def test_orders_are_found_by_bet(simulate: Any, market_file: Any) -> None:
    class Places(BaseStrategy):
        def process_new_market(self, market: Any, market_book: Any) -> None:
            trade = Trade(market.market_id, market_book.runners[0].selection_id, 0, self)
            self.order = trade.create_order("BACK", LimitOrder(1000, 2.0))
            market.place_order(self.order)

    strategy = Places()
    markets = simulate(market_file(), strategy).markets
    order = strategy.order
    assert order.bet_id
    assert markets.get_order_from_bet_id(order.market_id, order.bet_id) is order
    assert markets.get_order_from_bet_id(order.market_id, "1") is None
    assert markets.get_order_from_bet_id("1.1", order.bet_id) is None
    assert [each.market_book_closed for each in markets] == [True]


def test_event_lists_markets_of_the_same_start_by_type() -> None:
    house = House()
    for made in event("WIN", "PLACE", like=SyntheticMarket(updates=50)).markets:
        opened(house, market_type=made.market_type, market_id=made.market_id)
    later = opened(house, market_id="1.5", start_ms=1_717_300_000_000)
    win = house.markets.markets["1.100000001"]
    assert {kind: [each.market_id for each in found] for kind, found in win.event.items()} == {
        "WIN": ["1.100000001"],
        "PLACE": ["1.100000002"],
    }
    assert later.event == {"WIN": [later]}


def test_matches_of_an_event_need_not_start_together() -> None:
    house = House()
    first = opened(house, market_type="MATCH_ODDS", market_id="1.1")
    second = opened(house, market_type="MATCH_ODDS", market_id="1.2", start_ms=1_717_300_000_000)
    assert first.event == {"MATCH_ODDS": [first, second]}


def test_closing_and_opening_again() -> None:
    house = House()
    market = opened(house)
    assert market.elapsed_seconds_closed is None
    market.close_market()
    market.market_cleared.append({})
    house.clock.advance(house.clock.epoch_ms + 1_500)
    assert market.closed and market.elapsed_seconds_closed == 1.5
    house.markets.add_market(market.market_id, market)
    assert not market.closed and market.market_cleared == [] and market.elapsed_seconds_closed is None


def test_new_version_asks_for_a_catalogue() -> None:
    market = opened(House())
    book = market.market_book
    assert book is not None
    market.update_market_catalogue = False
    market.market_book = book
    assert not market.update_market_catalogue
    cache = MarketBookCache("1.100000001", 1)
    for line in SyntheticMarket(updates=50).lines():
        message = decode_message(line)
        market.market_book = cache.update(message.mc[0], message.pt)
    assert market.update_market_catalogue


def test_registry_iterates_in_order_while_it_changes_and_forgets() -> None:
    house = House()
    ids = ["1.3", "1.1", "1.2"]
    for market_id in ids:
        opened(house, market_id=market_id)
    assert [market.market_id for market in house.markets] == ids
    for market in house.markets:
        house.markets.remove_market(market.market_id)
    assert len(house.markets) == 0 and house.markets.events == {}
    assert "1.1" not in house.markets and house.markets.get("1.1") is None
    with pytest.raises(KeyError):
        house.markets.remove_market("1.1")


def test_open_markets_are_counted_by_status() -> None:
    house = House()
    opened(house, market_id="1.1")
    opened(house, lines=10_000, market_id="1.2")
    assert house.markets.open_market_ids == ["1.1"]
    assert not house.markets.live_orders
    assert house.markets.get_order("1.9", "1") is None
    assert house.markets.get_order("1.1", "1") is None
