"""Markets that close, or only seem to: while nobody listens, before a fill is heard, or out of a stream's sight."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flumine_core import LoggingControl, OrderStatus

from .rig import MARKET, Rig

OTHER = "1.200000002"
EVERY: dict[str, Any] = {"market_filter": {"eventTypeIds": ["7"]}}
SOON = {"worker_start_delay": 1.0, "poll_market_catalogue_interval": 2.0, "poll_cleared_orders_first": 1.0}


class Cleared(LoggingControl):
    """Keeps what is cleared."""

    def __init__(self) -> None:
        super().__init__()
        self.times = 0
        self.bets: list[str] = []
        self.markets: list[str] = []

    def process_cleared_orders(self, event: Any) -> None:
        self.times += 1
        self.bets += [row["bet_id"] for row in event.cleared_orders]

    def process_cleared_markets(self, event: Any) -> None:
        self.markets += [row["market_id"] for row in event.cleared_markets]


@pytest.fixture
def other(exchange: Any) -> None:
    """One more market, so that there is something to be seen."""
    from flumine_exchange.exchange import Scenario

    exchange.add_scenario(Scenario(market_id=OTHER))


def open_in_journal(path: Path) -> set[str]:
    """Return the markets whose orders the next start would load."""
    connection = sqlite3.connect(path)
    rows = connection.execute(
        "SELECT DISTINCT market_id FROM orders WHERE market_id NOT IN (SELECT market_id FROM closed_markets)"
    ).fetchall()
    connection.close()
    return {market_id for (market_id,) in rows}


@pytest.mark.usefixtures("other")
@pytest.mark.parametrize("is_matched", [True, False])
def test_a_market_that_closed_while_we_were_down_leaves_the_journal(
    make_rig: Callable[..., Rig], tmp_path: Path, is_matched: bool
) -> None:
    first = make_rig(trader=EVERY)
    matched, resting = first.place(), first.place()
    first.settled(matched, resting)
    market = first.exchange.market(MARKET)
    if is_matched:
        market.match_bet(matched.bet_id)
        first.wait_until(lambda: matched.complete)
    first.stop()
    market.close([11])
    journal = tmp_path / "journal.sqlite"
    assert open_in_journal(journal) == {MARKET}
    cleared = Cleared()
    second = make_rig(trader=EVERY, log=cleared, **SOON)
    again = second.ask(lambda: second.market.blotter[matched.id])
    second.wait_until(lambda: second.market.closed)
    second.wait_until(lambda: not open_in_journal(journal))
    if is_matched:
        second.wait_until(lambda: again.cleared_order is not None)
        assert again.cleared_order.bet_id == again.bet_id
        second.wait_until(lambda: cleared.bets == [again.bet_id] and cleared.markets == [MARKET])
    second.stop()
    third = make_rig(trader=EVERY)
    assert third.ask(lambda: MARKET not in third.framework.markets)


@pytest.mark.usefixtures("other")
def test_that_nothing_was_matched_is_told_too(make_rig: Callable[..., Rig]) -> None:
    cleared = Cleared()
    rig = make_rig(trader=EVERY, log=cleared, **SOON)
    rig.settled(rig.place())
    rig.exchange.market(MARKET).close([11])
    rig.wait_until(lambda: cleared.times)
    assert (cleared.times, cleared.bets, cleared.markets) == (1, [], [])


@pytest.mark.usefixtures("other")
@pytest.mark.parametrize("own_orders_only", [True, False])
def test_what_is_cleared_is_of_the_same_bets_as_the_orders(make_rig: Callable[..., Rig], own_orders_only: bool) -> None:
    cleared = Cleared()
    rig = make_rig(trader=EVERY, log=cleared, own_orders_only=own_orders_only, **SOON)
    bet_id = rig.exchange.place_external_bet(MARKET, 22, "LAY", 1.5, 20.0)
    order = rig.place()
    rig.settled(order)
    market = rig.exchange.market(MARKET)
    market.match_bet(order.bet_id)
    market.match_bet(bet_id)
    rig.wait_until(lambda: order.complete)
    market.close([11])
    rig.wait_until(lambda: cleared.markets)
    assert set(cleared.bets) == {order.bet_id} | (set() if own_orders_only else {bet_id})


@pytest.mark.usefixtures("other")
def test_a_market_of_an_account_that_is_no_longer_there_leaves_the_journal(
    make_rig: Callable[..., Rig], tmp_path: Path
) -> None:
    first = make_rig()
    order = first.place()
    first.settled(order)
    first.stop()
    first.exchange.market(MARKET).close([11])
    journal = tmp_path / "journal.sqlite"
    connection = sqlite3.connect(journal)
    connection.execute("UPDATE orders SET client = 'somebody else'")
    connection.commit()
    connection.close()
    second = make_rig(trader=EVERY, **SOON)
    second.wait_until(lambda: not open_in_journal(journal))


@pytest.mark.usefixtures("other")
def test_a_closed_market_is_kept_until_its_orders_are_cleared(make_rig: Callable[..., Rig], tmp_path: Path) -> None:
    first = make_rig()
    order = first.place()
    first.settled(order)
    market = first.exchange.market(MARKET)
    market.match_bet(order.bet_id)
    first.wait_until(lambda: order.complete)
    market.close([11])
    first.wait_until(lambda: first.market.closed)
    first.stop()  # before anybody has asked what was cleared
    market.settle()
    second = make_rig(trader={"market_filter": {"marketIds": [MARKET, OTHER]}}, **SOON)
    again = second.ask(lambda: second.market.blotter[order.id])
    second.wait_until(lambda: again.cleared_order is not None)
    second.wait_until(lambda: not open_in_journal(tmp_path / "journal.sqlite"))


def test_a_market_stays_in_memory_until_its_orders_are_cleared(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(**SOON, closed_market_life=4.0)
    order = rig.place()
    rig.settled(order)
    rig.exchange.market(MARKET).match_bet(order.bet_id)
    rig.wait_until(lambda: order.complete)
    late = rig.exchange.faults.add("http.after_execute", {"op": "listClearedOrders"}, 4, "empty")
    rig.exchange.market(MARKET).close([11])
    rig.wait_until(lambda: MARKET not in rig.framework.markets)
    assert late.hits == 4
    assert order.cleared_order is not None


def test_a_fill_that_is_heard_after_the_closing_is_cleared(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(**SOON)
    order = rig.place()
    rig.settled(order)
    fault = rig.exchange.faults.add("order.publish", None, None, "hold", seconds=2.0)
    market = rig.exchange.market(MARKET)
    market.match_bet(order.bet_id)
    market.close([11])
    rig.wait_until(lambda: rig.market.closed)
    assert order.size_matched == 0
    rig.wait_until(lambda: order.size_matched == 2.0)
    rig.exchange.faults.remove(fault.id)
    rig.wait_until(lambda: order.cleared_order is not None)


def test_a_bet_that_comes_back_after_the_closing_is_cleared(make_rig: Callable[..., Rig]) -> None:
    """The exchange loses sight of a matched bet, so that it counts as lapsed, and has it again later."""
    rig = make_rig(**SOON)
    order = rig.place()
    rig.settled(order)
    for operation in ("listCurrentOrders", "listClearedOrders"):
        rig.exchange.faults.add("http.after_execute", {"op": operation}, None, "empty")
    rig.exchange.faults.add("order.publish", None, None, "skip")
    market = rig.exchange.market(MARKET)
    market.match_bet(order.bet_id)
    rig.exchange.drop_streams("order")
    rig.wait_until(lambda: order.complete)
    assert order.size_matched == 0
    rig.exchange.faults.clear()
    market.close([11])
    rig.wait_until(lambda: rig.market.closed and not rig.framework.cleared_market_queue.qsize())
    rig.ask(lambda: rig.execution.unknowns.watch(order))
    rig.exchange.drop_streams("order")
    rig.wait_until(lambda: order.size_matched == 2.0)
    rig.wait_until(lambda: order.cleared_order is not None)


@pytest.mark.usefixtures("other")
def test_a_market_that_only_vanishes_keeps_its_notes_over_a_restart(make_rig: Callable[..., Rig]) -> None:
    trader: dict[str, Any] = {"market_filter": {"eventTypeIds": ["7"], "turnInPlayEnabled": True}}
    first = make_rig(trader=trader, **SOON)
    order = first.place()
    order.notes["tick"] = 7
    first.settled(order)
    first.ask(lambda: first.execution._journal.note([order]))
    market = first.exchange.market(MARKET)
    definition = market.definition
    market.change({"marketDefinition": {**definition, "turnInPlayEnabled": False}})
    first.exchange.faults.add("stream.subscribe", {"stream": "market"}, 1, "error", code="INVALID_CLOCK")
    first.exchange.drop_streams("market")
    first.wait_until(lambda: first.market.closed)
    assert first.market.status == "OPEN"
    first.wait_until(lambda: first.ledger.requests.get("listMarketBook", 0) >= 2)
    first.stop()
    second = make_rig(trader=trader, **SOON)
    again = second.ask(lambda: second.market.blotter[order.id])
    assert (again.notes, again.trade.id, again.status) == ({"tick": 7}, order.trade.id, OrderStatus.EXECUTABLE)
    assert second.ask(lambda: second.trader.get_runner_context(MARKET, 11).trades) == [order.trade.id]
    second.wait_until(lambda: second.ledger.requests.get("listMarketBook", 0) >= 4)
    assert not second.ask(lambda: second.market.closed)
    second.ask(lambda: second.market.cancel_order(again, force=True))
    second.wait_until(lambda: again.complete)
    market.close([11])
    second.wait_until(lambda: second.market.closed)


def test_a_market_that_opens_again_is_waited_for_no_longer(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(**SOON)
    order = rig.place()
    rig.settled(order)
    market = rig.exchange.market(MARKET)
    market.match_bet(order.bet_id)
    rig.wait_until(lambda: order.complete)
    empty = rig.exchange.faults.add("http.after_execute", {"op": "listClearedOrders"}, None, "empty")
    market.close([11])
    rig.wait_until(lambda: rig.market.closed and empty.hits)
    market.reopen()
    rig.wait_until(lambda: not rig.market.closed)
    rig.exchange.faults.clear()
    market.close([22])
    rig.wait_until(lambda: order.cleared_order is not None)
    assert order.cleared_order.bet_outcome == "LOST"


def test_a_replacements_profit_counts_once(make_rig: Callable[..., Rig]) -> None:
    """The exchange lets a replacement bear the reference of the bet that it replaced."""
    rig = make_rig(**SOON)
    order = rig.place(size=4.0)
    rig.settled(order)
    market = rig.exchange.market(MARKET)
    market.match_bet(order.bet_id, 1.0)
    rig.wait_until(lambda: order.size_matched == 1.0)
    rig.ask(lambda: rig.market.replace_order(order, 4.0))
    rig.wait_until(lambda: len(order.trade.orders) == 2 and order.trade.orders[1].bet_id is not None)
    replacement = order.trade.orders[1]
    market.match_bet(replacement.bet_id)
    rig.wait_until(lambda: replacement.complete)
    market.close([11])
    rig.wait_until(lambda: order.cleared_order is not None)
    assert order.cleared_order.bet_id == order.bet_id
    assert (order.profit, replacement.profit) == (2.0, 9.0)
