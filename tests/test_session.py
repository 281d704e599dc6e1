"""The whole run: what breaks costs only itself, several strategies and clients, threads, logging, overridden steps."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from flumine_core import (
    BackgroundWorker,
    BaseStrategy,
    BetfairClient,
    CustomEvent,
    Flumine,
    FlumineCoreError,
    FlumineSimulation,
    HistoricalStream,
    LimitOrder,
    LoggingControl,
    MarketStream,
    MarketValidation,
    MaxOrderCount,
    OrderStatus,
    OrderValidation,
    Settings,
    SimulatedClient,
    SportsDataStream,
    StrategyExposure,
    Trade,
    TradeStatus,
    TradingControl,
    config,
    hookimpl,
)
from flumine_core.contract.streams import BaseStream
from flumine_core.errors import ClientError, ExecutionError, SettingsError, StreamError
from flumine_core.events import LOGGED_NOUNS, NOUNS, MarketCataloguesEvent, RawDataEvent, SportsDataEvent
from flumine_core.simulation.execution import SimulatedExecution
from flumine_core.synthetic.event import event
from flumine_core.synthetic.market import SyntheticMarket


def back(strategy: BaseStrategy, market: Any, price: float = 1000, size: float = 2.0, runner: int = 0) -> Any:
    """Return an order on one of a market's active runners, with a trade of its own."""
    found = [each for each in market.market_book.runners if each.status == "ACTIVE"][runner]
    trade = Trade(market.market_id, found.selection_id, found.handicap, strategy)
    return trade.create_order("BACK", LimitOrder(price, size))


class Once(BaseStrategy):
    """Calls `act(self, market)` with the first OPEN book, and counts books."""

    def __init__(self, act: Callable[[Any, Any], Any] | None = None, **options: Any) -> None:
        super().__init__(max_live_trade_count=100, **options)
        self.act = act
        self.books = 0
        self.result: Any = None
        self.order: Any = None

    def check_market_book(self, market: Any, market_book: Any) -> bool:
        self.books += 1
        if self.act is not None and market_book.status == "OPEN":
            act, self.act = self.act, None
            self.result = act(self, market)
        return False


# ------------------------------------------------------------------------------------ what breaks


def definition() -> dict[str, Any]:
    found: dict[str, Any] = next(SyntheticMarket(updates=20).changes())[1]["marketDefinition"]
    return found


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("runners", "x"),
        ("runners", [None]),
        ("runners", [{"status": "ACTIVE"}]),
        ("runners", [{"id": "one"}]),
        ("runners", [{"id": 1, "hc": []}]),
        ("runners", [{"id": 1, "adjustmentFactor": "much"}]),
        ("runners", [{"id": 1, "status": {}}]),
        ("eventId", [7]),
        ("status", {}),
        ("marketTime", []),
        ("betDelay", "one"),
        ("numberOfWinners", "x"),
    ],
)
def test_definition_that_is_none_costs_only_its_market(
    field: str, value: Any, simulate: Any, market_file: Any, tmp_path: Path
) -> None:
    path = tmp_path / "odd"
    change = {"id": "1.7", "marketDefinition": {**definition(), field: value}}
    path.write_text(json.dumps({"op": "mcm", "pt": 1_600_000_000_000, "mc": [change]}) + "\n")
    strategy = Once(lambda strategy, market: market.place_order(back(strategy, market)))
    framework = simulate([str(path), market_file(market_id="1.8")], strategy)
    (message,) = framework.bad_lines
    assert message.startswith(f"{path}:1: ") and field in message
    assert framework.faults.counts == {} and framework.stream_errors == []
    assert [market.market_id for market in framework.markets] == ["1.8"]
    assert strategy.result is True


@pytest.mark.parametrize("value", ["nonsense", 10**18, -(10**18), None, "0001-01-01T00:00:00+10:00"])
def test_a_start_that_is_no_time_is_read_as_unknown(value: Any, simulate: Any, tmp_path: Path) -> None:
    path = tmp_path / "odd"
    change = {"id": "1.7", "marketDefinition": {**definition(), "marketTime": value}}
    path.write_text(json.dumps({"op": "mcm", "pt": 1_600_000_000_000, "mc": [change]}) + "\n")
    strategy = Once(lambda strategy, market: (market.seconds_to_start, market.event, market.info))
    framework = simulate(str(path), strategy)
    assert strategy.result[0] < 0
    assert framework.faults.counts == {}


@pytest.mark.parametrize(
    "line",
    [
        b'{"op":"mcm","pt":1600000000000,"mc":[{"id":"\xff\xfe"}]}',
        b'{"op":"mcm","pt":1600000000000,"deep":' + b"[" * 50_000 + b"]" * 50_000 + b',"mc":[]}',
        b"[" * 50_000,
        b'{"op":"mcm","pt":1000000000000000000,"mc":[{"id":"MARKET","rc":[]}]}',
        b'{"op":"mcm","pt":99999999999999999999999999,"mc":[{"id":"MARKET","rc":[]}]}',
        b'{"op":"mcm","pt":-1,"mc":[{"id":"MARKET","rc":[]}]}',
        b'{"op":"mcm","pt":1600000000000,"mc":[{"rc":[]}]}',
        b'{"op":"mcm","pt":1600000000000,"mc":[null]}',
        b'{"op":"connection","connectionId":"1"}',
        b"5",
    ],
    ids=[
        "not utf-8",
        "nested",
        "open brackets",
        "year 31 million",
        "beyond 64 bits",
        "before 1970",
        "no id",
        "null",
        "connection",
        "5",
    ],
)
def test_line_that_cannot_be_used_is_named(line: bytes, simulate: Any, market_file: Any, tmp_path: Path) -> None:
    lines = Path(market_file()).read_bytes().splitlines(keepends=True)
    market_id = json.loads(lines[0])["mc"][0]["id"]
    path = tmp_path / "damaged"
    path.write_bytes(b"".join([*lines[:50], line.replace(b"MARKET", market_id.encode()) + b"\n", *lines[50:]]))
    framework = simulate(str(path), Once())
    assert [message.startswith(f"{path}:51: ") for message in framework.bad_lines] == [True]
    assert framework.books == len(lines)


