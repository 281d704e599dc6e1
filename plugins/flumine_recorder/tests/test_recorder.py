"""What a recorder makes of messages: the same bytes in every format, continued, never twice, gaps listed."""

from collections.abc import Callable
from pathlib import Path

import pytest
from flumine_recorder.gap import Gap, decode_gaps
from flumine_recorder.options import Options
from flumine_recorder.recorder import Recorder

from flumine_core.errors import SettingsError
from flumine_core.simulation.reader import open_lines

Start = Callable[..., Recorder]
Lines = Callable[..., list[bytes]]
Feed = Callable[..., None]
Image = Callable[[bytes], bytes]
Until = Callable[[Callable[[], object]], None]


def closed(folder: Path, name: str) -> Path:
    return folder / "recordings/closed/market/2024/06/01/30000001" / name


@pytest.mark.parametrize(("compression", "suffix"), [("zst", ".zst"), ("gz", ".gz"), ("bz2", ".bz2"), ("plain", "")])
def test_recording_a_replay_of_a_recording_gives_the_same_bytes(
    tmp_path: Path, lines_of: Lines, compression: str, suffix: str, feed: Feed
) -> None:
    lines = lines_of()
    files = []
    for turn in ("first", "second"):
        recorder = Recorder(Options(str(tmp_path / turn), compression=compression))
        recorder.start()
        feed(recorder, lines)
        recorder.stop()
        file = tmp_path / turn / f"closed/market/2024/06/01/30000001/1.100000001{suffix}"
        assert list(open_lines(str(file))) == lines
        lines = list(open_lines(str(file)))
        files.append(file.read_bytes())
        assert recorder.gaps == [] and recorder.problems == []
    assert files[0] == files[1]


def test_real_markets_keep_their_own_bytes(recorded: Path, tmp_path: Path, feed: Feed) -> None:
    for name in ("PRO-1.170258213", "SELF-1.181223994", "1.197931750", "1.200806927"):
        lines = list(open_lines(str(recorded / name)))
        first, second = tmp_path / name / "1", tmp_path / name / "2"
        for folder in (first, second):
            recorder = Recorder(Options(str(folder), compression="plain"))
            recorder.start()
            feed(recorder, lines)
            recorder.stop()
            (file,) = [path for path in (folder / "closed").rglob("1.*") if path.suffix != ".gaps"]
            previous, lines = lines, list(open_lines(str(file)))
            assert recorder.status().counts.changes == len(lines)
        assert previous == lines
        for line, original in zip(lines, open_lines(str(recorded / name)), strict=True):
            assert line[line.index(b'[{"') :].rstrip(b"}\n") == original[original.index(b'[{"') :].rstrip(b"}\r\n")


def test_a_market_with_changes_of_several_kinds_has_a_file_of_each(
    tmp_path: Path, recorder: Start, lines_of: Lines, feed: Feed
) -> None:
    started = recorder(compression="plain")
    lines = lines_of()
    others = {
        "order": b'{"op":"ocm","clk":"o1","pt":1717246200001,"oc":[{"id":"1.100000001","orc":[{"id":1,"uo":[]}]}]}\n',
        "race": b'{"op":"rcm","clk":"r1","pt":1717246200002,"rc":[{"id":"30000001.1300","mid":"1.100000001"}]}\n',
        "cricket": b'{"op":"ccm","clk":"c1","pt":1717246200003,"cc":[{"marketId":"1.100000001","eventId":"5"}]}\n',
    }
    feed(started, lines)
    for number, line in enumerate(others.values(), 2):
        feed(started, [line], number)
    started.take_catalogue("1.100000001", b'{"marketId":"1.100000001"}')
    started.stop()
    assert closed(tmp_path, "1.100000001").read_bytes() == b"".join(lines)
    for kind, line in others.items():
        file = tmp_path / f"recordings/closed/{kind}/2024/06/01/30000001/1.100000001"
        assert file.read_bytes() == line
    assert closed(tmp_path, "1.100000001.json").read_bytes() == b'{"marketId":"1.100000001"}'
    assert not [path for path in (tmp_path / "recordings/open").rglob("*") if path.is_file()]
    assert not [path for path in (tmp_path / "recordings/outbox").rglob("*") if path.is_file()]


