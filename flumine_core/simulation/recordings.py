"""What a strategy's market filter asks for in a simulation: recorded files, as descriptions."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from ..contract.strategy import BaseStrategy
from ..contract.streams import (
    RECORDED_FILTER_KEYS,
    DataStream,
    HistoricalStream,
    OrderStream,
    SportsDataStream,
    check_filter,
)
from ..errors import SettingsError, StreamError
from .reader import expand
from .stream import event_of

ONLY_LIVE = (DataStream, OrderStream, SportsDataStream)
"""Stream classes that a strategy may name and be simulated all the same: it is given books."""


def recordings_of(strategy: BaseStrategy) -> list[HistoricalStream]:
    """Describe each file that `market_filter["markets"]` names; none where there is no filter.

    :raises SettingsError: on a filter that is no dict with `markets`, a key that does not exist, or groups that are
        no texts.
    """
    wanted = strategy.market_filter
    if wanted is None:
        return []
    if not isinstance(wanted, dict) or "markets" not in wanted:
        raise SettingsError(
            f"in simulation market_filter of {strategy.name} must be a dict with markets (paths or globs), "
            f"was {wanted!r}"
        )
    check_filter(f"strategy {strategy.name}", wanted, RECORDED_FILTER_KEYS)
    markets = wanted["markets"]
    paths = [markets] if isinstance(markets, str | Path) else list(markets)
    groups = _groups_of(strategy.name, wanted.get("event_groups"))
    is_event = bool(wanted.get("event_processing")) or bool(groups)
    unseen = set(groups)
    descriptions = []
    for path in paths:
        try:
            sources = [source.name for source in expand(str(path))]
        except StreamError:
            sources = [str(path)]
        for name in sources:
            event_id = _event_or_none(name) if groups else None
            unseen.discard(event_id or "")
            descriptions.append(
                HistoricalStream(
                    name,
                    wanted.get("listener_kwargs"),
                    event_processing=is_event,
                    event_group=groups.get(event_id) if event_id else None,
                    event_id=event_id,
                    market_types=wanted.get("market_types"),
                    country_codes=wanted.get("country_codes"),
                )
            )
    if unseen:
        _warn(f"event_groups of {strategy.name}: no file is of event {', '.join(sorted(unseen))}")
    if issubclass(strategy.stream_class, ONLY_LIVE):
        _warn(f"stream_class of {strategy.name} is of use live only: a recording is replayed as market books")
    return descriptions


def _groups_of(strategy: str, groups: Any) -> Mapping[str, str]:
    """Return event id -> name of a group, as it was given."""
    if groups is None:
        return {}
    if not isinstance(groups, Mapping) or not all(isinstance(each, str) for pair in groups.items() for each in pair):
        raise SettingsError(
            f"event_groups in market_filter of {strategy} must be a dict of event id to name of a group (texts), "
            f"was {groups!r}"
        )
    return groups


@cache
def _warn(text: str) -> None:
    """Warn once, however many files a run simulates one by one."""
    from loguru import logger

    logger.warning("{}", text)


def _event_or_none(path: str) -> str | None:
    try:
        return event_of(path)
    except StreamError:
        return None
