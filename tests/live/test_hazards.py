"""What would lose, double or forget a bet when something rare happens: over real sockets, judged by the ledger."""

import os
import signal
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flumine_core import LimitOrder, OrderStatus, Settings, Trade
from flumine_core.live.api import Api
from flumine_core.live.login import CallError

from .rig import MARKET, WAITS, Rig, client_of

DONE, LIVE = OrderStatus.EXECUTION_COMPLETE, OrderStatus.EXECUTABLE


def test_a_session_outlives_the_identity_service(rig: Rig) -> None:
    order = rig.place()
    rig.settled(order)
    for op in ("keepAlive", "certlogin"):
        rig.exchange.faults.add("http.before_execute", {"op": op}, None, "status", status=503)
    api = rig.execution._api
    with pytest.raises(CallError):
        api.login.keep_alive()
    rig.ask(lambda: rig.market.cancel_order(order))
    rig.wait_until(lambda: order.complete)
    rig.agrees()


@pytest.mark.parametrize("code", [[], {"code": "X"}])
def test_an_answer_that_makes_no_sense_leaves_the_outcome_open(rig: Rig, code: Any) -> None:
    result = {"status": "FAILURE", "errorCode": code, "marketId": MARKET}
    rig.exchange.faults.add("order.publish", None, None, "skip")
    rig.exchange.faults.add("http.after_execute", {"op": "placeOrders"}, 1, "replace", result=result)
    order = rig.place()
    rig.wait_until(lambda: order.status is LIVE)
    rig.agrees()


