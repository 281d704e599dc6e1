"""placeOrders: checks, the bet delay, and the engine's verdict, as one report."""

import asyncio
import re
from collections.abc import Coroutine
from typing import Any

from attrs import define, field
from flumine_core.simulation.bet import LIMIT, Bet
from flumine_core.simulation.matching import DELAYED

from .account import AccountState
from .bets import BetRecord
from .clock import iso
from .errors import ApiError
from .faults import Fault
from .instructions import bet_of, refusal_of
from .market import ExchangeMarket
from .params import PlaceInstruction, PlaceOrders
from .state import ExchangeState

REFERENCE = re.compile(r"[A-Za-z0-9\-._+*:;~]{1,32}")
MOST_STRATEGY_REF = 15
MOST_VERSION_DIGITS = 12

Report = dict[str, Any]


@define
class Call:
    """One request to the betting API: who, what, and the parameters as they came.

    :ivar fault: one that strikes inside of the operation.
    """

    account: AccountState
    operation: str
    params: dict[str, Any]
    fault: Fault | None = None

    @property
    def instructions(self) -> list[Any]:
        """The instructions as they came, to be echoed."""
        return self.params.get("instructions") or []


@define
class Leg:
    """One bet on its way: the instruction as it came, the record to be, and what became of it."""

    echo: dict[str, Any]
    record: BetRecord
    error: str | None = None
    is_placed: bool = False
    detail: Report = field(factory=dict)


