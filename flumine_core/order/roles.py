"""What an order needs of a strategy and of a client, named by role."""

from collections.abc import Sequence
from typing import Any, Protocol

from ..clock import Clock

NAME_HASH_LENGTH = 13
"""Letters of a strategy's name hash, which opens each customer order reference."""


class RunnerContextRole(Protocol):
    """A strategy's memory of one selection."""

    def place(self, trade_id: str) -> None:
        """Note that an order of this trade was accepted."""
        ...

    def reset(self, trade_id: str) -> None:
        """Note that this trade is complete."""
        ...


class StrategyRole(Protocol):
    """A strategy, as its orders and controls see it; limits in the account's currency, None = no limit."""

    @property
    def name(self) -> str: ...

    @property
    def name_hash(self) -> str: ...

    @property
    def clock(self) -> Clock: ...

    @property
    def order_sep(self) -> str:
        """What stands between strategy hash and order id in a customerOrderRef."""
        ...

    @property
    def client(self) -> Any:
        """Whose account its orders go to; None: the framework's first."""
        ...

    @property
    def max_order_exposure(self) -> float | None: ...

    @property
    def max_selection_exposure(self) -> float | None: ...

    @property
    def max_market_exposure(self) -> float | None: ...

    def next_order_id(self, market_id: str) -> str:
        """Return an id for an order, unique among all orders of the run."""
        ...

    def next_trade_id(self, market_id: str) -> str:
        """Return an id for a trade, unique among all trades of the run."""
        ...

    def get_runner_context(self, market_id: str, selection_id: int, handicap: float = 0) -> RunnerContextRole:
        """Return the strategy's memory of a selection, made where there is none."""
        ...

    # an override names its own classes, so the role asks for any
    def validate_order(self, runner_context: Any, order: Any) -> bool:
        """Return False to refuse an order, having put the reason into `order.violation_msg`."""
        ...


class ClientRole(Protocol):
    """A client (an account at a venue), as orders, controls and executions see it."""

    @property
    def username(self) -> str: ...

    @property
    def venue(self) -> Any: ...

    @property
    def is_on_paper(self) -> bool: ...

    @property
    def best_price_execution(self) -> bool: ...

    @property
    def simulated_full_match(self) -> bool: ...

    @property
    def min_bet_validation(self) -> bool: ...

    @property
    def min_bet_size(self) -> float | None: ...

    @property
    def min_bet_payout(self) -> float | None: ...

    @property
    def min_bsp_liability(self) -> float | None: ...

    @property
    def commission_base(self) -> float: ...

    @property
    def transaction_limit(self) -> int | None: ...

    @property
    def trading_controls(self) -> Sequence[Any]: ...

    def accept(self, order: Any, package_type: Any) -> None:
        """Tell the client's controls that a request was accepted."""
        ...

    def release(self, order: Any, package_type: Any) -> None:
        """Tell the client's controls that an accepted request will not be counted by the exchange after all."""
        ...

    def add_transaction(self, count: int, failed: bool = False) -> None:
        """Tell the client's controls that the exchange has counted transactions."""
        ...
