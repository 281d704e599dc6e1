"""The account and heartbeat APIs."""

from typing import Any

from msgspec import Struct

from .amending import Amending
from .orders import milliseconds
from .params import Params, TimeRange
from .placing import Call
from .rpc import Handler, typed
from .state import ExchangeState

LEAST_HEARTBEAT, MOST_HEARTBEAT = 10, 300


class NoParams(Params):
    """Operations of the account API that ask for next to nothing."""

    wallet: str | None = None


class StatementParams(Params):
    """getAccountStatement."""

    locale: str | None = None
    from_record: int | None = None
    record_count: int | None = None
    item_date_range: TimeRange | None = None
    include_item: str | None = None
    wallet: str | None = None


class RatesParams(Params):
    """listCurrencyRates."""

    from_currency: str | None = None


class HeartbeatParams(Struct, rename="camel", forbid_unknown_fields=True):
    """heartbeat; 0 seconds switch it off."""

    preferred_timeout_seconds: int


class Accounts:
    """Funds, details, application key, statement, and the heartbeat that cancels the bets of a client gone silent."""

    def __init__(self, state: ExchangeState, amending: Amending) -> None:
        self.state = state
        self._amending = amending

    def operations(self) -> dict[str, Handler]:
        """Return the account API's operations."""
        return {
            "getAccountFunds": typed(NoParams, self._funds),
            "getAccountDetails": typed(NoParams, self._details),
            "getDeveloperAppKeys": typed(NoParams, self._keys),
            "getAccountStatement": typed(StatementParams, self._statement),
            "listCurrencyRates": typed(RatesParams, self._rates),
        }

    def heartbeat_operations(self) -> dict[str, Handler]:
        """Return the heartbeat API's operations."""
        return {"heartbeat": typed(HeartbeatParams, self._heartbeat)}

    async def _funds(self, call: Call, params: NoParams) -> Any:
        return call.account.funds()

    async def _details(self, call: Call, params: NoParams) -> Any:
        return call.account.details()

    async def _keys(self, call: Call, params: NoParams) -> Any:
        number = list(self.state.accounts).index(call.account.username) + 1
        return [call.account.application(number)]

    async def _statement(self, call: Call, params: StatementParams) -> Any:
        span = params.item_date_range
        start = None if span is None else milliseconds(span.start)
        end = None if span is None else milliseconds(span.end)
        items = []
        for number, item in enumerate(call.account.statement, 1):
            when = milliseconds(item["itemDate"]) or 0
            if (start is not None and when < start) or (end is not None and when > end):
                continue
            items.append(_statement_item(number, item))
        items.reverse()
        first = params.from_record or 0
        last = first + (params.record_count or 100)
        return {"accountStatement": items[first:last], "moreAvailable": last < len(items)}

    async def _rates(self, call: Call, params: RatesParams) -> Any:
        # sizes on the market stream are in pounds; this exchange knows one rate
        return [{"currencyCode": call.account.account.currency, "rate": 1.0}]

    async def _heartbeat(self, call: Call, params: HeartbeatParams) -> Any:
        account = call.account
        asked = params.preferred_timeout_seconds
        timeout = 0 if asked <= 0 else min(max(asked, LEAST_HEARTBEAT), MOST_HEARTBEAT)
        account.heartbeat_timeout = timeout
        account.heartbeat_turn += 1
        turn = account.heartbeat_turn
        performed, account.cancelled_by_heartbeat = account.cancelled_by_heartbeat or "NONE", None

        def silent() -> None:
            if account.heartbeat_turn == turn and account.heartbeat_timeout:
                self._amending.cancel_everything(account, None)
                is_left = any(record.is_executable for record in account.records.values())
                account.cancelled_by_heartbeat = "SOME_BETS_NOT_CANCELLED" if is_left else "ALL_BETS_CANCELLED"
                self.state.record("heartbeat", account=account.username, action=account.cancelled_by_heartbeat)

        if timeout:
            self.state.clock.call_later(self.state.settings.wait(timeout), silent)
        return {"actionPerformed": performed, "actualTimeoutSeconds": timeout}


def _statement_item(number: int, item: dict[str, Any]) -> dict[str, Any]:
    legacy = {
        "avgPrice": 0.0,
        "betSize": 0.0,
        "betType": "B",
        "betCategoryType": "E",
        "commissionRate": None,
        "eventId": 0,
        "eventTypeId": 0,
        "fullMarketName": item["marketId"],
        "grossBetAmount": 0.0,
        "marketName": item["marketId"],
        "marketType": "O",
        "placedDate": item["itemDate"],
        "selectionId": 0,
        "selectionName": None,
        "startDate": item["itemDate"],
        "transactionType": "ACCOUNT_CREDIT" if item["amount"] >= 0 else "ACCOUNT_DEBIT",
        "transactionId": number,
        "winLose": "RESULT_WON" if item["amount"] >= 0 else "RESULT_LOST",
        "deadHeatPriceDivisor": 1.0,
        "avgPriceRaw": 0.0,
    }
    return {
        "refId": str(number),
        "itemDate": item["itemDate"],
        "amount": item["amount"],
        "balance": item["balance"],
        "itemClass": "UNKNOWN",
        "itemClassData": {},
        "legacyData": legacy,
    }
