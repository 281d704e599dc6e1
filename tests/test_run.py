"""Runs as plain data: units, one process or several, what is lost, what is counted."""

import gc
import os
import pickle
import re
import shutil
import tarfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import attrs
import pytest

from flumine_core.errors import FlumineCoreError
from flumine_core.kernel.discovery import Discovery
from flumine_core.plain import MARKET_COLUMNS, ORDER_COLUMNS, Named, Result, Run
from flumine_core.run import Progress, simulate, units_of
from flumine_core.synthetic.event import event
from flumine_core.synthetic.market import SyntheticMarket
from flumine_core.trading import TradingAssembly

Install = Callable[..., None]

STRATEGIES = """
import asyncio, gc, os, sys
from flumine_core import BaseStrategy, LimitOrder, Middleware, Trade, LoggingControl, TradingControl, hookimpl
from flumine_core import FlumineCoreError

class Backer(BaseStrategy):
    def __init__(self, stake: float = 2.0, fatal: str = "", how: str = "exit", **options):
        super().__init__(**options)
        self.stake, self.fatal, self.how = stake, fatal, how

    def check_market_book(self, market, market_book):
        return market_book.status == "OPEN"

    def process_market_book(self, market, market_book):
        if market.market_id == self.fatal:
            if self.how == "exit":
                os._exit(3)
            if self.how == "kill":
                os.kill(os.getpid(), 9)
            if self.how == "leave":
                sys.exit(5)
            if self.how == "memory":
                raise MemoryError
        runner = next(runner for runner in market_book.runners if runner.status == "ACTIVE")
        context = self.get_runner_context(market.market_id, runner.selection_id)
        if not context.trades and runner.ex.available_to_back:
            trade = Trade(market.market_id, runner.selection_id, 0, self)
            order = trade.create_order("BACK", LimitOrder(runner.ex.available_to_back[0].price, self.stake))
            market.place_order(order)

MODEL = [[]]

class Modelling(BaseStrategy):
    units = 0
    def process_new_market(self, market, market_book):
        Modelling.units += 1
        if Modelling.units > 1 and any(each is MODEL for each in gc.get_objects()):
            raise RuntimeError("the model is gone through at each file")

class Counting(BaseStrategy):
    made = 0
    def __init__(self, **options):
        super().__init__(**options)
        Counting.made += 1

class Untold:
    def __str__(self):
        raise RuntimeError("no text")

class Odd(Backer):
    def __init__(self, odd: str, **options):
        super().__init__(name="Backer", **options)
        self.odd = odd
    def add(self, flumine):
        if self.odd == "core" and self.market_filter["markets"][0].endswith("1.100000002"):
            raise FlumineCoreError("not this one")
    def process_closed_market(self, market, market_book):
        if market.market_id != "1.100000002":
            return
        order = next(iter(market.blotter))
        if self.odd == "notes":
            order.notes["a"] = Untold()
        if self.odd == "kind":
            order.order_type = None
        if self.odd == "blotter":
            market.blotter = None
        if self.odd == "numbers":
            order.order_type = LimitOrder(2.0, "many")

class Again(BaseStrategy):
    made = 0
    def __init__(self, **options):
        super().__init__(**options)
        Again.made += 1
        if Again.made == 2:
            raise ValueError("the second time")

class Unprepared(BaseStrategy):
    def __init__(self, **options):
        pass

class Nameless(BaseStrategy):
    @property
    def name(self):
        raise asyncio.CancelledError("no name")

class Leaving(BaseStrategy):
    def __init__(self, **options):
        raise asyncio.CancelledError("not today")

class Raising(BaseStrategy):
    def __init__(self, **options):
        raise RuntimeError("not today")

class Unstarted(Backer):
    def start(self, flumine):
        raise ValueError("no model")

class Refusing(TradingControl):
    def __init__(self, flumine, least: float):
        super().__init__(flumine)
        self.least = least
    def _validate(self, order, package_type):
        if order.order_type.size < self.least:
            self._on_error(order, "too small", size=order.order_type.size)

class Noting(Middleware):
    seen = []
    def __call__(self, market):
        if type(self).__name__ not in Noting.seen:
            Noting.seen.append(type(self).__name__)
class First(Noting):
    before = ("second",)
class Second(Noting):
    pass
class Tagged(Middleware):
    seen = []
    def __init__(self, tag: str):
        self.tag = tag
    def __call__(self, market):
        Tagged.seen.append(self.tag)
class Round(Noting):
    before = ("first",)
    after = ("second",)

class Lettered(Noting):
    before = "first"

class Forgetful(LoggingControl):
    def __init__(self):
        self.mine = 1

class Logger(LoggingControl):
    got = []
    def __init__(self, fault: bool = False, **options):
        super().__init__(**options)
        self.fault = fault
    def process_order_status(self, event):
        if self.fault:
            raise OSError("no space")
        self.got.append((event.event["market_id"], event.event["id"], event.event["status"]))
    def process_close_market(self, event):
        self.got.append(event.market_book["market_id"])
    def process_end_flumine(self, event):
        self.got.append("end")
"""

