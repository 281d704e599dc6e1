"""Real processes that are killed, or run out of disk, lose a second at most and list it."""

import resource
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

Lines = Callable[..., list[bytes]]

SOURCE = textwrap.dedent(
    """
    import sys, time
    from flumine_recorder.message import parse
    from flumine_recorder.options import Options
    from flumine_recorder.recorder import Recorder

    path, directory, first, pause = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
    recorder = Recorder(Options(directory, compression="plain", linger_seconds=0))
    recorder.start()
    lines = open(path, "rb").read().splitlines(keepends=True)
    for number, line in enumerate(lines[first:], first):
        if number == first and first:
            line = line.replace(b'"mc":[{', b'"mc":[{"img":true,', 1)
        kind, clk, publish_time, changes = parse(line)
        recorder.take(1, kind.op, clk, publish_time, changes)
        print(number, flush=True)
        time.sleep(pause)
    print("taken", flush=True)
    sys.stdin.read()
    recorder.stop()
    print(recorder.status(), recorder.problems, flush=True)
    """
)


def process(
    path: Path, folder: Path, first: int = 0, pause: float = 0.0, limit: int | None = None
) -> "subprocess.Popen[str]":
    def limited() -> None:
        if limit is not None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))

    return subprocess.Popen(
        [sys.executable, "-c", SOURCE, str(path), str(folder), str(first), str(pause)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=limited,
    )


def test_a_killed_process_has_lost_a_second_at_most(tmp_path: Path, lines_of: Lines) -> None:
    lines = lines_of(updates=400)
    source = tmp_path / "source"
    source.write_bytes(b"".join(lines))
    first, expected = 0, b""
    for _ in range(3):
        child = process(source, tmp_path / "recordings", first, 0.02)
        assert child.stdout is not None and child.stdin is not None
        taken: list[tuple[float, int]] = []
        for text in child.stdout:
            taken.append((time.monotonic(), int(text)))
            if len(taken) == 110:
                break
        child.send_signal(signal.SIGKILL)
        child.wait()
        killed = time.monotonic()
        child.stdout.close()
        child.stdin.close()
        assert child.stderr is not None
        child.stderr.close()
        written = (tmp_path / "recordings/open/1.100000001/market").read_bytes()
        own = lines[first : taken[-1][1] + 60]
        own[0] = own[0].replace(b'"mc":[{', b'"mc":[{"img":true,', 1) if first else own[0]
        whole = [line for line in written[len(expected) :].splitlines(keepends=True) if line.endswith(b"\n")]
        assert whole == own[: len(whole)]
        # half a second to the next flush, one more for a machine that is busy
        due = sum(moment < killed - 1.5 for moment, _ in taken)
        assert 0 < due <= len(whole)
        expected += b"".join(whole)
        first = taken[-1][1] + 1
    child = process(source, tmp_path / "recordings", first)
    out, _ = child.communicate("")
    rest = [lines[first].replace(b'"mc":[{', b'"mc":[{"img":true,', 1), *lines[first + 1 :]]
    closed = tmp_path / "recordings/closed/market/2024/06/01/30000001"
    assert (closed / "1.100000001").read_bytes() == expected + b"".join(rest)
    assert len((closed / "1.100000001.gaps").read_text().splitlines()) == 3
    assert out.rstrip().endswith("[]")


def test_a_disk_that_is_full_is_survived(tmp_path: Path, lines_of: Lines) -> None:
    lines = lines_of()
    source = tmp_path / "source"
    source.write_bytes(b"".join(lines))
    child = process(source, tmp_path / "recordings", limit=20_000)
    assert child.stdout is not None
    path = tmp_path / "recordings/open/1.100000001/market"
    for text in child.stdout:
        if text == "taken\n":
            break
    assert child.stderr is not None and "cannot write" in child.stderr.readline()
    assert path.stat().st_size <= 20_000
    resource.prlimit(child.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    out, _ = child.communicate("")
    closed = tmp_path / "recordings/closed/market/2024/06/01/30000001"
    assert (closed / "1.100000001").read_bytes() == b"".join(lines)
    assert "cannot write" in out and "disk_problem=None" in out
