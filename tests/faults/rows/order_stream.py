"""Rows 37 to 40: order streams that miss, repeat or surprise, and a framework that is killed."""

from ..remote import remote_ours
from ..scenario import MARKET, Scenario
from ..table import row
from .orders_http import NOISE, is_adopted


@row(37, "order stream drops while a bet fully matches or lapses")
def missed(s: Scenario) -> None:
    for _ in range(2):
        matched, lapsed, partly, cancelled = (s.place_when_taken(size=4.0) for _ in range(4))
        before = s.requests("orderSubscription")
        down = s.fault("stream.subscribe", "drop", match={"stream": "order"}, count=2)
        s.exchange.drop_streams("order", s.random.choice(["drop", "rst"]))
        s.market.match_bet(s.bet_of(matched))
        s.market.lapse_bet(s.bet_of(lapsed))
        s.market.match_bet(s.bet_of(partly), 1.5)
        s.market.match_bet(s.bet_of(cancelled), 1.0)
        s.market.lapse_bet(s.bet_of(cancelled))
        # the third subscription is taken, after waits that grow up to a minute; the seconds count from there
        s.until(lambda n=before: s.requests("orderSubscription") >= n + 3, "it is back", s.seconds(180) + 20)
        seconds = s.until(
            lambda a=matched, b=lapsed, c=cancelled: all(s.order(o).complete for o in (a, b, c)), "all is known"
        )
        assert seconds < s.seconds(20) + NOISE, f"it took {seconds:.1f} s from the reconnect"
        assert down.hits == 2
        assert (s.order(matched).matched, s.order(lapsed).lapsed) == (4.0, 4.0)
        s.until(lambda o=partly: s.order(o).matched == 1.5, "a match by half is known")
        s.control(partly)
    is_adopted(s, s.place_when_taken())


@row(38, "duplicated or replayed ocm")
def repeated(s: Scenario) -> None:
    for action in ("duplicate", "replay"):
        order_id = s.resting(size=10.0)
        fault = s.fault("order.publish", action, count=None, number=3)
        for number in range(1, 6):
            s.market.match_bet(s.bet_of(order_id), 1.0)
            s.until(lambda o=order_id, n=number: s.order(o).matched == n, "the match is known")
        s.hold(5, lambda o=order_id: s.order(o).matched == 5.0, "no fill counts twice, and none is undone")
        s.control(order_id)
        s.hold(5, lambda o=order_id: s.order(o).complete, "it stays at its end")
        assert fault.hits
        s.exchange.faults.remove(fault.id)


@row(39, "order update of a bet that the framework does not know")
def strangers(s: Scenario) -> None:
    own = s.resting()
    prefix = s.order(own).ref[:14]
    by_hand = s.exchange.place_external_bet(MARKET, 22, "LAY", 1.5, 20.0)
    earlier = s.exchange.place_external_bet(MARKET, 22, "BACK", 4.0, 3.0, rfo=f"{prefix}111111111111111111")
    s.until(lambda: {by_hand, earlier} <= {order.bet_id for order in s.framework.orders()}, "both bets are known")
    found = {order.bet_id: order for order in s.framework.orders()}
    assert found[earlier].is_ours and not found[by_hand].is_ours
    s.until(lambda: s.framework.exposures()[f"{MARKET}/22"] == 10.0, "the exposure counts")
    s.market.match_bet(by_hand, 7.0)
    s.until(
        lambda: any(order.bet_id == by_hand and order.matched == 7.0 for order in s.framework.orders()),
        "its match is known",
    )
    s.cancel(found[earlier].id)
    s.until_complete(found[earlier].id)
    s.exchange.drop_streams("order")
    s.exchange.place_external_bet(MARKET, 11, "LAY", 1.6, 5.0)
    s.until(lambda: sum(not order.is_ours for order in s.framework.orders()) == 2, "a bet placed in the gap is known")
    is_adopted(s, s.place_when_taken())


@row(40, "the framework restarts with live bets", make=remote_ours)
def killed(s: Scenario) -> None:
    for _ in range(2):
        ids = [s.resting(size=size) for size in (2.0, 3.0, 4.0, 5.0)]
        s.fault("http.after_execute", "hang", op="placeOrders", seconds=s.seconds(60, 2.0))
        lost = s.place(size=6.0)
        s.until(lambda o=lost: s.ledger.bets_by_ref(s.order(o).ref), "the last bet is placed")
        live = {bet.bet_id for bet in s.ledger.live_bets()}
        s.framework.kill()
        sends = s.requests("placeOrders")
        s.market.match_bet(s.bet_of(ids[0]))
        s.market.match_bet(s.bet_of(ids[1]), 1.0)
        s.market.lapse_bet(s.bet_of(ids[2]))
        s.restart()
        s.until(lambda v=live: v <= {order.bet_id for order in s.framework.orders()}, "every bet has its order")
        s.until_complete(ids[0], ids[2])
        assert s.order(ids[0]).matched == 2.0 and s.order(ids[2]).lapsed == 4.0
        assert s.requests("placeOrders") == sends, "something was placed again"
        s.control(ids[3])
        s.control(lost)
