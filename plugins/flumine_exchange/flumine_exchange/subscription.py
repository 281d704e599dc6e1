"""What the subscriptions of every stream have in common: images, deltas, heartbeats, conflation, segments."""

import asyncio
from collections.abc import Callable, Collection
from typing import Any, Protocol

import msgspec

from .clk import Position, decode, initial_clk
from .state import ExchangeState
from .streamparams import Subscribing

Message = dict[str, Any]
_encode = msgspec.json.encode


class Line(Protocol):
    """Where a subscription writes to."""

    state: ExchangeState

    @property
    def is_paused(self) -> bool:
        """Whether the reader is behind."""
        ...

    def send(self, message: Message, stream: str) -> None:
        """Write a message."""
        ...

    def send_encoded(self, line: bytes) -> None:
        """Write a line as it is."""
        ...

    def note_write(self, stream: str, sequence: int) -> None:
        """Have the ledger keep when what is sent next is written."""
        ...

    @property
    def is_plain(self) -> bool:
        """Whether a line may be written as it is: no fault wants to see it."""
        ...


class Invalid(Exception):
    """A subscription that is refused, with the error code."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


class Subscription:
    """One subscription on one connection.

    :ivar sent: the sequence number up to which everything was sent.
    :ivar imaged: a fault has these markets of the next patch imaged, None for every one.
    """

    kind = ""
    op = ""
    changes = ""

    def __init__(self, line: Line, request: Subscribing, *terms: object) -> None:
        self.line = line
        self.state = state = line.state
        self.id = request.id
        self.initial_clk = initial_clk(state.instance, self.kind, *terms)
        settings = state.settings
        asked = settings.heartbeat_ms if request.heartbeat_ms is None else request.heartbeat_ms
        self.heartbeat_ms = min(max(asked, settings.least_heartbeat_ms), settings.most_heartbeat_ms)
        self.conflate_ms = min(max(request.conflate_ms or 0, 0), settings.most_conflate_ms)
        self.is_segmented = bool(request.segmentation_enabled)
        self.sent = 0
        self._keeps_times = settings.keeps_write_times
        self.is_live = False
        self.status: int | None = None
        self._loop = asyncio.get_running_loop()
        self._last_write = 0.0
        self._beat: asyncio.TimerHandle | None = None
        self._flush: asyncio.TimerHandle | None = None
        self._held: list[Message] | None = None
        self.imaged: Collection[str] | None = ()

    # what each kind of stream brings

    def image(self, only: list[str] | None = None) -> list[Message]:
        """Return all that there is, as changes."""
        raise NotImplementedError

    def patch(self, since: int) -> list[Message]:
        """Return what a reader who has everything up to `since` lacks, as changes."""
        raise NotImplementedError

    # its life

    def start(self, request: Subscribing, is_image_forced: bool = False, only: list[str] | None = None) -> None:
        """Send the image, or what a resuming client lacks.

        :raises Invalid: where the clk cannot be resumed from.
        """
        resumed = None if is_image_forced else self._resumed(request)
        ct = "SUB_IMAGE" if resumed is None else "RESUB_DELTA"
        changes = self.image(only) if resumed is None else self.patch(resumed)
        self.sent = self.state.sequence
        head = {
            "initialClk": self.initial_clk,
            "conflateMs": self.conflate_ms,
            "heartbeatMs": self.heartbeat_ms,
        }
        self.is_live = True
        self.write(changes, ct, head)
        self._schedule_beat()

    def check(self, request: Subscribing) -> None:
        """Raise `Invalid` where the request's clk cannot be resumed from."""
        self._resumed(request)

    def _resumed(self, request: Subscribing) -> int | None:
        if not request.clk and not request.initial_clk:
            return None
        position = decode(request.clk or "")
        state = self.state
        if position is None or position.instance != state.instance or request.initial_clk != self.initial_clk:
            raise Invalid("INVALID_CLOCK", "clk or initialClk is not of this subscription")
        age = state.clock.epoch_ms - position.time_ms
        if age > state.settings.wait(state.settings.resume_seconds) * 1000:
            raise Invalid("INVALID_CLOCK", "clk is too old")
        return position.sequence

    def stop(self) -> None:
        """End it: nothing is written any more."""
        self.is_live = False
        for timer in (self._beat, self._flush):
            if timer is not None:
                timer.cancel()

    # writing

    @property
    def clk(self) -> str:
        """The clk of everything that was sent."""
        return Position(self.state.instance, self.sent, self.state.clock.epoch_ms).encode()

    def publish_time(self) -> int:
        """Return `pt`, which a fault of the clock may shift."""
        fault = self.state.faults.take("clock", stream=self.kind)
        return self.state.clock.epoch_ms + (0 if fault is None else int(fault.get("milliseconds", 0)))

    def write(self, changes: list[Message], ct: str | None = None, head: Message | None = None) -> None:
        """Write changes as one message, or as segments."""
        if not self.is_live:
            return
        base: Message = {"op": self.op, "id": self.id}
        tail: Message = {"pt": self.publish_time()}
        if ct is not None:
            tail["ct"] = ct
        if self.status is not None:
            tail["status"] = self.status
        parts = self._segments(changes)
        for number, part in enumerate(parts):
            message = base | (head or {} if number == 0 else {})
            is_last = number == len(parts) - 1
            if is_last:
                message["clk"] = self.clk
            message |= tail
            if len(parts) > 1:
                message["segmentType"] = "SEG_END" if is_last else "SEG" if number else "SEG_START"
            if part:
                message[self.changes] = part
            self.put(message)

    def _segments(self, changes: list[Message]) -> list[list[Message]]:
        most = self.state.settings.segment_changes
        if not self.is_segmented or not most:
            return [changes]
        return segments(changes, most)

    def put(self, message: Message) -> None:
        """Write a message, or keep it back with those that are held."""
        if self._held is not None:
            self._held.append(message)
            return
        self._last_write = self._loop.time()
        if self._keeps_times:
            self.line.note_write(self.kind, self.sent)
        self.line.send(message, self.kind)

    def write_encoded(self, change: bytes) -> None:
        """Write one change that is JSON already, as a delta; the usual case, and a quick one."""
        line = b'{"op":"%s","id":%d,"clk":"%s","pt":%d,"%s":[%s]}\r\n' % (
            self.op.encode(),
            self.id or 0,
            self.clk.encode(),
            self.state.clock.epoch_ms,
            self.changes.encode(),
            change,
        )
        self._last_write = self._loop.time()
        if self._keeps_times:
            self.line.note_write(self.kind, self.sent)
        self.line.send_encoded(line)

    @property
    def is_direct(self) -> bool:
        """Whether a change may be written at once and as it is."""
        return (
            self.line.is_plain
            and not self.conflate_ms
            and self._flush is None
            and self._held is None
            and self.status is None
            and not self.state.settings.segment_changes
        )

    @property
    def must_wait(self) -> bool:
        """Whether changes are gathered: conflated, or the reader is behind."""
        return self.line.is_paused or bool(self.conflate_ms) or self._flush is not None

    def clear_status(self) -> None:
        """End the trouble upstream."""
        self.status = None

    def hold(self, seconds: float) -> None:
        """Keep messages back for so long; they are written in order then."""
        if self._held is None:
            self._held = []
            self.state.clock.call_later(seconds, self._let_go)

    def _let_go(self) -> None:
        held, self._held = self._held or [], None
        for message in held:
            self.put(message)

    def schedule(self, flush: Callable[[], None]) -> None:
        """Have what was gathered written after the time of conflation, once."""
        if self._flush is None and self.conflate_ms and not self.line.is_paused:
            self._flush = self._loop.call_later(self.state.settings.wait(self.conflate_ms / 1000), flush)

    def flushed(self) -> None:
        """Take note that what was gathered is written."""
        if self._flush is not None:
            self._flush.cancel()
            self._flush = None

    def _schedule_beat(self) -> None:
        interval = self.state.settings.wait(self.heartbeat_ms / 1000)
        quiet = self._loop.time() - self._last_write
        self._beat = self._loop.call_later(max(interval - quiet, 0.001), self._maybe_beat)

    def _maybe_beat(self) -> None:
        interval = self.state.settings.wait(self.heartbeat_ms / 1000)
        if self.line.is_paused:
            self._last_write = self._loop.time()
        elif self._loop.time() - self._last_write >= interval - 0.001:
            self.write([], "HEARTBEAT")
        self._schedule_beat()


def split(change: Message, most: int) -> list[Message]:
    """Return one market's change as several, each with at most `most` runners."""
    name = next((each for each in ("rc", "orc") if len(change.get(each) or ()) > most), None)
    if name is None:
        return [change]
    runners = change[name]
    first = change | {name: runners[:most]}
    rest = [{"id": change["id"], name: runners[start : start + most]} for start in range(most, len(runners), most)]
    return [first, *rest]


def segments(changes: list[Message], most: int) -> list[list[Message]]:
    """Return changes in parts with at most `most` runners each; one empty part where there are none."""
    parts: list[list[Message]] = [[]]
    filled = 0
    for piece in (piece for change in changes for piece in split(change, most)):
        size = max(len(piece.get("rc") or piece.get("orc") or ()), 1)
        if filled and filled + size > most:
            parts.append([])
            filled = 0
        parts[-1].append(piece)
        filled += size
    return parts


def encode(change: Message) -> bytes:
    """Return a change as JSON."""
    return _encode(change)