class Broken(FlumineSimulation):
    """A framework whose own step fails on the third book."""

    def _process_market_books(self, event: Any) -> None:
        if self.books == 2:
            self.books += 1
            raise ArithmeticError("a house on sand")
        super()._process_market_books(event)


def test_failure_of_the_house_costs_only_its_file(simulate: Any, market_file: Any) -> None:
    first, second = market_file(), market_file(seed=4, market_id="1.2")
    framework = simulate([first, second], Once(), cls=Broken)
    (message,) = framework.stream_errors
    assert message.startswith(f"{first}:3: ") and "a house on sand" in message
    assert framework.faults.total == 1
    assert "1.2" in framework.markets and framework.markets.markets["1.2"].closed
    with pytest.raises(ArithmeticError):
        simulate([first, second], Once(), cls=Broken, settings={"raise_errors": True})


class Several:
    """A stream of given events, the last of which may be an exception."""

    def __init__(self, *events: Any) -> None:
        self.events = events
        self.stops = 0
        self.stream_id: int | None = None

    def __iter__(self) -> Iterator[Any]:
        for each in self.events:
            if isinstance(each, Exception):
                raise each
            yield each

    def stop(self) -> None:
        self.stops += 1


def test_custom_stream_in_a_simulation_and_one_that_breaks(simulate: Any, market_file: Any) -> None:
    class Own(CustomEvent):
        """A user's own event."""

    done: list[Any] = []
    stream = Several(Own(3, lambda framework, event: done.append(event.event)), OSError("pulled out"))
    framework = simulate(market_file(), Once(), before=lambda f: f.add_stream(stream))
    assert done == [3]
    assert len(framework.markets) == 1
    assert ["pulled out" in message for message in framework.stream_errors] == [True]
    assert stream.stops == 1


def test_market_that_another_file_has_brought_is_told(simulate: Any, market_file: Any, tmp_path: Path) -> None:
    first, second = market_file(), str(tmp_path / "copy")
    Path(second).write_bytes(Path(first).read_bytes())
    strategies = [Once(name="one"), Once(name="two")]
    assert simulate(first, *strategies).stream_errors == []
    framework = simulate([first, second], Once())
    (message,) = framework.stream_errors
    assert message.startswith(f"{second}: ") and first in message and "1.100000001" in message


def test_same_file_in_two_streams_is_no_other_market(simulate: Any, market_file: Any) -> None:
    late = Once(name="late")
    late.streams = [HistoricalStream(market_file(), listener_kwargs={"inplay": True})]
    framework = simulate(market_file(), Once(name="all"), before=lambda f: f.add_strategy(late))
    assert framework.stream_errors == [] and late.books > 0


def test_event_that_nobody_knows_is_an_error_by_name(simulate: Any, market_file: Any) -> None:
    framework = simulate(market_file(), Once(), before=lambda f: f.add_stream(Several("hello")))
    assert ["str" in message for message in framework.stream_errors] == [True]


class Nasty(Exception):
    def __str__(self) -> str:
        raise RuntimeError("not even this")


def test_exception_without_text_is_counted_like_others(simulate: Any, market_file: Any) -> None:
    def act(strategy: Any, market: Any) -> None:
        raise Nasty

    strategy = Once(act)
    framework = simulate(market_file(), strategy)
    assert framework.faults.counts == {("Once", "strategy.check_market_book"): 1}
    assert framework.stream_errors == []


def test_control_that_leaves_refuses_its_request(simulate: Any, market_file: Any) -> None:
    class Leaves(TradingControl):
        def check(self, order: Any, package_type: Any) -> Any:
            raise SystemExit(0)

    def act(strategy: Any, market: Any) -> bool:
        strategy.order = back(strategy, market)
        return bool(market.place_order(strategy.order))

    strategy = Once(act)
    framework = simulate(market_file(), strategy, before=lambda f: f.add_trading_control(Leaves))
    assert strategy.result is False and strategy.order.status is OrderStatus.VIOLATION
    assert framework.refusal_counts == {("Once", "Leaves"): 1}
    assert framework.faults.counts == {("Leaves", "control"): 1}


def test_refusals_are_counted_without_end_and_the_latest_kept(simulate: Any, market_file: Any) -> None:
    orders: list[Any] = []

    def act(strategy: Any, market: Any) -> None:
        for _ in range(1_500):
            orders.append(back(strategy, market))
            assert not market.place_order(orders[-1])

    framework = simulate(market_file(), Once(act, max_order_exposure=0.5))
    assert framework.refusal_counts == {("Once", "StrategyExposure"): 1_500}
    assert [refusal.order_id for refusal in framework.refusals] == [order.id for order in orders[-1_000:]]


@pytest.mark.parametrize("error", [ConnectionError, SystemExit])
def test_execution_that_raises_refuses_its_package(simulate: Any, market_file: Any, error: type[BaseException]) -> None:
    class Falls:
        def __init__(self, settings: Any) -> None: ...

        def submit(self, package: Any) -> None:
            raise error("line is dead")

        def before_book(self, market: Any, book: Any) -> Any:
            return ()

        after_book = before_book

        def close_market(self, market: Any) -> None: ...

        def end_stream(self) -> Any:
            return ()

        def shutdown(self) -> None:
            raise OSError("cannot close")

    def act(strategy: Any, market: Any) -> None:
        strategy.order = back(strategy, market)
        strategy.result = market.place_order(strategy.order)

    strategy, log = Once(act), Everything()
    framework = simulate(
        market_file(),
        strategy,
        client=SimulatedClient(execution_cls=Falls),
        before=lambda f: f.add_logging_control(log),
    )
    assert strategy.order.status is OrderStatus.VIOLATION
    assert [(refusal.control, refusal.order_id) for refusal in framework.refusals] == [("Falls", strategy.order.id)]
    assert framework.faults.counts == {("Falls", "submit"): 1, ("Falls", "shutdown"): 1}
    assert not strategy.has_executable_orders(*strategy.order.lookup)
    assert not log.is_alive()


