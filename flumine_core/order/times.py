"""When things happened to an order or a trade, as datetimes and seconds that are made when read."""

from datetime import datetime

from ..clock import to_datetime


class OrderTimes:
    """Aware UTC datetimes of an order's `*_ms`, and seconds since then, for the order and its copy."""

    __slots__ = ()

    publish_ms: int | None
    created_ms: int
    status_ms: int
    placed_ms: int | None
    complete_ms: int | None

    @property
    def publish_time(self) -> datetime | None:
        """When the book that the order was placed at was published, as an aware UTC datetime; None without one."""
        return None if self.publish_ms is None else to_datetime(self.publish_ms)

    @property
    def date_time_created(self) -> datetime:
        """When the order was made, as an aware UTC datetime."""
        return to_datetime(self.created_ms)

    @property
    def date_time_status_update(self) -> datetime:
        """When the status last changed, as an aware UTC datetime."""
        return to_datetime(self.status_ms)

    @property
    def date_time_placed(self) -> datetime | None:
        """When the exchange placed the order, as an aware UTC datetime; None before."""
        return None if self.placed_ms is None else to_datetime(self.placed_ms)

    @property
    def date_time_execution_complete(self) -> datetime | None:
        """When the order became EXECUTION_COMPLETE, as an aware UTC datetime; None before."""
        return None if self.complete_ms is None else to_datetime(self.complete_ms)

    @property
    def elapsed_seconds(self) -> float | None:
        """Seconds since the exchange placed the order; None before."""
        return None if self.placed_ms is None else (self._now_ms - self.placed_ms) / 1000

    @property
    def elapsed_seconds_created(self) -> float:
        """Seconds since the order was made."""
        return (self._now_ms - self.created_ms) / 1000

    @property
    def elapsed_seconds_status_update(self) -> float:
        """Seconds since the status last changed."""
        return (self._now_ms - self.status_ms) / 1000

    @property
    def elapsed_seconds_executable(self) -> float | None:
        """Seconds that the exchange held the order; None until it is complete."""
        if self.complete_ms is None or self.placed_ms is None:
            return None
        return (self.complete_ms - self.placed_ms) / 1000

    @property
    def _now_ms(self) -> int:
        raise NotImplementedError


class TradeTimes:
    """Aware UTC datetimes of a trade's `*_ms`, for the trade and its copy."""

    __slots__ = ()

    created_ms: int
    complete_ms: int | None

    @property
    def date_time_created(self) -> datetime:
        """When the trade was made, as an aware UTC datetime."""
        return to_datetime(self.created_ms)

    @property
    def date_time_complete(self) -> datetime | None:
        """When the trade last became COMPLETE, as an aware UTC datetime; None before."""
        return None if self.complete_ms is None else to_datetime(self.complete_ms)
