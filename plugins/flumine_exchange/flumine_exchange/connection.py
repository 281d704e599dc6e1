"""One connection of the Exchange Stream API: greeting, authentication, subscriptions."""

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec

from .faults import Fault
from .marketstream import MarketSubscription
from .orderstream import OrderSubscription
from .sockets import StampedSocket, reset
from .sportsstream import SportSubscription
from .state import ExchangeState
from .streamparams import Authentication, MarketSubscribing, OrderSubscribing, SportSubscribing
from .streams import Streams
from .streamsocket import END, StreamSocket
from .subscription import Invalid, Message, Subscription

MOST_LINE = 1 << 20
KINDS: dict[str, tuple[str, Any]] = {
    "marketSubscription": ("market", MarketSubscribing),
    "orderSubscription": ("order", OrderSubscribing),
    "raceSubscription": ("race", SportSubscribing),
    "cricketSubscription": ("cricket", SportSubscribing),
}

_encode = msgspec.json.encode


class StreamConnection(StreamSocket):
    """Speaks with one client."""

    def __init__(self, state: ExchangeState, streams: Streams, raw: StampedSocket) -> None:
        super().__init__(state, raw)
        self.app_key = ""
        self._streams = streams
        self._received = bytearray()
        self._paused_timer: asyncio.TimerHandle | None = None

    # the transport's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.set_write_buffer_limits(high=self.state.settings.write_buffer_bytes)
        self.id = self._streams.open(self)
        settings = self.state.settings
        self.state.clock.call_later(settings.wait(settings.idle_stream_seconds), self._end_if_idle)
        greeting = {"op": "connection", "connectionId": self.id}
        fault = self._take("stream.greeting")
        if fault is not None and fault.action == "coalesce":
            self._write(_encode(greeting) + END + str(fault.get("text", "{}")).encode() + END)
        elif not self._struck(fault, lambda: self.send(greeting, "")):
            self.send(greeting, "")

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the client."""
        for subscription in self.subscriptions.values():
            self._streams.remove(subscription)
        self.subscriptions.clear()
        self._streams.close(self)
        self._transport = None
        if self._paused_timer is not None:
            self._paused_timer.cancel()

    def pause_writing(self) -> None:
        """Take note that the reader is behind."""
        self.is_paused = True
        self.state.record("connection", server="stream", connection=self.id, is_behind=True)
        settings = self.state.settings
        self._paused_timer = self._loop.call_later(settings.wait(settings.slow_reader_seconds), self._end_slow)

    def resume_writing(self) -> None:
        """Send the reader what it missed."""
        self.is_paused = False
        self.state.record("connection", server="stream", connection=self.id, is_behind=False)
        if self._paused_timer is not None:
            self._paused_timer.cancel()
        for subscription in list(self.subscriptions.values()):
            if isinstance(subscription, MarketSubscription | OrderSubscription):
                subscription.flush()

    def data_received(self, data: bytes) -> None:
        """Take what a client sent, line by line."""
        self._received += data
        while not self._is_reading_held:
            line, separator, rest = self._received.partition(b"\n")
            if not separator:
                break
            self._received = rest
            if line.strip():
                self._handle(bytes(line))
        if len(self._received) > MOST_LINE:
            self._fail(None, "INVALID_INPUT", "line is too long", is_closing=True)

    # what clients say

    def _handle(self, line: bytes) -> None:
        try:
            message = msgspec.json.decode(line)
            op, number = message["op"], message.get("id")
        except (msgspec.DecodeError, TypeError, KeyError, AttributeError):
            self._fail(None, "INVALID_INPUT", "not a message of the Exchange Stream API", is_closing=True)
            return
        if op == "heartbeat":
            self._succeed(number)
        elif op == "authentication":
            self._parsed(Authentication, message, self._authenticate)
        elif op in KINDS:
            self._parsed(KINDS[op][1], message, self._subscribe)
        else:
            self._fail(number, "INVALID_REQUEST", f"unknown op: {op}", is_closing=True)

    def _parsed(self, params: Any, message: Message, then: Callable[[Any], None]) -> None:
        try:
            request = msgspec.convert({k: v for k, v in message.items() if v is not None}, params)
        except msgspec.ValidationError as error:
            self._fail(message.get("id"), "INVALID_INPUT", str(error), is_closing=True)
            return
        self.state.ledger.count_request(message["op"])
        then(request)

    def _authenticate(self, request: Authentication) -> None:
        fault = self._take("stream.auth")
        if self._struck(fault, lambda: self._do_authenticate(request, None)):
            return
        self._do_authenticate(request, fault)

    def _do_authenticate(self, request: Authentication, fault: Fault | None) -> None:
        if fault is not None and fault.action == "error":
            code = fault.get("code", "MAX_CONNECTION_LIMIT_EXCEEDED")
            self._fail(request.id, code, fault.get("text", "by a fault"), fault.get("closed", True))
            return
        if self.account is not None:
            self._fail(request.id, "INVALID_REQUEST", "already authenticated", is_closing=True)
            return
        account, code = self._streams.identity.account_of(request.session, request.app_key)
        if account is None:
            self._fail(request.id, code, "not authenticated", is_closing=True)
            return
        code = self._streams.admit(self, request.app_key or "")
        if code:
            self._fail(request.id, code, "connection limit", is_closing=True)
            return
        self.account, self.app_key = account, request.app_key or ""
        self._succeed(request.id, connectionsAvailable=self._streams.available(self.app_key))

    def _subscribe(self, request: Any) -> None:
        if self.account is None:
            self._fail(request.id, "NOT_AUTHORIZED", "authenticate first", is_closing=True)
            return
        kind = KINDS[request.op][0]
        is_resume = bool(request.clk or request.initial_clk)
        fault = self._take("stream.subscribe", stream=kind, op=request.op, is_resume=is_resume)
        if not self._struck(fault, lambda: self._do_subscribe(request, kind, None)):
            self._do_subscribe(request, kind, fault)

    def _do_subscribe(self, request: Any, kind: str, fault: Fault | None) -> None:
        is_image = fault is not None and fault.action == "image"
        try:
            if fault is not None and fault.action == "error":
                raise Invalid(fault.get("code", "INVALID_CLOCK"), fault.get("text", "by a fault"))
            subscription = self._make(request, kind)
            if not is_image:
                subscription.check(request)
        except Invalid as error:
            closes = error.code != "SUBSCRIPTION_LIMIT_EXCEEDED"
            is_closing = closes if fault is None else bool(fault.get("closed", closes))
            self._fail(request.id, error.code, str(error), is_closing)
            return
        old = self.subscriptions.pop(kind, None)
        if old is not None:
            self._streams.remove(old)
        self.subscriptions[kind] = subscription
        self._succeed(request.id)
        self._streams.add(subscription)
        markets = None if fault is None else fault.get("markets")
        if fault is not None and fault.action == "image_all":
            subscription.imaged = markets
        subscription.start(request, is_image, markets if is_image else None)
        if kind != "order":
            self.state.on_subscription()

    def _make(self, request: Any, kind: str) -> Subscription:
        assert self.account is not None
        if kind == "market":
            subscription = MarketSubscription(self, request)
            self._streams.markets.check(subscription)
            return subscription
        if kind == "order":
            return OrderSubscription(self, request, self.account)
        return SportSubscription(self, request, kind, self._streams.sports)

    def _succeed(self, number: int | None, **more: Any) -> None:
        status = {"op": "status", "id": number, "statusCode": "SUCCESS", "connectionClosed": False}
        self.send(status | more, "")

    def _fail(self, number: int | None, code: str, text: str, is_closing: bool) -> None:
        status: Message = {"op": "status"}
        if number is not None:
            status["id"] = number
        status |= {
            "statusCode": "FAILURE",
            "errorCode": code,
            "errorMessage": text,
            "connectionClosed": is_closing,
            "connectionId": self.id,
        }
        self.state.record("refused", operation="stream", code=code, connection=self.id)
        self.send(status, "")
        if is_closing:
            self.end()

    def _end_if_idle(self) -> None:
        if self._transport is not None and not self.subscriptions:
            settings = self.state.settings
            milliseconds = round(settings.wait(settings.idle_stream_seconds) * 1000)
            text = f"Connection is not subscribed and is idle: {milliseconds} ms"
            self._fail(None, "TIMEOUT", text, is_closing=True)

    def _end_slow(self) -> None:
        if self._transport is not None and self.is_paused:
            self.state.record("refused", operation="stream", code="TIMEOUT", connection=self.id)
            reset(self._transport)