@pytest.mark.parametrize("theirs", ["execute_place", "execute_replace"])
@pytest.mark.parametrize("base", [object, SimulatedExecution])
def test_an_execution_of_flumines_is_refused_when_the_run_begins(
    theirs: str, base: type, simulate: Any, market_file: Any
) -> None:
    execution_cls = type("Theirs", (base,), {theirs: lambda self, order_package, http_session: None})
    with pytest.raises(ClientError, match=rf"has {theirs}, which nothing calls: an execution has submit"):
        simulate(market_file(), Once(), client=SimulatedClient(execution_cls=execution_cls))


def test_an_execution_with_a_submit_of_its_own_may_call_its_methods_anything(simulate: Any, market_file: Any) -> None:
    class Own(SimulatedExecution):
        def submit(self, package: Any) -> None:
            self.execute_place(package)

        def execute_place(self, package: Any) -> None:
            super().submit(package)

    def act(strategy: Any, market: Any) -> None:
        strategy.order = back(strategy, market)
        market.place_order(strategy.order)

    strategy = Once(act)
    simulate(market_file(), strategy, client=SimulatedClient(execution_cls=Own))
    assert strategy.order.bet_id


class Described(BaseStream):
    """A stream as flumine has it: it runs by itself."""

    def run(self) -> None:
        raise AssertionError("nothing calls it")


@pytest.mark.parametrize(
    ("make", "stream", "needed"),
    [
        (FlumineSimulation, MarketStream(), r"HistoricalStream\(path\)"),
        (FlumineSimulation, SportsDataStream(), r"HistoricalStream\(path\)"),
        (FlumineSimulation, Described(), "flumine_make_stream, or .* an object that is iterated"),
        (Flumine, MarketStream(), "a BetfairClient with a betting_client"),
        (Flumine, Described(), "flumine_make_stream, or .* an object that is iterated"),
        (Flumine, HistoricalStream("1.1"), "replayed by FlumineSimulation"),
    ],
)
def test_a_stream_that_nothing_opens_is_refused_with_what_it_needs(
    make: Any, stream: BaseStream, needed: str, plugins: Any
) -> None:
    framework = make(client=SimulatedClient(), settings=Settings(), plugins=plugins())
    framework.add_stream(stream)
    with pytest.raises(StreamError, match=needed):
        framework.run()


# --------------------------------------------------------------------------- never silently pending


def test_transaction_that_is_never_executed_ends_with_a_refusal(simulate: Any, market_file: Any) -> None:
    def act(strategy: Any, market: Any) -> bool:
        strategy.order = back(strategy, market)
        strategy.transaction = market.transaction()
        return bool(strategy.transaction.place_order(strategy.order))

    strategy = Once(act)
    framework = simulate(market_file(), strategy)
    assert strategy.result is True
    assert strategy.order.status is OrderStatus.VIOLATION and strategy.order.bet_id is None
    assert [refusal.order_id for refusal in framework.refusals] == [strategy.order.id]


@pytest.mark.parametrize("where", ["process_closed_market", "finish"])
def test_order_forced_too_late_ends_with_a_refusal(where: str, simulate: Any, market_file: Any) -> None:
    class Late(Once):
        market: Any = None

        def check_market_book(self, market: Any, market_book: Any) -> bool:
            if market_book.status == "OPEN":
                self.market, self.order = market, back(self, market)
            return False

        def late(self, *arguments: Any) -> None:
            assert self.market.place_order(self.order, force=True)

    strategy = Late()
    setattr(strategy, where, strategy.late)
    framework = simulate(market_file(), strategy)
    assert framework.faults.counts == {}
    assert [refusal.order_id for refusal in framework.refusals] == [strategy.order.id]


@pytest.mark.parametrize("is_forced", [False, True])
def test_client_that_was_never_added_is_named_in_the_refusal(simulate: Any, market_file: Any, is_forced: bool) -> None:
    stranger = SimulatedClient(username="stranger")

    def act(strategy: Any, market: Any) -> None:
        strategy.order = back(strategy, market)
        assert market.place_order(strategy.order, force=is_forced, client=stranger) is is_forced
        assert len(market.blotter) == is_forced

    strategy = Once(act)
    framework = simulate(market_file(), strategy)
    assert strategy.order.status is OrderStatus.VIOLATION
    assert "stranger" in framework.refusals[0].reason
    assert framework.faults.counts == {}


def test_client_of_another_framework_does_not_take_an_order(simulate: Any, market_file: Any) -> None:
    other = SimulatedClient(username="other")
    simulate(market_file(), Once(), client=other)
    assert other.execution is not None

    def act(strategy: Any, market: Any) -> None:
        strategy.order = back(strategy, market)
        market.place_order(strategy.order, client=other)

    strategy = Once(act)
    framework = simulate(market_file(), strategy)
    assert strategy.order.status is OrderStatus.VIOLATION
    assert "other was not added" in framework.refusals[0].reason
    with pytest.raises(ClientError, match=r"other.*Once.*add_client"):
        simulate(market_file(), Once(client=other))


# ----------------------------------------------------------------------- strategies, clients, events


def test_each_strategy_trades_on_its_own_client(market_file: Any, plugins: Any) -> None:
    first, second = SimulatedClient(username="first"), SimulatedClient(username="second", commission_base=0.02)
    framework = FlumineSimulation(client=first, settings=Settings(), plugins=plugins())
    framework.add_client(second)

    def act(strategy: Any, market: Any) -> bool:
        strategy.order = back(strategy, market)
        return bool(strategy.place_order(market, strategy.order))

    default, own = Once(act, name="default"), Once(act, name="own", client=second)
    for strategy in (default, own):
        strategy.streams = [HistoricalStream(market_file())]
        framework.add_strategy(strategy)
    framework.run()
    assert (default.order.client, own.order.client) == (first, second)
    (market,) = framework.markets
    assert market.blotter.client_orders(second) == [own.order]
    assert [record["betCount"] for record in market.market_cleared] == [0, 0]
    assert default.order.id != own.order.id
    with pytest.raises(FlumineCoreError, match="second"):
        framework.add_client(SimulatedClient(username="second"))
    assert framework.clients.get_client("second") is second