def test_a_list_that_cannot_be_read_is_asked_for_again(rig: Rig) -> None:
    rig.exchange.faults.add("order.publish", None, None, "skip")
    rig.exchange.faults.add("http.after_execute", {"op": "placeOrders"}, 1, "drop")
    fault = rig.exchange.faults.add(
        "http.write", {"op": "listCurrentOrders"}, 1, "raw",
        text="HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + "[" * 100_000,
    )  # fmt: skip
    order = rig.place()
    rig.wait_until(lambda: order.status is LIVE)
    assert fault.hits == 1
    rig.agrees()


def test_nothing_is_sent_again_once_the_framework_stops(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(on_stop="cancel")
    fault = rig.exchange.faults.add("http.before_execute", {"op": "placeOrders"}, 1, "drop")
    order = rig.place()
    rig.wait_until(lambda: order.status is OrderStatus.UNKNOWN)
    rig.stop()
    assert fault.hits == 1
    assert rig.ledger.bets() == []


def test_a_cancel_that_was_refused_at_the_stop_is_asked_again(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(on_stop="cancel", on_stop_timeout=100.0)
    order = rig.place()
    rig.settled(order)
    report = {"status": "FAILURE", "errorCode": "BET_ACTION_ERROR"}
    rig.exchange.faults.add("http.before_execute", {"op": "cancelOrders"}, 1, "report", **report)
    rig.stop()
    assert rig.ledger.live_bets() == []


def test_orders_are_cancelled_when_the_streams_have_ended(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(on_stop="cancel")
    order = rig.place()
    rig.settled(order)
    for stream in rig.framework._made:
        stream.stop()
    rig.thread.join(8)
    assert not rig.thread.is_alive()
    assert rig.ledger.live_bets() == []


def test_a_cancel_leaves_though_the_journal_cannot_be_written(make_rig: Callable[..., Rig], tmp_path: Path) -> None:
    rig = make_rig()
    order = rig.place()
    rig.settled(order)
    other = sqlite3.connect(tmp_path / "journal.sqlite", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    refused = rig.place()
    rig.wait_until(lambda: refused.complete, 15)
    rig.ask(lambda: rig.market.cancel_order(order))
    rig.wait_until(lambda: order.complete, 15)
    other.execute("ROLLBACK")
    intents = "SELECT count(*) FROM intents WHERE operation = 'cancelOrders'"
    rig.wait_until(lambda: other.execute(intents).fetchone() == (1,), 15)
    other.close()
    assert "journal" in refused.violation_msg or "intent" in refused.violation_msg
    assert len(rig.ledger.bets()) == 1
    assert rig.ledger.live_bets() == []


def test_a_market_that_has_closed_and_opened_again_is_restored(make_rig: Callable[..., Rig]) -> None:
    first = make_rig()
    market = first.exchange.market(MARKET)
    market.close([11])
    first.wait_until(lambda: first.market.closed)
    market.reopen()
    first.wait_until(lambda: not first.market.closed and first.market.stale_reason is None)
    order = first.place()
    order.notes["tick"] = 7
    first.settled(order)
    first.exchange.market(MARKET).match_bet(order.bet_id, 1.0)
    first.wait_until(lambda: order.size_matched == 1.0)
    first.stop()
    second = make_rig()
    again = second.ask(lambda: second.market.blotter[order.id])
    assert again.trade.id == order.trade.id
    assert again.notes == {"tick": 7}


def test_a_market_opens_again_in_the_millisecond_of_its_closing(rig: Rig) -> None:
    market = rig.exchange.market(MARKET)
    rig.exchange.clock.freeze()
    market.close([11])
    rig.wait_until(lambda: rig.market.closed)
    market.reopen()
    rig.wait_until(lambda: not rig.market.closed, 5)


def test_a_closed_market_lets_go_of_what_lapses_after_its_closing(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(closed_market_life=1.0)
    order = rig.place()
    rig.settled(order)
    fault = rig.exchange.faults.add("order.publish", None, None, "hold", seconds=0.5)
    rig.exchange.market(MARKET).close([11])
    rig.wait_until(lambda: rig.framework.markets.markets[MARKET].closed)
    assert not order.complete
    rig.exchange.faults.remove(fault.id)
    rig.wait_until(lambda: order.complete)
    rig.wait_until(lambda: MARKET not in rig.framework.markets.markets)


def test_a_bet_of_another_reference_is_not_placed_where_only_ours_are_heard(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(own_orders_only=True)

    def place() -> Any:
        order = Trade(MARKET, 11, 0, rig.trader).create_order("BACK", LimitOrder(3.0, 2.0))
        with rig.market.transaction(customer_strategy_ref="other") as transaction:
            transaction.place_order(order)
        return order

    order = rig.ask(place)
    rig.settled(order)
    if order.bet_id is not None:
        rig.exchange.market(MARKET).match_bet(order.bet_id)
    rig.agrees()


def test_a_placing_that_waited_for_a_thread_is_not_sent_late(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(max_execution_workers=1, connect_timeout=3.0)
    rig.exchange.faults.add("http.before_execute", {"op": "placeOrders"}, 1, "delay", seconds=0.5)
    first = rig.place()
    second = rig.place()
    rig.settled(first, second)
    assert len(rig.ledger.bets()) == 1
    rig.agrees()


def test_numbers_of_other_libraries_are_numbers(rig: Rig) -> None:
    class Float(float):
        """As numpy's float64, which is a float too."""

    order = rig.place(Float(3.0), Float(2.0))
    rig.settled(order)
    assert order.bet_id is not None
    rig.agrees()


def test_a_note_that_cannot_be_kept_stops_no_order(rig: Rig) -> None:
    def place() -> Any:
        order = Trade(MARKET, 11, 0, rig.trader).create_order(
            "BACK", LimitOrder(3.0, 2.0), notes={"lock": threading.Lock()}
        )
        rig.market.place_order(order)
        return order

    order = rig.ask(place)
    rig.settled(order)
    assert order.status is LIVE
    rig.agrees()


def test_a_call_does_not_follow_a_redirection(exchange: Any) -> None:
    client = client_of(exchange)
    api = Api(client.betting_client, Settings(**WAITS), ca_file=client.endpoints.ca_file)
    api.login.token()
    raw = "HTTP/1.1 307 Temporary Redirect\r\nLocation: https://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
    exchange.faults.add("http.write", {"op": "getAccountFunds"}, None, "raw", text=raw)
    with pytest.raises(CallError) as caught:
        api.call("getAccountFunds", {}, "account")
    assert not caught.value.is_refused


def test_signals_in_quick_succession_do_not_hang_the_stop() -> None:
    from flumine_core.trading import _Stopper

    class Stopping:
        def __init__(self) -> None:
            self.settings = Settings(wait_factor=0.01)
            self.stopped = threading.Event()

        def stop(self) -> None:
            self.stopped.set()

        def orders_at_exchange(self) -> list[Any]:
            return []

    def broken(line: str) -> None:
        raise BrokenPipeError

    left: list[int] = []
    framework = Stopping()
    gone = threading.Event()
    stopper = _Stopper(framework, broken, lambda code: (left.append(code), gone.set()))  # type: ignore[arg-type]
    with stopper.heeding():
        os.kill(os.getpid(), signal.SIGTERM)
        assert framework.stopped.wait(30)
        os.kill(os.getpid(), signal.SIGTERM)
        assert gone.wait(30)
    assert left == [3]


def test_a_bet_with_a_target_is_open_until_the_exchange_says_otherwise(rig: Rig) -> None:
    target = {"bet_target_type": "BACKERS_PROFIT", "bet_target_size": 2.0}
    order = rig.place(price=1.5, size=None, side="LAY", **target)  # type: ignore[arg-type]
    rig.settled(order)
    assert rig.ledger.bets()[0].size == 4.0
    assert rig.ask(lambda: rig.market.blotter.selection_exposure(rig.trader, order.lookup)) == 2.0
    rig.exchange.market(MARKET).match_bet(order.bet_id, 2.0)
    rig.wait_until(lambda: order.size_matched == 2.0)
    assert order.status is LIVE
    rig.ask(lambda: rig.market.cancel_order(order))
    rig.wait_until(lambda: order.complete)
    rig.agrees()
    assert rig.ledger.live_bets() == []


def test_the_trade_of_a_bet_that_comes_late_is_live_again(rig: Rig) -> None:
    rig.exchange.faults.add("http.before_execute", {"op": "placeOrders"}, 1, "report_late", seconds=5.0)
    rig.exchange.faults.add("http.before_execute", {"op": "placeOrders"}, None, "drop")
    order = rig.place()
    context = rig.ask(lambda: rig.trader.get_runner_context(*order.lookup))
    rig.wait_until(lambda: DONE in order.status_log)
    rig.wait_until(lambda: order.status is LIVE)
    assert context.live_trades == [order.trade.id]
    rig.ask(lambda: rig.market.cancel_order(order))
    rig.wait_until(lambda: order.complete)
    assert context.live_trades == []


@pytest.mark.parametrize("rate", [1000.0, 1.0], ids=["at once", "paced"])
def test_a_cancel_that_finds_no_thread_can_be_asked_again(
    make_rig: Callable[..., Rig], monkeypatch: pytest.MonkeyPatch, rate: float
) -> None:
    rig = make_rig(order_rate=rate)
    order = rig.place()
    rig.settled(order)
    start = threading.Thread.start

    def refuse(thread: threading.Thread) -> None:
        if thread.name.startswith("cancel-"):
            raise RuntimeError("can't start new thread")
        start(thread)

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        rig.ask(lambda: rig.market.cancel_order(order))
        rig.wait_until(lambda: order.status is LIVE)
    assert OrderStatus.CANCELLING in order.status_log
    rig.ask(lambda: rig.market.cancel_order(order))
    rig.wait_until(lambda: order.complete)
    rig.wait_until(lambda: rig.execution.is_idle)
    rig.agrees()


def test_bets_are_listed_later_where_there_is_no_thread_when_the_stream_connects(
    make_rig: Callable[..., Rig], refuse_lists: Callable[[int], list[str]]
) -> None:
    refused = refuse_lists(4)
    rig = make_rig()
    assert len(refused) == 4
    assert rig.framework.faults.counts == {}


def test_an_unknown_outcome_is_looked_for_later_where_there_is_no_thread(
    make_rig: Callable[..., Rig], refuse_lists: Callable[[int], list[str]]
) -> None:
    first = make_rig()
    first.exchange.faults.add("http.before_execute", {"op": "placeOrders"}, None, "drop")
    order = first.place()
    first.wait_until(lambda: order.status is OrderStatus.UNKNOWN)
    first.stop()
    first.exchange.faults.clear()
    refused = refuse_lists(4)
    again = make_rig()
    again.wait_until(lambda: again.market.blotter[order.id].complete)
    assert len(refused) == 4
    assert again.framework.faults.counts == {}


@pytest.mark.parametrize("ask", ["replace", "update", "cancel"])
def test_a_late_transaction_leaves_out_what_is_complete_and_sends_the_rest(rig: Rig, ask: str) -> None:
    filled, rest = rig.place(), rig.place()
    rig.settled(filled, rest)
    counted = rig.client.transaction_count_total
    (limit,) = [each for each in rig.client.trading_controls if hasattr(each, "pending_transaction_count")]

    def begin() -> Any:
        transaction = rig.market.transaction()
        for order in (filled, rest):
            if ask == "replace":
                assert transaction.replace_order(order, 3.5)
            elif ask == "update":
                assert transaction.update_order(order, "PERSIST")
            else:
                assert transaction.cancel_order(order)
        return transaction

    transaction = rig.ask(begin)
    rig.exchange.market(MARKET).match_bet(filled.bet_id)
    rig.wait_until(lambda: filled.complete)
    assert rig.ask(transaction.execute) == 1
    assert filled.refusal.control == "Transaction"
    assert filled.violation_msg.endswith(f"complete before the transaction was executed: there is nothing to {ask}")
    assert filled.status is OrderStatus.EXECUTION_COMPLETE
    if ask == "update":
        rig.wait_until(lambda: rest.order_type.persistence_type == "PERSIST")
    else:
        rig.wait_until(lambda: rest.complete)
    rig.agrees()
    assert rest.refusal is None
    assert limit.pending_transaction_count == 0
    assert rig.client.transaction_count_total == counted + (ask == "replace")
    assert not rig.framework.faults.total
