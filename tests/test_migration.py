"""What code written for flumine does beyond its documentation, unchanged but for the import lines."""

import copy
from typing import Any

import pytest

from flumine_core import (
    BaseStrategy,
    BetfairHistoricalStream,
    FlumineCoreError,
    FlumineSimulation,
    LimitOrder,
    OrderStatus,
    SimulatedClient,
    Trade,
    TradeStatus,
)
from flumine_core.contract.client import SimulatedAccount
from flumine_core.events import EVENT_NOUNS


class Looker(BaseStrategy):
    def check_market_book(self, market: Any, market_book: Any) -> bool:
        return bool(market_book.status == "OPEN")


class InTrade(Looker):
    """Places two orders within `with trade:`, the second one of a size that is refused."""

    trade: Trade | None = None

    def process_market_book(self, market: Any, market_book: Any) -> None:
        if self.trade is None:
            runner = market_book.runners[0]
            self.trade = Trade(market.market_id, runner.selection_id, runner.handicap, self)
            with self.trade as trade:
                self.within = trade.status
                for size in (2.0, 1e6):
                    market.place_order(trade.create_order("BACK", LimitOrder(1.01, size)))


def test_orders_are_placed_within_a_trade(simulate: Any, market_file: Any) -> None:
    strategy = InTrade()
    framework = simulate(market_file(), strategy)
    trade = strategy.trade
    assert trade is not None and framework.faults.total == 0
    assert strategy.within is TradeStatus.PENDING
    assert [order.status for order in trade.orders] == [OrderStatus.EXECUTION_COMPLETE, OrderStatus.VIOLATION]
    assert trade.status_log == [TradeStatus.PENDING, TradeStatus.LIVE, TradeStatus.COMPLETE]


class OnlyRefused(InTrade):
    """Has every order refused within the trade."""

    def validate_order(self, runner_context: Any, order: Any) -> bool:
        return False


def test_a_trade_of_refused_orders_is_complete_once_it_is_left(simulate: Any, market_file: Any) -> None:
    strategy = OnlyRefused()
    simulate(market_file(), strategy)
    assert strategy.trade is not None
    assert strategy.trade.status_log == [TradeStatus.PENDING, TradeStatus.LIVE, TradeStatus.COMPLETE]


def test_a_trade_that_raised_within_is_live_again(simulate: Any, market_file: Any) -> None:
    class Raising(Looker):
        trade: Any = None

        def process_market_book(self, market: Any, market_book: Any) -> None:
            if self.trade is None:
                self.trade = Trade(market.market_id, market_book.runners[0].selection_id, 0, self)
                with self.trade:
                    raise ValueError("mine")

    strategy = Raising()
    framework = simulate(market_file(), strategy)
    assert strategy.trade.status is TradeStatus.LIVE
    assert framework.faults.counts == {("Raising", "strategy.process_market_book"): 1}


@pytest.mark.parametrize(("options", "separator"), [({}, "-"), ({"order_sep": "_"}, "_")])
def test_the_settings_separator_stands_in_each_reference(
    simulate: Any, market_file: Any, options: dict[str, str], separator: str
) -> None:
    strategy = InTrade()
    simulate(market_file(), strategy, settings=options)
    assert strategy.trade is not None
    for order in strategy.trade.orders:
        assert order.customer_order_ref == f"{strategy.name_hash}{separator}{order.id}"
    assert strategy.trade.create_order("BACK", LimitOrder(2.0, 2.0), sep="*").sep == "*"


