"""The strategy that subscribes, is configured, and hands what the hooks bring it to a recorder."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from flumine_core.clock import LiveClock
from flumine_core.contract.strategy import BaseStrategy
from flumine_core.contract.streams import CricketDataStream, DataStream, OrderDataStream, RaceDataStream
from flumine_core.errors import SettingsError

from .hooks import running
from .options import Options
from .recorder import Recorder

ALSO: dict[str, Any] = {"order": OrderDataStream, "race": RaceDataStream, "cricket": CricketDataStream}
"""What may be recorded beside markets -> the description of its stream."""


class RecorderStrategy(BaseStrategy):
    """Records the data streams it subscribes to; places no orders, and does nothing in a simulation.

    :param directory: of this machine, for open files and for those that are not stored yet; `~` is the user's home.
    :param store: directory or URL (s3://bucket/prefix) for closed files; None is `closed` in `directory`.
    :param also: what is recorded beside markets: "order", "race", "cricket", of all that the account may see.
    :param compression: of closed files: zst, gz, bz2 or plain.
    :param flush_seconds: how long lines are kept in memory, 1 at most.
    :param linger_seconds: how long after its closing a market may open again before its file is closed.
    :param idle_hours: a market that no stream of this run brings is taken for gone once nothing was heard for so long.
    :param memory_mb: lines kept in memory while the disk takes none, in megabytes.
    :param retry_seconds: longest pause between two tries to reach the store.
    :param stop_seconds: how long the end of a run waits for the store.
    :param options: those of every strategy: market_filter, market_data_filter, conflate_ms, streams, ...
    :raises SettingsError: on a value out of range; when added, on a directory that is in use or cannot be written to.
    """

    def __init__(
        self,
        directory: str,
        store: str | None = None,
        also: Sequence[str] = (),
        compression: str = "zst",
        flush_seconds: float = 0.5,
        linger_seconds: float = 3600.0,
        idle_hours: float = 24.0,
        memory_mb: float = 256.0,
        retry_seconds: float = 60.0,
        stop_seconds: float = 5.0,
        **options: Any,
    ) -> None:
        unknown = ", ".join(sorted(set(also) - ALSO.keys()))
        if unknown:
            raise SettingsError(f"also must be of {', '.join(ALSO)}, was {unknown}")
        options.setdefault("stream_class", DataStream)
        super().__init__(**options)
        self.recorder = Recorder(
            Options(
                directory,
                store,
                compression,
                flush_seconds,
                linger_seconds,
                idle_hours,
                memory_mb,
                retry_seconds,
                stop_seconds,
            )
        )
        self.also = tuple(dict.fromkeys(also))
        self.lag_ms: int | None = None

    def add(self, flumine: Any) -> None:
        """Take up what an earlier run has left, and subscribe to what is recorded beside markets."""
        if not isinstance(flumine.clock, LiveClock):
            return
        self.recorder.start()
        running.append(self)
        for kind in self.also:
            wanted = ALSO[kind](self.client or flumine.clients.get_default())
            flumine.add_stream(wanted)
            self.subscribe_to_stream(next(stream for stream in flumine.streams if stream == wanted))
        if self.also:
            flumine.subscriptions_changed()

    def start(self, flumine: Any) -> None:
        """Take note of the streams that were asked to conflate."""
        for stream in self.streams:
            if getattr(stream, "conflate_ms", None):
                self.recorder.expect_conflation(stream.stream_id)

    def take(
        self, stream_id: int, op: str, clk: str | None, publish_time: int, data: Sequence[Mapping[str, Any]]
    ) -> None:
        """Record a message's changes where they come from a stream of this strategy."""
        if stream_id not in self.stream_ids:
            return
        self.lag_ms = self.clock.epoch_ms - publish_time
        changes = [getattr(change, "raw", None) or msgspec.json.encode(change) for change in data]
        self.recorder.take(stream_id, op, clk, publish_time, changes)

    def finish(self, flumine: Any) -> None:
        """Write what waits, and give the store a moment to take what has closed."""
        if self in running:
            running.remove(self)
        self.recorder.stop()
