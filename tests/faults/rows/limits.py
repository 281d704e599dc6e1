"""Rows 45, 46 and 52: how much may be asked for at a time, how often, and for how much."""

from flumine_exchange.exchange import Scenario as Market

from ..scenario import DONE, LIVE, MARKET, QUIET, Scenario
from ..table import row
from ..view import Terms
from .orders_http import is_adopted, is_placed_or_not

MANY = [Market(market_id=MARKET), Market(market_id=QUIET)] + [
    Market(market_id=f"1.3000{number:05}", runners=(1, 2)) for number in range(60)
]
LIMIT = 25


def instructions(s: Scenario, op: str, since: int = 0) -> list[int]:
    """Return how many instructions each request of an operation had."""
    events = s.ledger.events("request")[since:]
    return [len(event.detail["params"]["instructions"]) for event in events if event.detail["operation"] == op]


@row(
    45,
    "too much in one request: instructions, ids, weight",
    markets=MANY,
    options={"client": {"transaction_limit": None}},
)
def chunks(s: Scenario) -> None:
    ids = s.place_together(*(Terms(size=2.0) for _ in range(205)))
    s.until(lambda: all(order.status == LIVE for order in s.framework.orders()), "all are placed")
    assert sum(instructions(s, "placeOrders")) == 205 and max(instructions(s, "placeOrders")) <= 200
    s.cancel(*ids)
    s.until_complete(*ids)
    assert sum(instructions(s, "cancelOrders")) == 205 and max(instructions(s, "cancelOrders")) <= 60
    if s.is_strict:
        looked_for_in_chunks(s)
    for code in ("TOO_MUCH_DATA", "INVALID_INPUT_DATA", "REQUEST_SIZE_EXCEEDS_LIMIT"):
        sends = s.requests("placeOrders")
        s.fault("http.before_execute", "error", op="placeOrders", code=code)
        order_id = s.place()
        s.until_complete(order_id)
        assert s.requests("placeOrders") == sends + 1, f"{code}: the same was sent again"
    wanted = set(s.exchange.market_ids)
    s.until(
        lambda: {key for key, book in s.framework.books().items() if book.has_catalogue} == wanted,
        "catalogues are there",
    )


def looked_for_in_chunks(s: Scenario) -> None:
    """Have the bets of 260 references looked for, more than a call may name."""
    since = len(s.ledger.events("request"))
    s.fault("order.publish", "skip", count=None)
    s.fault("http.after_execute", "drop", op="placeOrders", count=2)
    s.place_together(*(Terms(size=2.0, runner=22) for _ in range(260)))
    s.until(lambda: len(s.ledger.live_bets()) == 260, "all are placed")
    bets = {bet.bet_id for bet in s.ledger.live_bets()}
    s.until(lambda: bets <= {each.bet_id for each in s.framework.orders() if each.status == LIVE}, "all are found")
    assert len(instructions(s, "placeOrders", since)) == 2, "something was sent again"
    s.exchange.faults.clear()
    # all of them lapse while the order stream is down, and are asked for by their bet ids
    s.fault("stream.subscribe", "delay", match={"stream": "order"}, seconds=s.seconds(5, 0.5))
    s.exchange.drop_streams("order")
    s.market.suspend()
    s.market.resume()
    s.until(lambda: all(order.complete for order in s.framework.orders()), "all are known to have lapsed")
    s.until(lambda: s.framework.books()[MARKET].status == "OPEN", "the market is open again")
    s.place_when_taken()


@row(46, "TOO_MANY_REQUESTS or SERVICE_BUSY on reads", exchange={"order_read_seconds": 1.0})
def throttled_reads(s: Scenario) -> None:
    polls = [
        s.fault("http.before_execute", "error", op=op, count=None, code="TOO_MANY_REQUESTS")
        for op in ("listMarketCatalogue", "getAccountFunds", "getAccountDetails")
    ]
    is_adopted(s, s.resting())
    s.fault("order.publish", "skip", count=None)
    s.fault("http.after_execute", "drop", op="placeOrders", count=12)
    for code in ("TOO_MANY_REQUESTS", "SERVICE_BUSY"):
        s.fault("http.before_execute", "error", op="listCurrentOrders", count=3, code=code)
    ids = [s.place(runner=s.random.choice([11, 22])) for _ in range(12)]
    s.until(lambda: all(s.order(each).status in (LIVE, DONE) for each in ids), "reconciliation completes")
    s.exchange.faults.clear()
    for each in ids:
        is_placed_or_not(s, each)
    assert all(poll.id for poll in polls)
    throttled = [event for event in s.ledger.events("refused") if event.detail.get("code") == "TOO_MANY_REQUESTS"]
    assert not s.is_strict or not throttled, f"{len(throttled)} reads were too many at a time"
    s.exchange.drop_streams("order")
    busy = s.fault("http.before_execute", "error", op="listCurrentOrders", count=7, code="TOO_MANY_REQUESTS")
    s.until(lambda: busy.hits == 7 or not s.is_strict, "the account's bets are asked for again and again")
    is_adopted(s, s.place_when_taken())


@row(52, "transactions near the limit of the hour", options={"client": {"transaction_limit": LIMIT}})
def transactions(s: Scenario) -> None:
    s.fault("http.after_execute", "drop", op="placeOrders", match={"nth": 3}, count=2)
    live: list[str] = []
    refused = 0
    for _ in range(3 * LIMIT):
        chance = s.random.random()
        if live and chance < 0.2:
            order_id = live.pop()
            if s.order(order_id).status == LIVE:
                s.cancel(order_id)
        elif live and chance < 0.4 and s.order(live[-1]).status == LIVE:
            s.framework.replace(live[-1], s.random.choice([4.0, 4.5, 5.0]))
        else:
            runner = 99 if chance > 0.9 else 11
            placed = s.try_place(runner=runner)
            refused += placed is None
            if placed is not None and runner == 11:
                live.append(placed)
    s.until(lambda: all(order.status in (LIVE, DONE) for order in s.framework.orders()), "all is known")
    counted = s.ledger.transactions[s.exchange.username]
    assert counted <= LIMIT, f"{counted} transactions were counted, {LIMIT} were allowed"
    assert refused, "the limit was to be met"
    for order in s.framework.orders():
        if order.status == LIVE:
            s.cancel(order.id)
    s.until(lambda: not s.ledger.live_bets(), "cancels pass")
