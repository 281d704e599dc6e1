"""Descriptions of streams: what a strategy asks for, as values; the two ends make the streams themselves."""

import json
from collections.abc import Collection, Iterable, Mapping
from math import inf
from typing import Any, ClassVar

from ..errors import SettingsError
from ..hint import did_you_mean
from ..overrides import refuse_overrides

DEFAULT_MARKET_DATA_FIELDS = (
    "EX_ALL_OFFERS",
    "EX_TRADED",
    "EX_TRADED_VOL",
    "EX_LTP",
    "EX_MARKET_DEF",
    "SP_TRADED",
    "SP_PROJECTED",
)

MARKET_FILTER_KEYS = frozenset(
    {
        "marketIds",
        "bspMarket",
        "bettingTypes",
        "eventTypeIds",
        "eventIds",
        "turnInPlayEnabled",
        "marketTypes",
        "venues",
        "countryCodes",
        "raceTypes",
    }
)
"""What the Exchange Stream API's MarketFilter has."""

RECORDED_FILTER_KEYS = frozenset(
    {"markets", "listener_kwargs", "event_processing", "event_groups", "market_types", "country_codes"}
)
"""What a strategy's `market_filter` has in a simulation."""


def filter_problems(market_filter: Mapping[Any, Any], known: Collection[str]) -> dict[str, str]:
    """Return the keys of a market filter that nothing reads, each with a text about it."""
    return {
        str(key): f"market_filter has no key {key!r}{did_you_mean(str(key), known)}"
        for key in market_filter
        if key not in known
    }


def check_filter(whose: str, market_filter: Mapping[Any, Any], known: Collection[str]) -> None:
    """Refuse a market filter with a key that nothing reads: what a misspelt one was to leave out would be traded.

    :raises SettingsError: naming whose it is, the key, and the nearest that there is.
    """
    problems = filter_problems(market_filter, known)
    if problems:
        raise SettingsError(f"{whose}: {'; '.join(problems.values())}")


def _plain(value: Any) -> Any:
    """Return filters as plain data; betfairlightweight's filter objects serialise themselves."""
    serialise = getattr(value, "serialise", None)
    return serialise if serialise is not None else value


def _check_client(client: Any) -> None:
    if hasattr(client, "add_strategy"):
        raise SettingsError(f"a stream takes a client here, and no framework, was {client!r}")


class BaseStream:
    """A description of one stream; equal descriptions are shared between strategies.

    :param custom: for flumine's signature; nothing reads it.
    :ivar stream_id: given when added to a framework: 10000, 20000, ...
    :raises SettingsError: on a `stream_id` that is no whole number.
    """

    operation: str = "marketSubscription"

    def __init__(self, stream_id: int | None = None, custom: bool = False) -> None:
        if stream_id is not None and (not isinstance(stream_id, int) or isinstance(stream_id, bool)):
            raise SettingsError(f"stream_id must be a whole number, or None, was {stream_id!r}")
        self.stream_id = stream_id
        self.custom = custom

    def key(self) -> Mapping[str, Any]:
        """Return what makes two descriptions the same stream, as plain data."""
        return {"id": id(self)}

    @property
    def identity(self) -> str:
        """The class and `key()` as text: equal for descriptions that can share one stream."""
        return json.dumps([type(self).__qualname__, dict(self.key())], sort_keys=True, default=str)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, BaseStream) and self.identity == other.identity

    def __hash__(self) -> int:
        return hash(self.identity)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.stream_id}>"


