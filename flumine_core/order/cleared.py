"""What is cleared of a closed market, under listClearedOrders' names, where no exchange was asked."""

from typing import Any

from msgspec import Struct


class ClearedMarket(Struct, frozen=True):
    """Profit and commission of one client on one market, in the account's currency.

    :ivar bet_outcome: WON where the profit is not negative, else LOST.
    :ivar commission: of the net profit, at the client's `commission_base`.
    :ivar last_matched_date, placed_date, settled_date: None, as in flumine.
    """

    market_id: str
    event_id: str
    event_type_id: str | None
    customer_strategy_ref: str | None
    bet_count: int
    bet_outcome: str
    commission: float
    profit: float
    last_matched_date: None = None
    placed_date: None = None
    settled_date: None = None

    @classmethod
    def of(cls, record: dict[str, Any]) -> "ClearedMarket":
        """Make one of a record as `Market.cleared` gives it."""
        return cls(
            record["marketId"],
            record["eventId"],
            record["eventTypeId"],
            record["customerStrategyRef"],
            record["betCount"],
            record["betOutcome"],
            record["commission"],
            record["profit"],
        )


class Cleared(Struct, frozen=True):
    """What listClearedOrders would answer, read like betfairlightweight's ClearedOrders."""

    market_id: str
    orders: list[Any]
    more_available: bool = False