def test_lines_are_in_the_file_within_a_second(
    tmp_path: Path, recorder: Start, lines_of: Lines, feed: Feed, until: Until
) -> None:
    started = recorder(flush_seconds=0.05)
    lines = lines_of()[:-1]
    feed(started, lines)
    path = tmp_path / "recordings/open/1.100000001/market"
    until(lambda: path.exists() and path.read_bytes() == b"".join(lines))
    assert started.status().waiting_bytes == 0


def test_a_run_goes_on_with_the_files_of_the_one_before(
    tmp_path: Path, recorder: Start, lines_of: Lines, feed: Feed, image_of: Image
) -> None:
    lines = lines_of()
    first = recorder(compression="plain")
    feed(first, lines[:50])
    first.stop()
    path = tmp_path / "recordings/open/1.100000001/market"
    path.write_bytes(path.read_bytes() + lines[50][:30])  # killed while it was writing
    second = recorder(compression="plain")
    # what changed meanwhile is not known before the image
    feed(second, [lines[79], image_of(lines[80]), *lines[81:]])
    second.stop()
    expected = [*lines[:50], image_of(lines[80]), *lines[81:]]
    assert closed(tmp_path, "1.100000001").read_bytes() == b"".join(expected)
    start, end = (int(line.split(b'"pt":')[1].split(b",")[0]) for line in (lines[49], lines[80]))
    gap = Gap("1.100000001", "market", start, end, "restarted", 1)
    assert second.gaps == [gap]
    assert decode_gaps(closed(tmp_path, "1.100000001.gaps").read_bytes()) == [gap]


def test_what_the_file_has_is_not_written_again(
    tmp_path: Path, recorder: Start, lines_of: Lines, feed: Feed, image_of: Image
) -> None:
    lines = lines_of()
    lines[19] = image_of(lines[19])
    started = recorder()
    feed(started, lines[:20])
    feed(started, lines[5:20], stream_id=2)  # another stream with the same market
    started.stop()
    again = recorder()
    feed(again, lines[19:25])  # the image that the file ends with
    again.stop()
    assert (tmp_path / "recordings/open/1.100000001/market").read_bytes() == b"".join(lines[:25])
    assert started.status().counts.doubled == 15 and again.status().counts.doubled == 1 and again.gaps == []


def test_a_line_that_comes_twice_in_a_row_is_as_it_came(
    tmp_path: Path, recorder: Start, lines_of: Lines, feed: Feed
) -> None:
    started = recorder(compression="plain")
    lines = lines_of()
    feed(started, [*lines[:5], lines[4], *lines[5:]])
    started.stop()
    assert closed(tmp_path, "1.100000001").read_bytes() == b"".join([*lines[:5], lines[4], *lines[5:]])


def test_conflated_changes_of_two_markets_are_gaps_of_each(recorder: Start, lines_of: Lines, feed: Feed) -> None:
    started = recorder()
    one, two = (
        [line.replace(b'"mc":[{', b'"mc":[{"con":true,') for line in lines_of(market_id=f"1.{number}")[:5]]
        for number in (1, 2)
    )
    feed(started, [line for pair in zip(one, two, strict=True) for line in pair])
    assert {gap.market_id for gap in started.gaps} == {"1.1", "1.2"}


def test_a_second_image_and_conflated_changes_are_gaps(
    recorder: Start, lines_of: Lines, feed: Feed, image_of: Image
) -> None:
    lines = lines_of()
    started = recorder()
    conflated = [line.replace(b'"mc":[{', b'"mc":[{"con":true,') for line in lines[11:14]]
    feed(started, [*lines[:10], image_of(lines[10]), *conflated, *lines[14:20]])
    times = [int(line.split(b'"pt":')[1].split(b",")[0]) for line in lines]
    assert started.gaps == [
        Gap("1.100000001", "market", times[9], times[10], "new image"),
        Gap("1.100000001", "market", times[10], times[13], "conflated"),
    ]


def test_a_stream_that_was_asked_to_conflate_has_no_gaps(recorder: Start, lines_of: Lines, feed: Feed) -> None:
    started = recorder()
    started.expect_conflation(1)
    feed(started, [line.replace(b'"mc":[{', b'"mc":[{"con":true,') for line in lines_of()[:20]])
    assert started.gaps == []


