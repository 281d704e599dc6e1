"""The journal's log: it is moved into the file while nobody waits for it, and does not grow without end."""

from pathlib import Path

from flumine_core.live.journal import Journal

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