ENTRY_POINTS = """
[flumine_core.strategies]
backer = runs_shop:Backer
counting = runs_shop:Counting
modelling = runs_shop:Modelling
raising = runs_shop:Raising
broken = runs_shop_broken:Nobody
[flumine_core.trading_controls]
refusing = runs_shop:Refusing
[flumine_core.middleware]
first = runs_shop:First
second = runs_shop:Second
round = runs_shop:Round
tagged = runs_shop:Tagged
[flumine_core.logging_controls]
logger = runs_shop:Logger
"""

BACKER = Named("backer")


@pytest.fixture(autouse=True)
def shop(install: Install) -> None:
    install("the-shop", ENTRY_POINTS, runs_shop=STRATEGIES, runs_shop_broken="1/0")


@pytest.fixture
def markets(tmp_path: Path) -> list[str]:
    """Five markets of three types, of different sizes."""
    return [
        str(
            SyntheticMarket(
                market_type=kind,
                seed=number,
                market_id=f"1.10000000{number}",
                event_id=f"3000000{number % 2}",
                updates=updates,
            ).write(tmp_path / f"1.10000000{number}")
        )
        for number, (kind, updates) in enumerate(
            [("WIN", 60), ("PLACE", 200), ("MATCH_ODDS", 90), ("WIN", 150), ("PLACE", 40)], 1
        )
    ]


def test_a_run_is_plain_data(markets: list[str]) -> None:
    run = Run((BACKER,), tuple(markets), settings={"place_latency": 0.2})
    assert pickle.loads(pickle.dumps(run)) == run


def test_units_are_files_in_their_order_each_once(markets: list[str], tmp_path: Path) -> None:
    units, lost = units_of(Run((BACKER,), (markets[2], str(tmp_path / "1.*"), "nowhere")))
    assert [unit.files for unit in units] == [(markets[2],), *((path,) for path in markets if path != markets[2])]
    assert all(unit.size == os.path.getsize(unit.files[0]) for unit in units)  # noqa: PTH202
    assert lost == ["no such file: nowhere"]


