"""Every hook, in the order of a run's life. This file is the manual.

A plugin is a module or object whose functions carry `@hookimpl` and bear a name from here; it may take any subset
of the arguments. Installed in the entry-point group `flumine_core` it is on unless blocked. A `hookimpl(wrapper=True)`
brackets the whole step, plain implementations run in plugin order, and one that raises starves nobody.
"""

from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from ..book.marketbook import MarketBook
    from ..events import CurrentOrdersEvent, CustomEvent
    from ..market.market import Market
    from ..order.package import OrderPackage
    from ..settings import Settings
    from .client import BaseClient
    from .ports import Execution, Framework, Stream
    from .streams import BaseStream

PROJECT = "flumine_core"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


def leaving(since: tuple[int, int], **instead: str) -> dict[str, DeprecationWarning]:
    """Return `warn_on_impl_args` for arguments of a hook that are deprecated: `@hookspec(warn_on_impl_args=...)`.

    Who still takes one is warned when the plugin is registered. A deprecated argument is passed for two more minor
    versions of the plugin contract (`API_VERSION`), and may go with the third.

    :param since: the version of the contract that deprecated them.
    :param instead: argument -> what to use in its place.
    """
    goes = f"{since[0]}.{since[1] + 3}"
    return {
        argument: DeprecationWarning(
            f"argument {argument!r} is deprecated since version {since[0]}.{since[1]} of the plugin contract and may "
            f"go with {goes}: {text}"
        )
        for argument, text in instead.items()
    }


# ---------------------------------------------------------------------------------------------- life


@hookspec
def flumine_configure(settings: "Settings") -> "Settings | None":
    """Called once before a run begins, when configuration file and command line have been applied.

    :param settings: what the run would use; yours to read, `settings.evolve(...)` makes a changed copy.
    Returns: None, or an evolved copy, which the next plugin is given; `config show` names the plugin.
    Order: first of all hooks; before any client, stream or execution is made.
    Rate: once a framework; `simulate` makes one for each file, or group of files.
    Thread: kernel.
    On error: the start fails, naming the plugin.
    """


@hookspec(firstresult=True)
def flumine_make_client(kind: str, options: dict[str, Any]) -> "BaseClient | None":
    """Called for each client that the configuration names.

    :param kind: the client's type in the configuration ("simulated", "betfair", or a plugin's own word).
    :param options: its options, untyped; the maker owns them and raises SettingsError on what it does not know.
    Returns: the first client that is not None.
    Order: before the framework runs, so before flumine_configure; strategies are added after it.
    Rate: once a client.
    Thread: kernel.
    On error: the start fails, naming the plugin.
    """


@hookspec(firstresult=True)
def flumine_make_stream(description: "BaseStream", settings: "Settings") -> "Stream | None":
    """Called for each stream description, to make the stream that brings its events.

    :param description: what a strategy or add_stream asked for; not to be changed.
    :param settings: the run's settings, frozen.
    Returns: the first stream that is not None; where none is made, the run is refused.
    Order: after flumine_start, before the first event.
    Rate: once a description.
    Thread: kernel.
    On error: the start fails, naming the plugin.
    """


@hookspec(firstresult=True)
def flumine_make_execution(client: "BaseClient", settings: "Settings") -> "Execution | None":
    """Called for each client, to make what executes its order packages.

    :param client: the client; not to be changed.
    :param settings: the run's settings, frozen.
    Returns: the first execution that is not None; an equal one may serve several clients.
    Order: after flumine_configure, before strategies start.
    Rate: once a client.
    Thread: kernel.
    On error: the start fails, naming the plugin.
    """


@hookspec(firstresult=True)
def flumine_make_executor(workers: int) -> "Executor | None":
    """Called when a simulation of many markets wants to be spread.

    :param workers: how many markets are to run side by side.
    Returns: the first concurrent.futures.Executor that is not None; its tasks and results are plain data.
    Order: before the first market is simulated; the caller shuts it down.
    Rate: once a run with more than one worker.
    Thread: kernel.
    On error: the start fails, naming the plugin.
    """


@hookspec
def flumine_start(framework: "Framework") -> None:
    """Called when clients, controls, strategies and logging controls are in place.

    :param framework: the running framework; streams, workers and strategies may still be added.
    Returns: ignored.
    Order: after every strategy's start(), before streams are made.
    Rate: once a framework; `simulate` makes one for each file, or group of files.
    Thread: kernel.
    On error: counted under the plugin's name, the run goes on.
    """


# ------------------------------------------------------------------------------------------- process


@hookspec
def flumine_process_raw_data(
    stream_id: int, clk: str | None, publish_time: int, data: list[dict[str, Any]], op: str
) -> None:
    """Called with a data stream's changes as they were received.

    :param stream_id: the stream's number; :param clk: its clock token; :param publish_time: milliseconds since 1970.
    :param data: the changes, each with its own bytes as `raw` where a live stream has brought it; not to be changed.
    :param op: "mcm", "ocm", "rcm" or "ccm": changes of markets, orders, races or cricket matches.
    Returns: ignored.
    Order: before strategies' process_raw_data.
    Rate: once a stream message.
    Thread: kernel.
    On error: counted under the plugin's name, the run goes on.
    """


@hookspec
def flumine_add_market(market: "Market") -> None:
    """Called when a market is seen for the first time.

    :param market: the new market; its context may be written to.
    Returns: ignored.
    Order: after middleware's add_market, before the market's first book is processed.
    Rate: once a market.
    Thread: kernel.
    On error: counted under the plugin's name, the run goes on.
    """


