"""What the removal of a runner does to the bets of its market."""

from ..ladder import MIN_PRICE
from .bet import MARKET_ON_CLOSE, Bet

WIN_MINIMUM_FACTOR = 2.5
"""Percent; a removed runner with a smaller adjustment factor reduces no price."""
PLACE_MARKETS = frozenset({"PLACE", "OTHER_PLACE"})


def apply_removal(
    bet: Bet, removed: tuple[int, float], factor: float, own_factor: float | None, market_type: str | None
) -> bool:
    """Apply the removal of the runner `removed` to `bet`, whatever its state; return whether that changed it.

    Simulation rule: on the removed runner all of the bet is voided, parts already cancelled or lapsed
    included, so that its remaining size may become negative. Elsewhere a MARKET_ON_CLOSE lay has its
    liability scaled, in WIN and PLACE markets; every other bet has its matched prices reduced, whatever
    the market type.

    :param factor: the removed runner's adjustment factor, in percent.
    :param own_factor: that of the bet's own runner.
    """
    if bet.key == removed:
        bet.refill([])
        bet.size_voided = bet.size or bet.target_size or 0.0
        bet.reckon()
        return True
    if bet.kind == MARKET_ON_CLOSE and bet.side == "LAY":
        return _scale(bet, factor, own_factor, market_type)
    if factor < WIN_MINIMUM_FACTOR or not bet.fills:
        return False
    keep = 1 - factor / 100
    matched = bet.size_matched
    bet.refill([(ms, max(round(price * keep, 2), MIN_PRICE), size) for ms, price, size in bet.fills])
    bet.size_matched = matched
    bet.reckon()
    return True


def _scale(bet: Bet, factor: float, own_factor: float | None, market_type: str | None) -> bool:
    if market_type == "WIN":
        others = 100 - (own_factor or 0.0)
        multiplier = 1 - factor / others if others else 1.0
    elif market_type in PLACE_MARKETS:
        multiplier = (100 - factor) * 0.01
    else:
        return False
    bet.size = (bet.size or 0.0) * multiplier
    bet.is_rescaled = True
    if bet.average_price_matched:
        bet.size_matched = round(bet.size / (bet.average_price_matched - 1), 2)
    return True
