"""Recorded files as lines of bytes: every way they are stored, and every way they can be broken."""

import bz2
import gzip
import http.server
import importlib.util
import io
import os
import tarfile
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from flumine_core.errors import DataError, StreamError
from flumine_core.simulation.reader import LONGEST_LINE, Source, expand, open_lines, size_of

LINES = [b'{"op":"mcm","pt":%d,"mc":[{"id":"1.%d"}]}\n' % (1000 + number, number % 7) for number in range(5000)]
TEXT = b"".join(LINES)

PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "": lambda text: text,
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".zst": zstandard.compress,
}


def _write(path: Path, content: bytes) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return str(path)


def _read_until_error(address: str | Source) -> tuple[list[bytes], Exception | None]:
    lines: list[bytes] = []
    try:
        for line in open_lines(address):
            lines.append(line)
    except (DataError, StreamError) as error:
        return lines, error
    return lines, None


@pytest.mark.parametrize("suffix", PACKERS)
def test_a_byte_order_mark_is_no_part_of_the_first_line(tmp_path: Path, suffix: str) -> None:
    address = _write(tmp_path / f"1.1{suffix}", PACKERS[suffix](b"\xef\xbb\xbf" + TEXT))
    assert list(open_lines(address)) == LINES


@pytest.mark.parametrize("suffix", PACKERS)
def test_lines_come_as_they_were_stored(tmp_path: Path, suffix: str) -> None:
    address = _write(tmp_path / f"1.1{suffix}", PACKERS[suffix](TEXT))
    assert list(open_lines(address)) == LINES


@pytest.mark.parametrize("packed", [".gz", ".bz2", ".zst"])
@pytest.mark.parametrize("named", ["", ".gz", ".bz2", ".json"])
def test_the_first_bytes_beat_the_extension(tmp_path: Path, packed: str, named: str) -> None:
    address = _write(tmp_path / f"1.1{named}", PACKERS[packed](TEXT))
    assert list(open_lines(address)) == LINES


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".zst"])
def test_plain_text_under_a_compressed_name_is_read(tmp_path: Path, suffix: str) -> None:
    assert list(open_lines(_write(tmp_path / f"1.1{suffix}", TEXT))) == LINES


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".zst"])
def test_something_else_under_a_compressed_name_is_an_error(tmp_path: Path, suffix: str) -> None:
    address = _write(tmp_path / f"1.1{suffix}", b"\x00garbage")
    with pytest.raises(DataError, match=rf"1\.1{suffix}: expected {suffix[1:]} data, was b'"):
        list(open_lines(address))


@pytest.mark.parametrize("suffix", PACKERS)
def test_the_last_line_needs_no_line_end(tmp_path: Path, suffix: str) -> None:
    address = _write(tmp_path / f"1.1{suffix}", PACKERS[suffix](TEXT[:-1]))
    assert list(open_lines(address))[-1] == LINES[-1][:-1]


@pytest.mark.parametrize("suffix", PACKERS)
def test_an_empty_file_has_no_lines(tmp_path: Path, suffix: str) -> None:
    assert list(open_lines(_write(tmp_path / f"1.1{suffix}", b""))) == []
    assert list(open_lines(_write(tmp_path / f"1.2{suffix}", PACKERS[suffix](b"")))) == []


def test_blank_lines_and_garbage_are_lines_too(tmp_path: Path) -> None:
    content = b"\n\r\nnot json\n{}"
    assert list(open_lines(_write(tmp_path / "1.1", content))) == [b"\n", b"\r\n", b"not json\n", b"{}"]


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".zst"])
def test_several_compressed_streams_are_one_file(tmp_path: Path, suffix: str) -> None:
    pack = PACKERS[suffix]
    half = len(TEXT) // 2
    address = _write(tmp_path / f"1.1{suffix}", pack(TEXT[:half]) + pack(b"") + pack(TEXT[half:]))
    assert list(open_lines(address)) == LINES


def test_a_skippable_zstd_frame_may_come_first(tmp_path: Path) -> None:
    frame = b"\x50\x2a\x4d\x18" + (4).to_bytes(4, "little") + b"abcd"
    assert list(open_lines(_write(tmp_path / "1.1", frame + zstandard.compress(TEXT)))) == LINES


