"""What may be asked of a market: bets, in single requests or grouped in transactions."""

from collections.abc import Callable
from functools import partial
from threading import get_ident
from typing import TYPE_CHECKING, Any, Protocol

from ..clock import Clock
from ..order.order import Order
from ..order.roles import ClientRole
from .feed import Feed

if TYPE_CHECKING:
    from .markets import Markets


class TransactionLike(Protocol):
    """What `market.transaction()` gives: requests are grouped until the `with` block ends."""

    def place_order(
        self, order: Order, market_version: int | None = None, execute: bool = True, force: bool = False
    ) -> bool: ...

    def cancel_order(self, order: Order, size_reduction: float | None = None, force: bool = False) -> bool: ...

    def update_order(self, order: Order, new_persistence_type: str, force: bool = False) -> bool: ...

    def replace_order(
        self, order: Order, new_price: float, market_version: int | None = None, force: bool = False
    ) -> bool: ...

    def execute(self) -> int: ...

    def singly(self) -> "TransactionLike": ...

    def __enter__(self) -> "TransactionLike": ...

    def __exit__(self, *error: object) -> None: ...


class House(Protocol):
    """What a market needs of the framework that it belongs to."""

    clock: Clock
    settings: Any
    markets: "Markets"
    kernel_thread: int

    def open_transaction(
        self,
        market: Any,
        client: ClientRole | None,
        async_place_orders: bool | None,
        customer_strategy_ref: str | None,
    ) -> TransactionLike: ...

    def in_kernel(self, function: Callable[[], bool]) -> bool: ...

    def feed_of(self, stream_id: int | None) -> Feed | None: ...


class Requests:
    """The requests of a market. They may be made on any thread; the framework's answers them."""

    flumine: House
    _transaction_id: int
    _kept: dict[tuple[ClientRole | None, str | None], TransactionLike]
    _kept_settings: Any

    def count_transaction(self) -> None:
        """Count a transaction; placing a replacement counts as one."""
        self._transaction_id += 1

    @property
    def transaction_id(self) -> int:
        """How many transactions there were."""
        return self._transaction_id

    def transaction(
        self,
        async_place_orders: bool | None = None,
        client: ClientRole | None = None,
        customer_strategy_ref: str | None = None,
    ) -> TransactionLike:
        """Group requests: they leave together when the `with` block ends, or at `execute()`.

        :param client: whose account; None is the first client of the framework, and then a strategy that has another
            one cannot place here.
        """
        self.count_transaction()
        return self.flumine.open_transaction(self, client, async_place_orders, customer_strategy_ref)

    def _own_transaction(self, client: ClientRole | None, customer_strategy_ref: str | None = None) -> TransactionLike:
        """Return the transaction of a client's single requests, which is kept as long as the settings are the same."""
        self._transaction_id += 1
        settings = self.flumine.settings
        if settings is not self._kept_settings:
            self._kept, self._kept_settings = {}, settings
        wish = (client, customer_strategy_ref)
        kept = self._kept.get(wish)
        if kept is None:
            kept = self.flumine.open_transaction(self, client, None, customer_strategy_ref).singly()
            self._kept[wish] = kept
        return kept

    def place_order(
        self,
        order: Order,
        market_version: int | None = None,
        execute: bool = True,
        force: bool = False,
        client: ClientRole | None = None,
        customer_strategy_ref: str | None = None,
    ) -> bool:
        """Place one order in a package of its own.

        :param market_version: the bet is lapsed if the market has another version by then.
        :param force: pass the controls by.
        :param client: whose account; None is the strategy's, or else the first client of the framework.
        :returns: False where a control refused it (`order.refusal` says why).
        :raises OrderError: if the order was placed before.
        """
        if get_ident() != self.flumine.kernel_thread:
            return self.flumine.in_kernel(
                partial(self.place_order, order, market_version, execute, force, client, customer_strategy_ref)
            )
        t = self._own_transaction(order.trade.strategy.client if client is None else client, customer_strategy_ref)
        return t.place_order(order, market_version, execute, force)

    def cancel_order(self, order: Order, size_reduction: float | None = None, force: bool = False) -> bool:
        """Cancel an order, or `size_reduction` pounds of it.

        :raises OrderUpdateError: if it cannot be cancelled in its present state.
        """
        if get_ident() != self.flumine.kernel_thread:
            return self.flumine.in_kernel(partial(self.cancel_order, order, size_reduction, force))
        return self._own_transaction(order.client).cancel_order(order, size_reduction, force)

    def update_order(self, order: Order, new_persistence_type: str, force: bool = False) -> bool:
        """Change an order's persistence type.

        :raises OrderUpdateError: if it cannot be updated in its present state.
        """
        if get_ident() != self.flumine.kernel_thread:
            return self.flumine.in_kernel(partial(self.update_order, order, new_persistence_type, force))
        return self._own_transaction(order.client).update_order(order, new_persistence_type, force)

    def replace_order(
        self, order: Order, new_price: float, market_version: int | None = None, force: bool = False
    ) -> bool:
        """Cancel what remains of an order and place it again at another price.

        :raises OrderUpdateError: if it cannot be replaced in its present state.
        """
        if get_ident() != self.flumine.kernel_thread:
            return self.flumine.in_kernel(partial(self.replace_order, order, new_price, market_version, force))
        return self._own_transaction(order.client).replace_order(order, new_price, market_version, force)
