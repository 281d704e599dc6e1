"""Simulations from end to end: callbacks, clock, events, refusals, bad input."""

import asyncio
import bz2
import gzip
import json
import threading
from pathlib import Path
from typing import Any

import pytest

from flumine_core import (
    BackgroundWorker,
    BaseStrategy,
    BetfairClient,
    CustomEvent,
    FlumineCoreError,
    FlumineSimulation,
    HistoricalStream,
    LimitOrder,
    LoggingControl,
    Middleware,
    OrderStatus,
    Settings,
    SimulatedClient,
    Trade,
    config,
)
from flumine_core.synthetic.event import event
from flumine_core.synthetic.market import SyntheticMarket


class Watcher(BaseStrategy):
    """Notes every callback."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.seen: list[tuple[str, int]] = []
        self.now_ms: list[int] = []
        self.new: list[str] = []
        self.closed: list[str] = []

    def process_new_market(self, market: Any, market_book: Any) -> None:
        self.new.append(market.market_id)

    def check_market_book(self, market: Any, market_book: Any) -> bool:
        self.seen.append((market.market_id, market_book.publish_time_epoch))
        self.now_ms.append(round(self.now().timestamp() * 1000))
        return False

    def process_closed_market(self, market: Any, market_book: Any) -> None:
        self.closed.append(market.market_id)


class Placer(Watcher):
    """Backs the first active runner once, at a price nobody will match, and notes its orders on each book."""

    def __init__(self, seconds: float = 300, **options: Any) -> None:
        super().__init__(**options)
        self.seconds = seconds
        self.order: Any = None
        self.calls: list[tuple[int, int]] = []

    def check_market_book(self, market: Any, market_book: Any) -> bool:
        super().check_market_book(market, market_book)
        return self.order is None and market_book.status == "OPEN" and market.seconds_to_start < self.seconds

    def process_market_book(self, market: Any, market_book: Any) -> None:
        runner = next(each for each in market_book.runners if each.status == "ACTIVE")
        trade = Trade(market.market_id, runner.selection_id, runner.handicap, self)
        self.order = trade.create_order("BACK", LimitOrder(1000, 2.0, "PERSIST"))
        market.place_order(self.order)

    def process_orders(self, market: Any, orders: list[Any]) -> None:
        self.calls.append((market.market_book.publish_time_epoch, len(orders)))


def changes_of(paths: list[str]) -> list[tuple[int, str]]:
    """Return publish time and market of each change that is not CLOSED, merged by time."""
    found = []
    status: dict[str, str] = {}
    for path in paths:
        for line in Path(path).read_bytes().splitlines():
            message = json.loads(line)
            for change in message["mc"]:
                if "marketDefinition" in change:
                    status[change["id"]] = change["marketDefinition"]["status"]
                if status[change["id"]] != "CLOSED":
                    found.append((message["pt"], change["id"]))
    return found


def test_a_new_market_that_raises_costs_its_strategy_no_book(simulate: Any, market_file: Any) -> None:
    class Raising(Watcher):
        def process_new_market(self, market: Any, market_book: Any) -> None:
            raise ValueError("mine")

    raising, other = Raising(name="raising"), Watcher(name="other")
    framework = simulate(market_file(), raising, other)
    assert raising.seen == other.seen
    assert framework.faults.counts == {("raising", "strategy.process_new_market"): 1}


def test_a_callback_comes_only_for_a_market_that_changed(simulate: Any, tmp_path: Path) -> None:
    types = ["WIN", "PLACE", "OTHER_PLACE"]
    path = str(event(*types, like=SyntheticMarket(updates=200, seed=5)).write(tmp_path / "event"))
    strategy = Watcher()
    framework = simulate(path, strategy)
    assert [(time, market) for market, time in strategy.seen] == changes_of([path])
    assert strategy.now_ms == sorted(strategy.now_ms)
    assert len(framework.markets) == 3
    assert sorted(strategy.new) == sorted(market.market_id for market in framework.markets) == sorted(strategy.closed)


def test_files_of_one_event_are_merged_by_publish_time(simulate: Any, tmp_path: Path) -> None:
    made = event("WIN", "PLACE", like=SyntheticMarket(updates=200, seed=5))
    paths = [str(path) for path in made.write_each(tmp_path)]
    strategy = Watcher()
    simulate(paths, strategy, event_processing=True)
    times = [time for _, time in strategy.seen]
    assert times == sorted(times)
    assert len({market for market, _ in strategy.seen[: len(strategy.seen) // 2]}) == 2
    assert sorted(strategy.seen) == sorted((market, time) for time, market in changes_of(paths))


def test_a_market_that_two_merged_files_hold_is_delivered_once(simulate: Any, tmp_path: Path) -> None:
    win, place = event("WIN", "PLACE", like=SyntheticMarket(updates=200, seed=5)).write_each(tmp_path)
    again = tmp_path / "again.gz"
    again.write_bytes(gzip.compress(win.read_bytes()))
    once, twice = Watcher(), Watcher()
    simulate([str(win), str(place)], once, event_processing=True)
    framework = simulate([str(win), str(again), str(place)], twice, event_processing=True)
    assert twice.seen == once.seen
    assert framework.bad_lines == [
        f"{again}:1: market {win.name} comes from {win}, which is merged with this file: left out here"
    ]


def test_files_without_grouping_run_one_after_another(simulate: Any, tmp_path: Path) -> None:
    made = event("WIN", "PLACE", like=SyntheticMarket(updates=200, seed=5))
    strategy = Watcher()
    simulate([str(path) for path in made.write_each(tmp_path)], strategy)
    order = [market for market, _ in strategy.seen]
    assert order == sorted(order, key=order.index)


def test_process_orders_comes_on_every_open_book_from_the_first_placing(simulate: Any, market_file: Any) -> None:
    strategy = Placer()
    simulate(market_file(), strategy)
    placed = next(i for i, (_, time) in enumerate(strategy.seen) if time == strategy.order.created_ms)
    assert strategy.calls == [(time, 1) for _, time in strategy.seen[placed + 1 :]]


def test_one_drain_calls_process_market_orders_once(simulate: Any, market_file: Any) -> None:
    drains: list[int] = []

    class Own(FlumineSimulation):
        def _process_market_orders(self, market: Any) -> None:
            drains.append(len(market.outbox))
            super()._process_market_orders(market)

    class Twice(Placer):
        def process_market_book(self, market: Any, market_book: Any) -> None:
            super().process_market_book(market, market_book)
            order = self.order.trade.create_order("BACK", LimitOrder(990, 2.0))
            market.place_order(order)

    simulate(market_file(), Twice(), cls=Own)
    assert drains == [2]


def test_closed_markets_are_queued_and_cleared(simulate: Any, market_file: Any) -> None:
    framework = simulate(market_file(), Placer())
    (market,) = framework.markets
    assert framework.cleared_market_queue.get_nowait() == market.market_id
    assert market.closed and market.market_cleared[0]["marketId"] == market.market_id


def test_order_that_no_book_follows_is_refused_aloud(simulate: Any, market_file: Any, tmp_path: Path) -> None:
    lines = Path(market_file()).read_bytes().splitlines(keepends=True)
    cut = tmp_path / "cut"
    cut.write_bytes(b"".join(lines[:200]))
    last = json.loads(lines[199])["pt"]

    class Late(Placer):
        def check_market_book(self, market: Any, market_book: Any) -> bool:
            return market_book.publish_time_epoch == last

    strategy = Late()
    framework = simulate(str(cut), strategy)
    assert strategy.order.status is OrderStatus.PENDING
    assert [refusal.order_id for refusal in framework.refusals] == [strategy.order.id]
    assert strategy.order.violation_msg


@pytest.mark.parametrize(
    ("listener", "expected"),
    [
        ({}, [0, 4, 5, 6, 7, 9, 9.5, 10, 11, 12]),
        ({"inplay": True}, [6, 9, 9.5, 10, 11, 12]),
        ({"inplay": False}, [0, 4, 5, 6, 7, 9, 9.5]),
        ({"seconds_to_start": 5}, [5, 6, 7, 9, 9.5, 10, 11, 12]),
        ({"seconds_to_start": 5, "inplay": False}, [5, 6, 7, 9, 9.5]),
        ({"max_inplay_seconds": 2}, [0, 4, 5, 6, 7, 9, 9.5, 10, 11]),
    ],
)
@pytest.mark.parametrize("market_time", ["2020-09-13T12:26:50.000Z", 1_600_000_010_000])
def test_listener_filters(
    simulate: Any, tmp_path: Path, listener: dict[str, Any], expected: list[float], market_time: str | int
) -> None:
    """The peer's rules: filters hold while a market is OPEN, seconds_to_start does not end by itself in play."""
    start = 1_600_000_000_000
    states = {0: "O", 4: "O", 5: "O", 6: "S", 7: "O", 9: "SI", 9.5: "SI", 10: "OI", 11: "OI", 12: "OI", 13: "C"}
    definition = next(SyntheticMarket(updates=20).changes())[1]["marketDefinition"]
    lines = []
    for second, state in states.items():
        status = {"O": "OPEN", "S": "SUSPENDED", "C": "CLOSED"}[state[0]]
        own = {**definition, "status": status, "inPlay": "I" in state, "marketTime": market_time}
        change = {"id": "1.1", "marketDefinition": own}
        lines.append(json.dumps({"op": "mcm", "pt": start + round(second * 1000), "mc": [change]}) + "\n")
    path = tmp_path / "filtered"
    path.write_text("".join(lines))
    strategy = Watcher()
    simulate(str(path), strategy, listener_kwargs=listener)
    assert [(time - start) / 1000 for _, time in strategy.seen] == expected
    assert strategy.closed == ["1.1"]