def test_zero_padding_after_gzip_is_ignored(tmp_path: Path) -> None:
    assert list(open_lines(_write(tmp_path / "1.1.gz", gzip.compress(TEXT) + b"\0" * 512))) == LINES


@pytest.mark.parametrize("length", range(490, 520))
def test_a_frame_of_zstd_may_begin_at_any_byte(tmp_path: Path, length: int) -> None:
    frame = b"\x5f\x2a\x4d\x18" + length.to_bytes(4, "little") + bytes(length)
    data = frame + frame + zstandard.compress(TEXT) + frame
    assert list(open_lines(_write(tmp_path / "1.1", data))) == LINES


CHECKED = {
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".zst": zstandard.ZstdCompressor(write_checksum=True).compress,
}


@pytest.mark.parametrize("suffix", CHECKED)
def test_a_wrong_checksum_at_the_end_costs_no_line(tmp_path: Path, suffix: str) -> None:
    packed = bytearray(CHECKED[suffix](TEXT))
    packed[-6 if suffix == ".gz" else -2] ^= 255
    lines, error = _read_until_error(_write(tmp_path / f"1.1{suffix}", bytes(packed)))
    assert lines == LINES
    assert isinstance(error, DataError)
    assert f"1.1{suffix}: corrupt" in str(error)


def test_a_wrong_checksum_between_two_streams_costs_the_lines_beside_it(tmp_path: Path) -> None:
    # random digits pack badly: 4 KB stored hold 64 of these lines
    noise = [b"%0128x\n" % pow(3, 5000 + number, 2**512) for number in range(1_000)]
    packed = bytearray(gzip.compress(b"".join(noise)))
    packed[-6] ^= 255
    lines, error = _read_until_error(_write(tmp_path / "1.1", bytes(packed) + gzip.compress(TEXT)))
    assert lines == noise[: len(lines)]
    assert len(lines) > 930
    assert isinstance(error, DataError)


def test_a_tar_archive_at_an_address_is_to_be_copied(tmp_path: Path) -> None:
    path = tmp_path / "month.tar"
    with tarfile.open(path, "w") as archive:
        archive.addfile(tarfile.TarInfo("1.1"), io.BytesIO())
    with pytest.raises(StreamError, match=r"tar archive: file://.* \(copy it to a local path first\)"):
        list(open_lines(path.as_uri()))


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".zst"])
def test_text_after_the_compressed_stream_is_an_error_at_the_end(tmp_path: Path, suffix: str) -> None:
    lines, error = _read_until_error(_write(tmp_path / f"1.1{suffix}", PACKERS[suffix](TEXT) + b"more"))
    assert lines == LINES
    assert isinstance(error, DataError)
    assert f"1.1{suffix}: corrupt" in str(error)


