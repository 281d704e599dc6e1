"""Logging controls by themselves: handlers by name, one thread, nothing lost at the end."""

import threading
from time import monotonic, sleep
from typing import Any

import pytest

from flumine_core import FlumineCoreError, FlumineSimulation, LoggingControl
from flumine_core.errors import SettingsError
from flumine_core.events import LOGGED_NOUNS, NOUNS, ConfigEvent, OrderEvent, event_class


def test_handlers_are_what_a_class_defines() -> None:
    class Own(LoggingControl):
        def process_order(self, event: Any) -> None: ...

        def _process_trade(self, event: Any) -> None: ...

        def process_nothing(self, event: Any) -> None: ...

    assert set(Own().handlers) == {"order", "trade"}
    assert set(LoggingControl().handlers) == {*NOUNS, *LOGGED_NOUNS}


def test_everything_queued_is_handled_in_order_before_the_end() -> None:
    class Own(LoggingControl):
        def __init__(self) -> None:
            super().__init__()
            self.got: list[Any] = []
            self.threads: set[int] = set()

        def process_order(self, event: Any) -> None:
            self.threads.add(threading.get_ident())
            self.got.append(event.event["id"])

        def process_end_flumine(self, event: Any) -> None:
            self.got.append("end")

    control = Own()
    for number in range(500):
        control.logging_queue.put(OrderEvent({"id": number}))
    control.logging_queue.put(ConfigEvent({}))
    control.start(lambda *arguments: None)
    control.stop()
    assert control.got == [*range(500), "end"]
    assert threading.get_ident() not in control.threads and len(control.threads) == 1
    assert not control.is_alive()
    control.stop()


def test_errors_are_told_by_handler_and_do_not_end_it() -> None:
    class Own(LoggingControl):
        def process_order(self, event: Any) -> None:
            raise OSError(event.event["id"])

    told: list[tuple[str, str, str]] = []
    control = Own()
    control.start(lambda *fault: told.append((fault[0], fault[1], str(fault[2]))))
    for number in range(3):
        control.logging_queue.put(OrderEvent({"id": number}))
    control.stop()
    assert told == [("Own", "process_order", str(number)) for number in range(3)]


def test_a_control_that_pauses_handles_everything_and_flushes_after_each_look() -> None:
    class Own(LoggingControl):
        PAUSE = 0.01

        def __init__(self) -> None:
            super().__init__()
            self.pending: list[Any] = []
            self.flushed: list[Any] = []
            self.is_flushed = threading.Event()

        def process_order(self, event: Any) -> None:
            self.pending.append(event.event["id"])

        def process_end_flumine(self, event: Any) -> None:
            self.pending.append("end")

        def flush(self) -> None:
            self.flushed += self.pending
            self.pending.clear()
            if self.flushed[-1:] == [499]:
                self.is_flushed.set()
                raise OSError("after the last")

    told: list[tuple[str, str]] = []
    control = Own()
    control.start(lambda *fault: told.append(fault[:2]))
    for number in range(500):
        control.put(OrderEvent({"id": number}))
    assert control.is_flushed.wait(60)
    control.stop()
    assert control.flushed == [*range(500), "end"] and not control.pending
    assert set(told) == {("Own", "flush")}
    assert not control.is_alive()


class Slow(LoggingControl):
    """Handles nothing before it is let go."""

    MOST_WAITING = 10

    def __init__(self) -> None:
        super().__init__()
        self.got: list[int] = []
        self.is_busy = threading.Event()
        self.let_go = threading.Event()

    def process_order(self, event: Any) -> None:
        self.is_busy.set()
        self.let_go.wait(60)
        self.got.append(event.event["id"])


@pytest.mark.parametrize("pause", [0.0, 30.0])
def test_a_live_run_never_waits_and_tells_what_is_lost(pause: float) -> None:
    told: list[tuple[str, str, str]] = []
    control = Slow()
    control.PAUSE = pause
    control.start(lambda *fault: told.append((fault[0], fault[1], str(fault[2]))))
    for number in range(11):
        control.put(OrderEvent({"id": number}))
    assert control.is_busy.wait(20)  # a look at the queue does not wait for its time where the queue is full
    for number in range(11, 50):
        control.put(OrderEvent({"id": number}))
    assert control.logging_queue.qsize() <= control.MOST_WAITING
    control.let_go.set()
    control.stop()
    assert {fault[:2] for fault in told} == {("Slow", "waiting")}
    assert "the oldest are lost, first order" in told[0][2]
    assert len(control.got) + len(told) == 50
    assert control.got[-10:] == [*range(40, 50)]


