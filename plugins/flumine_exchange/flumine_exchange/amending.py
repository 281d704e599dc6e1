"""cancelOrders, updateOrders and replaceOrders."""

from typing import Any

from flumine_core.simulation.bet import LIMIT, Bet

from .account import AccountState
from .bets import BetRecord
from .clock import iso
from .errors import ApiError
from .instructions import is_price, persistence_refusal
from .market import ExchangeMarket
from .params import CancelOrders, ReplaceOrders, UpdateOrders
from .placing import Call, Leg, Placing, Report, placed_fields, refused, report_of
from .state import ExchangeState


class Amending:
    """Changes bets that were accepted."""

    def __init__(self, state: ExchangeState, placing: Placing) -> None:
        self.state = state
        self._placing = placing

    async def cancel_orders(self, call: Call, params: CancelOrders) -> Report:
        """Answer cancelOrders; without instructions everything on the market, or on the account, is cancelled."""
        if len(params.instructions or ()) > self.state.settings.cancel_limit:
            return refused(call, "TOO_MANY_INSTRUCTIONS", "ERROR_IN_ORDER")
        duplicate = self._placing.duplicate(call, params.customer_ref, params.market_id)
        if duplicate is not None:
            return duplicate
        if not params.instructions:
            return self._cancel_all(call, params.market_id)
        if params.market_id is None:
            raise ApiError("INVALID_INPUT_DATA", "marketId must be given with instructions")
        market, code = self._placing.market_for(call, params.market_id)
        if market is None or code is not None:
            return self._placing.fail(call, code or "INVALID_MARKET_ID", "ERROR_IN_ORDER")
        bet_ids = [instruction.bet_id for instruction in params.instructions]
        if len(set(bet_ids)) < len(bet_ids):
            return self._placing.fail(call, "DUPLICATE_BETIDS", "ERROR_IN_ORDER")
        reports = []
        for instruction, echo in zip(params.instructions, call.instructions, strict=True):
            record, error = self._amendable(call.account, market, instruction.bet_id)
            if record is not None and record.bet.kind != LIMIT:
                error = "INVALID_ORDER_TYPE"
            reduction = instruction.size_reduction
            if reduction is not None and reduction <= 0:
                error = "INVALID_BET_SIZE"
            if record is None or error is not None:
                reports.append({"status": "FAILURE", "errorCode": error, "instruction": echo, "sizeCancelled": 0.0})
                continue
            size = self.cancel(market, record, reduction)
            now = iso(self.state.clock.epoch_ms)
            reports.append({"status": "SUCCESS", "instruction": echo, "sizeCancelled": size, "cancelledDate": now})
        self._count_failures(call, reports)
        return report_of(call, params.market_id, reports)

    def cancel(self, market: ExchangeMarket, record: BetRecord, reduction: float | None) -> float:
        """Cancel what is left of a bet, or less; return the size."""
        book = market.book
        assert book is not None
        _, size = market.engine.cancel(record.bet, book, reduction)
        record.cancelled_ms = self.state.clock.epoch_ms
        self.state.publish_bet(record, "cancelled", size=size)
        market.show_bets({record.bet.key})
        return round(size, 2)

    def _cancel_all(self, call: Call, market_id: str | None) -> Report:
        self.state.ledger.cancel_alls += 1
        self.state.record("cancel_all", account=call.account.username, market_id=market_id)
        reports = [
            {
                "status": "SUCCESS",
                "instruction": {"betId": record.bet_id},
                "sizeCancelled": size,
                "cancelledDate": iso(self.state.clock.epoch_ms),
            }
            for record, size in self.cancel_everything(call.account, market_id)
        ]
        if not reports:
            return report_of(call, market_id, [], "FAILURE", "NO_ACTION_REQUIRED")
        return report_of(call, market_id, reports)

    def cancel_everything(self, account: AccountState, market_id: str | None) -> list[tuple[BetRecord, float]]:
        """Cancel every LIMIT bet of an account (on one market) whose market is open; return them with the sizes."""
        found = []
        for record in list(account.records.values()):
            market = self.state.markets[record.market_id]
            if market_id not in (None, record.market_id) or market.status != "OPEN":
                continue
            if record.is_executable and record.bet.kind == LIMIT:
                found.append((record, self.cancel(market, record, None)))
        return found

    async def update_orders(self, call: Call, params: UpdateOrders) -> Report:
        """Answer updateOrders."""
        if not params.instructions:
            raise ApiError("INVALID_INPUT_DATA", "instructions must not be empty")
        if len(params.instructions) > self.state.settings.update_limit:
            return refused(call, "TOO_MANY_INSTRUCTIONS", "ERROR_IN_ORDER")
        duplicate = self._placing.duplicate(call, params.customer_ref, params.market_id)
        if duplicate is not None:
            return duplicate
        market, code = self._placing.market_for(call, params.market_id)
        if market is None or code is not None:
            return self._placing.fail(call, code or "INVALID_MARKET_ID", "ERROR_IN_ORDER")
        reports = []
        for instruction, echo in zip(params.instructions, call.instructions, strict=True):
            record, error = self._amendable(call.account, market, instruction.bet_id)
            if record is not None and error is None:
                if record.bet.kind != LIMIT or record.bet.is_fill_or_kill:
                    error = "INVALID_ORDER_TYPE"
                elif record.bet.persistence == instruction.new_persistence_type:
                    error = "NO_ACTION_REQUIRED"
                else:
                    error = persistence_refusal(instruction.new_persistence_type, market)
            if record is None or error is not None:
                reports.append({"status": "FAILURE", "errorCode": error, "instruction": echo})
                continue
            market.engine.change_persistence(record.bet, instruction.new_persistence_type)
            self.state.publish_bet(record, "updated", persistence=instruction.new_persistence_type)
            reports.append({"status": "SUCCESS", "instruction": echo})
        self._count_failures(call, reports)
        return report_of(call, params.market_id, reports)

    async def replace_orders(self, call: Call, params: ReplaceOrders) -> Report:
        """Answer replaceOrders: all are cancelled, then what could be cancelled is placed at the new prices."""
        if not params.instructions:
            raise ApiError("INVALID_INPUT_DATA", "instructions must not be empty")
        if len(params.instructions) > self.state.settings.replace_limit:
            return refused(call, "TOO_MANY_INSTRUCTIONS", "ERROR_IN_ORDER")
        duplicate = self._placing.duplicate(call, params.customer_ref, params.market_id)
        if duplicate is not None:
            return duplicate
        market, code = self._placing.market_for(call, params.market_id)
        if market is None or code is not None:
            return _replace_refusal(call, code or "INVALID_MARKET_ID", "ERROR_IN_ORDER")
        version = None if params.market_version is None else params.market_version.version
        if version is not None and version < market.material_version:
            call.account.count_transactions(len(params.instructions))
            return _replace_refusal(call, "BET_ACTION_ERROR", "BET_TAKEN_OR_LAPSED")
        pairs: list[tuple[Report, Leg | None]] = []
        for instruction, echo in zip(params.instructions, call.instructions, strict=True):
            record, error = self._amendable(call.account, market, instruction.bet_id)
            if record is not None and error is None:
                if record.bet.kind != LIMIT or record.bet.is_fill_or_kill:
                    error = "INVALID_ORDER_TYPE"
                elif not is_price(instruction.new_price, market):
                    error = "INVALID_ODDS"
                elif instruction.new_price == record.bet.price:
                    error = "INVALID_PRICE_EDIT"
            if record is None or error is not None:
                pairs.append((_unreplaced(echo, error or "INVALID_BET_ID"), None))
                continue
            size = self.cancel(market, record, None)
            cancelled = {
                "status": "SUCCESS",
                "instruction": {"betId": record.bet_id},
                "sizeCancelled": size,
                "cancelledDate": iso(self.state.clock.epoch_ms),
            }
            leg = self._replacement(call.account, market, record, instruction.new_price, size)
            pairs.append(({"status": "SUCCESS", "cancelInstructionReport": cancelled}, leg))
        legs = [leg for _, leg in pairs if leg is not None]
        fault = call.fault if call.fault is not None and call.fault.action == "fail_place_leg" else None
        if fault is not None:
            for leg in legs:
                leg.error = fault.get("code", "CANCELLED_NOT_PLACED")
        elif params.is_async:
            self._placing.run_late(market, legs)
        elif legs:
            await self._placing.place(market, legs)
        reports = [
            report if leg is None else _complete_replace(report, leg, bool(params.is_async and fault is None), fault)
            for report, leg in pairs
        ]
        self._count_failures(call, reports)
        return report_of(call, params.market_id, reports)

    def _replacement(
        self, account: AccountState, market: ExchangeMarket, old: BetRecord, price: float, size: float
    ) -> Leg:
        bet = Bet(
            None,
            account.username,
            old.bet.selection_id,
            old.bet.handicap,
            old.bet.side,
            LIMIT,
            price,
            size,
            old.bet.persistence,
            has_best_price_execution=old.bet.has_best_price_execution,
            min_bsp_liability=old.bet.min_bsp_liability,
        )
        bet.reckon()
        limit = {"size": size, "price": price, "persistenceType": old.bet.persistence}
        echo: dict[str, Any] = {
            "orderType": LIMIT,
            "selectionId": bet.selection_id,
            "handicap": bet.handicap,
            "side": bet.side,
            "limitOrder": limit,
        }
        references = (old.rfo, old.rfs) if self.state.settings.replacement_keeps_refs else ("", "")
        record = self._placing.record(account, market, bet, *references)
        record.replaces = old.bet_id
        return Leg(echo, record)

    def _amendable(
        self, account: AccountState, market: ExchangeMarket, bet_id: str
    ) -> tuple[BetRecord | None, str | None]:
        record = account.records.get(bet_id)
        if record is None or record.market_id != market.market_id:
            return None, "INVALID_BET_ID"
        return record, None if record.is_executable else "BET_TAKEN_OR_LAPSED"

    def _count_failures(self, call: Call, reports: list[Report]) -> None:
        call.account.count_transactions(sum(report["status"] != "SUCCESS" for report in reports))


