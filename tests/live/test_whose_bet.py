"""Whose bet it is: a replace's own, another order's of the same trade, or somebody's by hand, on any account."""

from pathlib import Path
from typing import Any

import pytest
from betfairlightweight import APIClient

from flumine_core import LimitOrder, OrderStatus, Settings, Trade

from .rig import MARKET, WAITS, Rig, client_of

LOOKUP = (MARKET, 11, 0)


def replace_slowly(rig: Rig, order: Any, price: float) -> None:
    """Ask for a replace that the exchange carries out in 0.3 s."""
    rig.exchange.faults.add("http.before_execute", {"op": "replaceOrders"}, 1, "delay", seconds=0.3)
    rig.ask(lambda: rig.market.replace_order(order, price))


def test_a_bet_by_hand_is_no_replacement(rig: Rig) -> None:
    order = rig.place(3.0, 2.0)
    rig.settled(order)
    replace_slowly(rig, order, 4.0)
    by_hand = rig.exchange.place_external_bet(MARKET, 11, "BACK", 4.0, 100.0)
    rig.wait_until(lambda: len(list(rig.market.blotter)) == 3)
    rig.wait_until(lambda: all(each.status is not OrderStatus.PENDING for each in rig.market.blotter))
    rig.settled(order)
    sizes = {each.bet_id == by_hand: (each.trade.strategy.name, each.size_remaining) for each in rig.market.blotter}
    assert sizes == {True: ("outside", 100.0), False: ("Trader", 2.0)}
    assert (order.size_cancelled, order.size_remaining) == (2.0, 0.0)
    assert rig.ask(lambda: rig.market.blotter.selection_exposure(rig.trader, LOOKUP)) == 102.0


def test_another_order_of_the_same_trade_keeps_its_own_bet(rig: Rig) -> None:
    order = rig.place(3.0, 2.0)
    rig.settled(order)
    rig.exchange.faults.add("http.before_execute", {"op": "placeOrders"}, 1, "delay", seconds=0.3)

    def ask() -> Any:
        other = order.trade.create_order("BACK", LimitOrder(4.0, 50.0))
        rig.market.place_order(other)
        rig.market.replace_order(order, 4.0)
        return other

    other = rig.ask(ask)
    rig.wait_until(lambda: len(list(rig.market.blotter)) == 3)
    rig.settled(*rig.ask(lambda: list(rig.market.blotter)))
    rig.agrees()
    assert rig.ledger.bet(other.bet_id).size == 50.0
    rig.ask(lambda: rig.market.cancel_order(other))
    rig.wait_until(lambda: other.complete)
    assert [bet.sr for bet in rig.ledger.live_bets()] == [2.0]
    assert rig.ask(lambda: rig.market.blotter.selection_exposure(rig.trader, LOOKUP)) == 2.0


def test_a_replacement_is_known_by_its_reference_after_a_restart(make_rig: Any) -> None:
    first = make_rig()
    order = first.place(3.0, 2.0)
    first.settled(order)
    for price in (4.0, 5.0):
        live = first.ask(lambda: next(each for each in first.market.blotter if not each.complete))
        first.ask(lambda live=live, price=price: first.market.replace_order(live, price))
        first.wait_until(
            lambda price=price: any(
                each.order_type.price == price and each.status is OrderStatus.EXECUTABLE
                for each in first.market.blotter
            )
        )
    first.stop()
    second = make_rig()
    follows = second.ask(lambda: [each.follows for each in second.market.blotter if not each.complete])
    assert follows == [order.id]
    second.agrees()


