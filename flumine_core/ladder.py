"""Price ladders, ticks and levels: pure functions over decimal odds."""

from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_UP, Decimal
from math import isfinite
from typing import TYPE_CHECKING, Any

from .errors import OrderError

if TYPE_CHECKING:
    FINEST_PRICES: tuple[Decimal, ...]

MIN_PRICE = 1.01
MAX_PRICE = 1000.0
CUTOFFS: tuple[tuple[float, float], ...] = (
    (2, 100),
    (3, 50),
    (4, 20),
    (6, 10),
    (10, 5),
    (20, 2),
    (30, 1),
    (50, 0.5),
    (100, 0.2),
    (1000, 0.1),
)
"""Betfair's CLASSIC ladder: below each price, how many ticks there are to one point of odds."""


def make_prices(min_price: float, cutoffs: Iterable[tuple[float, float]]) -> tuple[Decimal, ...]:
    """Return all prices of a ladder from `min_price` to the last cutoff, that one included."""
    prices: list[Decimal] = []
    price = Decimal(str(min_price))
    for cutoff, ticks in cutoffs:
        step = 1 / Decimal(str(ticks))
        end = Decimal(str(cutoff))
        while price < end:
            prices.append(price)
            price += step
    prices.append(price)
    return tuple(prices)


PRICES = make_prices(MIN_PRICE, CUTOFFS)
"""The 350 prices of the CLASSIC ladder."""
PRICES_FLOAT: list[float] = [float(price) for price in PRICES]
"""The same as floats."""

_CLASSIC = frozenset(PRICES_FLOAT)
_CLASSIC_INDEX = {price: index for index, price in enumerate(PRICES_FLOAT)}


def __getattr__(name: str) -> Any:
    if name == "FINEST_PRICES":  # 99,900 decimals, made for whoever asks
        prices = tuple(Decimal(cents) / 100 for cents in range(101, 100_001))
        globals()[name] = prices
        return prices
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def make_line_prices(min_unit: float, max_unit: float, interval: float) -> list[float]:
    """Return the values of a LINE_RANGE market from `min_unit` to at most `max_unit`, `interval` apart."""
    if not interval > 0:
        raise OrderError(f"interval must be above 0, was {interval}")
    count = int((max_unit - min_unit) / interval + 1e-9)
    return [round(min_unit + step * interval, 10) for step in range(count + 1)]


def is_on_ladder(price: float, ladder_definition: str, line_range_info: Any = None) -> bool:
    """Return whether a price is one that a ladder has.

    CLASSIC and FINEST: whether it prints as one of their prices. LINE_RANGE: a whole number of intervals
    (within 1e-9) above the line's least value, and at most its greatest. Other ladders are not known and
    have every price.
    """
    if ladder_definition == "CLASSIC":
        return price in _CLASSIC
    if ladder_definition == "FINEST":
        if not MIN_PRICE <= price <= MAX_PRICE:
            return False
        return round(price * 100) / 100 == price
    if ladder_definition == "LINE_RANGE":
        return _is_on_line(price, line_range_info)
    return True


def _is_on_line(price: float, line_range_info: Any) -> bool:
    if line_range_info is None or not isfinite(price) or not line_range_info.interval > 0:
        return False
    low, high = line_range_info.min_unit_value, line_range_info.max_unit_value
    steps = (price - low) / line_range_info.interval
    return bool(steps > -1e-9 and price <= high + 1e-9 and abs(steps - round(steps)) <= 1e-9)


def get_nearest_price(price: float, cutoffs: Iterable[tuple[float, float]] = CUTOFFS) -> float:
    """Return the ladder's price nearest to `price`, the higher of two equally near."""
    if price <= MIN_PRICE:
        return MIN_PRICE
    if price > MAX_PRICE:
        return MAX_PRICE
    if cutoffs is CUTOFFS and price in _CLASSIC_INDEX:
        return float(price)
    ticks: float = 1
    for cutoff, ticks_below in cutoffs:
        ticks = ticks_below
        if price < cutoff:
            break
    step = Decimal(str(ticks))
    return float((Decimal(str(price)) * step).quantize(Decimal(1), ROUND_HALF_UP) / step)


def price_ticks_away(price: float, n_ticks: int, prices: Sequence[float] | None = None) -> float:
    """Return the price `n_ticks` above (below, if negative), or the ladder's end where it is shorter.

    `prices` is an ascending ladder, CLASSIC by default.
    :raises OrderError: where `price` is not on the ladder.
    """
    ladder: Sequence[float]
    if not prices:
        ladder = PRICES_FLOAT
        index = _CLASSIC_INDEX.get(price, -1)
    else:
        ladder = prices
        index = prices.index(price) if price in prices else -1
    if index < 0:
        raise OrderError(f"price must be on the ladder, was {price}")
    return ladder[min(max(index + n_ticks, 0), len(ladder) - 1)]


def get_price(data: Sequence[Any] | None, level: int) -> float | None:
    """Return the price of a level (0 the best) of `available_to_back` and the like; None where absent."""
    if not data:  # as on one side of many runners; an exception would take 300 ns
        return None
    try:
        price: float | None = data[level].price
    except (IndexError, TypeError):
        return None
    except AttributeError:
        return _dict_field(data, level, "price")
    return price


def get_size(data: Sequence[Any] | None, level: int) -> float | None:
    """Return the size of a level (0 the best) of `available_to_back` and the like; None where absent."""
    if not data:
        return None
    try:
        size: float | None = data[level].size
    except (IndexError, TypeError):
        return None
    except AttributeError:
        return _dict_field(data, level, "size")
    return size


def _dict_field(data: Any, level: int, name: str) -> float | None:
    entry = data[level]
    return entry.get(name) if isinstance(entry, dict) else None


def get_sp(runner: Any) -> float | None:
    """Return a runner's starting price, None before it is reconciled and where there is none."""
    sp = runner.sp
    if sp is None or isinstance(sp, list):
        return None
    price: Any = sp.actual_sp
    if isinstance(price, int | float) and isfinite(price):
        return price
    return None


def average_price(matched: Iterable[tuple[float, float]]) -> tuple[float, float]:
    """Return (size, average price) of matched `(price, size)`, rounded to two places; (0, 0) where empty."""
    value = size = 0.0
    for price, each in matched:
        value += price * each
        size += each
    if value == 0 or size == 0:
        return 0, 0
    return round(size, 2), round(value / size, 2)


def wap(matched: Iterable[tuple[Any, float, float]]) -> tuple[float, float]:
    """Return `average_price` of matched `(time, price, size)`."""
    return average_price((price, size) for _, price, size in matched)