def test_markets_of_other_types_or_countries_are_left_out(simulate: Any, tmp_path: Path) -> None:
    path = str(event("WIN", "PLACE", like=SyntheticMarket(updates=100, seed=5)).write(tmp_path / "event"))
    framework = simulate(path, Watcher(), market_types=["PLACE"])
    assert [market.market_type for market in framework.markets] == ["PLACE"]
    assert len(simulate(path, Watcher(), country_codes=["XX"]).markets) == 0


def test_a_market_filter_takes_one_name_as_well_as_several(tmp_path: Path) -> None:
    path = event("WIN", "PLACE", like=SyntheticMarket(updates=100, seed=5)).write(tmp_path / "event")
    for wanted in ({"market_types": "PLACE"}, {"market_types": ("PLACE",), "country_codes": "GB"}):
        framework = FlumineSimulation(client=SimulatedClient())
        framework.add_strategy(Watcher(market_filter={"markets": path, **wanted}))
        framework.run()
        assert [market.market_type for market in framework.markets] == ["PLACE"]


def test_market_filter_names_files_by_glob(market_file: Any, tmp_path: Path) -> None:
    for number in (1, 2):
        SyntheticMarket(updates=50, market_id=f"1.10000000{number}").write(tmp_path / f"m{number}.zst")
    strategy = Watcher(market_filter={"markets": [str(tmp_path / "*.zst")]})
    framework = FlumineSimulation(client=SimulatedClient())
    framework.add_strategy(strategy)
    framework.run()
    assert [market.market_id for market in framework.markets] == ["1.100000001", "1.100000002"]


