"""Runs under flumine 3.3.2, unmodified save host, port and URLs: one strategy on one exchange; prints what it saw."""

import json
import sys
import threading

import betfairlightweight
from betfairlightweight.filters import streaming_market_filter
from betfairlightweight.streaming.betfairstream import BetfairStream
from flumine import BaseStrategy, Flumine, clients
from flumine.events.events import TerminationEvent
from flumine.order.ordertype import LimitOrder
from flumine.order.trade import Trade
from flumine.streams.betfairmarketstream import BetfairMarketStream
from flumine.worker import BackgroundWorker


class Stranger(BaseStrategy):
    """Backs the first runner once at a price that the book has, and once far above."""

    def start(self, *_):
        self.books = 0
        self.statuses = {}

    def check_market_book(self, market, market_book):
        return market_book.status == "OPEN" and not market_book.inplay

    def process_market_book(self, market, market_book):
        self.books += 1
        if self.statuses or not market_book.runners[0].ex.available_to_back:
            return
        runner = market_book.runners[0]
        for name, price in (("taken", runner.ex.available_to_back[0]["price"]), ("resting", 900)):
            trade = Trade(market_book.market_id, runner.selection_id, runner.handicap, self)
            order = trade.create_order(side="BACK", order_type=LimitOrder(price, 2.0))
            self.statuses[name] = order
            market.place_order(order)

    def process_orders(self, market, orders):
        resting = self.statuses["resting"]
        if resting.status.name == "EXECUTABLE" and resting.bet_id and not resting.size_matched:
            market.cancel_order(resting)


def finish(context, flumine, strategy, told):
    """Print what became of the orders, and end."""
    orders = strategy.statuses
    is_done = len(orders) == 2 and all(order.complete for order in orders.values())
    context["turns"] = context.get("turns", 0) + 1
    if context.get("told") or not (is_done or context["turns"] > 200):
        return
    context["told"] = True
    told.update(
        books=strategy.books,
        orders={
            name: {
                "bet_id": order.bet_id,
                "status": order.status.name,
                "matched": order.size_matched,
                "cancelled": order.size_cancelled,
                "rfo": order.customer_order_ref,
            }
            for name, order in orders.items()
        },
    )
    flumine.handler_queue.put(TerminationEvent(flumine))


def stay_here(event, args):
    """Refuse any connect to another machine: an audit hook."""
    if event == "socket.connect" and args[1][0] != "127.0.0.1":
        raise SystemExit(f"was about to connect to {args[1]}")


def main():
    sys.addaudithook(stay_here)
    details = json.loads(sys.argv[1])
    BetfairStream.HOSTS[None] = details["stream_host"]
    BetfairStream._BetfairStream__port = details["stream_port"]
    trading = betfairlightweight.APIClient(
        details["username"], details["password"], details["app_key"], certs=details["certs_dir"]
    )
    trading.identity_uri = trading.identity_cert_uri = details["identity_uri"]
    trading.api_uri = details["api_uri"]
    trading.navigation_uri = details["navigation_uri"]
    framework = Flumine(client=clients.BetfairClient(trading))
    stream = BetfairMarketStream(market_filter=streaming_market_filter(market_ids=details["market_ids"]))
    strategy = Stranger(streams=[stream], name="stranger", max_live_trade_count=2)
    framework.add_strategy(strategy)
    told = {}
    framework.add_worker(
        BackgroundWorker(framework, finish, 0.1, func_kwargs={"strategy": strategy, "told": told}, start_delay=0.5)
    )
    runner = threading.Thread(target=framework.run)
    runner.start()
    runner.join(60)
    print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