@hookspec
def flumine_process_market_books(market: "Market", market_book: "MarketBook") -> None:
    """Called after a market's book has changed, before any strategy sees it.

    :param market: the market, `market.market_book` is `market_book`; its context may be written to.
    :param market_book: a snapshot that stays as it is for as long as you keep it.
    Returns: ignored.
    Order: after middleware, matching and process_orders; before strategies' check_market_book.
    Rate: once a book that is not CLOSED.
    Thread: kernel.
    On error: counted under the plugin's name, the run goes on.
    """


@hookspec
def flumine_process_market_catalogues(market: "Market", market_catalogue: Any) -> None:
    """Called when a market's catalogue arrives or changes.

    :param market: the market, already holding the catalogue.
    :param market_catalogue: betfairlightweight's MarketCatalogue; not to be changed.
    Returns: ignored.
    Order: before strategies' process_market_catalogue.
    Rate: once a catalogue.
    Thread: kernel.
    On error: counted under the plugin's name, the run goes on.
    """


@hookspec
def flumine_process_current_orders(event: "CurrentOrdersEvent") -> None:
    """Called when reports of an execution arrived as an event and have been applied to their orders.

    :param event: the event with its reports; not to be changed.
    Returns: ignored.
    Order: after the orders changed, before strategies' process_orders.
    Rate: once an event; never in simulation, where reports come with the books.
    Thread: kernel.
    On error: counted under the plugin's name, the run goes on.
    """


@hookspec
def flumine_process_market_orders(market: "Market") -> None:
    """Called when a market has order packages that are about to leave.

    :param market: the market; `market.outbox` holds the packages.
    Returns: ignored.
    Order: after the callback that placed them, before flumine_process_order_package.
    Rate: once a drain of a market's outbox.
    Thread: kernel.
    On error: counted under the plugin's name, the packages leave all the same.
    """


@hookspec
def flumine_process_order_package(order_package: "OrderPackage") -> str | None:
    """Called for each order package just before its execution is given it.

    :param order_package: the package; not to be changed.
    Returns: None lets it pass; text stops it, and each of its orders ends with a refusal of that reason.
    Order: after flumine_process_market_orders, before the execution.
    Rate: once a package.
    Thread: kernel.
    On error: counted under the plugin's name, and the package is stopped: a check that broke has not passed. A
        wrapper stops it by raising before its yield; text that it returns comes too late, and is counted as its error.
    """


@hookspec
def flumine_process_sports_data(market: "Market", sports_data: Any) -> None:
    """Called with a race or cricket update of a market.

    :param market: the market it belongs to.
    :param sports_data: betfairlightweight's Race or CricketMatch; not to be changed.
    Returns: ignored.
    Order: before strategies' check_sports_data.
    Rate: once an update and market.
    Thread: kernel.
    On error: counted under the plugin's name, the run goes on.
    """


@hookspec
def flumine_process_close_market(market: "Market", market_book: "MarketBook | dict[str, Any]") -> None:
    """Called when a market has closed and its orders are settled.

    :param market: the market, with its blotter; orders are not to be changed.
    :param market_book: the closing book, or the raw change where data is only recorded.
    Returns: ignored.
    Order: after settlement, before strategies' process_closed_market.
    Rate: once a closing; again if the market re-opens and closes.
    Thread: kernel.
    On error: counted under the plugin's name, the run goes on.
    """


@hookspec
def flumine_process_cleared_orders(market: "Market", cleared_orders: Any) -> None:
    """Called when a closed market's cleared orders are known.

    :param market: the market; its orders carry what was cleared.
    :param cleared_orders: betfairlightweight's ClearedOrders (without orders in simulation).
    Returns: ignored.
    Order: after strategies' process_closed_market.
    Rate: once a closing.
    Thread: kernel.
    On error: counted under the plugin's name, the run goes on.
    """


@hookspec
def flumine_process_cleared_markets(cleared_markets: Any) -> None:
    """Called when a closed market's profit and commission are known.

    :param cleared_markets: betfairlightweight's ClearedOrders, one record a market.
    Returns: ignored.
    Order: after flumine_process_cleared_orders.
    Rate: once a closing and client.
    Thread: kernel.
    On error: counted under the plugin's name, the run goes on.
    """


@hookspec
def flumine_remove_market(market: "Market") -> None:
    """Called when a market leaves, and what was kept for it may go.

    :param market: the market; in simulation it may open again, as the same object and without another add_market.
    Returns: ignored.
    Order: after middleware's remove_market.
    Rate: once a market, in simulation after each closing.
    Thread: kernel.
    On error: counted under the plugin's name, the run goes on.
    """


@hookspec
def flumine_process_custom_event(event: "CustomEvent") -> None:
    """Called with an event that a custom stream, worker or plugin put on the queue.

    :param event: the event.
    Returns: ignored.
    Order: before the event's own callback.
    Rate: once an event.
    Thread: kernel.
    On error: counted under the plugin's name, the run goes on.
    """


@hookspec
def flumine_process_end_flumine(framework: "Framework") -> None:
    """Called when the run ends, whatever ended it.

    :param framework: the framework; its markets and counts may be read.
    Returns: ignored.
    Order: last of all hooks, after every strategy's finish().
    Rate: once a framework; `simulate` makes one for each file, or group of files.
    Thread: kernel.
    On error: counted under the plugin's name, the rest of the ending goes on.
    """
