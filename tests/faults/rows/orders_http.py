"""Rows 1 to 8 and 48: placings whose request or answer is lost, late, broken, or a duplicate."""

from typing import Any

from ..scenario import DONE, LIVE, MARKET, Scenario
from ..table import row

NOISE = 1.0
"""Seconds that a busy machine may add to a bound."""


def place_lost(s: Scenario, *fault: Any, has_stream: bool = True, count: int | None = 1, **more: Any) -> str:
    """Place an order whose answer is lost; its exposure is reserved from then on until it rests. Return its id."""
    armed = s.fault(*fault, op="placeOrders", count=count, **more)
    silence = None if has_stream else s.fault("order.publish", "skip", count=None)
    size = s.random.choice([2.0, 3.5, 7.0])
    before = s.framework.exposures().get(f"{MARKET}/11", 0.0)
    order_id = s.place(size=size)

    def is_resolved() -> bool:
        exposure = s.framework.exposures().get(f"{MARKET}/11", 0.0)
        order = s.order(order_id)
        assert not s.is_strict or order.complete or exposure >= before + size, "no exposure is reserved"
        return order.status in (LIVE, DONE)

    s.until(is_resolved, f"order {order_id} is resolved")
    assert armed.hits, "the fault was to strike"
    s.exchange.faults.remove(armed.id)
    if silence is not None:
        s.exchange.faults.remove(silence.id)
    return order_id


def is_adopted(s: Scenario, order_id: str) -> None:
    """See that the one bet of an order is its order's, and can be cancelled."""
    order = s.until_status(order_id, LIVE)
    (bet,) = s.bets(order_id)
    assert order.bet_id == bet.bet_id, f"order {order_id} has bet {order.bet_id}, the ledger {bet.bet_id}"
    s.control(order_id)


def is_placed_or_not(s: Scenario, order_id: str) -> None:
    """See that a placing that was lost on its way is placed once, or known not to be."""
    bets = s.bets(order_id)
    if s.order(order_id).complete:
        assert not bets, f"order {order_id} is given up, the ledger has {bets}"
    else:
        is_adopted(s, order_id)


@row(1, "placeOrders executed, response lost")
def response_lost(s: Scenario) -> None:
    for action in ("drop", "rst"):
        for has_stream in (True, False):
            is_adopted(s, place_lost(s, "http.after_execute", action, has_stream=has_stream))


@row(2, "request lost before execution")
def request_lost(s: Scenario) -> None:
    for action in ("drop", "rst"):
        is_placed_or_not(s, place_lost(s, "http.before_execute", action))
    order_id = place_lost(s, "http.before_execute", "drop", count=None)
    assert s.order(order_id).complete and not s.bets(order_id)


@row(3, "response hangs past the read timeout")
def response_hangs(s: Scenario) -> None:
    for has_stream in (True, False):
        silence = None if has_stream else s.fault("order.publish", "skip", count=None)
        hang = s.fault("http.after_execute", "hang", op="placeOrders", seconds=1.25 * s.framework.read_timeout)
        order_id = s.place()
        assert hang.struck.wait(s.framework.patience)
        other = s.place(runner=22)
        s.until_status(other, LIVE)
        (first,), (second,) = s.bets(order_id), s.bets(other)
        waited = (second.placed_ms - first.placed_ms) / 1000
        assert waited < s.framework.read_timeout, f"another order stalled for {waited} s"
        s.until_status(order_id, LIVE)
        if silence is not None:
            s.exchange.faults.remove(silence.id)
        seconds = s.until(lambda o=order_id: not s.framework.cancel([o], None)[0], "a cancel is taken")
        seconds += s.until(lambda o=order_id: s.bets(o)[0].status == "EC", "the bet is cancelled")
        assert seconds < 1 + NOISE, f"the cancel took {seconds:.1f} s"
        is_adopted(s, other)


@row(4, "truncated body")
def truncated(s: Scenario) -> None:
    for has_stream in (True, False):
        is_adopted(s, place_lost(s, "http.write", "half_body", has_stream=has_stream))


