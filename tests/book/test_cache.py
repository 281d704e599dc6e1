"""The cache against betfairlightweight's own, after every update, whoever reads or keeps what."""

import json
import random
from pathlib import Path
from typing import Any

import pytest
from betfairlightweight.streaming.cache import MarketBookCache as Oracle
from hypothesis import given, settings
from hypothesis import strategies as st

from flumine_core import BaseStrategy
from flumine_core.book.cache import MarketBookCache
from flumine_core.book.change import decode_message, decode_whole_message
from flumine_core.book.marketbook import MarketBook
from flumine_core.synthetic.market import SyntheticMarket

BOOK = [
    "market_id",
    "publish_time_epoch",
    "publish_time",
    "status",
    "inplay",
    "version",
    "bet_delay",
    "bsp_reconciled",
    "complete",
    "cross_matching",
    "runners_voidable",
    "number_of_winners",
    "number_of_active_runners",
    "number_of_runners",
    "total_matched",
    "bet_delay_models",
    "is_market_data_delayed",
    "last_match_time",
    "suspend_reason",
    "total_available",
]
RUNNER = [
    "selection_id",
    "handicap",
    "status",
    "adjustment_factor",
    "last_price_traded",
    "total_matched",
    "removal_date",
    "orders",
    "matches",
]


def levels(prices: Any) -> list[tuple[Any, Any]]:
    return [(level.price, level.size) for level in prices]


def assert_equal(book: MarketBook, oracle: Any) -> None:
    for name in BOOK:
        assert getattr(book, name) == getattr(oracle, name), name
    for name in ("marketId", "market_id", "totalMatched", "no such name"):
        assert book.get(name, 7) == oracle.get(name, 7), name
    assert len(book.runners) == len(oracle.runners)
    for ours, theirs in zip(book.runners, oracle.runners, strict=True):
        for name in RUNNER:
            assert getattr(ours, name) == getattr(theirs, name), name
        for name in ("available_to_back", "available_to_lay", "traded_volume"):
            assert levels(getattr(ours.ex, name)) == levels(getattr(theirs.ex, name)), name
        for name in ("selectionId", "lastPriceTraded", "status"):
            assert ours[name] == theirs[name], name
        assert levels(ours["ex"]["availableToBack"]) == levels(theirs["ex"]["availableToBack"])
        for name in ("near_price", "far_price", "actual_sp"):
            assert getattr(ours.sp, name) == getattr(theirs.sp, name), name
        for name in ("back_stake_taken", "lay_liability_taken"):
            assert levels(getattr(ours.sp, name)) == levels(getattr(theirs.sp, name)), name


def replay(
    lines: list[bytes],
    every: int,
    keep: float,
    seed: int = 0,
    limit: int | None = None,
    is_decoding: bool = True,
    **options: bool,
) -> tuple[MarketBookCache, int]:
    """Replay lines through both caches, reading every n-th book at once and kept ones at the end.

    :param is_decoding: decode what follows a book that was read, as recorded streams do.
    """
    rng = random.Random(seed)
    ours: MarketBookCache | None = None
    oracle: Any = None
    kept: list[tuple[MarketBook, Any]] = []
    is_read = False
    for number, line in enumerate(lines):
        message = (decode_whole_message if is_read else decode_message)(line)
        raw = json.loads(line)
        (change,), (plain,) = message.mc, raw["mc"]
        if ours is None:
            ours = MarketBookCache(plain["id"], 1, **options)
            if limit is not None:
                ours.pending_limit = limit
        elif change.img:
            ours = ours.replacement()
        if oracle is None or plain.get("img"):
            oracle = Oracle(
                plain["id"],
                message.pt,
                False,
                *(options.get(n, False) for n in ("calculate_market_tv", "cumulative_runner_tv")),
            )
        book = ours.update(change, message.pt, line)
        oracle.update_cache(plain, message.pt, True)
        if every and number % every == 0:
            assert_equal(book, oracle.create_resource(1, snap=True))
            assert book.streaming_update == plain
        if rng.random() < keep:
            kept.append((book, oracle.create_resource(1, snap=True)))
        is_read = is_decoding and book.is_read
        del book
    for book, theirs in kept:
        assert_equal(book, theirs)
    assert ours is not None
    return ours, len(kept)


@pytest.fixture(scope="module")
def lines() -> list[bytes]:
    return list(SyntheticMarket(updates=300, removals=1, seed=9).lines())


