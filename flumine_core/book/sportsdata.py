"""Updates of races and cricket matches, on top of betfairlightweight's caches."""

from copy import copy
from typing import Any


def updated(cache: Any, change: dict[str, Any], publish_time: int, unique_id: int) -> Any:
    """Return the Race or CricketMatch after a change; one that cannot be used raises, and leaves the cache as it was.

    :param cache: betfairlightweight's RaceCache or CricketMatchCache.
    :param publish_time: milliseconds since 1970.
    """
    before = {name: copy(value) for name, value in vars(cache).items()}
    try:
        cache.update_cache(change, publish_time)
        return cache.create_resource(unique_id)
    except Exception:
        vars(cache).update(before)
        raise
