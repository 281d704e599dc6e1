"""listCurrentOrders and listClearedOrders: filters, order, pages."""

from collections.abc import Callable
from typing import Any

from flumine_core.book.definition import parse_datetime

from .account import AccountState
from .bets import BetRecord
from .errors import ApiError
from .params import ListClearedOrders, ListCurrentOrders, TimeRange
from .placing import Call, Report
from .state import ExchangeState

GROUPS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "EVENT_TYPE": lambda order: order["eventTypeId"],
    "EVENT": lambda order: order["eventId"],
    "MARKET": lambda order: order["marketId"],
    "RUNNER": lambda order: (order["marketId"], order["selectionId"], order["handicap"]),
    "SIDE": lambda order: (order["marketId"], order["selectionId"], order["handicap"], order["side"]),
    "STRATEGY": lambda order: order.get("customerStrategyRef"),
}
GROUP_FIELDS = {
    "EVENT_TYPE": ("eventTypeId",),
    "EVENT": ("eventTypeId", "eventId"),
    "MARKET": ("eventTypeId", "eventId", "marketId"),
    "RUNNER": ("eventTypeId", "eventId", "marketId", "selectionId", "handicap"),
    "SIDE": ("eventTypeId", "eventId", "marketId", "selectionId", "handicap", "side"),
    "STRATEGY": ("customerStrategyRef",),
}


class OrderLists:
    """What an account's bets are and were."""

    def __init__(self, state: ExchangeState) -> None:
        self.state = state

    async def list_current_orders(self, call: Call, params: ListCurrentOrders) -> Report:
        """Answer listCurrentOrders."""
        settings = self.state.settings
        if len(params.bet_ids or ()) + len(params.market_ids or ()) > settings.ids_limit:
            raise ApiError("REQUEST_SIZE_EXCEEDS_LIMIT", f"at most {settings.ids_limit} ids")
        account = call.account
        if account.order_reads >= settings.concurrent_order_reads:
            self.state.record("refused", operation=call.operation, code="TOO_MANY_REQUESTS")
            raise ApiError("TOO_MANY_REQUESTS", f"at most {settings.concurrent_order_reads} such requests at a time")
        account.order_reads += 1
        try:
            await self.state.clock.sleep(settings.wait(settings.order_read_seconds))
            records = [record for record in account.records.values() if self._is_current(record)]
            records = [record for record in records if _is_wanted(record, params)]
        finally:
            account.order_reads -= 1
        if params.order_by == "BY_MATCH_TIME":
            records = [record for record in records if record.matched_ms is not None]
            records.sort(key=lambda record: record.matched_ms or 0)
        elif params.order_by == "BY_MARKET":
            records.sort(key=lambda record: (record.market_id, record.placed_ms))
        else:
            records.sort(key=lambda record: (record.placed_ms, record.bet_id))
        if params.sort_dir == "LATEST_TO_EARLIEST":
            records.reverse()
        page, more = self._page(records, params.from_record, params.record_count)
        with_description = bool(params.include_item_description)
        return {"currentOrders": [record.current_order(with_description) for record in page], "moreAvailable": more}

    def _is_current(self, record: BetRecord) -> bool:
        # a bet of which nothing was matched leaves the list when it is done with
        market = self.state.markets[record.market_id]
        return not market.is_settled and (record.is_executable or record.bet.size_matched > 0)

    def _page(self, found: list[Any], start: int | None, number: int | None) -> tuple[list[Any], bool]:
        limit = self.state.settings.page_limit
        if (start or 0) < 0 or (number or 0) < 0 or (number or 0) > limit:
            raise ApiError("INVALID_INPUT_DATA", f"recordCount must be 0 to {limit}, fromRecord not negative")
        first = start or 0
        end = first + min(number or limit, self.state.settings.page_size or limit)
        return found[first:end], end < len(found)

    async def list_cleared_orders(self, call: Call, params: ListClearedOrders) -> Report:
        """Answer listClearedOrders."""
        ids = (params.bet_ids, params.market_ids, params.event_ids)
        if sum(len(each or ()) for each in ids) > self.state.settings.page_limit:
            raise ApiError("REQUEST_SIZE_EXCEEDS_LIMIT", f"at most {self.state.settings.page_limit} ids")
        if params.bet_status != "SETTLED" and params.group_by not in (None, "BET"):
            raise ApiError("INVALID_INPUT_DATA", "groupBy is for betStatus SETTLED only")
        found = [order for order in cleared_orders(call.account) if _is_cleared_wanted(order, params)]
        found.sort(key=lambda order: str(order["settledDate"]), reverse=True)
        if params.group_by not in (None, "BET"):
            found = self._grouped(call.account, found, str(params.group_by))
        page, more = self._page(found, params.from_record, params.record_count)
        hidden = {"betStatus"} if params.include_item_description else {"betStatus", "itemDescription"}
        shown = [{name: value for name, value in order.items() if name not in hidden} for order in page]
        return {"clearedOrders": shown, "moreAvailable": more}

    def _grouped(self, account: AccountState, found: list[dict[str, Any]], group_by: str) -> list[dict[str, Any]]:
        groups: dict[Any, list[dict[str, Any]]] = {}
        for order in found:
            groups.setdefault(GROUPS[group_by](order), []).append(order)
        rows = []
        for orders in groups.values():
            row = {name: orders[0][name] for name in GROUP_FIELDS[group_by] if name in orders[0]}
            row["settledDate"] = max(order["settledDate"] for order in orders)
            row["betCount"] = sum(order["betCount"] for order in orders)
            row["profit"] = round(sum(order["profit"] for order in orders), 2)
            if group_by in ("MARKET", "EVENT", "EVENT_TYPE"):
                markets = {order["marketId"] for order in orders}
                row["commission"] = round(sum(account.commissions.get(market, 0.0) for market in markets), 2)
            if group_by in ("SIDE", "RUNNER"):
                row["sizeSettled"] = round(sum(order["sizeSettled"] for order in orders), 2)
            rows.append(row)
        return rows


