"""Requests on their way out: controls, then packages. The only maker of order packages."""

from collections.abc import Callable
from threading import get_ident
from typing import TYPE_CHECKING, Any, Protocol

from ..clock import Clock
from ..errors import ExecutionError, OrderError, survivable
from ..order.numbers import plain_number
from ..order.order import Order
from ..order.package import OrderPackage, OrderPackageType, chunk_orders
from ..order.refusal import Refusal
from ..order.roles import ClientRole
from ..order.snapshot import MarketPrices

if TYPE_CHECKING:
    from ..market.market import Market
    from ..order.trade import Trade


_PLACE = OrderPackageType.PLACE

Check = Callable[[Order, OrderPackageType], Refusal | None]
"""What a control says of a request: None, or why not."""


class Gate(Protocol):
    """What a transaction needs of the kernel."""

    clock: Clock
    kernel_thread: int
    """Ident of the thread that owns orders."""

    def controls_for(self, client: ClientRole) -> tuple[tuple[Any, Check], ...]:
        """Return the controls that a request of this client must pass, in order, each with its check."""
        ...

    def control_raised(
        self, control: Any, error: BaseException, order: Order, package_type: OrderPackageType
    ) -> Refusal:
        """Return the refusal of a request that a control raised on."""
        ...

    def next_package_id(self) -> int:
        """Return the number of the next package."""
        ...

    def refuse(self, order: Order, refusal: Refusal) -> None:
        """Take note of a refusal."""
        ...

    def stop_request(self, order: Order, package_type: OrderPackageType, reason: str) -> None:
        """Refuse a request that all controls had accepted, since the transaction will not send it."""
        ...

    def trade_placed(self, trade: "Trade") -> None:
        """Take note that the first order of a trade was placed."""
        ...

    def sent(self, market: "Market") -> None:
        """Take note that a market has packages in its outbox."""
        ...

    def drain(self) -> None:
        """Hand the packages of all outboxes to their executions now."""
        ...

    def keep_open(self, transaction: "Transaction") -> None:
        """Take note of a transaction that is not in a `with` block and has requests."""
        ...


