"""The rules of the exchange for one bet: placing, matching by traded volume and prices, starting price.

Functions over the exchange's own `Bet` and a market book. None knows of orders, strategies or clients, so
that the simulation, paper trading and a local exchange share them. Prices in decimal odds, sizes in
pounds.
"""

from collections.abc import Sequence

from ..book.marketbook import MarketBook
from ..book.price import PriceSize
from ..book.runner import RunnerBook
from ..ladder import MAX_PRICE, MIN_PRICE
from .bet import LIMIT as LIMIT
from .bet import LIMIT_ON_CLOSE as LIMIT_ON_CLOSE
from .bet import MARKET_ON_CLOSE as MARKET_ON_CLOSE
from .bet import Bet as Bet
from .policy import LiquidityPolicy, QueuePolicy

DELAYED = "DELAYED"
"""Answer to a placing that has to wait for the bet delay; every other answer is a Betfair error code."""


def place(
    bet: Bet,
    book: MarketBook,
    version: int | None,
    is_delay_over: bool,
    queue: QueuePolicy,
    liquidity: LiquidityPolicy,
) -> str | None:
    """Place `bet` against `book`; return None, `DELAYED`, or the error code of a refusal.

    Simulation rule: the checks come in the order market status, market version, runner, starting price,
    minimum fill, bet delay, price improvement. A refused bet has its size voided, lapsed or cancelled.

    :param version: the market version that the sender insists on, None or 0 for any.
    :param is_delay_over: whether the bet may be matched at once.
    """
    if book.status != "OPEN":
        bet.void(bet.size_remaining)
        return "ERROR_IN_ORDER"
    bet.market_version = book.version
    if version and version != book.version:
        bet.lapse(bet.size_remaining)
        return "BET_TAKEN_OR_LAPSED"
    runner = book.runner(bet.selection_id, bet.handicap)
    if runner is None or runner.status == "REMOVED":
        bet.void(bet.size_remaining)
        return "INVALID_RUNNER" if runner is None else "RUNNER_REMOVED"
    if bet.takes_sp and not _is_open_for_sp(book):
        bet.void(bet.size_remaining)
        return "BET_ACTION_ERROR" if bet.kind == LIMIT else "MARKET_NOT_OPEN_FOR_BSP_BETTING"
    if bet.kind == MARKET_ON_CLOSE:
        return None
    price = bet.price
    if price is None:
        bet.void(bet.size_remaining)
        return "INVALID_ODDS"
    if bet.kind == LIMIT_ON_CLOSE:
        return None
    if not bet.size:
        bet.void(bet.size_remaining)
        return "INVALID_BET_SIZE"
    return _place_limit(bet, runner, price, bet.size, book.publish_time_epoch, is_delay_over, queue, liquidity)


def _is_open_for_sp(book: MarketBook) -> bool:
    return not (book.definition.bsp_market is False or book.bsp_reconciled is True or book.inplay is True)


def _place_limit(
    bet: Bet,
    runner: RunnerBook,
    price: float,
    size: float,
    publish_time: int,
    is_delay_over: bool,
    queue: QueuePolicy,
    liquidity: LiquidityPolicy,
) -> str | None:
    min_fill = bet.min_fill_size or size
    if bet.is_fill_or_kill and min_fill > size:
        bet.cancel(bet.size_remaining)
        return "INVALID_MIN_FILL_SIZE"
    if bet.side == "BACK":
        levels = liquidity.offered(bet.key, bet.side, runner.ex.available_to_back)
        own = runner.ex.available_to_lay
        best = levels[0].price if levels else MIN_PRICE  # where a ladder is empty
        is_aggressive, is_improved = best >= price, best > price
    else:
        levels = liquidity.offered(bet.key, bet.side, runner.ex.available_to_lay)
        own = runner.ex.available_to_back
        best = levels[0].price if levels else MAX_PRICE
        is_aggressive, is_improved = best <= price, best < price
    if is_aggressive and not is_delay_over:
        return DELAYED
    if is_improved and not bet.has_best_price_execution:
        bet.lapse(bet.size_remaining)
        return "BET_LAPSED_PRICE_IMPROVEMENT_TOO_LARGE"
    if is_aggressive:
        if not bet.is_fill_or_kill:
            _cross(bet, publish_time, price, size, levels, liquidity)
        elif is_improved:
            _cross_on_average(bet, publish_time, price, size, min_fill, levels, liquidity)
        elif levels and levels[0].size >= min_fill:
            _cross(bet, publish_time, price, size, levels, liquidity)
    elif not bet.is_fill_or_kill:
        bet.queue = queue.joined(price, own)
    if bet.is_fill_or_kill:
        bet.cancel(bet.size_remaining)
    if bet.is_full_match and bet.size_remaining:
        bet.fill(0, price, bet.size_remaining)
    return None


def _cross(
    bet: Bet,
    publish_time: int,
    price: float,
    size: float,
    levels: Sequence[PriceSize],
    liquidity: LiquidityPolicy,
) -> None:
    # Simulation rule: fill level by level, each at its own price, while it is no worse than the bet's; the
    # rest comes to rest with nothing ahead of it.
    is_back = bet.side == "BACK"
    left = size
    for level in levels:
        if left == 0 or (level.price < price if is_back else level.price > price):
            break
        wanted = left
        left = max(left - level.size, 0)
        taken = round(wanted if left == 0 else level.size, 2)
        bet.fill(publish_time, level.price, taken)
        liquidity.took((bet.selection_id, bet.handicap), bet.side, level.price, taken)


