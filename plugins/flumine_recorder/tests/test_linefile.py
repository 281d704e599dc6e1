"""A file is healed when it is taken up, and holds whole lines after every failure."""

from collections.abc import Callable
from pathlib import Path

import pytest
from flumine_recorder.linefile import take_up, write_at
from flumine_recorder.message import KINDS, parse
from hypothesis import given, settings
from hypothesis import strategies as st

from flumine_core.synthetic.market import SyntheticMarket

MARKET = KINDS["mcm"]
LINES = list(SyntheticMarket(updates=30).lines())
TEXT = b"".join(LINES)


@settings(deadline=None)
@given(
    cut=st.integers(0, len(TEXT)), garbage=st.sampled_from([b"", b"\0" * 40, b"\0" * 9 + b"\n", b"{}\n{", b"\xff\n"])
)
def test_wherever_a_file_breaks_off_its_whole_lines_stay(
    tmp_path_factory: pytest.TempPathFactory, cut: int, garbage: bytes
) -> None:
    path = tmp_path_factory.mktemp("heal") / "market"
    path.write_bytes(TEXT[:cut] + garbage)
    if cut < len(LINES[0]) and b"\n" in garbage:
        with pytest.raises(OSError, match="no line"):
            take_up(path, MARKET, "1.1")
        assert path.read_bytes() == TEXT[:cut] + garbage
        return
    file = take_up(path, MARKET, "1.1")
    kept = path.read_bytes()
    whole = TEXT[: TEXT.rfind(b"\n", 0, cut) + 1]
    assert kept == whole and file.length == len(whole)
    if whole:
        last = whole.splitlines(keepends=True)[-1]
        assert file.last_text == last and file.last_ms == parse(last)[2]
        assert file.first_ms == parse(LINES[0])[2]


def test_a_closed_market_is_known_as_such_when_taken_up(tmp_path: Path, lines_of: Callable[..., list[bytes]]) -> None:
    lines = lines_of()
    path = tmp_path / "market"
    path.write_bytes(b"".join(lines))
    file = take_up(path, MARKET, "1.1")
    assert file.is_closed and file.event_id == "30000001" and (file.market_time or "").startswith("2024-06-01")
    path.write_bytes(b"".join(lines[:-1]))
    assert not take_up(path, MARKET, "1.1").is_closed


def test_writing_goes_on_where_the_whole_lines_end(tmp_path: Path) -> None:
    path = tmp_path / "market"
    end = write_at(path, 0, b"one\n")
    path.write_bytes(b"one\ntw")  # what a write that failed may have left
    assert write_at(path, end, b"two\n") == 8
    assert path.read_bytes() == b"one\ntwo\n"
    path.unlink()
    assert write_at(path, 8, b"three\n") == 6
    assert path.read_bytes() == b"three\n"


def test_a_full_disk_raises() -> None:
    with pytest.raises(OSError, match="No space"):
        write_at(Path("/dev/full"), 0, b"one\n")
