"""Tar archives read in place: every member by itself, and what a damaged archive still gives."""

import bz2
import gzip
import io
import pickle
import sys
import tarfile
from pathlib import Path

import attrs
import pytest

from flumine_core.errors import DataError, StreamError
from flumine_core.simulation.reader import Source, expand, knowing, open_lines, source_of

LINES = [b'{"op":"mcm","pt":%d,"mc":[{"id":"1.%d"}]}\n' % (1000 + number, number % 7) for number in range(5000)]
TEXT = b"".join(LINES)


def _write(path: Path, content: bytes) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return str(path)


def _tar(path: Path, members: dict[str, bytes], mode: str = "w") -> str:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return str(path)


def _read_until_error(address: str | Source) -> tuple[list[bytes], Exception | None]:
    lines: list[bytes] = []
    try:
        for line in open_lines(address):
            lines.append(line)
    except (DataError, StreamError) as error:
        return lines, error
    return lines, None


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2"])
@pytest.mark.parametrize("format", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_members_of_an_archive_are_read_in_place(
    tmp_path: Path, mode: str, format: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tarfile.TarFile, "format", format)
    deep = "/".join(["a-long-folder-name"] * 6)
    members = {
        "2022/Jan/2/1.10.bz2": bz2.compress(TEXT),
        "2022/Jan/2/1.9.bz2": bz2.compress(TEXT[:1000]),
        f"{deep}/1.5": TEXT,
        "2022/._1.9.bz2": b"left by a Mac",
        "": b"no address is that of a member without a name",
        "empty": b"",
    }
    suffix = mode.replace("w:", ".").removeprefix("w")
    address = _tar(tmp_path / f"data.tar{suffix}", members, mode)
    sources = expand(address)
    names = ["2022/Jan/2/1.9.bz2", "2022/Jan/2/1.10.bz2", f"{deep}/1.5", "empty"]
    assert [source.member for source in sources] == names
    assert [source.name for source in sources] == [f"{address}!{name}" for name in names]
    assert [source.size for source in sources] == [len(members[name]) for name in names]
    assert b"".join(open_lines(sources[0])) == TEXT[:1000]
    assert list(open_lines(sources[1])) == LINES
    assert list(open_lines(f"{address}!{deep}/1.5")) == LINES
    assert list(open_lines(sources[3])) == []


def test_a_member_is_found_by_its_address_alone(tmp_path: Path) -> None:
    address = _tar(tmp_path / "data.tar", {"a/1.1": TEXT, "a/1.2": b"{}\n", "b/1.3": b"{}\n"})
    assert source_of(f"{address}!a/1.2") == expand(address)[1]
    assert source_of(expand(address)[0].name) == expand(address)[0]
    assert [source.member for source in expand(f"{address}!a/*")] == ["a/1.1", "a/1.2"]
    assert [source.member for source in expand(f"{address}!b/1.3")] == ["b/1.3"]


def test_a_member_may_have_a_name_that_no_file_can_have(tmp_path: Path) -> None:
    address = _tar(tmp_path / "data.tar", {"1" * 300: TEXT})
    (source,) = expand(address)
    assert list(open_lines(source.name)) == LINES


def test_a_missing_member_is_named(tmp_path: Path) -> None:
    address = _tar(tmp_path / "data.tar", {"1.1": TEXT})
    with pytest.raises(StreamError, match=r"no such file in the archive .*data\.tar: 1\.2"):
        open_lines(f"{address}!1.2")
    with pytest.raises(StreamError, match=r"no files in the archive .*data\.tar match: 1\.2\*"):
        expand(f"{address}!1.2*")
    with pytest.raises(StreamError, match=r"no such file: .*none\.tar!1\.2"):
        open_lines(str(tmp_path / "none.tar!1.2"))


def test_the_position_in_a_member_is_the_members(tmp_path: Path) -> None:
    address = _tar(tmp_path / "data.tar", {"1.1": TEXT, "1.2.gz": gzip.compress(TEXT)})
    for source in expand(address):
        lines = open_lines(source)
        assert list(lines) == LINES
        assert lines.position == lines.size == source.size


@pytest.mark.parametrize(("name", "mode"), [("data.tar", "w"), ("data", "w"), ("data.tgz", "w:gz"), ("data", "w:bz2")])
def test_an_archive_opened_as_a_file_says_how_to_name_a_member(tmp_path: Path, name: str, mode: str) -> None:
    address = _tar(tmp_path / name, {"1.1": TEXT}, mode)
    with pytest.raises(StreamError) as raised:
        list(open_lines(address))
    assert str(raised.value) == f"expected lines, was a tar archive: {address} (a member is {address}!NAME)"


def test_a_name_with_an_exclamation_mark_is_first_a_name(tmp_path: Path) -> None:
    address = _write(tmp_path / "what!1.1", TEXT)
    assert list(open_lines(address)) == LINES
    archive = _tar(tmp_path / "so!what.tar", {"oh!1.1": TEXT})
    assert list(open_lines(f"{archive}!oh!1.1")) == LINES


def test_the_last_of_two_members_of_one_name_counts(tmp_path: Path) -> None:
    address = _tar(tmp_path / "data.tar", {"1.1": b"old\n"})
    _tar(tmp_path / "data.tar", {"1.1": b"new\n"}, "a")
    assert [list(open_lines(source)) for source in expand(address)] == [[b"new\n"]]


def test_an_archive_that_changed_is_read_again(tmp_path: Path) -> None:
    address = _tar(tmp_path / "data.tar", {"1.1": TEXT})
    assert len(expand(address)) == 1
    _tar(tmp_path / "data.tar", {"1.2": TEXT}, "a")
    assert len(expand(address)) == 2


@pytest.mark.parametrize("cut", [512 + 200, 2048 + 512 + 200, 2048 + 100])
def test_a_truncated_archive_gives_what_it_has(tmp_path: Path, cut: int) -> None:
    members = {f"1.{number}": b"%01000d\n" % number for number in range(4)}
    whole = Path(_tar(tmp_path / "whole.tar", members)).read_bytes()
    address = _write(tmp_path / "cut.tar", whole[:cut])
    sources = expand(address)
    read = [_read_until_error(source) for source in sources]
    complete = [lines for lines, error in read if error is None]
    assert complete == [[members[source.member]] for source in sources[: len(complete)]]
    assert len(complete) == cut // 1536
    assert isinstance(read[-1][1], StreamError)
    assert "cut.tar" in str(read[-1][1])


def test_a_damaged_header_does_not_pass_for_the_end(tmp_path: Path) -> None:
    address = _tar(tmp_path / "data.tar", {f"1.{number}": b"{}\n" for number in range(3)})
    content = bytearray(Path(address).read_bytes())
    content[1024:1100] = b"\xff" * 76
    _write(tmp_path / "data.tar", bytes(content))
    first, lost = expand(address)
    assert list(open_lines(first)) == [b"{}\n"]
    for damaged in (lost, lost.name):
        with pytest.raises(StreamError, match=r"members of .*data\.tar are lost: damaged at byte 1024"):
            list(open_lines(damaged))


def test_a_compressed_archive_cut_short_gives_what_it_has(tmp_path: Path) -> None:
    noise = b"".join(b"%0128x\n" % pow(3, 5000 + number, 2**512) for number in range(2_000))
    whole = Path(_tar(tmp_path / "whole.tar.gz", {"1.1": noise, "1.2": noise}, "w:gz")).read_bytes()
    sources = expand(_write(tmp_path / "cut.tar.gz", whole[: len(whole) * 3 // 4]))
    assert b"".join(open_lines(sources[0])) == noise
    assert all("truncated" in str(_read_until_error(source)[1]) for source in sources[1:])
    assert len(sources) > 1


@pytest.mark.parametrize("content", [b"", b"not a tar archive at all" * 100])
def test_what_is_no_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    address = _write(tmp_path / "data.tar", content)
    with pytest.raises(StreamError, match=r"data\.tar: not a tar archive that can be read"):
        expand(address)


@pytest.mark.parametrize("content", [b"", b"not a tar archive at all" * 100, bytes(tarfile.RECORDSIZE)])
@pytest.mark.parametrize("named", ["", "*"])
def test_what_is_no_archive_costs_no_other_file(tmp_path: Path, content: bytes, named: str) -> None:
    good = [_write(tmp_path / name, TEXT) for name in ("1.1", "2.1")]
    bad = _write(tmp_path / "1.tar", content)
    first, lost, last = expand(str(tmp_path / named))
    assert [first.name, last.name] == good
    assert (lost.name, lost.size) == (bad, 0)
    assert bad in lost.fault
    for damaged in (lost, lost.name):
        with pytest.raises(StreamError, match=r"1\.tar"):
            list(open_lines(damaged))


def test_what_is_lost_is_no_part_of_a_member(tmp_path: Path) -> None:
    members = {f"1.{number}": b"%01000d\n" % number for number in range(4)}
    whole = Path(_tar(tmp_path / "whole.tar", members)).read_bytes()
    address = _write(tmp_path / "cut.tgz", gzip.compress(whole[:4000]))
    assert [source.member for source in expand(f"{address}!1.0")] == ["1.0"]
    *found, lost = expand(f"{address}!*")
    assert [source.member for source in found] == ["1.0", "1.1", "1.2"]
    lines, error = _read_until_error(lost.name)
    assert (lines, str(error)) == ([], lost.fault)


def test_a_source_is_plain_data(tmp_path: Path) -> None:
    address = _tar(tmp_path / "data.tar", {"1.1": TEXT})
    source = pickle.loads(pickle.dumps(expand(address)[0]))
    assert list(open_lines(source)) == LINES
    assert str(source) == f"{address}!1.1"


def test_what_is_known_of_a_member_is_not_looked_up(tmp_path: Path) -> None:
    address = _tar(tmp_path / "data.tar", {"1.1": TEXT})
    known = [attrs.evolve(source, listed_ns=0) for source in expand(address)]
    with Path(address).open("r+b") as file:
        file.write(b"\xff" * 512)
    name = f"{address}!1.1"
    with knowing(known):
        assert [list(open_lines(name)), expand(name), expand(f"{address}!1.1")] == [LINES, known, known]
    with pytest.raises(StreamError, match="not a tar archive"):
        open_lines(name)


def test_a_member_of_an_archive_that_has_changed_is_not_read_where_it_was(tmp_path: Path) -> None:
    address = _tar(tmp_path / "data.tar", {"1.1": TEXT, "1.2": TEXT})
    listed = expand(address)
    with knowing(listed):
        _tar(tmp_path / "data.tar", {"1.0": b"other\n", "1.1": b"new\n"})
        assert list(open_lines(f"{address}!1.1")) == [b"new\n"]
        with pytest.raises(StreamError, match=r"no such file in the archive .*: 1\.2"):
            open_lines(f"{address}!1.2")
        Path(address).unlink()
        with pytest.raises(StreamError, match="no such file: "):
            open_lines(f"{address}!1.1")
        _tar(tmp_path / "data.tar", {"1.1": TEXT})
    lines, error = _read_until_error(listed[0])
    assert lines == []
    assert str(error) == f"the archive was changed since its files were listed: {address}!1.1"


def test_a_member_costs_the_same_in_a_small_archive_and_in_a_large_one(tmp_path: Path) -> None:
    def calls(members: int) -> int:
        address = _tar(tmp_path / f"{members}.tar", {f"1.{number}": b"a line\n" for number in range(members)})
        expand(address)
        counted: list[str] = []
        sys.setprofile(lambda frame, event, argument: counted.append(event))
        try:
            assert len(expand(f"{address}!1.1")) == 1
        finally:
            sys.setprofile(None)
        return len(counted)

    assert calls(300) == calls(3)
