"""Changes merged into one do to a book what they do one after another; the live stream gives the recorded books."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flumine_core import HistoricalStream, MarketStream
from flumine_core.book.cache import MarketBookCache
from flumine_core.book.change import MarketChange, decode_market_change
from flumine_core.kernel.copies import plain_book
from flumine_core.live.conflation import merge
from flumine_core.live.marketstream import LiveMarketStream
from flumine_core.simulation.stream import RecordedStream
from flumine_core.synthetic.market import SyntheticMarket

from .conftest import Report, StreamServer, definition

PRICES = st.sampled_from([1.5, 2.0, 2.02, 3, 10.5])
SIZES = st.one_of(st.just(0), st.floats(0.01, 1000).map(lambda size: round(size, 2)))
LADDER = st.lists(st.tuples(PRICES, SIZES), min_size=1, max_size=3, unique_by=lambda level: level[0])
POSITIONS = st.lists(
    st.tuples(st.integers(0, 2), PRICES, SIZES), min_size=1, max_size=3, unique_by=lambda level: level[0]
)
RUNNER = st.fixed_dictionaries(
    {"id": st.sampled_from([11, 22, 33])},
    optional={
        "hc": st.sampled_from([0, 1.5]),
        "ltp": PRICES,
        "tv": SIZES,
        "spn": PRICES,
        "spf": PRICES,
        "trd": LADDER,
        "atb": LADDER,
        "atl": LADDER,
        "batb": POSITIONS,
        "bdatl": POSITIONS,
        "spb": LADDER,
        "spl": LADDER,
    },
)
CHANGE = st.fixed_dictionaries(
    {"id": st.just("1.1"), "rc": st.lists(RUNNER, max_size=3)},
    optional={"tv": SIZES, "marketDefinition": st.integers(1, 3).map(lambda version: definition("OPEN", version))},
)


def change_of(raw: dict[str, Any]) -> MarketChange:
    return decode_market_change(msgspec.json.encode(raw))


@given(st.lists(CHANGE, min_size=1, max_size=8))
def test_a_merged_change_is_all_of_them(raws: list[dict[str, Any]]) -> None:
    first = change_of({"id": "1.1", "img": True, "marketDefinition": definition(), "rc": []})
    one, many = MarketBookCache("1.1", 1), MarketBookCache("1.1", 1)
    for cache in (one, many):
        cache.update(first, 1)
    for raw in raws[:-1]:
        many.hold(change_of(raw))
    expected = many.update(change_of(raws[-1]), 2)
    merged = merge([change_of(raw) for raw in raws])
    assert merged is not None
    assert by_runner(one.update(merged, 2)) == by_runner(expected)


def by_runner(book: Any) -> dict[str, Any]:
    plain = plain_book(book)
    plain["runners"] = {(each["selection_id"], each["handicap"]): each for each in plain["runners"]}
    return plain


def test_an_emptied_list_of_traded_volumes_is_not_merged() -> None:
    assert merge([change_of({"id": "1.1", "rc": [{"id": 11, "trd": []}]})]) is None


@pytest.fixture
def lines() -> list[bytes]:
    return list(SyntheticMarket(updates=200, seed=5).lines())


def recorded(lines: list[bytes], tmp_path: Any) -> Iterator[dict[str, Any]]:
    path = tmp_path / "market"
    path.write_bytes(b"".join(lines))
    for event in RecordedStream(HistoricalStream(str(path), stream_id=10_000), lambda text, file: None):
        for book in event.market_books:
            yield plain_book(book)


def wire(lines: list[bytes], subscription: int) -> Iterator[bytes]:
    """Yield a recorded market's lines as the exchange would send them."""
    for number, line in enumerate(lines):
        message = msgspec.json.decode(line)
        message["id"] = subscription
        if not number:
            message |= {"ct": "SUB_IMAGE", "initialClk": "I"}
            message["mc"][0]["img"] = True
        yield msgspec.json.encode(message) + b"\r\n"


@pytest.mark.parametrize("is_slow", [False, True])
def test_live_books_are_those_of_a_recording(
    server: StreamServer,
    account: Any,
    fast_settings: Any,
    pump: Any,
    report: Report,
    lines: list[bytes],
    tmp_path: Any,
    is_slow: bool,
) -> None:
    expected = list(recorded(lines, tmp_path))
    settings = fast_settings(stream_heartbeat=250.0)  # the server sends no heartbeats, and may be slow
    stream = LiveMarketStream(MarketStream(stream_id=10_000), account(), settings, report)
    pumped = pump(stream)
    connection = server.connection()
    if not is_slow:
        found = []
        for line in wire(lines, connection.id):
            connection.raw_send(line)
            found += [plain_book(book) for book in pumped.books()]
        assert found == expected
        return
    connection.raw_send(b"".join(wire(lines, connection.id)))
    connection.change(clk="Z", pt=1, mc=[{"id": "1.9", "marketDefinition": definition()}])
    event, _, last = pumped.next(), pumped.next(), pumped.next()
    assert last.market_books[0].market_id == "1.9"
    found = [plain_book(book) for book in event.market_books]
    assert len(found) < len(expected) and found[-1] == expected[-1]
