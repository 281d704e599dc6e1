"""How recorders are doing, as a live table, and what it has come to, as a report."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from time import monotonic
from typing import Any

import attrs
import click
import msgspec
from rich.console import Console
from rich.live import Live
from rich.table import Table

from .plugin import RecorderStrategy
from .recorder import Status

MOST_GAPS = 20
"""How many gaps a printed report shows one by one; JSON has them all."""

_MB = 1_000_000


class _Rates:
    """Lines a second of each recorder, over the second before."""

    def __init__(self) -> None:
        self._before: dict[int, tuple[float, int, float]] = {}

    def of(self, key: int, lines: int) -> float:
        """Return the rate, measured anew once a second has gone by."""
        now = monotonic()
        then, before, rate = self._before.get(key, (now, lines, 0.0))
        if now - then >= 1:
            then, before, rate = now, lines, (lines - before) / (now - then)
        self._before[key] = (then, before, rate)
        return rate


@contextmanager
def live_table(recorders: Sequence[RecorderStrategy], is_shown: bool) -> Iterator[None]:
    """Show a table on stderr that is brought up to date twice a second."""
    if not is_shown:
        yield
        return
    rates = _Rates()
    console = Console(stderr=True)
    with Live(get_renderable=lambda: table_of(recorders, rates), console=console, refresh_per_second=2):
        yield


def table_of(recorders: Sequence[RecorderStrategy], rates: "_Rates | None" = None) -> Table:
    """Return the live table as it is now."""
    rates = rates or _Rates()
    table = Table()
    for title in ("recorder", "markets", "lines", "lines/s", "MB", "lag s", "waiting MB", "gaps", "unstored", "stored"):
        table.add_column(title, justify="left" if title == "recorder" else "right")
    table.add_column("problem", style="red")
    for number, recorder in enumerate(recorders):
        status = recorder.recorder.status()
        lag = "" if recorder.lag_ms is None else f"{recorder.lag_ms / 1000:.2f}"
        table.add_row(
            recorder.name,
            f"{status.markets}",
            f"{status.counts.lines:,}",
            f"{rates.of(number, status.counts.lines):,.0f}",
            f"{status.counts.bytes / _MB:,.1f}",
            lag,
            f"{status.waiting_bytes / _MB:,.1f}",
            f"{status.gaps}",
            f"{status.unstored} ({status.unstored_bytes / _MB:,.1f} MB)" if status.unstored else "0",
            f"{status.stored}",
            status.disk_problem or status.store_problem or "",
        )
    return table


def closing_report(framework: Any, recorders: Sequence[RecorderStrategy]) -> dict[str, Any]:
    """Return what recorders have come to, as plain data."""
    statuses: list[Status] = [each.recorder.status() for each in recorders]
    problems = [problem for each in recorders for problem in each.recorder.problems]
    problems.extend([*framework.bad_lines, *framework.stream_errors])
    problems.extend(f"{fault.plugin}: {fault.hook}: {fault.error}" for fault in framework.faults.first.values())
    return {
        "lines": sum(status.counts.lines for status in statuses),
        "bytes": sum(status.counts.bytes for status in statuses),
        "changes": sum(status.counts.changes for status in statuses),
        "doubled": sum(status.counts.doubled for status in statuses),
        "lines_lost": sum(status.counts.lost for status in statuses),
        "open_markets": sum(status.markets for status in statuses),
        "stored": [name for each in recorders for name in each.recorder.stored],
        "unstored": sum(status.unstored for status in statuses),
        "gaps": [attrs.asdict(gap) for each in recorders for gap in each.recorder.gaps],
        "problems": problems,
    }


def print_report(report: dict[str, Any], output_format: str) -> None:
    """Print a report on stdout."""
    if output_format == "json":
        click.echo(msgspec.json.encode(report).decode())
        return
    click.echo(
        f"{report['lines']:,} lines, {report['bytes'] / _MB:,.1f} MB; {len(report['stored'])} recordings stored, "
        f"{report['unstored']} wait for the store, {report['open_markets']} markets stay open for the next run"
    )
    if report["doubled"]:
        click.echo(f"{report['doubled']:,} lines came twice and were recorded once")
    gaps = report["gaps"]
    if gaps:
        table = Table(title="what the recordings miss (publish times in ms)")
        for title in ("market", "kind", "after", "before", "reason", "lines lost"):
            table.add_column(title)
        for gap in gaps[:MOST_GAPS]:
            table.add_row(
                gap["market_id"],
                gap["kind"],
                str(gap["start_ms"]),
                "" if gap["end_ms"] is None else str(gap["end_ms"]),
                gap["reason"],
                str(gap["lines_lost"]),
            )
        Console().print(table)
        if len(gaps) > MOST_GAPS:
            click.echo(f"... and {len(gaps) - MOST_GAPS} more, all of them beside the recordings (.gaps)")
    for problem in report["problems"]:
        click.echo(f"problem: {problem}")
