"""One framework on a local exchange: `side.py SIDE WORKLOAD DETAILS`, the same strategy under either.

It says `ready` when it has seen every market, does what it is told on standard input (`stall`, `stop`), and at the end
prints one JSON object. What it saw is written to a file as it comes, so that measuring needs no memory: four whole
numbers a callback, the change's number, the book's publish time (ms), and the time (ns) of the callback and of the
prices read.
"""

import json
import os
import resource
import sys
import threading
import time
from array import array
from pathlib import Path
from typing import Any

SIDE, WORKLOAD, TEXT = sys.argv[1:]
DETAILS: dict[str, Any] = json.loads(TEXT)
WIDE = dict.fromkeys(("max_order_exposure", "max_selection_exposure", "max_trade_count", "max_live_trade_count"), 10**9)
STALL = 5.0
RECORDS = 4096
EVERY = 10
"""In the order workload each tenth change makes a bet."""
BETS = 40
"""In the stall workload so many markets get a bet each."""

if SIDE == "flumine":
    import logging

    import betfairlightweight
    from betfairlightweight.filters import streaming_market_filter
    from betfairlightweight.streaming.betfairstream import BetfairStream
    from flumine import BaseStrategy, Flumine, clients
    from flumine.order.order import OrderStatus
    from flumine.order.ordertype import LimitOrder
    from flumine.order.trade import Trade
    from flumine.streams.betfairmarketstream import BetfairMarketStream
    from flumine.utils import get_price

    logging.disable(logging.CRITICAL)
else:
    from betfairlightweight import APIClient

    from flumine_core import (
        BaseStrategy,
        BetfairClient,
        Flumine,
        LimitOrder,
        OrderStatus,
        Settings,
        Trade,
        get_price,
    )
    from flumine_core.contract.endpoints import Endpoints


class Recorder:
    """Writes what was seen, a block at a time."""

    def __init__(self, path: str) -> None:
        self.file = Path(path).open("wb")  # noqa: SIM115
        self.block = array("q", bytes(8 * 4 * RECORDS))
        self.used = 0

    def note(self, number: int, publish_time: int, called: int, read: int) -> None:
        """Take one callback."""
        block, at = self.block, self.used
        block[at], block[at + 1], block[at + 2], block[at + 3] = number, publish_time, called, read
        self.used = at + 4
        if self.used == len(block):
            block.tofile(self.file)
            self.used = 0

    def close(self) -> None:
        """Write what is left."""
        self.block[: self.used].tofile(self.file)
        self.file.close()


class TopOfBook(BaseStrategy):
    """Reads the best prices of every runner on every change."""

    def prepare(self) -> None:
        self.recorder = Recorder(DETAILS["records"])
        self.unseen = set(DETAILS["market_ids"])
        self.called: dict[str, int] = {}
        self.orders: list[Any] = []
        self.backed: set[str] = set()
        self.stall_ns: list[int] = []
        self.must_stall = self.is_told = self.is_over = False

    def check_market_book(self, market: Any, market_book: Any) -> bool:
        return not self.is_over

    def process_market_book(self, market: Any, market_book: Any) -> None:
        called = time.time_ns()
        for runner in market_book.runners:
            get_price(runner.ex.available_to_back, 0)
            get_price(runner.ex.available_to_lay, 0)
        read = time.time_ns()
        number = int(market_book.total_matched or 0)
        self.recorder.note(number, market_book.publish_time_epoch, called, read)
        if self.unseen:
            self.unseen.discard(market_book.market_id)
            if not self.unseen:
                print("ready", flush=True)
        elif number:
            self.act(market, market_book, number, called)

    def act(self, market: Any, market_book: Any, number: int, called: int) -> None:
        """Do nothing more."""

    def back(self, market: Any, market_book: Any, called: int) -> None:
        """Back the first runner at a price that nobody takes."""
        runner = market_book.runners[0]
        trade = Trade(market_book.market_id, runner.selection_id, runner.handicap, self)
        order = trade.create_order(side="BACK", order_type=LimitOrder(900, 2.0))
        if market.place_order(order):
            self.called[order.customer_order_ref] = called
            self.orders.append(order)


