"""The market stream: greeting, images, deltas, fields, filters, resume, heartbeats, segments, conflation."""

import json
from typing import Any

import pytest
from flumine_core.book.cache import MarketBookCache
from flumine_core.book.change import decode_whole_message
from flumine_core.synthetic.market import SyntheticMarket
from wire import MARKET, Rpc, StreamClient, client_of, is_delta, limit, wait_until

from flumine_exchange.exchange import LocalExchange, Scenario


def apply(book: dict[Any, dict[str, dict[float, float]]], message: dict[str, Any]) -> None:
    """Apply a message's full ladders to a book as any client would."""
    for change in message.get("mc", ()):
        if change.get("img"):
            book.clear()
        for runner in change.get("rc", ()):
            for name in ("atb", "atl", "trd"):
                ladder = book.setdefault(str(runner["id"]), {}).setdefault(name, {})
                for price, size in runner.get(name, ()):
                    if size:
                        ladder[price] = size
                    else:
                        ladder.pop(price, None)


def shown(book: dict[str, Any]) -> dict[str, Any]:
    return {
        runner: {name: dict(levels) for name, levels in ladders.items() if name in ("atb", "atl", "trd")}
        for runner, ladders in book.items()
    }


def served(exchange: LocalExchange, market: str = MARKET) -> dict[str, Any]:
    return shown(exchange.market(market).book)


def trimmed(book: dict[str, Any]) -> dict[str, Any]:
    return {runner: {name: ladder for name, ladder in ladders.items() if ladder} for runner, ladders in book.items()}


def test_greeting_authentication_and_image(exchange: LocalExchange, make_stream: Any) -> None:
    client = client_of(exchange)
    stream = make_stream(exchange)
    greeting = stream.next()
    assert greeting["op"] == "connection"
    stream.send("authentication", appKey=client.app_key, session=client.session_token)
    status = stream.next()
    assert (status["op"], status["id"], status["statusCode"]) == ("status", 1, "SUCCESS")
    assert status["connectionsAvailable"] == 9
    image = stream.markets(heartbeatMs=1000)
    assert (image["op"], image["id"], image["ct"], image["heartbeatMs"]) == ("mcm", 2, "SUB_IMAGE", 1000)
    assert image["initialClk"] and image["clk"] and image["pt"]
    (market,) = image["mc"]
    assert (market["id"], market["img"]) == (MARKET, True)
    assert market["marketDefinition"]["status"] == "OPEN"
    assert [2.0, 50.0] in market["rc"][0]["atb"]


def test_deltas_make_the_same_book(exchange: LocalExchange, stream: StreamClient) -> None:
    book: dict[Any, Any] = {}
    apply(book, stream.markets())
    market = exchange.market(MARKET)
    market.set_price(11, back=[[1.9, 10]], lay=[[2.1, 11]])
    market.set_price(22, lay=[[3.0, 5], [3.05, 6]])
    market.change({"rc": [{"id": 33, "ltp": 2.0, "trd": [[2.0, 10]]}, {"id": 33, "atb": [[1.5, 3.0]]}]})
    for _ in range(3):
        apply(book, stream.until(is_delta))
    assert trimmed(book)["11"] == trimmed(served(exchange))["11"] == {"atb": {1.9: 10}, "atl": {2.1: 11}}
    assert trimmed(book)["22"] == trimmed(served(exchange))["22"]
    assert book["33"]["atb"] == served(exchange)["33"]["atb"]


