"""listMarketBook, listRunnerBook and listMarketProfitAndLoss."""

from typing import Any

from .account import AccountState
from .bets import BetRecord
from .errors import ApiError
from .market import ExchangeMarket
from .marketstate import RunnerState
from .orders import milliseconds
from .params import Params
from .placing import Call
from .rpc import Handler, typed
from .state import ExchangeState

WEIGHTS = {"SP_AVAILABLE": 3, "EX_BEST_OFFERS": 5, "SP_TRADED": 7, "EX_ALL_OFFERS": 17, "EX_TRADED": 17}
COMBINED = {("EX_BEST_OFFERS", "EX_TRADED"): 20, ("EX_ALL_OFFERS", "EX_TRADED"): 32}
BARE_WEIGHT = 2
PROFIT_WEIGHT = 4
DEFAULT_DEPTH = 3


class PriceProjection(Params):
    """Which prices."""

    price_data: list[str] | None = None
    ex_best_offers_overrides: dict[str, Any] | None = None
    virtualise: bool | None = None
    rollover_stakes: bool | None = None


class ListMarketBook(Params):
    """listMarketBook."""

    market_ids: list[str]
    price_projection: PriceProjection | None = None
    order_projection: str | None = None
    match_projection: str | None = None
    include_overall_position: bool | None = None
    partition_matched_by_strategy_ref: bool | None = None
    customer_strategy_refs: list[str] | None = None
    currency_code: str | None = None
    matched_since: str | None = None
    bet_ids: list[str] | None = None
    locale: str | None = None


class ListRunnerBook(Params):
    """listRunnerBook."""

    market_id: str
    selection_id: int
    handicap: float | None = None
    price_projection: PriceProjection | None = None
    order_projection: str | None = None
    match_projection: str | None = None
    include_overall_position: bool | None = None
    partition_matched_by_strategy_ref: bool | None = None
    customer_strategy_refs: list[str] | None = None
    currency_code: str | None = None
    locale: str | None = None
    matched_since: str | None = None
    bet_ids: list[str] | None = None


class ListProfitAndLoss(Params):
    """listMarketProfitAndLoss."""

    market_ids: list[str]
    include_settled_bets: bool | None = None
    include_bsp_bets: bool | None = None
    net_of_commission: bool | None = None


class MarketBooks:
    """Polled prices."""

    def __init__(self, state: ExchangeState) -> None:
        self.state = state

    def operations(self) -> dict[str, Handler]:
        """Return the operations by name."""
        return {
            "listMarketBook": typed(ListMarketBook, self._books),
            "listRunnerBook": typed(ListRunnerBook, self._runner),
            "listMarketProfitAndLoss": typed(ListProfitAndLoss, self._profit_and_loss),
        }

    async def _books(self, call: Call, params: ListMarketBook) -> Any:
        ids = params.market_ids
        if len(ids) > self.state.settings.ids_limit:
            raise ApiError("REQUEST_SIZE_EXCEEDS_LIMIT", f"at most {self.state.settings.ids_limit} ids")
        projection = params.price_projection
        self._check_weight(weight_of(projection), len(ids))
        with_orders = bool(params.order_projection or params.match_projection)
        if with_orders:
            await self._order_read(call.account)
        markets = [self.state.markets[each] for each in ids if each in self.state.markets]
        return [_book(market, projection, _asked_for(market, call.account, params), call.account) for market in markets]

    async def _runner(self, call: Call, params: ListRunnerBook) -> Any:
        market = self.state.markets.get(params.market_id)
        if market is None:
            return []
        book = _book(market, params.price_projection, _asked_for(market, call.account, params), call.account)
        key = (params.selection_id, params.handicap or 0)
        book["runners"] = [each for each in book["runners"] if (each["selectionId"], each["handicap"]) == key]
        return [book]

    async def _profit_and_loss(self, call: Call, params: ListProfitAndLoss) -> Any:
        self._check_weight(PROFIT_WEIGHT, len(params.market_ids))
        await self._order_read(call.account)
        found = []
        for market_id in params.market_ids:
            market = self.state.markets.get(market_id)
            if market is not None and market.status != "CLOSED":
                found.append({"marketId": market_id, "profitAndLosses": _profits(market, call.account)})
        return found

    def _check_weight(self, weight: float, number: int) -> None:
        if weight * number > self.state.settings.weight_limit:
            raise ApiError("TOO_MUCH_DATA", f"weight {weight:g} times {number} markets")

    async def _order_read(self, account: AccountState) -> None:
        settings = self.state.settings
        if account.order_reads >= settings.concurrent_order_reads:
            raise ApiError("TOO_MANY_REQUESTS", f"at most {settings.concurrent_order_reads} such requests at a time")
        account.order_reads += 1
        try:
            await self.state.clock.sleep(settings.wait(settings.order_read_seconds))
        finally:
            account.order_reads -= 1


