"""One account: its money, its sessions' bets, what it may risk, and the references it has used."""

from collections import deque
from typing import Any

from flumine_core.simulation.bet import LIMIT
from flumine_core.venue import BETFAIR, Currency

from .bets import BetRecord
from .settings import Account
from .state import ExchangeState

Outcomes = dict[tuple[int, float], tuple[float, float]]
"""By runner: the worst that the bets on it may bring if it wins, and if it loses."""


class AccountState:
    """An account of the exchange.

    :ivar balance: money, what is at risk included.
    :ivar records: every bet, in the order of placing.
    :ivar cleared: cleared orders of settled markets, by market.
    """

    def __init__(self, account: Account, state: ExchangeState) -> None:
        self.account = account
        self.state = state
        self.balance = account.balance
        self.currency: Currency = BETFAIR.currency(account.currency)
        self.records: dict[str, BetRecord] = {}
        self.cleared: dict[str, list[dict[str, Any]]] = {}
        self.commissions: dict[str, float] = {}
        self.statement: list[dict[str, Any]] = []
        self.order_reads = 0
        self.heartbeat_timeout = 0
        self.heartbeat_turn = 0
        self.cancelled_by_heartbeat: str | None = None
        self._by_market: dict[str, list[BetRecord]] = {}
        self._outcomes: dict[str, Outcomes] = {}
        self._shares: dict[str, tuple[float, float]] = {}
        self._references: dict[tuple[str, str], float] = {}
        self._instructions: deque[float] = deque()
        self._hours: dict[int, int] = {}

    @property
    def username(self) -> str:
        """The account's name."""
        return self.account.username

    def records_of(self, market_id: str) -> list[BetRecord]:
        """Return the bets on a market."""
        return self._by_market.get(market_id, [])

    def is_reference_used(self, reference: str, operation: str, market_id: str | None) -> bool:
        """Whether a customerRef came within its window; one that did not counts from now."""
        scope = {"operation": operation, "market": market_id or ""}.get(self.state.settings.customer_ref_scope, "")
        now = self.state.clock.epoch_ms
        window = self.state.settings.wait(self.state.settings.customer_ref_seconds) * 1000
        key = (reference, scope)
        since = self._references.get(key)
        if since is not None and now - since < window:
            return True
        self._references[key] = now
        return False

    def takes_instructions(self, number: int) -> bool:
        """Whether so many more instructions are within the limit of a second."""
        now = self.state.clock.epoch_ms
        while self._instructions and now - self._instructions[0] >= 1000:
            self._instructions.popleft()
        if len(self._instructions) + number > self.state.settings.instructions_a_second:
            return False
        self._instructions.extend([now] * number)
        return True

    def count_transactions(self, number: int) -> None:
        """Count bets placed and actions failed; above the limit of a clock hour each is charged for."""
        if not number:
            return
        settings = self.state.settings
        hour = self.state.clock.epoch_ms // 3_600_000
        before = self._hours.get(hour, 0)
        self._hours[hour] = before + number
        charged = max(before + number - settings.transactions_an_hour, 0) - max(
            before - settings.transactions_an_hour, 0
        )
        self.balance -= charged * settings.transaction_charge
        self.state.ledger.count_transactions(self.username, number)

    def note(self, record: BetRecord) -> None:
        """Take note of a new or changed bet."""
        if record.bet_id not in self.records:
            self.records[record.bet_id] = record
            self._by_market.setdefault(record.market_id, []).append(record)
        outcomes = self._outcomes.setdefault(record.market_id, {})
        _add(outcomes, record, *(-share for share in self._shares.get(record.bet_id, (0.0, 0.0))))
        self._shares[record.bet_id] = share = outcomes_of(record)
        _add(outcomes, record, *share)

    def exposure(self, *more: BetRecord) -> float:
        """Return what may be lost with all bets, and `more` that are about to be placed; not negative."""
        changed: dict[str, Outcomes] = {}
        for record in more:
            market_id = record.market_id
            outcomes = changed.setdefault(market_id, dict(self._outcomes.get(market_id, {})))
            _add(outcomes, record, *outcomes_of(record))
        total = sum(self._market_exposure(market_id, found) for market_id, found in (self._outcomes | changed).items())
        return round(total, 2)

    def _market_exposure(self, market_id: str, outcomes: Outcomes) -> float:
        market = self.state.markets.get(market_id)
        if market is None or market.is_settled:
            return 0.0
        if market.definition.get("numberOfWinners") != 1:
            worst = sum(min(won, lost) for won, lost in outcomes.values())
        else:
            all_lost = sum(lost for _, lost in outcomes.values())
            cases = [won + all_lost - lost for won, lost in outcomes.values()]
            if len(outcomes) < len(market.definition.get("runners") or ()):
                cases.append(all_lost)
            worst = min(cases, default=0.0)
        return max(-worst, 0.0)

    def funds(self) -> dict[str, Any]:
        """Return getAccountFunds' answer."""
        exposure = self.exposure()
        return {
            "availableToBetBalance": round(self.balance - exposure, 2),
            "exposure": -exposure if exposure else 0.0,
            "retainedCommission": 0.0,
            "exposureLimit": self.account.exposure_limit,
            "discountRate": self.account.discount_rate,
            "pointsBalance": 0,
            "wallet": "UK",
        }

    def details(self) -> dict[str, Any]:
        """Return getAccountDetails' answer."""
        account = self.account
        return {
            "currencyCode": account.currency,
            "firstName": account.first_name,
            "lastName": account.last_name,
            "localeCode": "en",
            "region": "GBR",
            "timezone": account.timezone,
            "discountRate": account.discount_rate,
            "pointsBalance": 0,
            "countryCode": account.country_code,
        }

    def application(self, number: int) -> dict[str, Any]:
        """Return the account's one key as getDeveloperAppKeys has it, `number` being its id."""
        account = self.account
        version = {
            "owner": account.username,
            "versionId": number,
            "version": "1.0-DELAY" if account.is_delayed_key else "1.0",
            "applicationKey": account.app_key,
            "delayData": account.is_delayed_key,
            "subscriptionRequired": False,
            "ownerManaged": False,
            "active": True,
        }
        return {"appName": account.username, "appId": number, "appVersions": [version]}


def _add(outcomes: Outcomes, record: BetRecord, won: float, lost: float) -> None:
    before = outcomes.get(record.bet.key, (0.0, 0.0))
    outcomes[record.bet.key] = (before[0] + won, before[1] + lost)


def outcomes_of(record: BetRecord) -> tuple[float, float]:
    """Return the worst that a bet may bring if its runner wins, and if it loses."""
    bet = record.bet
    price, matched = bet.average_price_matched, bet.size_matched
    if bet.side == "BACK":
        won, lost = matched * (price - 1), -matched
    else:
        won, lost = -matched * (price - 1), matched
    if bet.is_complete:
        return won, lost
    at_risk = bet.size_remaining * (1.0 if bet.side == "BACK" else (bet.price or 1.0) - 1)
    if bet.kind != LIMIT:
        at_risk = bet.size or 0.0
    return (won, lost - at_risk) if bet.side == "BACK" else (won - at_risk, lost)