def test_strategies_share_a_market_but_not_their_exposure(simulate: Any, market_file: Any) -> None:
    def act(strategy: Any, market: Any) -> list[bool]:
        return [market.place_order(back(strategy, market, 1000, 10.0)) for _ in range(2)]

    limits = {"max_selection_exposure": 10, "max_order_exposure": 10}
    one, two = Once(act, name="one", **limits), Once(act, name="two", **limits)
    framework = simulate(market_file(), one, two)
    assert one.result == two.result == [True, False]
    assert framework.refusal_counts == {("one", "StrategyExposure"): 1, ("two", "StrategyExposure"): 1}


def test_a_list_of_runners_may_be_sorted_without_harm(simulate: Any, market_file: Any) -> None:
    class Sorter(BaseStrategy):
        def check_market_book(self, market: Any, market_book: Any) -> bool:
            market_book.runners.sort(key=lambda runner: -runner.selection_id)
            return False

    class Looker(BaseStrategy):
        wrong = 0

        def check_market_book(self, market: Any, market_book: Any) -> bool:
            for runner in market_book.runners:
                found = market_book.runner(runner.selection_id, runner.handicap)
                self.wrong += found is None or found.selection_id != runner.selection_id
            return False

    looker = Looker()
    simulate(market_file(), Sorter(), looker)
    assert looker.wrong == 0


def test_twenty_markets_bring_no_callback_without_a_change(simulate: Any, tmp_path: Path) -> None:
    types = ["WIN", *["PLACE"] * 19]
    path = event(*types, like=SyntheticMarket(updates=20, seed=2)).write(tmp_path / "event")
    changes = sum(len(json.loads(line)["mc"]) for line in path.read_bytes().splitlines())
    strategy = Once()
    framework = simulate(str(path), strategy)
    assert framework.books == changes
    assert strategy.books == changes - len(types)


def test_event_groups_merge_events(tmp_path: Path, plugins: Any) -> None:
    paths = []
    for number, event_id in enumerate(("31", "32", "33")):
        market = SyntheticMarket(updates=60, market_id=f"1.{number + 1}", event_id=event_id)
        paths.append(str(market.write(tmp_path / f"{number}")))
    # what stands before the first definition does not keep a file from its group
    Path(paths[1]).write_bytes(b"\n{}\n" + Path(paths[1]).read_bytes())
    seen: list[tuple[int, str]] = []

    class Own(BaseStrategy):
        def check_market_book(self, market: Any, market_book: Any) -> bool:
            seen.append((market_book.publish_time_epoch, market.market_id))
            return False

    framework = FlumineSimulation(client=SimulatedClient(), settings=Settings(), plugins=plugins())
    framework.add_strategy(Own(market_filter={"markets": paths, "event_groups": {"31": "a", "32": "a"}}))
    framework.run()
    together = [each for each in seen if each[1] in ("1.1", "1.2")]
    assert [when for when, _ in together] == sorted(when for when, _ in together)
    assert {market for _, market in together[:10]} == {"1.1", "1.2"}
    assert {market for _, market in seen[: len(together)]} == {"1.1", "1.2"}


@pytest.mark.parametrize("wanted", [{}, {"markets": [], "listener": {}}, ["a"], {"markets": [1], "x": 1}])
def test_market_filter_of_a_simulation_is_validated(wanted: Any, plugins: Any) -> None:
    framework = FlumineSimulation(client=SimulatedClient(), settings=Settings(), plugins=plugins())
    with pytest.raises(FlumineCoreError):
        framework.add_strategy(BaseStrategy(market_filter=wanted))


# ------------------------------------------------------------------------------ steps of a subclass


def test_every_step_may_be_overridden(market_file: Any, simulate: Any, plugins: Any) -> None:
    called: list[str] = []

    def overriding(base: type) -> type:
        def step(name: str) -> Callable[..., Any]:
            def run(self: Any, *arguments: Any) -> Any:
                called.append(name)
                return getattr(base, name)(self, *arguments)

            return run

        names = [*(f"_process_{noun}" for noun in NOUNS), "_add_live_market"]
        return type("Own", (base,), {name: step(name) for name in names})

    strategy = Once(lambda strategy, market: market.place_order(back(strategy, market)))
    simulate(market_file(), strategy, cls=overriding(FlumineSimulation))
    recorded_run = set(called)
    framework = overriding(Flumine)(client=SimulatedClient(), plugins=plugins())
    stream = Several(
        RawDataEvent(1, "a", 1, [{"id": "1.5"}]),
        MarketCataloguesEvent([]),
        SportsDataEvent([], 1),
        CustomEvent(1),
    )
    framework.add_stream(stream)
    framework.run()
    # reports come as an event only where an execution is live
    assert {*recorded_run, *called, "_process_current_orders"} == {
        *(f"_process_{noun}" for noun in NOUNS),
        "_add_live_market",
    }
    assert {"_add_live_market", "_process_market_orders", "_process_order_package"} <= recorded_run


def test_overridden_add_live_market_may_dress_the_market(simulate: Any, market_file: Any) -> None:
    class Own(FlumineSimulation):
        def _add_live_market(self, market_id: str, market_book: Any) -> Any:
            market = super()._add_live_market(market_id, market_book)
            market.context["dressed"] = True
            return market

    strategy = Once(lambda strategy, market: market.context["dressed"])
    simulate(market_file(), strategy, cls=Own)
    assert strategy.result is True


# ------------------------------------------------------------------------------------------- threads


