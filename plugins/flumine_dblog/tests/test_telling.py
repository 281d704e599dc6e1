"""What is told is kept for a moment and handed over together: in order, and the odd one harms no other."""

import gc
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from flumine_core import LimitOrder
from flumine_core.events import BalanceEvent, ConfigEvent, MarketEvent, RefusalEvent
from flumine_core.order.package import OrderPackageType
from flumine_core.order.refusal import Refusal

from flumine_dblog.plugin import DatabaseLog

Faults = list[tuple[str, str, BaseException]]


class Unspeakable:
    """Cannot be said in words."""

    def __str__(self) -> str:
        raise RuntimeError("no words")


def refusal(number: int, market_id: str = "1.5", kind: Any = None, **numbers: Any) -> RefusalEvent:
    told = Refusal("Mine", f"for reason {number}", numbers, market_id, 5, "Lay", str(number), OrderPackageType.PLACE)
    return RefusalEvent(told, number, f"t{number}", 0.0, "LAY", kind or LimitOrder(1.5, 2.0))


def balance(number: int) -> BalanceEvent:
    return BalanceEvent({"username": "me", "availableToBetBalance": float(number), "exposure": 0.0})


def market(market_id: str) -> MarketEvent:
    names = ("event_id", "event_type_id", "event_name", "market_name", "market_type", "market_start_datetime")
    others = ("country_code", "venue", "race_type", "status", "closed")
    return MarketEvent({"market_id": market_id, "runners": [], **dict.fromkeys((*names, *others))})


class Rarely(DatabaseLog):
    """Hands over at the end, or where somebody tells too much."""

    PAUSE = 1000.0


@pytest.fixture(params=[True, False], ids=["process", "thread"])
def told(request: pytest.FixtureRequest, sqlite_url: str, tmp_path: Any) -> Iterator[tuple[DatabaseLog, Faults]]:
    """A control that writes in a process and on a thread in turn, and what it counts."""
    faults: Faults = []
    control = Rarely(sqlite_url, spool=tmp_path / "spool", process=request.param, memory=50)
    control.start(lambda *fault: faults.append(fault))
    control.put(ConfigEvent({"simulated": False}))
    yield control, faults
    control.stop()


def reasons(url: str, tools: Any) -> list[int]:
    return [int(each) for (each,) in tools.query(url, "SELECT order_id FROM refusals ORDER BY sequence")]


def test_a_refusal_that_makes_no_row_is_counted_alone(told: Any, sqlite_url: str, tools: Any) -> None:
    control, faults = told
    for number in range(20):
        control.put(refusal(number, kind=object() if number == 7 else None))
    control.stop()
    assert [fault[:2] for fault in faults] == [("Rarely", "process_refusal")]
    assert reasons(sqlite_url, tools) == [number for number in range(20) if number != 7]


def test_a_row_that_cannot_be_encoded_is_counted_alone(told: Any, sqlite_url: str, tools: Any) -> None:
    control, faults = told
    for number in range(20):
        control.put(refusal(number, limit=Unspeakable() if number in (0, 7, 19) else 1.5))
    control.stop()
    assert [fault[1] for fault in faults] == ["refusal"] * 3 and str(faults[0][2]) == "no words"
    assert reasons(sqlite_url, tools) == [number for number in range(20) if number not in (0, 7, 19)]
    # the numbers of entries have no gap, by which one would be passed over as written before
    sequences = tools.query(sqlite_url, "SELECT sequence FROM refusals ORDER BY sequence")
    assert sequences == [(number + 2,) for number in range(17)]


def test_a_run_that_ends_before_it_has_told_anything_is_a_run(sqlite_url: str, tools: Any, tmp_path: Any) -> None:
    control = DatabaseLog(sqlite_url, spool=tmp_path / "spool", run="aborted")
    control.is_awaited = True
    control.start(lambda *fault: None)
    control.stop()
    [(name, simulated, version, started, ended)] = tools.query(
        sqlite_url, "SELECT name, simulated, version, started, ended FROM runs"
    )
    assert (name, simulated) == ("aborted", True) and version and started <= ended


