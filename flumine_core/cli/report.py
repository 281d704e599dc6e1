"""What a simulation came to: a table or one JSON object on stdout, what went wrong on stderr."""

import json
from typing import Any

import click

from ..hint import without_passwords
from ..plain import LOAD, Result, Totals
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
    """Return the result as one object: sums over all, the same by strategy, and what went wrong.

    `markets` and `books` are what was delivered, `markets_traded` those with orders; money is in the account's
    currency; `errors` counts exceptions, bad lines, `not_simulated` and notices. `not_simulated` also names what a
    market was simulated without, such as its catalogue, and results that could not be written.
    """
    totals = totals_of(result)
    whole: dict[str, Any] = {
        "files": result.files,
        "markets": result.market_count,
        "markets_traded": len({market for each in totals.values() for market in each.markets}),
        "books": result.books,
        "orders": sum(each.orders for each in totals.values()),
        "matched": sum(each.matched_pence for each in totals.values()) / 100,
        "staked": sum(each.staked_pence for each in totals.values()) / 100,
        "profit": sum(each.profit_pence for each in totals.values()) / 100,
        "errors": result.error_count,
        "refusals": sum(result.refused.values()),
        "refusals_by_control": _refused(result),
        "bad_lines": result.bad_line_count,
    }
    whole["strategies"] = {name: _by_strategy(result, name, each) for name, each in totals.items()}
    whole["faults"] = [
        {"plugin": plugin, "hook": hook, "count": count, "error": text}
        for (plugin, hook), (count, text) in sorted(result.faults.items())
    ]
    whole["bad_lines_by_file"] = result.bad_line_counts
    whole["bad_line_messages"] = result.bad_lines
    whole["not_simulated"] = result.lost
    whole["notices"] = result.notices
    whole["unsettled"] = list(result.unsettled.values())
    return whole


def _by_strategy(result: Result, name: str, totals: Totals) -> dict[str, Any]:
    refused = _refused(result, name)
    return {
        "markets": result.seen.get(name, 0),
        "markets_traded": len(totals.markets),
        "books": result.books,
        "orders": totals.orders,
        "matched": totals.matched,
        "staked": totals.staked,
        "profit": totals.profit,
        "errors": _errors(result, name),
        "refusals": sum(refused.values()),
        "refusals_by_control": refused,
    }


def print_result(result: Result, output_format: str, is_logged: bool = True) -> None:
    """Print the result to stdout, and what went wrong to stderr.

    :param is_logged: what raised has been logged; otherwise it is told how to see where that was.
    """
    if output_format == "json":
        click.echo(without_passwords(json.dumps(as_json(result), indent=2)))
    else:
        _print_tables(result)
    tell_errors(result, with_faults=output_format == "json")
    if not is_logged and any(hook != LOAD for _, hook in result.faults):  # what cannot be loaded has said why
        click.echo("note: --log-level error shows where it was raised", err=True)


def _print_tables(result: Result) -> None:
    columns = ["strategy", "markets", "traded", "orders", "matched", "staked", "profit", "refusals", "errors"]
    rows = []
    for name, each in totals_of(result).items():
        refused = ", ".join(f"{control} {count}" for control, count in _refused(result, name).items())
        rows.append(
            [
                name,
                result.seen.get(name, 0),
                len(each.markets),
                each.orders,
                f"{each.matched:.2f}",
                f"{each.staked:.2f}",
                f"{each.profit:.2f}",
                refused or "0",
                _errors(result, name),
            ]
        )
    print_table(columns, rows, numbers=("markets", "traded", "orders", "matched", "staked", "profit", "errors"))
    counts = [
        _counted(result.files, "file"),
        _counted(result.market_count, "market"),
        _counted(result.books, "book"),
        _counted(result.error_count, "error"),
    ]
    click.echo("\n" + ", ".join(counts))
    if result.faults:
        click.echo("")
        faults = [
            (plugin, hook, count, without_passwords(text))
            for (plugin, hook), (count, text) in sorted(result.faults.items())
        ]
        print_table(["raised by", "in", "times", "first error"], faults, numbers=("times",))


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def tell_errors(result: Result, with_faults: bool) -> None:
    """Print to stderr what could not be used, and `with_faults` what raised."""
    for (plugin, hook), (count, text) in sorted(result.faults.items()) if with_faults else ():
        _tell(f"raised: {plugin} in {hook}, {_counted(count, 'time')}: {text}")
    for message in result.bad_lines[:MOST_TOLD]:
        _tell(f"bad line: {message}")
    if result.bad_line_count > MOST_TOLD:
        _tell(f"bad line: {result.bad_line_count - MOST_TOLD} more")
    for message in result.lost:
        _tell(f"error: {message}")
    for message in (*result.notices, *result.unsettled.values()):
        _tell(f"note: {message}")


def _tell(message: str) -> None:
    click.echo(without_passwords(message), err=True)