def damaged(lines: list[bytes], kind: str) -> list[bytes]:
    first = json.loads(lines[0])
    market = first["mc"][0]["id"]
    middle = {
        "blank line": b"\n",
        "garbage": b"\x00garbage\n",
        "no mc": b'{"op":"mcm","pt":1500000000000,"ct":"HEARTBEAT"}\n',
        "no definition": b'{"op":"mcm","pt":1500000000000,"mc":[{"id":"1.999","rc":[{"id":1,"ltp":2.0}]}]}\n',
        "NaN": f'{{"op":"mcm","pt":1500000000000,"mc":[{{"id":"{market}","rc":[{{"id":1,"ltp":NaN}}]}}]}}\n'.encode(),
        "Infinity": f'{{"op":"mcm","pt":1500000000000,"mc":[{{"id":"{market}","tv":Infinity}}]}}\n'.encode(),
        "odd ladder": json.dumps(
            {"op": "mcm", "pt": 1500000000000, "mc": [{"id": market, "rc": [{"id": 1, "atb": "x"}]}]}
        ).encode()
        + b"\n",
        "endless price": json.dumps(
            {"op": "mcm", "pt": 1500000000000, "mc": [{"id": market, "rc": [{"id": 1, "atb": [[10**400, 2.0]]}]}]}
        ).encode()
        + b"\n",
        "endless size": json.dumps(
            {"op": "mcm", "pt": 1500000000000, "mc": [{"id": market, "rc": [{"id": 1, "trd": [[2.0, -(10**400)]]}]}]}
        ).encode()
        + b"\n",
        "truncated": lines[100][: len(lines[100]) // 2],
    }[kind]
    return [*lines[:100], middle] if kind == "truncated" else [*lines[:100], middle, *lines[100:]]


@pytest.mark.parametrize("reads", [False, True])
@pytest.mark.parametrize(
    "kind",
    [
        "blank line",
        "garbage",
        "no mc",
        "no definition",
        "NaN",
        "Infinity",
        "odd ladder",
        "endless price",
        "endless size",
        "truncated",
    ],
)
def test_bad_line_is_named_counted_and_passed_over(
    kind: str, reads: bool, simulate: Any, market_file: Any, tmp_path: Path
) -> None:
    path = tmp_path / "damaged"
    path.write_bytes(b"".join(damaged(Path(market_file()).read_bytes().splitlines(keepends=True), kind)))

    class Reader(Placer):
        def check_market_book(self, market: Any, market_book: Any) -> bool:
            if reads:
                assert market_book.runners
            return super().check_market_book(market, market_book)

    strategy = Reader(seconds=10**9)
    framework = simulate([str(path), market_file(seed=4, market_id="1.2")], strategy)
    (message,) = framework.bad_lines
    assert message.startswith(f"{path}:101: ")
    assert framework.faults.counts == {}
    assert len(framework.markets) == 2
    assert strategy.order.bet_id


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"suspendTime": []}, "suspendTime must be text, was []"),
        ({"openDate": {}}, "openDate must be text, was {}"),
        ({"settledTime": [1]}, "settledTime must be text, was [1]"),
        (
            {"priceLadderDefinition": "CLASSIC"},
            "priceLadderDefinition must be an object, was 'CLASSIC'",
        ),
        ({"keyLineDefinition": [1]}, "keyLineDefinition must be an object, was [1]"),
        ({"keyLineDefinition": {"kl": 1}}, "keyLineDefinition.kl must be a list, was 1"),
        ({"keyLineDefinition": {"kl": [1]}}, "keyLineDefinition.kl must hold objects, was [1]"),
        ({"betDelay": 10**400}, f"betDelay must be a number of up to 64 bits, was {10**400}"),
        ({"betDelay": "1"}, "betDelay must be a number of up to 64 bits, was '1'"),
    ],
)
def test_a_definition_that_is_not_as_documented_is_a_bad_line(
    changed: Any, told: str, simulate: Any, market_file: Any, tmp_path: Path
) -> None:
    lines = Path(market_file()).read_bytes().splitlines(keepends=True)
    message = json.loads(lines[0])
    change = {"id": message["mc"][0]["id"], "marketDefinition": message["mc"][0]["marketDefinition"] | changed}
    path = tmp_path / "defined"
    path.write_bytes(b"".join([*lines[:50], json.dumps({**message, "mc": [change]}).encode() + b"\n", *lines[50:]]))

    class Reader(Watcher):
        def check_market_book(self, market: Any, market_book: Any) -> bool:
            assert market_book.market_definition.market_type
            return super().check_market_book(market, market_book)

    strategy, unharmed = Reader(), Watcher()
    simulate(market_file(), unharmed)
    framework = simulate(str(path), strategy)
    assert framework.bad_lines == [f"{path}:51: marketDefinition.{told}"]
    assert framework.faults.counts == {}
    assert strategy.seen == unharmed.seen


