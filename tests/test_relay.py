"""Events on their way from a unit's framework to the logging controls of the run."""

import threading
from typing import Any

import pytest

from flumine_core import BaseStrategy, LimitOrder, LoggingControl, Trade
from flumine_core.events import CustomEvent, Event, OrderEvent, OrderStatusEvent, RefusalEvent
from flumine_core.kernel.guard import Faults
from flumine_core.order.package import OrderPackageType
from flumine_core.order.refusal import Refusal
from flumine_core.relay import Packed, Relay, RunLog, unpacked

REFUSAL = Refusal("Own", "too much", {"size": 2.0}, "1.1", 7, "strategy", "1", OrderPackageType.PLACE)


def test_events_come_out_as_they_were_put_in() -> None:
    packed = Packed()
    for number in range(1_000):
        packed.put(OrderEvent({"id": number}))
    packed.put(RefusalEvent(REFUSAL, 5, "t1", 0, "LAY", LimitOrder(1.5, 2.0)))
    *orders, refusal = unpacked(packed.close())
    assert [event.event["id"] for event in orders if isinstance(event, OrderEvent)] == list(range(1_000))
    assert isinstance(refusal, RefusalEvent)
    assert (refusal.event, refusal.epoch_ms) == (REFUSAL, 5)
    assert (refusal.trade_id, refusal.side, refusal.order_type) == ("t1", "LAY", LimitOrder(1.5, 2.0))


def test_nothing_logged_is_nothing_to_unpack() -> None:
    assert list(unpacked(b"")) == []
    assert list(unpacked(Packed().close())) == []


def test_what_cannot_be_packed_is_counted_and_costs_itself_alone() -> None:
    packed = Packed()
    relay = Relay({"custom_event"}, packed.put)
    told: list[tuple[str, str]] = []
    relay.start(lambda control, handler, error: told.append((control, handler)))
    for event in ("first", threading.Lock(), "last"):
        relay.put(CustomEvent(event))
    relay.stop()
    assert told == [("Relay", "process_custom_event")]
    assert [event.event for event in unpacked(packed.close()) if isinstance(event, CustomEvent)] == ["first", "last"]


def test_each_control_is_given_what_it_handles() -> None:
    class Own(LoggingControl):
        def __init__(self) -> None:
            super().__init__()
            self.got: list[Any] = []

    class Orders(Own):
        def process_order(self, event: Any) -> None:
            self.got.append(event.event)

    class Changes(Own):
        def process_order_status(self, event: Any) -> None:
            self.got.append(event.event)

    orders, changes = Orders(), Changes()
    log = RunLog([orders, changes], Faults())
    events: list[Event] = [OrderEvent({"id": 1}), OrderStatusEvent({"id": 2})]
    with log:
        log.put_all(events)
    assert log.nouns == {"order", "order_status"}
    assert (orders.got, changes.got) == ([{"id": 1}], [{"id": 2}])
    assert not orders.is_alive()


class Refusals(LoggingControl):
    """Does with refusals."""

    REFUSED_STATUS = False

    def __init__(self) -> None:
        super().__init__()
        self.refused: list[Any] = []
        self.changed: list[Any] = []

    def process_refusal(self, event: Any) -> None:
        self.refused.append(event)

    def process_order_status(self, event: Any) -> None:
        self.changed.append(event.order)


class Statuses(Refusals):
    """Wants the status of refused orders, too."""

    REFUSED_STATUS = True


class Greedy(BaseStrategy):
    """Places an order that is too large and one that is not."""

    def check_market_book(self, market: Any, market_book: Any) -> bool:
        return market_book.status == "OPEN" and not market.blotter

    def process_market_book(self, market: Any, market_book: Any) -> None:
        runner = market_book.runners[0]
        for size in (1_000.0, 2.0):
            trade = Trade(market.market_id, runner.selection_id, runner.handicap, self)
            market.place_order(trade.create_order("BACK", LimitOrder(1.5, size)))


@pytest.mark.parametrize("others", [(), (Statuses,)])
def test_a_refusal_tells_its_order_and_its_status_comes_where_one_control_wants_it(
    others: tuple[type[Refusals], ...], simulate: Any, market_file: Any
) -> None:
    control = Refusals()
    controls = [control, *(other() for other in others)]
    strategy = Greedy(max_order_exposure=100)
    with RunLog(controls, Faults()) as log:
        relay = Relay(log.nouns, log.put, log.tells_refused)
        framework = simulate(market_file(), strategy, before=lambda made: made.add_logging_control(relay))
    assert not framework.faults.counts
    (refused,) = control.refused
    assert refused.event == framework.refusals[0]
    assert (refused.side, refused.order_type.size, refused.handicap) == ("BACK", 1_000.0, 0)
    statuses = [order.status_log[-1].name for order in control.changed if order.id == refused.event.order_id]
    assert statuses == ["VIOLATION"] * len(others)
    assert any(order.id != refused.event.order_id for order in control.changed)


class Broken(LoggingControl):
    def process_custom_event(self, event: Any) -> None:
        """Take it."""


@pytest.mark.parametrize("method", ["start", "put", "stop"])
def test_a_control_whose_own_method_raises_is_counted_and_costs_the_others_nothing(
    monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    def broken(*arguments: Any) -> None:
        raise ValueError(method)

    faults, got = Faults(), []
    one, other = Broken(), Broken()
    monkeypatch.setattr(one, method, broken)
    monkeypatch.setitem(other.handlers, "custom_event", got.append)
    with RunLog([one, other], faults) as log:
        log.put(CustomEvent(1))
    assert faults.counts == {("Broken", method): 1}
    assert len(got) == 1
    assert not one.logging_queue.qsize() or method == "stop"


@pytest.mark.parametrize("method", ["start", "stop"])
def test_what_a_control_raises_ends_a_run_that_asks_for_it_once_all_have_ended(
    monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    def broken(*arguments: Any) -> None:
        raise ValueError(method)

    one, other = Broken(), Broken()
    monkeypatch.setattr(one, method, broken)
    with pytest.raises(ValueError, match=method), RunLog([one, other], Faults(lambda: True)):
        assert other.is_alive()
    assert not other.is_alive()
    cause = ZeroDivisionError if method == "stop" else ValueError
    with pytest.raises(cause), RunLog([one, other], Faults(lambda: True)):
        raise ZeroDivisionError
    assert not other.is_alive()
