"""A simulation in one call, over markets written by hand or recorded, with nothing but the plugins that are given."""

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from ..contract.client import BaseClient, SimulatedClient
from ..contract.streams import HistoricalStream
from ..errors import DataError, DiscoveryError, ExecutionError
from ..kernel.discovery import Candidate
from ..kernel.signature import faults_of
from ..market.market import Market
from ..order.order import Order
from ..order.refusal import Refusal
from ..session import FlumineSimulation
from ..settings import Settings
from .execution import RecordingExecution
from .market import MarketScript

Script = MarketScript | str | Path
"""A market written by hand, or the path of a recorded one."""


class Only:
    """Takes the place of the installed plugins: exactly these objects are hook plugins, in this order.

    :raises DiscoveryError: where one implements no hook, or one that does not exist.
    """

    def __init__(self, plugins: Iterable[object] = ()) -> None:
        self.plugins: list[tuple[str, object]] = []
        for number, plugin in enumerate(plugins, 1):
            name = getattr(plugin, "__name__", None) or type(plugin).__name__
            faults = faults_of(plugin)
            if faults:
                raise DiscoveryError(f"{name}: {'; '.join(faults)}")
            taken = any(name == other for other, _ in self.plugins)
            self.plugins.append((f"{name}-{number}" if taken else name, plugin))

    def load_hook_plugins(self) -> list[tuple[str, object]]:
        """Return (name, plugin) of each."""
        return self.plugins

    def failures(self, kind: str | None = None) -> list[Candidate]:
        """Return none: what fails is refused when it is given."""
        return []


@attrs.frozen
class Outcome:
    """What a simulation came to.

    :ivar framework: the framework, after its run.
    """

    framework: FlumineSimulation

    @property
    def markets(self) -> list[Market]:
        """All markets, in the order in which they came."""
        return list(self.framework.markets)

    @property
    def market(self) -> Market:
        """The market, where there was one.

        :raises ValueError: where there was none, or more than one.
        """
        (market,) = self.framework.markets
        return market

    @property
    def orders(self) -> list[Order]:
        """All orders that entered a blotter, market by market."""
        return [order for market in self.framework.markets for order in market.blotter]

    @property
    def refusals(self) -> list[Refusal]:
        """What controls refused, and what was never executed; the latest 1,000."""
        return self.framework.refusals

    @property
    def profit(self) -> float:
        """Pounds won or lost by the orders of closed markets, before commission."""
        return float(sum(order.profit for order in self.orders))

    @property
    def faults(self) -> dict[tuple[str, str], int]:
        """(who, callback or hook) -> how many exceptions; with `raise_errors` (the default here) the first ends all."""
        return dict(self.framework.faults.counts)


def run(
    strategies: Any,
    scripts: Script | Sequence[Script],
    *,
    controls: Iterable[Any] = (),
    client_controls: Iterable[Any] = (),
    middleware: Iterable[Any] = (),
    workers: Iterable[Any] = (),
    logging_controls: Iterable[Any] = (),
    hooks: Iterable[object] = (),
    execution: RecordingExecution | None = None,
    client: BaseClient | None = None,
    settings: Mapping[str, Any] | None = None,
    directory: str | Path | None = None,
) -> Outcome:
    """Simulate strategies over markets.

    What strategies and plugins raise is raised, unless `settings={"raise_errors": False}`. Installed plugins take no
    part: `hooks` are all there are. The client has no transaction limit unless one is given.

    :param strategies: one or several; each is shown every market.
    :param controls: trading controls, and `client_controls` those of the client: classes or instances.
    :param hooks: modules or objects whose functions carry `@hookimpl`.
    :param execution: in place of the simulated exchange.
    :param directory: where the temporary folder is made that scripts are written into, and that is deleted at the end;
        where the system has such folders if None.
    :raises ExecutionError: where a worker or logging control raised.
    :raises DataError: where two scripts are of the same market.
    :raises DiscoveryError: where an object of `hooks` is no hook plugin.
    """
    framework = FlumineSimulation(
        client=client or SimulatedClient(transaction_limit=None),
        settings=Settings(**{"raise_errors": True, **(settings or {})}),
        plugins=Only(hooks),  # type: ignore[arg-type]
    )
    account = framework.clients.get_default()
    if execution is not None:
        account.execution_cls = lambda _: execution
    for control in controls:
        framework.add_trading_control(control)
    for control in client_controls:
        framework.add_client_control(account, control)
    for each in middleware:
        framework.add_market_middleware(each)
    for worker in workers:
        framework.add_worker(worker)
    for logging_control in logging_controls:
        framework.add_logging_control(logging_control)
    with tempfile.TemporaryDirectory(dir=directory) as folder:
        single = isinstance(scripts, MarketScript | str | Path)
        given: Sequence[Any] = [scripts] if single else scripts  # type: ignore[assignment]
        names = [script.market_id for script in given if isinstance(script, MarketScript)]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise DataError(f"two scripts are of market {twice}: begin one with another id, market('1.2')")
        streams = [HistoricalStream(str(_path_of(script, folder))) for script in given]
        for strategy in strategies if isinstance(strategies, list | tuple) else [strategies]:
            strategy.streams = list(streams)
            framework.add_strategy(strategy)
        for stream in streams:
            framework.add_stream(stream)
        framework.run()
    if framework.settings.raise_errors:
        for fault in framework.faults.first.values():  # of workers and logging controls, whose threads raise to nobody
            raise ExecutionError(f"{fault.plugin} raised in {fault.hook}: {fault.error}\n{fault.traceback}")
    return Outcome(framework)


def _path_of(script: Script, folder: str) -> Path:
    return script.write(Path(folder) / script.market_id) if isinstance(script, MarketScript) else Path(script)