def _unreplaced(echo: Report, error: str) -> Report:
    return {
        "status": "FAILURE",
        "errorCode": error,
        "cancelInstructionReport": {
            "status": "FAILURE",
            "errorCode": error,
            "instruction": {"betId": echo.get("betId")},
            "sizeCancelled": 0.0,
        },
        "placeInstructionReport": {"status": "FAILURE", "errorCode": "RELATED_ACTION_FAILED"},
    }


def _replace_refusal(call: Call, code: str, instruction_code: str) -> Report:
    reports = [_unreplaced(echo, instruction_code) for echo in call.instructions]
    return report_of(call, call.params.get("marketId"), reports, "FAILURE", code)


def _complete_replace(report: Report, leg: Leg, is_async: bool, fault: Any) -> Report:
    if leg.is_placed:
        placed = {"status": "SUCCESS", "instruction": leg.echo, **placed_fields(leg.record)}
        return report | {"placeInstructionReport": placed}
    if is_async:
        return report | {
            "placeInstructionReport": {"status": "SUCCESS", "instruction": leg.echo, "orderStatus": "PENDING"}
        }
    status = "FAILURE" if fault is None else fault.get("status", "FAILURE")
    code = "CANCELLED_NOT_PLACED" if status == "FAILURE" else leg.error
    placed = {"status": status, "errorCode": leg.error, "instruction": leg.echo}
    return report | {"status": status, "errorCode": code, "placeInstructionReport": placed}