@pytest.mark.parametrize("changed", [None, {"betDelay": "1"}])
def test_an_image_without_a_definition_to_trade_on_is_a_bad_line(
    changed: Any, simulate: Any, market_file: Any, tmp_path: Path
) -> None:
    lines = Path(market_file()).read_bytes().splitlines(keepends=True)
    message = json.loads(lines[0])
    image = message["mc"][0]
    image["marketDefinition"] = changed and image["marketDefinition"] | changed
    path = tmp_path / "imaged"
    path.write_bytes(b"".join([*lines[:50], json.dumps(message).encode() + b"\n", *lines[50:]]))
    strategy, unharmed = Watcher(), Watcher()
    simulate(market_file(), unharmed)
    (told,) = simulate(str(path), strategy).bad_lines
    assert told.startswith(f"{path}:51: ") and "arketDefinition" in told
    assert strategy.seen == unharmed.seen


def test_a_definition_may_hold_what_is_not_known_yet(simulate: Any, market_file: Any, tmp_path: Path) -> None:
    first, *rest = Path(market_file()).read_bytes().splitlines(keepends=True)
    message = json.loads(first)
    message["mc"][0]["marketDefinition"].update(
        unknown=[1],
        priceLadderDefinition={"type": "FINEST", "unknown": 1},
        keyLineDefinition={"kl": [{"id": 7, "hc": 0.5, "unknown": 1}], "unknown": 1},
    )
    path = tmp_path / "defined"
    path.write_bytes(b"".join([json.dumps(message).encode() + b"\n", *rest]))
    found: list[Any] = []

    class Reader(BaseStrategy):
        def check_market_book(self, market: Any, market_book: Any) -> bool:
            found.append(market_book.market_definition)
            return False

    framework = simulate(str(path), Reader())
    assert framework.faults.counts == {}
    assert found[0].price_ladder_definition.type == "FINEST"
    assert [(each.selection_id, each.handicap) for each in found[0].key_line_definitions.key_line] == [(7, 0.5)]