def test_worker_thread_sees_complete_books_only(simulate: Any, market_file: Any) -> None:
    shown: list[Any] = []
    seen: dict[int, Any] = {}

    class Shows(BaseStrategy):
        def check_market_book(self, market: Any, market_book: Any) -> bool:
            shown[:] = [market]
            return False

    def work() -> None:
        until = time.monotonic() + 0.2
        while shown and time.monotonic() < until:
            book = shown[0].market_book
            table = [(runner.selection_id, len(runner.ex.traded_volume)) for runner in book.runners]
            assert seen.setdefault(book.publish_time_epoch, table) == table

    worker = BackgroundWorker(0.001, work)
    framework = simulate(market_file(updates=20_000), Shows(), before=lambda f: f.add_worker(worker))
    assert framework.faults.counts == {}
    again = {}

    class Reads(BaseStrategy):
        def check_market_book(self, market: Any, market_book: Any) -> bool:
            if market_book.publish_time_epoch in seen:
                again[market_book.publish_time_epoch] = [
                    (runner.selection_id, len(runner.ex.traded_volume)) for runner in market_book.runners
                ]
            return False

    simulate(market_file(updates=20_000), Reads())
    assert seen and {when: table for when, table in again.items() if seen[when] != table} == {}


def test_order_of_another_thread_is_placed_on_the_kernels(simulate: Any, market_file: Any) -> None:
    asked, validated = threading.Event(), []

    class Slow(Once):
        market: Any = None

        def check_market_book(self, market: Any, market_book: Any) -> bool:
            self.books += 1
            if market_book.status == "OPEN" and not asked.is_set():
                self.market = market
                time.sleep(0.002)
            return False

        def validate_order(self, runner_context: Any, order: Any) -> bool:
            validated.append(threading.get_ident())
            return super().validate_order(runner_context, order)

    strategy = Slow()

    def work() -> None:
        if strategy.market is None or strategy.order is not None:
            return
        strategy.order = back(strategy, strategy.market)
        strategy.result = strategy.market.place_order(strategy.order)
        with pytest.raises(FlumineCoreError), strategy.market.transaction() as transaction:
            transaction.cancel_order(strategy.order)
        asked.set()

    worker = BackgroundWorker(0.001, work)
    framework = simulate(market_file(), strategy, before=lambda f: f.add_worker(worker))
    assert framework.faults.counts == {}
    assert strategy.result is True
    assert strategy.order.bet_id
    assert validated == [threading.get_ident()]


@pytest.mark.parametrize("base", [OrderValidation, MarketValidation, StrategyExposure, MaxOrderCount])
def test_a_rule_added_to_a_built_in_control_refuses(base: Any, simulate: Any, market_file: Any) -> None:
    class Stricter(base):  # type: ignore[misc]
        def _validate(self, order: Any, package_type: Any) -> None:
            super()._validate(order, package_type)
            self._on_error(order, "not this one")

    def add(framework: Any) -> None:
        if base is MaxOrderCount:
            framework.add_client_control(next(iter(framework.clients)), Stricter)
        else:
            framework.add_trading_control(Stricter)

    strategy = Once(lambda strategy, market: market.place_order(back(strategy, market)))
    framework = simulate(market_file(), strategy, before=add)
    assert strategy.result is False
    assert [(each.control, each.reason) for each in framework.refusals] == [("Stricter", "not this one")]
    assert framework.faults.counts == {}


def test_a_trade_decides_when_it_is_complete(simulate: Any, market_file: Any) -> None:
    class Hedged(Trade):
        @property
        def complete(self) -> bool:
            return super().complete and len(self.orders) > 1

    def act(strategy: Any, market: Any) -> Any:
        plain = back(strategy, market, price=1.01)
        trade = Hedged(market.market_id, plain.selection_id, plain.handicap, strategy)
        strategy.order = trade.create_order("BACK", LimitOrder(1.01, 2.0))
        return market.place_order(strategy.order)

    class Watching(Once):
        live: set[int] = set()

        def process_orders(self, market: Any, orders: Any) -> None:
            if self.order.complete:
                self.live.add(self.get_runner_context(*self.order.lookup).live_trade_count)

    strategy = Watching(act)
    simulate(market_file(), strategy)
    assert strategy.order.status is OrderStatus.EXECUTION_COMPLETE
    assert strategy.order.trade.status is TradeStatus.LIVE
    assert strategy.live == {1}


def test_what_cannot_be_hashed_is_refused_by_name(simulate: Any, market_file: Any) -> None:
    class Unhashable(Once):
        __hash__ = None  # type: ignore[assignment]

    class Account(SimulatedClient):
        __hash__ = None  # type: ignore[assignment]

    with pytest.raises(SettingsError, match="strategy unhashable must be hashable"):
        simulate(market_file(), Unhashable(name="unhashable"))
    with pytest.raises(ClientError, match="client mine must be hashable"):
        simulate(market_file(), client=Account(username="mine"))


def test_a_validate_order_that_raises_refuses_the_order_and_is_counted_as_the_strategys(
    simulate: Any, market_file: Any
) -> None:
    class Doubtful(Once):
        def validate_order(self, runner_context: Any, order: Any) -> bool:
            raise ZeroDivisionError("no idea")

    strategy = Doubtful(lambda strategy, market: market.place_order(back(strategy, market)), name="doubtful")
    other = Once(lambda strategy, market: market.place_order(back(strategy, market)), name="other")
    framework = simulate(market_file(), strategy, other)
    assert (strategy.result, other.result) == (False, True)
    assert framework.faults.counts == {("doubtful", "strategy.validate_order"): 1}
    (refusal,) = framework.refusals
    assert (refusal.strategy, refusal.control) == ("doubtful", "StrategyExposure")
    assert "ZeroDivisionError: no idea" in refusal.reason


def test_order_of_another_thread_after_the_run_is_refused_aloud(simulate: Any, market_file: Any) -> None:
    strategy = Once(lambda strategy, market: setattr(strategy, "order", back(strategy, market)))
    framework = simulate(market_file(), strategy)
    (market,) = framework.markets
    raised: list[Any] = []

    def work() -> None:
        try:
            market.place_order(strategy.order)
        except FlumineCoreError as error:
            raised.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(30)
    assert len(raised) == 1
    assert strategy.order.id not in market.blotter


