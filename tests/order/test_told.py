"""What logging controls are told reads like flumine's live objects, and stays plain."""

import copy
import json
import pickle
from typing import Any

import msgspec
import pytest

from flumine_core import BaseStrategy, LimitOrder, LoggingControl, OrderStatus, Trade
from flumine_core.order.kinds import OrderTypes
from flumine_core.order.told import Told


class Backer(BaseStrategy):
    order: Any = None

    def check_market_book(self, market: Any, market_book: Any) -> bool:
        return self.order is None

    def process_market_book(self, market: Any, market_book: Any) -> None:
        runner = market_book.runners[0]
        trade = Trade(market.market_id, runner.selection_id, runner.handicap, self, notes={"why": "value"})
        self.order = trade.create_order("BACK", LimitOrder(1.01, 2.0), notes={"edge": 0.1, "at": 3})
        market.place_order(self.order)


class Results(LoggingControl):
    """Reads attributes, as the results control of flumine's examples does."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[Any] = []
        self.told: Any = None
        self.markets: list[Any] = []

    def _process_cleared_orders_meta(self, event: Any) -> None:
        for order in event.event:
            self.told = order
            is_limit = order.order_type.ORDER_TYPE == OrderTypes.LIMIT
            row = [order.bet_id, str(order.trade.strategy), order.market_id, order.selection_id, order.trade.id]
            row += [order.responses.date_time_placed, order.order_type.price if is_limit else None, order.side]
            row += [order.average_price_matched, order.size_matched, order.profit, order.simulated.profit]
            row += [order.elapsed_seconds, order.elapsed_seconds_created, order.elapsed_seconds_status_update]
            row += [order.elapsed_seconds_executable, order.status.value, order.trade.notes_str, order.notes_str]
            self.rows.append([*row, order.date_time_created, order.lookup, order.complete, order.cleared_order])

    def _process_cleared_markets(self, event: Any) -> None:
        self.markets += [(each.market_id, each.bet_count, each.profit) for each in event.event.orders]
        dates = {(each.placed_date, each.settled_date, each.last_matched_date) for each in event.event.orders}
        assert dates == {(None, None, None)}

    def _process_closed_market(self, event: Any) -> None:
        self.markets.append((event.event.market_id, event.event.runners[0].status))

    def _process_market(self, event: Any) -> None:
        self.cache.append((event.event.market_start_datetime.strftime("%H:%M"), event.event.info["market_id"]))

    def _process_trade(self, event: Any) -> None:
        trade = event.event
        self.cache.append((trade.market_id, trade.selection_id, trade.handicap, trade.status.value, trade.id))
        assert (trade["id"], trade.date_time_created) == (trade.id, trade.date_time_created)

    def _process_strategy(self, event: Any) -> None:
        self.cache.append((event.event.name, event.event.info["max_trade_count"]))

    def _process_config(self, event: Any) -> None:
        self.cache.append(event.event.place_latency)


def run(simulate: Any, market_file: Any) -> tuple[Backer, Results]:
    strategy, results = Backer(), Results()
    framework = simulate(market_file(), strategy, before=lambda made: made.add_logging_control(results))
    assert framework.faults.total == 0
    return strategy, results


def test_a_results_control_of_flumines_examples_runs(simulate: Any, market_file: Any) -> None:
    strategy, results = run(simulate, market_file)
    order = strategy.order
    row = [order.bet_id, "Backer", order.market_id, order.selection_id, order.trade.id]
    row += [order.responses.date_time_placed, 1.01, "BACK"]
    row += [order.average_price_matched, order.size_matched, order.profit, order.profit]
    row += [order.elapsed_seconds, order.elapsed_seconds_created, order.elapsed_seconds_status_update]
    row += [order.elapsed_seconds_executable, order.status.value, "value", "0.1,3"]
    assert results.rows == [[*row, order.date_time_created, order.lookup, True, None]]
    assert sorted(results.markets, key=len) == [
        (order.market_id, order.runner_status),
        (order.market_id, 1, order.profit),
    ]


def test_markets_trades_strategies_and_settings_read_as_in_flumine(simulate: Any, market_file: Any) -> None:
    strategy, results = run(simulate, market_file)
    order, again = strategy.order, simulate(market_file())
    (market,) = again.markets
    assert results.cache == [
        ("Backer", strategy.max_trade_count),
        again.settings.place_latency,
        (f"{market.market_start_datetime:%H:%M}", order.market_id),
        (order.market_id, order.selection_id, order.handicap, "Live", order.trade.id),
    ]
    told = results.told
    assert (told.trade.market_id, told.market_type, told.async_) == (order.market_id, order.market_type, order.async_)
    assert told.json() == order.json()


def test_what_is_told_stays_plain(simulate: Any, market_file: Any) -> None:
    strategy, results = run(simulate, market_file)
    told = results.told
    assert isinstance(told, dict) and told == strategy.order.info
    assert told["status"] == told.status.value and told.status is OrderStatus.EXECUTION_COMPLETE
    plain = json.loads(json.dumps(told))
    for codec in (msgspec.json, msgspec.msgpack):
        assert codec.decode(codec.encode(told)) == plain
    for again in (copy.copy(told), copy.deepcopy(told), pickle.loads(pickle.dumps(told))):
        assert again == told and again.trade.id == told.trade.id
    with pytest.raises(AttributeError):
        told.nothing_of_the_kind  # noqa: B018
    with pytest.raises(AttributeError, match="nothing"):
        Told(a=1).nothing  # noqa: B018
    assert pickle.loads(pickle.dumps(Told(a=1))).a == 1
