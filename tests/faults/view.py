"""What a scenario asks of a framework and sees of it, the same for this one and for any other."""

from contextlib import AbstractContextManager
from typing import Protocol

from msgspec import Struct


class Terms(Struct, frozen=True, kw_only=True):
    """What an order asks for; sizes in the account's currency, prices in decimal odds."""

    price: float = 3.0
    size: float = 2.0
    side: str = "BACK"
    runner: int = 11
    market: str = "1.200000001"
    persistence: str = "LAPSE"
    time_in_force: str | None = None
    min_fill_size: float | None = None


class OrderView(Struct, frozen=True, kw_only=True):
    """One order as its framework has it.

    :ivar ref: customerOrderRef. `trade` names the trade: a replacement has that of the order in whose place it is.
    :ivar is_ours: False: a bet that was placed by hand.
    :ivar statuses: all there were, the last is the present one.
    """

    id: str
    ref: str
    trade: str
    bet_id: str | None
    market: str
    selection: int
    side: str
    price: float
    status: str
    statuses: tuple[str, ...]
    complete: bool
    matched: float
    average: float
    remaining: float
    cancelled: float
    lapsed: float
    voided: float
    persistence: str
    is_ours: bool = True
    profit: float | None = None
    cleared_profit: float | None = None
    why: str = ""


class BookView(Struct, frozen=True, kw_only=True):
    """One market's book as strategies see it: selection id -> atb or atl -> price -> size, without empty levels."""

    status: str
    version: int
    inplay: bool
    ladders: dict[int, dict[str, dict[float, float]]]
    is_stale: bool = False
    has_catalogue: bool = False


class Framework(Protocol):
    """A framework that trades on the exchange, and does what a scenario tells it.

    :ivar is_ours: it is flumine_core.
    :ivar factor: its waits are so many times those of real life.
    :ivar patience: seconds within which it is to come to its end; `read_timeout`: after which it gives up a call.
    """

    is_ours: bool
    factor: float
    patience: float
    read_timeout: float

    def start(self) -> None:
        """Run, and return when the first book has come."""
        ...

    def stop(self) -> None:
        """Stop in order."""
        ...

    def kill(self) -> None:
        """Die without a word."""
        ...

    def place(self, orders: list[Terms], is_async: bool, version: int | None) -> list[tuple[str | None, str]]:
        """Place orders in one call; return the id of each, or None and why it was refused."""
        ...

    def cancel(self, ids: list[str], size_reduction: float | None) -> list[str]:
        """Ask to cancel orders in one call; return of each why it could not be asked for, or nothing."""
        ...

    def update(self, id: str, persistence: str) -> str:
        """Ask for another persistence."""
        ...

    def replace(self, id: str, price: float) -> str:
        """Ask for another price."""
        ...

    def orders(self) -> list[OrderView]:
        """Return every order that it has."""
        ...

    def exposures(self) -> dict[str, float]:
        """Return the worst loss of each selection with orders: "market/selection" -> money."""
        ...

    def books(self) -> dict[str, BookView]:
        """Return the markets that it has, those that are open or suspended."""
        ...

    def seen(self) -> list[tuple[str, tuple[float, ...]]]:
        """Return the books that the strategy was given: market, and the size at the best back price of each runner."""
        ...

    def stall(self, seconds: float) -> None:
        """Have the strategy do nothing but wait for so long; return when it has begun."""
        ...

    def frozen(self) -> AbstractContextManager[None]:
        """Have its whole process stand still for a block: it reads nothing and sends nothing."""
        ...

    def lose_name(self, host: str, is_lost: bool) -> int:
        """Have a host name fail to resolve there, or no more; return how many lookups have failed so far."""
        ...

    def troubles(self) -> list[str]:
        """Return what it has told of streams that failed."""
        ...

    def is_running(self) -> bool:
        """Whether it runs and hears its streams' threads."""
        ...
