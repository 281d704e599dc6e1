"""The kernel's inbox: who reads the connections, and when."""

import queue
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from flumine_core.events import CustomEvent, Event
from flumine_core.live import inbox as inbox_module
from flumine_core.live.inbox import Inbox

from .conftest import wait_for
from .lending import Closing, Slow, Source, text

LONG = 5.0
"""Seconds that nothing takes which need not wait for anything."""


def test_events_come_in_order_and_wake_who_waits(inbox: Inbox) -> None:
    def put() -> None:
        time.sleep(0.05)
        for number in range(100):
            inbox.put(CustomEvent(number))

    thread = threading.Thread(target=put)
    begun = time.monotonic()
    thread.start()
    assert [text(inbox.get()) for _ in range(100)] == [str(number) for number in range(100)]
    assert time.monotonic() - begun < LONG
    thread.join()
    assert inbox.empty() and inbox.qsize() == 0


def test_who_waits_in_vain_is_told(inbox: Inbox) -> None:
    with pytest.raises(queue.Empty):
        inbox.get(0.02)


def test_who_waits_goes_on_waiting_where_a_connection_brings_no_event(inbox: Inbox, lend: Any) -> None:
    def bring() -> None:
        time.sleep(0.05)
        lend()  # wakes who waits
        time.sleep(0.05)
        inbox.put(CustomEvent("late"))

    thread = threading.Thread(target=bring)
    thread.start()
    assert text(inbox.get()) == "late"
    thread.join()


def test_a_connection_is_read_on_the_thread_that_asks_for_events(inbox: Inbox, lend: Any) -> None:
    source = lend().source
    for number in range(20):
        source.there.send(str(number).encode())
        assert text(inbox.get()) == str(number)
    assert set(source.threads) == {threading.get_ident()}


def test_while_that_thread_is_busy_another_one_reads_and_lets_go_again(inbox: Inbox, lend: Any) -> None:
    source = lend().source
    source.there.send(b"first")
    assert text(inbox.get()) == "first"
    for number in range(3):
        source.there.send(str(number).encode())
        wait_for(lambda expected=number + 1: inbox.qsize() == expected)
    assert threading.get_ident() not in source.threads[1:]
    assert [text(inbox.get()) for _ in range(3)] == ["0", "1", "2"]
    with pytest.raises(queue.Empty):
        inbox.get(0.02)
    source.there.send(b"last")
    assert text(inbox.get()) == "last" and source.threads[-1] == threading.get_ident()
    source.there.send(b"again")
    wait_for(lambda: inbox.qsize() == 1)
    assert source.threads[-1] != threading.get_ident()


def test_what_has_come_is_read_though_events_wait(inbox: Inbox, lend: Any) -> None:
    source = lend().source
    source.there.send(b"first")
    assert text(inbox.get()) == "first"
    inbox.put(CustomEvent("second"))
    inbox.put(CustomEvent("third"))
    source.there.send(b"fourth")
    time.sleep(0.02)  # as long as a slow strategy takes
    assert text(inbox.get()) == "second" and inbox.qsize() == 2
    assert source.threads[-1] == threading.get_ident()


def test_what_a_connection_raises_is_raised_where_it_was_lent_and_others_are_read_on(inbox: Inbox, lend: Any) -> None:
    ending, other = lend(), lend()
    ending.source.there.send(b"end")
    with pytest.raises(queue.Empty):
        inbox.get(0.1)
    ending.ended()
    assert str(ending.error) == "it has ended"
    ending.source.there.send(b"more")
    other.source.there.send(b"news")
    assert text(inbox.get()) == "news" and inbox.empty()


def test_a_connection_is_read_when_it_is_due_though_nothing_has_come(inbox: Inbox, lend: Any) -> None:
    source = lend(Source(due=time.monotonic() + 0.05)).source
    with pytest.raises(queue.Empty):
        inbox.get(0.3)
    assert source.reads >= 2


class Silent(Source):
    """A source that delivers once its time has come, though it has received nothing."""

    def read(self, deliver: Callable[[Event], None]) -> float:
        if time.monotonic() < self.due:
            return self.due
        deliver(CustomEvent("silence"))
        return float("inf")