@pytest.mark.parametrize("kind", [LimitOrder(float("nan"), 2.0), LimitOrder(float("inf"), 2.0)])
def test_what_is_no_number_is_nothing(kind: LimitOrder, told: Any, sqlite_url: str, tools: Any) -> None:
    control, faults = told
    control.put(refusal(1, limit=float("nan")))
    control.put(refusal(2, kind=kind))
    control.stop()
    assert not faults
    found = tools.query(sqlite_url, "SELECT order_id, price, numbers FROM refusals ORDER BY sequence")
    assert [row[:2] for row in found] == [("1", 1.5), ("2", None)]
    assert [str(row[2]).replace(" ", "") for row in found] == ['{"limit":null}', "{}"]


def test_refusals_of_a_market_that_came_before_are_not_written_again(told: Any, sqlite_url: str, tools: Any) -> None:
    control, faults = told
    for event in (market("1.5"), refusal(1), ConfigEvent({}), market("1.5"), refusal(2), refusal(3, "1.6")):
        control.put(event)
    control.stop()
    assert [fault[1] for fault in faults] == ["process_market"]
    assert reasons(sqlite_url, tools) == [1, 3]


def test_what_is_told_leaves_nothing_for_the_garbage_collector(told: Any) -> None:
    """What waits for its hand-over would have it look through all that the run holds, again and again."""
    control, faults = told
    events = [refusal(number, limit=1.5) for number in range(40)]
    gc.collect()
    gc.disable()
    try:
        before = len(gc.get_objects()) - sum(map(gc.is_tracked, events))
        while events:
            control.put(events.pop())
        assert len(gc.get_objects()) - before < 10
    finally:
        gc.enable()
    assert not faults


def test_entries_keep_the_order_in_which_they_were_told(told: Any, sqlite_url: str, tools: Any) -> None:
    control, faults = told
    kinds = [number % 7 in (0, 1, 4) for number in range(450)]
    for number, is_refusal in enumerate(kinds):
        control.put(refusal(number) if is_refusal else balance(number))
    control.stop()
    assert not faults
    found = tools.query(
        sqlite_url,
        "SELECT sequence, CAST(order_id AS INTEGER) FROM refusals UNION ALL"
        " SELECT sequence, available_to_bet_balance FROM balances ORDER BY 1",
    )
    # the run is the first
    assert found == [(number + 2, number) for number in range(450)]


def test_who_tells_more_than_memory_holds_hands_over_itself(told: Any, sqlite_url: str, tools: Any) -> None:
    control, faults = told
    for number in range(200):
        control.put(refusal(number))
    # the control's own thread does nothing before the end
    tools.wait_until(lambda: tools.query(sqlite_url, "SELECT name FROM sqlite_master WHERE name = 'refusals'"))
    tools.wait_until(lambda: len(reasons(sqlite_url, tools)) >= 150)
    control.stop()
    assert not faults
    assert reasons(sqlite_url, tools) == list(range(200))


def test_who_tells_is_not_held_up_while_that_is_handed_over(sqlite_url: str, tools: Any, tmp_path: Any) -> None:
    """A process that takes nothing is waited for, for a second, but not by the trading loop."""
    faults: Faults = []
    control = Rarely(sqlite_url, spool=tmp_path / "spool", memory=50_000, close_seconds=60)
    control.start(lambda *fault: faults.append(fault))
    control.put(ConfigEvent({"simulated": False}))
    tools.wait_until(tools.writers)
    [writer] = tools.writers()
    writer.suspend()
    try:
        for number in range(40_000):
            control.put(refusal(number))
        handing = threading.Thread(target=control.flush)
        handing.start()
        for number in range(40_000, 40_100):
            control.put(refusal(number))
        assert handing.is_alive()
        handing.join()
    finally:
        writer.resume()
    control.stop()
    assert not faults
    assert reasons(sqlite_url, tools) == list(range(40_100))