def test_a_market_that_opens_again_goes_on_in_its_file(
    tmp_path: Path, recorder: Start, lines_of: Lines, feed: Feed
) -> None:
    lines = lines_of(reopen_after_close=True)
    started = recorder(compression="plain", linger_seconds=3600)
    feed(started, lines)
    started.stop()
    assert closed(tmp_path, "1.100000001").read_bytes() == b"".join(lines)


def test_a_market_that_comes_back_later_gets_another_file(
    tmp_path: Path, recorder: Start, lines_of: Lines, feed: Feed, image_of: Image, until: Until
) -> None:
    lines = lines_of()
    started = recorder(compression="plain", flush_seconds=0.02)
    feed(started, lines)
    until(lambda: started.status().stored == 1)
    feed(started, [lines[5], image_of(lines[6]), lines[-1]])
    until(lambda: started.status().stored == 2)
    assert closed(tmp_path, "1.100000001").read_bytes() == b"".join(lines)
    assert closed(tmp_path, "1.100000001-2").read_bytes() == image_of(lines[6]) + lines[-1]
    (gap,) = decode_gaps(closed(tmp_path, "1.100000001-2.gaps").read_bytes())
    assert gap.lines_lost == 1 and not closed(tmp_path, "1.100000001.gaps").exists()


def test_a_market_of_an_earlier_run_that_nothing_brings_is_closed(
    tmp_path: Path, recorder: Start, lines_of: Lines, feed: Feed, until: Until
) -> None:
    lines = lines_of()[:9]
    first = recorder(compression="plain")
    feed(first, lines)
    first.stop()
    started = recorder(compression="plain", flush_seconds=0.02, idle_hours=0.2 / 3600)
    until(lambda: started.status().stored == 1)
    assert closed(tmp_path, "1.100000001").read_bytes() == b"".join(lines)


def test_a_quiet_market_of_this_run_goes_on_in_its_file(
    tmp_path: Path, recorder: Start, lines_of: Lines, feed: Feed, until: Until
) -> None:
    lines, left = lines_of(), lines_of(market_id="1.100000002")[:9]
    race = b'{"op":"rcm","clk":"r1","pt":1717246200002,"rc":[{"id":"30000001.1300","mid":"1.100000003"}]}\n'
    first = recorder(compression="plain")
    feed(first, [*lines[:5], *left])
    first.stop()
    started = recorder(compression="plain", flush_seconds=0.02, idle_hours=1.0 / 3600)
    feed(started, [lines[4].replace(b'"mc":[{', b'"mc":[{"img":true,', 1), *lines[5:9]])
    feed(started, [race], stream_id=2)
    until(
        lambda: started.status().stored == 2
    )  # the others, of which nothing is heard either: one left over, one a race
    feed(started, lines[9:])
    started.stop()
    kept = closed(tmp_path, "1.100000001").read_bytes().splitlines(keepends=True)
    assert kept[:5] == lines[:5] and kept[6:] == lines[5:]
    assert [gap.reason for gap in started.gaps if gap.market_id == "1.100000001"] == ["restarted"]
    assert started.status().counts.lost == 0


def test_the_catalogue_of_a_market_with_orders_alone_lies_beside_them(
    tmp_path: Path, recorder: Start, feed: Feed
) -> None:
    started = recorder(compression="plain")
    order = b'{"op":"ocm","clk":"o","pt":1717246200001,"oc":[{"id":"1.5","closed":true,"orc":[]}]}\n'
    feed(started, [order])
    started.take_catalogue("1.5", b'{"marketId":"1.5"}')
    started.stop()
    folder = tmp_path / "recordings/closed/order/2024/06/01/no-event"
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {
        "1.5": order,
        "1.5.json": b'{"marketId":"1.5"}',
    }
    assert not [path for path in (tmp_path / "recordings/outbox").rglob("*") if path.is_file()]


def test_a_tilde_is_the_home(tmp_path: Path, lines_of: Lines, feed: Feed, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path))
    recorder = Recorder(Options("~/recordings", store="~/store", compression="plain"))
    recorder.start()
    feed(recorder, lines_of())
    recorder.stop()
    file = tmp_path / "store/market/2024/06/01/30000001/1.100000001"
    assert file.read_bytes() == b"".join(lines_of()) and (tmp_path / "recordings").is_dir()


