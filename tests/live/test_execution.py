"""Orders over real sockets: placed, cancelled, updated, replaced on a local exchange."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from flumine_core import OrderStatus, Settings

from .rig import MARKET, WAITS, Rig, client_of

exchange_module = pytest.importorskip("flumine_exchange.exchange")


@pytest.fixture
def exchange() -> Iterator[Any]:
    settings = exchange_module.ExchangeSettings(scale=0.05, start="now")
    with exchange_module.LocalExchange([exchange_module.Scenario(market_id=MARKET)], settings=settings) as made:
        yield made


@pytest.fixture
def make_rig(exchange: Any, plugins: Any, tmp_path: Any) -> Iterator[Callable[..., Rig]]:
    rigs: list[Rig] = []

    def make(client_options: Any = None, is_ready: bool = True, **settings: Any) -> Rig:
        given = Settings(**{**WAITS, "journal": str(tmp_path / "journal.sqlite"), **settings})
        rigs.append(Rig(exchange, client_of(exchange, **(client_options or {})), given, plugins()))
        return rigs[-1].start(is_ready)

    yield make
    for rig in rigs:
        if rig.thread.is_alive():
            rig.stop()


@pytest.fixture
def rig(make_rig: Callable[..., Rig]) -> Rig:
    return make_rig()


def test_an_order_is_placed_and_cancelled(rig: Rig) -> None:
    order = rig.place()
    rig.settled(order)
    assert order.status is OrderStatus.EXECUTABLE
    assert rig.ask(lambda: rig.market.cancel_order(order))
    rig.wait_until(lambda: order.status is OrderStatus.EXECUTION_COMPLETE)
    assert order.size_cancelled == 2.0
    rig.agrees()