def cleared_orders(account: AccountState) -> list[dict[str, Any]]:
    """Return all cleared orders of an account, each with its `betStatus`."""
    return [order for orders in account.cleared.values() for order in orders]


def _is_wanted(record: BetRecord, params: ListCurrentOrders) -> bool:
    projection = params.order_projection or "ALL"
    if projection != "ALL" and (projection == "EXECUTABLE") != record.is_executable:
        return False
    # bet ids and market ids widen one another, everything else narrows
    if params.bet_ids or params.market_ids:
        named = record.bet_id in (params.bet_ids or ()) or record.market_id in (params.market_ids or ())
        if not named:
            return False
    if params.customer_order_refs and record.rfo not in params.customer_order_refs:
        return False
    if params.customer_strategy_refs and record.rfs not in params.customer_strategy_refs:
        return False
    when = record.matched_ms if params.order_by == "BY_MATCH_TIME" else record.placed_ms
    return _is_within(when, params.date_range) and _is_within(record.placed_ms, params.placed_date_range)


def _is_cleared_wanted(order: dict[str, Any], params: ListClearedOrders) -> bool:
    if order["betStatus"] != params.bet_status:
        return False
    for name, wanted in (
        ("eventTypeId", params.event_type_ids),
        ("eventId", params.event_ids),
        ("marketId", params.market_ids),
        ("betId", params.bet_ids),
        ("customerOrderRef", params.customer_order_refs),
        ("customerStrategyRef", params.customer_strategy_refs),
        ("side", None if params.side is None else [params.side]),
    ):
        if wanted and order.get(name) not in wanted:
            return False
    if params.runner_ids:
        keys = {(each.get("marketId"), each.get("selectionId")) for each in params.runner_ids}
        if (order["marketId"], order["selectionId"]) not in keys:
            return False
    return _is_within(milliseconds(order["settledDate"]), params.settled_date_range)


def milliseconds(text: str | None) -> int | None:
    """Return a time as Betfair writes it in milliseconds since 1970."""
    found = parse_datetime(text) if text else None
    return None if found is None else round(found.timestamp() * 1000)


def _is_within(when: int | None, span: TimeRange | None) -> bool:
    if span is None or when is None:
        return True
    start, end = milliseconds(span.start), milliseconds(span.end)
    return (start is None or when >= start) and (end is None or when <= end)
