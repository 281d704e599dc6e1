"""The lines that the exchange plays: many markets in turn, each change bearing its own number as the market's `tv`.

Line n (from 1 on) is of market (n - 1) % markets. The changes of a market come round again after a hundred, so that
its book is as large at the end of a run as after the first round, and growing memory is not the market's.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from flumine_core.synthetic.market import SyntheticMarket

ROUND = 100
STRIDE = 37
"""By so much each market is ahead of the one before it, so that they do not move in step."""


def market_ids(markets: int) -> list[str]:
    """Return the ids of so many markets."""
    return [f"1.9{number:08d}" for number in range(markets)]


def write_lines(path: Path, markets: int, count: int) -> Path:
    """Write one line with an image of every market, and `count` lines with a change each."""
    (start_ms, image), *changes = SyntheticMarket(updates=ROUND, in_play=False).changes()
    rounds = [_text(change["rc"]) for _, change in changes[:ROUND]]
    ids = market_ids(markets)
    with path.open("wb") as file:
        images = [image | {"id": market_id, "tv": 0} for market_id in ids]
        file.write(_text({"op": "mcm", "clk": "A", "pt": start_ms, "mc": images}) + b"\n")
        file.writelines(_lines([each.encode() for each in ids], rounds, start_ms, count))
    return path


def _lines(ids: list[bytes], rounds: list[bytes], start_ms: int, count: int) -> Iterator[bytes]:
    markets = len(ids)
    for number in range(count):
        turn, market = divmod(number, markets)
        runners = rounds[(turn + market * STRIDE) % ROUND]
        values = (start_ms + 1 + number, ids[market], number + 1, runners)
        yield b'{"op":"mcm","clk":"A","pt":%d,"mc":[{"id":"%s","tv":%d,"rc":%s}]}\n' % values


def _text(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