def _cross_on_average(
    bet: Bet,
    publish_time: int,
    price: float,
    size: float,
    min_fill: float,
    levels: Sequence[PriceSize],
    liquidity: LiquidityPolicy,
) -> None:
    # Simulation rule: a FILL_OR_KILL whose price the best one beats takes whole levels, also beyond its
    # price, while the average rounded to two places is no worse; if less than the minimum is matched,
    # nothing is.
    is_back = bet.side == "BACK"
    fills: list[tuple[int, float, float]] = []
    value = volume = 0.0
    left = size
    for level in levels:
        if left == 0:
            break
        wanted = left
        left = max(left - level.size, 0)
        taken = round(wanted if left == 0 else level.size, 2)
        value += level.price * taken
        volume += taken
        average = round(value / volume, 2) if volume else 0.0
        if average < price if is_back else average > price:
            break
        fills.append((publish_time, level.price, taken))
    bet.refill(fills)
    if bet.size_matched < min_fill:
        bet.refill([])
        return
    for _, level_price, taken in fills:
        liquidity.took((bet.selection_id, bet.handicap), bet.side, level_price, taken)


def match_traded(
    bet: Bet,
    price: float,
    traded: dict[float, float],
    publish_time: int,
    queue: QueuePolicy,
    liquidity: LiquidityPolicy,
) -> bool:
    """Offer a book's traded volume to a resting LIMIT bet at `price`; return whether anything was matched.

    Simulation rule: volume at the bet's price or better first shortens the queue, then matches the bet at
    its OWN price; what was used is gone for the bets that follow. A matched size that rounds to 0 still
    clears the queue, and a bet with nothing left uses up its queue.

    :param traded: price -> published volume since the book before, by ascending price; changed in place.
    """
    is_back = bet.side == "BACK"
    is_matched = False
    for traded_price, published in traded.items():
        if is_back:
            if traded_price < price:
                continue
        elif traded_price > price:
            break
        volume = queue.volume(published)
        ahead = bet.queue
        if ahead - volume < 0:
            size = round(min(bet.size_remaining, volume - ahead), 2)
            if size:
                bet.fill(publish_time, price, size)
                is_matched = True
            used = queue.published(ahead + size)
            bet.queue = 0.0
        else:
            bet.queue = ahead - volume
            used = published
        if used:
            traded[traded_price] = liquidity.left(published, used)
    return is_matched


def match_available(bet: Bet, price: float, runner: RunnerBook, publish_time: int, liquidity: LiquidityPolicy) -> bool:
    """Match a resting LIMIT bet at `price` against visible prices as good as its own; return whether it was.

    Simulation rule (option `simulation_available_prices`): each level matches at the bet's own price, at
    each book anew, and clears the queue.
    """
    is_back = bet.side == "BACK"
    levels = runner.ex.available_to_back if is_back else runner.ex.available_to_lay
    is_matched = False
    for level in liquidity.offered((bet.selection_id, bet.handicap), bet.side, levels):
        if level.price < price if is_back else level.price > price:
            break
        size = round(min(bet.size_remaining, level.size), 2)
        if size:
            bet.fill(publish_time, price, size)
            liquidity.took((bet.selection_id, bet.handicap), bet.side, level.price, size)
            is_matched = True
        bet.queue = 0.0
    return is_matched


def starting_price(runner: RunnerBook | None) -> float | None:
    """Return the runner's actual starting price; None where it is missing, "NaN", "Infinity" or no price."""
    price = None if runner is None else runner.sp.actual_sp
    if isinstance(price, int | float) and 1 < price < float("inf"):
        return price
    return None


def settle_at_sp(bet: Bet, price: float, publish_time: int) -> None:
    """Match what `bet` has left at the starting price `price`, or let it lapse; the bet is done with.

    Simulation rule: a LIMIT BACK takes any starting price; a LIMIT LAY stakes what it has at risk if that
    reaches the client's minimum liability and lapses otherwise; a LIMIT_ON_CLOSE beyond its price matches
    nothing; a lay stakes liability / (price - 1).
    """
    bet.is_sp_settled = bet.is_sp_done = True
    is_back = bet.side == "BACK"
    if bet.kind == LIMIT:
        size = bet.size_remaining
        if not is_back:
            risk = ((bet.price or 0.0) - 1.0) * size
            if risk < bet.min_bsp_liability:
                bet.lapse(size)
                return
            remaining, size = size, round(risk / (price - 1.0), 2)
            bet.cancel(round(remaining - size, 2))
    else:
        liability = bet.size or 0.0
        limit = bet.price
        if limit is not None and (price < limit if is_back else price > limit):
            return
        size = liability if is_back else round(liability / (price - 1), 2)
    bet.fill(publish_time, price, size)


def lapse_on_new_version(bet: Bet, book: MarketBook) -> bool:
    """Take note of a new market version; return whether the bet lapsed.

    Simulation rule: a bet with persistence LAPSE lapses where the version changed and the market is
    suspended, and only there. A change while the market is open is merely noted.
    """
    version = book.version
    if version == bet.market_version:
        return False
    bet.market_version = version
    if book.status != "SUSPENDED" or bet.persistence != "LAPSE":
        return False
    bet.lapse(bet.size_remaining)
    return True
