"""Local exchanges for a test: each plays scripted or recorded markets, and is stopped when the test ends."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from .market import MarketScript


@contextmanager
def serving(module: Any, folder: Path) -> Iterator[Callable[..., Any]]:
    """Give a function that starts exchanges; stop them all at the end.

    :param module: `flumine_exchange.exchange`, which this distribution does not import.
    """
    with ExitStack() as running:

        def start(*markets: Any, **options: Any) -> Any:
            sources = [
                str(each.write(folder / each.market_id)) if isinstance(each, MarketScript) else each for each in markets
            ]
            settings = options.pop("settings", None) or module.ExchangeSettings(start="subscription")
            exchange = running.enter_context(module.LocalExchange(sources, settings=settings, **options))
            exchange.file = folder / f"exchange-{exchange.details()['stream_port']}.json"
            exchange.file.write_text(json.dumps(exchange.details()))
            exchange.file.chmod(0o600)
            return exchange

        yield start