def test_own_bets_are_shown(rpc: Rpc, make_stream: Any) -> None:
    stream = make_stream(rpc.exchange, rpc.client)
    book: dict[Any, Any] = {}
    apply(book, stream.markets())
    rpc.place(limit("BACK", 2.5, 7.0))
    apply(book, stream.until(is_delta))
    assert book["11"]["atl"][2.5] == 7.0
    rpc.place(limit("BACK", 1.99, 60.0))
    apply(book, stream.until(is_delta))
    assert 2.0 not in book["11"]["atb"]
    assert book["11"]["atb"][1.99] == 90.0
    rpc("cancelOrders", marketId=MARKET, instructions=[])
    apply(book, stream.until(is_delta))
    assert 2.5 not in book["11"]["atl"]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (["EX_LTP"], {"ltp"}),
        (["EX_ALL_OFFERS"], {"atb", "atl"}),
        (["EX_TRADED", "EX_TRADED_VOL"], {"trd", "tv"}),
        (["SP_TRADED", "SP_PROJECTED"], {"spb", "spl", "spn", "spf"}),
    ],
)
def test_only_the_fields_that_were_asked_for(
    exchange: LocalExchange, stream: StreamClient, fields: list[str], expected: set[str]
) -> None:
    everything = {
        "id": 11, "ltp": 2.0, "tv": 5.0, "atb": [[1.5, 1]], "atl": [[3.0, 1]], "trd": [[2.0, 5]],
        "spb": [[1000, 1]], "spl": [[1.01, 1]], "spn": 2.0, "spf": "NaN",
    }  # fmt: skip
    exchange.market(MARKET).change({"rc": [everything], "tv": 10.0})
    image = stream.markets(fields)
    assert set(image["mc"][0]["rc"][0]) - {"id"} == expected
    exchange.market(MARKET).change({"rc": [everything | {"ltp": 2.2}], "tv": 11.0})
    (change,) = stream.until(is_delta)["mc"]
    assert set(change["rc"][0]) - {"id"} == expected
    assert ("tv" in change) == ("tv" in expected)


def test_best_offers_by_position(exchange: LocalExchange, stream: StreamClient) -> None:
    image = stream.markets(["EX_BEST_OFFERS"], levels=2)
    runner = image["mc"][0]["rc"][0]
    assert runner["batb"] == [[0, 2.0, 50.0], [1, 1.99, 100.0]]
    exchange.market(MARKET).set_price(11, back=[[2.0, 50.0]])
    (change,) = stream.until(is_delta)["mc"]
    assert change["rc"] == [{"id": 11, "batb": [[1, 0, 0]]}]


def test_best_offers_say_nothing_where_they_did_not_change(exchange: LocalExchange, stream: StreamClient) -> None:
    stream.markets(["EX_BEST_OFFERS"], levels=1)
    exchange.market(MARKET).change({"rc": [{"id": 11, "atb": [[1.5, 3.0]]}]})
    exchange.market(MARKET).change({"rc": [{"id": 11, "atb": [[2.0, 3.0]]}]})
    assert stream.until(is_delta)["mc"][0]["rc"][0]["batb"] == [[0, 2.0, 3.0]]


@pytest.mark.parametrize(
    ("wanted", "is_taken"),
    [
        ({"marketIds": [MARKET]}, True),
        ({"marketIds": ["1.9"]}, False),
        ({"eventTypeIds": ["7"], "countryCodes": ["GB"], "marketTypes": ["WIN", "PLACE"]}, True),
        ({"eventTypeIds": ["7"], "countryCodes": ["IE"]}, False),
        ({"bspMarket": True, "turnInPlayEnabled": True, "bettingTypes": ["ODDS"], "venues": ["Nowhere"]}, True),
        ({"betDelayModels": ["PASSIVE"]}, False),
    ],
)
def test_filters(exchange: LocalExchange, stream: StreamClient, wanted: dict[str, Any], is_taken: bool) -> None:
    assert ("mc" in stream.markets(marketFilter=wanted)) == is_taken


def test_market_that_comes_later_is_imaged(exchange: LocalExchange, stream: StreamClient) -> None:
    stream.markets()
    exchange.add_scenario(Scenario(market_id="1.7"))
    (change,) = stream.until(is_delta)["mc"]
    assert (change["id"], change["img"]) == ("1.7", True)
    assert change["marketDefinition"]["status"] == "OPEN"


def test_resume_brings_what_was_missed(exchange: LocalExchange, make_stream: Any) -> None:
    client = client_of(exchange)
    market = exchange.market(MARKET)
    first = make_stream(exchange, client)
    book: dict[Any, Any] = {}
    image = first.markets()
    apply(book, image)
    market.set_price(11, back=[[1.8, 3]])
    last = first.until(is_delta)
    apply(book, last)
    first.close()
    market.set_price(11, back=[[1.7, 4]])
    market.set_price(11, back=[[1.75, 5]])
    second = make_stream(exchange, client)
    patch = second.markets(initialClk=image["initialClk"], clk=last["clk"])
    assert (patch["ct"], patch["mc"][0]["con"]) == ("RESUB_DELTA", True)
    assert "img" not in patch["mc"][0] and "marketDefinition" not in patch["mc"][0]
    apply(book, patch)
    assert trimmed(book) == trimmed(served(exchange))


