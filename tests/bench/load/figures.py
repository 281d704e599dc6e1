"""What follows from the callbacks that one side has recorded: latencies, lag, and how soon a backlog was gone."""

from array import array
from bisect import bisect_right
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from attrs import frozen

MILLION = 1_000_000


@frozen
class Callback:
    """One callback: the change's number, the book's publish time (ms), and when it came and had read (ns)."""

    number: int
    publish_ms: int
    called_ns: int
    read_ns: int


def read_callbacks(path: Path) -> list[Callback]:
    """Return what a side has recorded, without the images."""
    numbers = array("q")
    numbers.frombytes(path.read_bytes())
    return [Callback(*numbers[at : at + 4]) for at in range(0, len(numbers), 4) if numbers[at]]


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which that share of the values lies."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


def write_times_of(writes: Sequence[tuple[str, int, int]], count: int) -> dict[int, int]:
    """Return when each of the `count` changes was written (ns), by its number.

    A heartbeat bears the sequence of the message before it; what was written before the changes is left out.
    """
    first: dict[int, int] = {}
    for kind, sequence, time_ns in writes:
        if kind == "market":
            first.setdefault(sequence, time_ns)
    return dict(enumerate(list(first.values())[-count:], 1))


class Lag:
    """How late each callback was: from the writing of the oldest change that it brought to its coming.

    A side that merges changes which wait is judged by the first of them. When that was written is not known, but
    when the last change before it was that anybody saw: the lag may be taken for longer than it was, never shorter.
    """

    def __init__(self, callbacks: Sequence[Callback], markets: int) -> None:
        self.callbacks = callbacks
        self._markets = markets
        first_seen: dict[int, int] = {}
        for each in callbacks:
            first_seen.setdefault(each.number, each.publish_ms)
        self._numbers = sorted(first_seen)
        self._times = [first_seen[number] for number in self._numbers]
        latest: dict[int, int] = {}
        self.times_ns: list[int] = []
        self.seconds: list[float] = []
        self.newest: list[float] = []
        for each in callbacks:
            market = each.number % markets
            before = latest.get(market)
            if before == each.number:
                continue
            latest[market] = each.number
            oldest = each.number if before is None else before + markets
            self.times_ns.append(each.called_ns)
            self.seconds.append((each.called_ns / MILLION - self.written_ms(oldest)) / 1000)
            self.newest.append((each.called_ns / MILLION - each.publish_ms) / 1000)

    def written_ms(self, number: int) -> int:
        """Return when a change was written at the earliest."""
        return self._times[max(bisect_right(self._numbers, number) - 1, 0)]

    @property
    def rate(self) -> float:
        """How many changes a second the exchange has written."""
        passed = self._times[-1] - self._times[0]
        return (self._numbers[-1] - self._numbers[0]) * 1000 / max(passed, 1)

    def tenth(self, number: int) -> float:
        """Return the median lag in one tenth (0 to 9) of the time in which the exchange wrote, in seconds.

        What came after that time belongs to the last tenth; infinite where nothing came.
        """
        begin = self._times[0] * MILLION
        length = (self._times[-1] * MILLION - begin) / 10
        low = begin + number * length
        high = float("inf") if number == 9 else low + length
        found = [lag for time_ns, lag in zip(self.times_ns, self.seconds, strict=True) if low <= time_ns < high]
        return median(found) if found else float("inf")

    @property
    def is_steady(self) -> bool:
        """Whether it did not grow: the last tenth's at most twice the second tenth's, or 20 ms above, and under 1 s."""
        early, late = self.tenth(1), self.tenth(9)
        return late < 1 and late - early <= max(early, 0.02)

    def current_after(self, moment_ns: int) -> float:
        """Return how many seconds after a moment all that was written before it had been seen, of every market."""
        later = [n for n, ms in zip(self._numbers, self._times, strict=True) if ms * MILLION > moment_ns]
        end = min(later, default=self._numbers[-1] + 1)
        wanted = {number % self._markets: number for number in range(max(end - self._markets, 1), end)}
        seen_ns = moment_ns
        for each in self.callbacks:
            market = each.number % self._markets
            if market in wanted and each.number >= wanted[market]:
                del wanted[market]
                seen_ns = max(seen_ns, each.called_ns)
        return float("inf") if wanted else (seen_ns - moment_ns) / 1e9