class Transaction:
    """Requests of one client on one market, grouped.

    Each request passes the controls at once, so the caller learns True or False; what was accepted leaves in packages
    of at most 200 placings and 60 cancels, updates or replaces when the `with` block ends (also when it raises) or
    at `execute()`.

    :param is_default: nobody has named the client: it is the framework's first, and a strategy that has an account
        of its own cannot place with it.
    :ivar requests: what was accepted and not sent, each with the market version that it is meant for.
    """

    __slots__ = (
        "_client",
        "_gate",
        "_is_async",
        "_is_default",
        "_is_entered",
        "_is_grouping",
        "_market",
        "customer_strategy_ref",
        "requests",
    )

    def __init__(
        self,
        market: "Market",
        client: ClientRole,
        gate: Gate,
        is_async: bool = False,
        customer_strategy_ref: str | None = None,
        is_default: bool = False,
    ) -> None:
        self._market = market
        self._client = client
        self._gate = gate
        self._is_async = is_async
        self._is_default = is_default
        self._is_entered = False
        self._is_grouping = True
        self.customer_strategy_ref = customer_strategy_ref
        self.requests: dict[OrderPackageType, list[tuple[Order, int | None]]] = {}

    def place_order(
        self, order: Order, market_version: int | None = None, execute: bool = True, force: bool = False
    ) -> bool:
        """Place an order; see `Market.place_order`.

        :param execute: False enters the order in the blotter and sends nothing.
        """
        market = self._market
        blotter = market.blotter
        self._check_market(order)
        if blotter.has_order(order.id):
            if blotter[order.id] is not order:
                raise OrderError(f"strategy {order.trade.strategy.name} was not added: it counts order ids of its own")
            raise OrderError(f"order {order.id} has already been placed")
        if self._is_default and (strategy := order.trade.strategy).client not in (None, self._client):
            raise OrderError(
                f"strategy {strategy.name} trades as {strategy.client.username}, the transaction as "
                f"{self._client.username}: name the account, market.transaction(client=...)"
            )
        order.client = self._client
        if execute and not force and not self._passes(order, _PLACE):
            return False
        order.place(market.publish_ms, market_version, self._is_async)
        is_new_trade = not blotter.has_trade(order.trade)
        blotter[order.id] = order
        order.market_prices = market_prices(market, order)
        if order.trade.market_prices is None:
            order.trade.market_prices = order.market_prices
        if is_new_trade:
            self._gate.trade_placed(order.trade)
        if execute:
            order.trade.strategy.get_runner_context(*order.lookup).place(order.trade.id)
            self._accept(order, _PLACE, market_version)
        else:
            blotter.unsent.add(order.id)
        return True

    def cancel_order(self, order: Order, size_reduction: float | None = None, force: bool = False) -> bool:
        """Cancel an order; see `Market.cancel_order`."""
        size_reduction = plain_number(size_reduction)
        self._check_own(order)
        if not force and not self._passes(order, OrderPackageType.CANCEL):
            return False
        order.cancel(size_reduction)
        self._accept(order, OrderPackageType.CANCEL)
        return True

    def update_order(self, order: Order, new_persistence_type: str, force: bool = False) -> bool:
        """Update an order; see `Market.update_order`."""
        self._check_own(order)
        if not force and not self._passes(order, OrderPackageType.UPDATE):
            return False
        order.update(new_persistence_type)
        self._accept(order, OrderPackageType.UPDATE)
        return True

    def replace_order(
        self, order: Order, new_price: float, market_version: int | None = None, force: bool = False
    ) -> bool:
        """Replace an order; see `Market.replace_order`."""
        new_price = plain_number(new_price)
        self._check_own(order)
        if not force:
            wish = order.update_data.get("new_price")
            order.update_data["new_price"] = new_price
            try:
                passes = self._passes(order, OrderPackageType.REPLACE)
            finally:
                if wish is None:
                    del order.update_data["new_price"]
                else:
                    order.update_data["new_price"] = wish
            if not passes:
                return False
        order.replace(new_price)
        self._accept(order, OrderPackageType.REPLACE, market_version)
        return True

    def singly(self) -> "Transaction":
        """Put each request into the outbox at once from now on, in a package of its own; return the transaction."""
        self._is_grouping = False
        return self

    def execute(self) -> int:
        """Send what was accepted so far; return the number of packages."""
        count = self.send()
        if count:
            self._gate.drain()
        return count

    def send(self) -> int:
        """Put what was accepted so far into the market's outbox, to leave after the callback; return the packages."""
        requests = self.requests
        if not requests:
            return 0
        outbox = self._market.outbox
        before = len(outbox)
        asked = requests if len(requests) == 1 else [each for each in OrderPackageType if each in requests]
        for package_type in asked:
            self._make(package_type, requests[package_type])
        self.requests = {}
        self._gate.sent(self._market)
        return len(outbox) - before

    def _make(self, package_type: OrderPackageType, requests: list[tuple[Order, int | None]]) -> None:
        if package_type is not _PLACE:
            requests = [each for each in requests if not self._is_too_late(each[0], package_type)]
        for version, orders in chunk_orders(requests, self._client.venue.order_limit(package_type)):
            self._put_out(package_type, orders, version)

    def _is_too_late(self, order: Order, package_type: OrderPackageType) -> bool:
        """Refuse a request whose order has become complete since: it has forgotten what was asked."""
        if not order.complete:
            return False
        verb = package_type.value.lower()
        reason = f"the order was complete before the transaction was executed: there is nothing to {verb}"
        self._gate.stop_request(order, package_type, reason)
        return True

    def _put_out(self, package_type: OrderPackageType, orders: tuple[Order, ...], version: int | None) -> None:
        market, gate = self._market, self._gate
        market.outbox.append(
            OrderPackage(
                gate.next_package_id(),
                self._client,
                market.market_id,
                orders,
                package_type,
                gate.clock.epoch_ms,
                market.bet_delay,
                version,
                self.customer_strategy_ref,
                self._is_async and package_type is _PLACE,
            )
        )

    def _passes(self, order: Order, package_type: OrderPackageType) -> bool:
        for control, check in self._gate.controls_for(self._client):
            try:
                refusal = check(order, package_type)
            except OrderError:
                raise
            except survivable() as error:
                refusal = self._gate.control_raised(control, error, order, package_type)
            if refusal is not None:
                order.refusal = refusal
                if package_type is _PLACE:
                    order.violation(refusal.message)
                else:
                    order.violation_msg = refusal.message
                self._gate.refuse(order, refusal)
                return False
        return True

    def abandon(self) -> list[tuple[Order, OrderPackageType]]:
        """Give up what was accepted and not sent; return it."""
        requests, self.requests = self.requests, {}
        return [
            (order, package_type) for package_type in OrderPackageType for order, _ in requests.get(package_type, ())
        ]

    def _accept(self, order: Order, package_type: OrderPackageType, market_version: int | None = None) -> None:
        self._client.accept(order, package_type)
        if not self._is_grouping:
            self._put_out(package_type, (order,), market_version)
            self._gate.sent(self._market)
            return
        if not self._is_entered:
            self._gate.keep_open(self)
        self.requests.setdefault(package_type, []).append((order, market_version))

    def _check_own(self, order: Order) -> None:
        self._check_market(order)
        if order.client is not self._client:
            raise OrderError(
                f"order {order.id} belongs to client {getattr(order.client, 'username', None)}, "
                f"the transaction to {self._client.username}"
            )

    def _check_market(self, order: Order) -> None:
        if get_ident() != self._gate.kernel_thread:
            raise _of_another_thread()
        market_id = self._market.market_id
        if order.market_id != market_id:
            raise OrderError(f"order {order.id} is of market {order.market_id}, the transaction of {market_id}")

    def __enter__(self) -> "Transaction":
        self._is_entered = True
        return self

    def __exit__(self, *error: object) -> None:
        self._is_entered = False
        self.send()


def _of_another_thread() -> ExecutionError:
    return ExecutionError(
        "a transaction belongs to the framework's thread while that runs; from another one use market.place_order and "
        "its kin"
    )


def market_prices(market: "Market", order: Order) -> MarketPrices | str:
    """Return the prices of the order's runner as they stand, an empty text where there is no such runner."""
    book = market.latest_book
    runner = None if book is None else book.runner(order.selection_id, order.handicap)
    if runner is None:
        return ""
    back, lay = runner.ex.available_to_back, runner.ex.available_to_lay
    return (back[0].price if back else None, lay[0].price if lay else None, runner.last_price_traded)
