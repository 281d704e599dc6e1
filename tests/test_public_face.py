"""What `from flumine_core import ...` gives, and what it costs."""

import pydoc
import subprocess
import sys
from typing import Any

import pytest

import flumine_core

ISSUED = [
    "Flumine",
    "FlumineSimulation",
    "BaseStrategy",
    "RunnerContext",
    "Trade",
    "Order",
    "LimitOrder",
    "LimitOnCloseOrder",
    "MarketOnCloseOrder",
    "OrderStatus",
    "TradeStatus",
    "BetfairClient",
    "SimulatedClient",
    "BackgroundWorker",
    "Middleware",
    "LoggingControl",
    "TradingControl",
    "ClientControl",
    "OrderValidation",
    "MarketValidation",
    "StrategyExposure",
    "MaxOrderCount",
    "MarketStream",
    "DataStream",
    "HistoricalStream",
    "CustomEvent",
    "Settings",
    "config",
    "hookspec",
    "hookimpl",
    "get_price",
    "get_size",
    "get_sp",
    "get_nearest_price",
    "price_ticks_away",
    "FlumineCoreError",
    "RawDataStream",
    "BetfairMarketStream",
    "BetfairDataStream",
    "BetfairHistoricalStream",
    "BetfairOrder",
    "MaxTransactionCount",
]


@pytest.mark.parametrize("name", ISSUED)
def test_name_is_public(name: str) -> None:
    assert name in flumine_core.__all__ and name in dir(flumine_core)
    assert getattr(flumine_core, name) is not None


@pytest.mark.parametrize(
    ("alias", "name"),
    [
        ("RawDataStream", "DataStream"),
        ("BetfairDataStream", "DataStream"),
        ("BetfairMarketStream", "MarketStream"),
        ("BetfairHistoricalStream", "HistoricalStream"),
        ("BetfairOrder", "Order"),
        ("MaxTransactionCount", "MaxOrderCount"),
    ],
)
def test_flumines_names_are_aliases(alias: str, name: str) -> None:
    assert getattr(flumine_core, alias) is getattr(flumine_core, name)


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="Flumin"):
        flumine_core.Flumin  # noqa: B018


def test_star_import_gives_all_names() -> None:
    space: dict[str, Any] = {}
    exec("from flumine_core import *", space)
    assert set(flumine_core.__all__) <= set(space)


def test_errors_are_also_what_a_caller_expects() -> None:
    from flumine_core import errors

    classes = [value for value in vars(errors).values() if isinstance(value, type)]
    for cls in classes:
        assert issubclass(cls, errors.FlumineCoreError)
        if cls is not errors.FlumineCoreError:
            assert issubclass(cls, (ValueError, LookupError, OSError, RuntimeError)), cls
    assert len(classes) <= 11


IMPORTS = ["from loguru import logger", "import flumine_core.session"]


LOOKED_FOR = "import flumine_core.session, importlib.util; importlib.util.find_spec('loguru')"


@pytest.mark.parametrize("imports", [IMPORTS, IMPORTS[::-1], IMPORTS[1:], [LOOKED_FOR, *IMPORTS]])
def test_the_house_is_silent_until_asked(imports: list[str]) -> None:
    code = "\n".join(imports) + (
        "\n"
        "from flumine_core import FlumineSimulation, HistoricalStream, SimulatedClient\n"
        "framework = FlumineSimulation(client=SimulatedClient())\n"
        "framework.add_stream(HistoricalStream('nowhere'))\nframework.run()\nprint(framework.stream_errors)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stderr == "" and "nowhere" in done.stdout
    if len(imports) > 1:
        asked = code.replace("framework.run()", "logger.enable('flumine_core')\nframework.run()")
        done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True)
        assert "no such file: nowhere" in done.stderr


@pytest.mark.parametrize("name", ["Order", "BetfairOrder", "Trade"])
def test_help_can_be_had(name: str) -> None:
    assert "self" in pydoc.render_doc(getattr(flumine_core, name))