def test_a_connection_is_read_when_it_is_due_however_long_somebody_waits(inbox: Inbox, lend: Any) -> None:
    lend(Silent(due=time.monotonic() + 0.1))
    begun = time.monotonic()
    assert text(inbox.get(LONG)) == "silence" and time.monotonic() - begun < LONG / 2


def test_a_connection_is_read_when_it_is_due_while_that_thread_is_busy(inbox: Inbox, lend: Any) -> None:
    lend(Silent(due=time.monotonic() + 0.5))
    with pytest.raises(queue.Empty):
        inbox.get(0.02)
    wait_for(lambda: inbox.qsize() == 1)
    assert text(inbox.get()) == "silence"


def test_waiting_events_are_not_held_up_by_a_look_at_the_connections_each(inbox: Inbox, lend: Any) -> None:
    source = lend(Source(due=0.0)).source  # is read at each look
    with pytest.raises(queue.Empty):
        inbox.get(0.02)
    for number in range(5_000):
        inbox.put(CustomEvent(number))
    before, begun = source.reads, time.monotonic()
    while not inbox.empty():
        inbox.get()
    most = (time.monotonic() - begun) / 0.005
    assert source.reads - before <= 3 * (most + 1)


def test_a_connection_is_read_though_there_were_always_events(inbox: Inbox, lend: Any) -> None:
    source = Closing()
    source.there.send(b"news")
    for number in range(2):
        inbox.put(CustomEvent(number))
    lend(source)
    wait_for(lambda: source.was_asked)
    time.sleep(0.02)  # it waits to be read
    assert text(inbox.get()) == "0" and inbox.qsize() == 2


def seconds_until_found(inbox: Inbox, lines: int) -> float | None:
    """Return how long an event was waited for that is put after so many lines of `get`, None where it waits by then."""
    begun, put_at = time.monotonic(), 0.0

    def trace(frame: Any, kind: str, argument: Any) -> Any:
        nonlocal lines, put_at
        if kind == "line" and frame.f_code.co_filename == inbox_module.__file__:
            lines -= 1
            if lines == 0:
                inbox.put(CustomEvent("news"))
                put_at = time.monotonic()
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        assert text(inbox.get(1.0)) == "news"
    finally:
        sys.settrace(before)
    return None if put_at > begun + 0.9 else time.monotonic() - put_at


def test_an_event_is_returned_at_once_between_whatever_steps_it_comes(inbox: Inbox) -> None:
    inbox.put(None)
    inbox.get()
    lines = 0
    while (seconds := seconds_until_found(inbox, lines + 1)) is not None:
        lines += 1
        assert seconds < 0.5
    assert lines > 10


def test_a_thread_that_asks_often_is_not_relieved(inbox: Inbox, lend: Any) -> None:
    source = lend().source
    for _ in range(10):
        source.threads.clear()
        longest = 0.0
        for _ in range(40):
            begun = time.monotonic()
            source.there.send(b"news")
            inbox.get()
            time.sleep(0.01)
            longest = max(longest, time.monotonic() - begun)
        if longest < 0.1:  # else this machine was busy with something else
            assert set(source.threads) == {threading.get_ident()}
            return


class Dripping(Source):
    """A source of which each read brings one event, and of which there is always more where it is endless."""

    is_endless = False

    def read(self, deliver: Callable[[Event], None]) -> float:
        with suppress(BlockingIOError):
            deliver(CustomEvent(self.here.recv(1, socket.MSG_PEEK if self.is_endless else 0).decode()))
        return self.due


def test_all_that_has_come_is_read_before_the_first_of_it_is_returned(inbox: Inbox, lend: Any) -> None:
    source = lend(Dripping()).source
    with pytest.raises(queue.Empty):
        inbox.get(0.02)
    source.there.send(b"abc")
    assert text(inbox.get()) == "a" and inbox.qsize() == 2


def test_a_connection_that_never_ends_to_bring_something_holds_nobody_up(inbox: Inbox, lend: Any) -> None:
    source = lend(Dripping()).source
    source.is_endless = True
    source.there.send(b"a")
    assert [text(inbox.get()) for _ in range(3)] == ["a", "a", "a"]


def test_what_came_in_time_is_returned_however_long_its_reading_took(inbox: Inbox, lend: Any) -> None:
    source = Slow()
    lend(source)
    with pytest.raises(queue.Empty):
        inbox.get(0.02)
    source.there.send(b"news")
    assert text(inbox.get(0.05)) == "news"