def test_resume_images_a_market_that_was_imaged_meanwhile(exchange: LocalExchange, make_stream: Any) -> None:
    client = client_of(exchange)
    first = make_stream(exchange, client)
    image = first.markets()
    exchange.market(MARKET).change({"img": True, "rc": [{"id": 11, "atb": [[1.5, 1]]}]})
    exchange.add_scenario(Scenario(market_id="1.7"))
    second = make_stream(exchange, client)
    patch = second.markets(initialClk=image["initialClk"], clk=image["clk"])
    assert [(each["id"], each.get("img")) for each in patch["mc"]] == [(MARKET, True), ("1.7", True)]


def resume(make_stream: Any, exchange: LocalExchange, **clks: Any) -> dict[str, Any]:
    stream = make_stream(exchange, client_of(exchange))
    stream.send("marketSubscription", marketFilter={}, marketDataFilter={"fields": ["EX_LTP"]}, **clks)
    status: dict[str, Any] = stream.next()
    return status


def test_clock_that_is_unknown_of_another_filter_or_too_old(make_exchange: Any, make_stream: Any) -> None:
    exchange = make_exchange(scale=1.0, resume_seconds=60.0)
    image = make_stream(exchange, client_of(exchange)).markets(["EX_LTP"])
    other = make_stream(exchange, client_of(exchange)).markets(["EX_TRADED"])
    clks = {"initialClk": image["initialClk"], "clk": image["clk"]}
    assert resume(make_stream, exchange, **clks)["statusCode"] == "SUCCESS"
    for wrong in ({"clk": "nonsense"}, {"initialClk": other["initialClk"]}):
        status = resume(make_stream, exchange, **(clks | wrong))
        assert (status["statusCode"], status["errorCode"]) == ("FAILURE", "INVALID_CLOCK")
    exchange.clock.advance(61)
    assert resume(make_stream, exchange, **clks)["errorCode"] == "INVALID_CLOCK"


def test_heartbeats_keep_coming_with_a_clock(make_exchange: Any, make_stream: Any) -> None:
    exchange = make_exchange(scale=0.1)
    stream = make_stream(exchange, client_of(exchange))
    image = stream.markets(heartbeatMs=100)
    assert image["heartbeatMs"] == 500  # clamped to the least
    beats = [stream.next() for _ in range(3)]
    assert [(beat["ct"], "mc" in beat, bool(beat["clk"])) for beat in beats] == [("HEARTBEAT", False, True)] * 3


def test_segments_are_one_change_together(make_exchange: Any, make_stream: Any) -> None:
    exchange = make_exchange([Scenario(market_id=MARKET, runners=tuple(range(1, 8)))], segment_changes=3)
    stream = make_stream(exchange, client_of(exchange))
    parts = [stream.markets(segmentationEnabled=True)]
    while parts[-1]["segmentType"] != "SEG_END":
        parts.append(stream.next())
    assert [part["segmentType"] for part in parts] == ["SEG_START", "SEG", "SEG_END"]
    assert [part["ct"] for part in parts] == ["SUB_IMAGE"] * 3
    assert [bool(part.get("clk")) for part in parts] == [False, False, True]
    book: dict[Any, Any] = {}
    for part in parts:
        apply(book, part)
    assert trimmed(book) == trimmed(served(exchange))
    whole = make_stream(exchange, client_of(exchange)).markets()
    assert "segmentType" not in whole


def test_times_of_writing_are_kept_for_measurements(make_exchange: Any, make_stream: Any) -> None:
    exchange = make_exchange(keeps_write_times=True)
    stream = make_stream(exchange, client_of(exchange))
    stream.markets()
    exchange.market(MARKET).set_price(11, back=[[1.5, 2.0]])
    message = stream.until(is_delta)
    times = {sequence: time_ns for kind, sequence, time_ns in exchange.ledger.write_times() if kind == "market"}
    written = times[int(message["clk"].split(".")[1])]
    assert written // 1_000_000 >= message["pt"]


