"""The lines that the exchange plays: many markets in turn, each change bearing its own number as the market's `tv`.

Line n (from 1 on) is of market (n - 1) % markets. The changes of a market come round again after a hundred, so that
its book is as large at the end of a run as after the first round, and growing memory is not the market's. The image is
that of a market of 17 runners, as many as in the recorded one of the other benchmark, after a life of its own.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from flumine_core.synthetic.market import SyntheticMarket

RUNNERS = 17
LIFE = 2_000
"""So many changes have made the image."""
ROUND = 100
STRIDE = 37
"""By so much each market is ahead of the one before it, so that they do not move in step."""


def market_ids(markets: int) -> list[str]:
    """Return the ids of so many markets."""
    return [f"1.9{number:08d}" for number in range(markets)]


def write_lines(path: Path, markets: int, count: int) -> Path:
    """Write one line with an image of every market, and `count` lines with a change each."""
    (start_ms, image), *changes = SyntheticMarket(updates=LIFE + ROUND, runners=RUNNERS, in_play=False).changes()
    image = _aged(image, [change["rc"] for _, change in changes[:LIFE]])
    rounds = [_text(change["rc"]) for _, change in changes[LIFE : LIFE + ROUND]]
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


def _aged(image: dict[str, Any], changes: list[list[dict[str, Any]]]) -> dict[str, Any]:
    """Return an image as it is after changes of its runners."""
    runners: dict[int, dict[str, Any]] = {}
    for change in (runner for each in (image["rc"], *changes) for runner in each):
        into = runners.setdefault(change["id"], {"id": change["id"]})
        for name, value in change.items():
            if isinstance(value, list):
                into.setdefault(name, {}).update((level[0], level) for level in value)
            else:
                into[name] = value
    for runner in runners.values():
        for name, value in runner.items():
            if isinstance(value, dict):
                runner[name] = [level for level in value.values() if level[-1]]
    return image | {"rc": list(runners.values())}


def _text(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