class MarketStream(BaseStream):
    """Betfair's market stream: books, one snapshot a change.

    :param flumine: for flumine's signature; nothing reads it.
    :param market_filter: the subscription's marketFilter; None subscribes to all markets the key may see.
    :param market_data_filter: fields and ladder levels; None asks for all offers, traded volumes and SP.
    :param streaming_timeout: seconds without an update after which open markets are delivered again.
    :param conflate_ms: milliseconds over which Betfair conflates, 0 to 120,000.
    :raises SettingsError: on a negative timeout, a conflation out of range or a filter that is no mapping.
    """

    def __init__(
        self,
        flumine: Any = None,
        stream_id: int | None = None,
        streaming_timeout: float | None = None,
        conflate_ms: int | None = None,
        market_filter: Any = None,
        market_data_filter: Any = None,
        custom: bool = False,
        client: Any = None,
    ) -> None:
        super().__init__(stream_id, custom)
        if streaming_timeout is not None and not streaming_timeout > 0:
            raise SettingsError(f"streaming_timeout must be seconds > 0, was {streaming_timeout!r}")
        if conflate_ms is not None and not (isinstance(conflate_ms, int) and 0 <= conflate_ms <= 120_000):
            raise SettingsError(f"conflate_ms must be 0 to 120000 milliseconds, was {conflate_ms!r}")
        for name, value in (("market_filter", market_filter), ("market_data_filter", market_data_filter)):
            if value is not None and not isinstance(_plain(value), Mapping):
                raise SettingsError(f"{name} must be a mapping, was {value!r}")
        self.streaming_timeout = streaming_timeout
        self.conflate_ms = conflate_ms
        self.market_filter = dict(_plain(market_filter) or {})
        self.market_ids: set[str] = set()
        self.market_data_filter = dict(_plain(market_data_filter) or {"fields": list(DEFAULT_MARKET_DATA_FIELDS)})
        self.client = client

    def key(self) -> Mapping[str, Any]:
        """Return filters, timeout, conflation and account."""
        return {
            "operation": self.operation,
            "market_filter": self.market_filter,
            "market_data_filter": self.market_data_filter,
            "streaming_timeout": self.streaming_timeout,
            "conflate_ms": self.conflate_ms,
            "client": getattr(self.client, "username", None),
        }


class DataStream(MarketStream):
    """The market stream as raw changes, for recording: strategies get process_raw_data and no books."""


class OrderStream(BaseStream):
    """An account's order stream; a framework adds one for each client that trades.

    :param customer_strategy_refs: bets of these references alone; None is every bet of the account.
    """

    operation = "orderSubscription"

    def __init__(
        self,
        client: Any,
        conflate_ms: int | None = None,
        customer_strategy_refs: list[str] | None = None,
        stream_id: int | None = None,
        custom: bool = False,
    ) -> None:
        super().__init__(stream_id, custom)
        _check_client(client)
        self.client = client
        self.conflate_ms = conflate_ms
        self.customer_strategy_refs = customer_strategy_refs

    def key(self) -> Mapping[str, Any]:
        """Return account, conflation and references."""
        return {
            "client": self.client.username,
            "conflate_ms": self.conflate_ms,
            "customer_strategy_refs": self.customer_strategy_refs,
        }


class OrderDataStream(OrderStream):
    """An account's order stream as raw changes, for recording."""


class SportsDataStream(BaseStream):
    """Betfair's race or cricket stream, on a host of its own.

    :param sports_data_filter: "raceSubscription" or "cricketSubscription".
    :raises SettingsError: on any other.
    """

    OPERATIONS: ClassVar[tuple[str, ...]] = ("raceSubscription", "cricketSubscription")

    def __init__(
        self,
        sports_data_filter: str = "raceSubscription",
        client: Any = None,
        stream_id: int | None = None,
        custom: bool = False,
    ) -> None:
        super().__init__(stream_id, custom)
        _check_client(client)
        if sports_data_filter not in self.OPERATIONS:
            known = ", ".join(self.OPERATIONS)
            raise SettingsError(f"sports_data_filter must be one of {known}, was {sports_data_filter!r}")
        self.sports_data_filter = self.operation = sports_data_filter
        self.client = client

    def key(self) -> Mapping[str, Any]:
        """Return kind and account."""
        return {"operation": self.sports_data_filter, "client": getattr(self.client, "username", None)}


class RaceDataStream(SportsDataStream):
    """The race stream as raw changes, for recording."""

    def __init__(self, client: Any = None, stream_id: int | None = None) -> None:
        super().__init__("raceSubscription", client, stream_id)


class CricketDataStream(SportsDataStream):
    """The cricket stream as raw changes, for recording."""

    def __init__(self, client: Any = None, stream_id: int | None = None) -> None:
        super().__init__("cricketSubscription", client, stream_id)


BETFAIR_STREAMS = (MarketStream, OrderStream, SportsDataStream)
"""Descriptions of what Betfair's stream servers send."""

_LISTENER_TYPES: dict[str, tuple[Any, str]] = {
    "inplay": (bool, "true or false"),
    "seconds_to_start": (int | float, "a number"),
    "max_inplay_seconds": (int | float, "a number"),
    "calculate_market_tv": (bool, "true or false"),
    "cumulative_runner_tv": (bool, "true or false"),
    "event_type_ids": (str | int | list | tuple | set | frozenset, "an id or a list of ids"),
}