class Placing:
    """Places bets, for placeOrders and for the second half of replaceOrders."""

    def __init__(self, state: ExchangeState) -> None:
        self.state = state
        self._tasks: set[asyncio.Task[None]] = set()

    async def place_orders(self, call: Call, params: PlaceOrders) -> Report:
        """Answer placeOrders."""
        account, settings = call.account, self.state.settings
        if not params.instructions:
            raise ApiError("INVALID_INPUT_DATA", "instructions must not be empty")
        if len(params.customer_strategy_ref or "") > MOST_STRATEGY_REF:
            raise ApiError(
                "INVALID_INPUT_DATA", f"customerStrategyRef must have at most {MOST_STRATEGY_REF} characters"
            )
        if len(params.instructions) > settings.place_limit:
            return refused(call, "TOO_MANY_INSTRUCTIONS", "ERROR_IN_ORDER")
        duplicate = self.duplicate(call, params.customer_ref, params.market_id)
        if duplicate is not None:
            return duplicate
        market, error = self.market_for(call, params.market_id)
        if market is None or error is not None:
            return refused(call, error or "INVALID_MARKET_ID", "ERROR_IN_ORDER")
        version = None if params.market_version is None else params.market_version.version
        if version is not None and len(str(version)) > MOST_VERSION_DIGITS:
            return refused(call, "INVALID_MARKET_VERSION", "ERROR_IN_ORDER")
        if version is not None and version < market.material_version:
            return self.fail(call, "BET_ACTION_ERROR", "BET_TAKEN_OR_LAPSED")
        errors = [refusal_of(each, market, account) for each in params.instructions]
        is_atomic = account.account.has_best_price_execution
        if any(errors) and (is_atomic or all(errors)):
            return self._refuse_all(call, errors)
        legs = [
            self.leg(call, market, each, echo, params.customer_strategy_ref or "")
            for each, echo in zip(params.instructions, call.instructions, strict=True)
        ]
        for leg, leg_error in zip(legs, errors, strict=True):
            leg.error = leg_error
        wanted = [leg for leg in legs if leg.error is None]
        shortage = self.shortage(account, [leg.record for leg in wanted])
        if shortage is not None:
            return self.fail(call, shortage, shortage)
        if not account.takes_instructions(len(legs)):
            raise ApiError("TOO_MANY_REQUESTS", "too many instructions in a second")
        if params.is_async:
            self.run_late(market, wanted)
            return report_of(call, params.market_id, [pending(leg) if leg in wanted else _told(leg) for leg in legs])
        await self.place(market, wanted)
        return report_of(call, params.market_id, [_told(leg) for leg in legs])

    def duplicate(self, call: Call, reference: str | None, market_id: str | None) -> Report | None:
        """Return the answer to a customerRef that was used within its window; None where it was not."""
        if not reference:
            return None
        if not REFERENCE.fullmatch(reference):
            raise ApiError("INVALID_INPUT_DATA", "customerRef must be 1 to 32 letters, digits or -._+*:;~")
        if call.account.is_reference_used(reference, call.operation, market_id):
            self.state.record("refused", operation=call.operation, code="DUPLICATE_TRANSACTION", ref=reference)
            return refused(call, "DUPLICATE_TRANSACTION", "ERROR_IN_ORDER")
        return None

    def market_for(self, call: Call, market_id: str) -> tuple[ExchangeMarket | None, str | None]:
        """Return the market of a request and, where it takes none now, the report's error code."""
        if call.account.account.is_delayed_key:
            return None, "PERMISSION_DENIED"
        market = self.state.markets.get(market_id)
        if market is None:
            return None, "INVALID_MARKET_ID"
        if market.status == "SUSPENDED":
            return market, "MARKET_SUSPENDED"
        return market, None if market.status == "OPEN" else "MARKET_NOT_OPEN_FOR_BETTING"

    def shortage(self, account: AccountState, records: list[BetRecord]) -> str | None:
        """Return the error code where the account cannot bear these bets."""
        exposure = account.exposure(*records)
        if exposure > account.balance:
            return "INSUFFICIENT_FUNDS"
        return "LOSS_LIMIT_EXCEEDED" if exposure > -account.account.exposure_limit else None

    def leg(
        self, call: Call, market: ExchangeMarket, instruction: PlaceInstruction, echo: dict[str, Any], strategy: str
    ) -> Leg:
        """Return a bet on its way."""
        bet = bet_of(instruction, call.account)
        record = self.record(call.account, market, bet, instruction.customer_order_ref or "", strategy)
        return Leg(echo, record)

    def record(self, account: AccountState, market: ExchangeMarket, bet: Bet, rfo: str, rfs: str) -> BetRecord:
        """Return a record that is not accepted yet."""
        record = BetRecord(
            bet=bet, bet_id="", account=account.username, market_id=market.market_id, placed_ms=0, rfo=rfo, rfs=rfs
        )
        bet.order = record
        return record

    async def place(self, market: ExchangeMarket, legs: list[Leg]) -> None:
        """Place bets after the bet delay; each leg has its verdict then."""
        waiting = legs
        delay = float(market.definition.get("betDelay") or 0) if market.is_in_play else 0.0
        if delay:
            if "PASSIVE" in (market.definition.get("betDelayModels") or ()):
                waiting = [leg for leg in legs if not self.enter(market, leg, is_delay_over=False)]
            if waiting:
                await self.state.clock.sleep(self.state.bet_delay(delay))
        if market.status != "OPEN":
            for leg in waiting:
                leg.error = "MARKET_SUSPENDED" if market.status == "SUSPENDED" else "MARKET_NOT_OPEN_FOR_BETTING"
        else:
            for leg in waiting:
                self.enter(market, leg, is_delay_over=True)
        account = self.state.accounts[legs[0].record.account] if legs else None
        if account is not None:
            account.count_transactions(len(legs))

    def enter(self, market: ExchangeMarket, leg: Leg, is_delay_over: bool = True) -> bool:
        """Place one bet; False where it has to wait for the bet delay first."""
        record, book = leg.record, market.book
        assert book is not None
        runner = market.runner_definition(record.bet.selection_id, record.bet.handicap)
        if runner is None or runner.get("status") != "ACTIVE":
            leg.error = "RUNNER_REMOVED"
            return True
        error = market.engine.enter(record.bet, book, is_delay_over)
        if error == DELAYED:
            return False
        if error is not None:
            leg.error = error
            self.state.record("refused", rfo=record.rfo, market_id=market.market_id, code=error)
            return True
        self._accept(market, leg)
        market.admit(record)
        return True

    def _accept(self, market: ExchangeMarket, leg: Leg) -> None:
        record = leg.record
        record.bet_id = record.bet.bet_id = self.state.next_bet_id()
        record.placed_ms = self.state.clock.epoch_ms
        record.market_version = market.version
        self.state.accounts[record.account].note(record)
        leg.is_placed = True

    async def _place_late(self, market: ExchangeMarket, legs: list[Leg]) -> None:
        await self.place(market, legs)
        for leg in legs:
            if leg.error is not None:  # nobody is told but the order stream
                leg.record.lapse_code = "MKT_SUSPENDED" if leg.error == "MARKET_SUSPENDED" else "MKT_INVALID"
                self._accept(market, leg)
                leg.record.bet.size_lapsed = leg.record.size
                leg.record.bet.reckon()
                leg.record.bet.is_complete = True
                leg.record.lapsed_ms = self.state.clock.epoch_ms
                market.records.append(leg.record)
                self.state.publish_bet(leg.record, "lapsed")

    def run_late(self, market: ExchangeMarket, legs: list[Leg]) -> None:
        """Place bets for a request that is answered before."""
        self.run(self._place_late(market, legs))

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Let something go on behind a request that is answered before."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def fail(self, call: Call, code: str, instruction_code: str) -> Report:
        """Return a refusal that counts as transactions."""
        call.account.count_transactions(max(len(call.instructions), 1))
        self.state.record("refused", operation=call.operation, code=code, instruction_code=instruction_code)
        return refused(call, code, instruction_code)

    def _refuse_all(self, call: Call, errors: list[str | None]) -> Report:
        call.account.count_transactions(len(errors))
        self.state.record("refused", operation=call.operation, code="BET_ACTION_ERROR", instruction_codes=errors)
        reports = [
            {"status": "FAILURE", "errorCode": error or "ERROR_IN_ORDER", "instruction": echo}
            for echo, error in zip(call.instructions, errors, strict=True)
        ]
        return report_of(call, call.params.get("marketId"), reports)


