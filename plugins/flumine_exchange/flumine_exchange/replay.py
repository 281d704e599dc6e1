"""Plays recorded, synthetic and scripted markets into the exchange, at the pace that is asked for."""

import asyncio
import heapq
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from attrs import define, field
from flumine_core.errors import DataError, FlumineCoreError, SettingsError

from .feed import FeedLine, Timeline, first_line, name_of, off_of, read
from .market import ExchangeMarket
from .scenario import Scenario
from .sportsstream import SportStreams
from .state import ExchangeState

LINES_A_TURN = 20


@define(eq=False)
class Track:
    """One source on its way: the next line, and where its times lie.

    :ivar left_out: its markets that another source plays.
    """

    name: str
    lines: Iterator[FeedLine]
    timeline: Timeline
    line: FeedLine | None
    left_out: set[str] = field(factory=set)

    @property
    def is_idle(self) -> bool:
        """Whether the next line holds nothing but markets that are left out."""
        line = self.line
        return line is not None and bool(line.changes) and all(each.market_id in self.left_out for each in line.changes)


class Replay:
    """The sources, merged by time; a market that two of them hold is played from the first that brings it alone.

    :ivar bad_lines: what could not be used, each in one sentence.
    :ivar played: how many lines were played, without those of nothing but markets that are left out.
    """

    def __init__(
        self,
        state: ExchangeState,
        sports: SportStreams,
        add_market: Callable[[str], ExchangeMarket],
        speed: float | None,
    ) -> None:
        self.state = state
        self.speed = speed
        self.bad_lines: list[str] = []
        self.played = 0
        self.is_running = False
        self.finished = asyncio.Event()
        self._sports = sports
        self._add_market = add_market
        self._tracks: list[Track] = []
        self._scenarios: list[Scenario] = []
        self._recorded: dict[str, tuple[Track, dict[str, Any]]] = {}
        self._waiting: list[tuple[int, int, Track]] = []
        self._turn = 0
        self._task: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self._has_begun = False
        self._paused_ms: int | None = None

    def load(self, sources: Sequence[Any]) -> None:
        """Play the first line of each source, so that its markets are there; a path that comes again is left out.

        :raises StreamError: where a file cannot be opened, or holds nothing.
        :raises SettingsError: where two scenarios are of the same market.
        """
        now = self.state.clock.epoch_ms
        paths: set[str] = set()
        for source in sources:
            if isinstance(source, Scenario):
                self.add(source)
                continue
            name = name_of(source)
            if isinstance(source, str | Path):
                if name in paths:
                    continue
                paths.add(name)
            lines = read(source, self.bad_lines.append)
            line = first_line(lines, name)
            track = Track(name, lines, Timeline(line.publish_time, now, self.speed or 1.0), line)
            self._tracks.append(track)
        if self.state.settings.keeps_gaps and self._tracks:
            first = min(track.timeline.recorded_ms for track in self._tracks)
            for track in self._tracks:
                track.timeline.recorded_ms = first
        for track in self._tracks:
            self._play_next(track)
            self._skip(track)
            self._queue(track)
        if not self._tracks:
            self.finished.set()

    def add(self, scenario: Scenario) -> None:
        """Bring a scripted market; its script begins with the replay, or now where that has begun.

        :raises SettingsError: where there is such a market already.
        """
        if scenario.market_id in self.state.markets:
            raise SettingsError(f"there is a market {scenario.market_id} already")
        market = self._add_market(scenario.market_id)
        market.apply(scenario.market_definition(self.state.clock.epoch_ms), scenario.changes(), is_image=True)
        if self._has_begun:
            self._script(scenario)
        else:
            self._scenarios.append(scenario)

    def _skip(self, track: Track) -> None:
        """Play what lies before the time from which the replay is paced."""
        before = self.state.settings.seconds_before_off
        if before is None:
            return
        offs = [off_of(definition) for owner, definition in self._recorded.values() if owner is track]
        known = [off for off in offs if off is not None]
        if not known:
            return
        begin = min(known) - round(before * 1000)
        while track.line is not None and track.line.publish_time < begin:
            self._play_next(track)
        if not self.state.settings.keeps_gaps and track.line is not None:
            track.timeline.recorded_ms = track.line.publish_time

    def _queue(self, track: Track) -> None:
        if track.line is not None:
            self._turn += 1
            due = 0 if track.is_idle else track.timeline.moved(track.line.publish_time)
            heapq.heappush(self._waiting, (due, self._turn, track))

    def _play_next(self, track: Track) -> bool:
        """Play the next line; return whether it counts: False where all of it is left out."""
        line = track.line
        if line is None:
            return False
        if line.sport is not None:
            self._sports.publish(line.sport, line.sport_changes or [])
        for change in line.changes:
            definition = change.definition
            is_image = change.is_image
            if self._is_left_out(change.market_id, track):
                continue
            market = self.state.markets.get(change.market_id)
            if market is None:
                if definition is None:
                    self.bad_lines.append(f"the first change of market {change.market_id} has no marketDefinition")
                    continue
                market, is_image = self._add_market(change.market_id), True
            if definition is not None:
                self._recorded[change.market_id] = (track, definition)
                definition = track.timeline.definition(definition)
            try:
                market.apply(definition, change.changes, change.total, is_image, change.raw)
            except (DataError, LookupError, TypeError) as error:
                self.bad_lines.append(f"a change of market {change.market_id} at {line.publish_time}: {error!r}")
        counts = not track.is_idle
        self.played += counts
        track.line = self._next(track.lines)
        return counts

    def _is_left_out(self, market_id: str, track: Track) -> bool:
        if market_id in track.left_out:
            return True
        owner = self._recorded[market_id][0] if market_id in self._recorded else None
        if owner is track or market_id not in self.state.markets:
            return False
        track.left_out.add(market_id)
        origin = "a scenario" if owner is None else owner.name
        self.bad_lines.append(
            f"{track.name}: market {market_id} comes from {origin}, which is played too: left out here"
        )
        return True

    def _next(self, lines: Iterator[FeedLine]) -> FeedLine | None:
        """Return the next line; where a file cannot be read on, that is told and it ends there."""
        try:
            return next(lines, None)
        except FlumineCoreError as error:
            self.bad_lines.append(str(error))
            return None

    def start(self) -> None:
        """Start, or go on."""
        if self.is_running:
            return
        self.is_running = True
        now = self.state.clock.epoch_ms
        if not self._has_begun:
            self._has_begun = True
            for track in self._tracks:
                self._shift(track, now - track.timeline.exchange_ms)
            for scenario in self._scenarios:
                self._script(scenario)
        elif self._paused_ms is not None:
            for track in self._tracks:
                self._shift(track, now - self._paused_ms)
        self._paused_ms = None
        self._requeue()
        self._task = asyncio.get_running_loop().create_task(self._run())

    def _shift(self, track: Track, milliseconds: int) -> None:
        if milliseconds <= 0:
            return
        track.timeline.exchange_ms += milliseconds
        for market_id, (owner, definition) in self._recorded.items():
            if owner is track:
                market = self.state.markets[market_id]
                moved = track.timeline.definition(definition)
                dates = {name: moved[name] for name in ("marketTime", "suspendTime", "openDate") if name in moved}
                market.apply(market.definition_copy() | dates)

    def _requeue(self) -> None:
        tracks = [track for _, _, track in self._waiting]
        self._waiting = []
        for track in tracks:
            self._queue(track)

    def _script(self, scenario: Scenario) -> None:
        for step in scenario.steps:
            seconds = self.state.settings.wait(step.seconds) / (self.speed or 1.0)
            self.state.clock.call_later(seconds, self._stepper(scenario, step.operation, dict(step.args)))

    def _stepper(self, scenario: Scenario, operation: str, args: dict[str, Any]) -> Callable[[], None]:
        def run() -> None:
            self.state.run_operation(f"market.{operation}", market_id=scenario.market_id, **args)

        return run

    def pause(self) -> None:
        """Stop for now; nothing is played until `start`."""
        if self.is_running:
            self.is_running = False
            self._paused_ms = self.state.clock.epoch_ms
            if self._task is not None:
                self._task.cancel()
                self._task = None

    def step(self, count: int = 1) -> int:
        """Play the next `count` lines now, while paused; return how many there were."""
        played = 0
        while played < count and self._waiting:
            _, _, track = heapq.heappop(self._waiting)
            played += self._play_next(track)
            self._queue(track)
        if not self._waiting:
            self.finished.set()
        return played

    async def _run(self) -> None:
        since_turn = 0
        rate = self.state.settings.changes_a_second
        begun, played = self.state.clock.epoch_ms, 0
        while self._waiting:
            due, _, track = self._waiting[0]
            if rate is not None:
                due = begun + round(played * 1000 / rate)
            if self.speed is not None or rate is not None:
                ahead = (due - self.state.clock.epoch_ms) / 1000
                if ahead > 0:
                    since_turn = 0
                    await self.state.clock.sleep(ahead)
                    continue
            heapq.heappop(self._waiting)
            played += self._play_next(track)
            self._queue(track)
            since_turn += 1
            if since_turn >= LINES_A_TURN:
                since_turn = 0
                await asyncio.sleep(0)
        self.is_running = False
        self.finished.set()

    async def shut_down(self) -> None:
        """End the replay."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
