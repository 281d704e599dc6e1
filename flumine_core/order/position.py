"""One strategy's orders on one selection, with what they come to kept as sums."""

from typing import TYPE_CHECKING, Any

from .exposure import ExposedOrder, Exposures, Tally, line_of, money, open_risk
from .kinds import LimitOrder

if TYPE_CHECKING:
    from .order import Order

_FEW = 16
"""So many live orders are walked rather than summed up."""
_NOTHING = Tally()


class Position:
    """One strategy's orders on one selection, with the sums of those that do not change.

    Orders that are complete are in one sum. Of the live ones, where they are many, those that rest are in another,
    and only those that came or changed lately are walked for an exposure. An order leaves its sum before it changes.
    Sums change with orders alone, on the kernel's thread; on another one an order that changes just then may count
    twice.

    :ivar orders: all its orders, in the order of placing.
    :ivar rests: by id, what each live order that is summed up has brought into the sum; None before the first.
    """

    __slots__ = ("_idle", "_loose", "_resting", "_settled", "lookup", "orders", "rests")

    def __init__(self, lookup: tuple[str, int, float]) -> None:
        self.lookup = lookup
        self.orders: list[Order] = []
        self._settled = Tally()  # what is matched of those that were reported complete
        self._loose: dict[str, Order] = {}  # by id, the live ones that are walked
        self._resting = _NOTHING
        self.rests: dict[str, Tally] | None = None
        self._idle: tuple[float, float, Exposures] | None = None  # what the settled ones come to, and of which sums

    def is_live(self, order: "Order") -> bool:
        """Return whether an order was not yet reported complete."""
        return order.id in self._loose or (self.rests is not None and order.id in self.rests)

    def open(self, order: "Order") -> None:
        """Take in an order, or take a complete one back among the live."""
        is_new = order.position is not self
        if is_new:
            order.position = self
            self.orders.append(order)
        elif self.is_live(order):
            return
        self._loose[order.id] = order
        if not is_new:
            self._settle(order, -1)
        if len(self._loose) > _FEW:
            self._sum_up()

    def close(self, order: "Order") -> None:
        """Move an order that is complete from the live ones into the sum."""
        if self.rests:
            self.loosen(order)
        if order.id in self._loose:
            self._settle(order)
            del self._loose[order.id]

    def loosen(self, order: "Order") -> None:
        """Walk a live order from now on, for its status, its sizes or its kind change."""
        if self.rests and order.id in self.rests:
            self._loose[order.id] = order
            self._resting.add_sums(self.rests.pop(order.id), -1)
            if len(self._loose) > _FEW:
                self._sum_up(order)

    def take_out(self, order: "Order") -> None:
        """Take an order out of the sums before its sizes or its kind change; a complete one is to be `put_back`."""
        self.loosen(order)
        if order.id not in self._loose:
            self._settle(order, -1)

    def put_back(self, order: "Order") -> None:
        """Count a complete order again that was taken out."""
        if order.id not in self._loose:
            self._settle(order)

    def _settle(self, order: "Order", sign: int = 1) -> None:
        settled = self._settled
        if sign < 0 and not settled.is_finite:  # from what is unbounded nothing can be taken out
            settled = Tally()
            for each in self.orders:
                if each is not order and not self.is_live(each):
                    settled.add_matched(each)
        elif settled.lines is None:
            settled.add_matched(order, sign)
        else:  # several numbers: who reads on another thread has the old or the new ones
            settled = settled.copy()
            settled.add_matched(order, sign)
        self._settled = settled

    def _sum_up(self, changing: "Order | None" = None) -> None:
        if self.rests is None:
            self.rests, self._resting = {}, Tally()
        loose: dict[str, Order] = {}
        for order_id, order in self._loose.items():
            counted = None if order is changing else _counted(order)
            if counted is None:
                loose[order_id] = order
            else:
                self._resting.add_sums(counted)
                self.rests[order_id] = counted
        self._loose = loose

    def exposures(self, exclusion: ExposedOrder | None = None, new_order: ExposedOrder | None = None) -> Exposures:
        """Return the profits of all orders but `exclusion`, and with `new_order`."""
        if self._loose or self.rests or exclusion is not None or new_order is not None:
            return self.tally(exclusion, new_order).exposures()
        settled = self._settled
        if settled.lines is not None:
            return settled.exposures()
        win, lose = settled.matched_win, settled.matched_lose
        idle = self._idle
        if idle is None or idle[0] != win or idle[1] != lose:
            idle = self._idle = (win, lose, settled.exposures())
        return idle[2].copy()

    def worst(self, side: str, exclusion: ExposedOrder | None = None, new_order: ExposedOrder | None = None) -> float:
        """Return the worst possible profit that orders of this side make worse: BACK if it loses, LAY if it wins."""
        settled = self._settled
        if (
            not self._loose
            and not self.rests
            and exclusion is None
            and new_order is not None
            and not new_order.size_matched
            and isinstance(kind := new_order.order_type, LimitOrder)
            and new_order.side == side
            and settled.lines is None
        ):
            matched = settled.matched_lose if side == "BACK" else settled.matched_win
            return money(matched - open_risk(new_order, kind))
        return self.tally(exclusion, new_order).worst(side, line_of(new_order))

    def tally(self, exclusion: ExposedOrder | None = None, new_order: ExposedOrder | None = None) -> Tally:
        """Return the sums over all orders but `exclusion`, and with `new_order`."""
        tally, settled = Tally(), self._settled
        tally.matched_win = settled.matched_win
        tally.matched_lose = settled.matched_lose
        if settled.lines is not None:
            tally.lines = settled.lines.copy()
        if self.rests:
            tally.add_sums(self._resting)
        for order in tuple(self._loose.values()):
            if order is not exclusion:
                tally.add(order)
        if exclusion is not None:
            self._leave_out(exclusion, tally)
        if new_order is not None:
            tally.add_live(new_order)
        return tally

    def _leave_out(self, order: Any, tally: Tally) -> None:
        if getattr(order, "position", None) is not self or order.id in self._loose:
            return
        if self.rests is not None and (counted := self.rests.get(order.id)) is not None:
            tally.add_sums(counted, -1)
        else:
            tally.add_matched(order, -1)


def _counted(order: "Order") -> Tally | None:
    """Return what an order counts, None where that is no number: who asks for an exposure is to hear of it."""
    tally = Tally()
    try:
        tally.add(order)
    except (TypeError, ValueError, AttributeError, ArithmeticError):
        return None
    return tally if tally.is_finite else None