def weight_of(projection: PriceProjection | None) -> float:
    """Return what one market of a listMarketBook weighs."""
    wanted = set((projection.price_data if projection is not None else None) or ())
    if not wanted:
        return BARE_WEIGHT
    weight = 0.0
    for pair, together in COMBINED.items():
        if wanted.issuperset(pair):
            weight += together
            wanted -= set(pair)
            break
    weight += sum(WEIGHTS.get(each, 0) for each in wanted)
    depth = _depth(projection)
    return weight * depth / DEFAULT_DEPTH if depth > DEFAULT_DEPTH else weight


def _depth(projection: PriceProjection | None) -> int:
    overrides = (projection.ex_best_offers_overrides if projection is not None else None) or {}
    return int(overrides.get("bestPricesDepth") or DEFAULT_DEPTH)


def _asked_for(
    market: ExchangeMarket, account: AccountState, params: ListMarketBook | ListRunnerBook
) -> list[BetRecord] | None:
    """Return the bets to show; None where none were asked for."""
    if not params.order_projection and not params.match_projection:
        return None
    since = milliseconds(params.matched_since)
    return [
        record
        for record in account.records_of(market.market_id)
        if (not params.bet_ids or record.bet_id in params.bet_ids)
        and (not params.customer_strategy_refs or record.rfs in params.customer_strategy_refs)
        and (since is None or record.is_executable or (record.matched_ms or 0) >= since)
    ]


def _book(
    market: ExchangeMarket, projection: PriceProjection | None, bets: list[BetRecord] | None, reader: AccountState
) -> dict[str, Any]:
    definition = market.definition
    runners = definition.get("runners") or []
    book = {
        "marketId": market.market_id,
        "isMarketDataDelayed": reader.account.is_delayed_key,
        "status": market.status,
        "betDelay": definition.get("betDelay", 0),
        "bspReconciled": bool(definition.get("bspReconciled")),
        "complete": bool(definition.get("complete", True)),
        "inplay": market.is_in_play,
        "numberOfWinners": definition.get("numberOfWinners", 1),
        "numberOfRunners": len(runners),
        "numberOfActiveRunners": definition.get("numberOfActiveRunners", len(runners)),
        "totalMatched": market.served.total or 0.0,
        "totalAvailable": 0.0,
        "crossMatching": bool(definition.get("crossMatching")),
        "runnersVoidable": bool(definition.get("runnersVoidable")),
        "version": market.version,
        "runners": [_runner_book(market, runner, projection, bets) for runner in runners],
    }
    if definition.get("betDelayModels"):
        book["betDelayModels"] = definition["betDelayModels"]
    return book


