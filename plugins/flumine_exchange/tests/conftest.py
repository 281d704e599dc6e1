"""Fixtures for the exchange's tests: exchanges, an unmodified betfairlightweight client, and a plain stream client."""

import os
from collections.abc import Callable, Iterator
from typing import Any

import betfairlightweight
import pytest
from wire import MARKET, Rpc, StreamClient, client_of

from flumine_exchange.exchange import ExchangeSettings, LocalExchange, Scenario
from flumine_exchange.loopback import guard_loopback

guard_loopback()
for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
    os.environ.pop(name, None)


@pytest.fixture
def make_exchange() -> Iterator[Callable[..., LocalExchange]]:
    """Return a function that starts an exchange, which is stopped after the test."""
    started: list[LocalExchange] = []

    def make(markets: Any = None, speed: float | None = None, seed: int = 0, **settings: Any) -> LocalExchange:
        exchange = LocalExchange(
            [Scenario(market_id=MARKET)] if markets is None else markets,
            speed,
            ExchangeSettings(**{"scale": 0.02, "idle_stream_seconds": 500.0, **settings}),
            seed,
        )
        exchange.start()
        started.append(exchange)
        return exchange

    yield make
    for exchange in started:
        exchange.stop()


@pytest.fixture
def exchange(make_exchange: Callable[..., LocalExchange]) -> LocalExchange:
    """An exchange with one open market of three runners, around 2.0."""
    return make_exchange()


@pytest.fixture
def client(exchange: LocalExchange) -> betfairlightweight.APIClient:
    return client_of(exchange)


@pytest.fixture
def rpc(exchange: LocalExchange) -> Rpc:
    return Rpc(exchange)


@pytest.fixture
def make_stream() -> Iterator[Callable[..., StreamClient]]:
    """Return a function that connects and authenticates a stream client."""
    opened: list[StreamClient] = []

    def make(exchange: LocalExchange, client: betfairlightweight.APIClient | None = None, **more: Any) -> StreamClient:
        stream = StreamClient(exchange, **more)
        opened.append(stream)
        if client is not None:
            assert stream.authenticate(client)["statusCode"] == "SUCCESS"
        return stream

    yield make
    for stream in opened:
        stream.close()


@pytest.fixture
def stream(
    exchange: LocalExchange, client: betfairlightweight.APIClient, make_stream: Callable[..., StreamClient]
) -> StreamClient:
    """A stream client that is authenticated."""
    return make_stream(exchange, client)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip what needs flumine unless it was asked for: by the mark, or by naming its Python."""
    if "peer" in (config.option.markexpr or "") or os.environ.get("FLUMINE_CORE_PEER_PYTHON"):
        return
    skip = pytest.mark.skip(reason="needs flumine 3.3.2: `pytest -m peer`")
    for item in items:
        if "peer" in item.keywords:
            item.add_marker(skip)
