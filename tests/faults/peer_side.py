"""Runs under flumine 3.3.2, unmodified save host, port and URLs: does what it reads on stdin, as `served` does."""

import json
import sys
import threading
import time
from collections import deque

import betfairlightweight
from betfairlightweight.filters import streaming_market_filter
from betfairlightweight.streaming.betfairstream import BetfairStream
from flumine import BaseStrategy, Flumine, clients
from flumine.events.events import CustomEvent, TerminationEvent
from flumine.order.ordertype import LimitOrder
from flumine.order.trade import Trade
from flumine.streams.betfairmarketstream import BetfairMarketStream
from names import Names

START_SECONDS = 30


class Told(BaseStrategy):
    def __init__(self, **options):
        super().__init__(**options)
        self.given = deque(maxlen=20_000)
        self.first_book = threading.Event()

    def check_market_book(self, market, market_book):
        best = [r.ex.available_to_back[0]["size"] if r.ex.available_to_back else 0.0 for r in market_book.runners]
        self.given.append((market.market_id, best))
        self.first_book.set()
        return False


class Peer:
    def __init__(self, told):
        details, options = told["exchange"], told.get("options", {})
        self.names = Names()
        BetfairStream.HOSTS[None] = options.get("stream_host", details["stream_host"])
        BetfairStream._BetfairStream__port = details["stream_port"]
        certs = details["certs_dir"] if options.get("has_certificate", True) else "/missing"
        trading = betfairlightweight.APIClient(
            details["username"], details["password"], details["app_key"], certs=certs
        )
        trading.identity_uri = trading.identity_cert_uri = details["identity_uri"]
        trading.api_uri = details["api_uri"]
        trading.navigation_uri = details["navigation_uri"]
        self.framework = Flumine(client=clients.BetfairClient(trading, **options.get("client", {})))
        stream = BetfairMarketStream(market_filter=streaming_market_filter(market_ids=details["market_ids"]))
        self.strategy = Told(
            streams=[stream], name="told", max_order_exposure=100_000, max_selection_exposure=1_000_000,
            max_trade_count=100_000, max_live_trade_count=100_000,
        )  # fmt: skip
        self.framework.add_strategy(self.strategy)
        self.thread = threading.Thread(target=self.framework.run, daemon=True)

    def ask(self, function):
        """Return what a function brings on the framework's thread."""
        found, is_done = [], threading.Event()

        def callback(flumine, event):
            try:
                found.append((function(), None))
            except Exception as error:
                found.append((None, f"{type(error).__name__}: {error}"))
            is_done.set()

        self.framework.handler_queue.put(CustomEvent(None, callback))
        if not is_done.wait(50):
            raise RuntimeError("the framework does not answer")
        result, error = found[0]
        if error is not None:
            raise RuntimeError(error)
        return result

    def start(self):
        self.thread.start()
        until = time.monotonic() + START_SECONDS
        while not self.strategy.first_book.wait(0.05):
            if not self.thread.is_alive() or time.monotonic() > until:
                raise RuntimeError("no book came")
        time.sleep(1)  # the order stream is subscribed half a second after the market stream

    def stop(self):
        self.framework.handler_queue.put(TerminationEvent(self.framework))
        self.thread.join(10)

    def is_running(self):
        return self.thread.is_alive() and all(stream.is_alive() for stream in self.framework.streams)

    def _orders(self):
        return [order for market in self.framework.markets for order in market.blotter]

    def _order(self, order_id):
        for market in self.framework.markets:
            if order_id in market.blotter:
                return market, market.blotter[order_id]
        raise KeyError(f"no such order: {order_id}")

    def place(self, orders, is_async, version):
        def run():
            told = []
            market = self.framework.markets.markets[orders[0]["market"]]
            with market.transaction(async_place_orders=is_async) as transaction:
                for terms in orders:
                    kind = LimitOrder(
                        terms["price"], terms["size"], terms["persistence"],
                        time_in_force=terms["time_in_force"], min_fill_size=terms["min_fill_size"],
                    )  # fmt: skip
                    order = Trade(terms["market"], terms["runner"], 0, self.strategy).create_order(terms["side"], kind)
                    is_accepted = transaction.place_order(order, market_version=version)
                    told.append((order.id, "") if is_accepted else (None, str(order.violation_msg)))
            return told

        return self.ask(run)

    def _try(self, function):
        try:
            return "" if function() is not False else "refused"
        except Exception as error:
            return f"{type(error).__name__}: {error}"

    def cancel(self, ids, size_reduction):
        def run():
            with self._order(ids[0])[0].transaction() as transaction:
                return [
                    self._try(lambda o=each: transaction.cancel_order(self._order(o)[1], size_reduction))
                    for each in ids
                ]

        return self.ask(run)

    def update(self, order_id, persistence):
        def run():
            market, order = self._order(order_id)
            return self._try(lambda: market.update_order(order, persistence))

        return self.ask(run)

    def replace(self, order_id, price):
        def run():
            market, order = self._order(order_id)
            return self._try(lambda: market.replace_order(order, price))

        return self.ask(run)

    def orders(self):
        return self.ask(lambda: [self._view(order) for order in self._orders()])

    def _view(self, order):
        cleared = getattr(order, "cleared_order", None)
        return {
            "id": order.id,
            "ref": order.customer_order_ref,
            "trade": str(order.trade.id),
            "bet_id": order.bet_id,
            "market": order.market_id,
            "selection": order.selection_id,
            "side": order.side,
            "price": order.order_type.price,
            "status": order.status.value if order.status else "",
            "statuses": [status.value for status in order.status_log],
            "complete": bool(order.complete),
            "matched": order.size_matched or 0.0,
            "average": order.average_price_matched or 0.0,
            "remaining": order.size_remaining or 0.0,
            "cancelled": order.size_cancelled or 0.0,
            "lapsed": order.size_lapsed or 0.0,
            "voided": order.size_voided or 0.0,
            "persistence": order.order_type.persistence_type,
            "cleared_profit": None if cleared is None else cleared.profit,
            "why": str(order.violation_msg or ""),
        }

    def exposures(self):
        def run():
            return {
                f"{lookup[0]}/{lookup[1]}": market.blotter.selection_exposure(self.strategy, lookup)
                for market in self.framework.markets
                for lookup in {order.lookup for order in market.blotter}
            }

        return self.ask(run)

    def books(self):
        return self.ask(
            lambda: {
                market.market_id: self._book(market)
                for market in self.framework.markets
                if market.market_book is not None and not market.closed
            }
        )

    def _book(self, market):
        book = market.market_book
        return {
            "status": book.status,
            "version": book.version,
            "inplay": bool(book.inplay),
            "ladders": {
                runner.selection_id: {
                    "atb": {level["price"]: level["size"] for level in runner.ex.available_to_back},
                    "atl": {level["price"]: level["size"] for level in runner.ex.available_to_lay},
                }
                for runner in book.runners
            },
            "has_catalogue": market.market_catalogue is not None,
        }

    def seen(self):
        return self.ask(lambda: list(self.strategy.given))

    def stall(self, seconds):
        self.framework.handler_queue.put(CustomEvent(None, lambda flumine, event: time.sleep(seconds)))

    def lose_name(self, host, is_lost):
        return self.names.lose(host, is_lost)

    def troubles(self):
        return []


def main():
    peer = Peer(json.loads(sys.argv[1]))
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            answer = {"result": getattr(peer, asked["do"])(*asked["args"])}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)
        if asked["do"] == "stop":
            return


if __name__ == "__main__":
    main()