def test_an_archive_that_is_cut_costs_what_is_lost_of_it(markets: list[str], tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    cut, empty = folder / "cut.tar", folder / "empty.tar"
    with tarfile.open(cut, "w") as archive:
        for path in markets[:2]:
            archive.add(path, Path(path).name)
    os.truncate(cut, os.path.getsize(markets[0]) + 20_000)  # noqa: PTH202
    empty.touch()
    shutil.copy(markets[2], folder)
    result = simulate(Run((BACKER,), (str(folder),)))
    assert result.files == 3
    assert result.lost == [
        f"members of {cut} are lost: unexpected end of data",
        f"{empty}: not a tar archive that can be read: empty file",
    ]
    assert len(result.markets) == 3


def test_names_that_cannot_be_cost_no_other_file(markets: list[str]) -> None:
    result = simulate(Run((BACKER,), ("a\0b", "1" * 300, "~nobody-at-all", markets[0])))
    assert result.lost == [
        "cannot open a\0b: embedded null byte",
        f"cannot open {'1' * 300}: File name too long",
        "no such file: ~nobody-at-all",
    ]
    assert len(result.markets) == 1


def test_files_of_one_event_or_group_are_one_unit(markets: list[str]) -> None:
    units, _ = units_of(Run((BACKER,), tuple(markets), event_processing=True))
    assert [unit.files for unit in units] == [tuple(markets[::2]), tuple(markets[1::2])]
    units, _ = units_of(Run((BACKER,), tuple(markets), event_groups={"30000000": "day", "30000001": "day"}))
    assert [unit.files for unit in units] == [tuple(markets)]


def test_each_unit_has_strategies_of_its_own(markets: list[str]) -> None:
    import runs_shop

    result = simulate(Run((Named("counting"),), tuple(markets)))
    assert runs_shop.Counting.made == len(markets)
    assert (result.files, result.market_count, result.error_count) == (5, 5, 0)
    assert result.seen == {"Counting": 5}


@pytest.mark.parametrize("grouping", [{}, {"event_processing": True}])
def test_many_workers_come_to_the_same_as_one(markets: list[str], grouping: dict[str, Any]) -> None:
    one = simulate(Run((BACKER,), tuple(markets), **grouping))
    many = simulate(Run((BACKER,), tuple(markets), workers=3, **grouping))
    assert len(one.orders) >= 5
    assert many == one


@pytest.mark.parametrize("workers", [1, 2])
def test_what_plugins_hold_is_not_gone_through_at_each_file(markets: list[str], workers: int) -> None:
    gc.unfreeze()
    result = simulate(Run((Named("modelling"),), tuple(markets), workers=workers))
    assert (result.market_count, result.faults) == (5, {})


@pytest.mark.parametrize("workers", [1, 2])
def test_a_logging_control_lives_as_long_as_the_run(markets: list[str], workers: int) -> None:
    import runs_shop

    result = simulate(Run((BACKER,), tuple(markets), logging_controls=(Named("logger"),), workers=workers))
    got = runs_shop.Logger.got
    assert [each for each in got if isinstance(each, str)] == [*(Path(path).name for path in markets), "end"]
    told = [each for each in got if isinstance(each, tuple)]
    assert [market for market, *_ in told] == sorted(market for market, *_ in told)
    assert {order for _, order, _ in told} == {order["order_id"] for order in result.orders}
    assert result.error_count == 0


@pytest.mark.parametrize("workers", [1, 2])
def test_what_a_logging_control_raises_is_counted(markets: list[str], workers: int) -> None:
    run = Run((BACKER,), tuple(markets), logging_controls=(Named("logger", {"fault": True}),), workers=workers)
    result = simulate(run)
    count, error = result.faults["Logger", "process_order_status"]
    assert count == result.error_count > len(result.orders) > 0
    assert error == "OSError: no space"


def test_rows_have_the_columns_of_the_files(markets: list[str]) -> None:
    result = simulate(Run((BACKER,), tuple(markets[:1])))
    assert tuple(result.orders[0]) == ORDER_COLUMNS
    assert tuple(result.markets[0]) == MARKET_COLUMNS


def test_rows_are_handed_on_in_the_order_of_the_files(markets: list[str]) -> None:
    for workers in (1, 2):
        taken: list[Result] = []
        total = simulate(Run((BACKER,), tuple(markets), workers=workers), taken.append)
        assert [row["market_id"] for result in taken for row in result.markets] == [Path(each).name for each in markets]
        assert total.orders == total.markets == []
        assert sum(each.orders for each in total.totals.values()) == sum(len(result.orders) for result in taken)


@pytest.mark.parametrize("how", ["exit", "kill"])
def test_a_worker_that_dies_costs_its_market_which_is_named(markets: list[str], how: str) -> None:
    fatal = Named("backer", {"fatal": "1.100000003", "how": how})
    result = simulate(Run((fatal,), tuple(markets), workers=2))
    assert result.lost == [f"{markets[2]}: its worker process died"]
    rest = simulate(Run((BACKER,), (*markets[:2], *markets[3:])))
    assert result.orders == rest.orders
    assert (result.files, result.market_count) == (5, 4)


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize(("how", "told"), [("memory", "MemoryError"), ("leave", "SystemExit: 5")])
def test_a_strategy_that_raises_is_counted(markets: list[str], workers: int, how: str, told: str) -> None:
    fatal = Named("backer", {"fatal": "1.100000003", "how": how})
    result = simulate(Run((fatal,), tuple(markets), workers=workers))
    ((key, (count, text)),) = result.faults.items()
    assert key == ("Backer", "strategy.process_market_book")
    assert count > 1
    assert text == told
    assert result.error_count == count
    assert result.market_count == len(markets)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_strategy_that_exits_where_errors_are_raised_costs_its_market(markets: list[str], workers: int) -> None:
    fatal = Named("backer", {"fatal": "1.100000003", "how": "leave"})
    result = simulate(Run((fatal,), tuple(markets), settings={"raise_errors": True}, workers=workers))
    assert result.lost == [f"{markets[2]}: it was left by SystemExit: 5"]
    assert [row["market_id"] for row in result.markets if row["orders"]] == [
        Path(each).name for each in markets if each != markets[2]
    ]


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize(
    ("odd", "told"),
    [
        ("core", "not this one"),
        ("notes", "RuntimeError: no text"),
        ("kind", "AttributeError: 'NoneType' object has no attribute"),
        ("blotter", "TypeError: 'NoneType' object is not iterable"),
        ("numbers", "TypeError: "),
    ],
)
def test_what_a_strategy_breaks_costs_its_unit_alone(markets: list[str], odd: str, told: str, workers: int) -> None:
    result = simulate(Run((Named("runs_shop:Odd", {"odd": odd}),), tuple(markets), workers=workers))
    (lost,) = result.lost
    assert lost.startswith(f"{markets[1]}: {told}")
    assert (result.files, result.error_count) == (5, 1)
    rest = simulate(Run((BACKER,), (markets[0], *markets[2:])))
    assert [row for row in result.orders if row["market_id"] != "1.100000002"] == rest.orders


@pytest.mark.parametrize("workers", [1, 2])
def test_the_first_unit_tells_whether_a_run_can_start(markets: list[str], workers: int) -> None:
    files = (markets[1], markets[3], markets[0])
    with pytest.raises(FlumineCoreError, match="not this one"):
        simulate(Run((Named("runs_shop:Odd", {"odd": "core"}),), files, workers=workers))


def test_a_strategy_that_cannot_be_made_again_costs_its_unit(markets: list[str]) -> None:
    result = simulate(Run((Named("runs_shop:Again"),), tuple(markets)))
    assert result.lost == [f"{markets[1]}: no strategy could be made: ValueError: the second time"]
    assert (result.files, result.market_count, result.error_count) == (5, 4, 1)


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize(
    ("name", "hook", "told"),
    [
        ("Unprepared", "__init__", "SettingsError: Unprepared.__init__ must call super().__init__()"),
        ("Nameless", "strategy.add", "CancelledError: no name"),
        ("Leaving", "__init__", "CancelledError: not today"),
    ],
)
def test_a_strategy_that_cannot_be_added_starves_no_other(
    markets: list[str], name: str, hook: str, told: str, workers: int
) -> None:
    named = Named(f"runs_shop:{name}")
    result = simulate(Run((named, BACKER), tuple(markets[:2]), workers=workers))
    assert result.faults == {(named.name, hook): (2, told)}
    assert result.strategies == ["Backer"]
    with pytest.raises(FlumineCoreError, match=f"no strategy could be made: {re.escape(told)}"):
        simulate(Run((named,), tuple(markets[:2]), workers=workers))


@pytest.mark.parametrize("workers", [1, 2])
def test_a_strategy_that_cannot_start_is_taken_out_and_starves_no_other(markets: list[str], workers: int) -> None:
    named, files = Named("runs_shop:Unstarted"), tuple(markets[:2])
    result = simulate(Run((named, BACKER), files, workers=workers))
    assert result.faults == {("Unstarted", "strategy.start"): (2, "ValueError: no model")}
    assert result.strategies == ["Backer"] and set(result.seen) == {"Backer"}
    assert result.orders == simulate(Run((BACKER,), files)).orders
    alone = simulate(Run((named,), files, workers=workers))
    assert (alone.files, alone.market_count, alone.lost, alone.error_count) == (2, 2, [], 2)
    assert (alone.strategies, alone.orders) == ([], [])


@pytest.mark.parametrize("workers", [1, 2])
def test_a_strategy_that_exits_when_it_is_made_where_errors_are_raised(markets: list[str], workers: int) -> None:
    run = Run((Named("runs_shop:Leaving"),), tuple(markets[:2]), settings={"raise_errors": True}, workers=workers)
    assert simulate(run).lost == [f"{path}: CancelledError: not today" for path in markets[:2]]


def test_what_is_no_executor_is_refused(markets: list[str], install: Install) -> None:
    source = "from flumine_core import hookimpl\n@hookimpl\ndef flumine_make_executor(workers):\n    return 5\n"
    install("pool", "[flumine_core]\npool = pool_plugin\n", pool_plugin=source)
    with pytest.raises(FlumineCoreError, match=r"plugin 'pool' must give a concurrent.futures.Executor, was 5"):
        simulate(Run((BACKER,), tuple(markets), workers=2))


def test_an_executor_of_a_plugin_is_used(markets: list[str], install: Install) -> None:
    source = """
from concurrent.futures import ThreadPoolExecutor
from flumine_core import hookimpl
asked = []
@hookimpl
def flumine_make_executor(workers):
    asked.append(workers)
    return ThreadPoolExecutor(1)
"""
    install("pool", "[flumine_core]\npool = pool_plugin\n", pool_plugin=source)
    many = simulate(Run((BACKER,), tuple(markets), workers=2))
    import pool_plugin

    assert pool_plugin.asked == [2]
    assert many == simulate(Run((BACKER,), tuple(markets)))
    assert ThreadPoolExecutor is pool_plugin.ThreadPoolExecutor


@pytest.fixture
def mint(install: Install) -> None:
    """A plugin that makes clients."""
    source = """
from flumine_core import SimulatedClient, hookimpl
@hookimpl
def flumine_make_client(kind, options):
    return SimulatedClient(username=f"{kind} of a plugin")
"""
    install("mint", "[flumine_core]\nmint = mint_plugin\n", mint_plugin=source)


def test_what_is_no_client_is_refused_with_the_plugin_that_made_it(markets: list[str], install: Install) -> None:
    source = "from flumine_core import hookimpl\n@hookimpl\ndef flumine_make_client(kind):\n    return 5\n"
    install("forger", "[flumine_core]\nforger = forger_plugin\n", forger_plugin=source)
    with pytest.raises(FlumineCoreError, match=r"client 'mine': flumine_make_client of plugin 'forger' must .*, was 5"):
        simulate(Run((BACKER,), tuple(markets), clients=(Named("mine"),)))


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("kind", ["simulated", "mine"])
def test_a_client_of_a_plugin_is_used_in_every_process(markets: list[str], mint: None, kind: str, workers: int) -> None:
    result = simulate(Run((BACKER,), tuple(markets), clients=(Named(kind),), workers=workers))
    assert {order["client"] for order in result.orders} == {f"{kind} of a plugin"}


def test_a_client_of_a_plugin_is_used_when_trading(mint: None) -> None:
    run = Run((BACKER,), clients=(Named("mine"),))
    flumine = TradingAssembly(run, Discovery(), True, lambda line: None).flumine
    assert [client.username for client in flumine.clients] == ["mine of a plugin"]


@pytest.mark.parametrize("workers", [1, 2])
def test_progress_reaches_the_end(markets: list[str], workers: int) -> None:
    seen: list[Progress] = []
    run = Run((BACKER,), tuple(markets), workers=workers)
    result = simulate(run, watch=lambda progress: seen.append(attrs.evolve(progress)))
    assert [each.done for each in seen] == sorted(each.done for each in seen)
    assert (seen[-1].done, seen[-1].total, seen[-1].books) == (5, 5, result.books)
    assert seen[-1].bytes_done == seen[-1].bytes_total > 0


def test_progress_moves_within_a_file(tmp_path: Path) -> None:
    path = tmp_path / "1.1"
    path.write_bytes(b"".join(SyntheticMarket(updates=6_000).lines()))
    seen: list[float] = []
    simulate(Run((BACKER,), (str(path),)), watch=lambda progress: seen.append(progress.share))
    assert len(seen) > 2
    assert seen == sorted(seen)
    assert 0 < seen[0] < 0.9
    assert seen[-1] == 1


def test_a_market_that_comes_twice_is_counted_once(markets: list[str], tmp_path: Path) -> None:
    twice = tmp_path / "again"
    twice.write_bytes(Path(markets[0]).read_bytes())
    limits = (Named("refusing", {"least": 3.0}),)
    result = simulate(Run((BACKER,), (*markets[:2], str(twice)), trading_controls=limits))
    once = simulate(Run((BACKER,), tuple(markets[:2]), trading_controls=limits))
    assert (result.orders, result.refusals) == (once.orders, once.refusals)
    assert once.refused and (result.refused, result.seen) == (once.refused, once.seen)
    assert result.market_count == 2
    (notice,) = result.notices
    assert notice.startswith(f"{twice}: market 1.100000001 came before in {markets[0]}")
    assert result.error_count == 1


@pytest.mark.parametrize("workers", [1, 2])
def test_one_market_of_a_file_comes_twice(tmp_path: Path, workers: int) -> None:
    both = event("WIN", "PLACE", like=SyntheticMarket(updates=60))
    first, _ = map(str, both.write_each(tmp_path))
    whole = str(both.write(tmp_path / "both"))
    limits = (Named("refusing", {"least": 3.0}),)
    result = simulate(Run((BACKER,), (first, whole), trading_controls=limits, workers=workers))
    once = simulate(Run((BACKER,), (whole,), trading_controls=limits))
    assert {row["market_id"] for row in once.refusals} == {"1.100000001", "1.100000002"}
    assert (result.refused, result.seen, result.market_count) == (once.refused, once.seen, 2)
    assert len(result.refusals) == sum(result.refused.values())
    assert [len(result.orders), result.totals] == [len(once.orders), once.totals]


def test_bad_input_is_counted_and_the_rest_goes_on(markets: list[str], tmp_path: Path) -> None:
    bad = tmp_path / "bad"
    bad.write_bytes(b"garbage\n\n" + Path(markets[0]).read_bytes())
    empty = tmp_path / "empty"
    empty.touch()
    for workers in (1, 2):
        result = simulate(Run((BACKER,), (str(bad), str(tmp_path / "gone"), str(empty), markets[1]), workers=workers))
        assert result.bad_line_count == 2
        assert result.bad_lines[0].startswith(f"{bad}:1: ")
        assert any("gone" in each for each in result.lost)
        assert result.market_count == 2


def test_a_broken_strategy_starves_no_other(markets: list[str]) -> None:
    run = Run((Named("broken"), Named("raising"), BACKER), tuple(markets[:2]))
    result = simulate(run)
    assert result.strategies == ["Backer"]
    assert result.orders == simulate(Run((BACKER,), tuple(markets[:2]))).orders
    assert result.faults["raising", "__init__"] == (2, "RuntimeError: not today")
    assert result.faults["broken", "import"][0] == 2


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"strategies": (Named("bakcer"),)}, "did you mean 'backer'"),
        ({"strategies": (Named("raising"),)}, "no strategy could be made: RuntimeError: not today"),
        ({"strategies": (Named("backer", {"stake": "x"}),)}, "strategies 'backer': stake: must be a number"),
        ({"strategies": (Named("backer", {"stke": 1}),)}, "did you mean 'stake'"),
        ({"strategies": (BACKER, BACKER)}, "two strategies are called 'Backer'"),
        ({"strategies": (Named("backer", {"client": "bob"}),)}, "no client of username 'bob'"),
        ({"strategies": (Named("runs_shop:Middleware"),)}, "must be a BaseStrategy"),
        ({"trading_controls": (Named("refusing"),)}, "least: is required"),
        ({"trading_controls": (Named("refusin"),)}, "did you mean 'refusing'"),
        ({"client_controls": (Named("max_order_count", {}, "bob"),)}, "no client of username 'bob'"),
        ({"middleware": (Named("first"), Named("second"), Named("round"))}, "the wished order is a circle"),
        ({"middleware": (Named("runs_shop:Lettered"),)}, "before must be a tuple of names of plugins, was 'first'"),
        ({"trading_controls": (Named("flumine_core:MaxOrderCount"),)}, "be a TradingControl, MaxOrderCount is none"),
        ({"clients": (Named("simulatd"),)}, "did you mean 'simulated'"),
        ({"clients": (Named("betfair"),)}, "simulated clients only"),
        ({"settings": {"place_latency": -1}}, "place_latency must be"),
        ({"required": ("nobody",)}, "required plugin 'nobody'"),
        ({"logging_controls": (Named("loger"),)}, "did you mean 'logger'"),
        ({"logging_controls": (Named("logger", {"colour": "red"}),)}, "no such option"),
        ({"logging_controls": (Named("runs_shop:First"),)}, "must be a LoggingControl"),
        ({"logging_controls": (Named("runs_shop:Forgetful"),)}, "must call super"),
    ],
)
@pytest.mark.parametrize("workers", [1, 2])
def test_what_cannot_start_is_refused_at_once(
    markets: list[str], changes: dict[str, Any], match: str, workers: int
) -> None:
    run = attrs.evolve(Run((BACKER,), tuple(markets[:2]), workers=workers), **changes)
    with pytest.raises(FlumineCoreError, match=match):
        simulate(run)


