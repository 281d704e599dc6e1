"""The market stream over a real TLS socket: images, deltas, resume, segments, silence, bad lines."""

import contextlib
import threading
from collections.abc import Callable
from typing import Any

import pytest
from msgspec import Raw
from msgspec.json import encode

from flumine_core import FlumineCoreError, MarketStream
from flumine_core.events import CloseMarketEvent
from flumine_core.live.marketstream import LiveMarketStream
from flumine_core.live.message import StreamMessage

from .conftest import Pump, Report, StreamServer, definition, image

Start = Callable[..., tuple[LiveMarketStream, Pump]]


@pytest.fixture
def start(account: Any, fast_settings: Any, pump: Any, report: Report) -> Start:
    def make(settings: dict[str, Any] | None = None, client: Any = None, **options: Any) -> Any:
        description = MarketStream(stream_id=10_000, market_filter={"marketIds": ["1.1"]}, **options)
        stream = LiveMarketStream(description, client or account(), fast_settings(**(settings or {})), report)
        return stream, pump(stream)

    return make


def best(book: Any, selection_id: int = 11) -> float:
    return float(book.runner(selection_id).ex.available_to_back[0].price)


def test_authenticates_subscribes_and_delivers_books(server: StreamServer, start: Start) -> None:
    stream, pumped = start(conflate_ms=50)
    assert stream.reason_stale("1.1")
    connection = server.connection()
    assert connection.authentication["session"] == "token-1" and connection.authentication["appKey"] == "key"
    sent = connection.subscription
    assert sent["op"] == "marketSubscription" and sent["marketFilter"] == {"marketIds": ["1.1"]}
    assert (sent["conflateMs"], sent["heartbeatMs"], sent["clk"]) == (50, 500, None)
    connection.change(ct="SUB_IMAGE", initialClk="I", clk="A", pt=1000, heartbeatMs=500, mc=[image()])
    book = pumped.books()[0]
    assert (book.market_id, best(book), book.streaming_unique_id) == ("1.1", 2.0, 10_000)
    assert pumped.next().market_books == []
    assert stream.reason_stale("1.1") is None and stream.latency("1.1") is not None
    connection.change(clk="B", pt=1001, mc=[{"id": "1.1", "rc": [{"id": 11, "atb": [[2.0, 0], [1.99, 12]], "new": 1}]}])
    assert best(pumped.books()[0]) == 1.99


def test_resumes_where_it_was_after_a_drop(server: StreamServer, start: Start) -> None:
    stream, pumped = start()
    connection = server.connection()
    connection.change(ct="SUB_IMAGE", initialClk="I", clk="A", pt=1000, mc=[image()])
    connection.change(clk="B", pt=1001, ct="HEARTBEAT")
    book = pumped.books()[0]
    assert pumped.next().market_books == []
    connection.raw_send(b'{"op":"mcm","id":10002,"clk":"C","pt":1002,"mc":[{"id":"1.1","rc":[{"id":11,"atb":[[2.0')
    connection.close()
    again = server.connection()
    assert (again.subscription["initialClk"], again.subscription["clk"]) == ("I", "B")
    assert "down" in (stream.reason_stale("1.1") or "")
    again.change(
        ct="RESUB_DELTA", clk="D", pt=1003, mc=[{"id": "1.1", "con": True, "rc": [{"id": 22, "atb": [[1.8, 3]]}]}]
    )
    patched = pumped.books()[0]
    assert [level.price for level in patched.runner(22).ex.available_to_back] == [1.9, 1.8] and best(patched) == 2.0
    assert len(book.runner(22).ex.available_to_back) == 1
    assert pumped.next().market_books == []
    assert stream.reason_stale("1.1") is None and stream.connections == 2


def test_what_the_kernel_comes_to_after_a_drop_makes_nothing_current(server: StreamServer, start: Start) -> None:
    stream, pumped = start()
    connection = server.connection()
    connection.change(ct="SUB_IMAGE", initialClk="I", clk="A", pt=1000, mc=[image()])
    image_event, current = pumped.next(), pumped.next()
    connection.close()
    server.connection()  # has subscribed, and brings nothing yet
    assert image_event.market_books and current.market_books == []
    assert "down" in (stream.reason_stale("1.1") or "") and "down" in (stream.stale_reason or "")