def listener_problems(options: Mapping[str, Any]) -> dict[str, str]:
    """Return what is wrong with listener options: name -> text."""
    problems: dict[str, str] = {}
    for name, value in options.items():
        types, wanted = _LISTENER_TYPES.get(name, (object, ""))
        if name not in HistoricalStream.LISTENER_OPTIONS:
            problems[name] = f"there is no such option{did_you_mean(str(name), HistoricalStream.LISTENER_OPTIONS)}"
        elif value is None:
            continue
        elif not isinstance(value, types) or (isinstance(value, bool) and types not in (bool, object)):
            problems[name] = f"must be {wanted}, was {value!r}"
        elif name == "seconds_to_start" and not value > -inf:
            problems[name] = f"must be more than -inf, was {value!r}"
        elif name == "max_inplay_seconds" and not value >= 0:
            problems[name] = f"must be 0 or more, was {value!r}"
        elif name == "lightweight" and value:
            problems[name] = "must be False: strategies are given market book objects"
    return problems


class HistoricalStream(BaseStream):
    """One recorded file (or a member of an archive), replayed.

    :param file_path: plain, gz, bz2 or zst, local or remote; `archive.tar!member` for one in a tar archive.
    :param listener_kwargs: `inplay`, `seconds_to_start`, `max_inplay_seconds`, `event_type_ids`,
        `calculate_market_tv`, `cumulative_runner_tv`.
    :param event_processing: merge with the other files of the same event by publish time.
    :param event_group: merge with the files of the same group, whatever their event.
    :param market_types, country_codes: one or several; markets of others are left out for good.
    :raises SettingsError: on an option that does not exist, or is of the wrong type.
    """

    LISTENER_OPTIONS: ClassVar[frozenset[str]] = frozenset(
        {
            "inplay",
            "seconds_to_start",
            "max_inplay_seconds",
            "event_type_ids",
            "calculate_market_tv",
            "cumulative_runner_tv",
            "lightweight",
            "max_latency",
            "update_clk",
            "debug",
        }
    )

    def __init__(
        self,
        file_path: str,
        listener_kwargs: Mapping[str, Any] | None = None,
        stream_id: int | None = None,
        event_processing: bool = False,
        event_group: str | None = None,
        event_id: str | None = None,
        operation: str = "marketSubscription",
        market_types: str | Iterable[str] | None = None,
        country_codes: str | Iterable[str] | None = None,
    ) -> None:
        super().__init__(stream_id)
        self.market_ids: set[str] = set()
        self.file_path = str(file_path)
        self.listener_kwargs = dict(listener_kwargs or {})
        problems = listener_problems(self.listener_kwargs)
        if problems:
            raise SettingsError("; ".join(f"listener option {name}: {text}" for name, text in problems.items()))
        self.event_processing = event_processing
        self.event_group = event_group
        self.event_id = event_id
        self.operation = operation
        self.market_types = _several(market_types)
        self.country_codes = _several(country_codes)

    def key(self) -> Mapping[str, Any]:
        """Return file, filters and grouping."""
        return {
            "file_path": self.file_path,
            "listener_kwargs": self.listener_kwargs,
            "event_processing": self.event_processing,
            "event_group": self.event_group,
            "event_id": self.event_id,
            "operation": self.operation,
            "market_types": self.market_types,
            "country_codes": self.country_codes,
        }


def _several(wanted: str | Iterable[str] | None) -> list[str] | None:
    """Return one or several names as a list, None where nothing is asked for."""
    return ([wanted] if isinstance(wanted, str) else list(wanted)) if wanted else None


_OF_THREADS = ("run", "handle_output", "create_generator", "LISTENER")
"""What flumine's streams have, which are threads."""

_INSTEAD = (
    "what it describes is opened by the framework; an object of yours that is iterated for events may take its place, "
    "or a description that derives from BaseStream, which a plugin's flumine_make_stream opens"
)


def check_is_description(cls: type) -> None:
    """Refuse a class of streams that overrides how flumine's read: what the house opens is a description alone.

    :raises SettingsError: naming class and override.
    """
    if issubclass(cls, (*BETFAIR_STREAMS, HistoricalStream)):
        refuse_overrides(cls, dict.fromkeys(_OF_THREADS, _INSTEAD))
