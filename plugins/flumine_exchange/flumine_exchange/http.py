"""The HTTPS side: paths, bodies, certificates, and answers that are broken on purpose."""

import asyncio
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from aiohttp import web

from .faults import Fault
from .identity import Identity
from .rpc import Rpc, SocketFault
from .sockets import StampedSocket, end
from .state import ExchangeState

IDENTITY_PATH = "/api/"
SERVICES = {f"/exchange/{service}/json-rpc/v1": service for service in ("betting", "account", "heartbeat", "scores")}
JSON = "application/json"
HTML = b"<html><head><title>Maintenance</title></head><body><h1>We'll be back soon</h1></body></html>"
HANG_SECONDS = 3600.0

_encode = msgspec.json.encode


class Connection(web.RequestHandler):
    """One HTTP connection, counted and kept track of.

    :ivar raw: its socket.
    """

    def __init__(self, side: "HttpSide", manager: Any, raw: StampedSocket, **options: Any) -> None:
        super().__init__(manager, **options)
        self.raw = raw
        self._side = side
        self._own: asyncio.BaseTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count it."""
        super().connection_made(transport)
        self._own = transport
        self._side.opened(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Count it out."""
        super().connection_lost(exc)
        if self._own is not None:
            self._side.closed(self._own)
            self._own = None


