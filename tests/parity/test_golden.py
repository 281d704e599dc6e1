"""Golden totals of flumine 3.3.2 on recorded markets: strategies in flumine's manner, only the imports are ours."""

from collections.abc import Callable
from typing import Any

import pytest

from flumine_core import (
    BaseStrategy,
    BetfairHistoricalStream,
    FlumineSimulation,
    LimitOnCloseOrder,
    LimitOrder,
    MarketOnCloseOrder,
    OrderStatus,
    Trade,
    clients,
    get_nearest_price,
    get_price,
)

CAPS: dict[str, Any] = {"max_order_exposure": 1000, "max_selection_exposure": 105}
Kind = Callable[[Any], Any]


class OncePerRunner(BaseStrategy):
    """Places one order on each active runner: before the off, or in play."""

    def __init__(self, side: str, kind: Kind, inplay: bool = False, **options: Any) -> None:
        super().__init__(**CAPS, **options)
        self.side = side
        self.kind = kind
        self.inplay = inplay

    def check_market_book(self, market: Any, market_book: Any) -> bool:
        if self.inplay:
            return bool(market_book.inplay)
        return not market_book.inplay and market.seconds_to_start < 100

    def process_market_book(self, market: Any, market_book: Any) -> None:
        with market.transaction(client=self.context.get("client")) as t:
            for runner in market_book.runners:
                context = self.get_runner_context(market.market_id, runner.selection_id)
                if runner.status == "ACTIVE" and context.trade_count == 0:
                    trade = Trade(market_book.market_id, runner.selection_id, runner.handicap, self)
                    t.place_order(trade.create_order(side=self.side, order_type=self.kind(runner)))


class ReplaceOnce(OncePerRunner):
    """Replaces at 1.01 what is not matched."""

    def process_orders(self, market: Any, orders: list[Any]) -> None:
        with market.transaction() as t:
            for order in orders:
                if order.status == OrderStatus.EXECUTABLE and order.size_matched == 0:
                    t.replace_order(order, new_price=1.01)


class LowerInPlay(OncePerRunner):
    """Replaces what is older than two seconds, one point lower."""

    def process_orders(self, market: Any, orders: list[Any]) -> None:
        for order in orders:
            if order.status == OrderStatus.EXECUTABLE and (order.elapsed_seconds or 0) > 2:
                market.replace_order(order, get_nearest_price(order.order_type.price - 1))


class LayInPlay(BaseStrategy):
    """Lays what trades below 2.0, and cancels after two seconds."""

    def check_market_book(self, market: Any, market_book: Any) -> bool:
        return bool(market_book.inplay)

    def process_market_book(self, market: Any, market_book: Any) -> None:
        for runner in market_book.runners:
            if runner.status == "ACTIVE" and runner.last_price_traded < 2:
                trade = Trade(market_book.market_id, runner.selection_id, runner.handicap, self)
                lay = get_price(runner.ex.available_to_lay, 0)
                market.place_order(trade.create_order(side="LAY", order_type=LimitOrder(lay, 2.00)))

    def process_orders(self, market: Any, orders: list[Any]) -> None:
        for order in orders:
            if order.status == OrderStatus.EXECUTABLE and (order.elapsed_seconds or 0) > 2:
                market.cancel_order(order)


def back(runner: Any) -> Any:
    return LimitOrder(get_price(runner.ex.available_to_back, 0), 2.00)


def totals(framework: FlumineSimulation, strategy: BaseStrategy) -> list[tuple[int, float]]:
    found = [market.blotter.strategy_orders(strategy) for market in framework.markets]
    return [(len(orders), round(sum(order.profit for order in orders), 2)) for orders in found]


def test_totals_of_one_market(recorded: Any) -> None:
    framework = FlumineSimulation(client=clients.SimulatedClient())
    stream = BetfairHistoricalStream(file_path=str(recorded / "PRO-1.170258213"))
    framework.add_stream(stream)
    strategies = {
        OncePerRunner("BACK", back, name="best", streams=[stream]): (14, -16.80),
        ReplaceOnce("BACK", lambda runner: LimitOrder(1000, 2.00), name="replace", streams=[stream]): (28, -16.80),
        LayInPlay(name="in play", streams=[stream], **CAPS): (14, 19.88),
        OncePerRunner(
            "BACK",
            lambda runner: LimitOnCloseOrder(liability=10, price=get_price(runner.ex.available_to_back, 0) or 1000),
            name="limit on close",
            streams=[stream],
        ): (14, -53.20),
        OncePerRunner("LAY", lambda runner: MarketOnCloseOrder(100.00), name="moc", streams=[stream]): (14, -6.68),
    }
    for strategy in strategies:
        framework.add_strategy(strategy)
    framework.run()
    assert framework.faults.counts == {}
    assert {strategy.name: totals(framework, strategy) for strategy in strategies} == {
        strategy.name: [expected] for strategy, expected in strategies.items()
    }


def test_totals_of_two_clients(recorded: Any) -> None:
    framework = FlumineSimulation()
    stream = BetfairHistoricalStream(file_path=str(recorded / "PRO-1.170258213"))
    framework.add_stream(stream)
    strategies = []
    for is_best in (True, False):
        client = clients.SimulatedClient(best_price_execution=is_best)
        framework.add_client(client)
        strategy = LowerInPlay(
            "BACK", back, inplay=True, name=f"best price {is_best}", streams=[stream], context={"client": client}
        )
        framework.add_strategy(strategy)
        strategies.append((strategy, client))
    framework.run()
    assert [totals(framework, strategy) for strategy, _ in strategies] == [[(15, -17.75)], [(14, -19.75)]]
    (market,) = framework.markets
    for strategy, client in strategies:
        assert market.blotter.strategy_orders(strategy) == market.blotter.client_orders(client)


def test_totals_of_an_event(recorded: Any) -> None:
    framework = FlumineSimulation(client=clients.SimulatedClient())
    names = ("SELF-1.181223994", "SELF-1.181223995", "PRO-1.170258213")
    streams = [BetfairHistoricalStream(file_path=str(recorded / name), event_processing=True) for name in names]
    strategy = LayInPlay(streams=streams, **CAPS)
    framework.add_strategy(strategy)
    framework.run()
    found = {
        market.market_id: (*expected, market.transaction_id)
        for market, expected in zip(framework.markets, totals(framework, strategy), strict=True)
    }
    assert found == {
        "1.181223994": (86, 101.44, 1329),
        "1.181223995": (200, -95.02, 2436),
        "1.170258213": (14, 19.88, 165),
    }


@pytest.mark.parametrize("name", ["BASIC-1.132153978", "BASIC-1.132153978.gz"])
def test_plain_and_compressed_are_one(name: str, recorded: Any) -> None:
    framework = FlumineSimulation(client=clients.SimulatedClient())
    framework.add_stream(BetfairHistoricalStream(file_path=str(recorded / name)))
    framework.run()
    assert (len(framework.markets), framework.books) == (1, 480)
