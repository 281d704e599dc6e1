"""What a strategy's market filter asks for in a simulation: recorded files, as descriptions."""

from pathlib import Path

from ..contract.strategy import BaseStrategy
from ..contract.streams import HistoricalStream
from ..errors import SettingsError, StreamError
from .reader import expand
from .stream import event_of

KEYS = frozenset({"markets", "listener_kwargs", "event_processing", "event_groups", "market_types", "country_codes"})


def recordings_of(strategy: BaseStrategy) -> list[HistoricalStream]:
    """Describe each file that `market_filter["markets"]` names; none where there is no filter.

    :raises SettingsError: on a filter that is no dict with `markets`, or has a key that does not exist.
    """
    wanted = strategy.market_filter
    if wanted is None:
        return []
    if not isinstance(wanted, dict) or "markets" not in wanted:
        raise SettingsError(
            f"in simulation market_filter of {strategy.name} must be a dict with markets (paths or globs), "
            f"was {wanted!r}"
        )
    unknown = wanted.keys() - KEYS
    if unknown:
        raise SettingsError(f"market_filter of {strategy.name} has no key {', '.join(sorted(unknown))}")
    markets = wanted["markets"]
    paths = [markets] if isinstance(markets, str | Path) else list(markets)
    groups = wanted.get("event_groups") or {}
    is_event = bool(wanted.get("event_processing")) or bool(groups)
    descriptions = []
    for path in paths:
        try:
            sources = [source.name for source in expand(str(path))]
        except StreamError:
            sources = [str(path)]
        for name in sources:
            event_id = _event_or_none(name) if groups else None
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
    return descriptions


def _event_or_none(path: str) -> str | None:
    try:
        return event_of(path)
    except StreamError:
        return None
