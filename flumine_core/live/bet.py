"""A bet as the exchange has it, the same whether the order stream, a list or a place report told of it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from math import isfinite
from typing import Any

from msgspec import Struct

from ..order.report import BetTotals

EXECUTABLE = "EXECUTABLE"
EXECUTION_COMPLETE = "EXECUTION_COMPLETE"
EXPIRED = "EXPIRED"
PENDING = "PENDING"

_SIDES = {"B": "BACK", "L": "LAY"}
_STATUSES = {"E": EXECUTABLE, "EC": EXECUTION_COMPLETE}
_PERSISTENCES = {"L": "LAPSE", "P": "PERSIST", "MOC": "MARKET_ON_CLOSE"}
_ORDER_TYPES = {"L": "LIMIT", "LOC": "LIMIT_ON_CLOSE", "MOC": "MARKET_ON_CLOSE"}


class Bet(Struct, frozen=True, kw_only=True):
    """One bet at the exchange. Sizes in the account's currency, prices decimal odds, times milliseconds since 1970.

    Unknown fields of what it is made of are passed over; a missing or senseless number is 0.

    :ivar bet_id: the exchange's number as text; None where it is not known yet (an asynchronous placing).
    :ivar price: as asked for; of a bet without one 0.
    :ivar size: as asked for; of a starting-price bet 0, with `liability`.
    :ivar status: EXECUTABLE, EXECUTION_COMPLETE, EXPIRED (a fill-or-kill bet that was killed) or PENDING.
    :ivar customer_order_ref: empty where the bet was placed by hand.
    :ivar lapse_reason: why it lapsed (`lsrc`), empty where it did not or nobody said.
    :ivar source: "stream", "current", "cleared" or "response": who told of it.
    """

    bet_id: str | None
    market_id: str
    selection_id: int
    handicap: float = 0.0
    side: str = "BACK"
    order_type: str = "LIMIT"
    price: float = 0.0
    size: float = 0.0
    liability: float = 0.0
    persistence: str = "LAPSE"
    status: str = EXECUTABLE
    placed_ms: int | None = None
    matched_ms: int | None = None
    average_price_matched: float = 0.0
    size_matched: float = 0.0
    size_remaining: float = 0.0
    size_lapsed: float = 0.0
    size_cancelled: float = 0.0
    size_voided: float = 0.0
    customer_order_ref: str = ""
    customer_strategy_ref: str = ""
    lapse_reason: str = ""
    source: str = "stream"

    @property
    def is_complete(self) -> bool:
        """Whether the exchange will do nothing more with it by itself."""
        return self.status in (EXECUTION_COMPLETE, EXPIRED)

    @property
    def progress(self) -> float:
        """How much of it is settled one way or another; this never falls, so an older word shows itself."""
        return round(self.size_matched + self.size_lapsed + self.size_cancelled + self.size_voided, 2)

    @property
    def totals(self) -> BetTotals:
        """The sizes as a report carries them."""
        return BetTotals(
            self.size_matched,
            round(self.average_price_matched, 2),
            self.size_cancelled,
            self.size_lapsed,
            self.size_voided,
        )

    @classmethod
    def from_stream(cls, market_id: str, selection_id: int, handicap: float | None, uo: Mapping[str, Any]) -> "Bet":
        """Make a bet of the order stream's `uo`, which is always the bet's whole state."""
        matched, price = _number(uo.get("sm")), _number(uo.get("p"))
        return cls(
            bet_id=_text(uo.get("id")) or None,
            market_id=market_id,
            selection_id=selection_id,
            handicap=_number(handicap),
            side=_word(uo.get("side"), _SIDES, "BACK"),
            order_type=_word(uo.get("ot"), _ORDER_TYPES, "LIMIT"),
            price=price,
            size=_number(uo.get("s")),
            liability=_number(uo.get("bsp")),
            persistence=_word(uo.get("pt"), _PERSISTENCES, "LAPSE"),
            status=_word(uo.get("status"), _STATUSES, EXECUTABLE),
            placed_ms=_epoch(uo.get("pd")),
            matched_ms=_epoch(uo.get("md")),
            average_price_matched=_average(uo.get("avp"), matched, price),
            size_matched=matched,
            size_remaining=_number(uo.get("sr")),
            size_lapsed=_number(uo.get("sl")),
            size_cancelled=_number(uo.get("sc")),
            size_voided=_number(uo.get("sv")),
            customer_order_ref=_text(uo.get("rfo")),
            customer_strategy_ref=_text(uo.get("rfs")),
            lapse_reason=_text(uo.get("lsrc")),
            source="stream",
        )

    @classmethod
    def from_current_order(cls, row: Mapping[str, Any]) -> "Bet":
        """Make a bet of a row of listCurrentOrders."""
        asked = row.get("priceSize")
        asked = asked if isinstance(asked, Mapping) else {}
        matched, price = _number(row.get("sizeMatched")), _number(asked.get("price"))
        return cls(
            bet_id=_text(row.get("betId")) or None,
            market_id=_text(row.get("marketId")),
            selection_id=int(_number(row.get("selectionId"))),
            handicap=_number(row.get("handicap")),
            side=_text(row.get("side")) or "BACK",
            order_type=_text(row.get("orderType")) or "LIMIT",
            price=price,
            size=_number(asked.get("size")),
            liability=_number(row.get("bspLiability")),
            persistence=_text(row.get("persistenceType")) or "LAPSE",
            status=_text(row.get("status")) or EXECUTABLE,
            placed_ms=_epoch(row.get("placedDate")),
            matched_ms=_epoch(row.get("matchedDate")),
            average_price_matched=_average(row.get("averagePriceMatched"), matched, price),
            size_matched=matched,
            size_remaining=_number(row.get("sizeRemaining")),
            size_lapsed=_number(row.get("sizeLapsed")),
            size_cancelled=_number(row.get("sizeCancelled")),
            size_voided=_number(row.get("sizeVoided")),
            customer_order_ref=_text(row.get("customerOrderRef")),
            customer_strategy_ref=_text(row.get("customerStrategyRef")),
            lapse_reason=_text(row.get("lapseStatusReasonCode")),
            source="current",
        )

    @classmethod
    def from_cleared_order(cls, row: Mapping[str, Any], bet_status: str) -> "Bet":
        """Make a bet of a row of listClearedOrders that was asked for by `bet_status`.

        A row has the part of the bet that was SETTLED, VOIDED, LAPSED or CANCELLED; the rows of one bet are put
        together with `merge_cleared`.
        """
        settled = _number(row.get("sizeSettled"))
        matched = settled if bet_status == "SETTLED" else 0.0
        given_up = settled if bet_status in ("LAPSED", "VOIDED") else 0.0
        cancelled = _number(row.get("sizeCancelled"))
        if bet_status == "CANCELLED":
            cancelled = cancelled or settled
        elif bet_status == "LAPSED":
            given_up, cancelled = given_up or cancelled, 0.0
        else:
            cancelled = 0.0
            given_up = given_up or (_number(row.get("sizeCancelled")) if bet_status == "VOIDED" else 0.0)
        price = _number(row.get("priceRequested"))
        return cls(
            bet_id=_text(row.get("betId")) or None,
            market_id=_text(row.get("marketId")),
            selection_id=int(_number(row.get("selectionId"))),
            handicap=_number(row.get("handicap")),
            side=_text(row.get("side")) or "BACK",
            order_type=_text(row.get("orderType")) or "LIMIT",
            price=price,
            size=round(matched + given_up + cancelled, 2),
            persistence=_text(row.get("persistenceType")) or "LAPSE",
            status=EXECUTION_COMPLETE,
            placed_ms=_epoch(row.get("placedDate")),
            matched_ms=_epoch(row.get("lastMatchedDate")),
            average_price_matched=_average(row.get("priceMatched"), matched, price),
            size_matched=matched,
            size_lapsed=given_up if bet_status == "LAPSED" else 0.0,
            size_cancelled=cancelled,
            size_voided=given_up if bet_status == "VOIDED" else 0.0,
            customer_order_ref=_text(row.get("customerOrderRef")),
            customer_strategy_ref=_text(row.get("customerStrategyRef")),
            source="cleared",
        )

    @classmethod
    def from_place_report(cls, market_id: str, report: Mapping[str, Any], instruction: Mapping[str, Any]) -> "Bet":
        """Make a bet of a successful instruction report of placeOrders; `instruction` is ours, not its echo."""
        kind: Mapping[str, Any] = next((instruction[key] for key in _KIND_KEYS if instruction.get(key)), {})
        price, size = _number(kind.get("price")), _number(kind.get("size") or kind.get("betTargetSize"))
        matched = _number(report.get("sizeMatched"))
        status = _text(report.get("orderStatus")) or EXECUTABLE
        is_killed = status == EXPIRED
        return cls(
            bet_id=_text(report.get("betId")) or None,
            market_id=market_id,
            selection_id=int(_number(instruction.get("selectionId"))),
            handicap=_number(instruction.get("handicap")),
            side=_text(instruction.get("side")) or "BACK",
            order_type=_text(instruction.get("orderType")) or "LIMIT",
            price=price,
            size=size,
            liability=_number(kind.get("liability")),
            persistence=_text(kind.get("persistenceType")) or "LAPSE",
            status=status,
            placed_ms=_epoch(report.get("placedDate")),
            average_price_matched=_average(report.get("averagePriceMatched"), matched, price),
            size_matched=matched,
            size_remaining=0.0 if is_killed or status == EXECUTION_COMPLETE else round(max(size - matched, 0.0), 2),
            size_lapsed=round(max(size - matched, 0.0), 2) if is_killed else 0.0,
            customer_order_ref=_text(instruction.get("customerOrderRef")),
            source="response",
        )

    def merge_cleared(self, other: "Bet") -> "Bet":
        """Return this bet with the parts that another row of listClearedOrders has of it."""
        matched = self if self.size_matched else other
        return Bet(
            bet_id=self.bet_id,
            market_id=self.market_id,
            selection_id=self.selection_id,
            handicap=self.handicap,
            side=self.side,
            order_type=self.order_type,
            price=self.price,
            size=round(self.size + other.size, 2),
            persistence=self.persistence,
            status=EXECUTION_COMPLETE,
            placed_ms=self.placed_ms,
            matched_ms=matched.matched_ms,
            average_price_matched=matched.average_price_matched,
            size_matched=max(self.size_matched, other.size_matched),
            size_lapsed=max(self.size_lapsed, other.size_lapsed),
            size_cancelled=max(self.size_cancelled, other.size_cancelled),
            size_voided=max(self.size_voided, other.size_voided),
            customer_order_ref=self.customer_order_ref or other.customer_order_ref,
            customer_strategy_ref=self.customer_strategy_ref or other.customer_strategy_ref,
            source="cleared",
        )


_KIND_KEYS = ("limitOrder", "limitOnCloseOrder", "marketOnCloseOrder")


def _number(value: Any) -> float:
    """Return a finite number, 0.0 for what is none."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return 0.0
    return number if isfinite(number) else 0.0


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _word(value: Any, words: Mapping[str, str], default: str) -> str:
    """Return the long word of a short one; a word that the stream may learn later stays as it is."""
    return default if value is None else words.get(value, str(value))


def _average(value: Any, matched: float, price: float) -> float:
    """Return the average matched price; where a fill comes without one, the price asked for, which is the worst."""
    return (_number(value) or price) if matched else 0.0


def _epoch(value: Any) -> int | None:
    """Return milliseconds since 1970 of a number of them or of ISO 8601 text, None for what is neither."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return int(value)
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            return None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return round(moment.timestamp() * 1000)
    return None
