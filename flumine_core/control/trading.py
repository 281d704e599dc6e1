"""The built-in trading controls: a sensible order, an open market, a strategy within its limits."""

from math import isfinite
from typing import Any

from ..errors import OrderError, survivable
from ..hint import one_line
from ..ladder import is_on_ladder
from ..order.exposure import Prospect, order_exposure
from ..order.kinds import LimitOnCloseOrder, LimitOrder, MarketOnCloseOrder
from ..order.order import PERSISTENCE_TYPES, Order
from ..order.package import OrderPackageType
from ..order.refusal import Refusal
from ..order.roles import ClientRole, StrategyRole
from .base import MarketRole, TradingControl

_PLACE = OrderPackageType.PLACE
_REPLACE = OrderPackageType.REPLACE
_MANY = 1e12  # far beyond any stake, and two decimals are exact up to it

Numbers = dict[str, float | str | None]
Fault = tuple[str, Numbers]
"""A reason, and the figures behind it."""


class OrderValidation(TradingControl):
    """Refuse an order that the exchange would not take: its side, price, size, liability, minimum stake,
    persistence type or time in force.

    Placings are looked at whole; replaces at their new price; cancels and updates pass.
    """

    NAME = "ORDER_VALIDATION"
    _NOT_CALLED = (
        "_validate_betfair_order",
        "_validate_size",
        "_validate_betfair_price",
        "_validate_betfair_liability",
        "_validate_betfair_min_size",
    )

    def __init__(self, flumine: Any = None) -> None:
        super().__init__(flumine)

    def check(self, order: Order, package_type: OrderPackageType) -> Refusal | None:
        """Return a refusal of this request, None if it may pass."""
        if package_type is _PLACE:
            fault = _order_fault(order)
        elif package_type is _REPLACE:
            kind = order.order_type
            if isinstance(kind, MarketOnCloseOrder):
                return None  # `order.replace` says that it cannot be
            fault = _price_fault(_new_price(order), kind, order.client)
        else:
            return None
        return None if fault is None else self.refuse(order, package_type, *fault)


class MarketValidation(TradingControl):
    """Refuse every request on a market that is not known, has no book yet, or is not OPEN.

    Limit orders on a market of lines must name the ladder LINE_RANGE, on another one they must not: prices of the two
    mean other things, and risk other sums.
    """

    NAME = "MARKET_VALIDATION"
    _NOT_CALLED = ("_validate_betfair_market_status",)

    def __init__(self, flumine: Any = None) -> None:
        super().__init__(flumine)

    def check(self, order: Order, package_type: OrderPackageType) -> Refusal | None:
        """Return a refusal of this request, None if it may pass."""
        market: MarketRole | None = self.flumine.markets.markets.get(order.market_id)
        if market is None:
            return self.refuse(order, package_type, f"market must be known, was {order.market_id}")
        book = market.latest_book
        if book is None:
            return self.refuse(order, package_type, "market must have a book, had none")
        if book.status != "OPEN":
            reason = f"market must be OPEN, was {book.status}"
            return self.refuse(order, package_type, reason, {"status": book.status})
        kind, blotter = order.order_type, market.blotter
        if (
            package_type is _PLACE
            and isinstance(kind, LimitOrder)
            and (kind.price_ladder_definition == "LINE_RANGE") is not blotter.is_line
            and blotter.betting_type is not None
        ):
            wanted = "LINE_RANGE" if blotter.is_line else "another than LINE_RANGE"
            reason = f"price_ladder_definition must be {wanted} where bettingType is {blotter.betting_type}"
            return self.refuse(order, package_type, f"{reason}, was {kind.price_ladder_definition}")
        return None


class StrategyExposure(TradingControl):
    """Refuse what would take a strategy beyond its limits, None being no limit.

    First, on a placing, `strategy.validate_order` is asked, once. Then, on placings and on replaces at
    their new price, with every accepted order counted whether or not the exchange has answered:

    - `max_order_exposure`: the order by itself (of a replace: what remains of it);
    - `max_selection_exposure`: the selection's worst outcome in the direction that the order makes worse;
    - `max_market_exposure`: the market's worst outcome.
    """

    NAME = "STRATEGY_EXPOSURE"

    def __init__(self, flumine: Any = None) -> None:
        super().__init__(flumine)

    def check(self, order: Order, package_type: OrderPackageType) -> Refusal | None:
        """Return a refusal of this request, None if it may pass."""
        if package_type is _PLACE:
            strategy = order.trade.strategy
            order.violation_msg = None
            context = strategy.get_runner_context(order.market_id, order.selection_id, order.handicap)
            try:
                is_valid = strategy.validate_order(context, order)
            except OrderError:
                raise
            except survivable() as error:
                self.flumine.faults.record(strategy.name, "strategy.validate_order", error)
                return self.refuse(order, package_type, f"strategy.validate_order raised {one_line(error)}")
            if is_valid is False:
                reason = order.violation_msg or "strategy.validate_order returned False"
                return self.refuse(order, package_type, reason)
            fault = self._fault(order, strategy, None)
        elif package_type is _REPLACE:
            price = _new_price(order)
            if price is None:
                return None
            fault = self._fault(order, order.trade.strategy, price)
        else:
            return None
        return None if fault is None else self.refuse(order, package_type, fault[0], fault[1])

    def _fault(self, order: Order, strategy: StrategyRole, new_price: float | None) -> Fault | None:
        market: MarketRole | None = self.flumine.markets.markets.get(order.market_id)
        limit = strategy.max_order_exposure
        if limit is not None:
            exposure = order_exposure(order, new_price, None if market is None else market.blotter.each_way_divisor)
            if not exposure <= limit:
                return _beyond("order exposure", "max_order_exposure", exposure, limit)

        selection_limit, market_limit = strategy.max_selection_exposure, strategy.max_market_exposure
        if selection_limit is None and market_limit is None:
            return None
        if market is None:
            return "market must be known, was not", {}
        blotter = market.blotter
        new_order: Order | Prospect = order if new_price is None else Prospect(order, new_price)
        exclusion = None if new_price is None else order

        if selection_limit is not None:
            exposure = -blotter.worst_profit(strategy, order.lookup, order.side, exclusion, new_order)
            if not exposure <= selection_limit:
                return _beyond("potential selection exposure", "max_selection_exposure", exposure, selection_limit)

        if market_limit is not None:
            book = market.latest_book
            if book is None:
                return "market must have a book, had none", {}
            exposure = -blotter.market_exposure(strategy, book, exclusion, new_order)
            if not exposure <= market_limit:
                return _beyond("potential market exposure", "max_market_exposure", exposure, market_limit)
        return None


