"""From a run as plain data to a framework, one that simulates a unit of it, and from that to rows of results."""

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from .clock import to_datetime
from .contract.client import BaseClient, BetfairClient, SimulatedClient
from .contract.loggingcontrol import LoggingControl, check_whole
from .contract.strategy import BaseStrategy
from .contract.streams import MARKET_FILTER_KEYS, RECORDED_FILTER_KEYS, check_filter
from .errors import DiscoveryError, FlumineCoreError, SettingsError
from .hint import did_you_mean, one_line
from .kernel.discovery import Discovery, describe_circle, ordered, wished_names
from .kernel.foreign import named_if_interrupted
from .kernel.guard import Faults
from .kernel.plan import Plan
from .kernel.session import Session
from .live.client import betfair_client
from .options import arguments_for, options_of
from .order.order import Order
from .order.states import OrderStatus
from .plain import Named, Result, Row, Run, Unit
from .relay import Relay
from .session import FlumineSimulation
from .settings import Settings

CLIENTS: dict[str, Callable[..., BaseClient]] = {"simulated": SimulatedClient, "betfair": betfair_client}
"""Client types of the house; `flumine_make_client` is asked first."""

GIVEN: dict[str, tuple[str, ...]] = {
    "strategies": (),
    "trading_controls": ("flumine",),
    "client_controls": ("flumine", "client"),
    "middleware": ("flumine",),
    "workers": ("flumine",),
    "logging_controls": (),
}
"""Arguments of constructors that the house passes itself, by kind."""

FILTERS = ("listener_kwargs", "market_types", "country_codes")
"""Keys of a strategy's market filter that win over those of the run; grouping is the run's alone."""