@pytest.mark.parametrize("limit", [None, 500])
@pytest.mark.parametrize(("every", "keep"), [(1, 0), (7, 0.1), (0, 0.3), (0, 0), (100, 0.02)])
@pytest.mark.parametrize("options", [{}, {"calculate_market_tv": True}, {"cumulative_runner_tv": True}])
def test_equal_to_betfairlightweight(
    lines: list[bytes], every: int, keep: float, limit: int | None, options: dict[str, bool]
) -> None:
    replay(lines, every, keep, limit=limit, **options)


def recorded_lines(folder: Path, name: str) -> list[bytes]:
    return (folder / name).read_bytes().splitlines(keepends=True)


@pytest.mark.parametrize("name", ["1.197931750", "BASIC-1.132153978", "1.200806927", "PRO-1.170258213"])
def test_equal_at_the_start_of_recorded_markets(name: str, recorded: Path) -> None:
    replay(recorded_lines(recorded, name)[:800], 1, 0.05)


@pytest.mark.slow
@pytest.mark.parametrize(("every", "keep", "limit"), [(1, 0, None), (0, 0.02, 2000)])
@pytest.mark.parametrize(
    "name",
    [
        "1.197931750",
        "1.197931751",
        "1.200806927",
        "BASIC-1.132153978",
        "PRO-1.170258213",
        "SELF-1.181223994",
        "SELF-1.181223995",
    ],
)
def test_equal_on_the_whole_of_recorded_markets(
    name: str, every: int, keep: float, limit: int | None, recorded: Path
) -> None:
    replay(recorded_lines(recorded, name), every, keep, limit=limit)


PRICES = st.sampled_from([1.01, 1.5, 2, 2.02, 3.05, 10, 1000])
SIZES = st.sampled_from([0, 0, 0.01, 2, 5.5, 100])
LADDER = st.lists(st.tuples(PRICES, SIZES), max_size=4)
POSITIONS = st.lists(st.tuples(st.integers(0, 4), PRICES, SIZES), max_size=4)
RUNNER_CHANGE = st.fixed_dictionaries(
    {"id": st.integers(1, 3)},
    optional={
        "hc": st.sampled_from([0, -0.5]),
        "ltp": PRICES,
        "tv": SIZES,
        "spn": st.sampled_from([2.5, "NaN", "Infinity", 0]),
        "spf": PRICES,
        **dict.fromkeys(("trd", "atb", "atl", "spb", "spl"), LADDER),
        **dict.fromkeys(("batb", "batl", "bdatb", "bdatl"), POSITIONS),
    },
)
DEFINED = st.lists(
    st.fixed_dictionaries(
        {"id": st.integers(1, 3), "status": st.sampled_from(["ACTIVE", "REMOVED"]), "sortPriority": st.just(1)},
        optional={"adjustmentFactor": SIZES, "bsp": st.sampled_from([3.3, "NaN"]), "hc": st.sampled_from([0, -0.5])},
    ),
    min_size=1,
    max_size=3,
)
CHANGE = st.fixed_dictionaries(
    {},
    optional={
        "rc": st.lists(RUNNER_CHANGE, max_size=4),
        "tv": SIZES,
        "img": st.sampled_from([True, False, False]),
        "runners": DEFINED,
    },
)
BASE = next(SyntheticMarket(updates=20).changes())[1]["marketDefinition"]


@settings(max_examples=150)
@given(
    st.lists(CHANGE, min_size=1, max_size=12),
    DEFINED,
    st.integers(0, 3),
    st.floats(0, 1),
    st.sampled_from([None, 0, 300]),
    st.booleans(),
)
def test_random_changes(
    changes: list[dict[str, Any]],
    first: list[dict[str, Any]],
    every: int,
    keep: float,
    limit: int | None,
    is_calculated: bool,
) -> None:
    made = []
    for number, change in enumerate([{"runners": first}, *changes]):
        market = {"id": "1.1", **change}
        if "runners" in market:
            market["marketDefinition"] = {**BASE, "version": number, "runners": market.pop("runners")}
        elif market.get("img"):
            market["marketDefinition"] = {**BASE, "runners": first}
        made.append(json.dumps({"op": "mcm", "pt": 1000 + number, "mc": [market]}).encode())
    replay(made, every, keep, limit=limit, calculate_market_tv=is_calculated)