def test_conflation_merges_what_happens_meanwhile(make_exchange: Any, make_stream: Any) -> None:
    exchange = make_exchange(scale=0.1)
    stream = make_stream(exchange, client_of(exchange))
    assert stream.markets(conflateMs=2000)["conflateMs"] == 2000
    for size in range(1, 101):
        exchange.market(MARKET).set_price(11, back=[[1.5, size]])
    changes = [stream.until(is_delta)["mc"][0]]
    while changes[-1]["rc"][0]["atb"][-1] != [1.5, 100]:
        changes.append(stream.until(is_delta)["mc"][0])
    assert all(change["con"] for change in changes)
    assert len(changes) < 100


def test_slow_reader_gets_the_latest_state(make_exchange: Any, make_stream: Any) -> None:
    exchange = make_exchange(write_buffer_bytes=20_000, send_buffer_bytes=4096, slow_reader_seconds=10_000.0)
    stream = make_stream(exchange, client_of(exchange), receive_buffer=4096)
    book: dict[Any, Any] = {}
    apply(book, stream.markets())
    market = exchange.market(MARKET)
    for turn in range(1000):
        levels = [[round(1.1 + 0.01 * step, 2), turn + step + 1.0] for step in range(20)]
        market.set_price(11, back=levels)
    con = False
    while trimmed(book) != trimmed(served(exchange)):
        message = stream.until(is_delta)
        con = con or any(change.get("con") for change in message["mc"])
        apply(book, message)
    assert con
    behind = [event.detail["is_behind"] for event in exchange.ledger.events("connection") if event.detail]
    assert behind[:2] == [True, False]


@pytest.mark.parametrize("is_former_first", [True, False])
def test_market_that_has_moved_is_imaged_twice(
    exchange: LocalExchange, make_stream: Any, stream: StreamClient, is_former_first: bool
) -> None:
    image = stream.markets()
    market = exchange.market(MARKET)
    former = market.definition
    market.move("30000777", is_former_first)
    (told,) = stream.until(is_delta)["mc"]
    assert told["marketDefinition"]["eventId"] == "30000777" and "img" not in told
    market.set_price(11, back=[[1.8, 3]])
    client = client_of(exchange)
    copies = make_stream(exchange, client).markets()["mc"]
    old, new = copies if is_former_first else copies[::-1]
    assert (old["marketDefinition"], old["rc"]) == (former, image["mc"][0]["rc"])
    assert (old["img"], new["img"], len(copies)) == (True, True, 2)
    assert new["marketDefinition"]["version"] > former["version"]
    assert new["rc"][0]["atb"] == [[1.8, 3]]
    patch = make_stream(exchange, client).markets(initialClk=image["initialClk"], clk=image["clk"])
    assert [each["id"] for each in patch["mc"]] == [MARKET]


def test_new_subscription_takes_the_place_of_the_old(exchange: LocalExchange, stream: StreamClient) -> None:
    stream.markets()
    second = stream.markets(["EX_LTP"])
    exchange.market(MARKET).change({"rc": [{"id": 11, "ltp": 1.5}]})
    assert stream.until(is_delta)["id"] == second["id"]


def test_too_many_markets_leave_the_connection_open(make_exchange: Any, make_stream: Any) -> None:
    exchange = make_exchange([Scenario(market_id=f"1.{number}") for number in range(3)], markets_limit=2)
    stream = make_stream(exchange, client_of(exchange))
    stream.send("marketSubscription", marketFilter={}, marketDataFilter={})
    status = stream.next()
    assert (status["errorCode"], status["connectionClosed"]) == ("SUBSCRIPTION_LIMIT_EXCEEDED", False)
    assert len(stream.markets(marketFilter={"marketIds": ["1.0", "1.1"]})["mc"]) == 2


def test_connections_are_limited(make_exchange: Any, make_stream: Any) -> None:
    exchange = make_exchange(connection_limit=1)
    client = client_of(exchange)
    make_stream(exchange, client)
    refused = make_stream(exchange).authenticate(client)
    assert (refused["errorCode"], refused["connectionClosed"]) == ("MAX_CONNECTION_LIMIT_EXCEEDED", True)


def test_connects_in_a_hurry_are_refused(make_exchange: Any, make_stream: Any) -> None:
    exchange = make_exchange(connects_a_second=1)
    exchange.clock.freeze()
    client = client_of(exchange)
    make_stream(exchange, client)
    assert make_stream(exchange).authenticate(client)["errorCode"] == "TOO_MANY_REQUESTS"


