"""Clients that know nothing of this exchange: betfairlightweight, and flumine 3.3.2 in an environment of its own."""

import json
import os
import queue
import subprocess
import sys
import threading
import venv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import betfairlightweight
import pytest
from betfairlightweight import StreamListener, filters
from betfairlightweight.streaming.betfairstream import BetfairStream
from flumine_core.synthetic.market import SyntheticMarket
from wire import MARKET, PATIENCE, client_of

from flumine_exchange.exchange import LocalExchange

PEER = "flumine==3.3.2"


class Books:
    """An unmodified betfairlightweight stream, run in a thread; its output in a queue."""

    def __init__(self, client: betfairlightweight.APIClient, exchange: LocalExchange, kind: str, listener: Any = None):
        self.output: queue.Queue[Any] = queue.Queue()
        self.listener = listener or StreamListener(output_queue=self.output, max_latency=None)
        self.output = self.listener.output_queue
        self.stream: BetfairStream = client.streaming.create_stream(listener=self.listener, timeout=PATIENCE)
        self.stream.host = exchange.stream_host
        self.stream._BetfairStream__port = exchange.stream_port
        self.error: Exception | None = None
        if kind == "market":
            self.stream.subscribe_to_markets(
                filters.streaming_market_filter(),
                filters.streaming_market_data_filter(fields=["EX_ALL_OFFERS", "EX_MARKET_DEF", "EX_LTP"]),
                initial_clk=self.listener.initial_clk,
                clk=self.listener.clk,
                heartbeat_ms=500,
            )
        else:
            self.stream.subscribe_to_orders(filters.streaming_order_filter(include_overall_position=False))
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        try:
            self.stream.start()
        except Exception as error:
            self.error = error

    def until(self, wanted: Any) -> Any:
        while True:
            for item in self.output.get(timeout=PATIENCE):
                if wanted(item):
                    return item

    def stop(self) -> None:
        self.stream.stop()
        self.thread.join(PATIENCE)


def offers(book: Any) -> list[tuple[float, float]]:
    return [(level.price, level.size) for level in book.runners[0].ex.available_to_lay]


@pytest.fixture
def stranger(exchange: LocalExchange) -> betfairlightweight.APIClient:
    client = client_of(exchange)
    client.lightweight = False
    return client


def test_betfairlightweight_bets(stranger: betfairlightweight.APIClient, exchange: LocalExchange) -> None:
    orders = Books(stranger, exchange, "order")
    order = filters.limit_order(size=4.0, price=3.0, persistence_type="LAPSE")
    instruction = filters.place_instruction("LIMIT", 11, "BACK", limit_order=order, customer_order_ref="mine")
    placed = stranger.betting.place_orders(MARKET, [instruction], customer_ref="a" * 32, customer_strategy_ref="me")
    bet_id = placed.place_instruction_reports[0].bet_id
    live = orders.until(lambda book: [each for each in book.orders if each.bet_id == bet_id])
    assert [(each.size_remaining, each.customer_order_ref) for each in live.orders] == [(4.0, "mine")]
    listed = stranger.betting.list_current_orders(customer_order_refs=["mine"])
    assert [each.bet_id for each in listed.orders] == [bet_id]
    updated = stranger.betting.update_orders(MARKET, [filters.update_instruction(bet_id, "PERSIST")])
    assert updated.status == "SUCCESS"
    cancelled = stranger.betting.cancel_orders(MARKET, [filters.cancel_instruction(bet_id, 1.0)])
    assert cancelled.cancel_instruction_reports[0].size_cancelled == 1.0
    replaced = stranger.betting.replace_orders(MARKET, [filters.replace_instruction(bet_id, 3.2)])
    report = replaced.replace_instruction_reports[0]
    assert report.cancel_instruction_reports.size_cancelled == 3.0
    new_id = report.place_instruction_reports.bet_id
    orders.until(lambda book: [each for each in book.orders if each.bet_id == new_id])
    orders.stop()
    assert {bet.bet_id: bet.status for bet in exchange.ledger.bets()} == {bet_id: "EC", new_id: "E"}
    assert stranger.account.get_account_funds().exposure == -3.0
    assert stranger.keep_alive().status == stranger.logout().status == "SUCCESS"


