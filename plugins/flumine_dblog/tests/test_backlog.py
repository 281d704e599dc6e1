"""The backlog keeps order and loses nothing, wherever its entries lie."""

import os
import resource
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from flumine_dblog.backlog import Backlog
from flumine_dblog.pieces import Piece, counted, entries_of, pieces_of
from flumine_dblog.rows import FIELDS


class Lines(RuleBasedStateMachine):
    """A list says what a backlog must hold."""

    def __init__(self) -> None:
        super().__init__()
        import tempfile

        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "a" / "spool.jsonl"
        self.backlog = Backlog(self.path, memory=3)
        self.expected: list[Any] = []
        self.number = 0
        self.in_flight: list[Any] = []

    def teardown(self) -> None:
        self.backlog.close()
        self.folder.cleanup()

    @rule(
        noun=st.sampled_from(("balance", "end")),
        values=st.lists(
            st.text(max_size=5)
            | st.floats(allow_nan=False, allow_infinity=False)
            | st.none()
            | st.integers(-(2**60), 2**60),
            max_size=7,
        ),
    )
    def put(self, noun: str, values: list[Any]) -> None:
        told = [(number, noun, (value,) * len(FIELDS[noun])) for number, value in enumerate(values, self.number + 1)]
        self.number += len(told)
        self.expected += told
        self.backlog.put(pieces_of(told))

    @rule(most=st.integers(1, 4))
    def peek(self, most: int) -> None:
        self.in_flight = list(entries_of(self.backlog.peek(most)))
        assert self.in_flight == self.expected[: len(self.in_flight)]
        assert bool(self.in_flight) == bool(self.expected)

    @precondition(lambda self: self.in_flight)
    @rule()
    def confirm(self) -> None:
        self.backlog.confirm(len(self.in_flight))
        del self.expected[: len(self.in_flight)]
        self.in_flight = []

    @rule()
    def spill(self) -> None:
        self.backlog.spill()

    @rule()
    def restart(self) -> None:
        """What was confirmed may come again after a restart, in order; the database knows it."""
        self.backlog.close()
        self.backlog = Backlog(self.path, memory=3)
        self.in_flight = []
        there = len(self.backlog)
        again = self.backlog.peek(1)
        if again and (not self.expected or again[0].first < self.expected[0][0]):
            extra = there - len(self.expected)
            seen = 0
            while seen < extra:
                some = self.backlog.peek(extra - seen)
                seen += counted(some)
                self.backlog.confirm(counted(some))

    @invariant()
    def counts(self) -> None:
        assert len(self.backlog) == len(self.expected)

    @invariant()
    def leaves_no_empty_spool(self) -> None:
        if not self.expected:
            assert not self.path.exists()


TestLines = Lines.TestCase
TestLines.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


def pieces(*numbers: int) -> list[Piece]:
    return pieces_of((number, "end", ("x" * 50, 0)) for number in numbers)


def numbers(backlog: Backlog, most: int) -> list[int]:
    return [number for number, _, _ in entries_of(backlog.peek(most))]


def test_an_unfinished_line_is_cut(tmp_path: Path) -> None:
    backlog = Backlog(tmp_path / "spool", 1)
    backlog.put(pieces(1, 2, 3))
    backlog.close()
    whole = (tmp_path / "spool").read_bytes()
    (tmp_path / "spool").write_bytes(whole[:-7])
    again = Backlog(tmp_path / "spool", 1)
    assert again.peek(10) == pieces(1, 2)
    again.put(pieces(4))
    assert numbers(again, 10) == [1, 2, 4]
    again.close()


def test_a_damaged_line_is_passed_over_and_counted(tmp_path: Path) -> None:
    lines = [b'[1,"n",[1]]', b"\x00\x00\x00", b'[3,"n",[3]]']
    (tmp_path / "spool").write_bytes(b"\n".join(lines) + b"\n")
    backlog = Backlog(tmp_path / "spool", 10)
    found = []
    while len(backlog):
        some = numbers(backlog, 10)
        found += some
        backlog.confirm(len(some))
    assert found == [1, 3]
    assert backlog.damaged == 1
    assert not (tmp_path / "spool").exists()


def in_a_child(function: Callable[[Path], int], path: Path) -> int:
    """Return the exit status of a process of its own that runs a function, which may change what a process may do."""
    child = os.fork()
    if not child:
        code = 1
        try:
            code = function(path)
        finally:
            os._exit(code)
    return os.waitpid(child, 0)[1]


def _in_a_full_disk(path: Path) -> int:
    """Put 30 entries where files may hold 300 bytes, confirm as if the database came back; return what went wrong."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300, 300))
    backlog = Backlog(path, 2)
    failures = 0
    for number in range(1, 31):
        try:
            backlog.put(pieces(number))
        except OSError:
            failures += 1
    assert failures and path.stat().st_size <= 300
    found: list[int] = []
    while len(backlog):
        some = numbers(backlog, 7)
        backlog.confirm(len(some))
        found += some
    assert found == list(range(1, 31 - backlog.lost)), found
    assert backlog.lost == 30 - len(found)
    return 0


def test_a_full_disk_keeps_entries_in_memory(tmp_path: Path) -> None:
    assert in_a_child(_in_a_full_disk, tmp_path / "spool") == 0


def test_what_finds_no_place_is_counted(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    backlog = Backlog(tmp_path / "file" / "spool", 1)
    for number in range(1, 21):
        with pytest.raises(OSError):
            backlog.put(pieces(number))
            raise OSError  # the first ones still find a place in memory
    assert backlog.lost == 10
    with pytest.raises(OSError):
        backlog.put(pieces(21, 22, 23))
    assert backlog.lost == 13
    assert numbers(backlog, 99) == list(range(1, 11))


def test_of_many_at_once_those_that_find_place_are_kept(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    backlog = Backlog(tmp_path / "file" / "spool", 1)
    with pytest.raises(OSError):
        backlog.put(pieces(*range(1, 21)))
    assert backlog.lost == 10
    assert numbers(backlog, 99) == list(range(1, 11))


def _closed_in_a_full_disk(path: Path) -> int:
    """Close a backlog of 10 entries of which 3 could be spooled."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300, 300))
    backlog = Backlog(path, 2)
    backlog.put(pieces(1, 2, 3))
    with pytest.raises(OSError):
        backlog.put(pieces(*range(4, 11)))
    assert not backlog.lost
    with pytest.raises(OSError, match="7 entries"):
        backlog.close()
    assert (len(backlog), backlog.lost) == (3, 7)
    # the thread that writes may still run
    backlog.spill()
    backlog.confirm(1)
    assert not backlog.peek(1)
    with pytest.raises(OSError):
        backlog.put(pieces(11))
    assert backlog.lost == 8
    assert numbers(Backlog(path, 2), 10) == [1, 2, 3]
    return 0


def test_what_a_full_disk_has_no_room_for_at_the_end_is_lost(tmp_path: Path) -> None:
    assert in_a_child(_closed_in_a_full_disk, tmp_path / "spool") == 0


def test_no_empty_spool_is_left_where_nothing_could_be_spooled(tmp_path: Path) -> None:
    (tmp_path / "spool").mkdir()
    backlog = Backlog(tmp_path / "spool" / "file", 10)
    backlog.put(pieces(1, 2))
    (tmp_path / "spool" / "file").mkdir()
    with pytest.raises(OSError, match="2 entries"):
        backlog.close()
    assert not len(backlog)