def test_workers_end_within_a_second_and_may_be_added_late(simulate: Any, market_file: Any) -> None:
    calls: list[str] = []
    slow = BackgroundWorker(3600, lambda: calls.append("slow"))
    delayed = BackgroundWorker(1, lambda: calls.append("delayed"), start_delay=3600)
    broken = BackgroundWorker(None, lambda: calls.append("broken") or 1 / 0, name="broken")

    class Late:
        @hookimpl
        def flumine_start(self, framework: Any) -> None:
            framework.add_worker(broken)

    def before(framework: Any) -> None:
        framework.add_worker(slow)
        framework.add_worker(delayed)

    framework = simulate(market_file(), Once(), hooks=(("late", Late()),), before=before)
    begun = time.monotonic()
    assert not any(worker.is_alive() for worker in (slow, delayed, broken))
    assert time.monotonic() - begun < 1
    assert sorted(calls) == ["broken", "slow"]
    assert framework.faults.counts == {("broken", "worker"): 1}


# ------------------------------------------------------------------------------------------- logging


class Everything(LoggingControl):
    """Keeps every event it is given, by noun."""

    def __init__(self) -> None:
        self.got: dict[str, list[Any]] = {}
        for noun in (*NOUNS, *LOGGED_NOUNS):
            setattr(self, f"process_{noun}", lambda event, noun=noun: self.got.setdefault(noun, []).append(event))
        super().__init__()


def plain(value: Any) -> Any:
    """Return an event's fields, which must be plain data."""
    names = ["event"] if hasattr(value, "event") else [name for name in value.__slots__ if name[:2] != "__"]
    return json.loads(json.dumps({name: getattr(value, name) for name in names}))


def test_every_noun_of_a_simulation_is_logged_as_plain_data(simulate: Any, market_file: Any) -> None:
    def act(strategy: Any, market: Any) -> None:
        for size in (2.0, 2000.0):
            strategy.order = back(strategy, market, size=size)
            market.place_order(strategy.order)
        market.flumine.process(CustomEvent("mine"))

    log = Everything()
    framework = simulate(market_file(), Once(act), before=lambda f: f.add_logging_control(log))
    live_only = {"raw_data", "market_catalogues", "current_orders", "sports_data", "balance"}
    assert set(log.got) == {*NOUNS, *LOGGED_NOUNS} - live_only
    for noun, events in log.got.items():
        if noun not in ("refusal", "custom_event"):
            assert plain(events[0]) is not None, noun
    assert len(log.got["market_books"]) == framework.books
    assert log.got["market_books"][0].market_books[0]["runners"][0]["ex"]["available_to_back"]
    assert [each.event for each in log.got["refusal"]] == framework.refusals
    assert [each.order_package["order_count"] for each in log.got["order_package"]] == [1]
    assert log.got["config"][0].event["simulated"] is True
    added, closed = log.got["market"][0].event, log.got["close_market"][0].market_book
    assert [runner["status"] for runner in added["runners"]].count("ACTIVE") == len(added["runners"])
    assert [runner["status"] for runner in closed["runners"]].count("WINNER") == 1
    assert closed["status"] == "CLOSED" and closed["runners"][0]["selection_id"] == added["runners"][0]["selection_id"]
    assert [each.client for each in log.got["cleared_markets"]] == ["simulated"]
    assert [each.reason for each in log.got["end_flumine"]] == ["end of streams"]


def test_logging_controls_are_told_why_a_run_ends(simulate: Any, market_file: Any, plugins: Any) -> None:
    log = Everything()
    with pytest.raises(ArithmeticError):
        simulate(
            market_file(),
            cls=Broken,
            settings={"raise_errors": True},
            before=lambda f: f.add_logging_control(log),
        )
    assert [each.reason for each in log.got["end_flumine"]] == ["ArithmeticError: a house on sand"]

    log = Everything()
    live = Flumine(client=SimulatedClient(), plugins=plugins())
    live.add_stream(Several(CustomEvent(1, lambda framework, event: framework.stop()), CustomEvent(2)))
    live.add_logging_control(log)
    live.run()
    assert [each.reason for each in log.got["end_flumine"]] == ["stopped"]


def test_live_nouns_are_logged_as_plain_copies(plugins: Any) -> None:
    data = [{"id": "1.5", "rc": []}]
    catalogue = SimpleNamespace(market_id="1.5", event=None, event_type=None, description=None)
    update = SimpleNamespace(market_id="1.5")
    log = Everything()
    framework = Flumine(client=SimulatedClient(), plugins=plugins())
    framework.add_stream(
        Several(RawDataEvent(1, "a", 1, data), MarketCataloguesEvent([catalogue]), SportsDataEvent([update], 1))
    )
    framework.add_logging_control(log)
    framework.run()
    data[0]["rc"] = ["changed"]
    assert log.got["raw_data"][0].data == [{"id": "1.5", "rc": []}]
    assert all(plain(log.got[noun][0]) for noun in ("raw_data", "market_catalogues", "sports_data"))


def test_only_what_a_control_handles_is_queued(simulate: Any, market_file: Any) -> None:
    class Refusals(LoggingControl):
        def __init__(self) -> None:
            super().__init__()
            self.got: list[Any] = []

        def process_refusal(self, event: Any) -> None:
            self.got.append(event)

    log = Refusals()

    def act(strategy: Any, market: Any) -> int:
        market.place_order(back(strategy, market, size=2000.0))
        return log.logging_queue.qsize() + len(log.got)

    strategy = Once(act)
    simulate(market_file(), strategy, before=lambda f: f.add_logging_control(log))
    assert strategy.result == len(log.got) == 1


class Tardy(Everything):
    """Is slower than the run that it logs."""

    MOST_WAITING = 1

    def handle(self, event: Any) -> None:
        time.sleep(0.005)
        super().handle(event)


