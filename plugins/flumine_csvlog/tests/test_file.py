"""Whole rows: whatever a crash leaves of a file, the next one to open it mends it."""

import csv
import gzip
import io
import subprocess
import sys
from pathlib import Path

import pytest
from flumine_csvlog.file import RowFile, TakenError

HEADER = "market_id,notes\n"
ROWS = ["1.1,plain\n", '1.2,"two\nlines, ""quoted"""\n', "1.3,\n", '1.4,"\n\n"\n', "1.5,£1\n"]


def written(path: Path, rows: list[str], is_gzip: bool) -> bytes:
    file = RowFile(path, HEADER, is_gzip)
    for row in rows:
        file.append(row)
    file.close()
    return path.read_bytes()


def text_of(path: Path, is_gzip: bool) -> str:
    data = path.read_bytes()
    return (gzip.decompress(data) if is_gzip else data).decode()


@pytest.mark.parametrize("is_gzip", [False, True])
def test_wherever_a_crash_cuts_whole_rows_are_kept(tmp_path: Path, is_gzip: bool) -> None:
    whole = written(tmp_path / "whole", ROWS[:2], is_gzip)
    whole = written(tmp_path / "whole", ROWS[2:], is_gzip)
    kept = set()
    for length in range(len(whole) + 1):
        path = tmp_path / "cut"
        path.write_bytes(whole[:length])
        written(path, ["2.0,after\n"], is_gzip)
        text = text_of(path, is_gzip)
        assert text.startswith(HEADER) and text.endswith("2.0,after\n")
        rows = text.removeprefix(HEADER).removesuffix("2.0,after\n")
        assert "".join(ROWS).startswith(rows)
        told = [row[0] for row in csv.reader(io.StringIO(rows), strict=True)]
        assert told == ["1.1", "1.2", "1.3", "1.4", "1.5"][: len(told)]
        kept.add(rows)
    assert kept == {"".join(ROWS[:count]) for count in range(len(ROWS) + 1)}


def test_a_compressed_file_can_be_read_while_it_is_written(tmp_path: Path) -> None:
    file = RowFile(tmp_path / "rows", HEADER, is_gzip=True)
    for count, row in enumerate(ROWS, 1):
        file.append(row)
        with gzip.open(tmp_path / "rows", "rb") as reader, pytest.raises(EOFError):
            read = b""
            while True:
                read += reader.read1()
        assert read.decode() == HEADER + "".join(ROWS[:count])
    file.close()


@pytest.mark.parametrize("is_gzip", [False, True])
def test_a_file_of_others_is_left_alone(tmp_path: Path, is_gzip: bool) -> None:
    path = tmp_path / "rows"
    for theirs in (b"a,b,c\n1,2,3", b"\x1f\x8bno gzip", gzip.compress(b"a,b,c\n1,2,3")):
        path.write_bytes(theirs)
        with pytest.raises(TakenError):
            RowFile(path, HEADER, is_gzip)
        assert path.read_bytes() == theirs


def test_a_file_belongs_to_one_process_until_that_dies(tmp_path: Path) -> None:
    path = tmp_path / "rows"
    source = (
        "import sys; from pathlib import Path; from flumine_csvlog.file import RowFile\n"
        f"file = RowFile(Path({str(path)!r}), {HEADER!r}); file.append({ROWS[0]!r}); print(flush=True)\n"
        "sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", source], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        with pytest.raises(TakenError):
            RowFile(path, HEADER)
        process.kill()
        process.wait()
    assert written(path, [ROWS[2]], False).decode() == HEADER + ROWS[0] + ROWS[2]


def test_text_that_is_no_unicode_is_written_all_the_same(tmp_path: Path) -> None:
    assert written(tmp_path / "rows", ["1.1,\udc80\n"], False).decode() == HEADER + "1.1,\\udc80\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_disk_that_is_full_takes_no_part_of_a_row() -> None:
    file = RowFile(Path("/dev/full"), HEADER)
    for _ in range(2):
        with pytest.raises(OSError, match="No space left on device: '/dev/full'"):
            file.append(ROWS[0])
    file.close()