class HttpSide:
    """Everything that is asked over HTTPS.

    :param navigation: returns the navigation menu.
    :param control: answers POST /control, None where there is no such endpoint.
    """

    def __init__(self, state: ExchangeState, identity: Identity, rpc: Rpc, navigation: Any, control: Any) -> None:
        self.state = state
        self.identity = identity
        self.rpc = rpc
        self.transports: set[asyncio.BaseTransport] = set()
        self._navigation = navigation
        self._control = control
        self._server = web.Server(self._handle)

    def __call__(self, raw: StampedSocket) -> asyncio.Protocol:
        """Return the protocol of a new connection."""
        idle = self.state.settings.wait(self.state.settings.idle_http_seconds)
        loop = asyncio.get_running_loop()
        return Connection(self, self._server, raw, loop=loop, keepalive_timeout=idle, access_log=None)

    def opened(self, transport: asyncio.BaseTransport) -> None:
        """Take note of a connection."""
        self.transports.add(transport)
        self.state.ledger.count_open("http", 1)

    def closed(self, transport: asyncio.BaseTransport) -> None:
        """Take note that a connection has ended."""
        self.transports.discard(transport)
        self.state.ledger.count_open("http", -1)

    def drop_connections(self, action: str = "drop") -> int:
        """End every open connection; return how many."""
        for transport in list(self.transports):
            end(transport, action)
        return len(self.transports)

    async def shut_down(self) -> None:
        """End the server."""
        await self._server.shutdown(0.1)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        try:
            body = await request.read()
        except ConnectionResetError:  # the client has gone, in the middle of its request
            return web.Response()
        assert isinstance(request.protocol, Connection)
        arrived_ns = request.protocol.raw.received_ns
        try:
            operation, answer = await self._answer(request, body, arrived_ns)
        except SocketFault as struck:
            return await self._broken(request, struck.fault, b"")
        content = answer if isinstance(answer, bytes) else _encode(answer)
        fault = self.state.faults.take("http.write", op=operation, server="http")
        if fault is not None:
            self.state.record("fault", id=fault.id, hook=fault.hook, action=fault.action, operation=operation)
            return await self._broken(request, fault, content)
        return web.Response(body=content, content_type=JSON)

    async def _answer(self, request: web.BaseRequest, body: bytes, arrived_ns: int) -> tuple[str, Any]:
        path = request.path
        service = SERVICES.get(path)
        if service is not None:
            if request.method != "POST":
                raise web.HTTPMethodNotAllowed(request.method, ["POST"])
            answer = await self.rpc.answer(service, body, request.headers, arrived_ns)
            return self._operation_of(body), answer
        if path.startswith(IDENTITY_PATH) and request.method == "POST":
            return await self._identify(request, path.removeprefix(IDENTITY_PATH), body)
        if path.endswith("/navigation/menu.json"):
            account, code = self.identity.account_of(
                request.headers.get("X-Authentication"), request.headers.get("X-Application")
            )
            if account is None:
                raise web.HTTPUnauthorized(text=code)
            self.state.ledger.count_request("navigation")
            return "navigation", self._navigation()
        if path == "/control" and self._control is not None:
            return "control", await self._control(request, body)
        raise web.HTTPNotFound

    def _operation_of(self, body: bytes) -> str:
        if not self.state.faults.is_armed:
            return ""
        try:
            request = msgspec.json.decode(body)
            return str(request["method"]).rpartition("/")[2]
        except (msgspec.DecodeError, TypeError, KeyError):
            return ""

    async def _identify(self, request: web.BaseRequest, operation: str, body: bytes) -> tuple[str, Any]:
        if operation not in ("certlogin", "login", "keepAlive", "logout"):
            raise web.HTTPNotFound
        self.state.ledger.count_request(operation)
        app_key = request.headers.get("X-Application")
        token = request.headers.get("X-Authentication")
        code = await self._identity_fault("http.before_execute", operation)
        if code is not None:
            return operation, _identity_refusal(operation, code, token, app_key)
        form = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
        if operation == "certlogin":
            answer = self.identity.cert_login(form, app_key, _has_certificate(request))
        elif operation == "login":
            answer = self.identity.login(form, app_key)
        elif operation == "keepAlive":
            answer = self.identity.keep_alive(token, app_key)
        else:
            answer = self.identity.logout(token, app_key)
        fault = self.state.faults.take("http.after_execute", op=operation, server="http")
        if fault is not None and fault.action == "replace":
            return operation, answer | fault.get("result", {})
        if fault is not None:
            code = await self._strike_identity(fault)
            if code is not None:
                return operation, _identity_refusal(operation, code, token, app_key)
        return operation, answer

    async def _identity_fault(self, hook: str, operation: str) -> str | None:
        fault = self.state.faults.take(hook, op=operation, server="http")
        return None if fault is None else await self._strike_identity(fault)

    async def _strike_identity(self, fault: Fault) -> str | None:
        """Do what a fault asks for; the code where the request is to be refused."""
        self.state.record("fault", id=fault.id, hook=fault.hook, action=fault.action)
        if fault.action in ("login_code", "error"):
            self.state.ledger.failed_logins += 1
            return str(fault.get("code", "INTERNAL_ERROR"))
        if fault.action == "delay":
            await self.state.clock.sleep(float(fault.get("seconds", 1.0)))
            return None
        if fault.action == "revoke_sessions":
            self.identity.revoke_all()
            return None
        if fault.action == "market":
            self.state.run_operation(f"market.{fault.get('method')}", **fault.get("args", {}))
            return None
        raise SocketFault(fault)

    async def _broken(self, request: web.BaseRequest, fault: Fault, content: bytes) -> web.StreamResponse:
        """Answer as a fault on the connection has it."""
        action = fault.action
        if action == "delay":
            await self.state.clock.sleep(float(fault.get("seconds", 1.0)))
            return web.Response(body=content, content_type=JSON)
        if action == "status":
            status, body = int(fault.get("status", 503)), fault.get("body", "")
            return web.Response(status=status, text=body, content_type=fault.get("content_type", "text/html"))
        if action == "html":
            return web.Response(body=HTML, content_type="text/html")
        if action == "hang":
            await self.state.clock.sleep(float(fault.get("seconds", HANG_SECONDS)))
        transport = request.transport
        if transport is not None:
            if action == "half_body":
                head = f"HTTP/1.1 200 OK\r\nContent-Type: {JSON}\r\nContent-Length: {len(content)}\r\n\r\n"
                transport.write(head.encode() + content[: len(content) // 2])
            elif action == "raw":
                transport.write(str(fault.get("text", "")).encode())
            end(transport, action)
        return web.Response()


def _has_certificate(request: web.BaseRequest) -> bool:
    transport = request.transport
    return transport is not None and bool(transport.get_extra_info("peercert"))


def _identity_refusal(operation: str, code: str, token: str | None, app_key: str | None) -> dict[str, Any]:
    if operation == "certlogin":
        return {"loginStatus": code}
    return {
        "token": "" if operation == "login" else token or "",
        "product": app_key or "",
        "status": "FAIL",
        "error": code,
    }