class Assembly:
    """A framework with everything that a run names.

    A strategy, middleware or worker that cannot be made is left out and counted under its name.
    A control or client that cannot be made stops the start: nothing runs without what was to guard it.

    :param flumine: a framework that nothing was added to yet.

    :raises FlumineCoreError: on an unknown name, an option that does not fit, two strategies of one name, or a control
        or client that cannot be made.
    """

    def __init__(
        self, run: Run, discovery: Discovery, flumine: Session, logging_controls: Iterable[LoggingControl]
    ) -> None:
        self.run = run
        self.discovery = discovery
        self.flumine = flumine
        self._named_controls: list[Any] = []
        for client in run.clients:
            self.flumine.add_client(self._client(client))
        for control in run.trading_controls:
            self._add_control(control)
        for control in run.client_controls:
            self._add_client_control(control)
        for middleware in _in_wished_order(self._optional("middleware", run.middleware)):
            self.flumine.add_market_middleware(middleware)
        for _, worker in self._optional("workers", run.background_workers):
            self.flumine.add_worker(worker)
        for logging_control in logging_controls:
            self.flumine.add_logging_control(logging_control)
        self._add_strategies()

    def _client(self, named: Named) -> BaseClient:
        options = dict(named.options)
        made = None
        if self.discovery.has_hook("flumine_make_client"):
            plan = Plan(self.discovery.load_hook_plugins(), (), self.flumine.faults)
            made = plan.make("client", kind=named.name, options=options)
        if made is not None:
            if not isinstance(made, BaseClient):
                maker = plan.maker("client", made)
                raise SettingsError(f"client {named.name!r}: {maker} must give a BaseClient, was {made!r}")
            return made
        if named.name not in CLIENTS:
            raise SettingsError(f"no client type {named.name!r}{did_you_mean(named.name, CLIENTS)}")
        target = CLIENTS[named.name]
        return self._made_client(target, arguments_for(f"client {named.name!r}", target, options))

    def _made_client(self, target: Callable[..., BaseClient], arguments: dict[str, Any]) -> BaseClient:
        return target(**arguments)

    def _control_of(self, kind: str, named: Named, given: dict[str, Any]) -> tuple[Any, Any]:
        target, arguments = _target(kind, named, self.discovery)
        takes = options_of(target)
        passed = {name: value for name, value in given.items() if name in takes}
        try:
            with named_if_interrupted(f"{named.name!r} of {kind} was made"):
                return target, target(**passed, **arguments)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            raise SettingsError(f"{kind} {named.name!r} cannot be made: {one_line(error)}") from error

    def _add_control(self, named: Named) -> None:
        target, control = self._control_of("trading_controls", named, {"flumine": self.flumine})
        self._drop_default(self.flumine.trading_controls, target, control)
        self.flumine.add_trading_control(control)

    def _add_client_control(self, named: Named) -> None:
        clients: Iterable[BaseClient] = self.flumine.clients
        if named.client is not None:
            clients = [self.flumine.clients.get_client(named.client)]
        for client in clients:
            given = {"flumine": self.flumine, "client": client}
            target, control = self._control_of("client_controls", named, given)
            self._drop_default(client.trading_controls, target, control)
            self.flumine.add_client_control(client, control)

    def _drop_default(self, controls: list[Any], target: Any, control: Any) -> None:
        """Take out the house's own control of a class that the run names, so that its options hold."""
        self._named_controls.append(control)
        if inspect.isclass(target):
            named = set(map(id, self._named_controls))
            controls[:] = [each for each in controls if id(each) in named or type(each) is not target]

    def _optional(self, kind: str, all_named: Iterable[Named]) -> Iterator[tuple[str, Any]]:
        """Make things that the run can do without; yield each with its name."""
        for named in all_named:
            made = self._guarded(kind, named)
            if made is not None:
                yield named.name, made

    def _guarded(self, kind: str, named: Named) -> Any:
        return _made(kind, named, self.discovery, self.flumine.faults, {"flumine": self.flumine})

    def _add_strategies(self) -> None:
        names: set[str] = set()
        for named in self.run.strategies:
            client = named.options.get("client")
            if isinstance(client, str):
                options = {**named.options, "client": self.flumine.clients.get_client(client)}
                named = Named(named.name, options)
            strategy = self._guarded("strategies", named)
            if strategy is None:
                continue
            if not isinstance(strategy, BaseStrategy):
                raise SettingsError(f"strategy {named.name!r} must be a BaseStrategy, was {strategy!r}")
            if not hasattr(strategy, "_contexts"):
                fault = SettingsError(f"{type(strategy).__name__}.__init__ must call super().__init__()")
                self.flumine.faults.record(named.name, "__init__", fault)
                continue
            name = named.name
            try:
                name = strategy.name
                if name in names:
                    raise SettingsError(f"two strategies are called {name!r}: give one another name, as options.name")
                names.add(name)
                self._prepare(strategy)
                self.flumine.add_strategy(strategy)
            except (FlumineCoreError, KeyboardInterrupt):
                raise
            except BaseException as error:
                self.flumine.faults.record(name, "strategy.add", error)

    def _prepare(self, strategy: BaseStrategy) -> None:
        """Do what is to be done with a strategy before it is added."""


class UnitAssembly(Assembly):
    """A framework that simulates one unit.

    :param relay: what takes the events for the logging controls of the run.
    """

    flumine: FlumineSimulation

    def __init__(self, run: Run, unit: Unit, discovery: Discovery, relay: Relay | None = None) -> None:
        self.unit = unit
        framework = FlumineSimulation(settings=Settings(**run.settings), plugins=discovery)
        super().__init__(run, discovery, framework, () if relay is None else (relay,))

    def _made_client(self, target: Callable[..., BaseClient], arguments: dict[str, Any]) -> BaseClient:
        if target is not betfair_client:
            return target(**arguments)
        # a simulation has no use for an account's credentials and addresses
        known = options_of(BetfairClient)
        return BetfairClient(**{name: value for name, value in arguments.items() if name in known})

    def _prepare(self, strategy: BaseStrategy) -> None:
        run, own = self.run, strategy.market_filter
        wanted: dict[str, Any] = {
            "markets": list(self.unit.files),
            "event_processing": bool(self.unit.group),
            "event_groups": {
                event_id: group for event_id, group in run.event_groups.items() if self.unit.group == f"group {group}"
            },
            "listener_kwargs": dict(run.listener_kwargs),
            "market_types": list(run.market_types) or None,
            "country_codes": list(run.country_codes) or None,
        }
        if isinstance(own, Mapping):
            check_filter(f"strategy {strategy.name}", own, MARKET_FILTER_KEYS | RECORDED_FILTER_KEYS)
            wanted.update((key, own[key]) for key in FILTERS if key in own)
        strategy.market_filter = wanted
        strategy.streams = []