def test_an_image_that_answers_a_resume_replaces_everything(server: StreamServer, start: Start) -> None:
    stream, pumped = start()
    connection = server.connection()
    connection.change(ct="SUB_IMAGE", initialClk="I", clk="A", pt=1000, mc=[image("1.1"), image("1.2")])
    pumped.books(2)
    assert pumped.next().market_books == []
    connection.close()
    again = server.connection()
    again.change(ct="SUB_IMAGE", initialClk="J", clk="K", pt=1003, mc=[{**image("1.2"), "rc": []}])
    assert pumped.books()[0].runner(11).ex.available_to_back == []
    closing = pumped.next()
    assert isinstance(closing, CloseMarketEvent) and closing.market_book.market_id == "1.1"
    assert pumped.next().market_books == []
    assert "no longer" in (stream.reason_stale("1.1") or "") and stream.reason_stale("1.2") is None


@pytest.mark.parametrize("definition", [None, {"runners": "x"}, {"runners": [{"status": "ACTIVE"}]}])
def test_an_image_without_a_usable_definition_is_asked_for_anew(
    server: StreamServer, start: Start, definition: Any
) -> None:
    stream, pumped = start()
    connection = server.connection()
    connection.change(ct="SUB_IMAGE", initialClk="I", clk="A", pt=1000, mc=[image()])
    pumped.books()
    assert pumped.next().market_books == []
    bad = {"id": "1.1", "img": True, "marketDefinition": definition, "rc": [{"id": 11, "atb": [[7.0, 1]]}]}
    connection.change(clk="B", pt=1001, mc=[bad])
    assert pumped.next().market_books == []
    again = server.connection()
    assert stream.reason_stale("1.1") is not None
    again.change(ct="SUB_IMAGE", initialClk="J", clk="C", pt=1002, mc=[image()])
    book = pumped.books()[0]
    assert book.status == "OPEN" and best(book) == 2.0


def test_a_refused_clock_is_forgotten_once(server: StreamServer, start: Start) -> None:
    _, pumped = start()
    connection = server.connection()
    connection.change(ct="SUB_IMAGE", initialClk="I", clk="A", pt=1000, mc=[image()])
    pumped.books()
    server.subscription_answers.put({"statusCode": "FAILURE", "errorCode": "INVALID_CLOCK", "connectionClosed": False})
    connection.close()
    refused, fresh = server.connection(), server.connection()
    assert refused.subscription["clk"] == "A" and fresh.subscription["clk"] is None
    refused.wait_for_close()
    fresh.change(ct="SUB_IMAGE", initialClk="J", clk="B", pt=1001, mc=[image()])
    assert pumped.books()
    assert server.opened == 3


def test_segments_are_whole_before_anybody_sees_a_book(server: StreamServer, start: Start) -> None:
    _, pumped = start()
    connection = server.connection()
    connection.change(ct="SUB_IMAGE", segmentType="SEG_START", pt=1000, mc=[image("1.1")])
    connection.change(ct="SUB_IMAGE", segmentType="SEG", pt=1000, mc=[image("1.2")])
    first = {"id": "1.3", "img": True, "marketDefinition": definition(), "rc": [{"id": 11, "atb": [[3.0, 1]]}]}
    rest = {"id": "1.3", "rc": [{"id": 22, "atb": [[4.0, 1]]}]}
    connection.change(ct="SUB_IMAGE", segmentType="SEG", pt=1000, mc=[first])
    connection.change(ct="SUB_IMAGE", segmentType="SEG_END", initialClk="I", clk="A", pt=1000, mc=[rest])
    books = pumped.books(3)
    assert [book.market_id for book in books] == ["1.1", "1.2", "1.3"]
    assert (best(books[2], 11), best(books[2], 22)) == (3.0, 4.0)
    connection.change(
        segmentType="SEG_START", clk="X", pt=1001, mc=[{"id": "1.1", "rc": [{"id": 11, "atb": [[5.0, 1]]}]}]
    )
    connection.close()
    assert server.connection().subscription["clk"] == "A"


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
@pytest.mark.parametrize("is_segmented", [False, True])
def test_of_two_copies_the_one_with_the_higher_version_lives(
    server: StreamServer, start: Start, order: tuple[int, int], is_segmented: bool
) -> None:
    _, pumped = start()
    connection = server.connection()
    copies = [
        [
            {**image(), "marketDefinition": {**definition(), "eventId": f"{copy}", "version": 100 + copy}, "rc": []},
            {"id": "1.1", "rc": [{"id": 11, "atb": [[3.0 + copy, 7]]}]},
        ]
        for copy in (0, 1)
    ]
    parts = [part for copy in order for part in copies[copy]]
    head = {"ct": "SUB_IMAGE", "initialClk": "I", "clk": "A", "pt": 1000}
    if is_segmented:
        for kind, part in zip(("SEG_START", "SEG", "SEG", "SEG_END"), parts, strict=True):
            connection.change(**head, segmentType=kind, mc=[part])
    else:
        connection.change(**head, mc=parts)
    (book,) = pumped.books()
    assert (book.version, book.market_definition.event_id, best(book)) == (101, "1", 4.0)
    connection.change(clk="B", pt=1001, mc=[{"id": "1.1", "rc": [{"id": 11, "atb": [[4.0, 0], [3.5, 1]]}]}])
    assert pumped.next().market_books == []
    assert [level.price for level in pumped.books()[0].runner(11).ex.available_to_back] == [3.5]