@pytest.mark.parametrize(
    ("app_key", "session", "code"),
    [
        (None, "x", "NO_APP_KEY"),
        ("wrong", "x", "INVALID_APP_KEY"),
        ("local-app-key", None, "NO_SESSION"),
        ("local-app-key", "wrong", "INVALID_SESSION_INFORMATION"),
    ],
)
def test_authentication_is_refused(
    exchange: LocalExchange, make_stream: Any, app_key: str | None, session: str | None, code: str
) -> None:
    stream = make_stream(exchange)
    stream.next()
    stream.send("authentication", appKey=app_key, session=session)
    status = stream.next()
    assert (status["statusCode"], status["errorCode"], status["connectionClosed"]) == ("FAILURE", code, True)
    assert stream.line() is None


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"nonsense\r\n", "INVALID_INPUT"),
        (b'{"op":"unknown","id":1}\r\n', "INVALID_REQUEST"),
        (b'{"op":"marketSubscription","id":1}\r\n', "NOT_AUTHORIZED"),
        (b'{"op":"marketSubscription","id":1,"marketFilter":{"nonsense":1}}\r\n', "INVALID_INPUT"),
    ],
)
def test_message_is_refused(exchange: LocalExchange, make_stream: Any, line: bytes, code: str) -> None:
    stream = make_stream(exchange)
    stream.next()
    stream.socket.sendall(line)
    status = stream.next()
    assert (status["errorCode"], status["connectionClosed"]) == (code, True)
    assert stream.line() is None


def test_idle_connection_without_subscription_is_closed(make_exchange: Any, make_stream: Any) -> None:
    exchange = make_exchange(scale=1.0, idle_stream_seconds=15.0)
    exchange.clock.freeze()
    stream = make_stream(exchange, client_of(exchange))
    exchange.clock.advance(16)
    status = stream.next()
    assert (status["errorCode"], status["connectionClosed"]) == ("TIMEOUT", True)
    assert "id" not in status
    assert stream.line() is None


def test_client_may_send_heartbeats(stream: StreamClient) -> None:
    number = stream.send("heartbeat")
    status = stream.next()
    assert (status["id"], status["statusCode"]) == (number, "SUCCESS")


def test_replayed_market_arrives_whole(make_exchange: Any, make_stream: Any, tmp_path: Any) -> None:
    file = SyntheticMarket(updates=300, seed=4).write(tmp_path / "market.gz")
    exchange = make_exchange([file])
    stream = make_stream(exchange, client_of(exchange))
    (market_id,) = exchange.market_ids
    cache = MarketBookCache(market_id, 1)
    fields = ["EX_ALL_OFFERS", "EX_TRADED", "EX_TRADED_VOL", "EX_LTP", "EX_MARKET_DEF", "SP_TRADED", "SP_PROJECTED"]
    message = stream.markets(fields)
    exchange.start_replay()
    book = None
    while book is None or book.status != "CLOSED":
        for change in decode_whole_message(json.dumps(message).encode()).mc:
            book = cache.update(change, message["pt"])
        message = stream.next()
    assert exchange.wait_replayed(5)
    assert exchange.replay_status()["bad_lines"] == []
    for runner in book.runners:
        levels = served(exchange, market_id).get(str(runner.selection_id), {})
        assert {level.price: level.size for level in runner.ex.traded_volume} == levels.get("trd", {})


def test_connection_that_has_ended_still_counts_for_a_while(make_exchange: Any, make_stream: Any) -> None:
    exchange = make_exchange(scale=1.0, connection_limit=1, half_open_seconds=30.0)
    exchange.clock.freeze()
    client = client_of(exchange)
    make_stream(exchange, client)
    exchange.drop_streams()
    wait_until(lambda: exchange.ledger.open_sockets["stream"] == 0)
    assert make_stream(exchange).authenticate(client)["errorCode"] == "MAX_CONNECTION_LIMIT_EXCEEDED"
    wait_until(lambda: exchange.ledger.open_sockets["stream"] == 0)
    exchange.clock.advance(31)
    assert make_stream(exchange).authenticate(client)["connectionsAvailable"] == 0
    assert exchange.ledger.most_open_sockets["stream"] == 1
