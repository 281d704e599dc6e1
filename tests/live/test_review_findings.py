"""Findings of a review: starts that fail whole, journals of long runs, markets that starve no others."""

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from flumine_core import LimitOrder, OrderStatus, Settings, Trade
from flumine_core.errors import ExecutionError, SettingsError
from flumine_core.events import ClearedMarketsEvent
from flumine_core.live import journal, plugin
from flumine_core.live.api import Api
from flumine_core.live.cleared import ClearedMarkets, cleared_rows, poll_cleared_orders
from flumine_core.live.journal import Journal, open_journal
from flumine_core.live.login import CallError

from .conftest import PATIENCE, wait_for
from .rig import MARKET, WAITS, Rig, client_of

NEVER_NONE = [
    "connect_timeout",
    "read_timeout",
    "look_interval",
    "look_interval_max",
    "login_backoff",
    "login_backoff_max",
    "context_interval",
]


@pytest.mark.parametrize("name", NEVER_NONE)
def test_a_wait_that_cannot_be_nothing_is_refused(name: str) -> None:
    with pytest.raises(SettingsError, match=f"{name} must be a number > 0, was 0"):
        Settings(**{name: 0})


# a start that fails


@pytest.fixture
def broken_start(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_workers(*arguments: Any) -> Any:
        raise SettingsError("interval must be seconds > 0, was 0")

    monkeypatch.setattr(plugin, "default_workers", no_workers)


def test_no_stream_opens_where_the_live_end_could_not_start(
    broken_start: None, exchange: Any, make_rig: Callable[..., Rig], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Any] = []
    monkeypatch.setattr("flumine_core.session.Flumine._pump", lambda self, stream: opened.append(stream))
    rig = make_rig(is_ready=False)
    rig.thread.join(PATIENCE)
    assert isinstance(rig.error, ExecutionError), rig.error
    assert "the live end could not start: SettingsError: interval must be seconds > 0, was 0" in str(rig.error)
    assert not opened
    assert not any(worker.is_alive() for worker in rig.framework._workers)
    path = rig.framework.settings.journal
    Journal(Path(path), "NORMAL", rig.framework.clock, print).end()  # nobody holds it any more
    assert exchange.ledger.logins == 1


def test_a_stream_of_ones_own_does_not_open_either(
    broken_start: None, exchange: Any, plugins: Any, tmp_path: Path
) -> None:
    opened: list[Any] = []

    class Own:
        stream_id = 7

        def __iter__(self) -> Iterator[Any]:
            opened.append(self)
            return iter(())

        def stop(self) -> None: ...

    settings = Settings(**{**WAITS, "journal": str(tmp_path / "journal.sqlite")})
    rig = Rig(exchange, client_of(exchange, order_stream=False), settings, plugins(), market_filter=None)
    rig.framework.add_stream(Own())
    with pytest.raises(ExecutionError, match="the live end could not start"):
        rig.framework.run()
    assert not opened


# the journal


class Clock:
    epoch_ms = 1_700_000_000_000


def test_a_journal_is_found_in_the_home_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    ids: Any = SimpleNamespace(above=lambda high_water: None)
    made = open_journal(Settings(journal="~/state/journal.sqlite"), Clock(), ids, print)
    assert made is not None
    made.end()
    assert made.path == tmp_path / "home" / "state" / "journal.sqlite"
    assert [each.name for each in tmp_path.iterdir()] == ["home"]
    with pytest.raises(SettingsError, match="cannot be used"):
        open_journal(Settings(journal="~nobody.is.there/journal.sqlite"), Clock(), ids, print)


def test_a_run_of_months_forgets_markets_that_have_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "_FORGET_SECONDS", 0.0)
    monkeypatch.setattr(journal, "_QUIET_SECONDS", 0.02)
    clock, path = Clock(), tmp_path / "journal.sqlite"
    made = Journal(path, "NORMAL", clock, print)

    def order(number: int) -> None:
        made.intend([(journal._ORDER, (f"{number}", "me", f"1.{number}", b""))])

    def left() -> set[str]:
        with sqlite3.connect(path) as reader:
            return {order_id for (order_id,) in reader.execute("SELECT order_id FROM orders")}

    try:
        for number in (1, 2, 3):
            order(number)
        made.close_market("1.2")
        made.close_market("1.3")
        order(4)
        clock.epoch_ms += 6 * 86_400_000
        made.close_market("1.1")
        clock.epoch_ms += 2 * 86_400_000
        order(5)
        wait_for(lambda: left() == {"1", "4", "5"})
        assert made.high_water == "5"
    finally:
        made.end()


