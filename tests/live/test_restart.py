"""Restarts: what an earlier run has left is taken up again, from the journal and from the exchange."""

import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from flumine_core import LimitOrder, OrderStatus, Settings, Trade
from flumine_core.clock import EventClock
from flumine_core.errors import ExecutionError, SettingsError
from flumine_core.live.ids import LiveIds

from .rig import MARKET, WAITS, Rig, client_of

DONE, LIVE = OrderStatus.EXECUTION_COMPLETE, OrderStatus.EXECUTABLE


def order_of(rig: Rig, order_id: str) -> Any:
    return rig.ask(lambda: rig.market.blotter[order_id])


def test_orders_trades_notes_and_contexts_come_back(make_rig: Callable[..., Rig]) -> None:
    first = make_rig()

    def place() -> Any:
        trade = Trade(MARKET, 11, 0, first.trader, notes={"why": "value"}, place_reset_seconds=3.0)
        order = trade.create_order("BACK", LimitOrder(3.0, 4.0), notes={"tick": 7}, context={"n": [1, 2]})
        first.market.place_order(order)
        return order

    order = first.ask(place)
    first.settled(order)
    first.exchange.market(MARKET).match_bet(order.bet_id, 1.0)
    first.wait_until(lambda: order.size_matched == 1.0)
    first.ask(lambda: first.trader.context.update({"seen": {11: "yes"}, "rate": 1.5}))
    first.stop()

    second = make_rig()
    again = order_of(second, order.id)
    assert (again.bet_id, again.status, again.size_matched) == (order.bet_id, LIVE, 1.0)
    assert (again.notes, again.context) == ({"tick": 7}, {"n": [1, 2]})
    assert again.customer_order_ref == order.customer_order_ref
    trade = again.trade
    assert (trade.id, trade.notes, trade.place_reset_seconds) == (order.trade.id, {"why": "value"}, 3.0)
    assert second.trader.context == {"seen": {11: "yes"}, "rate": 1.5}
    context = second.trader.get_runner_context(MARKET, 11)
    before = first.trader.get_runner_context(MARKET, 11)
    assert (context.trades, context.live_trades, context.invested) == ([trade.id], [trade.id], True)
    assert context.last_placed_ms == before.last_placed_ms
    second.agrees()
    second.ask(lambda: second.market.cancel_order(again))
    second.wait_until(lambda: again.complete)
    second.agrees()


@pytest.mark.parametrize("is_earlier", [False, True])
def test_a_runners_trades_come_back_in_their_order(make_rig: Callable[..., Rig], is_earlier: bool) -> None:
    first = make_rig()
    orders = [first.place() for _ in range(6)]
    first.settled(*orders)
    for order in orders[1:4]:
        first.ask(lambda order=order: first.market.cancel_order(order))
    first.wait_until(lambda: all(order.complete for order in orders[1:4]))
    first.stop()
    trades = [order.trade.id for order in orders]
    if is_earlier:  # as the journals of earlier versions have it
        with sqlite3.connect(first.framework.settings.journal) as journal:
            ((body,),) = journal.execute("SELECT body FROM runner_contexts").fetchall()
            record = msgspec.msgpack.decode(body) | {"trades": ["0-gone", *trades]}
            journal.execute("UPDATE runner_contexts SET body = ?", (msgspec.msgpack.encode(record),))
            journal.execute("DROP TABLE runner_trades")
        trades.insert(0, "0-gone")
    second = make_rig()
    context = second.ask(lambda: second.trader.get_runner_context(MARKET, 11))
    assert (context.trades, context.live_trades) == (trades, [orders[0].trade.id, *trades[-2:]])
    another = second.place()
    second.settled(another)
    second.stop()
    third = make_rig()
    assert third.ask(lambda: third.trader.get_runner_context(MARKET, 11).trades) == [*trades, another.trade.id]


def test_a_trade_whose_order_never_left_counts_after_a_restart(make_rig: Callable[..., Rig]) -> None:
    first = make_rig()

    def stop(package: Any) -> None:
        raise RuntimeError("no request leaves")

    submit, first.execution.submit = first.execution.submit, stop
    stopped = [first.place() for _ in range(3)]
    first.execution.submit = submit
    order = first.place()
    first.settled(order)
    first.stop()
    assert {each.status for each in stopped} == {OrderStatus.VIOLATION}
    second = make_rig()
    trades = second.ask(lambda: second.trader.get_runner_context(MARKET, 11).trades)
    assert trades == [each.trade.id for each in (*stopped, order)]


