"""A market's lines replayed through betfairlightweight's own cache."""

import json
from collections.abc import Callable, Iterable, Iterator

import pytest
from betfairlightweight.resources.bettingresources import MarketBook
from betfairlightweight.streaming.cache import MarketBookCache

Replay = Callable[[Iterable[bytes]], Iterator[MarketBook]]


@pytest.fixture(scope="session")
def replay() -> Replay:
    """Yields the market book after each change of each line, as betfairlightweight has it."""

    def books(lines: Iterable[bytes]) -> Iterator[MarketBook]:
        caches: dict[str, MarketBookCache] = {}
        for line in lines:
            message = json.loads(line)
            for change in message["mc"]:
                market_id = change["id"]
                if change.get("img") or market_id not in caches:
                    caches[market_id] = MarketBookCache(market_id, message["pt"], False, False, False)
                caches[market_id].update_cache(change, message["pt"], True)
                yield caches[market_id].create_resource(1, snap=True)

    return books