def test_a_segmented_change_is_whole_for_whoever_is_quick(account: Any, fast_settings: Any, report: Report) -> None:
    description = MarketStream(stream_id=10_000, market_filter={"marketIds": ["1.1"]})
    stream = LiveMarketStream(description, account(), fast_settings(), report)
    whole = StreamMessage(op="mcm", ct="SUB_IMAGE", pt=1000, mc=[Raw(encode(image()))])
    for event in stream.take([whole], True):
        assert event.market_books
    parts = [
        StreamMessage(op="mcm", pt=1001, mc=[Raw(encode({"id": "1.1", "rc": [{"id": each, "atb": [[7.0, 1]]}]}))])
        for each in (11, 22)
    ]
    books = [book for event in stream.take(parts, False) for book in event.market_books]
    assert [(best(book, 11), best(book, 22)) for book in books] == [(7.0, 7.0)]


def test_lines_that_cannot_be_read_one_after_another_bring_an_image_in_the_end(
    server: StreamServer, start: Start, fast_settings: Any
) -> None:
    start({"stream_steady": 2.0 / fast_settings().wait_factor})
    bad = b'{"op":"mcm","pt":"soon"}\r\n'
    first = server.connection()
    first.change(ct="SUB_IMAGE", initialClk="I", clk="A", pt=1000, mc=[image()])
    first.raw_send(bad)
    second = server.connection()
    second.change(ct="RESUB_DELTA", clk="B", pt=1001)
    second.raw_send(bad)
    third = server.connection()
    assert (second.subscription["clk"], third.subscription["clk"]) == ("A", None)
    third.change(ct="SUB_IMAGE", initialClk="J", clk="C", pt=1002, mc=[image()])
    third.raw_send(bad)
    pause = threading.Event()
    with contextlib.suppress(OSError):
        while server.waiting.empty():
            third.change(ct="HEARTBEAT", clk="C", pt=1003)
            pause.wait(0.05)
    assert server.connection().subscription["clk"] is None


def test_silence_is_a_dead_connection(server: StreamServer, start: Start) -> None:
    _, pumped = start()
    connection = server.connection()
    connection.change(ct="SUB_IMAGE", initialClk="I", clk="A", pt=1000, heartbeatMs=50, mc=[image()])
    pumped.books()
    connection.wait_for_close()
    assert server.connection().subscription["clk"] == "A"


