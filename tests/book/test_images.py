"""Images and updates held back: what a book says was traded before is what the books delivered before it had."""

import json
import random
import tracemalloc
from typing import Any

import pytest

from flumine_core.book.cache import MarketBookCache
from flumine_core.book.change import decode_message, decode_whole_message
from flumine_core.book.marketbook import MarketBook
from flumine_core.synthetic.market import SyntheticMarket

DEFINITION = {
    **next(SyntheticMarket(updates=20).changes())[1]["marketDefinition"],
    "runners": [{"id": selection_id, "status": "ACTIVE", "sortPriority": selection_id} for selection_id in (1, 2, 3)],
}


def line_of(rng: random.Random, number: int) -> bytes:
    """Return a change of up to four runners, the first and every fifth an image."""
    change: dict[str, Any] = {"id": "1.1", "rc": []}
    if number == 0 or rng.random() < 0.2:
        change["img"] = True
        if number == 0 or rng.random() < 0.7:
            change["marketDefinition"] = {**DEFINITION, "version": number}
    for selection_id in (1, 2, 3, 4):
        if rng.random() < 0.6:
            runner: dict[str, Any] = {"id": selection_id}
            if rng.random() < 0.7:
                runner["trd"] = [[price, rng.randint(0, 5)] for price in rng.sample([2, 3, 4, 5], rng.randint(0, 3))]
            if rng.random() < 0.3:
                runner["ltp"] = 2
            change["rc"].append(runner)
    return json.dumps({"op": "mcm", "pt": number + 1, "mc": [change]}).encode()


def tables_of(book: MarketBook, name: str = "ex") -> dict[tuple[int, float], Any]:
    """Return runner -> traded table as pairs, or -> the one before."""
    tables = {}
    for runner in book.runners:
        levels = runner.traded_before if name == "before" else runner.ex.traded_volume
        tables[runner.selection_id, runner.handicap] = None if levels is None else [(o.price, o.size) for o in levels]
    return tables


@pytest.mark.parametrize("read", [1, 0.4])
@pytest.mark.parametrize("limit", [0, 300, 1_000_000])
def test_traded_before_is_of_the_book_delivered_before(read: float, limit: int) -> None:
    compared = 0
    for seed in range(150):
        rng = random.Random(seed)
        cache, every = MarketBookCache("1.1", 1), MarketBookCache("1.1", 1)
        cache.pending_limit = limit
        seen: dict[tuple[int, float], Any] = {}
        for number in range(25):
            line = line_of(rng, number)
            change = (decode_whole_message if rng.random() < 0.5 else decode_message)(line).mc[0]
            again = decode_message(line).mc[0]
            if change.img and number:
                cache, every = cache.replacement(), every.replacement()
            if number and rng.random() < 0.4:
                cache.hold(change)
                every.hold(again)
                continue
            book: MarketBook | None = cache.update(change, number + 1)
            other = every.update(again, number + 1)
            tables = tables_of(other)
            if rng.random() < read:
                assert book is not None and tables_of(book) == tables
                assert set(book.changed) == set(other.changed)
                for key, before in tables_of(book, "before").items():
                    if key in book.changed and before is not None:
                        assert before == seen[key]
                        compared += 1
                    elif key in seen and tables[key]:
                        assert tables[key] == seen[key]
            seen |= tables
            book = None  # so that nobody holds it
    assert compared > 1000


def test_updates_held_back_do_not_gather_in_memory() -> None:
    rng = random.Random(1)
    cache, unlimited = MarketBookCache("1.1", 1), MarketBookCache("1.1", 1)
    cache.pending_limit = 20_000
    lines = [line_of(rng, number).replace(b'"img": true, ', b"") for number in range(6_000)]
    for start, end in ((0, 3_000), (3_000, 6_000)):  # before the first book, and after one
        for number in range(start, end - 1):
            unlimited.hold(decode_message(lines[number]).mc[0])
        tracemalloc.start()
        for number in range(start, end - 1):
            cache.hold(decode_message(lines[number]).mc[0])
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 200_000 < sum(map(len, lines[start:end]))
        last = lines[end - 1]
        book, expected = (each.update(decode_message(last).mc[0], end) for each in (cache, unlimited))
        assert tables_of(book) == tables_of(expected)
        assert tables_of(book, "before") == tables_of(expected, "before")
        assert set(book.changed) == set(expected.changed)
