"""Rows 9 to 14, 51 and 53: answers and order stream that disagree in time, kind, order, or content."""

from flumine_exchange.settings import Account

from ..scenario import DONE, LIVE, MARKET, QUIET, Scenario
from ..table import row
from ..view import Terms
from .orders_http import is_adopted

TAKING = 1.5
"""A price to back at that the book matches at once, at 2.0."""


def never_came_back(s: Scenario, order_id: str) -> None:
    """See that an order that was done never was live again."""
    statuses = s.order(order_id).statuses
    first = statuses.index(DONE)
    assert set(statuses[first:]) == {DONE}, f"order {order_id} was {statuses}"


@row(9, "order stream update precedes the HTTP response")
def stream_is_ahead(s: Scenario) -> None:
    for price, size in ((3.0, 2.0), (2.0, 60.0), (TAKING, 2.0)):
        held = min(s.seconds(2, 1.0), s.framework.read_timeout / 2)
        s.fault("http.after_execute", "delay", op="placeOrders", seconds=held)
        order_id = s.place(price=price, size=size)
        seconds = s.until(lambda o=order_id: s.order(o).bet_id, "the bet is bound")
        assert not s.is_strict or seconds < held, f"the bet was bound after {seconds:.2f} s, as late as the answer"
        s.until_status(order_id, LIVE, DONE)
        s.hold(2.5, lambda o=order_id, n=size: s.order(o).matched <= n, "no fill counts twice")
        (bet,) = s.bets(order_id)
        assert s.order(order_id).matched == bet.sm
        if price == TAKING:
            never_came_back(s, order_id)


@row(10, "order stream lags the response")
def stream_lags(s: Scenario) -> None:
    for price, size in ((3.0, 6.0), (2.0, 60.0)):
        held = s.seconds(s.random.uniform(1, 30), 0.3)
        s.fault("order.publish", "hold", seconds=held)
        order_id = s.place(price=price, size=size)
        order = s.until_status(order_id, LIVE)
        assert order.matched == s.bets(order_id)[0].sm, "the answer's own match is taken"
        s.cancel(order_id, size_reduction=1.0)
        s.until(lambda o=order_id: s.order(o).cancelled == 1.0, "the cancel is taken")
        s.market.match_bet(order.bet_id, 0.5)
        wanted = (round(order.matched + 0.5, 2), 1.0)
        s.until(lambda o=order_id, w=wanted: (s.order(o).matched, s.order(o).cancelled) == w, "sizes are final")
        s.fault("order.publish", "replay", number=3)
        s.market.match_bet(order.bet_id, 0.5)
        wanted = (round(order.matched + 1.0, 2), 1.0)
        s.until(lambda o=order_id, w=wanted: (s.order(o).matched, s.order(o).cancelled) == w, "sizes are final")
        s.hold(3, lambda o=order_id, w=wanted: (s.order(o).matched, s.order(o).cancelled) == w, "old words do nothing")
        s.control(order_id)


@row(11, "FOK killed or fully matched at once, both signals race")
def fill_or_kill(s: Scenario) -> None:
    for price in (3.0, 1.98):
        for signal in ("together", "before", "after", "never"):
            if signal == "before":
                s.fault("http.after_execute", "delay", op="placeOrders", seconds=s.framework.read_timeout / 4)
            elif signal == "after":
                s.fault("order.publish", "hold", seconds=s.seconds(5, 0.3))
            elif signal == "never":
                s.fault("order.publish", "skip", count=None)
            least = 2.0 if s.random.random() < 0.5 else None
            order_id = s.place(price=price, time_in_force="FILL_OR_KILL", min_fill_size=least)
            s.until_complete(order_id)
            s.hold(10, lambda o=order_id: s.order(o).complete, "it is at its end")
            never_came_back(s, order_id)
            s.exchange.faults.clear()
    s.fault("order.publish", "skip", count=None)
    partly = s.place(price=2.0, size=60.0, time_in_force="FILL_OR_KILL", min_fill_size=2.0)
    s.until_complete(partly)
    s.exchange.faults.clear()
    assert not s.ledger.live_bets() and not [order for order in s.framework.orders() if not order.complete]


@row(12, "async bet without a bet id, refused silently")
def silent_refusals(s: Scenario) -> None:
    s.fault("http.before_execute", "forget_async", op="placeOrders")
    order_id = s.place(is_async=True)

    def is_released() -> bool:
        exposure = s.framework.exposures().get(f"{MARKET}/11", 0.0)
        is_complete = s.order(order_id).complete
        assert not s.is_strict or is_complete or exposure >= 2.0, "no exposure is reserved"
        return is_complete

    s.until(is_released, "the order is known not to be placed")
    assert not s.bets(order_id) and s.framework.exposures()[f"{MARKET}/11"] == 0
    for code in ("PRICE_INVALID", "MKT_SUSPENDED"):
        s.fault("order.publish", "lapse", code=code)
        order_id = s.place(is_async=True)
        s.until_complete(order_id)
        assert s.bets(order_id)[0].sl == 2.0 and s.order(order_id).lapsed == 2.0
    assert s.framework.exposures()[f"{MARKET}/11"] == 0 and not s.ledger.live_bets()
    order_id = s.place(is_async=True)
    is_adopted(s, order_id)


