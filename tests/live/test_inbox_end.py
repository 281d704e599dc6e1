"""The end of what the kernel's inbox reads: of a connection, of its socket, of the inbox."""

import os
import queue
import socket
import threading
import time
from typing import Any

import pytest

from flumine_core.events import CustomEvent
from flumine_core.live.inbox import Inbox

from .conftest import PATIENCE, wait_for
from .lending import Closing, Lender, Slow, Source, text


def test_closing_gives_back_what_was_lent_whoever_reads(inbox: Inbox, lend: Any) -> None:
    lender = lend()
    with pytest.raises(queue.Empty):
        inbox.get(0.02)
    lender.source.there.send(b"one")
    wait_for(lambda: inbox.qsize() == 1)  # the relief reads
    begun = time.monotonic()
    inbox.close()
    lender.ended()
    assert lender.error is None and time.monotonic() - begun < 1
    late = Lender(inbox, lender.source)
    late.ended()
    inbox.put(CustomEvent("kept"))
    assert [text(inbox.get()), text(inbox.get())] == ["one", "kept"]
    with pytest.raises(queue.Empty):
        inbox.get()


def test_a_connection_that_was_closed_before_it_is_lent_is_given_back(inbox: Inbox, lend: Any) -> None:
    closed, other = Closing(number=-1), lend()
    closed.here.close()
    lender = lend(closed)
    other.source.there.send(b"news")
    assert text(inbox.get()) == "news"
    with pytest.raises(queue.Empty):
        inbox.get(0.02)
    lender.ended()
    assert str(lender.error) == "it was closed"


def test_a_connection_that_another_thread_closes_is_given_back(inbox: Inbox, lend: Any) -> None:
    closing, other = lend(Closing()), lend()
    with pytest.raises(queue.Empty):
        inbox.get(0.02)
    closing.source.here.close()
    other.source.there.send(b"news")
    assert text(inbox.get()) == "news"
    with pytest.raises(queue.Empty):
        inbox.get(0.02)
    closing.ended()
    assert str(closing.error) == "it was closed"


def test_the_number_of_a_closed_connection_may_be_that_of_a_new_one(inbox: Inbox, lend: Any) -> None:
    closed = lend(Closing())
    with pytest.raises(queue.Empty):
        inbox.get(0.02)
    new = Source()
    closed.source.here.close()
    os.dup2(new.here.fileno(), closed.source.number)
    new.here.close()
    new.here = socket.socket(fileno=closed.source.number)
    new.here.setblocking(False)
    lend(new)
    new.there.send(b"news")
    assert text(inbox.get(PATIENCE)) == "news"
    closed.ended()
    assert str(closed.error) == "it was closed"


def test_what_was_lent_is_given_back_when_nobody_reads_it_any_more(inbox: Inbox, lend: Any) -> None:
    source = Slow()
    lender = lend(source)
    wait_for(lambda: source.reads == 1)  # the relief reads
    source.there.send(b"one")
    wait_for(lambda: source.is_being_read)
    inbox.close()
    lender.ended()
    assert not source.is_being_read


def test_what_is_about_to_be_read_is_given_back(inbox: Inbox, lend: Any) -> None:
    lend()
    with pytest.raises(queue.Empty):
        inbox.get(0.02)
    late = lend(Closing())
    wait_for(lambda: late.source.was_asked)
    time.sleep(0.02)  # it waits to be read, and nobody asks for events
    inbox.close()
    late.ended()
    assert late.error is None


def test_a_closing_does_not_wait_where_there_is_nothing_to_wait_for(lenders: list[Lender]) -> None:
    def seconds() -> float:
        inbox, source = Inbox(), Source()
        lenders.append(Lender(inbox, source))
        wait_for(lambda: source.reads)  # the relief reads, and waits for more
        begun = time.monotonic()
        inbox.close()
        return time.monotonic() - begun

    assert min(seconds() for _ in range(5)) < 0.3


def test_an_inbox_that_was_closed_unused_has_nothing(inbox: Inbox) -> None:
    inbox.close()
    threads = threading.active_count()
    with pytest.raises(queue.Empty):
        inbox.get()
    assert threading.active_count() == threads


def test_the_threads_of_an_inbox_end_with_it(inbox: Inbox, lend: Any) -> None:
    before = set(threading.enumerate())
    lend()
    with pytest.raises(queue.Empty):
        inbox.get(0.02)
    assert set(threading.enumerate()) - before
    inbox.close()
    wait_for(lambda: not set(threading.enumerate()) - before)


def test_a_connection_that_has_ended_keeps_nobody_busy(inbox: Inbox, lend: Any) -> None:
    ending = lend()
    with pytest.raises(queue.Empty):
        inbox.get(0.02)
    ending.source.there.send(b"end")
    with pytest.raises(queue.Empty):
        inbox.get(0.05)
    ending.ended()
    ending.source.close()
    begun = time.thread_time()
    with pytest.raises(queue.Empty):
        inbox.get(0.5)
    assert time.thread_time() - begun < 0.2
