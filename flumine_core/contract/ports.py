"""The two ends of a framework and what it shows to plugins, as protocols."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from ..events import CurrentOrdersEvent, Event
from ..order.report import Report

if TYPE_CHECKING:
    from ..book.marketbook import MarketBook
    from ..clock import Clock
    from ..market.market import Market
    from ..market.markets import Markets
    from ..order.package import OrderPackage
    from ..settings import Settings


@runtime_checkable
class Stream(Protocol):
    """A source of events.

    Under a recorded run the kernel iterates it; under a live run it is iterated on a thread of its own and what it
    yields is put on the kernel's queue. The live end's own streams lend their connections to the kernel's thread.
    """

    def __iter__(self) -> Iterator[Event]:
        """Yield events in the order of their publish times."""
        ...

    def stop(self) -> None:
        """End the iteration within a second, from any thread."""
        ...


@runtime_checkable
class Execution(Protocol):
    """A sink of order packages. It never changes an order: it reports.

    One that keeps something of each market may have `forget_market(market)`, too: it is called when a closed market
    leaves a live run, and reports on each request there that will never be executed.
    """

    def submit(self, package: "OrderPackage") -> None:
        """Take a package; return at once."""
        ...

    def before_book(self, market: "Market", book: "MarketBook") -> Sequence[Report]:
        """Release what is due before `book` is seen: `market.market_book` is still the previous one."""
        ...

    def after_book(self, market: "Market", book: "MarketBook") -> Sequence[Report]:
        """Report what `book`, now `market.market_book`, did to bets at the exchange."""
        ...

    def process_current_orders(self, event: CurrentOrdersEvent) -> Iterable[Report]:
        """Report what the bets of an order stream's event mean for the orders of the event's client.

        Each report is applied before the next one is taken.
        """
        ...

    def close_market(self, market: "Market") -> None:
        """Take note that a market has closed and is settled."""
        ...

    def end_stream(self) -> Iterable[Report]:
        """Report on each request that will never be executed, since its stream has ended."""
        ...

    def shutdown(self) -> None:
        """Release threads and connections."""
        ...


class Framework(Protocol):
    """What strategies, controls, workers and plugins may use of the running framework."""

    settings: "Settings"
    clock: "Clock"
    markets: "Markets"
    clients: Any
    strategies: Any
    trading_controls: list[Any]
    cleared_market_queue: Any

    def add_client(self, client: Any) -> None:
        """Add a client; the first is the default."""
        ...

    def add_strategy(self, strategy: Any) -> None:
        """Add a strategy and its streams, at the latest in `flumine_start`."""
        ...

    def add_stream(self, stream: Any) -> None:
        """Add a stream description or a stream, at the latest in `flumine_start`."""
        ...

    def add_worker(self, worker: Any) -> None:
        """Add a background worker."""
        ...

    def add_trading_control(self, trading_control: Any, **options: Any) -> None:
        """Add a trading control, a class with options or an instance."""
        ...

    def add_client_control(self, client: Any, client_control: Any, **options: Any) -> None:
        """Add a client control, a class with options or an instance."""
        ...

    def add_market_middleware(self, middleware: Any) -> None:
        """Add market middleware."""
        ...

    def add_logging_control(self, logging_control: Any) -> None:
        """Add a logging control."""
        ...

    def subscriptions_changed(self) -> None:
        """Take note that a strategy's streams are others now."""
        ...

    def log_control(self, event: Event) -> None:
        """Hand an event to the logging controls."""
        ...

    def post(self, event: Event) -> None:
        """Put an event on the kernel's queue, from any thread."""
        ...
