"""How a local exchange behaves: limits, waits and accounts, as frozen values."""

from typing import Any

from attrs import field, frozen
from flumine_core.errors import SettingsError

STARTS = ("manual", "now", "subscription")
SCOPES = ("account", "operation", "market")


def _one_of(*known: str) -> Any:
    def check(_: object, attribute: Any, value: str) -> None:
        if value not in known:
            raise SettingsError(f"{attribute.name} must be one of {', '.join(known)}, was {value!r}")

    return check


def _above_zero(_: object, attribute: Any, value: float | None) -> None:
    if value is not None and not value > 0:
        raise SettingsError(f"{attribute.name} must be above 0, was {value}")


@frozen(kw_only=True)
class Account:
    """One account of the exchange and its one application key.

    Money in `currency`; `exposure_limit` is how much may be at risk at a time, as a negative number.
    `login_code` refuses every login with that code (certlogin's `loginStatus`). A delayed key reads, and may not bet.
    """

    username: str = "trader"
    password: str = field(default="local-password", repr=False)
    app_key: str = field(default="local-app-key", repr=False)
    currency: str = "GBP"
    balance: float = 10_000.0
    exposure_limit: float = -10_000.0
    discount_rate: float = 0.0
    first_name: str = "Local"
    last_name: str = "Trader"
    country_code: str = "GB"
    timezone: str = "GMT"
    has_best_price_execution: bool = True
    is_delayed_key: bool = False
    login_code: str | None = None


@frozen(kw_only=True)
class ExchangeSettings:
    """Every limit and wait of the exchange. Waits are in seconds and are multiplied by `scale` (see `wait`).

    The figures are Betfair's where it publishes them; each is enforced with the documented error code.
    """

    scale: float = field(default=1.0, validator=_above_zero)
    accounts: tuple[Account, ...] = (Account(),)

    # markets
    start: str = field(default="manual", validator=_one_of(*STARTS))
    """When the replay starts: "manual" (by `start_replay`), "now", or "subscription" (with the first of a client)."""
    seconds_before_off: float | None = None
    """Pace the recorded markets only from so many seconds before their scheduled start; earlier lines at once."""
    changes_a_second: float | None = field(default=None, validator=_above_zero)
    """Play so many lines a second, in the order of their times, whatever the pace of the recording: for load."""
    keeps_gaps: bool = False
    """Keep recorded files apart as they were recorded; else all begin at once."""
    shows_own_bets: bool = True
    """Whether the market stream shows the clients' unmatched bets and what they took, as the exchange does."""
    keeps_write_times: bool = False
    """Whether the ledger keeps when each stream message was written: for measurements."""
    bets_before: int = 300_000_000_000
    """The first bet id is the next number."""
    settle_seconds: float = 2.0
    """From a market's closing to its cleared orders."""

    # identity
    session_seconds: float = 43_200.0
    logins_per_minute: int = 100
    login_window_seconds: float = 60.0
    login_ban_seconds: float = 1_200.0

    # requests
    idle_http_seconds: float = 75.0
    place_limit: int = 200
    cancel_limit: int = 60
    update_limit: int = 60
    replace_limit: int = 60
    ids_limit: int = 250
    page_limit: int = 1_000
    weight_limit: int = 200
    concurrent_order_reads: int = 3
    customer_ref_seconds: float = 60.0
    customer_ref_scope: str = field(default="account", validator=_one_of(*SCOPES))
    """Where a customerRef may not come again: "account", "operation" or "market"."""
    transactions_an_hour: int = 5_000
    """Above, each costs `transaction_charge`."""
    transaction_charge: float = 0.002
    instructions_a_second: int = 1_000
    order_read_seconds: float = 0.0
    """How long listCurrentOrders and the like take, so that too many may run at a time."""
    page_size: int = 0
    """Most rows of a list in one answer, whatever is asked for; 0: as asked for."""
    replacement_keeps_refs: bool = True
    """Whether the bet that a replace places has the references of the one that it replaces."""

    # streams
    idle_stream_seconds: float = 15.0
    connection_limit: int = 10
    connects_a_second: int = 50
    half_open_seconds: float = 0.0
    """How long a connection that has ended still counts against the limit."""
    markets_limit: int = 200
    heartbeat_ms: int = 5_000
    least_heartbeat_ms: int = 500
    most_heartbeat_ms: int = 5_000
    most_conflate_ms: int = 120_000
    segment_changes: int = 0
    """Most runners' changes in one message, more are sent as segments; 0: never segmented."""
    resume_seconds: float = 300.0
    """How old a clk may be."""
    write_buffer_bytes: int = 1_000_000
    """A reader that is so far behind gets its changes conflated."""
    send_buffer_bytes: int = 0
    """SO_SNDBUF of every connection, 0: as the system has it; small, a reader is behind sooner."""
    slow_reader_seconds: float = 60.0
    """A reader that is behind for so long is cut off with TIMEOUT."""

    def wait(self, seconds: float) -> float:
        """Return the seconds that a wait takes: multiplied by `scale`."""
        return seconds * self.scale