@pytest.mark.parametrize(
    "line",
    [
        b"nonsense\r\n",
        b'{"op":"mcm","id":7,"clk":"Z","pt":1,"mc":[]}\r\n',
        b'{"id":10002,"pt":1}\r\n',
        b'{"op":"news","id":10002}\r\n',
        b"[1,2]\r\n",
        b"\xff\xfe\r\n",
        b'{"op":"mcm","id":10002,"pt":1001,"mc":[{"marketDefinition":7}]}\r\n',
    ],
)
def test_a_line_that_is_no_good_is_named_and_the_next_good_one_counts(
    server: StreamServer, start: Start, report: Report, line: bytes
) -> None:
    stream, pumped = start()
    connection = server.connection()
    connection.change(ct="SUB_IMAGE", initialClk="I", clk="A", pt=1000, mc=[image()])
    pumped.books()
    delta = {"id": "1.1", "rc": [{"id": 11, "atb": [[2.5, 1]]}]}
    connection.raw_send(line)
    with contextlib.suppress(OSError):
        connection.change(clk="B", pt=1002, mc=[delta])
    if stream.connections == 1 and server.waiting.empty():
        pass
    books = _books_or_resume(server, pumped, delta)
    assert best(books) == 2.5
    assert len(report.bad_lines) == 1


def _books_or_resume(server: StreamServer, pumped: Pump, delta: dict[str, Any]) -> Any:
    """Return the book of `delta`, sent again where the client has asked for it."""
    while True:
        if not server.waiting.empty():
            again = server.connection()
            assert again.subscription["clk"] == "A"
            again.change(ct="RESUB_DELTA", clk="B", pt=1002, mc=[delta])
        if not pumped.events.empty():
            for book in pumped.next().market_books:
                if best(book) == 2.5:
                    return book


def test_a_coalesced_greeting_is_read_line_by_line(server: StreamServer, start: Start) -> None:
    server.greetings.put(b'{"op":"connection","connectionId":"1"}\r\n{"op":"status","statusCode":"SUCCESS"}\r\n')
    _, pumped = start()
    server.connection().change(ct="SUB_IMAGE", clk="A", pt=1000, mc=[image()])
    assert pumped.books()


def test_a_subscription_beyond_the_limit_is_named_at_once(server: StreamServer, start: Start) -> None:
    answer = {"statusCode": "FAILURE", "errorCode": "SUBSCRIPTION_LIMIT_EXCEEDED", "connectionClosed": False}
    server.subscription_answers.put(answer)
    stream, pumped = start()
    pumped.ended()
    assert "SUBSCRIPTION_LIMIT_EXCEEDED" in str(pumped.error) and "fewer markets" in str(pumped.error)
    assert "ended" in (stream.reason_stale("1.1") or "")


def test_a_dead_session_is_renewed_and_the_new_token_is_used(
    server: StreamServer, start: Start, report: Report
) -> None:
    server.authentication_answers.put({"statusCode": "FAILURE", "errorCode": "INVALID_SESSION_INFORMATION"})
    start()
    assert server.connection().authentication["session"] == "token-2"
    assert report.renewed == ["token-1"]


def test_too_many_connections_are_waited_for(server: StreamServer, start: Start, report: Report) -> None:
    for _ in range(2):
        server.authentication_answers.put({"statusCode": "FAILURE", "errorCode": "MAX_CONNECTION_LIMIT_EXCEEDED"})
    start()
    server.connection()
    assert server.opened == 3
    assert len(report.troubles) == 2 and "MAX_CONNECTION_LIMIT_EXCEEDED" in report.troubles[0]


def test_a_certificate_that_cannot_be_verified_is_not_tried_for_ever(start: Start, account: Any) -> None:
    import trustme

    other = account()
    stranger = trustme.CA()
    with stranger.cert_pem.tempfile() as path:
        other = account(ca_file=path)
        _, pumped = start(client=other)
        pumped.ended()
    assert "certificate" in str(pumped.error)


def test_status_503_makes_books_stale_until_the_next_clean_message(server: StreamServer, start: Start) -> None:
    stream, pumped = start()
    connection = server.connection()
    connection.change(ct="SUB_IMAGE", initialClk="I", clk="A", pt=1000, mc=[image()])
    pumped.books()
    assert pumped.next().market_books == []
    connection.send(op="mcm", id=connection.id, status=503)
    connection.change(clk="B", pt=1001, status=503, mc=[{"id": "1.1", "rc": [{"id": 11, "ltp": 3.0}]}])
    pumped.books()
    assert "503" in (stream.reason_stale("1.1") or "")
    connection.change(clk="C", pt=1002, ct="HEARTBEAT")
    assert pumped.next().market_books == []
    assert stream.reason_stale("1.1") is None and stream.connections == 1


