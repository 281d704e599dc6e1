"""Rows 41 to 44 and 47: markets that suspend, turn in play, lose runners, close, open again and are settled late."""

from typing import Any

from ..scenario import LIVE, MARKET, QUIET, UNKNOWN, Scenario
from ..table import row
from ..view import Terms
from .market_stream import MARKET_STREAM, drop
from .orders_http import is_adopted


def exposure(s: Scenario, runner: int = 11) -> float:
    return s.framework.exposures().get(f"{MARKET}/{runner}", 0.0)


def profits(s: Scenario) -> tuple[float, float]:
    """Return what the framework takes its settled bets to have brought, and what the ledger has."""
    ours = sum(order.cleared_profit or 0.0 for order in s.framework.orders() if order.matched)
    return round(ours, 2), round(sum(bet.profit or 0.0 for bet in s.ledger.bets()), 2)


def settled(s: Scenario, market_id: str | None = None) -> None:
    """Wait until every matched bet, of one market or of all, has the ledger's profit."""

    def is_settled() -> bool:
        bets = {bet.bet_id: bet for bet in s.ledger.bets() if bet.sm and market_id in (None, bet.market_id)}
        orders = [order for order in s.framework.orders() if order.matched and market_id in (None, order.market)]
        found = {order.bet_id: order for order in orders}
        return bets.keys() == found.keys() and all(
            bet.profit is not None and abs((found[key].cleared_profit or 0) - bet.profit) < 0.015
            for key, bet in bets.items()
        )

    try:
        s.until(is_settled, "profits are as settled")
    except AssertionError as error:
        raise AssertionError(f"{error}, ours and the ledger's are {profits(s)}") from None
    ours, theirs = profits(s)
    assert abs(ours - theirs) < 0.015, f"profit is {ours}, the ledger has {theirs}"


@row(41, "the market suspends, turns in play, or has a new version between decision and arrival")
def changed_on_receipt(s: Scenario) -> None:
    changes: list[tuple[str, dict[str, Any], bool]] = [
        ("suspend", {}, False),
        ("bump_version", {}, True),
        ("remove_runner", {"selection_id": 22}, True),
        ("turn_inplay", {"bet_delay": 0}, True),
    ]
    lapsing, persisting = s.resting(), s.resting(persistence="PERSIST", size=3.0)
    for method, args, has_version in changes:
        version = s.market.definition["version"] if has_version else None
        s.fault("http.before_execute", "market", op="placeOrders", method=method, args={"market_id": MARKET, **args})
        order_id = s.place(size=7.0, version=version)
        s.until_complete(order_id)
        assert not s.bets(order_id), f"{method}: the bet was placed"
        s.until(lambda: all(order.complete for order in s.framework.orders() if order.remaining == 7.0), "it is over")
        if method == "suspend":
            s.market.resume()
            s.until(lambda: s.framework.books()[MARKET].status == "OPEN", "the market is open again")
    s.until_complete(lapsing)
    assert s.order(lapsing).lapsed == 2.0
    s.until(lambda: exposure(s) == 3.0, "the exposure of what lapsed is freed")
    assert s.order(persisting).status == LIVE
    is_adopted(s, persisting)
    assert not s.ledger.live_bets() and exposure(s) == 0


@row(42, "runner removal with live and matched bets, and a reserve")
def removal(s: Scenario) -> None:
    s.place_together(
        Terms(price=1.5, size=5.0, runner=11),
        Terms(price=1.5, size=4.0, runner=22),
        Terms(price=3.0, size=3.0, runner=22),
        Terms(price=1.4, size=6.0, runner=22, side="LAY"),
        Terms(price=1.4, size=7.0, runner=11, side="LAY"),
        Terms(price=5.0, size=8.0, runner=11),
    )
    s.until(lambda: all(order.bet_id for order in s.framework.orders()), "all are placed")
    s.until(lambda: sum(order.matched for order in s.framework.orders()) == 9.0, "two are matched")
    s.market.remove_runner(22, adjustment_factor=40.0)
    s.until(lambda: all(order.complete for order in s.framework.orders() if order.selection == 22), "bets are void")
    s.until(lambda: exposure(s, 22) == 0, "no exposure is left on the runner")
    s.settled_books()
    s.market.add_runner(44)
    s.market.set_price(44, [[4.0, 100.0]], [[4.2, 100.0]])
    s.until(lambda: 44 in s.framework.books()[MARKET].ladders, "the reserve is there")
    order_id = s.place(runner=44, price=3.5, size=2.0)
    s.until_complete(order_id)
    s.settled_books()
    s.market.close([s.random.choice([11, 33, 44])])
    settled(s)