def test_bets_by_hand_of_all_accounts_count(plugins: Any, tmp_path: Path) -> None:
    module = pytest.importorskip("flumine_exchange.exchange")
    accounts = [module.Account(username=name, password="p", app_key=f"key {name}") for name in ("a", "b")]
    settings = module.ExchangeSettings(scale=0.05, start="now", accounts=accounts)
    with module.LocalExchange([module.Scenario(market_id=MARKET)], settings=settings) as exchange:
        rig = Rig(
            exchange,
            client_of(exchange),
            Settings(**{**WAITS, "journal": str(tmp_path / "journal.sqlite")}),
            plugins(),
        )
        files = (exchange.cert_file, exchange.key_file)
        other = client_of(exchange)
        api: Any = APIClient("b", "p", "key b", cert_files=files)
        other = type(other)(api, endpoints=other.endpoints)
        rig.framework.add_client(other)
        rig.start()
        rig.wait_until(lambda: other.execution.gate.is_open)
        for name, size in (("a", 100.0), ("b", 5.0)):
            exchange.place_external_bet(MARKET, 11, "BACK", 3.0, size, account=name)
        rig.wait_until(lambda: len(list(rig.market.blotter)) == 2)
        assert rig.ask(lambda: rig.market.blotter.selection_exposure(rig.trader, LOOKUP)) == 105.0
        rig.stop()


def test_a_bet_that_is_found_late_counts_as_one_transaction(rig: Rig) -> None:
    rig.exchange.faults.add("http.before_execute", {"op": "placeOrders"}, 1, "report_late", seconds=3.0)
    order = rig.place()
    rig.wait_until(lambda: OrderStatus.EXECUTION_COMPLETE in order.status_log)
    rig.wait_until(lambda: order.bet_id is not None)
    rig.settled(order)
    assert rig.client.current_transaction_count_total == 1


def test_one_trade_may_have_orders_of_one_price(rig: Rig) -> None:
    trade = rig.ask(lambda: Trade(MARKET, 11, 0, rig.trader))

    def ask() -> list[Any]:
        orders = [trade.create_order("BACK", LimitOrder(3.0, size)) for size in (2.0, 4.0, 6.0)]
        for order in orders:
            rig.market.place_order(order)
        return orders

    orders = rig.ask(ask)
    rig.settled(*orders)
    rig.agrees()
    assert [rig.ledger.bet(order.bet_id).size for order in orders] == [2.0, 4.0, 6.0]


@pytest.mark.parametrize("is_first_done", [False, True])
def test_a_trade_with_orders_at_two_accounts_comes_back_as_one(
    plugins: Any, tmp_path: Path, is_first_done: bool
) -> None:
    module = pytest.importorskip("flumine_exchange.exchange")
    accounts = (module.Account(username="one", app_key="key-1"), module.Account(username="two", app_key="key-2"))
    settings = Settings(**{**WAITS, "journal": str(tmp_path / "journal.sqlite")})
    options = module.ExchangeSettings(scale=0.05, start="now", accounts=accounts)
    with module.LocalExchange([module.Scenario(market_id=MARKET)], settings=options) as exchange:

        def start() -> tuple[Rig, Any]:
            second = client_of(exchange)
            second.betting_client.username, second.betting_client.app_key = "two", "key-2"
            rig = Rig(exchange, client_of(exchange), settings, plugins())
            rig.framework.add_client(second)
            rig.start()
            rig.wait_until(lambda: second.execution.gate.is_open)
            return rig, second

        rig, second = start()

        def place() -> Any:
            trade = Trade(MARKET, 11, 0, rig.trader)
            for client in (rig.client, second):
                with rig.market.transaction(client=client) as transaction:
                    assert transaction.place_order(trade.create_order("BACK", LimitOrder(3.0, 2.0)))
            return trade

        trade = rig.ask(place)
        rig.settled(*trade.orders)
        if is_first_done:
            exchange.market(MARKET).match_bet(trade.orders[0].bet_id)
            rig.wait_until(lambda: trade.orders[0].complete)
        rig.stop()

        rig, second = start()
        try:
            again = [rig.ask(lambda each=each: rig.market.blotter[each.id]) for each in trade.orders]
            assert again[0].trade is again[1].trade
            assert [each.id for each in again[0].trade.orders] == [each.id for each in trade.orders]
            assert [each.client for each in again] == [rig.client, second]
            assert not again[0].trade.complete
            context = rig.trader.get_runner_context(MARKET, 11)
            assert (context.trades, context.live_trades) == ([trade.id], [trade.id])
            exchange.market(MARKET).match_bet(again[1].bet_id)
            rig.wait_until(lambda: again[1].complete)
            if is_first_done:
                rig.wait_until(lambda: again[0].trade.complete and not context.live_trades)
        finally:
            rig.stop()
