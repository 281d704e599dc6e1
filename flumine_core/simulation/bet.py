"""The exchange's own record of a bet: the terms it was submitted with and what became of it."""

from msgspec import Struct

from ..errors import DataError
from ..garbage import tracked

LIMIT = "LIMIT"
LIMIT_ON_CLOSE = "LIMIT_ON_CLOSE"
MARKET_ON_CLOSE = "MARKET_ON_CLOSE"
"""The order types, and MARKET_ON_CLOSE also the persistence, as Betfair spells them (Betting API enums)."""

_MOST = 2.0**63
"""What no sum of stakes times prices comes to, in pounds; beyond, sums of money would be infinite."""


@tracked
class Bet(Struct, eq=False):
    """One bet at the simulated exchange, compared by identity.

    Prices in decimal odds, sizes and liabilities in pounds (the account's currency). `order` is whatever its
    sender knows the bet by; the exchange never looks into it.

    :ivar group: bets of one group share the traded volume that a book brings (in simulation: the strategy).
    :ivar key: (selection id, handicap), set when it is made.
    :ivar side: BACK or LAY.
    :ivar kind: LIMIT, LIMIT_ON_CLOSE or MARKET_ON_CLOSE.
    :ivar price: None for MARKET_ON_CLOSE.
    :ivar size: stake of a LIMIT, liability of the others; None where no stake was given.
    :ivar min_fill_size: what a FILL_OR_KILL must at least match, None for all of it.
    :ivar min_bsp_liability: a LIMIT LAY with less at risk lapses instead of taking the starting price.
    :ivar sequence: place in the order of entry, -1 before it.
    :ivar is_replacing: a replace of it waits.
    :ivar fills: (publish time in milliseconds, price, size), in the order of matching.
    :ivar average_price_matched: rounded to two places, 0 where nothing is matched.
    :ivar size_remaining: 0.0 for bets other than LIMIT; negative where a removal voided more than was left.
    :ivar queue: size ahead of the bet at its price.
    :ivar market_version: as of placing, or of the last change seen since.
    :ivar is_sp_settled: the starting price no longer concerns the bet.
    :ivar is_sp_done: settled at the starting price; `is_rescaled`: its liability was scaled by a removal.
        Whoever reports them clears both.
    :ivar is_live: takes part in matching.
    :ivar is_complete: its sender regards it as complete.
    :ivar is_changed: changed by the book at hand.
    :ivar is_unlisted: was complete, and is open again after a late failure; fills no longer complete it.
    """

    order: object
    group: object
    selection_id: int
    handicap: float
    side: str
    kind: str
    price: float | None = None
    size: float | None = None
    persistence: str | None = None
    is_fill_or_kill: bool = False
    min_fill_size: float | None = None
    has_best_price_execution: bool = True
    is_full_match: bool = False
    min_bsp_liability: float = 10.0
    target_size: float | None = None
    sequence: int = -1
    is_replacing: bool = False
    bet_id: str | None = None
    fills: list[tuple[int, float, float]] = []
    size_matched: float = 0.0
    average_price_matched: float = 0.0
    size_cancelled: float = 0.0
    size_lapsed: float = 0.0
    size_voided: float = 0.0
    size_remaining: float = 0.0
    queue: float = 0.0
    market_version: int | None = None
    is_sp_settled: bool = False
    is_sp_done: bool = False
    is_live: bool = False
    is_complete: bool = False
    is_unlisted: bool = False
    is_changed: bool = False
    is_rescaled: bool = False
    key: tuple[int, float] = (0, 0)
    _volume: float = 0.0
    _value: float = 0.0

    def __post_init__(self) -> None:
        self.key = (self.selection_id, self.handicap)
        self.reckon()

    @property
    def takes_sp(self) -> bool:
        """Whether what is unmatched is matched at the starting price."""
        return self.kind != LIMIT or self.persistence == MARKET_ON_CLOSE

    def reckon(self) -> None:
        """Work out `size_remaining` anew."""
        if self.kind == LIMIT:
            remaining = (
                (self.size or self.target_size or 0.0)
                - self.size_matched
                - self.size_cancelled
                - self.size_lapsed
                - self.size_voided
            )
            pence = remaining * 100
            # the same value: rounding to two places is slow, and whole pence do not need it
            self.size_remaining = pence / 100 if pence % 1 == 0 else round(remaining, 2)

    def fill(self, publish_time: int, price: float, size: float) -> None:
        """Match `size` at `price`.

        Simulation rule: everything later works with the average price rounded to two places.
        """
        self.fills.append((publish_time, price, size))
        self._value += price * size
        self._volume += size
        self._average()

    def refill(self, fills: list[tuple[int, float, float]]) -> None:
        """Take `fills` for all that was matched."""
        self.fills = fills
        self._value = self._volume = 0.0
        for _, price, size in fills:
            self._value += price * size
            self._volume += size
        self._average()

    def _average(self) -> None:
        value, volume = self._value, self._volume
        if value == 0 or volume == 0:
            self.size_matched = self.average_price_matched = 0.0
        else:
            if not abs(value) < _MOST:
                raise DataError(f"{self.side} matched at {self.fills[-1][1]!r}: no market has such a price")
            self.size_matched = round(volume, 2)
            self.average_price_matched = round(value / volume, 2)
        self.reckon()

    def cancel(self, size: float) -> None:
        """Cancel `size`."""
        self.size_cancelled += size
        self.reckon()

    def lapse(self, size: float) -> None:
        """Let `size` lapse."""
        self.size_lapsed += size
        self.reckon()

    def void(self, size: float) -> None:
        """Void `size`."""
        self.size_voided += size
        self.reckon()
