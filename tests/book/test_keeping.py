"""Books that somebody keeps stay what they were, whoever keeps them and however late they are read."""

import copy
import json
import pickle
from pathlib import Path
from typing import Any

import pytest
from betfairlightweight.streaming.cache import MarketBookCache as Oracle

from flumine_core import BaseStrategy, Middleware, hookimpl
from flumine_core.synthetic.event import event
from flumine_core.synthetic.market import SyntheticMarket


def table_of(book: Any) -> list[tuple[Any, ...]]:
    """Return a book's runners as plain data."""
    return [
        (
            runner.selection_id,
            runner.status,
            runner.last_price_traded,
            runner.total_matched,
            [(level.price, level.size) for level in runner.ex.available_to_back],
            [(level.price, level.size) for level in runner.ex.available_to_lay],
            [(level.price, level.size) for level in runner.ex.traded_volume],
            runner.sp.actual_sp,
        )
        for runner in book.runners
    ]


def tables_of(path: str) -> dict[int, Any]:
    """Return publish time -> runners as betfairlightweight's cache has them."""
    oracle: Any = None
    found = {}
    for line in Path(path).read_bytes().splitlines():
        message = json.loads(line)
        (change,) = message["mc"]
        if oracle is None or change.get("img"):
            oracle = Oracle(change["id"], message["pt"], False, False, False)
        oracle.update_cache(change, message["pt"], True)
        found[message["pt"]] = table_of(oracle.create_resource(1, snap=True))
    return found


class Keeper(BaseStrategy):
    """Keeps every n-th book without reading it."""

    def __init__(self, every: int = 1) -> None:
        super().__init__()
        self.every = every
        self.count = 0
        self.kept: list[Any] = []

    def check_market_book(self, market: Any, market_book: Any) -> bool:
        self.keep(market_book)
        return False

    def keep(self, book: Any) -> None:
        self.count += 1
        if self.count % self.every == 0:
            self.kept.append(book)


class KeepingMiddleware(Middleware):
    def __init__(self, keeper: Keeper) -> None:
        self.keeper = keeper

    def __call__(self, market: Any) -> None:
        self.keeper.keep(market.market_book)


class KeepingHook:
    def __init__(self, keeper: Keeper) -> None:
        self.keeper = keeper

    @hookimpl
    def flumine_process_market_books(self, market_book: Any) -> None:
        self.keeper.keep(market_book)


class KeepingWrapper:
    def __init__(self, keeper: Keeper) -> None:
        self.keeper = keeper

    @hookimpl(wrapper=True)
    def flumine_process_market_books(self, market: Any, market_book: Any) -> Any:
        assert market.market_book is market_book
        self.keeper.keep(market.market_book)
        return (yield)


@pytest.mark.parametrize("every", [1, 7, 50])
@pytest.mark.parametrize("who", ["strategy", "middleware", "hook", "wrapper"])
def test_kept_books_equal_betfairlightweights(who: str, every: int, simulate: Any, market_file: Any) -> None:
    path = market_file(updates=400, removals=1)
    keeper = Keeper(every)
    if who == "strategy":
        framework = simulate(path, keeper)
    elif who == "middleware":
        framework = simulate(path, BaseStrategy(), before=lambda f: f.add_market_middleware(KeepingMiddleware(keeper)))
    else:
        plugin = KeepingHook(keeper) if who == "hook" else KeepingWrapper(keeper)
        framework = simulate(path, BaseStrategy(), hooks=((who, plugin),))
    assert framework.faults.counts == {}
    expected = tables_of(path)
    assert keeper.kept
    for book in reversed(keeper.kept):
        assert table_of(book) == expected[book.publish_time_epoch]


@pytest.mark.parametrize("way", ["one file", "merged files"])
@pytest.mark.parametrize("conflate_ms", [0, 5_000])
def test_books_of_other_markets_may_be_kept_too(way: str, conflate_ms: int, simulate: Any, tmp_path: Path) -> None:
    made = event("WIN", "PLACE", like=SyntheticMarket(updates=200, seed=5), conflate_ms=conflate_ms)
    paths = [str(path) for path in made.write_each(tmp_path)]
    expected = {path.rsplit("/", 1)[1]: tables_of(path) for path in paths}
    kept: list[Any] = []

    class Keeps(BaseStrategy):
        def check_market_book(self, market: Any, market_book: Any) -> bool:
            kept.extend(each.market_book for each in market.flumine.markets if each is not market)
            return False

    if way == "one file":
        paths = [str(made.write(tmp_path / "event"))]
    simulate(paths, Keeps(), event_processing=True)
    assert len(kept) > 100
    for book in kept:
        if conflate_ms == 0 or way == "merged files":
            assert table_of(book) == expected[book.market_id][book.publish_time_epoch]
        else:
            assert book.runners


def test_nothing_is_built_for_those_who_do_not_read(simulate: Any, market_file: Any) -> None:
    framework = simulate(market_file(updates=400), Keeper(10**9))
    (market,) = framework.markets
    assert not market.market_book.is_read


@pytest.mark.parametrize("is_calculated", [False, True])
def test_books_can_be_pickled_during_the_run(is_calculated: bool, simulate: Any, market_file: Any) -> None:
    path = market_file(updates=300, removals=1)
    kept: list[tuple[bytes, Any]] = []

    class Pickles(BaseStrategy):
        def check_market_book(self, market: Any, market_book: Any) -> bool:
            if len(kept) % 3 == 0 or market_book.runners:
                kept.append((pickle.dumps(market_book), market_book))
            return False

    options = {"calculate_market_tv": is_calculated}
    framework = simulate(path, Pickles(), listener_kwargs=options)
    assert framework.faults.counts == {}
    expected = tables_of(path)
    assert len(kept) > 100
    for pickled, book in kept:
        again = pickle.loads(pickled)
        assert table_of(again) == expected[again.publish_time_epoch] == table_of(book)
        for name in ("total_matched", "status", "version", "is_first", "streaming_update", "streaming_unique_id"):
            assert getattr(again, name) == getattr(book, name)
        assert list(again.changed) == list(book.changed)
        runner = again.runners[0]
        assert again.runner(runner.selection_id, runner.handicap) is runner
        assert again.traded_among(again.changed).keys() == book.traded_among(book.changed).keys()
        assert again.market_definition.version == book.market_definition.version
        assert table_of(copy.deepcopy(again)) == table_of(book)
