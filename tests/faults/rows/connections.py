"""Rows 32, 33, 35, 36, 49 and 50: limits, handshakes, nonsense on the line, slow readers, clocks that differ."""

from time import monotonic

from flumine_exchange.exchange import Scenario as Market

from ..remote import remote_ours
from ..scenario import LIVE, MARKET, QUIET, Scenario
from ..table import row
from .market_stream import MARKET_STREAM, drop, is_stale
from .orders_http import NOISE, is_adopted

CAP = 3
MOST_MATCHES = 20_000
"""So many changes are more than the buffers of a connection hold, on a machine of any speed."""


def comes_back(s: Scenario) -> None:
    """See that a change that happens now is seen, and that the market may be traded."""
    size = s.move()
    s.until(lambda: s.sees(size), "the stream is back")
    s.until(lambda: not is_stale(s), "the books are current")
    is_adopted(s, s.place_when_taken())


@row(
    32,
    "connection limit or too many requests at authentication",
    exchange={"connection_limit": CAP, "half_open_seconds": 5.0},
)
def connection_limits(s: Scenario) -> None:
    for code in ("MAX_CONNECTION_LIMIT_EXCEEDED", "TOO_MANY_REQUESTS"):
        refusal = s.fault("stream.auth", "error", count=2, code=code)
        drop(s)
        s.until(lambda f=refusal: f.hits == 2, "the connection is refused twice", 3 * s.seconds(60) + 5)
        refused = [event.time_ms for event in s.ledger.events("fault") if event.detail["id"] == refusal.id]
        waited = (refused[1] - refused[0]) / 1000
        assert not s.is_strict or waited >= s.seconds(10), f"it came back after {waited:.1f} s"
        s.until(lambda: not is_stale(s), "it is let in", s.seconds(120) + s.framework.patience)
    for _ in range(5):
        s.fault("stream.write", "raw", match=MARKET_STREAM, text="{not json\r\n")
        size = s.move()
        s.until(lambda n=size: s.sees(n), "the change is there")
        s.until(lambda: s.ledger.open_sockets["stream"] == 2, "what is given up is closed")
        drop(s, "rst")
        comes_back(s)
    most = s.ledger.most_open_sockets["stream"]
    assert most <= CAP, f"{most} sockets were open at a time"
    s.until(lambda: s.ledger.open_sockets["stream"] == 2, "no socket is left open")


@row(
    33,
    "idle TIMEOUT: a slow subscription",
    make=remote_ours,
    exchange=lambda factor: {"idle_stream_seconds": max(15.0, 1.5 / factor)},
)
def idle_timeout(s: Scenario) -> None:
    before = s.requests("marketSubscription")
    authentication = s.fault("stream.auth", "delay", seconds=s.seconds(1, 0.5))
    drop(s)
    assert authentication.struck.wait(s.framework.patience), "it authenticates"
    with s.framework.frozen():
        s.until(lambda: "TIMEOUT" in refusals(s), "the connection is idle for too long", s.seconds(15) + 20)
    comes_back(s)
    assert s.requests("marketSubscription") == before + 1


def refusals(s: Scenario) -> list[str]:
    return [event.detail.get("code", "") for event in s.ledger.events("refused")]


@row(
    35,
    "handshake failures: no TLS, refused, bad certificate, DNS failure",
    patience=150.0,
    options={"stream_host": "localhost"},
)
def handshakes(s: Scenario) -> None:
    before = s.framework.lose_name("localhost", True)
    drop(s)
    s.until(lambda: s.framework.lose_name("localhost", True) > before, "the name does not resolve")
    assert not s.is_strict or s.try_place() is None, "an order was taken on a stale book"
    s.hold(20, lambda: s.framework.is_running(), "it goes on")
    lookups = s.framework.lose_name("localhost", False) - before
    assert lookups <= 40, f"{lookups} lookups in 20 s"
    comes_back(s)
    s.fault("tls.accept", "silence", match={"server": "stream"}, count=2)
    drop(s)
    comes_back(s)
    s.exchange.refuse_connections("stream")
    drop(s)
    s.hold(20, lambda: s.framework.is_running(), "it goes on")
    s.exchange.take_connections("stream")
    comes_back(s)
    bad = s.fault("tls.accept", "bad_certificate", match={"server": "stream"})
    drop(s)
    s.until(lambda: bad.hits, "the certificate is bad")
    comes_back(s)
    bad = s.fault("tls.accept", "bad_certificate", match={"server": "stream"}, count=None)
    drop(s)
    s.until(lambda: bad.hits, "the certificate is bad again")
    if s.is_strict:
        s.until(lambda: any("certificate" in each for each in s.framework.troubles()), "the certificate is told of")
        assert s.try_place() is None
    s.hold(60, lambda: bad.hits <= 8, "a bad certificate is tried less and less often")
    assert s.framework.is_running()
    s.exchange.faults.remove(bad.id)
    if s.is_strict:
        comes_back(s)
    else:
        s.is_with_books = False


NONSENSE = (
    '{"op":"mcm","id":\r\n',
    "\r\n",
    "null\r\n",
    "[1,2]\r\n",
    '{"op":"unknown","id":1}\r\n',
    '{"id":1,"pt":1}\r\n',
    '{"op":"mcm","id":999999,"pt":1,"mc":[{"id":"1.1","img":true}]}\r\n',
    '{"op":"status","statusCode":"SUCCESS"}\r\n',
    '{"op":"mcm","id":"x","mc":{}}\r\n',
    '{"op":"connection","connectionId":"again"}\r\n',
    '{"op":"ocm","id":1,"oc":[{"orc":[{"uo":[{}]}]}]}\r\n',
    "\x00\xff\r\n",
)