@row(43, "market closed, opened again, settled anew, moved to another event", patience=200.0)
def settled_anew(s: Scenario) -> None:
    first = s.place(price=1.5, size=5.0)
    s.until_complete(first)
    s.market.close([11])
    s.until(lambda: MARKET not in s.framework.books(), "the market is closed")
    if s.random.random() < 0.7:
        settled(s)
    s.market.reopen()
    s.until(lambda: MARKET in s.framework.books(), "the market is open again")
    s.market.set_price(11, [[2.0, 60.0]], [[2.02, 60.0]])
    second = s.place(price=1.5, size=3.0)
    s.until_complete(second)
    s.settled_books()
    quiet = s.exchange.market(QUIET)
    third = s.place(market=QUIET, price=1.5, size=2.0)
    s.until_complete(third)
    for number, is_former_first in enumerate((True, False)):
        quiet.move(f"3000077{number}", is_former_first)
        s.move()
        s.settled_books()
        # an image that holds both copies, of which nothing else is told before books are looked at
        image = s.fault("stream.subscribe", "image", match=MARKET_STREAM)
        with s.quiet():
            drop(s)
            s.until(lambda i=image: i.hits, "the image is sent")
            s.until(s.books_equal, "the copy with the higher version lives")
        is_adopted(s, s.place_when_taken(market=QUIET))
    s.market.close([22])
    settled(s, MARKET)
    assert profits(s)[0] == -8.0
    quiet.close([22])
    settled(s)
    assert profits(s)[0] == -10.0


@row(
    44, "cleared orders late, paged, empty at first", patience=300.0, exchange={"settle_seconds": 10.0, "page_size": 3}
)
def late_clearing(s: Scenario) -> None:
    ids = [s.place(price=1.5, size=2.0, runner=s.random.choice([11, 22])) for _ in range(s.random.randrange(8, 17))]
    s.until_complete(*ids)
    s.fault("http.after_execute", "empty", op="listClearedOrders", count=2)
    s.market.close([s.random.choice([11, 22])])
    settled(s)
    assert all(s.order(order_id).cleared_profit is not None for order_id in ids)


@row(47, "bet delay: the answer comes late, the market is suspended meanwhile")
def bet_delay(s: Scenario) -> None:
    delay = s.random.randrange(3, 13)
    s.market.turn_inplay(bet_delay=delay)
    s.until(lambda: s.framework.books()[MARKET].inplay, "the market is in play")
    order_id = s.place()
    s.hold(delay / 2, lambda: not s.bets(order_id), "the bet waits")
    s.until_status(order_id, LIVE)
    is_adopted(s, order_id)
    suspended = s.place()
    s.until(lambda: s.requests("placeOrders") >= 2, "the placing has arrived")
    s.market.suspend()
    s.until_complete(suspended)
    assert not s.bets(suspended)
    s.market.resume()
    s.until(lambda: s.framework.books()[MARKET].status == "OPEN", "the market is open again")
    longer = {**s.market.definition, "betDelay": 12, "betDelayModels": ["DYNAMIC"]}
    s.fault("http.before_execute", "market", op="placeOrders", method="change", args={
        "market_id": MARKET, "change": {"id": MARKET, "marketDefinition": longer}})  # fmt: skip
    dynamic = s.place()
    s.until_status(dynamic, LIVE)
    assert len(s.bets(dynamic)) == 1
    if not s.is_strict:
        return
    # the answer comes when a timeout that does not reckon with the delay is over
    silence = s.fault("order.publish", "skip", count=None)
    s.fault("http.after_execute", "delay", op="placeOrders", seconds=0.9 * s.framework.read_timeout)
    slow = s.place(persistence="PERSIST")
    assert UNKNOWN not in s.until_status(slow, LIVE).statuses, "the answer was not waited for"
    s.exchange.faults.remove(silence.id)
    s.fault("http.after_execute", "drop", op="placeOrders")
    lost = s.place(persistence="PERSIST")
    s.until_status(lost, LIVE)
    is_adopted(s, lost)
