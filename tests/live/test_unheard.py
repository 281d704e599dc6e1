"""While the order stream is not connected: fills are heard all the same, nothing new is placed, cancels pass."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from .conftest import wait_for
from .rig import MARKET, Rig
from .test_restart import order_of

REFUSED = '{"op":"status","statusCode":"FAILURE","errorCode":"NOT_AUTHORIZED","connectionClosed":true}\r\n'


def fill(rig: Rig, order: Any, size: float | None = None) -> None:
    rig.exchange.market(MARKET).match_bet(order.bet_id, size)


def refuse(rig: Rig, code: str) -> Any:
    """Refuse every order stream from now on, and end the one that is there."""
    fault = rig.exchange.faults.add("stream.subscribe", {"stream": "order"}, None, "error", code=code)
    rig.exchange.drop_streams("order")
    rig.wait_until(lambda: fault.hits and not rig.execution.gate.is_open)
    return fault


@pytest.mark.parametrize("code", ["NOT_AUTHORIZED", "SUBSCRIPTION_LIMIT_EXCEEDED", "UNEXPECTED_ERROR"])
def test_fills_are_heard_while_the_order_stream_is_refused_and_it_comes_back(rig: Rig, code: str) -> None:
    filled, partly, cancelled = rig.place(), rig.place(), rig.place()
    rig.settled(filled, partly, cancelled)
    heard: list[str] = []
    rig.ask(lambda: setattr(rig.trader, "process_orders", lambda market, orders: heard.extend(o.id for o in orders)))
    fault = refuse(rig, code)
    fill(rig, filled)
    fill(rig, partly, 1.0)
    rig.wait_until(lambda: filled.complete and partly.size_matched == 1.0)
    assert filled.size_matched == 2.0 and filled.id in heard
    rig.ask(lambda: rig.market.cancel_order(cancelled))
    rig.wait_until(lambda: cancelled.complete)
    refused = rig.place()
    assert refused.refusal is not None and refused.refusal.control == "Reconciliation"
    fill(rig, partly)
    rig.wait_until(lambda: partly.complete)
    assert len(rig.ledger.bets()) == 3
    rig.exchange.faults.remove(fault.id)
    rig.wait_until(lambda: rig.execution.gate.is_open)
    rig.settled(rig.place())
    rig.agrees()


def test_a_refusal_of_what_has_worked_is_told_and_counted(rig: Rig) -> None:
    refuse(rig, "NOT_AUTHORIZED")
    rig.wait_until(lambda: rig.framework.faults.total)
    assert any("NOT_AUTHORIZED" in told for told in rig.framework.stream_errors)


def test_a_refusal_in_the_middle_is_as_one_at_the_beginning(rig: Rig) -> None:
    order = rig.place()
    rig.settled(order)
    rig.exchange.faults.add("stream.write", {"stream": "order"}, None, "raw", text=REFUSED)
    fill(rig, order, 1.0)
    rig.wait_until(lambda: order.size_matched == 1.0 and not rig.execution.gate.is_open)
    refused = rig.place()
    assert refused.refusal is not None and refused.refusal.control == "Reconciliation"


def test_fills_are_heard_where_the_order_stream_was_never_there(make_rig: Callable[..., Rig]) -> None:
    first = make_rig()
    order = first.place()
    first.settled(order)
    first.stop()
    first.exchange.faults.add("stream.subscribe", {"stream": "order"}, None, "error", code="NOT_AUTHORIZED")
    again = make_rig(is_ready=False, stream_connect_timeout=20.0)
    assert again.trader.first_book.wait(30), again.error
    again.wait_until(lambda: any("given up" in told for told in again.framework.stream_errors))
    again.exchange.market(MARKET).match_bet(order.bet_id)
    again.wait_until(lambda: MARKET in again.framework.markets and again.market.blotter[order.id].complete)
    assert order_of(again, order.id).size_matched == 2.0
    assert again.framework.faults.total and not again.execution.gate.is_open


def test_bets_are_listed_though_the_order_stream_never_answers(make_rig: Callable[..., Rig]) -> None:
    first = make_rig()
    order = first.place()
    first.settled(order)
    first.stop()
    first.exchange.faults.add("stream.subscribe", {"stream": "order"}, None, "silence")
    again = make_rig(is_ready=False, stream_connect_timeout=2_000.0)
    wait_for(lambda: again.framework.is_running)
    again.exchange.market(MARKET).match_bet(order.bet_id)
    again.wait_until(lambda: again.market.blotter[order.id].complete)
    assert order_of(again, order.id).size_matched == 2.0 and not again.execution.gate.is_open


def test_a_list_of_before_the_order_stream_was_lost_lets_nothing_pass(rig: Rig) -> None:
    held = rig.exchange.faults.add("http.before_execute", {"op": "listCurrentOrders"}, 1, "delay", seconds=8.0)
    rig.exchange.drop_streams("order")
    assert held.struck.wait(30)
    refuse(rig, "UNEXPECTED_ERROR")
    listed = rig.exchange.faults.add("http.before_execute", {"op": "listCurrentOrders"}, 3, "delay", seconds=0.0)
    rig.wait_until(lambda: rig.execution.gate.is_open or listed.hits == 3)
    assert not rig.execution.gate.is_open


def test_bets_that_cannot_be_listed_are_asked_for_again(rig: Rig) -> None:
    order = rig.place()
    rig.settled(order)
    fault = rig.exchange.faults.add(
        "http.before_execute", {"op": "listCurrentOrders"}, None, "error", code="ACCESS_DENIED"
    )
    refuse(rig, "UNEXPECTED_ERROR")
    rig.wait_until(lambda: fault.hits > 2)
    fill(rig, order)
    rig.exchange.faults.remove(fault.id)
    rig.wait_until(lambda: order.complete)
    assert not rig.execution.gate.is_open


def lists(rig: Rig) -> int:
    """Return how often the bets were asked for."""
    return int(rig.ledger.requests.get("listCurrentOrders", 0))


def test_bets_are_asked_for_however_often_the_stream_is_tried(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(stream_backoff_first=0.5, stream_backoff_most=1.0, look_interval_max=40.0)
    order = rig.place()
    rig.settled(order)
    refuse(rig, "UNEXPECTED_ERROR")
    fill(rig, order)
    rig.wait_until(lambda: order.complete)


def test_one_round_of_questions_at_a_time(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(look_interval_max=8.0)
    held = rig.exchange.faults.add("http.before_execute", {"op": "listCurrentOrders"}, 1, "delay", seconds=8.0)
    rig.exchange.drop_streams("order")
    assert held.struck.wait(30)
    refuse(rig, "UNEXPECTED_ERROR")
    before, begun = lists(rig), time.monotonic()
    wait_for(lambda: lists(rig) >= before + 8)
    assert time.monotonic() - begun > 6 * 0.4


def test_nothing_is_asked_any_more_once_the_stream_is_back(rig: Rig) -> None:
    rig.exchange.drop_streams("order")
    rig.wait_until(lambda: not rig.execution.gate.is_open)
    rig.wait_until(lambda: rig.execution.gate.is_open)
    before = lists(rig)
    time.sleep(0.6)
    assert lists(rig) == before


def test_a_list_that_is_refused_while_the_stream_is_there_is_asked_for_again(rig: Rig) -> None:
    fault = rig.exchange.faults.add(
        "http.before_execute", {"op": "listCurrentOrders"}, 1, "error", code="ACCESS_DENIED"
    )
    rig.exchange.drop_streams("order")
    wait_for(lambda: fault.hits)
    rig.wait_until(lambda: rig.execution.gate.is_open)


def test_a_machine_that_has_no_thread_for_the_list_is_asked_again(
    make_rig: Callable[..., Rig], refuse_lists: Callable[[int], list[str]]
) -> None:
    first = make_rig()
    order = first.place()
    first.settled(order)
    first.stop()
    first.exchange.faults.add("stream.subscribe", {"stream": "order"}, None, "error", code="UNEXPECTED_ERROR")
    refused = refuse_lists(2)
    again = make_rig(is_ready=False, stream_connect_timeout=20.0)
    wait_for(lambda: again.framework.is_running)
    again.exchange.market(MARKET).match_bet(order.bet_id)
    again.wait_until(lambda: again.market.blotter[order.id].complete)
    assert len(refused) == 2
