"""Answers, stream updates, looks and time in any order: the orders end as the exchange's ledger has them."""

import random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flumine_core import BaseStrategy, BetfairClient, LimitOrder, OrderStatus, Settings, Trade
from flumine_core.clock import EventClock
from flumine_core.kernel.kernel import Kernel
from flumine_core.kernel.plan import Plan
from flumine_core.live.adopt import Adoption
from flumine_core.live.bet import Bet
from flumine_core.live.ids import LiveIds
from flumine_core.live.login import CallError
from flumine_core.live.request import AnswerEvent, LookEvent, Request, make_request, params_of
from flumine_core.live.unknown import Unknowns
from flumine_core.market.market import Market
from flumine_core.order.exposure import exposures_of

MARKET = "1.1"
PRICES = (2.0, 3.0, 4.0, 5.0, 6.0)


class Ledger:
    """The exchange: it carries out requests, and matches and lapses bets."""

    def __init__(self, dice: random.Random, is_cleared_at_once: bool) -> None:
        self.dice = dice
        self.bets: list[dict[str, Any]] = []
        self.refs: dict[str, float] = {}
        self.is_cleared_at_once = is_cleared_at_once

    def carry_out(self, operation: str, params: dict[str, Any], now: float) -> tuple[Any, list[dict[str, Any]]]:
        """Return the answer, and the bets that have changed."""
        ref = params["customerRef"]
        if now - self.refs.get(ref, -100.0) < 60:
            return {"status": "FAILURE", "errorCode": "DUPLICATE_TRANSACTION"}, []
        self.refs[ref] = now
        return self.execute(operation, params)

    def execute(self, operation: str, params: dict[str, Any]) -> tuple[Any, list[dict[str, Any]]]:
        changed: list[dict[str, Any]] = []
        reports = [getattr(self, operation)(each, changed) for each in params["instructions"]]
        self.dice.shuffle(reports)
        is_good = all(report["status"] == "SUCCESS" for report in reports)
        return {"status": "SUCCESS" if is_good else "PROCESSED_WITH_ERRORS", "instructionReports": reports}, changed

    def new_bet(self, rfo: str, side: str, price: float, size: float, persistence: str) -> dict[str, Any]:
        bet = {"id": str(1000 + len(self.bets)), "rfo": rfo, "rfs": "", "side": side[0], "p": price, "s": size}
        bet |= {"sm": 0.0, "sr": size, "sc": 0.0, "sl": 0.0, "sv": 0.0, "avp": 0.0, "status": "E"}
        bet |= {"pt": persistence, "ot": "L", "pd": 1}
        self.bets.append(bet)
        return bet

    def live(self, bet_id: str) -> dict[str, Any] | None:
        return next((bet for bet in self.bets if bet["id"] == bet_id and bet["status"] == "E"), None)

    def reduce(self, bet: dict[str, Any], key: str, size: float) -> None:
        bet[key] = round(bet[key] + size, 2)
        bet["sr"] = round(bet["sr"] - size, 2)
        if key == "sm":
            bet["avp"] = bet["p"]
        if bet["sr"] == 0:
            bet["status"] = "EC"

    def placeOrders(self, instruction: dict[str, Any], changed: list[Any]) -> dict[str, Any]:
        limit = instruction["limitOrder"]
        bet = self.new_bet(
            instruction["customerOrderRef"],
            instruction["side"],
            limit["price"],
            limit["size"],
            limit["persistenceType"][0],
        )
        if self.dice.random() < 0.2:
            self.reduce(bet, "sm", self.dice.choice((1.0, bet["sr"])))
        changed.append(bet)
        return {
            "status": "SUCCESS",
            "instruction": {"customerOrderRef": bet["rfo"]},
            "betId": bet["id"],
            "sizeMatched": bet["sm"],
            "averagePriceMatched": bet["avp"],
            "orderStatus": "EXECUTABLE" if bet["status"] == "E" else "EXECUTION_COMPLETE",
        }

    def cancelOrders(self, instruction: dict[str, Any], changed: list[Any]) -> dict[str, Any]:
        bet = self.live(instruction["betId"])
        if bet is None:
            return {"status": "FAILURE", "errorCode": "BET_TAKEN_OR_LAPSED", "instruction": instruction}
        size = min(instruction.get("sizeReduction") or bet["sr"], bet["sr"])
        self.reduce(bet, "sc", size)
        changed.append(bet)
        return {"status": "SUCCESS", "instruction": instruction, "sizeCancelled": size}

    def updateOrders(self, instruction: dict[str, Any], changed: list[Any]) -> dict[str, Any]:
        bet = self.live(instruction["betId"])
        if bet is None:
            return {"status": "FAILURE", "errorCode": "BET_TAKEN_OR_LAPSED", "instruction": instruction}
        bet["pt"] = instruction["newPersistenceType"][0]
        changed.append(bet)
        return {"status": "SUCCESS", "instruction": instruction}

    def replaceOrders(self, instruction: dict[str, Any], changed: list[Any]) -> dict[str, Any]:
        bet = self.live(instruction["betId"])
        cancel = self.cancelOrders({"betId": instruction["betId"]}, changed)
        if bet is None or cancel["status"] != "SUCCESS":
            return {"status": "FAILURE", "errorCode": "BET_TAKEN_OR_LAPSED", "cancelInstructionReport": cancel}
        if self.dice.random() < 0.1:
            place = {"status": "FAILURE", "errorCode": "CANCELLED_NOT_PLACED"}
            return {
                "status": "FAILURE",
                "errorCode": "CANCELLED_NOT_PLACED",
                "cancelInstructionReport": cancel,
                "placeInstructionReport": place,
            }
        new = self.new_bet(bet["rfo"], bet["side"], instruction["newPrice"], cancel["sizeCancelled"], bet["pt"])
        changed.append(new)
        place = {"status": "SUCCESS", "betId": new["id"], "sizeMatched": 0.0, "averagePriceMatched": 0.0}
        return {"status": "SUCCESS", "cancelInstructionReport": cancel, "placeInstructionReport": place}

    def at_risk(self) -> float:
        """Return what is at risk in truth."""
        return round(sum(bet["sm"] + bet["sr"] for bet in self.bets), 2)

    def current(self) -> list[Bet]:
        return [seen(bet) for bet in self.bets if self.is_cleared_at_once or bet["status"] == "E" or bet["sm"]]