# cleared orders


class Blotter:
    live_orders = ()

    def __init__(self, market_id: str) -> None:
        self._orders = [SimpleNamespace(bet_id=f"bet-{market_id}")]

    def client_orders(self, client: Any, matched_only: bool = False) -> list[Any]:
        return self._orders

    def __len__(self) -> int:
        return 1


class Framework:
    """Two closed markets, "1.1" before "1.2", and what is processed."""

    settings = Settings()
    is_running = True

    def __init__(self, is_raising: bool = False) -> None:
        ids = ("1.1", "1.2")
        self.markets = {
            each: SimpleNamespace(market_id=each, closed=True, status="CLOSED", blotter=Blotter(each)) for each in ids
        }
        self.cleared_market_queue = SimpleNamespace(empty=lambda: not self.queued, get_nowait=lambda: self.queued.pop())
        self.queued = list(reversed(ids))
        self.is_raising = is_raising
        self.told: list[str] = []

    def is_kernel_thread(self) -> bool:
        return True

    def process(self, event: Any) -> None:
        if isinstance(event, ClearedMarketsEvent):
            self.told.append(event.event.market_id)
        elif self.is_raising and event.market_id == "1.1":
            raise RuntimeError("a logging control")


class AnyApi:
    def __init__(self, odd: dict[str, Any]) -> None:
        self.odd = odd

    def call(self, operation: str, params: dict[str, Any]) -> Any:
        (market_id,) = params["marketIds"]
        row = {"betId": f"bet-{market_id}", "marketId": market_id}
        return self.odd.get(market_id, {"clearedOrders": [row], "moreAvailable": False})


def tracker_of(framework: Any, odd: dict[str, Any]) -> ClearedMarkets:
    client: Any = SimpleNamespace(username="me", paper_trade=False)
    api: Any = AnyApi(odd)
    return ClearedMarkets(framework, lambda: [(client, api)], None)


ODD = [None, [], "text", {}, {"clearedOrders": None}, {"clearedOrders": {}}]


@pytest.mark.parametrize("odd", ODD, ids=repr)
def test_an_odd_answer_of_one_market_starves_no_other(odd: Any) -> None:
    api: Any = AnyApi({"1.1": odd})
    with pytest.raises(CallError, match="listClearedOrders must bring clearedOrders"):
        cleared_rows(api, "1.1", None, None)
    framework = Framework()
    tracker = tracker_of(framework, {"1.1": odd})
    poll_cleared_orders(tracker)
    assert framework.told == ["1.2"]
    assert [each.market_id for each in tracker.waiting.values()] == ["1.1"]
    assert not tracker.due()


def test_what_one_market_raises_is_told_once_the_others_had_their_turn() -> None:
    framework = Framework(is_raising=True)
    tracker = tracker_of(framework, {})
    with pytest.raises(RuntimeError, match="a logging control"):
        poll_cleared_orders(tracker)
    assert framework.told == ["1.2"]
    assert list(tracker.waiting) == ["1.1"]
    assert not tracker.due()


# a transaction that is executed late


@pytest.mark.parametrize("ask", ["replace", "update", "cancel"])
def test_a_late_transaction_leaves_out_what_is_complete_and_sends_the_rest(rig: Rig, ask: str) -> None:
    filled, rest = rig.place(), rig.place()
    rig.settled(filled, rest)
    counted = rig.client.transaction_count_total
    (limit,) = [each for each in rig.client.trading_controls if hasattr(each, "pending_transaction_count")]

    def begin() -> Any:
        transaction = rig.market.transaction()
        for order in (filled, rest):
            if ask == "replace":
                assert transaction.replace_order(order, 3.5)
            elif ask == "update":
                assert transaction.update_order(order, "PERSIST")
            else:
                assert transaction.cancel_order(order)
        return transaction

    transaction = rig.ask(begin)
    rig.exchange.market(MARKET).match_bet(filled.bet_id)
    rig.wait_until(lambda: filled.complete)
    assert rig.ask(transaction.execute) == 1
    assert filled.refusal.control == "Transaction"
    assert filled.violation_msg.endswith(f"complete before the transaction was executed: there is nothing to {ask}")
    assert filled.status is OrderStatus.EXECUTION_COMPLETE
    if ask == "update":
        rig.wait_until(lambda: rest.order_type.persistence_type == "PERSIST")
    else:
        rig.wait_until(lambda: rest.complete)
    rig.agrees()
    assert rest.refusal is None
    assert limit.pending_transaction_count == 0
    assert rig.client.transaction_count_total == counted + (ask == "replace")
    assert not rig.framework.faults.total


