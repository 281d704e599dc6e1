"""How long streams and workers of the live end wait for what, as part of the settings."""

from typing import Any

import attrs

from .errors import SettingsError


def positive_number(instance: Any, attribute: "attrs.Attribute[Any]", value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
        raise SettingsError(f"{attribute.name} must be a number > 0, was {value!r}")


def positive_count(instance: Any, attribute: "attrs.Attribute[Any]", value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise SettingsError(f"{attribute.name} must be a whole number >= 1, was {value!r}")


def _wait(default: float) -> Any:
    return attrs.field(default=default, validator=positive_number)


@attrs.define(eq=False, kw_only=True)
class StreamWaits:
    """What streams and workers wait for. Seconds are multiplied by `wait_factor`, as those of `LiveSettings` are.

    :ivar stream_connect_timeout: to connect, shake hands, authenticate and subscribe.
    :ivar stream_heartbeat: how often the exchange is asked to send a heartbeat (0.5 to 5 s).
    :ivar stream_silence_heartbeats: so many heartbeats without a message are a dead connection.
    :ivar stream_backoff_first, stream_backoff_most: bounds of the jittered wait before a reconnect.
    :ivar stream_limit_backoff: least wait where there are too many connections or requests, or a failure needs a human.
    :ivar stream_steady: a connection that held so long was a good one: the next reconnect waits little again.
    :ivar stream_certificate_attempts: tries of a host whose certificate cannot be verified before a stream
        that has never worked is given up.
    :ivar keep_alive_interval: most seconds between two looks whether the session needs to be kept alive.
    :ivar poll_account_balance_interval, poll_market_catalogue_interval: between two polls.
    :ivar poll_cleared_orders_first, poll_cleared_orders_most: bounds of the wait before cleared orders are asked
        for again; `poll_cleared_orders_for`: when to stop asking.
    :ivar worker_start_delay: before the first poll of balances, catalogues and cleared orders.
    :ivar closed_market_life: how long a closed market is kept in memory.
    :ivar on_stop_timeout: how long an orderly stop may take.
    :ivar max_data_waiting: so many messages of a data, race or cricket stream may wait for strategies; what is older
        is dropped, counted and told.
    """

    stream_connect_timeout: float = _wait(10.0)
    stream_heartbeat: float = _wait(5.0)
    stream_silence_heartbeats: float = _wait(2.5)
    stream_backoff_first: float = _wait(1.0)
    stream_backoff_most: float = _wait(60.0)
    stream_limit_backoff: float = _wait(15.0)
    stream_steady: float = _wait(30.0)
    stream_certificate_attempts: int = attrs.field(default=3, validator=positive_count)
    keep_alive_interval: float = _wait(1200.0)
    poll_account_balance_interval: float = _wait(60.0)
    poll_market_catalogue_interval: float = _wait(60.0)
    poll_cleared_orders_first: float = _wait(10.0)
    poll_cleared_orders_most: float = _wait(300.0)
    poll_cleared_orders_for: float = _wait(86_400.0)
    worker_start_delay: float = _wait(5.0)
    closed_market_life: float = _wait(3600.0)
    on_stop_timeout: float = _wait(5.0)
    max_data_waiting: int = attrs.field(default=10_000, validator=positive_count)