@row(5, "HTTP 5xx or an HTML page, before or after execution")
def broken_answers(s: Scenario) -> None:
    for status in (502, 503, 504, None):
        body = "".join(s.random.choice('<>{}" abc') for _ in range(s.random.randrange(200)))
        more = ("html", {}) if status is None else ("status", {"status": status, "body": body})
        is_adopted(s, place_lost(s, "http.after_execute", more[0], has_stream=s.random.random() < 0.5, **more[1]))
        is_placed_or_not(s, place_lost(s, "http.before_execute", more[0], **more[1]))
    order_id = place_lost(s, "http.before_execute", "status", count=3, status=503)
    is_placed_or_not(s, order_id)


@row(6, "DUPLICATE_TRANSACTION, with and without instructionReports")
def duplicates(s: Scenario) -> None:
    for has_reports in (True, False):
        # the bet is not to be found at first, so that a client that sends again gets a true duplicate
        s.fault("order.publish", "skip")
        blind = s.fault("http.after_execute", "empty", op="listCurrentOrders", count=2)
        if not has_reports:
            s.fault("http.after_execute", "remove_reports", op="placeOrders", match={"nth": 2})
        is_adopted(s, place_lost(s, "http.after_execute", "drop"))
        s.exchange.faults.remove(blind.id)
        s.exchange.faults.clear()
    result: dict[str, Any] = {"status": "FAILURE", "errorCode": "DUPLICATE_TRANSACTION", "marketId": MARKET}
    is_adopted(s, place_lost(s, "http.after_execute", "replace", result=result))
    result["instructionReports"] = [{"status": "FAILURE", "errorCode": "ERROR_IN_ORDER"}]
    is_adopted(s, place_lost(s, "http.after_execute", "replace", has_stream=False, result=result))


@row(7, "retry after the 60 s window")
def late_retry(s: Scenario) -> None:
    for hook in ("http.after_execute", "http.before_execute"):
        s.fault(hook, "drop", op="placeOrders", count=None)
        s.fault("order.publish", "skip", count=None)
        for op in ("listCurrentOrders", "listClearedOrders"):
            s.fault("http.before_execute", "error", op=op, count=None, code="SERVICE_BUSY")
        first = len(s.ledger.events("request"))
        order_id = s.place()
        s.until(lambda f=first: len(s.ledger.events("request")) > f, "the placing has arrived")
        s.hold(61, lambda o=order_id: not (s.is_strict and s.order(o).complete), "the order is not given up")
        s.exchange.faults.clear()
        s.until_status(order_id, LIVE, DONE)
        bets = s.bets(order_id)
        assert len(bets) <= 1 and (len(bets) == 1 or hook == "http.before_execute")
        is_placed_or_not(s, order_id)
        sends = [event for event in s.ledger.events("request")[first:] if event.detail["operation"] == "placeOrders"]
        latest = (sends[-1].time_ms - sends[0].time_ms) / 1000
        assert latest <= s.seconds(45) + NOISE * (s.factor >= 1), f"the last send was {latest} s after the first"


@row(8, "report status TIMEOUT, the bet appears late or never")
def timeouts(s: Scenario) -> None:
    late = s.seconds(s.random.uniform(5, 15))
    order_id = place_lost(s, "http.before_execute", "report_late", has_stream=s.random.random() < 0.5, seconds=late)
    s.hold(20, lambda: len(s.bets(order_id)) <= 1, "there is no second bet")
    is_placed_or_not(s, order_id)
    never = place_lost(s, "http.before_execute", "report_late")
    assert len(s.bets(never)) <= 1
    is_placed_or_not(s, never)
    is_adopted(s, place_lost(s, "http.after_execute", "report", has_stream=False, status="TIMEOUT"))


@row(48, "pooled connection closed by the server while idle", exchange={"idle_http_seconds": 1.0})
def closed_connections(s: Scenario) -> None:
    for _ in range(3):
        is_adopted(s, s.resting())
        idle = s.until(lambda: s.ledger.open_sockets.get("http", 0) == 0, "the server has closed idle connections")
        assert idle >= 0
    for action in ("drop", "rst"):
        s.resting()
        s.exchange.drop_http(action)
        order_id = s.place()
        s.until_status(order_id, LIVE, DONE)
        is_placed_or_not(s, order_id)
    # on a connection that was used before
    for hook in ("http.before_execute", "http.after_execute"):
        is_adopted(s, s.resting())
        is_adopted(s, place_lost(s, hook, "drop", has_stream=False))