def test_betfairlightweight_lists(stranger: betfairlightweight.APIClient) -> None:
    everything = filters.market_filter()
    catalogue = stranger.betting.list_market_catalogue(
        everything, ["MARKET_DESCRIPTION", "RUNNER_METADATA", "EVENT", "EVENT_TYPE", "MARKET_START_TIME"], None, 25
    )
    assert [(each.market_id, len(each.runners), each.event_type.id) for each in catalogue] == [(MARKET, 3, "7")]
    data = filters.price_projection(price_data=filters.price_data(ex_all_offers=True))
    (book,) = stranger.betting.list_market_book([MARKET], price_projection=data)
    assert (book.status, book.runners[0].ex.available_to_back[0].price) == ("OPEN", 2.0)
    assert stranger.betting.list_event_types(everything)[0].event_type.name == "Horse Racing"
    assert stranger.betting.list_events(everything)[0].market_count == 1
    assert stranger.betting.list_market_types(everything)[0].market_type == "WIN"
    assert stranger.betting.list_countries(everything)[0].country_code == "GB"
    assert stranger.betting.list_venues(everything)[0].venue == "Nowhere"
    assert stranger.betting.list_competitions(everything) == []
    assert stranger.account.get_account_details().currency_code == "GBP"
    menu = stranger.navigation.list_navigation()
    assert menu["children"][0]["children"][0]["children"][0]["id"] == MARKET


def test_betfairlightweight_resumes_where_it_stopped(
    stranger: betfairlightweight.APIClient, exchange: LocalExchange
) -> None:
    market = exchange.market(MARKET)
    first = Books(stranger, exchange, "market")
    before = first.until(lambda book: True)
    assert offers(before)[0] == (2.02, 50.0)
    exchange.drop_streams("market")
    first.thread.join(PATIENCE)
    assert isinstance(first.error, betfairlightweight.exceptions.SocketError)
    market.set_price(11, lay=[[2.1, 7.0]])
    second = Books(stranger, exchange, "market", first.listener)
    second.until(lambda book: offers(book) == [(2.1, 7.0)])
    second.stop()


@pytest.fixture(scope="session")
def peer_python(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Python that has flumine: FLUMINE_CORE_PEER_PYTHON, or that of a venv made for it."""
    named = os.environ.get("FLUMINE_CORE_PEER_PYTHON")
    if named is None:
        home = tmp_path_factory.mktemp("peer")
        venv.create(home, with_pip=True)
        named = str(home / "bin" / "python")
        subprocess.run([named, "-m", "pip", "install", "-q", PEER], check=True, stdout=sys.stderr)
    yield named


@pytest.mark.peer
def test_flumine_trades_on_a_replayed_market(peer_python: str, make_exchange: Any, tmp_path: Path) -> None:
    file = SyntheticMarket(updates=400, seed=5).write(tmp_path / "market.bz2")
    exchange = make_exchange([str(file)], speed=20.0, scale=1.0, start="subscription")
    details = exchange.details() | {"market_ids": exchange.market_ids}
    env = os.environ | {"REQUESTS_CA_BUNDLE": exchange.ca_file, "NO_PROXY": "127.0.0.1,localhost"}
    done = subprocess.run(
        [peer_python, str(Path(__file__).with_name("stranger.py")), json.dumps(details)],
        env=env,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    ledger = {bet.bet_id: bet for bet in exchange.ledger.bets()}
    taken, resting = told["orders"]["taken"], told["orders"]["resting"]
    assert told["books"] > 1
    assert (taken["status"], taken["matched"]) == ("EXECUTION_COMPLETE", 2.0)
    assert (resting["status"], resting["cancelled"]) == ("EXECUTION_COMPLETE", 2.0)
    assert {bet_id: (bet.sm, bet.sc, bet.rfo) for bet_id, bet in ledger.items()} == {
        order["bet_id"]: (order["matched"], order["cancelled"], order["rfo"]) for order in (taken, resting)
    }
