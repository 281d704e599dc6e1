"""Several synthetic markets of one event, in one file or one each, in the order of publish times."""

from collections.abc import Iterator, Sequence
from heapq import merge
from pathlib import Path
from typing import Any

from attrs import evolve, field, frozen

from ..errors import SettingsError
from .market import SyntheticMarket, encode, write


def _as_tuple(markets: Sequence[SyntheticMarket]) -> tuple[SyntheticMarket, ...]:
    return tuple(markets)


@frozen
class SyntheticEvent:
    """Markets of one event whose lines interleave.

    Changes of one span of `conflate_ms` share a line, as a stream over several markets has them; with 0 each
    line has one change. Raises `SettingsError` where two markets have one id, or are of different events.
    """

    markets: tuple[SyntheticMarket, ...] = field(converter=_as_tuple)
    conflate_ms: int = 0

    def __attrs_post_init__(self) -> None:
        ids = [market.market_id for market in self.markets]
        if not ids:
            raise SettingsError("markets must be one or more, was none")
        if len(set(ids)) < len(ids):
            raise SettingsError(f"markets of an event must have ids of their own, was {', '.join(ids)}")
        events = {market.event_id for market in self.markets}
        if len(events) > 1:
            raise SettingsError(f"markets of an event must have one event_id, was {', '.join(sorted(events))}")
        if self.conflate_ms < 0:
            raise SettingsError(f"conflate_ms must not be negative, was {self.conflate_ms}")

    def changes(self) -> Iterator[tuple[int, list[dict[str, Any]]]]:
        """Yield publish time (ms) and market changes of each line; of two at one time, as they are listed."""
        span = self.conflate_ms
        waiting: list[dict[str, Any]] = []
        latest = 0
        streams = [market.changes() for market in self.markets]
        for publish_time, change in merge(*streams, key=lambda item: item[0]):
            if waiting and (not span or publish_time // span != latest // span):
                yield latest, waiting
                waiting = []
            waiting.append(change)
            latest = publish_time
        yield latest, waiting

    def lines(self) -> Iterator[bytes]:
        """Yield the stream lines of all markets in the order of their publish times."""
        return encode(self.changes())

    def write(self, path: str | Path) -> Path:
        """Write all markets to the one file `path`, compressed where it ends in .gz, .bz2 or .zst."""
        return write(path, self.lines())

    def write_each(self, directory: str | Path, suffix: str = "") -> list[Path]:
        """Write each market to a file in `directory`, named by its id and `suffix` (such as ".bz2")."""
        return [market.write(Path(directory) / f"{market.market_id}{suffix}") for market in self.markets]


def event(
    *market_types: str,
    like: SyntheticMarket | None = None,
    first_market: int = 100_000_001,
    conflate_ms: int = 0,
) -> SyntheticEvent:
    """Return an event with one market of each type (WIN and PLACE where none is named).

    Each is as the market `like`, with ids from `first_market` up: "1.100000001", "1.100000002".
    Raises `SettingsError` where an option of `like` does not go with a type.
    """
    pattern = SyntheticMarket() if like is None else like
    markets = [
        evolve(pattern, market_type=market_type, market_id=f"1.{first_market + number}")
        for number, market_type in enumerate(market_types or ("WIN", "PLACE"))
    ]
    return SyntheticEvent(markets, conflate_ms)
