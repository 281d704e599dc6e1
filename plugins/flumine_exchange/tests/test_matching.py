"""Bets that rest: traded volume, the queue, prices that come to them, other bets."""

import random
from typing import Any

import pytest
from wire import MARKET, Rpc, client_of, is_delta, limit, orders_of

from flumine_exchange.exchange import Account, LocalExchange


def bet(rpc: Rpc, rfo: str) -> Any:
    (found,) = rpc.exchange.ledger.bets_by_ref(rfo)
    return found


def trade(exchange: LocalExchange, price: float, volume: float, runner: int = 11) -> None:
    """Have a volume, as published, traded since the market began."""
    exchange.market(MARKET).change({"rc": [{"id": runner, "trd": [[price, volume]]}]})


def test_traded_volume_matches_what_rests_first_come_first(rpc: Rpc) -> None:
    trade(rpc.exchange, 2.5, 10.0)
    rpc.place(limit("BACK", 2.5, 5.0, ref="first"), limit("BACK", 2.5, 5.0, ref="second"))
    trade(rpc.exchange, 2.5, 24.0)  # 14 as published are 7 on each side
    assert (bet(rpc, "first").sm, bet(rpc, "second").sm) == (5.0, 2.0)
    assert bet(rpc, "first").status == "EC"


def test_queue_at_the_price_goes_first(rpc: Rpc) -> None:
    trade(rpc.exchange, 2.02, 10.0)
    rpc.place(limit("BACK", 2.02, 5.0, ref="queued"))  # behind the 50 that are offered there
    trade(rpc.exchange, 2.02, 10.0 + 2 * 48)
    assert bet(rpc, "queued").sm == 0.0
    trade(rpc.exchange, 2.02, 10.0 + 2 * 53)
    assert bet(rpc, "queued").sm == 3.0


def test_price_that_comes_to_a_bet_matches_it(rpc: Rpc) -> None:
    rpc.place(limit("BACK", 2.5, 5.0, ref="waiting"))
    rpc.exchange.market(MARKET).set_price(11, back=[[2.6, 3.0]], lay=[[2.8, 10.0]])
    assert (bet(rpc, "waiting").sm, bet(rpc, "waiting").avp) == (3.0, 2.5)
    rpc.exchange.market(MARKET).set_price(22, back=[[2.6, 3.0]])
    assert bet(rpc, "waiting").sm == 3.0


def test_best_price_of_replayed_offers_and_bets_is_taken_first(make_exchange: Any) -> None:
    exchange = make_exchange(accounts=(Account(), Account(username="other", app_key="other-key")))
    one, other = Rpc(exchange), Rpc(exchange, client_of(exchange, 1))
    exchange.market(MARKET).set_price(11, back=[[2.0, 4.0], [1.9, 50.0]], lay=[[3.0, 50.0]])
    one.place(
        limit("LAY", 2.0, 3.0, ref="same"), limit("LAY", 1.95, 3.0, ref="between"), limit("LAY", 2.2, 3.0, ref="best")
    )
    (answer,) = other.place(limit("BACK", 1.9, 12.0))["instructionReports"]
    assert answer["averagePriceMatched"] == pytest.approx((3 * 2.2 + 7 * 2.0 + 2 * 1.95) / 12, abs=0.005)
    assert [bet(one, ref).sm for ref in ("best", "same", "between")] == [3.0, 3.0, 2.0]
    assert exchange.market(MARKET).book["11"]["atb"] == [[1.9, 50.0], [1.95, 1.0]]


def test_offer_that_vanished_and_came_back_may_be_taken_again(rpc: Rpc) -> None:
    rpc.place(limit("BACK", 2.0, 50.0))
    market = rpc.exchange.market(MARKET)
    market.change({"rc": [{"id": 11, "atb": [[2.0, 60.0]]}]})
    assert [2.0, 10.0] in market.book["11"]["atb"]
    market.change({"rc": [{"id": 11, "atb": [[2.0, 0]]}]})
    market.change({"rc": [{"id": 11, "atb": [[2.0, 60.0]]}]})
    assert [2.0, 60.0] in market.book["11"]["atb"]


def test_image_shows_bets_that_rest(rpc: Rpc) -> None:
    rpc.place(limit("BACK", 2.5, 5.0), limit("BACK", 2.0, 20.0))
    market = rpc.exchange.market(MARKET)
    market.change({"img": True, "rc": [{"id": 11, "atb": [[2.0, 50.0]], "atl": [[3.0, 4.0]]}]})
    assert market.book["11"] == {"atb": [[2.0, 50.0]], "atl": [[2.5, 5.0], [3.0, 4.0]]}