def test_lines_wait_while_the_disk_takes_none(
    tmp_path: Path, recorder: Start, lines_of: Lines, feed: Feed, until: Until
) -> None:
    lines = lines_of()
    started = recorder(compression="plain", flush_seconds=0.02)
    blocker = tmp_path / "recordings/open"
    blocker.write_text("a file where a directory should be")
    feed(started, lines)
    until(lambda: started.status().disk_problem)
    assert started.status().waiting_bytes == sum(map(len, lines)) and started.problems
    blocker.unlink()
    until(lambda: started.status().stored == 1)
    assert closed(tmp_path, "1.100000001").read_bytes() == b"".join(lines)
    assert started.status().disk_problem is None and started.gaps == []


def test_what_memory_cannot_hold_is_a_gap_up_to_the_next_image(
    tmp_path: Path, recorder: Start, lines_of: Lines, feed: Feed, image_of: Image, until: Until
) -> None:
    lines = lines_of()
    started = recorder(compression="plain", flush_seconds=0.02, memory_mb=0.02)
    blocker = tmp_path / "recordings/open"
    blocker.write_text("a file where a directory should be")
    feed(started, lines[:100])
    blocker.unlink()
    until(lambda: started.status().waiting_bytes == 0)
    kept = (tmp_path / "recordings/open/1.100000001/market").read_bytes().splitlines(keepends=True)
    later = [lines[100], image_of(lines[101]), *lines[102:]]
    for number in range(0, len(later), 3):
        feed(started, later[number : number + 3])
        until(lambda: started.status().waiting_bytes == 0)
    started.stop()
    assert kept == lines[: len(kept)] and len(kept) < 100
    expected = [*kept, image_of(lines[101]), *lines[102:]]
    assert closed(tmp_path, "1.100000001").read_bytes() == b"".join(expected)
    (gap,) = started.gaps
    assert gap.reason == "not written" and gap.lines_lost == 101 - len(kept)


def test_a_file_of_something_else_is_moved_aside(tmp_path: Path, recorder: Start, lines_of: Lines, feed: Feed) -> None:
    path = tmp_path / "recordings/open/1.100000001/market"
    path.parent.mkdir(parents=True)
    path.write_text("a letter\nof some lines\n")
    started = recorder(compression="plain")
    feed(started, lines_of())
    started.stop()
    assert closed(tmp_path, "1.100000001").read_bytes() == b"".join(lines_of())
    (kept,) = (tmp_path / "recordings/unreadable").iterdir()
    assert kept.read_text() == "a letter\nof some lines\n" and len(started.problems) == 1


def test_what_the_disk_does_not_take_before_the_end_is_told(
    tmp_path: Path, recorder: Start, lines_of: Lines, feed: Feed
) -> None:
    started = recorder()
    (tmp_path / "recordings/open").write_text("a file where a directory should be")
    feed(started, lines_of())
    started.stop()
    (gap,) = started.gaps
    assert gap.reason == "not written" and gap.lines_lost == len(lines_of()) == started.status().counts.lost
    assert "could not be written before the end" in started.problems[-1]


def test_two_recorders_do_not_share_a_directory(tmp_path: Path, recorder: Start) -> None:
    recorder()
    with pytest.raises(SettingsError, match="another recorder"):
        Recorder(Options(str(tmp_path / "recordings"))).start()


def test_a_directory_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match="cannot record into"):
        Recorder(Options(str(tmp_path / "file" / "inside"))).start()


@pytest.mark.parametrize(
    "options",
    [
        {"directory": ""},
        {"compression": "rar"},
        {"flush_seconds": 1.5},
        {"flush_seconds": 0},
        {"linger_seconds": -1},
        {"idle_hours": 0},
        {"memory_mb": float("nan")},
        {"retry_seconds": -1},
    ],
)
def test_options_out_of_range_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(SettingsError, match=next(iter(options))):
        Options(**{"directory": "d", **options})  # type: ignore[arg-type]


def test_an_unknown_kind_of_message_is_counted(recorder: Start) -> None:
    started = recorder()
    started.take(1, "xcm", None, 1, [b"{}"])
    assert started.status().counts.bad == 1 and "xcm" in started.problems[0]
