"""The installed plugin, named in flumine.toml: it is listed, its options are checked, and any number of workers writes
the same."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Read = Callable[[Path], list[dict[str, str]]]

COMMON = ("market_id", "order_id", "strategy", "order_type", "price", "size", "status", "profit", "violation_msg")


@pytest.mark.parametrize("options", [{}, {"status_changes": True}, {"rotation": "day"}, {"rotation": "market"}])
def test_two_workers_write_what_one_does(command_line: Any, markets: list[Path], options: dict[str, Any]) -> None:
    written = []
    for workers in (1, 2):
        log = command_line.directory / f"log-{workers}"
        command_line.configure(directory=log.name, **options)
        code, result = command_line.simulate("csvlog_strategies:EachKind", *markets, "--workers", workers)
        assert (code, result["orders"]) == (0, 12)
        written.append({str(path.relative_to(log)): path.read_bytes() for path in log.rglob("*.csv")})
    assert written[0] == written[1]
    assert written[0]


def test_orders_are_those_of_the_result(command_line: Any, markets: list[Path], read: Read) -> None:
    command_line.configure()
    command_line.simulate("csvlog_strategies:EachKind", *markets, "--output", "result")
    for kind, names in {"orders": COMMON, "markets": ("market_id", "market_type", "venue")}.items():
        ours, theirs = (read(command_line.directory / folder / f"{kind}.csv") for folder in ("csvlog", "result"))
        assert [[row[name] for name in names] for row in ours] == [[row[name] for name in names] for row in theirs]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"rotation": "week"}, "rotation: must be one of 'day', 'market', 'run', was 'week'"),
        ({"colums": {}}, "did you mean 'columns'"),
        ({"columns": {"orders": ["sid"]}}, "was 'sid'"),
    ],
)
@pytest.mark.parametrize("workers", [1, 2])
def test_options_that_do_not_fit_stop_the_start(
    command_line: Any, markets: list[Path], options: dict[str, Any], told: str, workers: int
) -> None:
    command_line.configure()
    text = "\n".join(_toml(name, value) for name, value in options.items())
    with (command_line.directory / "flumine.toml").open("a") as file:
        file.write(f"\n{text}")
    with command_line.start("csvlog_strategies:EachKind", *markets, "--workers", workers) as process:
        _, error = process.communicate(timeout=120)
    assert process.returncode != 0 and told in error
    assert not (command_line.directory / "csvlog").exists()


def _toml(name: str, value: Any) -> str:
    if isinstance(value, dict):
        return f"{name} = {{ {', '.join(_toml(*each) for each in value.items())} }}"
    return f"{name} = {value!r}"
