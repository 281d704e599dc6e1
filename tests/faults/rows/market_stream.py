"""Rows 24 to 31 and 34: market streams that break, fall silent, resume from nowhere, or come in pieces."""

from flumine_exchange.exchange import Scenario as Market

from ..scenario import MARKET, QUIET, Scenario
from ..table import row
from .orders_http import NOISE, is_adopted

MARKET_STREAM = {"stream": "market"}


def drop(s: Scenario, action: str = "drop", seconds: float = 0.0) -> None:
    """End the market stream's connection, and hold up the answer to the next subscription."""
    if seconds:
        s.fault("stream.subscribe", "delay", match=MARKET_STREAM, seconds=seconds)
    s.exchange.drop_streams("market", action)


def is_stale(s: Scenario) -> bool:
    return s.framework.books()[QUIET].is_stale


@row(24, "market stream: peer close or RST")
def stream_ends(s: Scenario) -> None:
    for action in ("drop", "rst"):
        held = s.seconds(3, 0.5)
        drop(s, action, held)
        if s.is_strict:
            s.until(lambda: is_stale(s), "books are stale until the patch is applied")
            assert s.try_place() is None, "an order was taken on a stale book"
        size = s.move()
        s.until(lambda n=size: s.sees(n), "what was missed is there")
        s.settled_books()
        is_adopted(s, s.place_when_taken())


@row(25, "silent stall: socket open, no bytes")
def stall(s: Scenario) -> None:
    heartbeat = s.seconds(5, 0.5)
    s.fault("stream.subscribe", "delay", match=MARKET_STREAM, seconds=s.seconds(3, 0.5))
    silence = s.fault("stream.write", "silence", match={**MARKET_STREAM, "ct": "DELTA"})
    s.until(lambda: silence.hits, "the stream is silent")
    before = s.requests("marketSubscription")
    seconds = s.until(lambda: s.requests("marketSubscription") > before, "the silence is noticed")
    assert seconds < 3 * heartbeat + s.seconds(3) + NOISE, f"the silence was noticed after {seconds:.1f} s"
    assert s.try_place() is None, "an order was taken in the gap"
    s.until(lambda: not is_stale(s), "the books are current again")
    s.settled_books()
    is_adopted(s, s.place_when_taken())


@row(26, "drop in the middle of a line or of a segmented message")
def cut(s: Scenario) -> None:
    for _ in range(3):
        s.fault("stream.write", "cut", match={**MARKET_STREAM, "market": QUIET}, share=s.random.uniform(0.05, 0.95))
        size = s.move()
        s.until(lambda n=size: s.sees(n), "the change is there")
        s.settled_books()
    for _ in range(2):
        s.fault("stream.write", "cut_segment", match={**MARKET_STREAM, "ct": "RESUB_DELTA"}, most=1)
        drop(s)
        for market_id in (QUIET, MARKET):
            s.exchange.market(market_id).set_price(22, [[1.9, float(s.random.randrange(10, 99))]], [[3.5, 10.0]])
        size = s.move()
        s.until(lambda n=size: s.sees(n), "the change is there")
        s.settled_books()


@row(27, "INVALID_CLOCK on resume")
def invalid_clock(s: Scenario) -> None:
    for is_closed in (True, False):
        before = s.requests("marketSubscription")
        refusal = s.fault(
            "stream.subscribe",
            "error",
            match={**MARKET_STREAM, "is_resume": True},
            count=None,
            code="INVALID_CLOCK",
            closed=is_closed,
        )
        drop(s)
        size = s.move()
        s.until(lambda n=size: s.sees(n), "an image is applied")
        assert refusal.hits == 1, f"a dead clk was sent {refusal.hits} times"
        assert s.requests("marketSubscription") - before == 2
        s.exchange.faults.remove(refusal.id)
        s.settled_books()


@row(28, "SUB_IMAGE in answer to a resume, fewer markets")
def smaller_image(s: Scenario) -> None:
    s.fault("stream.subscribe", "image", match=MARKET_STREAM, markets=[MARKET])
    drop(s)
    s.until(lambda: set(s.framework.books()) == {MARKET}, "there is no market that the image has not")
    is_adopted(s, s.place_when_taken())
    drop(s)
    s.fault("stream.subscribe", "image", match=MARKET_STREAM)
    s.until(lambda: set(s.framework.books()) == {MARKET, QUIET}, "the market is taken up again")
    s.settled_books()