def test_a_calculated_total_has_a_new_runners_volume_once_a_known_one_trades(lines: list[bytes]) -> None:
    market_id = json.loads(lines[0])["mc"][0]["id"]
    changes: list[Any] = [
        [{"id": 1, "trd": [[2, 10]]}],
        [{"id": 1, "ltp": 2}, {"id": 2, "trd": [[3, 20]]}],
        [{"id": 3, "trd": [[4, 1]]}, {"id": 1, "trd": [[2, 11]]}],
        [{"id": 4, "trd": [[4, 1]]}, {"id": 4, "trd": [[5, 1]]}],
    ]
    made = [
        json.dumps({"op": "mcm", "pt": 1000 + pt, "mc": [{"id": market_id, "rc": change}]}).encode()
        for pt, change in enumerate(changes)
    ]
    for every in (1, 2, len(made) - 1):
        replay(made, every, keep=0, calculate_market_tv=True)
    replay(made, 0, keep=1, calculate_market_tv=True)


@pytest.mark.parametrize(
    "runner",
    [
        {"ltp": 2.5},
        {"tv": 12.5},
        {"spn": 2.5},
        {"spb": [[2.5, 10]]},
        {"batb": [[0, 2.5, 10]]},
        {"atb": [[2.5, 10]]},
        {"atl": [[2.5, 10]]},
        {"trd": [[2.5, 10]]},
        {"trd": []},
    ],
    ids=str,
)
def test_what_nobody_has_read_for_long(lines: list[bytes], runner: dict[str, Any]) -> None:
    """Changes of one field alone, between two books that are read."""
    image = json.loads(lines[0])
    number, other = (each["id"] for each in image["mc"][0]["rc"][:2])
    many = [lines[0], lines[1]]
    for pt in range(image["pt"] + 1_000, image["pt"] + 1_101):
        last = {"id": other, "ltp": 3.0}
        change = {"id": image["mc"][0]["id"], "rc": [last if pt == image["pt"] + 1_100 else {"id": number, **runner}]}
        many.append(json.dumps({"op": "mcm", "pt": pt, "mc": [change]}).encode())
    replay(many, every=len(many) - 1, keep=0, is_decoding=False)


def test_an_image_leaves_the_book_before_it_as_it_was(lines: list[bytes]) -> None:
    cache, before = MarketBookCache("1.1", 1), None
    for line in lines[:5]:
        message = decode_message(line)
        before = cache.update(message.mc[0], message.pt, line)
        before.runners  # noqa: B018
    assert before is not None
    changed = set(before.changed)
    assert changed
    cache.replacement()
    assert set(before.changed) == changed


def test_nobody_reads_nobody_builds(lines: list[bytes], simulate: Any, tmp_path: Any) -> None:
    cache, _ = replay(lines, 0, 0)
    assert cache.ladders_built == 0
    cache, kept = replay(lines, 0, 0.01)
    assert 0 < cache.ladders_built <= 20 * kept


def test_held_changes_are_in_the_next_book(lines: list[bytes]) -> None:
    ours, every = MarketBookCache("1.1", 1), MarketBookCache("1.1", 1)
    for number, line in enumerate(lines[:200]):
        message = decode_message(line)
        reference = every.update(message.mc[0], message.pt)
        if number % 5:
            ours.hold(decode_message(line).mc[0])
            continue
        book = ours.update(decode_message(line).mc[0], message.pt)
        assert [r.ex.traded_volume for r in book.runners] == [r.ex.traded_volume for r in reference.runners]


@pytest.mark.parametrize("whole", [0, 1, 0.5])
def test_changed_and_traded_before_tell_what_this_book_did(lines: list[bytes], whole: float) -> None:
    cache, rng = MarketBookCache("1.1", 1), random.Random(1)
    before: dict[Any, list[tuple[Any, Any]]] = {}
    for number, line in enumerate(lines[:400]):
        message = (decode_whole_message if rng.random() < whole else decode_message)(line)
        book = cache.update(message.mc[0], message.pt)
        if number % 3:
            named = {(change["id"], 0) for change in json.loads(line)["mc"][0].get("rc", ())}
            assert named <= set(book.changed)
        for runner in book.runners:
            key, traded = (runner.selection_id, runner.handicap), levels(runner.ex.traded_volume)
            if key in book.changed and runner.traded_before is not None:
                assert levels(runner.traded_before) == before[key]
            else:
                assert before.get(key, traded) == traded
            before[key] = traded