@row(
    13,
    "partial acceptance, reports in another order",
    exchange={"accounts": (Account(has_best_price_execution=False),)},
)
def mixed_reports(s: Scenario) -> None:
    for has_stream in (True, False):
        if not has_stream:
            s.fault("order.publish", "skip", count=None)
        s.fault("http.after_execute", "shuffle_reports", op="placeOrders", count=None)
        good = [Terms(size=size, runner=11) for size in (2.0, 3.0, 4.0, 5.0)]
        bad = [Terms(size=6.0, runner=99), Terms(size=7.0, runner=99)]
        terms = [*good, *bad]
        s.random.shuffle(terms)
        ids = s.place_together(*terms)
        s.until(lambda own=ids: all(s.order(o).status in (LIVE, DONE) for o in own), "all are answered")
        for order_id, wanted in zip(ids, terms, strict=True):
            order, bets = s.order(order_id), s.bets(order_id)
            if wanted.runner == 99:
                assert order.complete and not bets, f"{order_id} was refused, is {order.status}"
            else:
                assert order.bet_id == bets[0].bet_id and bets[0].size == wanted.size
        live = [order_id for order_id in ids if s.order(order_id).status == LIVE]
        s.fault("http.after_execute", "shuffle_reports", op="cancelOrders")
        args = {"market_id": MARKET, "bet_id": s.order(live[0]).bet_id}
        s.fault("http.before_execute", "market", op="cancelOrders", method="match_bet", args=args)
        s.cancel(*live)
        s.until_complete(*live)
        assert s.order(live[0]).matched > 0 and all(s.order(each).cancelled > 0 for each in live[1:])
        s.exchange.faults.clear()


@row(14, "unknown field in a report, a current order, an order update, a runner")
def unknown_fields(s: Scenario) -> None:
    s.fault("http.after_execute", "add_field", op="placeOrders")
    is_adopted(s, s.resting())
    s.fault("http.after_execute", "add_field", op="cancelOrders")
    is_adopted(s, s.resting())
    s.fault("http.after_execute", "add_field", op="listCurrentOrders", count=None)
    s.fault("order.publish", "skip", count=1)
    s.fault("http.after_execute", "drop", op="placeOrders")
    is_adopted(s, s.resting())
    s.fault("order.publish", "add_field")
    is_adopted(s, s.resting())
    s.fault("order.publish", "remove_field", name="rfs")
    is_adopted(s, s.resting())
    for where in ("message", "change", "runner", "runner_definition"):
        s.fault("stream.write", "add_field", match={"stream": "market", "ct": "DELTA"}, where=where)
        s.move()
    s.fault("stream.write", "add_field", match={"stream": "market", "market": QUIET}, where="runner_definition")
    s.exchange.market(QUIET).add_runner(44)
    size = s.move()
    s.until(lambda: s.sees(size), "the stream is alive")
    is_adopted(s, s.resting())


@row(51, "failed placement with no bet id")
def failed_placings(s: Scenario) -> None:
    for code in ("INVALID_MIN_FILL_SIZE", "INVALID_BET_SIZE", "BET_TAKEN_OR_LAPSED"):
        report = {"status": "FAILURE", "code": "BET_ACTION_ERROR", "instruction_code": code}
        s.fault("http.before_execute", "report", op="placeOrders", **report)
        sends = s.requests("placeOrders")
        order_id = s.place()
        s.until_complete(order_id)
        order = s.order(order_id)
        assert order.bet_id is None and order.remaining == 0, f"{order.remaining} is left of what was never placed"
        assert s.framework.exposures().get(f"{MARKET}/11", 0) == 0
        assert s.requests("placeOrders") == sends + 1, "a refused placing was sent again"
    is_adopted(s, s.resting())


@row(
    53,
    "INSUFFICIENT_FUNDS or exposure limit in the middle of a batch",
    exchange=[{"accounts": (Account(balance=50.0),)}, {"accounts": (Account(exposure_limit=-50.0),)}],
)
def poor_account(s: Scenario) -> None:
    ids = s.place_together(Terms(size=20.0), Terms(size=20.0), Terms(size=20.0))
    s.until_complete(*ids)
    assert not s.ledger.bets(), "a batch is placed whole or not at all"
    assert s.framework.exposures().get(f"{MARKET}/11", 0) == 0
    is_adopted(s, s.resting(size=20.0))
