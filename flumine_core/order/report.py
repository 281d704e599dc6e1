"""What an execution tells the kernel of an order: plain values, applied by the kernel alone."""

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from .kinds import OrderKind

if TYPE_CHECKING:
    from .order import Order
    from .package import OrderPackage, OrderPackageType


class BetTotals(Struct, frozen=True, gc=False):
    """The sizes of a bet as the exchange has them, in the account's currency (pounds for GBP).

    `average_price_matched` is rounded to two places, 0.0 where nothing is matched.
    """

    size_matched: float = 0.0
    average_price_matched: float = 0.0
    size_cancelled: float = 0.0
    size_lapsed: float = 0.0
    size_voided: float = 0.0


class PlaceReport(Struct):
    """The exchange's answer to a placing (also of a replacement).

    :ivar is_success: True -> EXECUTABLE, False -> EXECUTION_COMPLETE with `error_code`.
    :ivar placed_ms: when it was placed, in milliseconds since 1970 (None on failure).
    :ivar bet_id: the exchange's number, as text; None on failure.
    :ivar reason: of a failure, the sentence that becomes the order's refusal; None: one that has the error code.
    :ivar response: the exchange's raw answer, None where nobody kept it; so in the other reports.
    :ivar was_sent: False of a failure: it never left, so that it is no transaction; so in the other reports.
    """

    order: "Order"
    is_success: bool
    totals: BetTotals
    bet_id: str | None = None
    placed_ms: int | None = None
    error_code: str | None = None
    reason: str | None = None
    response: Any = None
    was_sent: bool = True


class CancelReport(Struct):
    """The exchange's answer to a cancel; a failure leaves the order EXECUTABLE and counts as a transaction."""

    order: "Order"
    is_success: bool
    totals: BetTotals
    size_cancelled: float = 0.0
    error_code: str | None = None
    response: Any = None
    was_sent: bool = True


class UpdateReport(Struct):
    """The exchange's answer to an update; `kind` is what the order is from now on, None where that is unchanged.

    A refused update may bring one too: under the profile `flumine` a bet keeps the persistence that was asked for.
    """

    order: "Order"
    is_success: bool
    kind: OrderKind | None = None
    error_code: str | None = None
    response: Any = None
    was_sent: bool = True


class ReplaceReport(Struct):
    """The cancelling half of a replace.

    On success the kernel makes the replacement order of `size_cancelled` at the requested price, enters it in
    the blotter as PENDING and appends it to `package.replacements`; the execution then places it and answers
    with a `PlaceReport`.
    `persistence` is the bet's, which the replacement takes over; None for the order's. `new_price` is the one asked
    for, where the order may have forgotten it because its bet was complete before the answer came; None for the
    order's.
    """

    order: "Order"
    is_success: bool
    package: "OrderPackage"
    totals: BetTotals
    size_cancelled: float = 0.0
    error_code: str | None = None
    persistence: str | None = None
    new_price: float | None = None
    response: Any = None
    was_sent: bool = True


class MatchReport(Struct):
    """A bet changed by itself: matched, lapsed, voided, reduced or settled at the starting price.

    :ivar is_complete: the exchange will do nothing more with the bet (starting price done or missed).
    :ivar kind: the order's new kind where a runner's removal changed its liability.
    """

    order: "Order"
    totals: BetTotals
    is_complete: bool = False
    kind: OrderKind | None = None


class DropReport(Struct):
    """A request that will never be executed, with the reason; the kernel makes a refusal of it.

    :ivar asked: what was asked for; None: as the order's status says, which it does not once the order is complete.
    """

    order: "Order"
    reason: str
    asked: "OrderPackageType | None" = None


class UnknownReport(Struct):
    """A request was sent and nobody said what became of it; the order is UNKNOWN until the exchange was asked."""

    order: "Order"
    reason: str


class AdoptReport(Struct):
    """A bet that no order stood for: of an earlier run, of a lost replace, or placed by hand.

    `order` is new and known to nobody; the kernel enters it in its market's blotter as the exchange has it. Its
    market is made where it is not there yet.

    :ivar is_unknown: the bet was asked for before a restart and nobody knows what became of that.
    :ivar is_complete: the exchange will do nothing more with the bet.
    :ivar is_outside: it is nobody's: it counts in the exposures of every strategy.
    """

    order: "Order"
    totals: BetTotals
    bet_id: str | None = None
    placed_ms: int | None = None
    is_unknown: bool = False
    is_complete: bool = False
    is_outside: bool = False


Report = (
    PlaceReport | CancelReport | UpdateReport | ReplaceReport | MatchReport | DropReport | UnknownReport | AdoptReport
)