@pytest.mark.parametrize("decode", [decode_message, decode_whole_message])
def test_a_runner_may_come_twice_in_a_change(decode: Any) -> None:
    cache = MarketBookCache("1.1", 1)

    def book_of(*changes: dict[str, Any]) -> MarketBook:
        mc = [{"id": "1.1", "rc": [{"id": 1, **change} for change in changes]}]
        message = decode(json.dumps({"op": "mcm", "pt": 1, "mc": mc}).encode())
        return cache.update(message.mc[0], message.pt)

    (runner,) = book_of({"trd": [[2, 5]]}, {"trd": [[3, 5]]}, {"ltp": 3}).runners
    assert runner.traded_before is None and levels(runner.ex.traded_volume) == [(2, 5), (3, 5)]
    for second in ({"ltp": 2}, {"trd": [[4, 1]]}):
        was = levels(runner.ex.traded_volume)
        (runner,) = book_of({"trd": [[2, was[0][1] + 1]]}, second).runners
        assert levels(runner.traded_before) == was
    (runner,) = book_of({"ltp": 4}).runners
    assert runner.traded_before is None


def test_a_list_changed_by_a_strategy_changes_no_later_book(lines: list[bytes]) -> None:
    for decode in (decode_message, decode_whole_message):
        spoilt, sound = MarketBookCache("1.1", 1), MarketBookCache("1.1", 1)
        for line in lines[:200]:
            books = []
            for cache in (spoilt, sound):
                message = decode(line)
                books.append(cache.update(message.mc[0], message.pt))
            ours, reference = (each.runners for each in books)
            rc = {change["id"]: change for change in json.loads(line)["mc"][0].get("rc", ())}
            for found, expected in zip(ours, reference, strict=True):
                if "atb" in rc.get(found.selection_id, ()):
                    assert found.ex.available_to_back == expected.ex.available_to_back
                    found.ex.available_to_back.clear()


def test_level_reads_like_an_object_and_like_a_dict(lines: list[bytes]) -> None:
    cache = MarketBookCache("1.1", 1)
    for line in lines[:50]:
        message = decode_message(line)
        book = cache.update(message.mc[0], message.pt)
    level = book.runners[0].ex.available_to_back[0]
    assert level["price"] == level.price and level.get("size") == level.size
    assert level == {"price": level.price, "size": level.size} == dict(level)
    with pytest.raises(KeyError):
        level["odds"]
    assert book.market_definition is not None and book.market_definition.market_type == "WIN"


@pytest.mark.parametrize(
    ("handicap", "expected"), [(None, "0"), (0, "0"), (0.0, "0.0"), (-0.0, "-0.0"), (-0.5, "-0.5")]
)
def test_a_handicap_of_null_is_none_at_all(handicap: float | None, expected: str) -> None:
    runner = {"id": 7, "hc": handicap, "status": "ACTIVE"}
    change = {"id": "1.1", "marketDefinition": {"runners": [runner]}, "rc": [{"id": 7, "hc": handicap, "ltp": 2.0}]}
    message = decode_message(json.dumps({"pt": 1, "mc": [change]}).encode())
    book = MarketBookCache("1.1", 1).update(message.mc[0], 1)
    assert [repr(each.handicap) for each in book.runners] == [expected]
    assert list(book.definition.runner_statuses) == [(7, handicap or 0)]


def test_fields_of_the_definition_that_nobody_knows_yet_cost_nothing() -> None:
    definition = {
        "status": "OPEN",
        "priceLadderDefinition": {"type": "CLASSIC", "new": 1},
        "keyLineDefinition": {"kl": [{"id": 1, "hc": 0.5}], "new": 1},
        "runners": [{"id": 1, "status": "ACTIVE", "sortPriority": 1}],
    }
    line = {"op": "mcm", "pt": 1, "mc": [{"id": "1.1", "marketDefinition": definition}]}
    message = decode_message(json.dumps(line).encode())
    book = MarketBookCache("1.1", 1).update(message.mc[0], message.pt)
    assert book is not None and book.price_ladder_definition is not None and book.key_line_description is not None
    assert book.price_ladder_definition.type == "CLASSIC"
    assert [each.handicap for each in book.key_line_description.key_line] == [0.5]


def test_books_that_nobody_reads_are_never_built(simulate: Any, market_file: Any) -> None:
    framework = simulate(market_file(updates=400), BaseStrategy())
    caches = [market.latest_book._cache for market in framework.markets]
    assert [cache.ladders_built for cache in caches] == [0]