@row(36, "malformed lines, unknown op, missing op, foreign id, coalesced greeting")
def nonsense(s: Scenario) -> None:
    for text in NONSENSE:
        s.fault("stream.write", "raw", match=MARKET_STREAM, text=text)
        size = s.move()
        s.until(lambda n=size: s.sees(n), f"a good message after {text!r} is applied")
    for name, value in (("id", 12345), ("op", "whatever"), ("mc", 5), ("pt", "soon"), ("mc", [{"id": QUIET, "rc": 5}])):
        s.fault("stream.write", "set_field", match={**MARKET_STREAM, "market": QUIET}, name=name, value=value)
        if name in ("id", "op"):  # whose it is cannot be told: what it brings is not missed
            s.move()
        else:
            s.exchange.market(QUIET).set_price(22, [[2.0, 1.0], [1.9, float(s.random.randrange(10, 99))]])
        size = s.move()
        s.until(lambda n=size: s.sees(n), f"a good message after a wrong {name} is applied")
    with s.quiet():
        s.until(s.books_equal, "nothing is missed of what could not be read", s.seconds(60) + s.framework.patience)
    for name in ("op", "pt", "clk"):
        s.fault("stream.write", "remove_field", match={**MARKET_STREAM, "market": QUIET}, name=name)
        s.move()
        size = s.move()
        s.until(lambda n=size: s.sees(n), f"a good message after one without {name} is applied")
    order_id = s.resting(size=20.0)
    for text in NONSENSE:
        s.fault("stream.write", "raw", match={"stream": "order"}, text=text)
        matched = s.order(order_id).matched + 0.5
        s.market.match_bet(s.order(order_id).bet_id, 0.5)
        s.until(lambda n=matched: s.order(order_id).matched == n, f"a match after {text!r} is known")
    s.fault("stream.greeting", "coalesce")
    drop(s)
    comes_back(s)
    s.settled_books()


@row(
    49,
    "slow consumer: a reader that stops, a strategy that stalls",
    make=remote_ours,
    markets=[Market(market_id=MARKET), Market(market_id=QUIET, runners=tuple(range(1, 41)))],
    exchange=lambda factor: {
        "write_buffer_bytes": 4_000,
        "send_buffer_bytes": 4_096,
        "slow_reader_seconds": 60.0 / factor,
    },
    options={"stream_heartbeat": 100.0},
)
def slow_consumer(s: Scenario) -> None:
    reader_stops(s)
    order_id = s.resting(size=100.0)
    others = [s.resting(runner=22) for _ in range(5)]
    stalled = s.seconds(5, 1.0)
    s.framework.stall(stalled)
    for number in range(200):
        s.exchange.market(MARKET).set_price(22, [[1.9, 10.0 + number]], [[3.5, 10.0]])
        size = s.move()
        if number % 4 == 0:
            s.market.match_bet(s.bet_of(order_id), 0.5)
        if number % 40 == 0:
            s.market.match_bet(s.bet_of(others[number // 40]))
    seconds = s.until(lambda: s.sees(size), "the last change is seen")
    assert seconds < stalled + 1 + NOISE, f"it took {seconds - stalled:.1f} s to be current after a stall"
    s.until(lambda: s.order(order_id).matched == 25.0, "every match is known")
    s.until_complete(*others)
    s.settled_books()


def reader_stops(s: Scenario) -> None:
    """Have the client read nothing until every buffer is full and the exchange conflates, on both streams."""
    order_id = s.resting(size=3000.0)
    others = [s.resting(runner=22) for _ in range(5)]
    before = s.requests("marketSubscription"), s.requests("orderSubscription")
    since = len(s.ledger.events("connection"))
    matches = 0
    with s.framework.frozen():
        begin = monotonic()
        while len(behind := behind_since(s, since)) < 2 or monotonic() < begin + s.seconds(5, 0.5):
            size = s.move()
            s.market.match_bet(s.bet_of(order_id), 0.05)
            matches += 1
            assert matches < MOST_MATCHES, f"the buffers are not full: {behind}"
        for other in others:
            s.market.match_bet(s.bet_of(other))
    seconds = s.until(lambda: s.sees(size), "the last change is seen")
    assert not s.is_strict or seconds < 1 + NOISE, f"it took {seconds:.1f} s to be current"
    matched = round(matches * 0.05, 2)
    s.until(lambda: s.order(order_id).matched == matched, "every match is known")
    s.until_complete(*others)
    s.settled_books()
    if s.is_strict:
        assert before == (s.requests("marketSubscription"), s.requests("orderSubscription")), "it reconnected"
    s.control(order_id)


def behind_since(s: Scenario, since: int) -> set[str]:
    """Return the connections whose reader has fallen behind."""
    events = s.ledger.events("connection")[since:]
    return {event.detail["connection"] for event in events if event.detail.get("is_behind")}


@row(50, "clock skew and late pt")
def skewed_clocks(s: Scenario) -> None:
    for milliseconds in (3000, -3000):
        skew = s.fault("clock", "skew", count=None, milliseconds=milliseconds)
        s.until(lambda f=skew: f.hits, "the clock is off")
        s.hold(10, lambda: not is_stale(s), "a clock that is off makes no book stale")
        is_adopted(s, s.resting())
        s.exchange.faults.remove(skew.id)
    s.fault("stream.write", "hold", match=MARKET_STREAM, seconds=s.seconds(3, 0.3))
    order_id = s.resting()
    assert s.order(order_id).status == LIVE
    comes_back(s)