def _runner_book(
    market: ExchangeMarket,
    runner: dict[str, Any],
    projection: PriceProjection | None,
    bets: list[BetRecord] | None,
) -> dict[str, Any]:
    key = (runner["id"], runner.get("hc") or 0)
    state = market.served.runners.get(key) or RunnerState(key)
    wanted = set((projection.price_data if projection is not None else None) or ())
    book: dict[str, Any] = {"selectionId": key[0], "handicap": float(key[1]), "status": runner.get("status", "ACTIVE")}
    for name, field in (("adjustmentFactor", "adjustmentFactor"), ("removalDate", "removalDate")):
        if runner.get(field) is not None:
            book[name] = runner[field]
    if "ltp" in state.scalars:
        book["lastPriceTraded"] = state.scalars["ltp"][0]
    if "tv" in state.scalars:
        book["totalMatched"] = state.scalars["tv"][0]
    depth = None if "EX_ALL_OFFERS" in wanted else _depth(projection) if "EX_BEST_OFFERS" in wanted else 0
    if wanted & {"EX_ALL_OFFERS", "EX_BEST_OFFERS", "EX_TRADED"}:
        traded = sorted(state.ladder("trd")) if "EX_TRADED" in wanted else []
        book["ex"] = {
            "availableToBack": _levels(sorted(state.ladder("atb"), reverse=True)[:depth]),
            "availableToLay": _levels(sorted(state.ladder("atl"))[:depth]),
            "tradedVolume": _levels(traded),
        }
    if wanted & {"SP_AVAILABLE", "SP_TRADED"}:
        book["sp"] = _starting_prices(state, runner, "SP_TRADED" in wanted)
    if bets is not None:
        records = [record for record in bets if record.bet.key == key]
        book["orders"] = [_order(record) for record in records]
        book["matches"] = [_match(record) for record in records if record.bet.size_matched]
    return book


def _levels(levels: list[list[float]]) -> list[dict[str, float]]:
    return [{"price": price, "size": size} for price, size in levels]


def _starting_prices(state: RunnerState, runner: dict[str, Any], with_stakes: bool) -> dict[str, Any]:
    prices: dict[str, Any] = {}
    for name, field in (("nearPrice", "spn"), ("farPrice", "spf")):
        if field in state.scalars:
            prices[name] = state.scalars[field][0]
    if runner.get("bsp") is not None:
        prices["actualSP"] = runner["bsp"]
    if with_stakes:
        prices["backStakeTaken"] = _levels(sorted(state.ladder("spl")))
        prices["layLiabilityTaken"] = _levels(sorted(state.ladder("spb"), reverse=True))
    return prices


def _order(record: BetRecord) -> dict[str, Any]:
    current = record.current_order()
    price_size = current["priceSize"]
    order = {
        "betId": record.bet_id,
        "orderType": current["orderType"],
        "status": current["status"],
        "persistenceType": current["persistenceType"],
        "side": current["side"],
        "price": price_size["price"],
        "size": price_size["size"],
        "bspLiability": current["bspLiability"],
        "placedDate": current["placedDate"],
        "avgPriceMatched": current["averagePriceMatched"],
        "sizeMatched": current["sizeMatched"],
        "sizeRemaining": current["sizeRemaining"],
        "sizeLapsed": current["sizeLapsed"],
        "sizeCancelled": current["sizeCancelled"],
        "sizeVoided": current["sizeVoided"],
    }
    for name in ("customerOrderRef", "customerStrategyRef"):
        if name in current:
            order[name] = current[name]
    return order


def _match(record: BetRecord) -> dict[str, Any]:
    bet = record.bet
    return {"betId": record.bet_id, "side": bet.side, "price": bet.average_price_matched, "size": bet.size_matched}


def _profits(market: ExchangeMarket, account: AccountState) -> list[dict[str, Any]]:
    records = account.records_of(market.market_id)
    outcomes: dict[tuple[int, float], tuple[float, float]] = {}
    for record in records:
        won, lost = outcomes.get(record.bet.key, (0.0, 0.0))
        more_won, more_lost = _matched_outcomes(record)
        outcomes[record.bet.key] = (won + more_won, lost + more_lost)
    all_lost = sum(lost for _, lost in outcomes.values())
    rows = []
    for runner in market.definition.get("runners") or ():
        won, lost = outcomes.get((runner["id"], runner.get("hc") or 0), (0.0, 0.0))
        rows.append({"selectionId": runner["id"], "ifWin": round(won + all_lost - lost, 2)})
    return rows


def _matched_outcomes(record: BetRecord) -> tuple[float, float]:
    bet = record.bet
    won = bet.size_matched * (bet.average_price_matched - 1)
    return (won, -bet.size_matched) if bet.side == "BACK" else (-won, bet.size_matched)