def test_a_slow_kernel_gets_one_book_of_all_that_waited(server: StreamServer, start: Start) -> None:
    _, pumped = start()
    connection = server.connection()
    connection.change(ct="SUB_IMAGE", initialClk="I", clk="A", pt=1000, mc=[image()])
    for number in range(2_000):
        rc = [{"id": 11, "atb": [[2.0, number]], "ltp": 2.0 + number / 100, "trd": [[2.0 + number % 7 / 10, number]]}]
        connection.change(clk=str(number), pt=1001 + number, mc=[{"id": "1.1", "rc": rc}])
    connection.change(clk="Z", pt=5000, mc=[image("1.2")])
    events = [pumped.next() for _ in range(3)]
    books = [book for event in events for book in event.market_books]
    assert [book.market_id for book in books] == ["1.1", "1.2"]
    book = books[0]
    assert (book.runner(11).last_price_traded, book.publish_time_epoch) == (21.99, 3000)
    assert book.runner(11).ex.available_to_back[0].size == 1999
    assert len(book.runner(11).ex.traded_volume) == 7 and best(book, 22) == 1.9


def test_open_markets_are_delivered_again_after_the_timeout(server: StreamServer, start: Start) -> None:
    _, pumped = start(streaming_timeout=0.05)
    connection = server.connection()
    closed = {**image("1.2"), "marketDefinition": definition("SUSPENDED")}
    connection.change(ct="SUB_IMAGE", initialClk="I", clk="A", pt=1000, mc=[image(), closed])
    first = pumped.books(2)[0]
    again = pumped.books(1)
    assert [book.market_id for book in again] == ["1.1"]
    assert again[0].publish_time_epoch == first.publish_time_epoch and not again[0].changed


def test_a_filter_without_definitions_is_refused(start: Start) -> None:
    with pytest.raises(FlumineCoreError, match="EX_MARKET_DEF"):
        start(market_data_filter={"fields": ["EX_LTP"]})


def test_a_closing_that_is_passed_over_is_delivered_all_the_same(server: StreamServer, start: Start) -> None:
    _, pumped = start()
    connection = server.connection()
    connection.change(ct="SUB_IMAGE", initialClk="I", clk="A", pt=1000, mc=[image()])
    for status in ("CLOSED", "OPEN"):
        connection.change(clk=status, pt=1001, mc=[{"id": "1.1", "marketDefinition": definition(status)}])
    connection.change(clk="Z", pt=5000, mc=[image("1.2")])
    events = [pumped.next() for _ in range(3)]
    assert [book.status for book in events[0].market_books] == ["CLOSED", "OPEN"]


def test_runner_changes_that_cannot_be_read_bring_an_image(server: StreamServer, start: Start, report: Report) -> None:
    stream, pumped = start()
    connection = server.connection()
    connection.change(ct="SUB_IMAGE", initialClk="I", clk="A", pt=1000, mc=[image()])
    connection.change(clk="B", pt=1001, mc=[{"id": "1.1", "rc": [{"id": "eleven"}]}])
    assert best(pumped.books()[0]) == 2.0
    while not report.bad_lines:
        for book in pumped.books():
            assert book.runners
    again = server.connection()
    assert again.subscription["clk"] is None and stream.reason_stale("1.1")
    again.change(ct="SUB_IMAGE", initialClk="J", clk="C", pt=1002, mc=[image()])
    pumped.books()
    assert pumped.next().market_books == []
    assert stream.reason_stale("1.1") is None


def test_a_market_whose_change_is_lost_for_good_is_stale(server: StreamServer, start: Start) -> None:
    stream, pumped = start()
    bad = {"id": "1.1", "marketDefinition": 7}
    for clk in "AB":
        connection = server.connection()
        connection.change(ct="SUB_IMAGE", initialClk="I", clk=clk, pt=1000, mc=[image()])
        pumped.books()
        connection.change(clk="B", pt=1001, mc=[bad])
    connection.change(clk="C", pt=1002, mc=[{"id": "1.1", "rc": [{"id": 11, "ltp": 2.5}]}])
    while pumped.books()[0].runner(11).last_price_traded != 2.5:
        pass
    assert "could not be read" in (stream.reason_stale("1.1") or "")
    connection.change(clk="D", pt=1003, mc=[image()])
    pumped.books()
    assert stream.reason_stale("1.1") is None
