"""The statuses of orders and trades, and the one table of how an order's status may change."""

from .enumeration import Enumeration


class OrderStatus(Enumeration):
    """Where an order stands between our request and the exchange's last word."""

    PENDING = "Pending"
    CANCELLING = "Cancelling"
    UPDATING = "Updating"
    REPLACING = "Replacing"
    UNKNOWN = "Unknown"
    EXECUTABLE = "Executable"
    EXECUTION_COMPLETE = "Execution complete"
    EXPIRED = "Expired"
    VIOLATION = "Violation"


class TradeStatus(Enumeration):
    """Where a trade stands; PENDING: within `with trade:`."""

    PENDING = "Pending"
    LIVE = "Live"
    COMPLETE = "Complete"


class Trigger(Enumeration):
    """What may happen to an order; each is the method of `Order` of that name."""

    PLACING = "placing"
    EXECUTABLE = "executable"
    EXECUTION_COMPLETE = "execution_complete"
    CANCELLING = "cancelling"
    UPDATING = "updating"
    REPLACING = "replacing"
    UNKNOWN = "unknown"
    VIOLATION = "violation"


LIVE_STATUS: frozenset[OrderStatus] = frozenset(
    {
        OrderStatus.PENDING,
        OrderStatus.CANCELLING,
        OrderStatus.UPDATING,
        OrderStatus.REPLACING,
        OrderStatus.UNKNOWN,
        OrderStatus.EXECUTABLE,
    }
)
COMPLETE_STATUS: frozenset[OrderStatus] = frozenset(
    {OrderStatus.EXECUTION_COMPLETE, OrderStatus.EXPIRED, OrderStatus.VIOLATION}
)

ORDER_TRANSITIONS: dict[tuple[OrderStatus | None, Trigger], OrderStatus] = {
    (None, Trigger.PLACING): OrderStatus.PENDING,
    (None, Trigger.VIOLATION): OrderStatus.VIOLATION,
    # a refused order may be mended and placed again, and refused again
    (OrderStatus.VIOLATION, Trigger.PLACING): OrderStatus.PENDING,
    (OrderStatus.VIOLATION, Trigger.VIOLATION): OrderStatus.VIOLATION,
    (OrderStatus.PENDING, Trigger.EXECUTABLE): OrderStatus.EXECUTABLE,
    (OrderStatus.PENDING, Trigger.EXECUTION_COMPLETE): OrderStatus.EXECUTION_COMPLETE,
    # accepted, then stopped before it reached an execution (hook, guard, end of the file)
    (OrderStatus.PENDING, Trigger.VIOLATION): OrderStatus.VIOLATION,
    (OrderStatus.EXECUTABLE, Trigger.CANCELLING): OrderStatus.CANCELLING,
    (OrderStatus.EXECUTABLE, Trigger.UPDATING): OrderStatus.UPDATING,
    (OrderStatus.EXECUTABLE, Trigger.REPLACING): OrderStatus.REPLACING,
    (OrderStatus.EXECUTABLE, Trigger.EXECUTION_COMPLETE): OrderStatus.EXECUTION_COMPLETE,
    (OrderStatus.CANCELLING, Trigger.EXECUTABLE): OrderStatus.EXECUTABLE,
    (OrderStatus.CANCELLING, Trigger.EXECUTION_COMPLETE): OrderStatus.EXECUTION_COMPLETE,
    (OrderStatus.UPDATING, Trigger.EXECUTABLE): OrderStatus.EXECUTABLE,
    # filled while the update was under way
    (OrderStatus.UPDATING, Trigger.EXECUTION_COMPLETE): OrderStatus.EXECUTION_COMPLETE,
    (OrderStatus.REPLACING, Trigger.EXECUTABLE): OrderStatus.EXECUTABLE,
    (OrderStatus.REPLACING, Trigger.EXECUTION_COMPLETE): OrderStatus.EXECUTION_COMPLETE,
    # sent, and nobody said what became of it: the exchange is asked, and meanwhile all that it may have done counts
    (OrderStatus.PENDING, Trigger.UNKNOWN): OrderStatus.UNKNOWN,
    (OrderStatus.CANCELLING, Trigger.UNKNOWN): OrderStatus.UNKNOWN,
    (OrderStatus.UPDATING, Trigger.UNKNOWN): OrderStatus.UNKNOWN,
    (OrderStatus.REPLACING, Trigger.UNKNOWN): OrderStatus.UNKNOWN,
    (OrderStatus.UNKNOWN, Trigger.EXECUTABLE): OrderStatus.EXECUTABLE,
    (OrderStatus.UNKNOWN, Trigger.EXECUTION_COMPLETE): OrderStatus.EXECUTION_COMPLETE,
    # filled while a cancel was under way: the exchange then says that it cancelled nothing
    (OrderStatus.EXECUTION_COMPLETE, Trigger.EXECUTION_COMPLETE): OrderStatus.EXECUTION_COMPLETE,
    # filled or lapsed while a request was under way, which then fails: flumine's status, kept for its profile
    (OrderStatus.EXECUTION_COMPLETE, Trigger.EXECUTABLE): OrderStatus.EXECUTABLE,
}
