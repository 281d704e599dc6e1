"""The requests of the Exchange Stream API (ESASwaggerSchema); null is as good as absent."""

from typing import Literal

from .params import Params

MarketField = Literal[
    "EX_BEST_OFFERS_DISP",
    "EX_BEST_OFFERS",
    "EX_ALL_OFFERS",
    "EX_TRADED",
    "EX_TRADED_VOL",
    "EX_LTP",
    "EX_MARKET_DEF",
    "SP_TRADED",
    "SP_PROJECTED",
]


class Authentication(Params):
    """`authentication`."""

    op: str
    id: int | None = None
    app_key: str | None = None
    session: str | None = None


class MarketFilter(Params):
    """Which markets: every list that is given must name the market's value."""

    market_ids: list[str] | None = None
    event_ids: list[str] | None = None
    event_type_ids: list[str] | None = None
    market_types: list[str] | None = None
    venues: list[str] | None = None
    country_codes: list[str] | None = None
    betting_types: list[str] | None = None
    bsp_market: bool | None = None
    turn_in_play_enabled: bool | None = None
    race_types: list[str] | None = None
    bet_delay_models: list[str] | None = None


class MarketDataFilter(Params):
    """Which fields, and how many levels of the best offers (1 to 10)."""

    fields: list[MarketField] | None = None
    ladder_levels: int | None = None


class Subscribing(Params):
    """What all subscriptions have."""

    op: str
    id: int | None = None
    initial_clk: str | None = None
    clk: str | None = None
    conflate_ms: int | None = None
    heartbeat_ms: int | None = None
    segmentation_enabled: bool | None = None


class MarketSubscribing(Subscribing):
    """`marketSubscription`."""

    market_filter: MarketFilter | None = None
    market_data_filter: MarketDataFilter | None = None


class OrderFilter(Params):
    """Which bets; `include_overall_position` brings mb/ml, `partition_matched_by_strategy_ref` smc."""

    include_overall_position: bool | None = None
    customer_strategy_refs: list[str] | None = None
    partition_matched_by_strategy_ref: bool | None = None
    account_ids: list[int] | None = None


class OrderSubscribing(Subscribing):
    """`orderSubscription`."""

    order_filter: OrderFilter | None = None


class SportSubscribing(Subscribing):
    """`raceSubscription` and `cricketSubscription`."""

    market_filter: MarketFilter | None = None