def _new_price(order: Order) -> float | None:
    price: float | None = order.update_data.get("new_price", getattr(order.order_type, "price", None))
    return price


def _beyond(what: str, name: str, exposure: float, limit: float) -> Fault:
    return f"{what} must be at most {name} {limit}, was {exposure:.2f}", {"exposure": exposure, name: limit}


def _order_fault(order: Order) -> Fault | None:
    kind = order.order_type
    if order.side not in ("BACK", "LAY"):
        return f"side must be BACK or LAY, was {order.side}", {}
    if isinstance(kind, LimitOrder):
        if kind.persistence_type is not None and kind.persistence_type not in PERSISTENCE_TYPES:
            expected = " or ".join(sorted(PERSISTENCE_TYPES))
            return f"persistence_type must be {expected} or None, was {kind.persistence_type!r}", {}
        if kind.time_in_force is not None and (fault := _fill_fault(kind)):
            return fault
        return (
            _amount_fault("size", kind.size or kind.bet_target_size or kind.size)
            or _price_fault(kind.price, kind, order.client)
            or _stake_fault(order, kind)
        )
    if isinstance(kind, LimitOnCloseOrder):
        return (
            _price_fault(kind.price, kind, order.client)
            or _amount_fault("liability", kind.liability)
            or _liability_fault(order, kind.liability)
        )
    if isinstance(kind, MarketOnCloseOrder):
        return _amount_fault("liability", kind.liability) or _liability_fault(order, kind.liability)
    return f"order kind must be limit, limit on close or market on close, was {type(kind).__name__}", {}


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def _plain(value: object) -> float | str | None:
    return value if isinstance(value, float | int | None) else repr(value)


def _amount_fault(name: str, amount: float | None) -> Fault | None:
    if type(amount) is float and 0 < amount < _MANY and amount == round(amount * 100) / 100:
        return None
    numbers: Numbers = {name: _plain(amount)}
    if amount is None or (amount == 0 and not isinstance(amount, bool)):
        return f"{name} must be given, was {amount}", numbers
    if not _is_number(amount):
        return f"{name} must be a number, was {amount!r}", numbers
    if amount < 0:
        return f"{name} must be above 0, was {amount}", numbers
    if amount != round(amount, 2):
        return f"{name} must have at most two decimals, was {amount}", numbers
    return None


def _price_fault(price: Any, kind: LimitOrder | LimitOnCloseOrder, client: ClientRole | None) -> Fault | None:
    ladder = kind.price_ladder_definition
    if type(price) is float and ladder == "CLASSIC" and is_on_ladder(price, ladder):
        return None
    if price is None:
        return "price must be given, was None", {"price": None}
    if not _is_number(price):
        return f"price must be a number, was {price!r}", {"price": _plain(price)}
    if client is not None and ladder not in client.venue.ladders:
        known = ", ".join(sorted(client.venue.ladders))
        return f"price_ladder_definition must be one of {known}, was {ladder!r}", {}
    line = getattr(kind, "line_range_info", None)
    if ladder == "LINE_RANGE" and line is None:
        return "line_range_info must be given with the ladder LINE_RANGE, was None", {"price": price}
    if is_on_ladder(price, ladder, line):
        return None
    return f"price must be on the {ladder} ladder, was {price}", {"price": price}


def _fill_fault(kind: LimitOrder) -> Fault | None:
    if kind.time_in_force != "FILL_OR_KILL":
        return f"time_in_force must be FILL_OR_KILL or None, was {kind.time_in_force!r}", {}
    return _amount_fault("min_fill_size", kind.min_fill_size) if kind.min_fill_size else None


def _stake_fault(order: Order, kind: LimitOrder) -> Fault | None:
    client = order.client
    if client is None:
        return "order must have a client, had none", {}
    if client.min_bet_validation is False:
        return None
    least_size = client.min_bet_size
    if least_size is None:
        return None
    size = kind.size or kind.bet_target_size or 0.0
    if size >= least_size:
        return None
    payout, least_payout = round(kind.price * size, 4), client.min_bet_payout
    if least_payout is not None and payout >= least_payout:
        return None
    return (
        f"size must be at least {least_size}, or price times size at least {least_payout}, was {size} at {kind.price}",
        {"size": size, "payout": payout, "min_bet_size": least_size, "min_bet_payout": least_payout},
    )


def _liability_fault(order: Order, liability: float) -> Fault | None:
    client = order.client
    if client is None:
        return "order must have a client, had none", {}
    if client.min_bet_validation is False:
        return None
    is_back = order.side == "BACK"
    least = client.min_bet_size if is_back else client.min_bsp_liability
    if least is None or liability >= least:
        return None
    return (
        f"liability of a {order.side} must be at least {least}, was {liability}",
        {"liability": liability, "min_bet_size" if is_back else "min_bsp_liability": least},
    )
