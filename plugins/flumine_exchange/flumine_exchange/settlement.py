"""What bets won or lost when their market closed: profit, commission, cleared orders; and back again."""

from typing import Any

from flumine_core.order.settlement import dead_heat_count, settle, settle_each_way, settle_line
from flumine_core.simulation.bet import LIMIT

from .account import AccountState
from .bets import BetRecord
from .clock import iso
from .market import ExchangeMarket
from .state import ExchangeState


class Settlement:
    """Settles closed markets, some time after they closed."""

    def __init__(self, state: ExchangeState) -> None:
        self.state = state

    def closed(self, market: ExchangeMarket) -> None:
        """Take note of a closing: it is settled later, if it is still closed then."""
        version = market.version

        def due() -> None:
            if market.status == "CLOSED" and not market.is_settled and market.version == version:
                self.settle(market)

        settings = self.state.settings
        self.state.clock.call_later(settings.wait(settings.settle_seconds), due)

    def settle(self, market: ExchangeMarket, line_result: float | None = None) -> None:
        """Settle a market now; a second time takes the first back.

        :param line_result: the units that a line market ended at.
        """
        self.take_back(market)
        market.is_settled = True
        for account in self.state.accounts.values():
            records = account.records_of(market.market_id)
            if records:
                self._settle_account(market, account, records, line_result)
        self.state.record("settled", market_id=market.market_id, version=market.version)

    def take_back(self, market: ExchangeMarket) -> None:
        """Undo a settlement, as where a market is opened again; the statement gets an item that reverses it."""
        if not market.is_settled:
            return
        market.is_settled = False
        for account in self.state.accounts.values():
            orders = account.cleared.pop(market.market_id, None)
            if orders is None:
                continue
            profit = sum(order["profit"] for order in orders)
            self._enter(account, market, account.commissions.pop(market.market_id) - profit)
            for record in account.records_of(market.market_id):
                if record.profit is not None:
                    record.profit = None
                    self.state.ledger.record_bet(record.ledger_bet())
        self.state.record("unsettled", market_id=market.market_id)

    def _settle_account(
        self, market: ExchangeMarket, account: AccountState, records: list[BetRecord], line_result: float | None
    ) -> None:
        now = iso(self.state.clock.epoch_ms)
        orders: list[dict[str, Any]] = []
        total = 0.0
        for record in records:
            bet = record.bet
            if bet.size_matched > 0:
                profit = profit_of(market, record, line_result)
                record.profit = profit
                total += profit
                order = _cleared(market, record, now, "SETTLED", round(bet.size_matched, 2), profit)
                order["betOutcome"] = "WON" if profit > 0 else "LOST" if profit < 0 else "VOIDED"
                orders.append(order)
                self.state.ledger.record_bet(record.ledger_bet())
            for status, size in (
                ("VOIDED", bet.size_voided),
                ("LAPSED", bet.size_lapsed),
                ("CANCELLED", bet.size_cancelled),
            ):
                if size > 0:
                    order = _cleared(market, record, now, status, 0.0, 0.0)
                    order["sizeCancelled"] = round(size, 2)
                    orders.append(order)
        rate = float(market.definition.get("marketBaseRate") or 0.0) / 100
        commission = round(max(total, 0.0) * rate * (1 - account.account.discount_rate / 100), 2)
        account.cleared[market.market_id] = orders
        account.commissions[market.market_id] = commission
        self._enter(account, market, total - commission)

    def _enter(self, account: AccountState, market: ExchangeMarket, amount: float) -> None:
        amount = round(amount, 2)
        account.balance += amount
        account.statement.append(
            {"marketId": market.market_id, "amount": amount, "itemDate": iso(self.state.clock.epoch_ms),
             "balance": round(account.balance, 2)}
        )  # fmt: skip


def profit_of(market: ExchangeMarket, record: BetRecord, line_result: float | None) -> float:
    """Return the profit of a bet on a closed market."""
    definition, bet = market.definition, record.bet
    size, price = bet.size_matched, bet.average_price_matched
    if definition.get("bettingType") == "LINE":
        return settle_line(bet.side, size, price, line_result)
    runner = market.runner_definition(bet.selection_id, bet.handicap)
    status = None if runner is None else runner.get("status")
    if definition.get("marketType") == "EACH_WAY":
        return settle_each_way(bet.side, size, price, definition.get("eachWayDivisor"), status)
    winners = sum(each.get("status") == "WINNER" for each in definition.get("runners") or ())
    heat = dead_heat_count(winners, definition.get("numberOfWinners"))
    return round(settle(bet.side, size, price, status, heat), 2)


def _cleared(
    market: ExchangeMarket, record: BetRecord, settled: str, status: str, size: float, profit: float
) -> dict[str, Any]:
    bet, definition = record.bet, market.definition
    order: dict[str, Any] = {
        "betStatus": status,
        "eventTypeId": str(definition.get("eventTypeId", "")),
        "eventId": str(definition.get("eventId", "")),
        "marketId": market.market_id,
        "selectionId": bet.selection_id,
        "handicap": bet.handicap,
        "betId": record.bet_id,
        "placedDate": iso(record.placed_ms),
        "persistenceType": (bet.persistence or "LAPSE") if bet.kind == LIMIT else "MARKET_ON_CLOSE",
        "orderType": bet.kind,
        "side": bet.side,
        "priceRequested": bet.price or 0.0,
        "settledDate": settled,
        "betCount": 1,
        "priceMatched": bet.average_price_matched,
        "priceReduced": record.is_reduced,
        "sizeSettled": size,
        "profit": profit,
        "itemDescription": {
            "eventDesc": definition.get("eventName", ""),
            "marketDesc": definition.get("name", ""),
            "marketType": definition.get("marketType", ""),
            "marketStartTime": definition.get("marketTime"),
            "numberOfWinners": definition.get("numberOfWinners"),
            "runnerDesc": (market.runner_definition(bet.selection_id, bet.handicap) or {}).get("name", ""),
        },
    }
    if record.matched_ms is not None:
        order["lastMatchedDate"] = iso(record.matched_ms)
    if record.rfo:
        order["customerOrderRef"] = record.rfo
    if record.rfs:
        order["customerStrategyRef"] = record.rfs
    return order
