"""One class for each event: the twelve nouns of the kernel, and what is only logged."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import attrs
from msgspec import Struct
from msgspec.structs import asdict

from .order.kinds import OrderKind
from .order.refusal import Refusal
from .order.report import Report
from .order.snapshot import OrderSnapshot
from .order.told import ToldCopy

if TYPE_CHECKING:
    from .book.marketbook import MarketBook
    from .market.market import Market
    from .order.package import OrderPackage

Plain = dict[str, Any]
"""Plain data, copied when the event was made: text, numbers, lists and dicts."""


def described(copy: Plain | OrderSnapshot) -> Plain:
    """Return a copy as plain values, which also read like the order."""
    return copy if isinstance(copy, dict) else ToldCopy(copy)


class Event:
    """Root of all events."""

    __slots__ = ()

    __match_args__: ClassVar[tuple[str, ...]]

    @property
    def info(self) -> Plain:
        """What the event tells as plain values, for logs: its fields by name; a description is taken apart."""
        told: Plain = {}
        for name in type(self).__match_args__:
            value = getattr(self, name)
            told |= value if isinstance(value, dict) else {name: value}
        return told


class PlainEvent(Struct, Event, eq=False):
    """Root of the events that are nothing but their fields, and so are cheap to make."""


class RawDataEvent(PlainEvent):
    """A data stream's message as it was received; `publish_time` in milliseconds since 1970.

    :ivar data: the changes; those of a live stream have their own bytes as `raw`.
    :ivar op: "mcm", "ocm", "rcm" or "ccm": changes of markets, orders, races or cricket matches.
    """

    stream_id: int
    clk: str | None
    publish_time: int
    data: list[Plain]
    op: str = "mcm"

    @property
    def event(self) -> tuple[int, str | None, int, list[Plain]]:
        """What flumine gives: stream id, clk, publish time and the changes."""
        return self.stream_id, self.clk, self.publish_time, self.data


@attrs.define(eq=False)
class MarketBooksEvent(Event):
    """Books of markets that changed, in the order of their changes."""

    market_books: list["MarketBook"]

    @property
    def event(self) -> list["MarketBook"]:
        """The books, as flumine names them."""
        return self.market_books

    @event.setter
    def event(self, market_books: list["MarketBook"]) -> None:
        self.market_books = market_books


class MarketCataloguesEvent(PlainEvent):
    """Market catalogues, new or changed."""

    market_catalogues: Sequence[Any]

    @property
    def event(self) -> Sequence[Any]:
        """The catalogues, as flumine names them."""
        return self.market_catalogues


class CurrentOrdersEvent(PlainEvent):
    """Reports of an execution, or what the exchange's order stream says of bets.

    :ivar bets: bets as the exchange has them (`flumine_core.live.bet.Bet`), for the execution of `client`.
    :ivar client: whose order stream it is; None where there are reports alone.
    :ivar is_image: `bets` are all that the exchange still holds open, in answer to a subscription.
    :ivar is_connected: True: the stream has connected, and may have missed something; False: it has dropped;
        None: neither.
    """

    reports: Sequence[Report] = ()
    bets: Sequence[Any] = ()
    client: Any = None
    is_image: bool = False
    is_connected: bool | None = None


class MarketOrdersEvent(PlainEvent):
    """A market with order packages that are about to leave."""

    market: "Market"


class OrderPackageEvent(PlainEvent):
    """An order package that is about to leave."""

    order_package: "OrderPackage"


class SportsDataEvent(PlainEvent):
    """Race or cricket updates of one stream."""

    sports_data: Sequence[Any]
    streaming_unique_id: int

    @property
    def event(self) -> Sequence[Any]:
        """The updates, as flumine names them."""
        return self.sports_data


@attrs.define(eq=False)
class CloseMarketEvent(Event):
    """A market's closing book, or the raw change that closed it."""

    market_book: Any
    streaming_unique_id: int | None = None

    @property
    def event(self) -> Any:
        """The closing book, as flumine names it."""
        return self.market_book


class ClearedOrdersEvent(PlainEvent):
    """A closed market's cleared orders (betfairlightweight's ClearedOrders)."""

    market_id: str
    cleared_orders: Any

    @property
    def event(self) -> Any:
        """The cleared orders, as flumine names them."""
        return self.cleared_orders