def test_an_order_costs_the_journal_the_same_after_many_trades(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig()

    def written() -> int:
        order = rig.place()
        rig.settled(order)
        rig.ask(lambda: rig.market.cancel_order(order))
        rig.wait_until(lambda: order.complete)
        with sqlite3.connect(rig.framework.settings.journal) as journal:
            rows = journal.execute("SELECT length(body) FROM runner_contexts").fetchall()
        return sum(length for (length,) in rows)

    before = written()
    for _ in range(10):
        after = written()
    assert after < 1.1 * before


def test_what_happened_meanwhile_is_learnt(make_rig: Callable[..., Rig]) -> None:
    first = make_rig()
    matched, lapsed, cancelled = (first.place() for _ in range(3))
    first.settled(matched, lapsed, cancelled)
    first.stop()
    market = first.exchange.market(MARKET)
    market.match_bet(matched.bet_id)
    market.lapse_bet(lapsed.bet_id)
    second = make_rig()
    second.wait_until(lambda: order_complete(second, matched) and order_complete(second, lapsed))
    assert order_of(second, matched.id).size_matched == 2.0
    assert order_of(second, lapsed.id).size_lapsed == 2.0
    assert order_of(second, cancelled.id).status is LIVE
    second.agrees()


@pytest.mark.parametrize("is_asked_again", [True, False])
def test_what_was_cancelled_as_the_process_died_is_cancelled(
    make_rig: Callable[..., Rig], is_asked_again: bool
) -> None:
    """Also where the exchange never lists it, and refuses a second cancel."""
    first = make_rig()
    order = first.place()
    first.settled(order)
    first.exchange.faults.add("http.after_execute", {"op": "listClearedOrders"}, None, "empty")
    first.exchange.faults.add("order.publish", None, None, "skip")
    hang = first.exchange.faults.add("http.write", {"op": "cancelOrders"}, 1, "hang")
    first.ask(lambda: first.market.cancel_order(order))
    assert hang.struck.wait(20)
    first.stop()
    second = make_rig()
    again = order_of(second, order.id)
    if is_asked_again:
        second.ask(lambda: not again.complete and second.market.cancel_order(again))
    second.wait_until(lambda: again.complete)
    assert (again.size_cancelled, again.size_lapsed) == (2.0, 0.0)


def order_complete(rig: Rig, order: Any) -> bool:
    return bool(rig.market.blotter[order.id].complete)


@pytest.mark.parametrize("is_carried_out", [True, False])
def test_a_placing_without_answer_is_resolved(make_rig: Callable[..., Rig], is_carried_out: bool) -> None:
    first = make_rig()
    hook = "http.write" if is_carried_out else "http.before_execute"
    first.exchange.faults.add("order.publish", None, 1, "skip")
    hang = first.exchange.faults.add(hook, {"op": "placeOrders"}, 1, "hang")
    order = first.place()
    assert hang.struck.wait(20)
    first.stop()
    second = make_rig()
    sends = second.ledger.requests["placeOrders"]
    second.wait_until(lambda: second.market.blotter[order.id].status is (LIVE if is_carried_out else DONE))
    second.agrees()
    assert second.ledger.requests["placeOrders"] == sends


def test_no_order_is_placed_before_the_bets_are_known(make_rig: Callable[..., Rig]) -> None:
    first = make_rig()
    order = first.place()
    first.settled(order)
    first.stop()
    first.exchange.faults.add("http.before_execute", {"op": "listCurrentOrders"}, None, "error", code="SERVICE_BUSY")
    second = make_rig(is_ready=False)
    assert second.trader.first_book.wait(20)
    refused = second.place()
    assert refused.status is OrderStatus.VIOLATION
    assert refused.refusal.control == "Reconciliation"
    forced = second.place(force=True)
    second.wait_until(lambda: forced.complete)
    again = order_of(second, order.id)
    assert second.ask(lambda: second.market.cancel_order(again))
    second.wait_until(lambda: again.complete)
    second.exchange.faults.clear()
    second.wait_until(lambda: second.execution.gate.is_open)
    second.settled(second.place())
    second.agrees()


def test_a_lost_journal_is_made_good_by_the_exchange(make_rig: Callable[..., Rig], tmp_path: Path) -> None:
    first = make_rig()
    order = first.place(size=4.0)
    first.settled(order)
    first.exchange.market(MARKET).match_bet(order.bet_id, 1.0)
    first.stop()
    second = make_rig(journal=str(tmp_path / "another.sqlite"))
    again = order_of(second, order.id)
    assert again.trade.strategy is second.trader
    assert (again.size_matched, again.status) == (1.0, LIVE)
    new = second.place()
    second.settled(new)
    assert new.id != order.id
    second.agrees()


def test_a_bet_placed_by_hand_counts(rig: Rig) -> None:
    by_hand = rig.exchange.place_external_bet(MARKET, 22, "LAY", 1.5, 20.0)
    rig.wait_until(lambda: rig.market.blotter.get_order_bet_id(by_hand) is not None)
    order = rig.ask(lambda: rig.market.blotter.get_order_bet_id(by_hand))
    assert order.trade.strategy is not rig.trader
    assert rig.ask(lambda: rig.market.blotter.selection_exposure(rig.trader, (MARKET, 22, 0))) == 10.0
    rig.exchange.market(MARKET).match_bet(by_hand)
    rig.wait_until(lambda: order.complete and order.size_matched == 20.0)
    rig.agrees()


def test_a_bet_placed_by_hand_before_the_start_counts(exchange: Any, make_rig: Callable[..., Rig]) -> None:
    by_hand = exchange.place_external_bet(MARKET, 22, "LAY", 1.5, 20.0)
    rig = make_rig()
    assert rig.ask(lambda: rig.market.blotter.selection_exposure(rig.trader, (MARKET, 22, 0))) == 10.0
    rig.stop()
    again = make_rig()
    assert again.ask(lambda: len(again.market.blotter)) == 1
    assert again.ask(lambda: again.market.blotter.get_order_bet_id(by_hand)) is not None


@pytest.mark.parametrize("reference", [None, "one-of-more-than-15-characters"])
def test_own_orders_only(exchange: Any, make_rig: Callable[..., Rig], reference: str | None) -> None:
    exchange.place_external_bet(MARKET, 22, "LAY", 1.5, 20.0)
    rig = make_rig(own_orders_only=True, customer_strategy_ref=reference)
    exchange.place_external_bet(MARKET, 22, "LAY", 1.5, 20.0)
    order = rig.place()
    rig.settled(order)
    assert rig.ask(lambda: list(rig.market.blotter)) == [order]


def test_the_order_stream_misses_a_match(rig: Rig) -> None:
    matched, lapsed = rig.place(), rig.place()
    rig.settled(matched, lapsed)
    refuse = rig.exchange.faults.add("stream.subscribe", {"stream": "order"}, 2, "drop")
    rig.exchange.drop_streams("order")
    market = rig.exchange.market(MARKET)
    market.match_bet(matched.bet_id)
    market.lapse_bet(lapsed.bet_id)
    rig.wait_until(lambda: matched.complete and lapsed.complete)
    assert refuse.hits
    assert matched.size_matched == 2.0
    rig.agrees()
    rig.wait_until(lambda: rig.execution.gate.is_open)
    rig.settled(rig.place())


def test_old_words_of_the_order_stream_change_nothing(rig: Rig) -> None:
    order = rig.place(size=4.0)
    rig.settled(order)
    replay = rig.exchange.faults.add("order.publish", None, None, "replay")
    market = rig.exchange.market(MARKET)
    market.match_bet(order.bet_id, 1.0)
    market.match_bet(order.bet_id, 1.0)
    rig.wait_until(lambda: order.size_matched == 2.0)
    assert replay.hits
    rig.agrees()


def test_a_journal_is_for_one_process(make_rig: Callable[..., Rig]) -> None:
    make_rig()
    with pytest.raises((SettingsError, AssertionError), match="in use"):
        make_rig()


def test_what_a_context_cannot_keep_is_named(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig()
    rig.ask(lambda: rig.trader.context.update({"model": object(), "kept": 1}))
    rig.wait_until(lambda: ("Trader", "context") in rig.framework.faults.counts)
    assert "model" in rig.framework.faults.first["Trader", "context"].error
    rig.stop()
    again = make_rig()
    assert again.trader.context == {"kept": 1}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"stake": 10.0, "bets": 0}, {"stake": 10.0, "bets": 7, "own": 1}),
        ({"stake": 0.5, "bets": 0}, {"stake": 0.5, "bets": 7, "own": 1}),
        ({"stake": 10.0, "bets": 1, "more": 2}, {"stake": 10.0, "bets": 1, "own": 1, "more": 2}),
        ({"own": 5}, {"stake": 10.0, "bets": 7, "own": 5}),
        ({}, {"stake": 10.0, "bets": 7, "own": 1}),
    ],
)
def test_what_a_context_is_newly_given_wins_over_what_was_left(
    make_rig: Callable[..., Rig], given: dict[str, Any], expected: dict[str, Any]
) -> None:
    first = make_rig(trader={"context": {"stake": 10.0, "bets": 0}})
    first.ask(lambda: first.trader.context.update({"bets": 7, "own": 1}))
    first.stop()
    second = make_rig(trader={"context": dict(given)})
    assert second.trader.context == expected
    second.stop()
    third = make_rig(trader={"context": dict(given)})
    assert third.trader.context == expected


