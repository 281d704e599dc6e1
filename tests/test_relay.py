"""Events on their way from a unit's framework to the logging controls of the run."""

import threading
from typing import Any

from flumine_core import LoggingControl
from flumine_core.events import CustomEvent, Event, OrderEvent, OrderStatusEvent, RefusalEvent
from flumine_core.order.package import OrderPackageType
from flumine_core.order.refusal import Refusal
from flumine_core.relay import Packed, Relay, RunLog, unpacked

REFUSAL = Refusal("Own", "too much", {"size": 2.0}, "1.1", 7, "strategy", "1", OrderPackageType.PLACE)


def test_events_come_out_as_they_were_put_in() -> None:
    packed = Packed()
    for number in range(1_000):
        packed.put(OrderEvent({"id": number}))
    packed.put(RefusalEvent(REFUSAL, 5))
    *orders, refusal = unpacked(packed.close())
    assert [event.event["id"] for event in orders if isinstance(event, OrderEvent)] == list(range(1_000))
    assert isinstance(refusal, RefusalEvent)
    assert (refusal.event, refusal.epoch_ms) == (REFUSAL, 5)


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
    log = RunLog([orders, changes], lambda *fault: None)
    events: list[Event] = [OrderEvent({"id": 1}), OrderStatusEvent({"id": 2})]
    with log:
        log.put_all(events)
    assert log.nouns == {"order", "order_status"}
    assert (orders.got, changes.got) == ([{"id": 1}], [{"id": 2}])
    assert not orders.is_alive()