@pytest.mark.parametrize("end", [b'{"pt":1,"mc":[]}', b'{"pt":1,"mc":[', b"12"])
def test_a_last_line_without_an_end_comes_before_damage_if_it_is_whole(tmp_path: Path, end: bytes) -> None:
    lines, error = _read_until_error(_write(tmp_path / "1.1.gz", gzip.compress(TEXT + end) + b"more"))
    assert lines == LINES + [end + b"\n"] * end.endswith(b"}")
    assert "1.1.gz: corrupt" in str(error)


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_a_truncated_file_gives_its_complete_lines_then_an_error(tmp_path: Path, suffix: str) -> None:
    # random digits pack badly, so that half of the stored bytes is about half of the lines
    noise = [b"%0128x\n" % pow(3, 5000 + number, 2**512) for number in range(20_000)]
    packed = PACKERS[suffix](b"".join(noise))
    lines, error = _read_until_error(_write(tmp_path / f"1.1{suffix}", packed[: len(packed) // 2]))
    assert 8_000 < len(lines) < 12_000
    assert lines == noise[: len(lines)]
    assert isinstance(error, DataError)
    assert f"1.1{suffix}: truncated {suffix[1:]} data after" in str(error)


def test_a_truncated_bz2_gives_the_lines_of_its_complete_blocks(tmp_path: Path) -> None:
    text = TEXT * 10
    packed = bz2.compress(text, 1)
    lines, error = _read_until_error(_write(tmp_path / "1.1.bz2", packed[: len(packed) // 2]))
    assert len(lines) > 10_000
    assert b"".join(lines) == text[: len(b"".join(lines))]
    assert isinstance(error, DataError)
    assert "1.1.bz2: truncated bz2 data after" in str(error)


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".zst"])
@pytest.mark.parametrize("left", [1, 2, 3, 5, -1])
def test_a_file_cut_anywhere_is_called_truncated(tmp_path: Path, suffix: str, left: int) -> None:
    packed = PACKERS[suffix](TEXT)
    _, error = _read_until_error(_write(tmp_path / f"1.1{suffix}", packed[:left]))
    assert isinstance(error, DataError)
    assert "truncated" in str(error)


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".zst"])
def test_corrupt_data_is_an_error_naming_the_file(tmp_path: Path, suffix: str) -> None:
    packed = bytearray(PACKERS[suffix](TEXT))
    middle = len(packed) // 2
    packed[middle : middle + 64] = bytes(255 - byte for byte in packed[middle : middle + 64])
    with pytest.raises(DataError, match=rf"1\.1{suffix}: (corrupt|truncated)"):
        list(open_lines(_write(tmp_path / f"1.1{suffix}", bytes(packed))))


@given(
    chunks=st.lists(
        st.binary(max_size=200).map(lambda text: text.replace(b"\x1f\x8b", b"").replace(b"\xef\xbb\xbf", b"")),
        max_size=20,
    ),
    suffix=st.sampled_from([".gz", ".bz2", ".zst"]),
)
def test_any_bytes_survive_the_way_through(
    tmp_path_factory: pytest.TempPathFactory, chunks: list[bytes], suffix: str
) -> None:
    text = b"\n".join(chunks)
    address = _write(tmp_path_factory.mktemp("any") / f"1.1{suffix}", PACKERS[suffix](text))
    lines = list(open_lines(address))
    assert b"".join(lines) == text
    assert all(line.endswith(b"\n") and line.count(b"\n") == 1 for line in lines[:-1])


def test_lines_longer_than_every_buffer(tmp_path: Path) -> None:
    long = b"x" * 1_000_000 + b"\n"
    assert list(open_lines(_write(tmp_path / "1.1.gz", gzip.compress(long * 3)))) == [long] * 3


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".zst"])
def test_a_small_bomb_does_not_fill_the_memory(tmp_path: Path, suffix: str) -> None:
    packed = PACKERS[suffix](b"\n" * 60_000_000)
    assert len(packed) < 60_000
    lines = open_lines(_write(tmp_path / f"1.1{suffix}", packed))
    tracemalloc.start()
    try:
        assert next(iter(lines)) == b"\n"
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()
        lines.close()


def test_a_line_without_end_is_no_line(tmp_path: Path) -> None:
    address = _write(tmp_path / "1.1.gz", gzip.compress(b"{}\n" + b"x" * (LONGEST_LINE + 3_000_000), 1))
    lines, error = _read_until_error(address)
    assert lines == [b"{}\n"]
    assert str(error) == f"{address}: a line of more than {LONGEST_LINE} bytes"
    assert isinstance(error, DataError)


@pytest.mark.parametrize("suffix", PACKERS)
def test_the_position_runs_up_to_the_size(tmp_path: Path, suffix: str) -> None:
    noise = b"".join(b"%0128x\n" % pow(3, 5000 + number, 2**512) for number in range(10_000))
    lines = open_lines(_write(tmp_path / f"1.1{suffix}", PACKERS[suffix](noise)))
    positions = [lines.position for _ in lines]
    assert positions == sorted(positions)
    assert 0 < positions[0] < lines.size
    assert positions[-1] == lines.position == lines.size == size_of(lines.source)