class ClearedMarketsEvent(PlainEvent):
    """Profit and commission of closed markets (betfairlightweight's ClearedOrders); `client`: whose, by username."""

    cleared_markets: Any
    client: str | None = None

    @property
    def event(self) -> Any:
        """Profit and commission, as flumine names them."""
        return self.cleared_markets


@attrs.define(eq=False)
class CustomEvent(Event):
    """An event of a user's own: `callback(framework, event)` runs on the kernel's thread."""

    event: Any = None
    callback: Callable[[Any, "CustomEvent"], Any] | None = None


def _stop(flumine: Any, event: CustomEvent) -> None:
    flumine.stop()


def TerminationEvent(event: Any = None) -> CustomEvent:
    """Return an event that stops a live run once it is processed, as flumine's; `flumine.stop()` does so at once."""
    return CustomEvent(event, _stop)


class EndFlumineEvent(PlainEvent):
    """The run ends: its streams have ended, it was stopped, or an exception ended it."""

    reason: str = "end of streams"

    @property
    def event(self) -> str:
        """The reason; flumine gives the framework, which a logging control on a thread of its own cannot use."""
        return self.reason


class ConfigEvent(PlainEvent):
    """The settings that a run uses."""

    event: Plain


class StrategyEvent(PlainEvent):
    """A strategy was added."""

    event: Plain


class MarketEvent(PlainEvent):
    """A market was added, or its catalogue arrived."""

    event: Plain


class TradeEvent(PlainEvent, gc=False):
    """The first order of a trade was placed."""

    event: Plain


class _OfOrder(PlainEvent, gc=False):
    order: Plain | OrderSnapshot

    @property
    def event(self) -> Plain:
        """The order as plain values, as it was when the event was made; made anew whenever it is asked for."""
        return described(self.order)

    @property
    def info(self) -> Plain:
        """The order as plain values."""
        return self.event


class OrderEvent(_OfOrder, gc=False):
    """An order was accepted by the exchange."""


class OrderStatusEvent(_OfOrder, gc=False):
    """An order's status changed."""


class RefusalEvent(PlainEvent, gc=False):
    """An order was refused: control, reason and numbers; `epoch_ms` is when, milliseconds since 1970.

    :ivar trade_id, handicap, side, order_type: of the order, as it was refused.
    """

    event: Refusal
    epoch_ms: int
    trade_id: str
    handicap: float
    side: str
    order_type: OrderKind

    @property
    def info(self) -> Plain:
        """The refusal and its order as plain values, for logs."""
        told = {name: getattr(self, name) for name in ("epoch_ms", "trade_id", "handicap", "side")}
        refusal = asdict(self.event) | {"package_type": self.event.package_type.value}
        return refusal | told | {"order_type": self.order_type.info}


class BalanceEvent(PlainEvent):
    """A client's account funds."""

    event: Plain


class ClearedOrdersMetaEvent(PlainEvent):
    """All orders of a closed market; `event` are their descriptions, made anew whenever they are asked for."""

    orders: Sequence[Plain | OrderSnapshot]

    @property
    def event(self) -> list[Plain]:
        """The orders as plain values, as they were when the event was made."""
        return [described(order) for order in self.orders]

    @property
    def info(self) -> Plain:
        """The orders as plain values."""
        return {"orders": self.event}


NOUNS = (
    "raw_data",
    "market_books",
    "market_catalogues",
    "current_orders",
    "market_orders",
    "order_package",
    "sports_data",
    "close_market",
    "cleared_orders",
    "cleared_markets",
    "custom_event",
    "end_flumine",
)
"""What the kernel processes: event class, hook, kernel method and logging handler bear these names."""

LOGGED_NOUNS = (
    "config",
    "strategy",
    "market",
    "trade",
    "order",
    "order_status",
    "refusal",
    "balance",
    "cleared_orders_meta",
)
"""What is only logged."""


def event_class(noun: str) -> type[Event]:
    """Return the event class of a noun."""
    name = "".join(part.capitalize() for part in noun.split("_"))
    found = globals().get(f"{name}Event", globals().get(name))
    if not (isinstance(found, type) and issubclass(found, Event)):
        raise LookupError(f"no event class for {noun!r}")
    return found


EVENT_NOUNS: dict[type[Event], str] = {event_class(noun): noun for noun in (*NOUNS, *LOGGED_NOUNS)}
"""Event class -> noun."""
