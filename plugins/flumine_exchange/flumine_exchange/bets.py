"""One accepted bet with all that the protocols tell of it, and its forms on the wire."""

from typing import Any

from attrs import define, field
from flumine_core.simulation.bet import LIMIT, MARKET_ON_CLOSE, Bet

from .clock import iso
from .ledger import LedgerBet

STREAM_PERSISTENCE = {"LAPSE": "L", "PERSIST": "P", "MARKET_ON_CLOSE": "MOC"}
STREAM_ORDER_TYPE = {"LIMIT": "L", "LIMIT_ON_CLOSE": "LOC", "MARKET_ON_CLOSE": "MOC"}
REGULATOR = "REG_GGC"


@define(eq=False, kw_only=True)
class BetRecord:
    """An accepted bet. Times in milliseconds since 1970, None until they come.

    :ivar bet: the engine's record of it.
    :ivar sequence: the exchange's sequence number at its last change.
    :ivar lapse_code: lsrc, why it lapsed.
    :ivar replaces: the bet id that it took the place of.
    :ivar is_reduced: a removal has reduced its price.
    :ivar market_version: of the market when it was placed.
    """

    bet: Bet
    bet_id: str
    account: str
    market_id: str
    placed_ms: int
    rfo: str = ""
    rfs: str = ""
    replaces: str | None = None
    market_version: int | None = None
    matched_ms: int | None = None
    cancelled_ms: int | None = None
    lapsed_ms: int | None = None
    lapse_code: str | None = None
    is_reduced: bool = False
    sequence: int = 0
    told_matched: float = 0.0
    profit: float | None = None
    extra: dict[str, Any] = field(factory=dict)

    @property
    def is_executable(self) -> bool:
        """Whether anything may still happen to it."""
        return not self.bet.is_complete

    @property
    def size(self) -> float:
        """The stake, the liability of an on-close bet."""
        return self.bet.size or 0.0

    @property
    def remaining(self) -> float:
        """What is left of a LIMIT bet, 0.0 of others."""
        return max(self.bet.size_remaining, 0.0) if self.bet.kind == LIMIT else 0.0

    def stream_order(self) -> dict[str, Any]:
        """Return the bet as `uo` of the order stream has it (ESASwaggerSchema: Order)."""
        bet = self.bet
        is_limit = bet.kind == LIMIT
        order: dict[str, Any] = {
            "id": self.bet_id,
            "p": bet.price if bet.price is not None else 0,
            "s": self.size if is_limit else 0,
            "side": "B" if bet.side == "BACK" else "L",
            "status": "E" if self.is_executable else "EC",
            "pt": STREAM_PERSISTENCE[bet.persistence or "LAPSE"] if is_limit else "MOC",
            "ot": STREAM_ORDER_TYPE[bet.kind],
            "pd": self.placed_ms,
            "sm": round(bet.size_matched, 2),
            "sr": self.remaining,
            "sl": round(bet.size_lapsed, 2),
            "sc": round(bet.size_cancelled, 2),
            "sv": round(bet.size_voided, 2),
            "rac": "",
            "rc": REGULATOR,
            "rfo": self.rfo,
            "rfs": self.rfs,
        }
        if not is_limit:
            order["bsp"] = self.size
        if bet.average_price_matched:
            order["avp"] = bet.average_price_matched
        for name, value in (("md", self.matched_ms), ("cd", self.cancelled_ms), ("ld", self.lapsed_ms)):
            if value is not None:
                order[name] = value
        if self.lapse_code is not None:
            order["lsrc"] = self.lapse_code
        return order | self.extra

    def current_order(self, with_description: bool = False) -> dict[str, Any]:
        """Return the bet as listCurrentOrders has it (SportsAPING: CurrentOrderSummary)."""
        bet = self.bet
        is_limit = bet.kind == LIMIT
        order: dict[str, Any] = {
            "betId": self.bet_id,
            "marketId": self.market_id,
            "selectionId": bet.selection_id,
            "handicap": bet.handicap,
            "priceSize": {"price": bet.price or 0.0, "size": self.size if is_limit else 0.0},
            "bspLiability": 0.0 if is_limit else self.size,
            "side": bet.side,
            "status": "EXECUTABLE" if self.is_executable else "EXECUTION_COMPLETE",
            "persistenceType": (bet.persistence or "LAPSE") if is_limit else MARKET_ON_CLOSE,
            "orderType": bet.kind,
            "placedDate": iso(self.placed_ms),
            "averagePriceMatched": bet.average_price_matched,
            "sizeMatched": round(bet.size_matched, 2),
            "sizeRemaining": self.remaining,
            "sizeLapsed": round(bet.size_lapsed, 2),
            "sizeCancelled": round(bet.size_cancelled, 2),
            "sizeVoided": round(bet.size_voided, 2),
            "regulatorCode": "GIBRALTAR REGULATOR",
        }
        for name, value in (
            ("matchedDate", self.matched_ms),
            ("cancelledDate", self.cancelled_ms),
            ("lapsedDate", self.lapsed_ms),
        ):
            if value is not None:
                order[name] = iso(value)
        if self.lapse_code is not None:
            order["lapseStatusReasonCode"] = self.lapse_code
        if self.rfo:
            order["customerOrderRef"] = self.rfo
        if self.rfs:
            order["customerStrategyRef"] = self.rfs
        if with_description and self.market_version is not None:
            order["currentItemDescription"] = {"marketVersion": {"version": self.market_version}}
        return order

    def ledger_bet(self) -> LedgerBet:
        """Return the bet as the ledger keeps it."""
        bet = self.bet
        return LedgerBet(
            bet_id=self.bet_id,
            account=self.account,
            rfo=self.rfo,
            rfs=self.rfs,
            market_id=self.market_id,
            selection_id=bet.selection_id,
            handicap=bet.handicap,
            side=bet.side,
            order_type=bet.kind,
            persistence=bet.persistence or "LAPSE",
            price=bet.price or 0.0,
            size=self.size,
            sm=round(bet.size_matched, 2),
            sr=self.remaining,
            sc=round(bet.size_cancelled, 2),
            sl=round(bet.size_lapsed, 2),
            sv=round(bet.size_voided, 2),
            avp=bet.average_price_matched,
            status="E" if self.is_executable else "EC",
            placed_ms=self.placed_ms,
            profit=self.profit,
            replaces=self.replaces,
        )