def _target(kind: str, named: Named, discovery: Discovery) -> tuple[Any, dict[str, Any]]:
    """Return class or function of a named thing and its converted options."""
    target = discovery.load(kind, named.name)
    return target, arguments_for(f"{kind} {named.name!r}", target, named.options, GIVEN[kind])


def _made(kind: str, named: Named, discovery: Discovery, faults: Faults, given: Mapping[str, Any]) -> Any:
    """Make a thing that the run can do without; None, and counted, where it cannot be imported or raises."""
    try:
        target, arguments = _target(kind, named, discovery)
    except DiscoveryError as error:
        candidate = discovery.find(kind, named.name)
        if candidate is None or candidate.status != "failed":
            raise
        faults.record(named.name, "import", error)
        return None
    takes = options_of(target)
    passed = {name: value for name, value in given.items() if name in GIVEN[kind] and name in takes}
    try:
        with named_if_interrupted(f"{named.name!r} of {kind} was made"):
            made = target(**passed, **arguments)
    except FlumineCoreError as error:
        raise SettingsError(f"{kind} {named.name!r}: {error}") from error
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        faults.record(named.name, "__init__", error)
        return None
    if made is None:
        raise SettingsError(f"{kind} {named.name!r}: what makes it gave None")
    return made


def make_logging_controls(run: Run, discovery: Discovery, faults: Faults) -> list[LoggingControl]:
    """Make the logging controls that a run names; one that cannot be made is left out and counted under its name.

    :raises FlumineCoreError: on an unknown name, an option that does not fit, or what is no logging control.
    """
    controls = []
    for named in run.logging_controls:
        control = _made("logging_controls", named, discovery, faults, {})
        if control is None:
            continue
        if not isinstance(control, LoggingControl):
            raise SettingsError(f"logging control {named.name!r} must be a LoggingControl, was {control!r}")
        check_whole(control)
        controls.append(control)
    return controls


def _in_wished_order(middleware: Iterable[tuple[str, Any]]) -> list[Any]:
    """Sort middleware by its `before` and `after`, else as the configuration has it."""
    made: dict[str, list[Any]] = {}
    for name, each in middleware:
        made.setdefault(name, []).append(each)
    wishes = {name: (_wished(same, "before"), _wished(same, "after")) for name, same in made.items()}
    names, circles = ordered(wishes)
    if circles:
        raise SettingsError(f"middleware: {describe_circle(circles[0])}")
    return [each for name in names for each in made[name]]


def _wished(middleware: Iterable[Any], wish: str) -> list[str]:
    return [name for each in middleware for name in wished_names(each, wish)]


def collect(flumine: FlumineSimulation, unit: Unit, keep: bool) -> Result:
    """Return what a framework's run has come to.

    :param keep: also take the refusals one by one, and not only their counts.
    """
    result = Result(strategies=[strategy.name for strategy in flumine.strategies], files=len(unit.files))
    result.books = flumine.books
    for market in flumine.markets:
        orders = [order_row(order) for order in market.blotter]
        result.markets.append(market_row(market, orders))
        for strategy in flumine.strategies:
            book = market.market_book
            if book is not None and book.streaming_unique_id in strategy.stream_ids:
                result.seen[strategy.name] = result.seen.get(strategy.name, 0) + 1
                result.shown.setdefault(market.market_id, []).append(strategy.name)
        result.orders.extend(orders)
        matched = sum(order.size_matched for order in market.blotter)
        if matched and market.status != "CLOSED":
            files = ", ".join(unit.files)
            told = f"{files}: market {market.market_id} never closes: {matched:.2f} is not settled"
            result.unsettled[market.market_id] = told
    result.count_orders(result.orders)
    if keep:
        result.refusals = [refusal_row(refusal) for refusal in flumine.refusals]
    result.refused = dict(flumine.refusal_counts)
    result.refused_in = {market_id: dict(counts) for market_id, counts in flumine.refusals_by_market.items()}
    for (plugin, hook), count in flumine.faults.counts.items():
        result.note_fault(plugin, hook, count, flumine.faults.first[plugin, hook].error)
    result.bad_lines = list(flumine.bad_lines)
    result.bad_line_counts = dict(flumine.bad_lines.counts)
    result.lost = list(flumine.stream_errors)
    return result