# the login


def test_a_certificate_that_cannot_be_read_for_a_moment_is_read_again(exchange: Any, tmp_path: Path) -> None:
    betting_client = client_of(exchange).betting_client
    told: list[str] = []
    certificates = tmp_path / "certificates"
    certificates.write_text("in place of a directory")
    betting_client.cert_files, betting_client.certs = None, str(certificates)
    api = Api(betting_client, Settings(**WAITS), on_alert=told.append, ca_file=exchange.ca_file)

    def fails(text: str) -> bool:
        try:
            api.login.token()
        except CallError as error:
            return text in str(error)
        return False

    assert fails("the certificate for the login cannot be read")
    tries = []
    wait_for(lambda: tries.append(fails("next try in")) or tries[-2:] == [True, False])  # it has tried once more
    assert api.login.refusal is None
    assert len(told) == 1 and "cannot be read" in told[0]
    certificates.unlink()
    certificates.mkdir()
    shutil.copy(exchange.cert_file, certificates / "client.crt")
    shutil.copy(exchange.key_file, certificates / "client.key")
    wait_for(lambda: not fails(""))
    assert exchange.ledger.logins == 1


# a trade of two accounts


@pytest.mark.parametrize("is_first_done", [False, True])
def test_a_trade_with_orders_at_two_accounts_comes_back_as_one(
    plugins: Any, tmp_path: Path, is_first_done: bool
) -> None:
    module = pytest.importorskip("flumine_exchange.exchange")
    accounts = (module.Account(username="one", app_key="key-1"), module.Account(username="two", app_key="key-2"))
    settings = Settings(**{**WAITS, "journal": str(tmp_path / "journal.sqlite")})
    options = module.ExchangeSettings(scale=0.05, start="now", accounts=accounts)
    with module.LocalExchange([module.Scenario(market_id=MARKET)], settings=options) as exchange:

        def start() -> tuple[Rig, Any]:
            second = client_of(exchange)
            second.betting_client.username, second.betting_client.app_key = "two", "key-2"
            rig = Rig(exchange, client_of(exchange), settings, plugins())
            rig.framework.add_client(second)
            rig.start()
            rig.wait_until(lambda: second.execution.gate.is_open)
            return rig, second

        rig, second = start()

        def place() -> Any:
            trade = Trade(MARKET, 11, 0, rig.trader)
            for client in (rig.client, second):
                with rig.market.transaction(client=client) as transaction:
                    assert transaction.place_order(trade.create_order("BACK", LimitOrder(3.0, 2.0)))
            return trade

        trade = rig.ask(place)
        rig.settled(*trade.orders)
        if is_first_done:
            exchange.market(MARKET).match_bet(trade.orders[0].bet_id)
            rig.wait_until(lambda: trade.orders[0].complete)
        rig.stop()

        rig, second = start()
        try:
            again = [rig.ask(lambda each=each: rig.market.blotter[each.id]) for each in trade.orders]
            assert again[0].trade is again[1].trade
            assert [each.id for each in again[0].trade.orders] == [each.id for each in trade.orders]
            assert [each.client for each in again] == [rig.client, second]
            assert not again[0].trade.complete
            context = rig.trader.get_runner_context(MARKET, 11)
            assert (context.trades, context.live_trades) == ([trade.id], [trade.id])
            exchange.market(MARKET).match_bet(again[1].bet_id)
            rig.wait_until(lambda: again[1].complete)
            if is_first_done:
                rig.wait_until(lambda: again[0].trade.complete and not context.live_trades)
        finally:
            rig.stop()