class Bettor(TopOfBook):
    """Bets on each tenth change."""

    def act(self, market: Any, market_book: Any, number: int, called: int) -> None:
        if number % EVERY == 0:
            self.back(market, market_book, called)


class Staller(TopOfBook):
    """Bets once in each of the first markets, and stands still for five seconds when told."""

    def act(self, market: Any, market_book: Any, number: int, called: int) -> None:
        if len(self.orders) < BETS and market_book.market_id not in self.backed:
            self.backed.add(market_book.market_id)
            self.back(market, market_book, called)
        elif (
            not self.is_told
            and len(self.orders) == BETS
            and all(order.status == OrderStatus.EXECUTABLE for order in self.orders)
        ):
            self.is_told = True
            print("placed", flush=True)
        if self.must_stall:
            self.must_stall = False
            begin = time.time_ns()
            print("stalled", flush=True)
            time.sleep(STALL)
            self.stall_ns = [begin, time.time_ns()]


STRATEGIES = {"top": TopOfBook, "bet": Bettor, "stall": Staller}


def make_flumine(strategy_class: Any) -> tuple[Any, Any]:
    """Return a flumine 3.3.2 that is unmodified but for host, port and URLs, and its strategy."""
    BetfairStream.HOSTS[None] = DETAILS["stream_host"]
    BetfairStream._BetfairStream__port = DETAILS["stream_port"]
    account = (DETAILS["username"], DETAILS["password"], DETAILS["app_key"])
    trading = betfairlightweight.APIClient(*account, certs=DETAILS["certs_dir"])
    trading.identity_uri = trading.identity_cert_uri = DETAILS["identity_uri"]
    trading.api_uri, trading.navigation_uri = DETAILS["api_uri"], DETAILS["navigation_uri"]
    framework = Flumine(client=clients.BetfairClient(trading, transaction_limit=10**6))
    stream = BetfairMarketStream(market_filter=streaming_market_filter(market_ids=DETAILS["market_ids"]))
    return framework, strategy_class(streams=[stream], name="load", **WIDE)


def make_ours(strategy_class: Any) -> tuple[Any, Any]:
    """Return a flumine_core with its journal on, and its strategy."""
    api = APIClient(
        DETAILS["username"],
        DETAILS["password"],
        DETAILS["app_key"],
        cert_files=(DETAILS["cert_file"], DETAILS["key_file"]),
    )
    names = ("identity_uri", "api_uri", "navigation_uri", "stream_host", "stream_port", "ca_file")
    endpoints = Endpoints(identity_cert_uri=DETAILS["identity_uri"], **{name: DETAILS[name] for name in names})
    client = BetfairClient(api, endpoints=endpoints, transaction_limit=10**6)
    framework = Flumine(client, settings=Settings(journal=DETAILS["journal"], on_stop="leave"))
    return framework, strategy_class(market_filter={"marketIds": DETAILS["market_ids"]}, name="load", **WIDE)


def told_of(order: Any) -> dict[str, Any]:
    """Return an order as plain data."""
    sizes = ("matched", "remaining", "cancelled", "lapsed", "voided")
    found = {name: getattr(order, f"size_{name}") for name in sizes}
    return found | {"bet_id": order.bet_id, "complete": order.complete}


def obey(strategy: Any) -> None:
    """Do what standard input says; end with it."""
    for line in sys.stdin:
        if line.strip() == "stall":
            strategy.must_stall = True
        elif line.strip() == "stop":
            break
    strategy.is_over = True
    time.sleep(0.2)  # the callback that is under way ends
    strategy.recorder.close()
    used = resource.getrusage(resource.RUSAGE_SELF)
    told = {
        "called": strategy.called,
        "stall_ns": strategy.stall_ns,
        "cpu": used.ru_utime + used.ru_stime,
        "orders": [told_of(order) for order in strategy.orders],
    }
    print(json.dumps(told), flush=True)
    os._exit(0)  # what a framework has not come to is not waited for


def main() -> None:
    """Run until told to stop."""
    framework, strategy = (make_flumine if SIDE == "flumine" else make_ours)(STRATEGIES[WORKLOAD])
    strategy.prepare()
    framework.add_strategy(strategy)
    threading.Thread(target=obey, args=(strategy,), daemon=True).start()
    framework.run()


if __name__ == "__main__":
    main()