def test_a_control_refuses_and_is_counted(markets: list[str]) -> None:
    result = simulate(Run((BACKER,), tuple(markets[:1]), trading_controls=(Named("refusing", {"least": 3.0}),)))
    assert result.orders == []
    assert result.refused == {("Backer", "Refusing"): len(result.refusals)}
    assert result.refusals
    assert result.refusals[0]["reason"] == "too small"
    assert result.refusals[0]["numbers"] == {"size": 2.0}
    assert result.error_count == 0


def test_a_built_in_control_that_is_named_takes_the_place_of_the_default(markets: list[str]) -> None:
    none = simulate(
        Run((BACKER,), tuple(markets[:1]), client_controls=(Named("max_order_count", {"transaction_limit": 0}),))
    )
    assert set(none.refused) == {("Backer", "MaxOrderCount")}
    wide = Run(
        (BACKER,),
        tuple(markets[:1]),
        clients=(Named("simulated", {"transaction_limit": 0}),),
        client_controls=(Named("max_order_count", {"transaction_limit": 5}),),
    )
    assert simulate(wide).refused == {}


def test_a_control_that_is_named_twice_guards_twice(markets: list[str]) -> None:
    for least in ((3.0, 1.0), (1.0, 3.0)):
        controls = tuple(Named("refusing", {"least": each}) for each in least)
        assert simulate(Run((BACKER,), tuple(markets[:1]), trading_controls=controls)).orders == []
    limits = tuple(Named("max_order_count", {"transaction_limit": each}) for each in (0, 1000))
    result = simulate(Run((BACKER,), tuple(markets[:1]), client_controls=limits))
    assert result.orders == [] and set(result.refused) == {("Backer", "MaxOrderCount")}


