"""Requests to the exchange: an order package as it goes out, what each of its orders asks, and what comes back."""

import secrets
from collections.abc import Sequence
from typing import Any

import attrs

from ..events import CurrentOrdersEvent
from ..order.order import Order
from ..order.package import OrderPackage, OrderPackageType
from .login import CallError

OPERATIONS = {
    OrderPackageType.PLACE: "placeOrders",
    OrderPackageType.CANCEL: "cancelOrders",
    OrderPackageType.UPDATE: "updateOrders",
    OrderPackageType.REPLACE: "replaceOrders",
}


@attrs.define(eq=False)
class Ask:
    """What one order of a request asks for, until it is known what became of it.

    :ivar kind: what is asked; None: nothing, its bet is only looked for.
    :ivar size_before: what had been cancelled of the bet before.
    :ivar is_open: False once its outcome is known.
    :ivar is_unknown: the exchange is asked about it.
    :ivar error_code: why the exchange refused it, where the bet must be looked at before the order is told.
    :ivar replacement: of a replace, the new order, once the old bet is known to be cancelled.
    :ivar since: of what no request of this run asked for, when it may last have been sent (a restart).
    :ivar look_at: when to look for it (as of the tracker's clock); `look_wait`: seconds until the look after that.
    :ivar missing: how many looks in a row have not found its bet anywhere.
    :ivar is_looking: a look for it is under way.
    """

    order: Order
    kind: OrderPackageType | None
    request: "Request | None"
    instruction: dict[str, Any] = attrs.field(factory=dict)
    size_before: float = 0.0
    is_open: bool = True
    is_unknown: bool = False
    error_code: str | None = None
    response: Any = None
    replacement: Order | None = None
    since: float = 0.0
    look_at: float = 0.0
    look_wait: float = 0.0
    missing: int = 0
    is_looking: bool = False


@attrs.define(eq=False)
class Request:
    """One call that asks for something, with everything read off the orders when it was made.

    :ivar first_sent, last_ended: when it first left, and when the last call with it ended, in seconds as of
        `time.monotonic`; None before.
    :ivar sends: how often it was sent.
    :ivar is_doubtful: one of the calls may have been carried out although no answer said so.
    :ivar is_sending: a call with it is under way or waits for a thread.
    """

    customer_ref: str
    kind: OrderPackageType
    package: OrderPackage
    params: dict[str, Any]
    asks: list[Ask]
    first_sent: float | None = None
    last_ended: float | None = None
    sends: int = 0
    is_doubtful: bool = False
    is_sending: bool = False

    @property
    def operation(self) -> str:
        """The exchange's name of the call."""
        return OPERATIONS[self.kind]


class AnswerEvent(CurrentOrdersEvent):
    """A call with a request has ended: with a result, or with an error."""

    request: Request = None  # type: ignore[assignment]  # after fields with a default
    result: Any = None
    error: CallError | None = None


class LookEvent(CurrentOrdersEvent):
    """The exchange was asked about orders; `bets` is what it has of them.

    :ivar started: when the question left.
    :ivar error: why there is no answer.
    """

    asks: Sequence[Ask] = ()
    started: float = 0.0
    error: CallError | None = None


class ListEvent(CurrentOrdersEvent):
    """All current orders of an account, after its order stream has connected; then those that were missing there.

    :ivar connection: which connect of the order stream this is of.
    :ivar is_last: nothing more is asked.
    """

    connection: int = 0
    is_last: bool = False
    error: CallError | None = None


class TickEvent(CurrentOrdersEvent):
    """Something is due."""


def make_request(package: OrderPackage, orders: Sequence[Order], customer_strategy_ref: str | None) -> Request:
    """Return the request that a package makes; `orders` are those of it that are still wanted."""
    kind = package.package_type
    request = Request(secrets.token_hex(16), kind, package, {}, [])
    for order in orders:
        request.asks.append(Ask(order, kind, request, _instruction(kind, order), order.size_cancelled))
    request.params = params_of(request, request.asks, customer_strategy_ref)
    return request


def params_of(request: Request, asks: Sequence[Ask], customer_strategy_ref: str | None = None) -> dict[str, Any]:
    """Return the call's parameters for some asks of a request."""
    package, kind = request.package, request.kind
    if not asks:
        raise ValueError("a request must have instructions: without any, Betfair cancels everything")
    params: dict[str, Any] = {
        "marketId": package.market_id,
        "instructions": [ask.instruction for ask in asks],
        "customerRef": request.customer_ref,
    }
    if package.market_version is not None and kind in (OrderPackageType.PLACE, OrderPackageType.REPLACE):
        params["marketVersion"] = {"version": package.market_version}
    if kind is OrderPackageType.PLACE:
        if customer_strategy_ref:
            params["customerStrategyRef"] = customer_strategy_ref[:15]
        if package.is_async:
            params["async"] = True
    return params


def _instruction(kind: OrderPackageType, order: Order) -> dict[str, Any]:
    if kind is OrderPackageType.PLACE:
        made = order.create_place_instruction()
    elif kind is OrderPackageType.CANCEL:
        made = order.create_cancel_instruction()
    elif kind is OrderPackageType.UPDATE:
        made = order.create_update_instruction()
    else:
        made = order.create_replace_instruction()
    return _without_nulls(made)


def _without_nulls(value: dict[str, Any]) -> dict[str, Any]:
    return {
        key: _without_nulls(item) if isinstance(item, dict) else item for key, item in value.items() if item is not None
    }