def test_events_bear_what_happened_as_event(simulate: Any, market_file: Any) -> None:
    class Overriding(FlumineSimulation):
        seen: dict[str, Any] = {}

        def _process_market_books(self, event: Any) -> None:
            assert event.event is event.market_books
            self.seen["books"] = self.seen.get("books", 0) + len(event.event)
            super()._process_market_books(event)

        def _process_close_market(self, event: Any) -> None:
            self.seen["closed"] = event.event.market_id
            super()._process_close_market(event)

        def _process_cleared_orders(self, event: Any) -> None:
            self.seen["orders"] = event.event.orders
            super()._process_cleared_orders(event)

        def _process_cleared_markets(self, event: Any) -> None:
            self.seen["bets"] = event.event.orders[0].bet_count
            super()._process_cleared_markets(event)

        def _process_end_flumine(self) -> None:
            self.seen["ended"] = True
            super()._process_end_flumine()

    framework = simulate(market_file(), InTrade(), cls=Overriding)
    (market,) = framework.markets
    assert framework.seen == {
        "books": framework.books,
        "closed": market.market_id,
        "orders": [],
        "bets": 1,
        "ended": True,
    }
    assert framework.faults.total == 0


def test_every_received_event_has_its_content_as_event() -> None:
    own = {"market_orders", "order_package", "current_orders", "end_flumine"}  # flumine has no such events, or others
    for event_type, noun in EVENT_NOUNS.items():
        assert noun in own or hasattr(event_type, "event"), noun


def test_a_stream_may_be_the_first_argument(market_file: Any) -> None:
    framework = FlumineSimulation(client=SimulatedClient())
    strategy = InTrade(BetfairHistoricalStream(file_path=market_file()))
    framework.add_strategy(strategy)
    framework.run()
    assert strategy.trade is not None


def test_two_streams_as_one_are_refused(market_file: Any) -> None:
    stream = BetfairHistoricalStream(file_path=market_file())
    with pytest.raises(FlumineCoreError, match="one stream"):
        BaseStrategy(stream, stream=stream)


def test_the_simulated_account_has_details(simulate: Any, market_file: Any) -> None:
    class Euros(SimulatedClient):
        ACCOUNT_DETAILS = SimulatedAccount("EUR")

    assert SimulatedClient().account_details.currency_code == "GBP"
    assert Euros().currency_code == "EUR"


@pytest.mark.parametrize(("settings", "reference"), [({"customer_strategy_ref": "mine"}, "mine"), ({}, None)])
def test_what_was_cleared_bears_the_strategy_reference(
    simulate: Any, market_file: Any, settings: dict[str, str], reference: str | None
) -> None:
    framework = simulate(market_file(), InTrade(), settings=settings)
    (market,) = framework.markets
    assert market.cleared(framework.clients.get_default())["customerStrategyRef"] == reference


class Keeper(Looker):
    """Keeps copies of every book, and what the book said."""

    def add(self, flumine: Any) -> None:
        self.copies: list[Any] = []
        self.said: list[Any] = []

    def process_market_book(self, market: Any, market_book: Any) -> None:
        self.copies.append((copy.copy(market_book), copy.deepcopy(market_book)))
        self.said.append(said(market_book))


def said(book: Any) -> Any:
    return [
        (runner.selection_id, runner.last_price_traded, [dict(level) for level in runner.ex.available_to_back])
        for runner in book.runners
    ]


def test_copies_of_books_stay_as_they_were(simulate: Any, market_file: Any) -> None:
    keeper = Keeper()
    framework = simulate(market_file(), keeper)
    assert framework.faults.total == 0 and len(keeper.copies) > 100
    for copies, was in zip(keeper.copies, keeper.said, strict=True):
        assert all(said(copied) == was for copied in copies)
    shallow, deep = keeper.copies[50]
    deep.runners[0].ex.available_to_back.clear()
    shallow.runners.clear()
    assert said(copy.copy(keeper.copies[50][0]))[0][2] == keeper.said[50][0][2]


def test_levels_read_like_dicts(simulate: Any, market_file: Any) -> None:
    keeper = Keeper()
    simulate(market_file(), keeper)
    level = keeper.copies[-1][0].runners[0].ex.available_to_back[0]
    as_dict = {"price": level.price, "size": level.size}
    assert dict(level.items()) == dict(level) == as_dict
    assert list(level.values()) == list(as_dict.values())
