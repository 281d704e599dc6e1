"""Whether one place instruction is acceptable, and the bet that it asks for."""

from types import SimpleNamespace
from typing import Any

from flumine_core.ladder import is_on_ladder
from flumine_core.simulation.bet import LIMIT, LIMIT_ON_CLOSE, MARKET_ON_CLOSE, Bet

from .account import AccountState
from .market import ExchangeMarket
from .params import LimitOrderParams, PlaceInstruction

MOST_ORDER_REF = 32
NO_PAYOUT_RULE_REGULATORS = frozenset({"MR_IT", "MR_ESP", "MR_DK"})


def refusal_of(instruction: PlaceInstruction, market: ExchangeMarket, account: AccountState) -> str | None:
    """Return the instruction error code of a bet that would not be accepted, None where it would."""
    reference = instruction.customer_order_ref
    if reference is not None and len(reference) > MOST_ORDER_REF:
        return "INVALID_CUSTOMER_ORDER_REF"
    runner = market.runner_definition(instruction.selection_id, instruction.handicap or 0)
    if runner is None:
        return "INVALID_RUNNER"
    if str(runner.get("status")).startswith("REMOVED"):
        return "RUNNER_REMOVED"
    if runner.get("status") != "ACTIVE":
        return "INVALID_RUNNER"
    if instruction.order_type == LIMIT:
        order = instruction.limit_order
        return "INVALID_ORDER_TYPE" if order is None else _limit_refusal(instruction, order, market, account)
    return _close_refusal(instruction, market, account)


def _limit_refusal(
    instruction: PlaceInstruction, order: LimitOrderParams, market: ExchangeMarket, account: AccountState
) -> str | None:
    if not is_price(order.price, market):
        return "INVALID_ODDS"
    is_fill_or_kill = order.time_in_force is not None
    if is_fill_or_kill and order.persistence_type not in (None, "LAPSE"):
        return "UNEXPECTED_PERSISTENCE_TYPE"
    if not is_fill_or_kill:
        if order.persistence_type is None:
            return "INVALID_PERSISTENCE_TYPE"
        if order.min_fill_size is not None:
            return "UNEXPECTED_MIN_FILL_SIZE"
    if (order.bet_target_type is None) != (order.bet_target_size is None):
        return "INVALID_BET_SIZE"
    size = size_of(order)
    if not has_size(size, order.price, market, account):
        return "INVALID_BET_SIZE"
    if order.min_fill_size is not None and not 0 < order.min_fill_size <= size:
        return "INVALID_MIN_FILL_SIZE"
    return persistence_refusal(order.persistence_type or "LAPSE", market)


def persistence_refusal(persistence: str, market: ExchangeMarket) -> str | None:
    """Return the error code of a persistence that the market does not allow now."""
    definition = market.definition
    if persistence == "PERSIST" and definition.get("persistenceEnabled") is False:
        return "INVALID_PERSISTENCE_TYPE"
    if persistence == MARKET_ON_CLOSE and not _is_open_for_sp(definition):
        return "INVALID_PERSISTENCE_TYPE"
    return None


def _is_open_for_sp(definition: dict[str, Any]) -> bool:
    return bool(definition.get("bspMarket")) and not definition.get("bspReconciled") and not definition.get("inPlay")


def _close_refusal(instruction: PlaceInstruction, market: ExchangeMarket, account: AccountState) -> str | None:
    order = (
        instruction.limit_on_close_order
        if instruction.order_type == LIMIT_ON_CLOSE
        else instruction.market_on_close_order
    )
    if order is None:
        return "INVALID_ORDER_TYPE"
    if not _is_open_for_sp(market.definition):
        return "MARKET_NOT_OPEN_FOR_BSP_BETTING"
    price = getattr(order, "price", None)
    if price is not None and not is_price(price, market):
        return "INVALID_ODDS"
    currency = account.currency
    least = currency.min_bet_size if instruction.side == "BACK" else currency.min_bsp_liability
    return None if is_money(order.liability) and order.liability >= least else "INVALID_BET_SIZE"


def is_price(price: float, market: ExchangeMarket) -> bool:
    """Whether a price is on the market's ladder."""
    definition = market.definition
    kind = (definition.get("priceLadderDefinition") or {}).get("type", "CLASSIC")
    line = None
    if kind == "LINE_RANGE":
        line = SimpleNamespace(
            min_unit_value=definition.get("lineMinUnit", 0.0),
            max_unit_value=definition.get("lineMaxUnit", 0.0),
            interval=definition.get("lineInterval", 0.0),
        )
    return is_on_ladder(price, kind, line)


def is_money(amount: float) -> bool:
    """Whether an amount is above 0 and has at most two decimals."""
    return amount > 0 and abs(round(amount, 2) - amount) < 1e-9


def size_of(order: LimitOrderParams) -> float:
    """Return the stake that a limit order asks for, worked out where it names a target."""
    if order.bet_target_size is None:
        return order.size or 0.0
    by = order.price if order.bet_target_type == "PAYOUT" else order.price - 1
    return round(order.bet_target_size / by, 2)


def has_size(size: float, price: float, market: ExchangeMarket, account: AccountState) -> bool:
    """Whether a stake reaches the minimum, or its payout does where that counts."""
    if not is_money(size):
        return False
    currency = account.currency
    if size >= currency.min_bet_size:
        return True
    if NO_PAYOUT_RULE_REGULATORS & set(market.definition.get("regulators") or ()):
        return False
    return price * size >= currency.min_bet_payout


def bet_of(instruction: PlaceInstruction, account: AccountState) -> Bet:
    """Return the bet that an acceptable instruction asks for."""
    bet = Bet(
        None,
        account.username,
        instruction.selection_id,
        instruction.handicap or 0,
        instruction.side,
        instruction.order_type,
        has_best_price_execution=account.account.has_best_price_execution,
        min_bsp_liability=account.currency.min_bsp_liability,
    )
    limit = instruction.limit_order
    if limit is not None and instruction.order_type == LIMIT:
        bet.price, bet.size = limit.price, size_of(limit)
        bet.persistence = limit.persistence_type or "LAPSE"
        bet.is_fill_or_kill = limit.time_in_force is not None
        bet.min_fill_size = limit.min_fill_size
    elif instruction.limit_on_close_order is not None and instruction.order_type == LIMIT_ON_CLOSE:
        bet.price, bet.size = instruction.limit_on_close_order.price, instruction.limit_on_close_order.liability
    elif instruction.market_on_close_order is not None:
        bet.size = instruction.market_on_close_order.liability
    bet.reckon()
    return bet