def apply(book: dict[tuple[int, str], dict[float, float]], message: dict[str, Any]) -> None:
    for change in message.get("mc", ()):
        if change.get("img"):
            book.clear()
        for runner in change.get("rc", ()):
            for name in ("atb", "atl"):
                for price, size in runner.get(name, ()):
                    ladder = book.setdefault((runner["id"], name), {})
                    if size:
                        ladder[price] = size
                    else:
                        ladder.pop(price, None)


@pytest.mark.parametrize("seed", range(4))
def test_whatever_happens_books_and_sizes_agree(make_exchange: Any, make_stream: Any, seed: int) -> None:
    chance = random.Random(seed)
    accounts = (Account(), Account(username="other", app_key="other-key"))
    exchange = make_exchange(accounts=accounts, connects_a_second=1000)
    clients = [Rpc(exchange, client_of(exchange, number)) for number in range(2)]
    market = exchange.market(MARKET)
    prices = [1.9, 1.95, 2.0, 2.02, 2.04, 2.1, 2.2]
    book: dict[tuple[int, str], dict[float, float]] = {}
    stream = make_stream(exchange, clients[0].client)
    image = stream.markets(["EX_ALL_OFFERS"])
    initial_clk, clk = image["initialClk"], image["clk"]
    apply(book, image)
    placed = 0
    for turn in range(150):
        rpc = chance.choice(clients)
        live = [each.bet_id for each in exchange.ledger.live_bets() if each.account == rpc.client.username]
        what = chance.choice(["place", "place", "offer", "cancel", "replace", "match", "resume"])
        if what == "place":
            side = chance.choice(["BACK", "LAY"])
            size = chance.randint(2, 80) / 2
            rpc.place(limit(side, chance.choice(prices), size, runner=chance.choice([11, 22]), ref=f"ref-{turn}"))
            placed += 1
        elif what == "offer":
            middle = chance.randint(2, 4)
            back = [[price, float(chance.randint(1, 90))] for price in prices[:middle]]
            lay = [[price, float(chance.randint(1, 90))] for price in prices[middle + 1 :]]
            market.set_price(chance.choice([11, 22]), back=back, lay=lay)
        elif what == "cancel" and live:
            instruction = {"betId": chance.choice(live), "sizeReduction": chance.choice([None, 1.0])}
            rpc("cancelOrders", marketId=MARKET, instructions=[instruction])
        elif what == "replace" and live:
            instruction = {"betId": chance.choice(live), "newPrice": chance.choice(prices)}
            rpc("replaceOrders", marketId=MARKET, instructions=[instruction])
        elif what == "match" and live:
            market.match_bet(chance.choice(live), 0.5)
        elif what == "resume":
            stream.close()
            stream = make_stream(exchange, clients[0].client)
            patch = stream.markets(["EX_ALL_OFFERS"], initialClk=initial_clk, clk=clk)
            assert patch["ct"] == "RESUB_DELTA"
            clk = patch["clk"]
            apply(book, patch)
    stream.close()
    stream = make_stream(exchange, clients[0].client)
    apply(book, stream.markets(["EX_ALL_OFFERS"], initialClk=initial_clk, clk=clk))
    served = market.book
    for (runner, name), ladder in book.items():
        assert sorted(ladder.items()) == [tuple(level) for level in served[str(runner)].get(name, [])]
    bets = exchange.ledger.bets()
    assert len(bets) >= placed
    for each in bets:
        assert each.sm + each.sr + each.sc + each.sl + each.sv == pytest.approx(each.size)
        assert (each.status == "EC") == (each.sr == 0)
    # no bet's best offer may cross another's: what could be matched was
    for runner in (11, 22):
        backs = [
            each.price for each in exchange.ledger.live_bets() if each.selection_id == runner and each.side == "BACK"
        ]
        lays = [
            each.price for each in exchange.ledger.live_bets() if each.selection_id == runner and each.side == "LAY"
        ]
        assert not backs or not lays or min(backs) > max(lays)


def test_order_stream_tells_of_both_sides_of_a_match(make_exchange: Any, make_stream: Any) -> None:
    exchange = make_exchange(accounts=(Account(), Account(username="other", app_key="other-key")))
    one, other = Rpc(exchange), Rpc(exchange, client_of(exchange, 1))
    stream = make_stream(exchange, one.client)
    stream.orders()
    one.place(limit("BACK", 2.02, 5.0, ref="resting"))
    exchange.market(MARKET).set_price(11, back=[[1.9, 50]], lay=[[2.1, 50]])
    other.place(limit("LAY", 2.04, 5.0))
    order = stream.order(lambda order: order["status"] == "EC")
    assert (order["rfo"], order["sm"], order["avp"]) == ("resting", 5.0, 2.02)
    assert orders_of(stream.messages[-1]) and is_delta(stream.messages[-1])
