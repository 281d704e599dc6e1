"""How fast the exchange is by itself, from another process: `python tests/bench.py`."""

import json
import socket
import ssl
import time
from typing import Any
from urllib.parse import urlsplit

import requests
from flumine_core.synthetic.market import SyntheticMarket

from flumine_exchange.exchange import Scenario
from flumine_exchange.spawn import spawn

MARKET = "1.200000001"
BETS = 2_000
LINES = 30_000
FIELDS = ["EX_ALL_OFFERS", "EX_TRADED", "EX_TRADED_VOL", "EX_LTP", "EX_MARKET_DEF", "SP_TRADED", "SP_PROJECTED"]


def connect(exchange: Any, port: int) -> ssl.SSLSocket:
    context = ssl.create_default_context(cafile=exchange.ca_file)
    plain = socket.create_connection(("127.0.0.1", port))
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return context.wrap_socket(plain, server_hostname="localhost")


def log_in(exchange: Any) -> str:
    form = {"username": exchange.username, "password": exchange.password}
    with requests.Session() as session:
        session.trust_env = False
        answer = session.post(
            f"{exchange.identity_uri}certlogin",
            data=form,
            headers={"X-Application": exchange.app_key},
            cert=(exchange.cert_file, exchange.key_file),
            verify=exchange.ca_file,
            timeout=10,
        )
    token: str = answer.json()["sessionToken"]
    return token


def place(exchange: Any, token: str) -> None:
    """Print the round trip of a placed bet, as a client in C would see it."""
    connection = connect(exchange, urlsplit(exchange.api_uri).port or 0)
    taken = []
    for number in range(BETS):
        order = {"price": 900, "size": 2.0, "persistenceType": "LAPSE"}
        bet = {"orderType": "LIMIT", "selectionId": 11, "side": "BACK", "limitOrder": order}
        params = {"marketId": MARKET, "instructions": [bet | {"customerOrderRef": f"ref-{number}"}]}
        body = json.dumps({"jsonrpc": "2.0", "method": "SportsAPING/v1.0/placeOrders", "params": params, "id": 1})
        head = (
            "POST /exchange/betting/json-rpc/v1 HTTP/1.1\r\nHost: localhost\r\n"
            f"X-Application: {exchange.app_key}\r\nX-Authentication: {token}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        request = (head + body).encode()
        begin = time.perf_counter()
        connection.sendall(request)
        answer = connection.recv(65536)
        taken.append(time.perf_counter() - begin)
        assert b'"SUCCESS"' in answer, answer
    connection.close()
    taken.sort()
    print(f"place: median {taken[BETS // 2] * 1e3:.2f} ms, 99 % {taken[BETS * 99 // 100] * 1e3:.2f} ms, {BETS} bets")


def stream(exchange: Any, token: str) -> None:
    """Print how many changes a second arrive when the market is played as fast as it is read."""
    connection = connect(exchange, exchange.stream_port)
    lines = connection.makefile("rb")
    lines.readline()
    for message in (
        {"op": "authentication", "id": 1, "appKey": exchange.app_key, "session": token},
        {"op": "marketSubscription", "id": 2, "marketFilter": {}, "marketDataFilter": {"fields": FIELDS}},
    ):
        connection.sendall(json.dumps(message).encode() + b"\r\n")
        lines.readline()
    lines.readline()
    begin, seen = time.perf_counter(), 0
    exchange.start_replay()
    while seen < LINES * 0.9:
        seen += b"HEARTBEAT" not in lines.readline()
    elapsed = time.perf_counter() - begin
    print(f"stream: {seen / elapsed:,.0f} changes a second, {seen:,} in {elapsed:.2f} s")
    lines.close()
    connection.close()


def main() -> None:
    account = {"balance": 1e9, "exposure_limit": -1e9}
    settings = {"accounts": [account], "instructions_a_second": 1_000_000}
    with spawn([Scenario(market_id=MARKET), SyntheticMarket(updates=LINES)], None, settings) as exchange:
        token = log_in(exchange)
        place(exchange, token)
        stream(exchange, token)


if __name__ == "__main__":
    main()