def test_middleware_that_is_named_twice_runs_twice(markets: list[str]) -> None:
    import runs_shop

    runs_shop.Tagged.seen.clear()
    tagged = tuple(Named("tagged", {"tag": tag}) for tag in ("one", "two"))
    simulate(Run((BACKER,), tuple(markets[:1]), middleware=(tagged[0], Named("first"), tagged[1])))
    assert runs_shop.Tagged.seen[:2] == ["one", "two"]


def test_middleware_runs_in_its_wished_order(markets: list[str]) -> None:
    import runs_shop

    simulate(Run((BACKER,), tuple(markets[:1]), middleware=(Named("second"), Named("first"))))
    assert runs_shop.Noting.seen == ["First", "Second"]


def test_a_strategy_trades_for_the_client_that_it_names(markets: list[str]) -> None:
    clients = (Named("simulated", {"username": "anna"}), Named("simulated", {"username": "bob"}))
    run = Run((Named("backer", {"client": "bob"}),), tuple(markets[:1]), clients=clients)
    assert {order["client"] for order in simulate(run).orders} <= {"anna", "bob"}


def test_filters_of_the_run_hold(markets: list[str]) -> None:
    result = simulate(Run((BACKER,), tuple(markets), market_types=("PLACE",)))
    assert {row["market_type"] for row in result.markets} == {"PLACE"}


def test_broken_hook_plugins_are_counted(markets: list[str], install: Install) -> None:
    install("wreck", "[flumine_core]\nwreck = wreck_plugin\n", wreck_plugin="1/0")
    result = simulate(Run((BACKER,), tuple(markets[:1])))
    assert result.faults == {("wreck", "load"): (1, "wreck 1.0: ZeroDivisionError: division by zero")}
    blocked = simulate(Run((BACKER,), tuple(markets[:1]), blocked=("wreck",)))
    assert blocked.error_count == 0


def test_a_discovery_may_be_given(markets: list[str]) -> None:
    discovery = Discovery(blocked=["nothing"])
    assert simulate(Run((BACKER,), tuple(markets[:1])), discovery=discovery).error_count == 0