@row(29, "RESUB_DELTA with img on some markets, con on all")
def images_in_patches(s: Scenario) -> None:
    for _ in range(2):
        s.fault("stream.subscribe", "image_all", match={**MARKET_STREAM, "is_resume": True})
        s.exchange.refuse_connections("stream")
        drop(s)
        for _ in range(20):
            size = s.move()
            price = s.random.choice([1.5, 1.6, 1.7])
            s.exchange.market(QUIET).set_price(22, [[price, size]], [[price + 2, size]])
            s.exchange.market(MARKET).set_price(22, [[price, size]], [[price + 2, size]])
        s.hold(2, lambda: True, "the gap is long")
        s.exchange.take_connections("stream")
        s.until(lambda n=size: s.framework.books()[QUIET].ladders[11]["atb"].get(2.0) == n, "the patch is there")
        s.settled_books()


@row(
    30,
    "segmented images and deltas",
    markets=[Market(market_id=MARKET), Market(market_id=QUIET, runners=tuple(range(1, 41)))],
    exchange={"segment_changes": 5},
)
def segments(s: Scenario) -> None:
    s.until(lambda: QUIET in s.framework.books(), "the market is there")
    sizes = []
    for _ in range(150):
        sizes.append(s.move())
        if s.random.random() < 0.03:
            drop(s)
    s.until(lambda: s.sees(sizes[-1]), "the last change is there")
    for _ in range(5):
        # all but the last part of a change arrives, and then for a while nothing
        s.fault("stream.write", "drop", match={**MARKET_STREAM, "market": QUIET, "segment": "SEG_END"})
        s.fault("stream.subscribe", "delay", match=MARKET_STREAM, seconds=s.seconds(2, 0.2))
        sizes.append(s.move())
        s.until(lambda: s.sees(sizes[-1]), "the last change is there")
    given = [best for market_id, best in s.framework.seen() if market_id == QUIET]
    assert len(given) > 5, f"only {len(given)} books were seen"
    halves = [best for best in given if len(set(best)) > 1]
    assert not halves, f"{len(halves)} books were half applied, as {halves[:1]}"
    s.settled_books()


@row(31, "FAILURE with the socket left open")
def failure_left_open(s: Scenario) -> None:
    refusal = s.fault(
        "stream.subscribe", "error", match=MARKET_STREAM, count=2, code="SUBSCRIPTION_LIMIT_EXCEEDED", closed=False
    )
    drop(s)
    s.until(lambda: refusal.hits, "the subscription is refused")

    def is_told() -> bool:
        return any("SUBSCRIPTION_LIMIT_EXCEEDED" in trouble for trouble in s.framework.troubles())

    seconds = s.until(is_told, "the refusal is told")
    assert seconds < 1 + NOISE, f"the refusal came to light after {seconds:.1f} s"
    s.until(lambda: not is_stale(s), "the market stream is back")
    s.settled_books()


@row(34, "status 503 on change messages and heartbeats, with and without pt")
def upstream_trouble(s: Scenario) -> None:
    before = s.requests("marketSubscription")
    for without_pt in (False, True):
        for match in ({"ct": "DELTA"}, {"ct": "HEARTBEAT", "market": None}):
            lasting = s.seconds(60, 0.5) if s.factor < 1 else 20.0
            trouble = s.fault(
                "stream.write", "status", match={**MARKET_STREAM, **match}, without_pt=without_pt, seconds=lasting
            )
            with s.quiet() if match["ct"] == "HEARTBEAT" else s.busy():
                s.until(lambda t=trouble: t.hits, "the trouble is there")
                if s.is_strict:
                    s.until(lambda: is_stale(s), "books are flagged stale")
                assert s.try_place() is None, "an order was taken while flagged"
            s.until(lambda: not is_stale(s), "the first clean message ends it")
            is_adopted(s, s.place_when_taken())
    assert s.requests("marketSubscription") == before, "it reconnected"
    s.settled_books()
