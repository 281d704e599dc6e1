"""Closed files reach their store, whole and once, through failures and restarts."""

import os
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flumine_recorder.gap import Gap, decode_gaps
from flumine_recorder.outbox import Outbox
from flumine_recorder.recorder import Recorder
from flumine_recorder.store import DirectoryStore, RemoteStore, store_of
from werkzeug.serving import BaseWSGIServer, make_server

from flumine_core.errors import SettingsError
from flumine_core.simulation.reader import open_lines

Start = Callable[..., Recorder]
Lines = Callable[..., list[bytes]]
Feed = Callable[..., None]
Image = Callable[[bytes], bytes]
Until = Callable[[Callable[[], object]], None]

PLACE = "market/2024/06/01/30000001"


class S3:
    """A server on loopback that speaks S3, and can be away for a while."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.server: BaseWSGIServer | None = None
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{self.port}")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "none")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "none")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")

    def up(self) -> None:
        from moto.server import DomainDispatcherApplication, create_backend_app

        self.server = make_server(
            "127.0.0.1", self.port, DomainDispatcherApplication(create_backend_app), threaded=True
        )
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def down(self) -> None:
        if self.server is not None:
            self.server.shutdown()
            self.server.server_close()
            self.server = None

    def client(self) -> Any:
        import boto3

        return boto3.client("s3")


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3]:
    server = S3(monkeypatch)
    server.up()
    server.client().create_bucket(Bucket="recordings")
    yield server
    server.down()


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_remote_store_takes_what_has_closed(
    s3: S3, recorder: Start, lines_of: Lines, feed: Feed, until: Until
) -> None:
    started = recorder(store="s3://recordings/betfair", flush_seconds=0.02)
    lines = lines_of()
    feed(started, lines)
    started.take_catalogue("1.100000001", b'{"marketId":"1.100000001"}')
    until(lambda: started.status().stored == 1)
    assert list(open_lines(f"s3://recordings/betfair/{PLACE}/1.100000001.zst")) == lines
    found = {each["Key"] for each in s3.client().list_objects_v2(Bucket="recordings")["Contents"]}
    assert f"betfair/{PLACE}/1.100000001.zst" in found
    assert started.status().unstored == 0 and started.problems == []


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_while_a_remote_store_is_away_files_wait_also_for_the_next_run(
    s3: S3, tmp_path: Path, recorder: Start, lines_of: Lines, feed: Feed, until: Until
) -> None:
    s3.down()
    first = recorder(store="s3://recordings", flush_seconds=0.02, stop_seconds=0.1)
    lines = lines_of()
    feed(first, lines)
    until(lambda: first.status().store_problem)
    first.stop()
    waiting = tmp_path / "recordings/outbox" / PLACE / "1.100000001.zst"
    assert list(open_lines(str(waiting))) == lines and "s3://recordings" in first.problems[0]
    s3.up()
    if not s3.client().list_buckets()["Buckets"]:
        s3.client().create_bucket(Bucket="recordings")
    second = recorder(store="s3://recordings", flush_seconds=0.02)
    until(lambda: second.status().stored == 1)
    assert list(open_lines(f"s3://recordings/{PLACE}/1.100000001.zst")) == lines
    assert not waiting.exists() and second.status().store_problem is None


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_remote_store_tells_what_it_has(s3: S3, tmp_path: Path) -> None:
    store = store_of("s3://recordings/deep/down")
    assert isinstance(store, RemoteStore)
    (tmp_path / "file").write_bytes(b"some lines")
    assert store.digest("a/b") is None
    store.put("a/b", tmp_path / "file")
    assert store.digest("a/b") == DirectoryStore(tmp_path).digest("file")
    s3.down()
    with pytest.raises(Exception, match=r".+"):
        store.digest("a/b")


@pytest.mark.parametrize("host", ["", "localhost"])
def test_a_file_url_is_a_directory(tmp_path: Path, recorder: Start, lines_of: Lines, feed: Feed, host: str) -> None:
    url = (tmp_path / "my store é").as_uri().replace("file://", f"file://{host}")
    started = recorder(store=url, compression="plain")
    feed(started, lines_of())
    started.stop()
    assert (tmp_path / "my store é" / PLACE / "1.100000001").read_bytes() == b"".join(lines_of())
    assert started.problems == []


@pytest.mark.skipif(os.name == "nt", reason="there a host has shares")
def test_a_file_url_of_another_host_is_refused(tmp_path: Path, recorder: Start) -> None:
    with pytest.raises(SettingsError, match="store must be file:///"):
        recorder(store="file://recordings/closed")


def test_a_store_that_is_away_is_tried_again(
    tmp_path: Path, recorder: Start, lines_of: Lines, feed: Feed, until: Until
) -> None:
    store = tmp_path / "store"
    store.write_text("a file where a directory should be")
    started = recorder(store=str(store), compression="plain", flush_seconds=0.02, retry_seconds=0.05)
    lines = lines_of()
    feed(started, lines)
    until(lambda: started.status().store_problem)
    store.unlink()
    until(lambda: started.status().stored == 1)
    assert (store / PLACE / "1.100000001").read_bytes() == b"".join(lines)
    assert len([told for told in started.problems if "1.100000001" in told]) == 1


def test_one_that_is_not_taken_keeps_no_other_back(
    tmp_path: Path, recorder: Start, lines_of: Lines, feed: Feed, until: Until
) -> None:
    blocked = tmp_path / "recordings/closed" / PLACE / "1.100000001"
    blocked.mkdir(parents=True)
    started = recorder(compression="plain", flush_seconds=0.02, retry_seconds=0.05)
    for number in (1, 2):
        feed(started, lines_of(market_id=f"1.10000000{number}"))
    until(lambda: started.status().stored == 1)
    assert blocked.with_name("1.100000002").read_bytes() == b"".join(lines_of(market_id="1.100000002"))
    assert started.status().store_problem
    blocked.rmdir()
    until(lambda: started.status().stored == 2)
    assert blocked.read_bytes() == b"".join(lines_of())


class Forgetful(DirectoryStore):
    """A store that says it has taken a file, and has not."""

    def put(self, name: str, path: Path) -> None:
        if not name.endswith(".gaps"):
            super().put(name, path)


def parcel(outbox: Path, lines: bytes, stem: str = "1.1", gaps: bytes = b"") -> None:
    folder = outbox / PLACE
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{stem}.gz").write_bytes(lines)
    if gaps:
        (folder / f"{stem}.gaps").write_bytes(gaps)


def test_what_is_not_confirmed_stays_here(tmp_path: Path) -> None:
    parcel(tmp_path / "outbox", b"lines", gaps=Gap("1.1", "market", 1, 2, "restarted").encode())
    outbox = Outbox(tmp_path / "outbox")
    (found,) = outbox.parcels()
    with pytest.raises(OSError, match="must have the digest"):
        outbox.send(found, Forgetful(tmp_path / "store"))
    assert [each.paths for each in outbox.parcels()] == [found.paths]


def test_no_recording_takes_the_place_of_another(tmp_path: Path) -> None:
    outbox, store = Outbox(tmp_path / "outbox"), DirectoryStore(tmp_path / "store")
    sent = []
    for number, lines in enumerate((b"one", b"two", b"three", b"two")):
        gap = Gap("1.1", "market", number, None, "restarted")
        parcel(outbox.directory, lines, "1.1-2" if lines == b"three" else "1.1", gap.encode())
        (found,) = outbox.parcels()
        sent.append(outbox.send(found, store))
    assert sent == [f"{PLACE}/1.1.gz", f"{PLACE}/1.1-2.gz", f"{PLACE}/1.1-3.gz", f"{PLACE}/1.1-2.gz"]
    kept = {path.name: path.read_bytes() for path in (tmp_path / "store" / PLACE).iterdir()}
    assert [kept[f"{name}.gz"] for name in ("1.1", "1.1-2", "1.1-3")] == [b"one", b"two", b"three"]
    assert decode_gaps(kept["1.1-3.gaps"])[0].start_ms == 2
    assert list(outbox.parcels()) == [] and not any(outbox.directory.iterdir())


def test_what_a_killed_process_left_half_written_is_removed(
    tmp_path: Path, recorder: Start, lines_of: Lines, feed: Feed
) -> None:
    lines = lines_of()
    for name in ("outbox/market/.1.9.zst.part", "sealed/.done-1.9/market", "sealed/1.100000001/market"):
        path = tmp_path / "recordings" / name
        path.parent.mkdir(parents=True)
        path.write_bytes(b"".join(lines))
    started = recorder(compression="plain")
    started.stop()
    assert (tmp_path / "recordings/closed" / PLACE / "1.100000001").read_bytes() == b"".join(lines)
    left = [path for path in (tmp_path / "recordings").rglob("*") if path.is_file()]
    assert sorted(path.name for path in left) == [".lock", "1.100000001"]
