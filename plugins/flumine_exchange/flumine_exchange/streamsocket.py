"""The socket of one stream connection: lines together in one write, and the faults that strike what is written."""

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec

from .account import AccountState
from .clock import wall_ns
from .faults import Fault
from .sockets import StampedSocket, end, reset
from .state import ExchangeState
from .streamfaults import wrong_lines
from .subscription import Message, Subscription

END = b"\r\n"

_encode = msgspec.json.encode


class StreamSocket(asyncio.Protocol):
    """What is below the messages of a stream connection.

    :ivar subscriptions: by kind; a new one of a kind takes the place of the old.
    :ivar is_paused: the reader is behind.
    """

    def __init__(self, state: ExchangeState, raw: StampedSocket) -> None:
        self.state = state
        self._raw = raw
        self.id = ""
        self.account: AccountState | None = None
        self.subscriptions: dict[str, Subscription] = {}
        self.is_paused = False
        self._transport: asyncio.Transport | None = None
        self._lines: list[bytes] = []
        self._notes: list[tuple[str, int]] = []
        self._is_flushing = False
        self._is_silent = False
        self._is_reading_held = False
        self._loop = asyncio.get_running_loop()

    # writing

    @property
    def is_plain(self) -> bool:
        """Whether no fault waits for what is written."""
        return not self._is_silent and not self.state.faults.is_armed

    def send_encoded(self, line: bytes) -> None:
        """Write a line, together with what else is written in this turn of the loop."""
        self._lines.append(line)
        if not self._is_flushing:
            self._is_flushing = True
            self._loop.call_soon(self._flush)

    def note_write(self, stream: str, sequence: int) -> None:
        """Have the ledger keep when what is sent next is written."""
        self._notes.append((stream, sequence))

    def _flush(self) -> None:
        self._is_flushing = False
        lines, self._lines = self._lines, []
        begun_ns = wall_ns()
        if self._transport is not None and not self._transport.is_closing() and lines:
            self._transport.write(b"".join(lines))
        if self._notes:
            notes, self._notes = self._notes, []
            # what waits behind other bytes is sent later: it counts from here
            written_ns = max(begun_ns, self._raw.sent_ns)
            for stream, sequence in notes:
                self.state.ledger.note_write(stream, sequence, written_ns)

    def _write(self, data: bytes) -> None:
        self._flush()
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def send(self, message: Message, stream: str) -> None:
        """Write a message, or what a fault makes of it."""
        if self._is_silent:
            return
        fault = None
        if stream and self.state.faults.is_armed:
            op = message["op"]
            markets = [each.get("id") for each in message.get("mc") or message.get("oc") or ()]
            fault = self._take(
                "stream.write",
                stream=stream,
                op=op,
                ct=message.get("ct", "DELTA"),
                market=markets[0] if markets else None,
                segment=message.get("segmentType"),
            )
        if fault is None:
            self.send_encoded(_encode(message) + END)
        else:
            self._send_wrong(message, fault, stream)

    def _send_wrong(self, message: Message, fault: Fault, stream: str) -> None:
        action = fault.action
        subscription = self.subscriptions.get(stream)
        if action in ("hold", "delay"):
            if subscription is not None:
                subscription.hold(float(fault.get("seconds", 1.0)))
                subscription.put(message)
            return
        if action == "silence":
            self._be_silent(fault)
            return
        if action == "status" and subscription is not None:
            seconds = fault.get("seconds")
            if seconds is not None:
                subscription.status = int(fault.get("status", 503))
                self.state.clock.call_later(float(seconds), subscription.clear_status)
        for line in wrong_lines(message, fault):
            self._write(line)
        if action in ("drop", "rst", "cut", "cut_segment"):
            self.end("rst" if action == "rst" or fault.get("rst") else "drop")

    def _be_silent(self, fault: Fault) -> None:
        self._is_silent = True
        seconds = fault.get("seconds")
        if seconds is not None:
            self.state.clock.call_later(float(seconds), lambda: setattr(self, "_is_silent", False))

    def end(self, action: str = "drop") -> None:
        """End the connection."""
        self._flush()
        for subscription in self.subscriptions.values():
            subscription.stop()
        if self._transport is not None:
            end(self._transport, action)

    # faults

    def _take(self, hook: str, **occasion: Any) -> Fault | None:
        account = None if self.account is None else self.account.username
        fault = self.state.faults.take(hook, server="stream", connection=self.id, account=account, **occasion)
        if fault is not None:
            self.state.record("fault", id=fault.id, hook=hook, action=fault.action, connection=self.id)
        return fault

    def _struck(self, fault: Fault | None, then: Callable[[], None]) -> bool:
        """Do what a fault asks for; True where what was to be done is done by it, late or never."""
        if fault is None:
            return False
        if fault.action in ("drop", "rst"):
            if self._transport is not None:
                self.end(fault.action) if fault.action == "drop" else reset(self._transport)
        elif fault.action == "silence":
            self._be_silent(fault)
        elif fault.action == "raw":
            self._write(str(fault.get("text", "")).encode())
            return not fault.get("and_go_on", False)
        elif fault.action == "delay":
            self._is_reading_held = True
            self.state.clock.call_later(float(fault.get("seconds", 1.0)), lambda: self._go_on(then))
        else:
            return False
        return True

    def _go_on(self, then: Callable[[], None]) -> None:
        self._is_reading_held = False
        if self._transport is not None:
            then()
            self.data_received(b"")