@pytest.mark.parametrize("most_awaited", [4, 2_000])
def test_a_simulation_waits_for_a_slow_control_and_loses_nothing(most_awaited: int) -> None:
    told: list[Any] = []
    control = Slow()
    control.is_awaited, control.MOST_AWAITED = True, most_awaited
    control.start(lambda *fault: told.append(fault))
    most = 0
    threading.Timer(0.05, control.let_go.set).start()
    for number in range(200):
        control.put(OrderEvent({"id": number}))
        most = max(most, control.logging_queue.qsize())
    control.stop()
    assert (control.got, told) == ([*range(200)], [])
    assert most <= min(control.MOST_WAITING, most_awaited)


def test_a_simulation_does_not_wait_for_ever() -> None:
    told: list[tuple[str, str]] = []
    control = Slow()
    control.is_awaited, control.MOST_AWAITED, control.PATIENCE = True, 4, 0.1
    control.start(lambda *fault: told.append(fault[:2]))
    for number in range(8):
        control.put(OrderEvent({"id": number}))
    assert told == []  # it is stuck, and yet nothing is lost before very much waits
    for number in range(8, 60):
        control.put(OrderEvent({"id": number}))
    assert control.logging_queue.qsize() <= control.MOST_WAITING
    assert set(told) == {("Slow", "waiting")}
    control.let_go.set()
    control.stop()
    assert control.got[-10:] == [*range(50, 60)]


@pytest.mark.parametrize("is_awaited", [True, False])
def test_a_handler_that_tells_its_own_control_waits_for_nobody(is_awaited: bool) -> None:
    class Chatty(Slow):
        def process_order(self, event: Any) -> None:
            super().process_order(event)
            for number in range(20 if event.event["id"] == 0 else 0):
                self.put(OrderEvent({"id": 1 + number}))

    told: list[Any] = []
    control = Chatty()
    control.is_awaited = is_awaited
    control.start(lambda *fault: told.append(fault))
    control.let_go.set()
    control.put(OrderEvent({"id": 0}))
    begun = monotonic()
    while len(control.got) < 21 and monotonic() < begun + 60:
        control.is_busy.wait(0.01)
    control.stop()
    assert (control.got, told) == ([*range(21)], [])
    assert monotonic() - begun < 5


@pytest.mark.parametrize("pause", [0.0, 0.001])
@pytest.mark.parametrize("is_timed", [True, False])
def test_the_end_waits_no_longer_than_events_are_taken_and_tells_what_is_left(pause: float, is_timed: bool) -> None:
    told: list[tuple[str, str, str]] = []
    control = Slow()
    control.PAUSE = pause
    if is_timed:
        control.stop_within = 0.1
    else:
        control.END_PATIENCE = 0.1
    control.start(lambda *fault: told.append((fault[0], fault[1], str(fault[2]))))
    for number in range(4):
        control.put(OrderEvent({"id": number}))
    assert control.is_busy.wait(20)
    begun = monotonic()
    control.stop()
    assert monotonic() - begun < 20
    assert told == [("Slow", "stop", "its thread did not end in time: it handles one event, and 3 are left")]
    control.let_go.set()


def test_the_end_waits_for_as_long_as_events_are_taken() -> None:
    class Steady(LoggingControl):
        END_PATIENCE = 0.2
        handled = 0

        def process_order(self, event: Any) -> None:
            sleep(0.05)
            self.handled += 1

    told: list[Any] = []
    control = Steady()
    control.start(lambda *fault: told.append(fault))
    for number in range(20):
        control.put(OrderEvent({"id": number}))
    control.stop()
    assert (control.handled, told) == (20, [])


def test_flumines_dispatcher_is_refused_since_nothing_calls_it() -> None:
    class Dispatching(LoggingControl):
        def process_event(self, event: Any) -> None: ...

    with pytest.raises(FlumineCoreError, match=r"Dispatching has process_event, .* define process_<noun>"):
        Dispatching()


def test_unknown_options_are_refused() -> None:
    with pytest.raises(TypeError, match="colour"):
        LoggingControl(colour="red")


@pytest.mark.parametrize("noun", [*NOUNS, *LOGGED_NOUNS])
def test_each_noun_has_a_class_of_its_name(noun: str) -> None:
    assert event_class(noun).__name__.removesuffix("Event").lower() in (noun.replace("_", ""), "custom")
    with pytest.raises(LookupError):
        event_class(f"{noun}s_and_more")


def test_a_control_that_was_not_made_whole_is_refused() -> None:
    class Forgetful(LoggingControl):
        def __init__(self) -> None:
            self.mine = 1

    with pytest.raises(SettingsError, match=r"Forgetful.__init__ must call super\(\).__init__\(\)"):
        FlumineSimulation().add_logging_control(Forgetful())
