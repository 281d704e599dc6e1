"""What flumine calls and flumine_core does not is refused where somebody overrides it, and never ignored."""

from collections.abc import Callable
from typing import Any

import pytest

from flumine_core import (
    BackgroundWorker,
    BaseStrategy,
    Flumine,
    FlumineSimulation,
    HistoricalStream,
    LoggingControl,
    MarketStream,
    MarketValidation,
    MaxOrderCount,
    OrderValidation,
    SimulatedClient,
)
from flumine_core.contract.streams import BaseStream
from flumine_core.errors import SettingsError


def overriding(base: type, name: str) -> Any:
    """Return a subclass of `base` that has a method of its own called `name`."""
    return type("Theirs", (base,), {name: lambda self, *arguments, **options: None})


def named(cls: Any) -> Any:
    """Return a strategy of a stream class."""
    return BaseStrategy(market_filter={"markets": ["x"]}, stream_class=cls)


@pytest.mark.parametrize(
    ("base", "name", "make", "advice"),
    [
        (LoggingControl, "process_event", lambda cls: cls(), "define process_<noun>"),
        (LoggingControl, "run", lambda cls: cls(), "define process_<noun>"),
        (BackgroundWorker, "run", lambda cls: cls(1, print), "give what it does as function"),
        (FlumineSimulation, "_add_market", lambda cls: cls(), "override _add_live_market"),
        (FlumineSimulation, "_process_simulated_orders", lambda cls: cls(), "override _process_market_orders"),
        (Flumine, "process_order_package", lambda cls: cls(), "override _process_order_package"),
        (HistoricalStream, "create_generator", lambda cls: FlumineSimulation().add_stream(cls("x")), "is opened by"),
        (MarketStream, "run", lambda cls: Flumine().add_stream(cls()), "is opened by"),
        (MarketStream, "handle_output", lambda cls: Flumine(SimulatedClient()).add_strategy(named(cls)), "opened by"),
    ],
)
def test_what_nothing_calls_is_refused(base: type, name: str, make: Callable[[Any], Any], advice: str) -> None:
    with pytest.raises(
        SettingsError, match=f"Theirs has {name}, which flumine calls and nothing here does: .*{advice}"
    ):
        make(overriding(base, name))


@pytest.mark.parametrize(
    ("base", "name"),
    [
        (OrderValidation, "_validate_betfair_min_size"),
        (OrderValidation, "_validate_betfair_price"),
        (MarketValidation, "_validate_betfair_market_status"),
        (MaxOrderCount, "_check_hour"),
    ],
)
def test_a_rule_that_would_never_be_asked_is_refused_with_its_class(base: type, name: str) -> None:
    with pytest.raises(SettingsError, match=f"Theirs has {name}, .* override _validate, and call super"):
        overriding(base, name)

    class Calls(base):  # type: ignore[misc]
        def _validate(self, order: Any, package_type: Any) -> None:
            getattr(self, name)(order)

    setattr(Calls, name, print)
    assert Calls()


def test_what_is_called_may_have_any_name() -> None:
    class Works(BackgroundWorker):
        def __init__(self) -> None:
            super().__init__(1, self.run)

        def run(self) -> None: ...

    class Opened(BaseStream):
        """A plugin opens it."""

        def run(self) -> None: ...

    FlumineSimulation().add_worker(Works())
    FlumineSimulation().add_stream(Opened())


def test_a_stream_class_must_be_one() -> None:
    for wrong in (int, "MarketStream", None):
        with pytest.raises(SettingsError, match=r"stream_class must be a class of streams"):
            BaseStrategy(market_filter={"markets": ["x"]}, stream_class=wrong)  # type: ignore[arg-type]
