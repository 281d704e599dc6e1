"""The settings of a run: one attrs class, built once, passed down; `config` is the default instance."""

import os
import socket
import string
from datetime import datetime
from functools import cache
from typing import Any

import attrs

from .clock import Clock, running
from .errors import SettingsError
from .waits import StreamWaits, positive_count, positive_number


def _guard(instance: Any, attribute: "attrs.Attribute[Any]", value: Any) -> Any:
    if instance._is_frozen:
        raise SettingsError(f"settings are frozen once run() has begun, {attribute.name} was to become {value!r}")
    return value


def _seconds(instance: Any, attribute: "attrs.Attribute[Any]", value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
        raise SettingsError(f"{attribute.name} must be seconds >= 0, was {value!r}")


def _flag(instance: Any, attribute: "attrs.Attribute[Any]", value: Any) -> None:
    if not isinstance(value, bool):
        raise SettingsError(f"{attribute.name} must be true or false, was {value!r}")


def _text(instance: Any, attribute: "attrs.Attribute[Any]", value: Any) -> None:
    if not isinstance(value, str):
        raise SettingsError(f"{attribute.name} must be text, was {value!r}")


def _text_or_none(instance: Any, attribute: "attrs.Attribute[Any]", value: Any) -> None:
    if value is not None and not isinstance(value, str):
        raise SettingsError(f"{attribute.name} must be text, was {value!r}")


SEPARATORS = frozenset("-._+*:;~" + string.ascii_letters + string.digits)
"""What a customerOrderRef may hold."""


def _separator(instance: Any, attribute: "attrs.Attribute[Any]", value: Any) -> None:
    if not isinstance(value, str) or len(value) != 1 or value not in SEPARATORS:
        raise SettingsError(f"{attribute.name} must be one character that a customerOrderRef may hold, was {value!r}")


def _synchronous(instance: Any, attribute: "attrs.Attribute[Any]", value: Any) -> None:
    if value not in ("NORMAL", "FULL"):
        raise SettingsError(f"{attribute.name} must be NORMAL or FULL, was {value!r}")


def _stopping(instance: Any, attribute: "attrs.Attribute[Any]", value: Any) -> None:
    if value not in ("cancel", "leave"):
        raise SettingsError(f"{attribute.name} must be cancel or leave, was {value!r}")


@attrs.define(on_setattr=[attrs.setters.convert, attrs.setters.validate, _guard], eq=False, kw_only=True)
class LiveSettings(StreamWaits):
    """What only the live end reads. Seconds are multiplied by `wait_factor`, which tests make small.

    :ivar wait_factor: see above; 1 in real life.
    :ivar connect_timeout, read_timeout: of an HTTP call; an order's call may take the market's bet delay longer.
    :ivar idle_connection: a pooled connection that was not used for so long is given up before the exchange does so.
    :ivar resend_within: a request without an answer is sent again, with the same customerRef, within so many seconds
        of its first sending only. Betfair remembers a customerRef for 60.
    :ivar unknown_deadline: a placing without a trace at the exchange so long after it was last sent was not placed.
        Betfair says that a bet may appear 15 s late.
    :ivar look_interval, look_interval_max: seconds before the exchange is first asked what became of a request, and
        at most between two questions; the latter between two lists of bets while no order stream is connected.
    :ivar login_backoff, login_backoff_max: seconds before the next try of a login that failed for now.
    :ivar login_ban: seconds without a login after TEMPORARY_BAN_TOO_MANY_REQUESTS.
    :ivar login_limit: most logins in a minute; Betfair bans above 100.
    :ivar list_concurrency: most calls of listCurrentOrders at a time; Betfair refuses the fourth.
    :ivar order_rate: most instructions within any second and client.
    :ivar own_orders_only: leave out bets that bear another customerStrategyRef than ours.
    :ivar journal: file of the journal of orders; empty for none, None for the user's state directory.
    :ivar context_interval: seconds between two looks whether strategies have changed their contexts.
    :ivar journal_synchronous: NORMAL survives the death of the process, FULL also that of the machine.
    """

    wait_factor: float = attrs.field(default=1.0, validator=positive_number)
    connect_timeout: float = attrs.field(default=3.05, validator=positive_number)
    read_timeout: float = attrs.field(default=16.0, validator=positive_number)
    idle_connection: float = attrs.field(default=60.0, validator=_seconds)
    resend_within: float = attrs.field(default=45.0, validator=_seconds)
    unknown_deadline: float = attrs.field(default=20.0, validator=_seconds)
    look_interval: float = attrs.field(default=0.5, validator=positive_number)
    look_interval_max: float = attrs.field(default=5.0, validator=positive_number)
    login_backoff: float = attrs.field(default=1.0, validator=positive_number)
    login_backoff_max: float = attrs.field(default=60.0, validator=positive_number)
    login_ban: float = attrs.field(default=1200.0, validator=_seconds)
    login_limit: int = attrs.field(default=20, validator=positive_count)
    list_concurrency: int = attrs.field(default=3, validator=positive_count)
    order_rate: float = attrs.field(default=1000.0, validator=positive_number)
    own_orders_only: bool = attrs.field(default=False, validator=_flag)
    journal: str | None = attrs.field(default=None, validator=_text_or_none)
    journal_synchronous: str = attrs.field(default="NORMAL", validator=_synchronous)
    context_interval: float = attrs.field(default=1.0, validator=positive_number)

    def wait(self, name: str) -> float:
        """Return the seconds of a setting, multiplied by `wait_factor`."""
        seconds: float = getattr(self, name)
        return seconds * self.wait_factor


@attrs.define(on_setattr=[attrs.setters.convert, attrs.setters.validate, _guard], eq=False)
class Settings(LiveSettings):
    """What a framework is told once: mutable until `run()` takes a frozen copy.

    :ivar raise_errors: re-raise what a strategy, middleware, control or hook raises, once it is counted.
    :ivar simulated: True in the settings of a run in which an account's execution is simulated (a simulation, or on
        paper), whatever was given.
    :ivar simulated_strategy_isolation: passive volume is shared per strategy (True) or by all (False).
    :ivar simulation_available_prices: resting orders are also matched against visible prices.
    :ivar simulation: the matching profile by name.
    :ivar place_latency, cancel_latency, update_latency, replace_latency: seconds from a request to its
        execution where execution is simulated.
    :ivar customer_strategy_ref: wins over what a transaction asks for; sent as customerStrategyRef.
    :ivar hostname: customerStrategyRef (its first 15 characters) unless a call gives one.
    :ivar process_id: this process's number.
    :ivar order_sep: stands between strategy hash and order id in customerOrderRef.
    :ivar async_place_orders: default of `market.transaction(async_place_orders=...)`.
    :ivar max_execution_workers: threads of a live execution.
    :ivar execution_retry_attempts: tries of a live call.
    :ivar on_stop: what becomes of orders at the exchange when a live run is stopped, "cancel" or "leave".
    :ivar log_json: the command line logs one JSON object a line.

    Every wait of the live end is a setting too: see `waits.StreamWaits`.
    """

    raise_errors: bool = attrs.field(default=False, validator=_flag)
    simulated: bool = attrs.field(default=False, validator=_flag)
    simulated_strategy_isolation: bool = attrs.field(default=True, validator=_flag)
    simulation_available_prices: bool = attrs.field(default=False, validator=_flag)
    simulation: str = attrs.field(default="flumine", validator=_text)
    place_latency: float = attrs.field(default=0.120, validator=_seconds)
    cancel_latency: float = attrs.field(default=0.170, validator=_seconds)
    update_latency: float = attrs.field(default=0.150, validator=_seconds)
    replace_latency: float = attrs.field(default=0.280, validator=_seconds)
    customer_strategy_ref: str | None = attrs.field(default=None, validator=_text_or_none)
    hostname: str = attrs.field(factory=socket.gethostname, validator=_text)
    process_id: int = attrs.field(factory=os.getpid, validator=positive_count)
    order_sep: str = attrs.field(default="-", validator=_separator)
    async_place_orders: bool = attrs.field(default=False, validator=_flag)
    max_execution_workers: int = attrs.field(default=32, validator=positive_count)
    execution_retry_attempts: int = attrs.field(default=10, validator=positive_count)
    on_stop: str = attrs.field(default="cancel", validator=_stopping)
    log_json: bool = attrs.field(default=False, validator=_flag)
    _clock: Clock | None = attrs.field(default=None, init=False, repr=False, on_setattr=attrs.setters.NO_OP)
    _is_frozen: bool = attrs.field(default=False, init=False, repr=False, on_setattr=attrs.setters.NO_OP)

    @property
    def current_time(self) -> datetime | None:
        """The time of the running framework's clock, None before the first run.

        Where several run, of the one that these settings were given to last, else of the latest begun; where none
        does, the time at which the one that they were given to has ended.
        """
        clock = self._clock
        if running and not any(clock is each for each in running):
            clock = running[-1]
        return None if clock is None else clock.now()

    @property
    def own_strategy_ref(self) -> str:
        """The customerStrategyRef of our bets unless a call gives one, as the exchange takes it: 15 characters."""
        return (self.customer_strategy_ref or self.hostname)[:15]

    def use_clock(self, clock: Clock, simulated: bool) -> None:
        """Make `current_time` read `clock`, and `simulated` tell of the run that these settings were given to."""
        self._clock = clock
        if not self._is_frozen:
            self.simulated = simulated

    def evolve(self, **changes: Any) -> "Settings":
        """Return a mutable copy with `changes` applied."""
        unknown = changes.keys() - set(option_names())
        if unknown:
            raise SettingsError(f"no such setting: {', '.join(sorted(unknown))}")
        return Settings(**{**self.as_dict(), **changes})

    def frozen(self) -> "Settings":
        """Return a copy that refuses every further change."""
        copy = self.evolve()
        copy._is_frozen = True
        return copy

    def as_dict(self) -> dict[str, Any]:
        """Return name and value of every setting."""
        return {name: getattr(self, name) for name in option_names()}


@cache
def option_names() -> tuple[str, ...]:
    """Return the names of all settings: those of every run first, then those of the live end."""
    live = {field.name for field in attrs.fields(LiveSettings)}
    names = [field.name for field in attrs.fields(Settings) if field.init]
    return tuple(sorted(names, key=lambda name: name in live))


config = Settings()
"""The default settings of a process; a framework made without `settings=` starts from these."""