def _told(leg: Leg) -> Report:
    """Return the instruction report of a bet that has its verdict."""
    if not leg.is_placed:
        return {"status": "FAILURE", "errorCode": leg.error or "ERROR_IN_MATCHER", "instruction": leg.echo}
    return {"status": "SUCCESS", "instruction": leg.echo, **placed_fields(leg.record)}


def placed_fields(record: BetRecord) -> Report:
    """Return what a place report tells of an accepted bet."""
    bet = record.bet
    if record.is_executable:
        status = "EXECUTABLE"
    else:
        status = "EXPIRED" if bet.is_fill_or_kill and not bet.fills else "EXECUTION_COMPLETE"
    fields: Report = {"betId": record.bet_id, "placedDate": iso(record.placed_ms), "orderStatus": status}
    if bet.kind == LIMIT:
        fields["averagePriceMatched"] = bet.average_price_matched
        fields["sizeMatched"] = round(bet.size_matched, 2)
    return fields


def pending(leg: Leg) -> Report:
    """Return the instruction report of an async bet."""
    return {"status": "SUCCESS", "instruction": leg.echo, "orderStatus": "PENDING"}


def refused(call: Call, code: str, instruction_code: str, status: str = "FAILURE") -> Report:
    """Return the report of a request that was refused as a whole."""
    reports = [{"status": status, "errorCode": instruction_code, "instruction": echo} for echo in call.instructions]
    return report_of(call, call.params.get("marketId"), reports, status, code)


def report_of(
    call: Call, market_id: str | None, reports: list[Report], status: str | None = None, code: str | None = None
) -> Report:
    """Return an execution report; status and code follow from the instruction reports unless they are given."""
    if status is None:
        failures = sum(report["status"] != "SUCCESS" for report in reports)
        if not failures:
            status = "SUCCESS"
        elif failures == len(reports):
            status, code = "FAILURE", _shared_code(reports)
        else:
            status, code = "PROCESSED_WITH_ERRORS", "PROCESSED_WITH_ERRORS"
    report: Report = {"status": status}
    if code is not None:
        report["errorCode"] = code
    if call.params.get("customerRef"):
        report["customerRef"] = call.params["customerRef"]
    if market_id is not None:
        report["marketId"] = market_id
    report["instructionReports"] = reports
    return report


def _shared_code(reports: list[Report]) -> str:
    codes = {report.get("errorCode") for report in reports}
    only = codes.pop() if len(codes) == 1 else None
    return only if only in ("MARKET_SUSPENDED", "MARKET_NOT_OPEN_FOR_BETTING") else "BET_ACTION_ERROR"
