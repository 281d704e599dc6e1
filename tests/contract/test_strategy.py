"""The base strategy: limits on trades, runner contexts, streams, names."""

from types import SimpleNamespace
from typing import Any

import pytest

from flumine_core import (
    BaseStrategy,
    FlumineCoreError,
    HistoricalStream,
    LimitOrder,
    MarketStream,
    RunnerContext,
    Settings,
    Trade,
)
from flumine_core.clock import EventClock
from flumine_core.errors import OrderError, SettingsError
from flumine_core.order.ids import OrderIds


def made(**options: Any) -> tuple[BaseStrategy, EventClock]:
    """Return a strategy bound to a clock of its own."""
    clock = EventClock(1_000_000)
    strategy = BaseStrategy(**options)
    framework: Any = SimpleNamespace(clock=clock, clients="clients", settings=Settings(), subscriptions_changed=list)
    strategy.bind(framework, OrderIds())
    return strategy, clock


def order_of(strategy: BaseStrategy, **options: Any) -> Any:
    return Trade("1.1", 12, 0, strategy, **options).create_order("BACK", LimitOrder(2.0, 2.0))


def test_defaults_are_flumines() -> None:
    strategy = BaseStrategy()
    assert (strategy.max_selection_exposure, strategy.max_order_exposure, strategy.max_market_exposure) == (
        100,
        10,
        None,
    )
    assert (strategy.max_trade_count, strategy.max_live_trade_count) == (1_000_000, 1)
    assert strategy.multi_order_trades is False and strategy.stream_class is MarketStream
    assert strategy.name == str(strategy) == "BaseStrategy" and BaseStrategy(name="own").name == "own"


def test_name_hash_follows_from_the_name_alone() -> None:
    assert BaseStrategy(name="a").name_hash == BaseStrategy(name="a").name_hash != BaseStrategy(name="b").name_hash
    assert len(BaseStrategy().name_hash) == 13


def test_contexts_are_not_shared() -> None:
    one, two = BaseStrategy(), BaseStrategy()
    one.context["x"] = 1
    assert two.context == {}
    given: dict[str, Any] = {}
    assert BaseStrategy(context=given).context is given


@pytest.mark.parametrize("timeout", [0, -1.0, "5"])
def test_a_streaming_timeout_is_positive(timeout: Any) -> None:
    with pytest.raises(SettingsError, match="streaming_timeout"):
        BaseStrategy(streaming_timeout=timeout)


def test_runner_context_follows_its_trades() -> None:
    clock = EventClock(1_000)
    context = RunnerContext(12, clock)
    assert (context.trade_count, context.live_trade_count, context.executable_orders) == (0, 0, False)
    assert context.placed_elapsed_seconds is context.reset_elapsed_seconds is context.datetime_last_placed is None
    context.place("a")
    context.place("a")
    context.place("b")
    clock.advance(2_500)
    assert (context.trades, context.live_trades, context.invested) == (["a", "b"], ["a", "b"], True)
    assert context.placed_elapsed_seconds == 1.5
    context.reset("a")
    context.reset("a")
    clock.advance(3_000)
    assert (context.live_trades, context.trade_count, context.reset_elapsed_seconds) == (["b"], 2, 0.5)
    assert context.datetime_last_reset is not None and context.datetime_last_reset.microsecond == 500_000


def test_a_new_trade_is_not_looked_for_among_the_live_ones() -> None:
    """There may be thousands."""

    class Unsearched(list[str]):
        def __contains__(self, item: object) -> bool:
            raise AssertionError(item)

    context = RunnerContext(11, EventClock())
    context.live_trades = Unsearched()
    for trade_id in ("a", "b", "c"):
        context.place(trade_id)
    assert context.live_trades == context.trades == ["a", "b", "c"]


def test_live_trades_are_limited_and_a_live_trade_may_go_on() -> None:
    strategy, _ = made(max_live_trade_count=1)
    context = strategy.get_runner_context("1.1", 12)
    order, other = order_of(strategy), order_of(strategy)
    assert strategy.validate_order(context, order)
    context.place(order.trade.id)
    assert strategy.validate_order(context, order.trade.create_order("LAY", LimitOrder(2.0, 2.0)))
    assert not strategy.validate_order(context, other)
    assert other.violation_msg == "live trade count must stay within 1, was 1"
    context.reset(order.trade.id)
    assert strategy.validate_order(context, other)