def test_a_second_iteration_starts_anew(tmp_path: Path) -> None:
    lines = open_lines(_write(tmp_path / "1.1", TEXT))
    first = iter(lines)
    assert [next(first), next(first)] == LINES[:2]
    assert list(lines) == LINES


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="counts open files by /proc")
def test_no_file_stays_open(tmp_path: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    address = _write(tmp_path / "1.1.gz", gzip.compress(TEXT))
    unread, half, dropped, whole = (open_lines(address) for _ in range(4))
    next(iter(half))
    half.close()
    next(iter(dropped))
    del dropped
    assert len(list(whole)) == len(LINES)
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    assert unread.position == 0


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(StreamError, match=r"no such file: .*1\.404"):
        open_lines(str(tmp_path / "1.404"))
    with pytest.raises(StreamError, match=r"no such file: .*1\.404"):
        expand(str(tmp_path / "1.404"))
    with pytest.raises(StreamError, match=r"no such file: .*1\.404"):
        list(open_lines(Source(str(tmp_path / "1.404"))))


def test_a_directory_is_not_a_file(tmp_path: Path) -> None:
    with pytest.raises(StreamError, match="expected a file, was a directory: "):
        open_lines(str(tmp_path))
    with pytest.raises(StreamError, match="expected a file, was a directory: "):
        list(open_lines(Source(str(tmp_path))))


def test_a_stream_error_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="no such file"):
        open_lines(str(tmp_path / "1.404"))


def test_a_directory_expands_to_its_files_in_natural_order(tmp_path: Path) -> None:
    for name in ("1.10", "1.9", "1.100.bz2", "README.md", ".hidden", "below/1.1", "1.9.json", "1.9.gaps"):
        _write(tmp_path / name, b"{}")
    assert [Path(source.path).name for source in expand(str(tmp_path))] == ["1.9", "1.10", "1.100.bz2"]


def test_a_glob_leaves_out_what_lies_beside_recordings_unless_it_is_asked_for(tmp_path: Path) -> None:
    for name in ("2024/1.9", "2024/1.9.json", "2024/1.9.gaps", "README.md"):
        _write(tmp_path / name, b"{}")
    assert [Path(source.path).name for source in expand(str(tmp_path / "**"))] == ["1.9"]
    assert [Path(source.path).name for source in expand(str(tmp_path / "**" / "*.json"))] == ["1.9.json"]


def test_globs_go_down_and_leave_directories_out(tmp_path: Path) -> None:
    for name in ("2/1.10", "2/1.9", "10/1.1", "1.5"):
        _write(tmp_path / name, b"{}")
    found = [source.path for source in expand(str(tmp_path / "**"))]
    assert found == [str(tmp_path / name) for name in ("1.5", "2/1.9", "2/1.10", "10/1.1")]
    assert [source.path for source in expand(str(tmp_path / "*"))] == [str(tmp_path / "1.5")]


def test_a_name_with_glob_characters_is_first_a_name(tmp_path: Path) -> None:
    address = _write(tmp_path / "1.1[2]", TEXT)
    _write(tmp_path / "1.12", b"{}")
    assert [source.path for source in expand(address)] == [address]


def test_several_addresses_keep_their_order(tmp_path: Path) -> None:
    addresses = [_write(tmp_path / name, b"{}") for name in ("1.3", "1.1", "1.2")]
    assert [source.path for source in expand(*addresses)] == addresses


def test_a_tilde_is_the_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    _write(tmp_path / "1.1", TEXT)
    assert [source.path for source in expand("~/1.1")] == [str(tmp_path / "1.1")]


def test_a_name_with_a_tilde_is_first_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    _write(tmp_path / "~nobody-at-all", TEXT)
    for address in ("~nobody-at-all", "*-all"):
        assert [list(open_lines(source.name)) for source in expand(address)] == [LINES]
    with pytest.raises(StreamError, match=r"no such file: ~somebody-else/1\.1"):
        expand("~somebody-else/1.1")


@pytest.mark.parametrize("address", ["1" * 300, f"{'1' * 300}/1.1", "1.1\0", "1.1\0.tar", "1.1\0/*", "1.1\0!1.1"])
def test_a_name_that_cannot_be_is_named(address: str) -> None:
    for use in (expand, open_lines):
        with pytest.raises(StreamError) as raised:
            use(address)
        assert address in str(raised.value)
    with pytest.raises(StreamError):
        list(open_lines(Source(address)))


def test_a_link_that_leads_nowhere_is_told_and_costs_no_other_file(tmp_path: Path) -> None:
    good = _write(tmp_path / "1.1", TEXT)
    (tmp_path / "1.2").symlink_to(tmp_path / "not-mounted")
    (tmp_path / "1.3").symlink_to(tmp_path)
    for address in (tmp_path, tmp_path / "*"):
        first, lost = expand(str(address))
        assert (first.name, lost.fault) == (good, f"no such file: {tmp_path / '1.2'}")


