"""Rows 20 to 23: sessions that end, logins that are refused for now or for good."""

from functools import partial

from ..scenario import DONE, LIVE, Scenario, make_ours
from ..table import row
from .orders_http import is_adopted


def attempts(s: Scenario) -> int:
    """Return how many logins were tried."""
    return int(s.ledger.logins + s.ledger.failed_logins)


def each_once(s: Scenario, ids: list[str]) -> None:
    s.until(lambda: all(s.order(each).status == LIVE for each in ids), "each order is placed")
    assert all(len(s.bets(each)) == 1 for each in ids)


@row(20, "session expires in mid-flight")
def session_ends(s: Scenario) -> None:
    s.resting()
    before = s.ledger.logins
    s.exchange.revoke_sessions()
    each_once(s, [s.place(runner=s.random.choice([11, 22])) for _ in range(8)])
    assert s.ledger.logins == before + 1, f"{s.ledger.logins - before} logins for one session"
    s.fault("http.before_execute", "revoke_sessions", op="placeOrders", match={"nth": 3})
    ids = [s.place(runner=22) for _ in range(6)]
    s.until(lambda: s.ledger.logins == before + 2, "it logs in anew")
    each_once(s, ids)
    s.fault("http.before_execute", "error", op="cancelOrders", code="NO_SESSION")
    s.control(ids[0])
    s.exchange.drop_streams()
    size = s.move()
    s.until(lambda: s.sees(size), "streams go on with the new session")
    is_adopted(s, s.place_when_taken())
    assert s.ledger.logins <= before + 3, f"{s.ledger.logins - before} logins for three sessions"


STORM = 15
"""At most so many orders, each of which finds that its session has ended, until logins are banned."""


@row(
    21,
    "login storm and ban",
    exchange={"logins_per_minute": 5, "login_ban_seconds": 60.0},
    options={"login_ban": 60.0},
    make=partial(make_ours, client={"transaction_limit": STORM + 1}),
)
def login_storm(s: Scenario) -> None:
    ids = []
    while not s.ledger.failed_logins:
        assert len(ids) < STORM, "logins were to be banned"
        s.exchange.revoke_sessions()
        placed = s.try_place(runner=22)
        if placed is not None:
            ids.append(placed)
        s.hold(1, lambda: True, "time passes")
    for _ in range(STORM):  # with those above more than the hour has transactions: what never left does not count
        placed = s.try_place(runner=22)
        if placed is not None:
            ids.append(placed)
        s.hold(0.5, lambda: True, "time passes")
    s.hold(30, lambda: s.ledger.logins <= 6 and s.ledger.failed_logins <= 3, "the ban is respected")
    s.until(lambda: all(s.order(each).status in (LIVE, DONE) for each in ids), "every order is resolved")
    for each in ids:
        assert len(s.bets(each)) == (s.order(each).status == LIVE)

    def is_in() -> bool:
        order_id = s.try_place()
        if order_id is None:
            return False
        order = s.until_status(order_id, LIVE, DONE)
        s.hold(1, lambda: True, "time passes")
        return order.status == LIVE

    s.until(is_in, "a login succeeds after the ban", s.seconds(180) + s.framework.patience)
    times = [event.time_ms for event in s.ledger.events("login")]
    most = max(sum(0 <= other - each < s.seconds(60) * 1000 for other in times) for each in times)
    assert most <= 7, f"{most} logins were tried within a minute"


@row(22, "keepAlive FAIL, or SUCCESS with an empty token", options={"keep_alive_interval": 10.0})
def keep_alive(s: Scenario) -> None:
    for action, more in (
        ("replace", {"result": {"token": "", "status": "SUCCESS"}}),
        ("login_code", {"code": "NO_SESSION"}),
        ("login_code", {"code": "INTERNAL_ERROR"}),
    ):
        hook = "http.after_execute" if action == "replace" else "http.before_execute"
        before = s.ledger.logins
        fault = s.fault(hook, action, op="keepAlive", **more)
        s.until(lambda f=fault: f.hits, "the session is to be kept alive")
        if s.is_strict:
            s.until(lambda n=before: s.ledger.logins == n + 1, "it logs in anew")
        is_adopted(s, s.place_when_taken())
        s.exchange.drop_streams("market")
        size = s.move()
        s.until(lambda n=size: s.sees(n), "the stream has a session")
    assert s.ledger.logins <= 4


@row(23, "login refused for good, or the certificate missing")
def refused_for_good(s: Scenario) -> None:
    live = s.resting()
    for code in ("ACCOUNT_NOW_LOCKED", "STRONG_AUTH_CODE_REQUIRED", "INTERNATIONAL_TERMS_ACCEPTANCE_REQUIRED"):
        s.exchange.set_login_code(code)
        before = attempts(s)
        s.starts_not()
        assert attempts(s) == before + 1, f"{code}: {attempts(s) - before} logins were tried"
    s.exchange.set_login_code(None)
    before = attempts(s)
    s.starts_not(has_certificate=False)
    assert attempts(s) <= before + 1
    s.exchange.set_login_code("SUSPENDED")
    before = attempts(s)
    s.exchange.revoke_sessions()
    order_id = s.place()
    s.until_complete(order_id)
    assert not s.bets(order_id)
    s.exchange.drop_streams("market")
    s.hold(40, lambda: attempts(s) <= before + 1, "no login is tried again")
    assert attempts(s) == before + 1
    assert s.bets(live)[0].status == "E"
    s.is_with_books = False