def test_trades_are_limited_for_good() -> None:
    strategy, _ = made(max_trade_count=1)
    context = strategy.get_runner_context("1.1", 12)
    order, other = order_of(strategy), order_of(strategy)
    context.place(order.trade.id)
    context.reset(order.trade.id)
    assert not strategy.validate_order(context, other)
    assert "trade count must stay within 1" in other.violation_msg
    assert strategy.validate_order(strategy.get_runner_context("1.1", 13), other)


@pytest.mark.parametrize("option", ["reset_seconds", "place_reset_seconds"])
def test_seconds_between_trades_are_kept(option: str) -> None:
    strategy, clock = made(max_live_trade_count=9)
    context = strategy.get_runner_context("1.1", 12)
    first = order_of(strategy)
    context.place(first.trade.id)
    context.reset(first.trade.id)
    second = order_of(strategy, **{option: 2.0})
    clock.advance(clock.epoch_ms + 1_999)
    assert not strategy.validate_order(context, second)
    assert option in second.violation_msg and "1.999" in second.violation_msg
    clock.advance(clock.epoch_ms + 1)
    assert strategy.validate_order(context, second)


def test_orders_of_a_live_trade_need_nothing_with_multi_order_trades() -> None:
    strategy, _ = made(max_live_trade_count=1, multi_order_trades=True)
    context = strategy.get_runner_context("1.1", 12)
    order = order_of(strategy, place_reset_seconds=100.0)
    context.place(order.trade.id)
    assert strategy.validate_order(context, order.trade.create_order("LAY", LimitOrder(2.0, 2.0)))


def test_contexts_of_a_market_are_forgotten_with_it() -> None:
    strategy, _ = made()
    context = strategy.get_runner_context("1.1", 12, 0.5)
    assert strategy.get_runner_context("1.1", 12, 0.5) is context
    assert strategy.get_runner_context("1.1", 12) is not context
    context.place("a")
    assert strategy.has_executable_orders("1.1", 12, 0.5) and not strategy.has_executable_orders("1.1", 12)
    strategy.remove_market("1.1")
    strategy.remove_market("1.2")
    assert strategy.get_runner_context("1.1", 12, 0.5) is not context


def test_streams_may_be_given_replaced_and_left() -> None:
    one, two = MarketStream(stream_id=1), MarketStream(stream_id=2, conflate_ms=5)
    strategy = BaseStrategy(stream=one)
    assert strategy.stream_ids == {1}
    strategy.subscribe_to_stream(two)
    assert strategy.stream_ids == {1, 2}
    strategy.replace_stream(one, two)
    strategy.unsubscribe_from_stream(MarketStream(stream_id=3))
    assert strategy.streams == [two, two]
    strategy.unsubscribe_from_stream(two)
    assert strategy.streams == []
    with pytest.raises(FlumineCoreError, match="both"):
        BaseStrategy(stream=one, streams=[two])
    assert BaseStrategy(streams=[one, two]).stream_ids == {1, 2}


def test_time_and_info() -> None:
    strategy, clock = made(name="n", context={"a": object()})
    assert strategy.now() == clock.now()
    info = strategy.info
    assert (info["strategy_name"], info["max_order_exposure"], info["stream_ids"]) == ("n", 10, [])
    assert isinstance(info["context"]["a"], str)


def test_flumines_first_two_arguments_are_taken_by_position() -> None:
    streams = [HistoricalStream("a"), HistoricalStream("b")]
    assert BaseStrategy(None, streams).streams == streams  # type: ignore[arg-type]
    with pytest.raises(SettingsError, match="flumine has its arguments in another order, name them"):
        BaseStrategy(streams[0], None, "name", {})  # type: ignore[arg-type]


def test_a_strategy_that_was_not_added_is_told_so(simulate: Any, market_file: Any) -> None:
    class Lends(BaseStrategy):
        told = ""

        def process_new_market(self, market: Any, market_book: Any) -> None:
            for strategy in (self, BaseStrategy(name="tag")):
                trade = Trade(market.market_id, market_book.runners[0].selection_id, 0, strategy)
                try:
                    market.place_order(trade.create_order("BACK", LimitOrder(2.0, 2.0)))
                except OrderError as error:
                    self.told = str(error)

    strategy = Lends()
    simulate(market_file(), strategy)
    assert strategy.told.startswith("strategy tag was not added")