@pytest.fixture
def locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What lies here may be read only in part, by root neither."""
    for name in ("1.1", "1.2", "1.3.tar", "shut/1.4", "listed/1.5"):
        _write(tmp_path / name, TEXT)
    with tarfile.open(tmp_path / "1.3.tar", "w") as archive:
        archive.add(tmp_path / "1.1", "1.1")
    modes = {"1.2": 0, "1.3.tar": 0, "shut": 0, "listed": 0o444}
    for name, mode in modes.items():
        (tmp_path / name).chmod(mode)
    tmp_path.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    user = os.geteuid()
    if user == 0:
        try:
            os.seteuid(65_534)
        except OSError:
            pytest.skip("root that cannot become anybody else reads everything")
    yield
    os.seteuid(user)
    for name in modes:
        (tmp_path / name).chmod(0o755)


def test_what_must_not_be_read_is_told_and_costs_no_other_file(locked: None) -> None:
    readable, unreadable, archive = expand("*")
    assert list(open_lines(readable)) == LINES
    assert archive.fault == "cannot open 1.3.tar: Permission denied"
    (listed,) = expand("listed")
    assert listed.fault == "cannot open listed/1.5: Permission denied"
    for use in (expand, open_lines):
        with pytest.raises(StreamError, match=r"cannot open shut/1\.4: Permission denied"):
            use("shut/1.4")
    with pytest.raises(StreamError, match=r"cannot open shut: Permission denied"):
        expand("shut")
    with pytest.raises(StreamError, match=r"cannot open 1\.2: Permission denied"):
        list(open_lines(unreadable))


@pytest.mark.parametrize("pattern", ["*.nothing", "**/*.nothing", "1.[0-9]"])
def test_a_pattern_without_a_match_is_an_error(tmp_path: Path, pattern: str) -> None:
    with pytest.raises(StreamError, match="no files match: "):
        expand(str(tmp_path / pattern))


def test_an_empty_directory_is_an_error(tmp_path: Path) -> None:
    _write(tmp_path / "below" / "1.1", b"{}")
    with pytest.raises(StreamError, match=r"no files in the directory .*\(for those further down: .*\*\*\)"):
        expand(str(tmp_path))


def test_an_empty_address_is_an_error() -> None:
    with pytest.raises(StreamError, match="was an empty text"):
        expand("")


@pytest.fixture
def web(tmp_path: Path) -> Iterator[str]:
    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args: object, **kwargs: object) -> None:
            super().__init__(*args, directory=str(tmp_path), **kwargs)  # type: ignore[arg-type]

        def log_message(self, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.fixture
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.mark.usefixtures("no_proxy")
@pytest.mark.parametrize("suffix", PACKERS)
def test_remote_files_are_read_alike(tmp_path: Path, web: str, suffix: str) -> None:
    _write(tmp_path / f"1.1{suffix}", PACKERS[suffix](TEXT))
    (source,) = expand(f"{web}/1.1{suffix}")
    lines = open_lines(source)
    assert list(lines) == LINES
    assert lines.position == (tmp_path / f"1.1{suffix}").stat().st_size
    assert size_of(source) == 0


@pytest.mark.usefixtures("no_proxy")
def test_a_missing_remote_file_is_named(web: str) -> None:
    with pytest.raises(StreamError, match=r"cannot open http://127\.0\.0\.1:\d+/1\.404: "):
        list(open_lines(f"{web}/1.404"))


@pytest.mark.skipif(importlib.util.find_spec("boto3") is not None, reason="the S3 backend is installed")
def test_a_missing_backend_names_the_extra() -> None:
    with pytest.raises(StreamError, match=r"s3://bucket/1\.1: .*needs an extra, pip install 'flumine_core\[s3\]'"):
        list(open_lines("s3://bucket/1.1"))


def test_an_unknown_scheme_is_named() -> None:
    with pytest.raises(StreamError, match=r"cannot open gopher://host/1\.1: no reader for gopher://"):
        list(open_lines("gopher://host/1.1"))


def test_a_remote_wildcard_is_refused() -> None:
    with pytest.raises(StreamError, match=r"wildcards are for local paths only: s3://bucket/\*"):
        expand("s3://bucket/*")
