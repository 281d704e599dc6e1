"""What any client says to an exchange: a betfairlightweight client, plain JSON-RPC, a plain stream client."""

import json
import socket
import ssl
import time
from collections.abc import Callable
from typing import Any

import betfairlightweight
import requests

from flumine_exchange.exchange import LocalExchange

MARKET = "1.200000001"
PATIENCE = 10.0


def session_of(exchange: LocalExchange) -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    session.verify = exchange.ca_file
    return session


def client_of(exchange: LocalExchange, account: int = 0) -> betfairlightweight.APIClient:
    """Return a betfairlightweight client, pointed at the exchange and logged in."""
    who = exchange.settings.accounts[account]
    client = betfairlightweight.APIClient(
        who.username,
        who.password,
        who.app_key,
        certs=exchange.certs_dir,
        session=session_of(exchange),
        lightweight=True,
    )
    client.identity_uri = client.identity_cert_uri = exchange.identity_uri
    client.api_uri = exchange.api_uri
    client.navigation_uri = exchange.navigation_uri
    client.login()
    return client


class Rpc:
    """Plain JSON-RPC over HTTPS: what any client sends, and what comes back, untouched."""

    def __init__(self, exchange: LocalExchange, client: betfairlightweight.APIClient | None = None) -> None:
        self.exchange = exchange
        self.session = session_of(exchange)
        self.client = client or client_of(exchange)

    def raw(self, operation: str, service: str = "betting", **params: Any) -> Any:
        prefix = {"betting": "SportsAPING", "account": "AccountAPING", "heartbeat": "HeartbeatAPING"}[service]
        body = {"jsonrpc": "2.0", "method": f"{prefix}/v1.0/{operation}", "params": params, "id": 1}
        return self.post(json.dumps(body), service)

    def post(self, body: str, service: str = "betting") -> Any:
        headers = {"X-Application": self.client.app_key, "X-Authentication": self.client.session_token}
        url = f"{self.exchange.api_uri}{service}/json-rpc/v1"
        return self.session.post(url, data=body, headers=headers, timeout=PATIENCE).json()

    def __call__(self, operation: str, service: str = "betting", **params: Any) -> Any:
        answer = self.raw(operation, service, **params)
        assert "result" in answer, answer
        return answer["result"]

    def error(self, operation: str, service: str = "betting", **params: Any) -> str:
        error = self.raw(operation, service, **params)["error"]
        data = error.get("data", {})
        return data.get(data.get("exceptionname", ""), {}).get("errorCode") or f"{error['code']} {error['message']}"

    def place(self, *instructions: dict[str, Any], market: str = MARKET, **params: Any) -> Any:
        return self("placeOrders", marketId=market, instructions=list(instructions), **params)


def limit(side: str, price: float, size: float, runner: int = 11, ref: str | None = None, **order: Any) -> Any:
    """Return a place instruction for a LIMIT bet."""
    if "timeInForce" not in order:
        order.setdefault("persistenceType", "LAPSE")
    instruction: dict[str, Any] = {
        "orderType": "LIMIT",
        "selectionId": runner,
        "side": side,
        "limitOrder": {"price": price, "size": size, **order},
    }
    return instruction if ref is None else instruction | {"customerOrderRef": ref}


class StreamClient:
    """A plain client of the Exchange Stream API, which keeps every message."""

    def __init__(self, exchange: LocalExchange, receive_buffer: int | None = None) -> None:
        context = ssl.create_default_context(cafile=exchange.ca_file)
        raw = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if receive_buffer is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        raw.settimeout(PATIENCE)
        raw.connect((exchange.stream_host, exchange.stream_port))
        self.socket = context.wrap_socket(raw, server_hostname="localhost")
        self.messages: list[dict[str, Any]] = []
        self._received = b""
        self.is_ended = False
        self._number = 0

    def line(self) -> bytes | None:
        """Return the next line, None where the connection has ended."""
        while b"\r\n" not in self._received:
            try:
                data = self.socket.recv(65536)
            except (ConnectionResetError, ssl.SSLEOFError):
                data = b""
            if not data:
                self.is_ended = True
                return None
            self._received += data
        line, _, self._received = self._received.partition(b"\r\n")
        return line

    def next(self) -> dict[str, Any]:
        """Return the next message."""
        line = self.line()
        assert line is not None, f"the connection has ended, with {self._received!r} left"
        message: dict[str, Any] = json.loads(line)
        self.messages.append(message)
        return message

    def until(self, wanted: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
        """Return the next message that is wanted."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            message = self.next()
            if wanted(message):
                return message
        raise AssertionError(f"no such message came, but {self.messages[-5:]}")

    def send(self, op: str, **fields: Any) -> int:
        self._number += 1
        message = {"op": op, "id": self._number, **fields}
        self.socket.sendall(json.dumps(message).encode() + b"\r\n")
        return self._number

    def authenticate(self, client: betfairlightweight.APIClient) -> dict[str, Any]:
        self.next()
        self.send("authentication", appKey=client.app_key, session=client.session_token)
        return self.next()

    def markets(self, fields: list[str] | None = None, levels: int | None = None, **more: Any) -> dict[str, Any]:
        """Subscribe to markets; return the image."""
        wanted = more.pop("marketFilter", {})
        data = {"fields": fields or ["EX_ALL_OFFERS", "EX_MARKET_DEF"], "ladderLevels": levels}
        self.send("marketSubscription", marketFilter=wanted, marketDataFilter=data, **more)
        assert self.next()["statusCode"] == "SUCCESS"
        return self.next()

    def orders(self, **more: Any) -> dict[str, Any]:
        """Subscribe to orders; return the image."""
        wanted = more.pop("orderFilter", {})
        self.send("orderSubscription", orderFilter=wanted, **more)
        assert self.next()["statusCode"] == "SUCCESS"
        return self.next()

    def order(self, wanted: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
        """Return the next `uo` that is wanted."""
        found: list[dict[str, Any]] = []

        def looked(message: dict[str, Any]) -> bool:
            found.extend(each for each in orders_of(message) if wanted(each))
            return bool(found)

        self.until(looked)
        return found[0]

    def close(self) -> None:
        self.socket.close()


def orders_of(message: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        order for change in message.get("oc", ()) for runner in change.get("orc", ()) for order in runner.get("uo", ())
    ]


def is_delta(message: dict[str, Any]) -> bool:
    return message["op"] in ("mcm", "ocm") and "ct" not in message


def wait_until(wanted: Callable[[], Any]) -> None:
    """Wait until something is so."""
    end = time.monotonic() + PATIENCE
    while not wanted():
        assert time.monotonic() < end, "it did not come true"
        time.sleep(0.005)
