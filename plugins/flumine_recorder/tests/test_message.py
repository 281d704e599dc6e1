"""Messages are cut into a line a market, and a change's bytes stay as they are."""

import json
from typing import Any

import pytest
from flumine_recorder.message import KINDS, compose, cut, parse
from hypothesis import given, settings
from hypothesis import strategies as st

SPELLINGS = st.sampled_from(
    [
        '{{"id":"{id}","tv":1.0}}',
        '{{ "id" : "{id}" , "tv": 1.00 }}',
        '{{"id":"{id}","rc":[{{"id":1,"atb":[[1.50,2e1]],"unknown":"\\u00e9 \\n"}}]}}',
        '{{"id":"{id}","img":true,"marketDefinition":{{"status":"OPEN","eventId":"7"}}}}',
    ]
)


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["1.1", "1.2", "1.3"]), SPELLINGS), min_size=1, max_size=8),
    st.none() | st.text(max_size=12),
    st.integers(0, 2**45),
)
def test_each_market_has_its_own_changes_unaltered_and_in_order(
    parts: list[tuple[str, str]], clk: str | None, publish_time: int
) -> None:
    changes = [spelling.format(id=market_id).encode() for market_id, spelling in parts]
    lines = list(cut(KINDS["mcm"], clk, publish_time, changes, pytest.fail))
    assert sorted({market_id for market_id, _ in parts}) == sorted(line.market_id for line in lines)
    for line in lines:
        own = [change for (market_id, _), change in zip(parts, changes, strict=True) if market_id == line.market_id]
        assert line.text.count(b"\n") == 1 and line.text.endswith(b"\n")
        assert parse(line.text) == (KINDS["mcm"], clk, publish_time, own)
        assert list(json.loads(line.text)) == ["op", "clk", "pt", "mc"]
        assert b",".join(own) in line.text


@settings(deadline=None)
@given(st.sampled_from(list(KINDS.values())), st.none() | st.text(max_size=8), st.integers(0, 2**45))
def test_a_line_composed_of_a_parsed_line_is_the_same(kind: Any, clk: str | None, publish_time: int) -> None:
    line = compose(kind, clk, publish_time, [b'{"id":"1.1", "a":1.0}', b'{"id":"1.1"}'])
    found, *rest = parse(line)
    assert compose(found, *rest) == line


def test_kinds_hold_the_market_id_where_betfair_does() -> None:
    changes = {
        "mcm": b'{"id":"1.5"}',
        "ocm": b'{"id":"1.5","orc":[]}',
        "rcm": b'{"id":"28587288.1650","mid":"1.5"}',
        "ccm": b'{"marketId":"1.5","eventId":"30"}',
    }
    for op, change in changes.items():
        (line,) = cut(KINDS[op], None, 1, [change], pytest.fail)
        assert line.market_id == "1.5"
        assert line.changes[0].event_id == {"rcm": "28587288", "ccm": "30"}.get(op)


@pytest.mark.parametrize(
    "change", [b"[]", b'{"tv":1}', b'{"id":7}', b'{"id":"../up"}', b'{"id":"1.5","marketDefinition":3}', b"{"]
)
def test_a_change_without_a_place_is_told_and_the_others_are_kept(change: bytes) -> None:
    told: list[str] = []
    lines = list(cut(KINDS["mcm"], "c", 1, [b'{"id":"1.1"}', change, b'{"id":"1.2"}'], told.append))
    assert [line.market_id for line in lines] == ["1.1", "1.2"]
    assert len(told) == 1


def test_line_ends_between_tokens_become_spaces() -> None:
    (line,) = cut(KINDS["mcm"], None, 1, [b'{"id":\r\n"1.1"}'], pytest.fail)
    assert parse(line.text)[3] == [b'{"id":  "1.1"}']


@pytest.mark.parametrize(
    "line", [b"", b"{}\n", b'{"op":"xcm","pt":1}\n', b"\x00\x00\n", b'{"op":"mcm","clk":"a","pt":1,"mc']
)
def test_what_is_no_stream_line_is_refused(line: bytes) -> None:
    with pytest.raises(ValueError):
        parse(line)