def _time(epoch_ms: int | None) -> str | None:
    return None if epoch_ms is None else to_datetime(epoch_ms).isoformat(timespec="milliseconds")


def order_row(order: Order) -> Row:
    """Return an order as plain data; sizes in the account's currency, times as ISO 8601 in UTC."""
    kind = order.order_type
    return {
        "market_id": order.market_id,
        "order_id": order.id,
        "bet_id": order.bet_id,
        "trade_id": order.trade.id,
        "strategy": order.trade.strategy.name,
        "client": order.client.username if order.client is not None else None,
        "selection_id": order.selection_id,
        "handicap": order.handicap,
        "side": order.side,
        "order_type": kind.ORDER_TYPE.name,
        "price": getattr(kind, "price", None),
        "size": kind.requested_size if hasattr(kind, "requested_size") else getattr(kind, "liability", None),
        "persistence_type": getattr(kind, "persistence_type", None),
        "time_in_force": getattr(kind, "time_in_force", None),
        "status": order.status.value if order.status is not None else None,
        "size_matched": order.size_matched,
        "average_price_matched": order.average_price_matched,
        "size_remaining": order.size_remaining,
        "size_cancelled": order.size_cancelled,
        "size_lapsed": order.size_lapsed,
        "size_voided": order.size_voided,
        "profit": order.profit,
        "runner_status": order.runner_status,
        "date_time_created": _time(order.created_ms),
        "date_time_placed": _time(order.placed_ms),
        "date_time_execution_complete": _time(order.complete_ms),
        "is_refused": order.status is OrderStatus.VIOLATION,
        "violation_msg": order.violation_msg,
        "notes": order.notes_str,
        "market_notes": order.market_notes,
    }


def market_row(market: Any, orders: list[Row]) -> Row:
    """Return a market as plain data, with sums over its orders."""
    return {
        "market_id": market.market_id,
        "event_id": market.event_id,
        "event_type_id": market.event_type_id,
        "market_type": market.market_type,
        "country_code": market.country_code,
        "venue": market.venue,
        "market_start_datetime": market.market_start_datetime.isoformat(),
        "status": market.status,
        "orders": len(orders),
        "size_matched": round(sum(order["size_matched"] for order in orders), 2),
        "profit": round(sum(order["profit"] for order in orders), 2),
    }


def refusal_row(refusal: Any) -> Row:
    """Return a control's refusal as plain data."""
    return {
        "control": refusal.control,
        "reason": refusal.reason,
        "numbers": dict(refusal.numbers),
        "market_id": refusal.market_id,
        "selection_id": refusal.selection_id,
        "strategy": refusal.strategy,
        "order_id": refusal.order_id,
        "package_type": refusal.package_type.value,
    }


Progress = Callable[[int, int], None]
"""Told how many books a framework has delivered so far, and the stored bytes of its stream that it has read."""


def simulate_unit(
    run: Run,
    unit: Unit,
    discovery: Discovery,
    keep: bool,
    progress: Progress | None = None,
    relay: Relay | None = None,
) -> Result:
    """Simulate one unit in this process.

    :param relay: what takes the events for the logging controls of the run, which are not made here.
    :raises FlumineCoreError: where it cannot be started.
    """
    assembly = UnitAssembly(run, unit, discovery, relay)
    flumine = assembly.flumine
    if not flumine.strategies:
        told = ", ".join(fault.error for fault in flumine.faults.first.values())
        raise SettingsError(f"no strategy could be made: {told or 'none was named'}")
    if progress is not None:
        told_to = progress
        flumine.progress = lambda framework: told_to(framework.books, getattr(framework.stream, "position", 0))
    failure: str | None = None
    try:
        flumine.run()
    except KeyboardInterrupt:
        raise
    except Exception as error:
        if isinstance(error, FlumineCoreError) or flumine.settings.raise_errors:
            raise
        failure = one_line(error)
    except BaseException as error:
        failure = f"it was left by {one_line(error)}"
    result = collect(flumine, unit, keep)
    if failure is not None:
        result.lost.append(f"{unit.name}: {failure}")
    return result