def test_a_simulation_waits_for_its_logging_controls(simulate: Any, market_file: Any) -> None:
    log = Tardy()
    framework = simulate(market_file(), before=lambda f: f.add_logging_control(log))
    assert framework.books > 3
    assert len(log.got["market_books"]) == framework.books
    assert framework.faults.total == 0


def test_a_live_run_does_not_wait_for_its_logging_controls(plugins: Any) -> None:
    log = Tardy()
    framework = Flumine(client=SimulatedClient(), plugins=plugins())
    framework.add_stream(Several(*(RawDataEvent(1, "a", 1, []) for _ in range(50))))
    framework.add_logging_control(log)
    framework.run()
    lost = framework.faults.counts["Tardy", "waiting"]
    assert len(log.got["raw_data"]) >= 50 - lost
    assert 0 < lost <= 60


def test_one_logging_control_that_raises_costs_only_its_event(simulate: Any, market_file: Any) -> None:
    class Bad(LoggingControl):
        def process_config(self, event: Any) -> None:
            raise OSError("disk full")

    log = Everything()

    def before(framework: Any) -> None:
        framework.add_logging_control(Bad())
        framework.add_logging_control(log)

    framework = simulate(market_file(), Once(), before=before)
    assert framework.faults.counts == {("Bad", "process_config"): 1}
    assert len(log.got["config"]) == 1


# ------------------------------------------------------------------------------------------ settings


def test_settings_freeze_while_a_run_lasts(simulate: Any, market_file: Any) -> None:
    def act(strategy: Any, market: Any) -> Any:
        framework = market.flumine
        with pytest.raises(FlumineCoreError, match="frozen"):
            framework.settings.raise_errors = True
        return framework.settings.simulated

    strategy = Once(act)
    framework = simulate(market_file(), strategy)
    assert framework.faults.counts == {}
    assert strategy.result is True


def test_the_settings_that_were_given_tell_of_the_run(market_file: Any, plugins: Any) -> None:
    own = Settings()
    strategy = Once(lambda strategy, market: own.simulated, market_filter={"markets": [market_file()]})
    framework = FlumineSimulation(SimulatedClient(), own, plugins())
    framework.add_strategy(strategy)
    framework.run()
    assert strategy.result is True


def test_nothing_can_be_asked_once_a_run_has_ended(simulate: Any, market_file: Any) -> None:
    def act(strategy: Any, market: Any) -> None:
        strategy.order = back(strategy, market)
        market.place_order(strategy.order)

    strategy = Once(act)
    framework = simulate(market_file(), strategy)
    (market,) = framework.markets
    late = Trade(market.market_id, strategy.order.selection_id, 0, strategy).create_order("BACK", LimitOrder(3.0, 2.0))
    for ask in (
        lambda: market.place_order(late, force=True),
        lambda: market.cancel_order(strategy.order, force=True),
        lambda: market.transaction().place_order(late, force=True),
    ):
        with pytest.raises(ExecutionError):
            ask()
    assert late.status is None


def test_current_time_is_the_books_time(market_file: Any, plugins: Any) -> None:
    own = Settings()
    times: list[tuple[Any, Any]] = []

    class Own(BaseStrategy):
        def check_market_book(self, market: Any, market_book: Any) -> bool:
            times.append((own.current_time, market_book.publish_time))
            return False

    framework = FlumineSimulation(client=SimulatedClient(), settings=own, plugins=plugins())
    framework.add_strategy(Own(stream=HistoricalStream(market_file())))
    framework.run()
    assert times and all(told == published for told, published in times)


def test_current_time_is_that_of_the_run_whatever_its_settings(market_file: Any, plugins: Any, simulate: Any) -> None:
    path = market_file()
    times: list[tuple[Any, ...]] = []

    class Nesting(Once):
        def check_market_book(self, market: Any, market_book: Any) -> bool:
            if not times:
                simulate(path, Once())
            times.append((config.current_time, market.flumine.settings.current_time, market_book.publish_time))
            return False

    framework = FlumineSimulation(client=SimulatedClient(), settings=Settings(), plugins=plugins())
    framework.add_strategy(Nesting(stream=HistoricalStream(path)))
    framework.run()
    assert len(times) > 3 and all(one == two == published for one, two, published in times)


def test_streams_are_subscribed_to_and_left_while_they_run(market_file: Any, plugins: Any) -> None:
    class Leaving(Once):
        def check_market_book(self, market: Any, market_book: Any) -> bool:
            super().check_market_book(market, market_book)
            if self.books == 3:
                other.subscribe_to_stream(self.streams[0])
            if self.books == 5:
                self.unsubscribe_from_stream(self.streams[0])
            return False

    leaving, other, third = Leaving(stream=HistoricalStream(market_file())), Once(streams=[]), Once(streams=[])
    framework = FlumineSimulation(client=SimulatedClient(), plugins=plugins())
    for strategy in (leaving, other, third):
        framework.add_strategy(strategy)
    third.subscribe_to_stream(leaving.streams[0])
    framework.run()
    assert (leaving.books, third.books - other.books, third.books > 10) == (5, 3, True)


def test_hook_settings_reach_the_execution(simulate: Any, market_file: Any) -> None:
    class Slower:
        @hookimpl
        def flumine_configure(self, settings: Any) -> Any:
            return settings.evolve(place_latency=600.0)

    def act(strategy: Any, market: Any) -> None:
        strategy.order = back(strategy, market)
        market.place_order(strategy.order)

    quick, slow = Once(act), Once(act)
    simulate(market_file(), quick)
    simulate(market_file(), slow, hooks=(("slower", Slower()),))
    assert quick.order.placed_ms - quick.order.created_ms < 600_000
    assert slow.order.placed_ms is None or slow.order.placed_ms - slow.order.created_ms > 600_000


def test_recorded_files_are_for_simulations(market_file: Any, plugins: Any) -> None:
    framework = Flumine(client=SimulatedClient(), plugins=plugins())
    framework.add_strategy(BaseStrategy(stream=HistoricalStream(market_file())))
    with pytest.raises(FlumineCoreError, match="FlumineSimulation"):
        framework.run()


