"""What the parts of the exchange share: settings, clock, ledger, faults, markets, accounts, one sequence."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from flumine_core.errors import SettingsError
from flumine_core.hint import did_you_mean, one_line
from loguru import logger

from .bets import BetRecord
from .clock import ExchangeClock
from .faults import Faults
from .ledger import Ledger
from .settings import ExchangeSettings

if TYPE_CHECKING:
    from .account import AccountState
    from .market import ExchangeMarket

MarketListener = Callable[["ExchangeMarket", dict[str, Any], int], None]
BetListener = Callable[[BetRecord], None]


class ExchangeState:
    """Belongs to the exchange's loop; only ledger and faults may be touched from elsewhere.

    :ivar sequence: counts every change of a market or a bet; clks are made of it.
    :ivar instance: tells the clks of this exchange from those of another one.
    """

    def __init__(
        self, settings: ExchangeSettings, clock: ExchangeClock, ledger: Ledger, faults: Faults, instance: str
    ) -> None:
        self.settings = settings
        self.clock = clock
        self.ledger = ledger
        self.faults = faults
        self.instance = instance
        self.markets: dict[str, ExchangeMarket] = {}
        self.accounts: dict[str, AccountState] = {}
        self.sequence = 0
        self.speed: float | None = None
        self.market_listeners: list[MarketListener] = []
        self.bet_listeners: list[BetListener] = []
        self.on_subscription: Callable[[], None] = lambda: None
        self.operations: dict[str, Callable[..., Any]] = {}
        self._last_bet = settings.bets_before

    def next_sequence(self) -> int:
        """Count a change."""
        self.sequence += 1
        return self.sequence

    def next_bet_id(self) -> str:
        """Return a bet id of its own."""
        self._last_bet += 1
        return str(self._last_bet)

    def bet_delay(self, seconds: float) -> float:
        """Return how long a bet delay takes here: in the replay's own time, and scaled."""
        return self.settings.wait(seconds) / (self.speed or 1.0)

    def record(self, kind: str, **detail: Any) -> None:
        """Append an event to the ledger."""
        self.ledger.record(self.clock.epoch_ms, kind, **detail)

    def fail(self, where: str, error: BaseException) -> None:
        """Take note of a mistake of the exchange itself: an event `error`, and a line of the log."""
        self.record("error", where=where, error=one_line(error))
        logger.opt(exception=error).error("the local exchange failed in a {}", where)

    def run_operation(self, name: str, /, **args: Any) -> Any:
        """Carry out one of the control operations, by name.

        :raises SettingsError: where there is no such operation.
        """
        operation = self.operations.get(name)
        if operation is None:
            raise SettingsError(f"no such operation: {name!r}{did_you_mean(name, self.operations)}")
        return operation(**args)

    def publish_market(self, market: "ExchangeMarket", change: dict[str, Any], sequence: int) -> None:
        """Tell the market streams of a change."""
        for listener in self.market_listeners:
            listener(market, change, sequence)

    def publish_bet(self, record: BetRecord, kind: str | None = None, **detail: Any) -> None:
        """Write a changed bet into the ledger, and tell the order streams."""
        record.sequence = self.next_sequence()
        self.accounts[record.account].note(record)
        self.ledger.record_bet(record.ledger_bet())
        if kind is not None:
            self.record(kind, bet_id=record.bet_id, rfo=record.rfo, market_id=record.market_id, **detail)
        for listener in self.bet_listeners:
            listener(record)
