"""Rows 15 to 19: cancels and replaces that are lost, race a match, or are carried out by half."""

from ..scenario import DONE, LIVE, MARKET, Scenario
from ..table import row

AFTER = (
    ("http.after_execute", "drop"),
    ("http.after_execute", "rst"),
    ("http.after_execute", "status"),
    ("http.after_execute", "html"),
    ("http.write", "half_body"),
    ("http.write", "hang"),
)
"""The call is carried out and its answer is lost."""


@row(15, "cancel response lost")
def cancel_lost(s: Scenario) -> None:
    for hook, action in (*AFTER, ("http.before_execute", "drop")):
        has_stream = s.random.random() < 0.5
        reduction = s.random.choice([None, 1.0])
        order_id = s.resting(size=5.0)
        s.market.match_bet(s.order(order_id).bet_id, 1.5)
        s.until(lambda o=order_id: s.order(o).matched == 1.5, "the match is known")
        if not has_stream:
            s.fault("order.publish", "skip", count=None)
        s.fault(hook, action, op="cancelOrders")
        s.cancel(order_id, size_reduction=reduction)
        wanted = (DONE, 1.5, 3.5) if reduction is None else (LIVE, 1.5, 1.0)

        def is_resolved(order_id: str = order_id, wanted: tuple[str, float, float] = wanted) -> bool:
            order = s.order(order_id)
            assert order.matched == 1.5, "the matched part is kept"
            return (order.status, order.matched, order.cancelled) == wanted

        s.until(is_resolved, f"order {order_id} has status, matched, cancelled {wanted}")
        assert s.bets(order_id)[0].sc == wanted[2], "what is cancelled counts once"
        s.exchange.faults.clear()
    assert s.ledger.cancel_alls == 0


@row(16, "cancel races a match")
def cancel_races(s: Scenario) -> None:
    for size in (1.25, 2.0):
        for has_stream in (True, False):
            order_id = s.resting()
            if not has_stream:
                s.fault("order.publish", "skip", count=None)
            args = {"market_id": MARKET, "bet_id": s.order(order_id).bet_id, "size": size}
            s.fault("http.before_execute", "market", op="cancelOrders", method="match_bet", args=args)
            sends = s.requests("cancelOrders")
            s.cancel(order_id)
            s.until_complete(order_id)
            order = s.order(order_id)
            assert (order.matched, order.cancelled) == (size, round(2.0 - size, 2))
            s.hold(20, lambda o=order_id: s.order(o).complete, "it stays at its end")
            assert s.requests("cancelOrders") - sends <= 3, "a cancel is not repeated for ever"
            s.exchange.faults.clear()


@row(17, "replace: cancelled, not placed")
def replaced_by_half(s: Scenario) -> None:
    for status in ("FAILURE", "TIMEOUT"):
        order_id = s.resting()
        s.fault("http.before_execute", "fail_place_leg", op="replaceOrders", status=status)
        s.replace(order_id, 4.0)
        s.until_complete(order_id)
        s.until(lambda: not s.ledger.live_bets(), "nothing lives")
        if s.is_strict:
            s.until(lambda o=order_id: (new := s.replacement(o)) and new.complete, "the replacement has failed")
            s.until(lambda o=order_id: s.replacement(o).why, "the strategy is told")
    order_id = s.resting()
    s.fault("http.before_execute", "market", op="replaceOrders", method="suspend", args={"market_id": MARKET})
    s.replace(order_id, 4.0)
    s.until(lambda: s.market.definition["status"] == "SUSPENDED", "the market is suspended")
    s.hold(20, lambda: len(s.ledger.live_bets()) <= 1, "there are not two bets")
    s.market.resume()


@row(18, "replace response lost", exchange=[{}, {"replacement_keeps_refs": False}])
def replace_lost(s: Scenario) -> None:
    for hook, action in AFTER:
        for signal in s.random.sample(["stream", "no stream", "no reference"], 2):
            order_id = s.resting()
            if signal == "no stream":
                s.fault("order.publish", "skip", count=None)
            elif signal == "no reference":
                s.fault("order.publish", "remove_field", count=None, name="rfo")
            s.fault(hook, action, op="replaceOrders")
            s.replace(order_id, 4.0)
            s.until_complete(order_id)
            s.until(lambda: len(live := s.ledger.live_bets()) == 1 and live[0].price == 4.0, "one bet lives")
            (bet,) = s.ledger.live_bets()

            def known(bet_id: str = bet.bet_id) -> str | None:
                found = [order.id for order in s.framework.orders() if order.bet_id == bet_id and order.status == LIVE]
                return found[0] if found else None

            s.until(known, "the new bet has its order")
            s.exchange.faults.clear()
            s.cancel(str(known()))
            s.until(lambda: not s.ledger.live_bets(), "the new bet can be cancelled")
            s.until(lambda: all(order.complete for order in s.framework.orders()), "nothing is left")


@row(19, "empty cancel list", exchange={"order_read_seconds": 4.0})
def empty_cancels(s: Scenario) -> None:
    bystander = s.resting(runner=22)
    for _ in range(5):
        ids = [s.resting(), s.resting()]
        # the request is lost, and when it is to be sent again there is nothing left to be cancelled
        s.fault("http.before_execute", "drop", op="cancelOrders", count=s.random.choice([1, 2]))
        reads = s.requests("listCurrentOrders")
        s.cancel(*ids)
        if s.is_strict:  # they are matched while the exchange is being asked what became of the cancel
            s.until(lambda n=reads: s.requests("listCurrentOrders") > n, "what became of it is asked")
        for order_id in ids:
            s.market.match_bet(s.bet_of(order_id))
        s.until_complete(*ids)
        s.exchange.faults.clear()
    for _ in range(10):
        order_id = s.resting()
        s.market.match_bet(s.order(order_id).bet_id)
        s.framework.cancel([order_id, order_id], None)
        s.until_complete(order_id)
    cancels = [
        event.detail["params"] for event in s.ledger.events("request") if event.detail["operation"] == "cancelOrders"
    ]
    assert all(params.get("instructions") for params in cancels), "a cancel without instructions was sent"
    assert s.ledger.cancel_alls == 0 and s.order(bystander).status == LIVE
