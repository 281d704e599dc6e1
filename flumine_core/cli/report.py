"""What a simulation came to: a table or one JSON object on stdout, what went wrong on stderr."""

import json
from typing import Any

import click

from ..plain import Result, Totals
from .tables import print_table

MOST_TOLD = 20
"""Bad lines told one by one on stderr; the JSON object has all that are kept."""


def totals_of(result: Result) -> dict[str, Totals]:
    """Return the totals of each strategy, also of those that placed nothing."""
    names = [*result.strategies, *(name for name in result.totals if name not in result.strategies)]
    return {name: result.totals.get(name, Totals()) for name in names}


def _refused(result: Result, strategy: str | None = None) -> dict[str, int]:
    counts: dict[str, int] = {}
    for (name, control), count in sorted(result.refused.items()):
        if strategy in (None, name):
            counts[control] = counts.get(control, 0) + count
    return counts


def _errors(result: Result, plugin: str) -> int:
    return sum(count for (name, _), (count, _) in result.faults.items() if name == plugin)


def as_json(result: Result) -> dict[str, Any]:
    """Return the result as one object."""
    totals = totals_of(result)
    return {
        "files": result.files,
        "markets": result.market_count,
        "books": result.books,
        "orders": sum(each.orders for each in totals.values()),
        "matched": sum(each.matched_pence for each in totals.values()) / 100,
        "staked": sum(each.staked_pence for each in totals.values()) / 100,
        "profit": sum(each.profit_pence for each in totals.values()) / 100,
        "errors": result.error_count,
        "refusals": sum(result.refused.values()),
        "refusals_by_control": _refused(result),
        "strategies": {
            name: {
                "markets": len(each.markets),
                "orders": each.orders,
                "matched": each.matched,
                "staked": each.staked,
                "profit": each.profit,
                "refusals": sum(_refused(result, name).values()),
                "refusals_by_control": _refused(result, name),
                "errors": _errors(result, name),
            }
            for name, each in totals.items()
        },
        "faults": [
            {"plugin": plugin, "hook": hook, "count": count, "error": text}
            for (plugin, hook), (count, text) in sorted(result.faults.items())
        ],
        "bad_lines": {"count": result.bad_line_count, "messages": result.bad_lines},
        "not_simulated": result.lost,
        "notices": result.notices,
    }


def print_result(result: Result, output_format: str) -> None:
    """Print the result to stdout, and what went wrong to stderr."""
    if output_format == "json":
        click.echo(json.dumps(as_json(result), indent=2))
    else:
        _print_tables(result)
    tell_errors(result)


def _print_tables(result: Result) -> None:
    columns = ["strategy", "markets", "orders", "matched", "staked", "profit", "refusals", "errors"]
    rows = []
    for name, each in totals_of(result).items():
        refused = ", ".join(f"{control} {count}" for control, count in _refused(result, name).items())
        rows.append(
            [
                name,
                len(each.markets),
                each.orders,
                f"{each.matched:.2f}",
                f"{each.staked:.2f}",
                f"{each.profit:.2f}",
                refused or "0",
                _errors(result, name),
            ]
        )
    print_table(columns, rows, numbers=("markets", "orders", "matched", "staked", "profit", "errors"))
    files = f"{result.files} file{'' if result.files == 1 else 's'}"
    click.echo(f"\n{files}, {result.market_count} markets, {result.books} books, {result.error_count} errors")
    if result.faults:
        click.echo("")
        faults = [(plugin, hook, count, text) for (plugin, hook), (count, text) in sorted(result.faults.items())]
        print_table(["raised by", "in", "times", "first error"], faults, numbers=("times",))


def tell_errors(result: Result) -> None:
    """Print to stderr what could not be used."""
    for message in result.bad_lines[:MOST_TOLD]:
        click.echo(f"bad line: {message}", err=True)
    if result.bad_line_count > MOST_TOLD:
        click.echo(f"bad line: {result.bad_line_count - MOST_TOLD} more", err=True)
    for message in result.lost:
        click.echo(f"not simulated: {message}", err=True)
    for message in result.notices:
        click.echo(f"note: {message}", err=True)