def test_ids_go_on_above_the_journal_and_are_nobody_elses() -> None:
    clock = EventClock(1_790_000_000_000)
    one, two = LiveIds(clock), LiveIds(clock)
    ids = [maker.next_order_id("1.1") for maker in (one, two) for _ in range(25_000)]
    assert len(set(ids)) == len(ids)
    assert {len(each) for each in ids} == {18}
    assert ids[:25_000] == sorted(ids[:25_000])
    later = LiveIds(EventClock(clock.epoch_ms - 3_600_000))  # the clock was set back
    later.above(max(ids))
    assert later.next_order_id("1.1") > max(ids)


def settings_of(name: str) -> str:
    return json.dumps({"own_orders_only": True, "customer_strategy_ref": name})


def test_two_processes_trade_on_one_account(exchange: Any, tmp_path: Path) -> None:
    details = tmp_path / "exchange.json"
    details.write_text(json.dumps(exchange.details()))
    script = Path(__file__).with_name("crashing.py")
    processes = [
        subprocess.Popen(
            [sys.executable, str(script), str(details), str(tmp_path / name), "1", "send", "0", settings_of(name)],
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in ("one", "two")
    ]
    for process in processes:
        _, told = process.communicate(timeout=120)
        assert process.returncode == 0, told
    bets = [bet for bet in exchange.ledger.bets() if bet.replaces is None]
    assert {bet.rfs for bet in bets} == {"one", "two"}
    assert len({bet.rfo for bet in bets}) == len(bets)


def test_a_stop_leaves_bets_placed_by_hand(exchange: Any, make_rig: Callable[..., Rig]) -> None:
    by_hand = exchange.place_external_bet(MARKET, 22, "LAY", 1.5, 20.0)
    rig = make_rig(on_stop="cancel")
    order = rig.place()
    rig.settled(order)
    rig.stop()
    assert [bet.bet_id for bet in exchange.ledger.live_bets()] == [by_hand]


def test_the_hours_transactions_go_on_where_an_earlier_run_has_stopped(make_rig: Callable[..., Rig]) -> None:
    options = {"client_options": {"transaction_limit": 6}}
    first = make_rig(**options)
    orders = [first.place() for _ in range(3)]
    first.settled(*orders)
    first.ask(lambda: first.market.replace_order(orders[0], 4.0))
    first.wait_until(lambda: first.client.current_transaction_count_total == 4)
    first.stop()
    second = make_rig(**options)
    assert second.ask(lambda: second.client.current_transaction_count_total) == 4
    more = [second.place() for _ in range(4)]
    second.settled(*more)
    assert [order.refusal is None for order in more] == [True, True, False, False]
    assert more[2].refusal.control == "MaxOrderCount"
    second.stop()
    third = make_rig(**options)
    refused = third.place()
    assert refused.refusal.control == "MaxOrderCount"
    resting = order_of(third, orders[1].id)
    assert third.ask(lambda: third.market.cancel_order(resting))
    assert third.ledger.transactions[third.client.username] == 6


def test_a_placing_that_an_earlier_run_left_without_answer_is_one_transaction(make_rig: Callable[..., Rig]) -> None:
    first = make_rig()
    hang = first.exchange.faults.add("http.write", {"op": "placeOrders"}, 1, "hang")
    order = first.place()
    assert hang.struck.wait(20)
    first.stop()
    second = make_rig()
    second.settled(order_of(second, order.id))
    assert second.ask(lambda: second.client.current_transaction_count_total) == 1
    (control, *_) = second.client.trading_controls
    assert control.pending_transaction_count == 0


def test_a_client_is_used_again_by_another_framework(exchange: Any, plugins: Any, tmp_path: Path) -> None:
    client = client_of(exchange)
    for number in (1, 2):
        settings = Settings(**{**WAITS, "journal": str(tmp_path / "journal.sqlite")})
        rig = Rig(exchange, client, settings, plugins()).start()
        rig.settled(rig.place())
        assert rig.ask(lambda: client.current_transaction_count_total) == number
        rig.stop()


def test_a_framework_runs_once(rig: Rig) -> None:
    with pytest.raises(ExecutionError, match="it is running"):
        rig.ask(rig.framework.run)
    order = rig.place()
    rig.settled(order)
    assert order.bet_id is not None
    rig.stop()
    with pytest.raises(ExecutionError, match="be run once"):
        rig.framework.run()


def test_a_bet_whose_reference_ends_as_another_orders_counts(rig: Rig) -> None:
    order = rig.place()
    rig.settled(order)
    rfo = f"{rig.trader.name_hash}.{order.id}"
    other = rig.exchange.place_external_bet(MARKET, 22, "LAY", 1.5, 20.0, rfo=rfo)
    rig.wait_until(lambda: rig.market.blotter.get_order_bet_id(other) is not None)
    adopted = rig.ask(lambda: rig.market.blotter.get_order_bet_id(other))
    assert adopted is not order and adopted.trade.strategy is rig.trader
    assert rig.ask(lambda: rig.market.blotter.selection_exposure(rig.trader, adopted.lookup)) == 10.0
    rig.agrees()
    assert rig.framework.faults.total == 0