def seen(bet: dict[str, Any]) -> Bet:
    return Bet.from_stream(MARKET, 11, 0, bet)


class World:
    """A kernel and an exchange, and everything between them that is still on its way."""

    def __init__(self, dice: random.Random, has_one_trade: bool = False) -> None:
        self.dice = dice
        self.has_one_trade = has_one_trade
        self.now = 1_000.0
        self.ledger = Ledger(dice, dice.random() < 0.5)
        self.client = BetfairClient(username="me", transaction_limit=None)
        self.kernel = Kernel(EventClock(1_790_000_000_000), Settings(), self.client)
        self.kernel.plan = Plan([], [], self.kernel.faults)
        self.kernel.is_running = True
        ids = LiveIds(self.kernel.clock, lambda most: 7)
        self.strategy = BaseStrategy(market_filter={}, name="any")
        self.strategy.bind(self.kernel, ids)
        self.kernel.strategies.append(self.strategy)
        self.market = Market(self.kernel, MARKET)
        self.kernel.markets.add_market(MARKET, self.market)
        adoption = Adoption(self.kernel, self.client, ids, None)
        markets = self.kernel.markets.markets
        self.unknowns = Unknowns(Settings(), self.client, markets.get, adoption.adopt, lambda: self.now)
        self.client.execution = self
        self.kernel.executions.append(self)
        self.requests: list[tuple[Request, dict[str, Any]]] = []
        self.messages: list[Any] = []
        self.late: list[tuple[float, str, dict[str, Any]]] = []

    # the execution's port

    def submit(self, package: Any) -> None:
        orders = list(package)
        request = make_request(package, orders, None)
        self.unknowns.begin(request)
        self.requests.append((request, request.params))

    # what may happen

    def ask(self) -> None:
        """Ask for something new."""
        orders = list(self.market.blotter)
        executable = [order for order in orders if order.status is OrderStatus.EXECUTABLE]
        is_adding = self.has_one_trade and self.dice.random() < 0.3
        if len(orders) < 3 or not executable or is_adding:
            if len(orders) < 6:
                trade = orders[0].trade if orders and self.has_one_trade else Trade(MARKET, 11, 0, self.strategy)
                order = trade.create_order("BACK", LimitOrder(self.dice.choice(PRICES), self.dice.choice((2.0, 4.0))))
                self.market.place_order(order, force=True)
            return
        order = self.dice.choice(executable)
        kind = self.dice.randrange(4)
        if kind == 0:
            self.market.cancel_order(order, force=True)
        elif kind == 1:
            self.market.cancel_order(order, min(1.0, order.size_remaining), force=True)
        elif kind == 2:
            wanted = "PERSIST" if order.order_type.persistence_type == "LAPSE" else "LAPSE"
            self.market.update_order(order, wanted, force=True)
        else:
            price = self.dice.choice([price for price in PRICES if price != order.order_type.price])
            self.market.replace_order(order, price, force=True)

    def carry_out(self, is_kind: bool = False) -> None:
        """Let a request reach the exchange, or not, and its answer come back, or not."""
        if not self.requests:
            return
        request, params = self.requests.pop(self.dice.randrange(len(self.requests)))
        first = request.first_sent
        if first is not None and self.now - first > 45:
            error = CallError("TOO_LATE", "", is_refused=True)
            self.messages.append(AnswerEvent(request=request, error=error))
            request.last_ended = self.now
            return
        request.first_sent = self.now if first is None else first
        request.sends += 1
        chance = 1.0 if is_kind else self.dice.random()
        error = None
        if chance < 0.15:
            error = CallError("NO_ANSWER", "lost on its way", is_refused=False)
            self.messages.append(AnswerEvent(request=request, error=error))
        elif chance < 0.2 and params["customerRef"] not in self.ledger.refs:
            self.ledger.refs[params["customerRef"]] = self.now
            self.late.append((self.now + self.dice.uniform(0, 15), request.operation, params))
            self.messages.append(AnswerEvent(request=request, result={"status": "TIMEOUT"}))
        elif chance < 0.25:
            error = CallError("INVALID_INPUT_DATA", "refused", is_refused=True)
            self.messages.append(AnswerEvent(request=request, error=error))
        else:
            result, changed = self.ledger.carry_out(request.operation, params, self.now)
            self.messages += [[seen(bet)] for bet in changed]
            if chance < 0.5:
                error = CallError("NO_ANSWER", "its answer is lost", is_refused=False)
                self.messages.append(AnswerEvent(request=request, error=error))
            else:
                self.messages.append(AnswerEvent(request=request, result=result))
        request.last_ended = self.now

    def change_a_bet(self) -> None:
        """Match, or let lapse, some of a bet."""
        live = [bet for bet in self.ledger.bets if bet["status"] == "E"]
        if live:
            bet = self.dice.choice(live)
            key = self.dice.choice(("sm", "sm", "sl"))
            self.ledger.reduce(
                bet, key, bet["sr"] if key == "sl" else self.dice.choice((min(1.0, bet["sr"]), bet["sr"]))
            )
            self.messages.append([seen(bet)])

    def look(self) -> None:
        """Ask the exchange about what is due."""
        due = self.unknowns.due()
        if due:
            self.messages.append(LookEvent(asks=due, bets=self.ledger.current(), started=self.now))

    def look_on(self) -> None:
        """Look until there is nothing more to be learnt."""
        for _ in range(20):
            while self.messages:
                self.deliver()
            self.now += 6.0
            self.look()

    def send_again(self) -> None:
        for request, asks in self.unknowns.take_resends():
            self.requests.append((request, params_of(request, asks)))

    def deliver(self) -> None:
        """Deliver any of the messages; those of the stream perhaps twice, or never."""
        if not self.messages:
            return
        message = self.messages.pop(self.dice.randrange(len(self.messages)))
        if isinstance(message, list):
            chance = self.dice.random()
            if chance < 0.1:
                return
            if chance < 0.3:
                self.messages.append(list(message))
            reports = self.unknowns.seen(message)
        elif isinstance(message, LookEvent):
            reports = self.unknowns.looked(message)
        else:
            reports = self.unknowns.answered(message)
        for report in reports:
            self.kernel.take_report(report)
        self.kernel.complete_orders(self.market)
        self.send_again()

    def pass_time(self, seconds: float | None = None) -> None:
        """Let time pass; what the exchange took its time for is carried out."""
        self.now += self.dice.choice((0.1, 1.0, 5.0)) if seconds is None else seconds
        for each in list(self.late):
            due, operation, params = each
            if due <= self.now:
                self.late.remove(each)
                _, changed = self.ledger.execute(operation, params)
                self.messages += [[seen(bet)] for bet in changed]

    def run(self, steps: int) -> None:
        happenings = [
            self.ask,
            self.carry_out,
            self.deliver,
            self.deliver,
            self.change_a_bet,
            self.look,
            self.pass_time,
        ]
        for _ in range(steps):
            self.dice.choice(happenings)()
            self.kernel.drain()
            assert self.reserved() >= self.ledger.at_risk()
        late_looks: list[Any] = []
        for _ in range(self.dice.choice((8, 300))):
            while self.requests:
                self.carry_out(is_kind=True)
            while self.messages:
                self.deliver()
            self.pass_time(2.0)
            before = len(self.messages)
            self.look()
            if len(self.messages) > before and self.dice.random() < 0.2:
                late_looks.append(self.messages.pop())
            if not (self.late or self.unknowns.asks or self.requests or self.messages):
                break
        while self.late or self.requests:
            self.pass_time(2.0)
            while self.requests:
                self.carry_out(is_kind=True)
        # the order stream connects anew: what it said is lost, what was asked for is still to be answered
        self.messages = [message for message in self.messages if not isinstance(message, list)]
        for report in self.unknowns.seen(self.ledger.current()):
            self.kernel.take_report(report)
        for order in list(self.market.blotter):
            if not order.complete and order.bet_id is not None:
                self.unknowns.watch(order)
        for number in range(60):
            self.now += 6.0
            self.look()
            while self.messages or self.requests:
                while self.requests:
                    self.carry_out(is_kind=True)
                if self.messages:
                    self.deliver()
            if late_looks and (number > 20 or self.dice.random() < 0.2):
                self.messages.append(late_looks.pop(self.dice.randrange(len(late_looks))))
        self.kernel.complete_orders(self.market)

    def reserved(self) -> float:
        """Return what the framework takes to be at risk if the selection loses."""
        worst = self.market.blotter.get_exposures(self.strategy, (MARKET, 11, 0))
        return -worst["worst_possible_profit_on_lose"]

    def differences(self) -> list[str]:
        told = [f"{fault.error}" for fault in self.kernel.faults.first.values()]
        orders = list(self.market.blotter)
        by_bet = {order.bet_id: order for order in orders if order.bet_id is not None}
        for bet in self.ledger.bets:
            order = by_bet.pop(bet["id"], None)
            if order is None:
                if bet["sm"] or bet["sr"]:
                    told.append(f"bet {bet} has no order")
                continue
            ours = [order.size_matched, order.size_remaining, round(order.size_cancelled + order.size_lapsed, 2)]
            ours.append(order.complete)
            theirs = [bet["sm"], bet["sr"], round(bet["sc"] + bet["sl"], 2), bet["status"] == "EC"]
            if self.ledger.is_cleared_at_once:
                ours.append(order.size_cancelled)
                theirs.append(bet["sc"])
            if ours != theirs:
                told.append(f"{order} {order.status_log} has {ours}, the ledger {theirs}")
        told += [f"{order} has no bet" for order in by_bet.values()]
        told += [f"{order} waits" for order in orders if order.bet_id is None and not order.complete]
        told += [f"{ask} is open" for ask in self.unknowns.asks.values()]
        first = [bet["rfo"] for bet in self.ledger.bets]
        for order in orders:
            placed = sum(ref == order.customer_order_ref for ref in first)
            replaced = sum(1 for other in order.trade.orders if other is not order)
            if placed > 1 + replaced:
                told.append(f"{order} was placed {placed} times")
        ours_worst = self.market.blotter.get_exposures(self.strategy, (MARKET, 11, 0))
        if ours_worst != exposures_of(orders):
            told.append(f"exposures {ours_worst}")
        return told