@pytest.mark.parametrize(
    "add",
    [
        lambda f: f.add_client("me"),
        lambda f: f.add_strategy(object()),
        lambda f: f.add_worker(print),
        lambda f: f.add_trading_control(print),
        lambda f: f.add_client_control(f.clients.get_default(), 5),
        lambda f: f.add_market_middleware(5),
        lambda f: f.add_logging_control(print),
    ],
)
def test_parts_of_the_wrong_kind_are_refused(add: Any, plugins: Any) -> None:
    framework = FlumineSimulation(client=SimulatedClient(), settings=Settings(), plugins=plugins())
    with pytest.raises(FlumineCoreError):
        add(framework)


@pytest.mark.parametrize(
    "make",
    [
        SimulatedClient,
        partial(BetfairClient, username="me", paper_trade=True),
        partial(BetfairClient, username="me", execution_cls=SimulatedExecution),
    ],
)
def test_a_client_that_an_earlier_run_has_used_begins_anew(make: Any, simulate: Any, market_file: Any) -> None:
    client = make(transaction_limit=1)
    counts = []
    for _ in range(3):
        strategy = Once(lambda self, market: [market.place_order(back(self, market)) for _ in range(2)])
        framework = simulate(market_file(), strategy, client=client)
        counts.append((strategy.result, len(client.trading_controls), len(framework.refusals)))
    assert counts == [([True, False], 1, 1)] * 3


def test_a_client_control_is_no_trading_control() -> None:
    framework = FlumineSimulation(SimulatedClient())
    for control in (MaxOrderCount, MaxOrderCount(transaction_limit=2)):
        with pytest.raises(SettingsError, match=r"MaxOrderCount is a client control: add_client_control\(client, Max"):
            framework.add_trading_control(control)
    assert len(framework.trading_controls) == 3


@pytest.mark.parametrize("whose", ["framework", "client"])
def test_the_lists_of_controls_may_be_changed_at_any_time(whose: str, simulate: Any, market_file: Any) -> None:
    class Refuses(TradingControl):
        def _validate(self, order: Any, package_type: Any) -> None:
            self._on_error(order, "no")

    def act(self: Any, market: Any) -> list[bool]:
        controls = (market.flumine if whose == "framework" else client).trading_controls
        passed = [market.place_order(back(self, market))]
        controls.append(Refuses(market.flumine))
        passed.append(market.place_order(back(self, market)))
        controls.pop()
        return [*passed, market.place_order(back(self, market))]

    client = SimulatedClient()
    strategy = Once(act)
    simulate(market_file(), strategy, client=client)
    assert strategy.result == [True, False, True]


@pytest.mark.parametrize("make", [FlumineSimulation, Flumine])
def test_what_a_run_that_cannot_begin_has_made_is_ended(make: Any, plugins: Any) -> None:
    log: list[str] = []

    class Made(SimulatedExecution):
        def shutdown(self) -> None:
            log.append("shutdown")

    class Fails(SimulatedExecution):
        def __init__(self, settings: Any) -> None:
            raise LookupError("no")

    framework = make(SimulatedClient(execution_cls=Made, username="a"), plugins=plugins())
    framework.add_client(SimulatedClient(execution_cls=Fails, username="b"))
    with pytest.raises(LookupError):
        framework.run()
    assert log == ["shutdown"]


@pytest.mark.parametrize("is_kept", [True, False])
def test_a_framework_of_flumines_kind_may_override_how_markets_leave(
    is_kept: bool, simulate: Any, market_file: Any
) -> None:
    class Theirs(FlumineSimulation):
        def _remove_market(self, market: Any, clear: bool = True) -> None:
            assert not clear  # a simulation keeps them
            super()._remove_market(market, clear=not is_kept)

    framework = simulate(market_file(), Once(), cls=Theirs)
    assert (len(framework.markets), framework.faults.total) == (int(is_kept), 0)


MANY_RUNS = """
import sys, weakref
from flumine_core import BaseStrategy, FlumineSimulation, LimitOrder, SimulatedClient, Trade

class Placing(BaseStrategy):
    def process_new_market(self, market, market_book):
        for _ in range(300):
            trade = Trade(market.market_id, market_book.runners[0].selection_id, 0, self)
            market.place_order(trade.create_order("BACK", LimitOrder(1000, 2.0)))

frameworks = []
for _ in range(20):
    framework = FlumineSimulation(SimulatedClient())
    framework.add_strategy(Placing(market_filter={"markets": sys.argv[1:]}, max_live_trade_count=300))
    framework.run()
    frameworks.append(weakref.ref(framework))
print(sum(each() is not None for each in frameworks))
"""


def test_what_earlier_runs_have_left_is_collected(market_file: Any) -> None:
    command = [sys.executable, "-c", MANY_RUNS, market_file()]
    assert int(subprocess.run(command, capture_output=True, text=True, check=True).stdout) < 15


def test_what_the_exchange_refuses_says_why(simulate: Any, market_file: Any) -> None:
    def act(strategy: Once, market: Any) -> Any:
        order = Trade(market.market_id, 404, 0, strategy).create_order("BACK", LimitOrder(2.0, 2.0))
        market.place_order(order)
        return order

    strategy = Once(act)
    framework = simulate(market_file(), strategy)
    order = strategy.result
    assert order.status is OrderStatus.EXECUTION_COMPLETE and not order.bet_id
    assert framework.refusals == [order.refusal]
    assert order.refusal.control == "Exchange"
    assert order.refusal.reason in order.violation_msg


@pytest.mark.parametrize("stream", [(each for each in ()), 7])
def test_what_cannot_be_a_stream_is_refused(stream: Any) -> None:
    with pytest.raises(FlumineCoreError, match="stream_id"):
        FlumineSimulation(SimulatedClient()).add_stream(stream)


def test_a_strategys_client_must_be_a_client() -> None:
    with pytest.raises(FlumineCoreError, match="'anna'"):
        FlumineSimulation(SimulatedClient()).add_strategy(BaseStrategy(client="anna"))  # type: ignore[arg-type]
