"""The journal: its log is moved into the file while nobody waits for it; it finds its place, and forgets in time."""

import sqlite3
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from flumine_core import Settings
from flumine_core.errors import SettingsError
from flumine_core.live import journal
from flumine_core.live.journal import Journal, open_journal

from .conftest import wait_for

STATEMENT = "INSERT OR REPLACE INTO meta VALUES (?, ?)"


def open_at(path: Path) -> Journal:
    return Journal(path, "NORMAL", Clock(), lambda strategy, reason: None)


class Clock:
    epoch_ms = 1_700_000_000_000


def write(journal: Journal, first: int, count: int) -> None:
    for number in range(first, first + count):
        journal.intend([(STATEMENT, (f"name-{number}", "x" * 3_000))])
        if not number % 100:
            journal.close_market(f"1.{number}")


def size_of(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def test_the_log_is_moved_into_the_file_once_it_is_quiet(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    journal = open_at(path)
    try:
        write(journal, 0, 100)
        wait_for(lambda: size_of(path) > 100 * 3_000)
    finally:
        journal.end()


def test_the_log_does_not_grow_without_end_though_it_is_never_quiet(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    journal = open_at(path)
    try:
        sizes = []
        for turn in range(6):
            write(journal, turn * 1_000, 1_000)
            sizes.append(size_of(path.with_name("journal.sqlite-wal")))
            wait_for(lambda turn=turn: size_of(path) > max(turn, 1) * 1_000 * 3_000)
        assert sizes[-1] < 3 * sizes[0], sizes
    finally:
        journal.end()


def test_a_journal_is_found_in_the_home_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    ids: Any = SimpleNamespace(above=lambda high_water: None)
    made = open_journal(Settings(journal="~/state/journal.sqlite"), Clock(), ids, print)
    assert made is not None
    made.end()
    assert made.path == tmp_path / "home" / "state" / "journal.sqlite"
    assert [each.name for each in tmp_path.iterdir()] == ["home"]
    with pytest.raises(SettingsError, match="cannot be used"):
        open_journal(Settings(journal="~nobody.is.there/journal.sqlite"), Clock(), ids, print)


def test_a_run_of_months_forgets_markets_that_have_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "_FORGET_SECONDS", 0.0)
    monkeypatch.setattr(journal, "_QUIET_SECONDS", 0.02)
    clock, path = Clock(), tmp_path / "journal.sqlite"
    made = Journal(path, "NORMAL", clock, print)

    def order(number: int) -> None:
        made.intend([(journal._ORDER, (f"{number}", "me", f"1.{number}", b""))])

    def left() -> set[str]:
        with sqlite3.connect(path) as reader:
            return {order_id for (order_id,) in reader.execute("SELECT order_id FROM orders")}

    try:
        for number in (1, 2, 3):
            order(number)
        made.close_market("1.2")
        made.close_market("1.3")
        order(4)
        clock.epoch_ms += 6 * 86_400_000
        made.close_market("1.1")
        clock.epoch_ms += 2 * 86_400_000
        order(5)
        wait_for(lambda: left() == {"1", "4", "5"})
        assert made.high_water == "5"
    finally:
        made.end()