def check(seed: int, has_one_trade: bool) -> None:
    world = World(random.Random(seed), has_one_trade)
    world.run(60)
    assert not world.differences(), (seed, world.differences())


@settings(max_examples=200, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 2**32), st.booleans())
def test_any_order_of_events_ends_as_the_ledger_says(seed: int, has_one_trade: bool) -> None:
    check(seed, has_one_trade)


@pytest.mark.slow
@settings(max_examples=10_000, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 2**32), st.booleans())
def test_ten_thousand_orders_of_events(seed: int, has_one_trade: bool) -> None:
    check(seed, has_one_trade)


def test_an_answer_that_comes_after_a_bet_was_given_up_does_not_bring_it_back_for_good() -> None:
    world = World(random.Random(1))
    world.ledger.is_cleared_at_once = False
    for _ in range(2):
        world.ask()
    world.kernel.drain()
    while world.requests:
        world.carry_out(is_kind=True)
    while world.messages:
        world.deliver()
    first, second = world.market.blotter
    for order, is_late in ((second, True), (first, False)):
        world.unknowns.watch(order)
        world.now += 6.0
        world.look()
        if is_late:
            late = world.messages.pop()
            bet = next(bet for bet in world.ledger.bets if bet["id"] == first.bet_id)
            world.ledger.reduce(bet, "sl", bet["sr"])
    world.look_on()
    assert first.status is OrderStatus.EXECUTION_COMPLETE and second.status is OrderStatus.EXECUTABLE
    world.messages.append(late)
    world.look_on()
    assert not world.differences()