def test_bad_lines_without_end_are_all_counted_and_some_are_kept(
    simulate: Any, market_file: Any, tmp_path: Path
) -> None:
    worst, bad = tmp_path / "worst", tmp_path / "bad"
    worst.write_bytes(b"garbage\n" * 5_000)
    bad.write_bytes(b"garbage\n" * 3)
    framework = simulate([str(worst), str(bad), market_file()], Watcher())
    assert framework.bad_lines.counts == {str(worst): 5_000, str(bad): 3}
    assert framework.bad_lines.total == 5_003
    assert len(framework.bad_lines) == 103
    assert framework.bad_lines[99].startswith(f"{worst}:100: ")
    assert framework.bad_lines[102].startswith(f"{bad}:3: ")


@pytest.mark.parametrize("kind", ["empty", "missing", "directory", "truncated bz2"])
def test_file_that_cannot_be_read_costs_only_itself(kind: str, simulate: Any, market_file: Any, tmp_path: Path) -> None:
    path = tmp_path / "bad.bz2"
    if kind == "empty":
        path.write_bytes(b"")
    elif kind == "directory":
        path.mkdir()
    elif kind == "truncated bz2":
        packed = bz2.compress(Path(market_file(updates=3000)).read_bytes())
        path.write_bytes(packed[: len(packed) // 2])
    framework = simulate([str(path), market_file(market_id="1.2")], Watcher())
    told = framework.stream_errors + framework.bad_lines
    assert len(told) == 1 and str(path) in told[0]
    assert "1.2" in framework.markets


def test_line_ends_and_the_mark_of_windows_change_nothing(simulate: Any, market_file: Any, tmp_path: Path) -> None:
    path = tmp_path / "windows"
    path.write_bytes(b"\xef\xbb\xbf" + Path(market_file()).read_bytes().replace(b"\n", b"\r\n"))
    ours, theirs = Watcher(), Watcher()
    simulate(market_file(), theirs)
    framework = simulate(str(path), ours)
    assert framework.bad_lines == [] and ours.seen == theirs.seen


def test_unknown_runner_and_duplicate_file_do_no_harm(simulate: Any, market_file: Any, tmp_path: Path) -> None:
    lines = Path(market_file()).read_bytes().splitlines(keepends=True)
    change = {"id": json.loads(lines[0])["mc"][0]["id"], "rc": [{"id": 77, "ltp": 3.0, "atb": [[2.0, 5]]}]}
    lines.insert(50, json.dumps({"op": "mcm", "pt": json.loads(lines[49])["pt"], "mc": [change]}).encode() + b"\n")
    path = tmp_path / "unknown"
    path.write_bytes(b"".join(lines))
    framework = simulate([str(path), market_file()], Watcher())
    assert framework.bad_lines == [] and framework.faults.total == 0
    assert len(framework.markets) == 1


class Raises(Watcher):
    def process_market_book(self, market: Any, market_book: Any) -> None:
        raise ZeroDivisionError("on purpose")

    def check_market_book(self, market: Any, market_book: Any) -> bool:
        super().check_market_book(market, market_book)
        return True


def test_a_strategy_that_raises_starves_nobody(simulate: Any, market_file: Any) -> None:
    bad, good = Raises(name="bad"), Watcher(name="good")
    framework = simulate(market_file(), bad, good)
    assert framework.faults.counts == {("bad", "strategy.process_market_book"): len(bad.seen)}
    assert "ZeroDivisionError: on purpose" in framework.faults.first["bad", "strategy.process_market_book"].error
    assert good.seen == bad.seen


class Overboard(BaseException):
    """No Exception."""


@pytest.mark.parametrize("error", [SystemExit, asyncio.CancelledError, GeneratorExit, Overboard])
@pytest.mark.parametrize(
    "callback", ["start", "process_new_market", "check_market_book", "process_closed_market", "finish"]
)
def test_a_strategy_that_leaves_does_not_end_the_run(
    callback: str, error: type[BaseException], simulate: Any, market_file: Any
) -> None:
    def leave(*arguments: Any) -> None:
        raise error(0)

    bad, good = Watcher(name="bad"), Watcher(name="good")
    setattr(bad, callback, leave)
    framework = simulate([market_file(), market_file(market_id="1.2")], bad, good)
    assert {fault.plugin: fault.error for fault in framework.faults.first.values()} == {"bad": f"{error.__name__}: 0"}
    assert len(good.closed) == 2


def test_what_ends_a_test_ends_it_in_a_callback_too(simulate: Any, market_file: Any) -> None:
    def fail(*arguments: Any) -> None:
        pytest.fail("not this book")

    bad = Watcher(name="bad")
    bad.check_market_book = fail  # type: ignore[method-assign]
    with pytest.raises(pytest.fail.Exception, match="not this book"):
        simulate(market_file(), bad)


def test_ctrl_c_in_a_callback_ends_the_run_in_order(simulate: Any, market_file: Any) -> None:
    ended: list[str] = []

    class Interrupted(Watcher):
        def check_market_book(self, market: Any, market_book: Any) -> bool:
            raise KeyboardInterrupt

        def finish(self, flumine: Any) -> None:
            ended.append(self.name)

    with pytest.raises(KeyboardInterrupt):
        simulate(market_file(), Interrupted())
    assert ended == ["Interrupted"]


def test_a_framework_runs_once(simulate: Any, market_file: Any) -> None:
    strategy = Watcher()
    framework = simulate(market_file(), strategy)
    seen = list(strategy.seen)
    with pytest.raises(FlumineCoreError, match="has run: another run needs a new one"):
        framework.run()
    assert strategy.seen == seen


def test_a_run_that_could_not_begin_can_begin_later(market_file: Any) -> None:
    framework = FlumineSimulation()
    strategy = Watcher(streams=[HistoricalStream(market_file())])
    framework.add_strategy(strategy)
    with pytest.raises(FlumineCoreError, match="client"):
        framework.run()
    framework.add_client(SimulatedClient())
    framework.run()
    assert strategy.seen


def test_raise_errors_raises(simulate: Any, market_file: Any) -> None:
    with pytest.raises(ZeroDivisionError):
        simulate(market_file(), Raises(), settings={"raise_errors": True})


def test_config_is_mutable_until_run_and_reads_the_clock(market_file: Any) -> None:
    framework = FlumineSimulation(client=SimulatedClient())
    strategy = Raises(streams=[HistoricalStream(market_file())])
    framework.add_strategy(strategy)
    config.raise_errors = True
    try:
        with pytest.raises(ZeroDivisionError):
            framework.run()
    finally:
        config.raise_errors = False
    assert config.current_time is not None
    assert round(config.current_time.timestamp() * 1000) == strategy.seen[-1][1]
    with pytest.raises(FlumineCoreError):
        framework.settings.place_latency = 1.0


def test_a_simulation_refuses_a_real_client(market_file: Any) -> None:
    framework = FlumineSimulation(client=BetfairClient(username="me"))
    with pytest.raises(FlumineCoreError, match="BetfairClient me"):
        framework.run()
    with pytest.raises(FlumineCoreError, match="client"):
        FlumineSimulation().run()


def test_middleware_runs_before_strategies_and_its_errors_are_counted(simulate: Any, market_file: Any) -> None:
    class Bad(Middleware):
        def __call__(self, market: Any) -> None:
            market.context["n"] = market.context.get("n", 0) + 1
            raise LookupError("bad middleware")

    strategy = Watcher()
    framework = simulate(market_file(), strategy, before=lambda f: f.add_market_middleware(Bad()))
    (market,) = framework.markets
    assert market.context["n"] == len(strategy.seen) == framework.faults.counts["Bad", "middleware.__call__"]


def write_reopened(path: Path) -> str:
    """Write a market that is OPEN for one book, CLOSED for two, OPEN for two and CLOSED."""
    definition = next(SyntheticMarket(updates=20).changes())[1]["marketDefinition"]
    lines = [
        json.dumps({"op": "mcm", "pt": 1_600_000_000_000 + number, "mc": [{"id": "1.1", "marketDefinition": own}]})
        for number, status in enumerate(("OPEN", "CLOSED", "CLOSED", "OPEN", "OPEN", "CLOSED"))
        for own in ({**definition, "status": status},)
    ]
    path.write_text("\n".join(lines) + "\n")
    return str(path)


def test_a_market_that_opens_again_has_forgotten_its_runner_contexts(simulate: Any, tmp_path: Path) -> None:
    class Counter(BaseStrategy):
        def add(self, flumine: Any) -> None:
            self.counts: list[int] = []

        def check_market_book(self, market: Any, market_book: Any) -> None:
            context = self.get_runner_context(market.market_id, market_book.runners[0].selection_id)
            self.counts.append(context.trade_count)
            context.place(f"trade {len(self.counts)}")

    strategy = Counter()
    simulate(write_reopened(tmp_path / "1.1"), strategy)
    assert strategy.counts == [0, 0, 1]


def test_a_market_that_opens_again_is_added_once_and_leaves_with_each_closing(simulate: Any, tmp_path: Path) -> None:
    path = write_reopened(tmp_path / "1.1")
    calls: list[str] = []
    markets: set[int] = set()

    class Notes(Middleware):
        def __call__(self, market: Any) -> None:
            calls.append("book")
            markets.add(id(market))

        def add_market(self, market: Any) -> None:
            calls.append("add")

        def remove_market(self, market: Any) -> None:
            calls.append("remove")

    strategy = Watcher()
    framework = simulate(path, strategy, before=lambda f: f.add_market_middleware(Notes()))
    assert calls == ["add", "book", "remove", "book", "book", "remove"]
    assert len(markets) == len(framework.markets) == 1
    assert (strategy.new, strategy.closed) == (["1.1"], ["1.1", "1.1"])


def test_logging_control_gets_plain_copies_of_what_it_handles(simulate: Any, market_file: Any) -> None:
    class Log(LoggingControl):
        def __init__(self) -> None:
            super().__init__()
            self.got: list[tuple[str, Any]] = []

        def process_order(self, event: Any) -> None:
            self.got.append(("order", event.event))

        def process_cleared_orders_meta(self, event: Any) -> None:
            self.got.append(("meta", event.event))

        def process_close_market(self, event: Any) -> None:
            self.got.append(("close", event.market_book))

        def process_end_flumine(self, event: Any) -> None:
            self.got.append(("end", None))
            raise RuntimeError("too late")

    log, strategy = Log(), Placer()
    framework = simulate(market_file(), strategy, before=lambda f: f.add_logging_control(log))
    assert [noun for noun, _ in log.got] == ["order", "meta", "close", "end"]
    assert json.dumps(log.got[0][1]) and log.got[0][1]["bet_id"] == strategy.order.bet_id
    assert log.got[1][1][0]["id"] == strategy.order.id
    assert framework.faults.counts == {("Log", "process_end_flumine"): 1}


def test_workers_get_arguments_and_stop(simulate: Any, market_file: Any) -> None:
    calls: list[Any] = []

    def work(a: str, context: dict[str, Any], flumine: Any, b: int = 0) -> None:
        context["n"] = context.get("n", 0) + 1
        calls.append((a, b, flumine))

    worker = BackgroundWorker(interval=0.01, function=work, func_args=("hello",), func_kwargs={"b": 2}, name="w")
    framework = simulate(market_file(updates=3000), Watcher(), before=lambda f: f.add_worker(worker))
    assert calls and calls[0] == ("hello", 2, framework)
    assert worker.context["n"] == len(calls)
    assert not worker.is_alive()


def test_worker_places_through_the_kernels_thread(simulate: Any, market_file: Any) -> None:
    placed: list[Any] = []
    is_asking = threading.Event()

    class Handing(Watcher):
        market: Any = None

        def check_market_book(self, market: Any, market_book: Any) -> bool:
            if market_book.status == "OPEN":
                self.market = market
                is_asking.wait(0.001)  # the run is not over before the worker has come so far
            return False

    strategy = Handing()

    def work() -> None:
        if strategy.market is None or placed:
            return
        runner = strategy.market.market_book.runners[0]
        trade = Trade(strategy.market.market_id, runner.selection_id, runner.handicap, strategy)
        order = trade.create_order("BACK", LimitOrder(1000, 2.0))
        is_asking.set()
        placed.append((order, strategy.market.place_order(order)))

    worker = BackgroundWorker(interval=0.001, function=work)
    framework = simulate(market_file(updates=20000), strategy, before=lambda f: f.add_worker(worker))
    assert framework.faults.counts == {}
    assert placed and placed[0][1] in (True, False)


def test_custom_event_runs_its_callback(simulate: Any, market_file: Any) -> None:
    done: list[Any] = []

    class Own(Watcher):
        def start(self, flumine: Any) -> None:
            flumine.process(CustomEvent({"a": 1}, lambda framework, event: done.append((framework, event.event))))
            flumine.process(CustomEvent(2, lambda framework, event: 1 / 0))

    framework = simulate(market_file(), Own())
    assert done == [(framework, {"a": 1})]
    assert sum(framework.faults.counts.values()) == 1


def test_runs_are_equal_byte_for_byte(simulate: Any, market_file: Any) -> None:
    def rows() -> list[str]:
        framework = simulate(market_file(), Placer())
        return [order.json() for market in framework.markets for order in market.blotter]

    assert rows() == rows() != []


def test_transaction_limit_is_exact_in_a_burst(simulate: Any, market_file: Any) -> None:
    class Many(Placer):
        def process_market_book(self, market: Any, market_book: Any) -> None:
            runner = next(each for each in market_book.runners if each.status == "ACTIVE")
            for _ in range(15):
                trade = Trade(market.market_id, runner.selection_id, runner.handicap, self)
                self.order = trade.create_order("BACK", LimitOrder(1000, 2.0))
                market.place_order(self.order)

    strategy = Many(max_live_trade_count=100)
    framework = simulate(market_file(), strategy, client=SimulatedClient(transaction_limit=10))
    assert framework.refusal_counts == {("Many", "MaxOrderCount"): 5}
    assert SimulatedClient().transaction_limit == 1000


def test_settings_refuse_what_is_no_setting() -> None:
    with pytest.raises(FlumineCoreError):
        Settings(place_latency=-1)
    with pytest.raises(FlumineCoreError):
        Settings().evolve(plaice_latency=1)


def test_bare_cr_line_ends_are_told(simulate: Any, market_file: Any, tmp_path: Path) -> None:
    path = tmp_path / "1.1"
    path.write_bytes(Path(market_file()).read_bytes().replace(b"\n", b"\r"))
    framework = simulate(str(path))
    (told,) = framework.bad_lines
    assert "1.1:1: its lines must end in LF or CR LF, not in bare CR" in told
