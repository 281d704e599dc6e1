"""What loses money where nobody thinks of it: a disk that is full, a damaged journal."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from flumine_core import OrderStatus
from flumine_core.errors import FlumineCoreError

from .rig import MARKET, Rig
from .test_restart import order_of

LIVE = OrderStatus.EXECUTABLE


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Callable[[], None]]:
    """Return a function that lets no file grow any more; at the end they may again."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill() -> None:
        size = (tmp_path / "journal.sqlite-wal").stat().st_size
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))

    fill.empty = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, before)  # type: ignore[attr-defined]
    yield fill
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_refuses_placings_and_lets_cancels_leave(make_rig: Callable[..., Rig], full_disk: Any) -> None:
    rig = make_rig()
    order, matched = rig.place(), rig.place()
    rig.settled(order, matched)
    full_disk()
    refused = rig.place()
    rig.wait_until(lambda: refused.complete)
    assert refused.refusal is not None and "intent cannot be written" in refused.refusal.reason
    rig.ask(lambda: rig.market.cancel_order(order))
    rig.wait_until(lambda: order.complete)
    rig.exchange.market(MARKET).match_bet(matched.bet_id, 1.0)
    rig.wait_until(lambda: matched.size_matched == 1.0)
    rig.ask(lambda: rig.trader.context.update(seen=7))
    assert len(rig.ledger.bets()) == 2
    threading.Event().wait(0.3)  # so that somebody has tried to write it
    full_disk.empty()
    rig.settled(rig.place())
    rig.agrees()
    rig.stop()
    again = make_rig()
    assert order_of(again, matched.id).size_matched == 1.0
    assert again.trader.context == {"seen": 7}
    again.agrees()


def damage(path: Path, kind: str) -> None:
    if kind == "no database":
        path.write_bytes(b"this is no database" * 1000)
    elif kind == "a page":
        connection = sqlite3.connect(path)
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.executemany("INSERT INTO meta VALUES (?, ?)", [(str(n), "x" * 500) for n in range(200)])
        connection.commit()
        connection.close()
        data = bytearray(path.read_bytes())
        for start in range(4096, len(data), 4096):
            data[start : start + 512] = b"\xff" * 512
        path.write_bytes(bytes(data))
    else:
        connection = sqlite3.connect(path)
        connection.execute("UPDATE orders SET body = ?", (b"\x81\xa2id\xa11" if kind == "a row" else b"\xc1",))
        connection.commit()
        connection.close()


@pytest.mark.parametrize("kind", ["no database", "a page", "a row", "bytes"])
def test_a_damaged_journal_is_refused_by_name(make_rig: Callable[..., Rig], tmp_path: Path, kind: str) -> None:
    first = make_rig()
    order = first.place()
    first.settled(order)
    first.stop()
    journal = tmp_path / "journal.sqlite"
    damage(journal, kind)
    second = make_rig(is_ready=False)
    second.thread.join(8)
    assert isinstance(second.error, FlumineCoreError)
    assert str(journal) in str(second.error) and "move" in str(second.error)
    journal.rename(tmp_path / "damaged")
    third = make_rig()
    assert third.ask(lambda: third.market.blotter.get_order_bet_id(order.bet_id)) is not None
    third.agrees()


@pytest.mark.parametrize("where", ["/proc/nowhere/journal.sqlite", "{tmp}/folder", "{tmp}/file/journal.sqlite"])
def test_a_journal_that_cannot_be_made_is_refused_by_name(
    make_rig: Callable[..., Rig], tmp_path: Path, where: str
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    path = where.format(tmp=tmp_path)
    rig = make_rig(is_ready=False, journal=path)
    rig.thread.join(8)
    assert isinstance(rig.error, FlumineCoreError)
    assert path in str(rig.error) and "in use" not in str(rig.error)


def test_a_cancel_does_not_wait_for_a_journal_that_is_held_up(make_rig: Callable[..., Rig], tmp_path: Path) -> None:
    rig = make_rig(read_timeout=400.0, unknown_deadline=400.0)
    order = rig.place()
    rig.settled(order)
    other = sqlite3.connect(tmp_path / "journal.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    held_up = [rig.place() for _ in range(10)]
    rig.ask(lambda: rig.market.cancel_order(order))
    rig.wait_until(lambda: order.complete)
    assert not all(each.complete for each in held_up)
    other.close()
    rig.settled(*held_up)


@pytest.mark.parametrize("notes", ["text", ["a"], None, {("a", 1): object()}])
def test_notes_of_any_kind_stop_nothing(rig: Rig, notes: Any) -> None:
    order = rig.place()
    rig.settled(order)
    rig.ask(lambda: setattr(order, "notes", notes))
    rig.exchange.market(MARKET).match_bet(order.bet_id)
    rig.wait_until(lambda: order.complete)
    assert not rig.framework.faults.counts
    rig.agrees()


def test_a_market_version_that_has_gone_on_refuses_by_name(rig: Rig) -> None:
    version = rig.ask(lambda: rig.market.market_book.version)
    rig.exchange.market(MARKET).bump_version()
    order = rig.place(market_version=version)
    rig.wait_until(lambda: order.complete)
    assert order.size_matched == 0
    rig.agrees()
    assert isinstance(order.refusal.reason, str) or order.size_lapsed == 2.0


@pytest.mark.parametrize("hook", ["http.before_execute", "http.after_execute"])
def test_a_suspension_between_placing_and_answer(rig: Rig, hook: str) -> None:
    args = {"market_id": MARKET}
    fault = rig.exchange.faults.add(hook, {"op": "placeOrders"}, 1, "market", method="suspend", args=args)
    order = rig.place()
    rig.wait_until(lambda: order.complete)
    assert fault.hits == 1 and order.size_matched == 0
    assert order.refusal is not None or order.size_lapsed == 2.0
    rig.agrees()
