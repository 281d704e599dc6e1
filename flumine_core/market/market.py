"""One market: its latest book, its catalogue, its orders, and the way to place more."""

from collections import defaultdict
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from msgspec.structs import replace

from ..book.definition import ABSENT, Definition, parse_datetime
from ..book.marketbook import MarketBook
from ..clock import to_datetime
from ..order.blotter import Blotter
from ..order.kinds import LimitOrder
from ..order.order import Order
from ..order.package import OrderPackage
from ..order.roles import ClientRole
from .feed import Fed
from .requests import House, Requests

_EPOCH = to_datetime(0)


class Market(Fed, Requests):
    """A market as strategies see it.

    :ivar market_book: the latest book, None where only raw data is recorded.
    :ivar latest_book: the same for who reads it at once and keeps it not.
    :ivar definition: the market definition in force.
    :ivar market_catalogue: betfairlightweight's MarketCatalogue once it is known.
    :ivar context: a dict for whoever wants to keep something with the market.
    :ivar blotter: all orders of the market.
    :ivar market_cleared: what was cleared, one record a client (see `cleared`).
    :ivar orders_cleared: empty, for flumine's attribute; nothing fills or reads it.
    :ivar outbox: order packages that have not left yet.
    :ivar streams: ids of the streams that have brought books; `met`: those (`id`) of the strategies that were shown
        one, and `told_closed` of those that know of its closing.
    """

    def __init__(
        self,
        flumine: House,
        market_id: str,
        market_book: MarketBook | None = None,
        market_catalogue: Any = None,
    ) -> None:
        self.flumine: House = flumine
        self.market_id = market_id
        self.closed = False
        self.date_time_created = flumine.clock.now()
        self.date_time_closed: datetime | None = None
        self.market_catalogue = market_catalogue
        self.update_market_catalogue = True
        self.orders_cleared: list[Any] = []
        self.market_cleared: list[Any] = []
        self.context: dict[str, Any] = {"simulated": {}}
        self.blotter = Blotter(market_id)
        self.outbox: list[OrderPackage] = []
        self.streams: set[int] = set()
        self.met: set[int] = set()
        self.told_closed: set[int] = set()
        self.latest_book: MarketBook | None = None
        self.definition: Definition = ABSENT
        self._transaction_id = 0
        self._kept_settings = None
        self.market_book = market_book

    @property
    def market_book(self) -> MarketBook | None:
        """The latest book that was processed; it may be kept, also where its stream is further already."""
        if self.latest_book is not None and not self.latest_book.is_read:
            self.latest_book.complete_if_superseded()
        return self.latest_book

    @market_book.setter
    def market_book(self, book: MarketBook | None) -> None:
        previous = self.latest_book
        if previous is not None:
            previous.house_references = 0
        if book is None:
            self.definition = ABSENT
        else:
            book.house_references = 1
            if book.definition is not self.definition:
                if previous is not None and book.definition.version != self.definition.version:
                    self.update_market_catalogue = True
                self.definition = definition = book.definition
                is_each_way = definition.market_type == "EACH_WAY"
                self.blotter.each_way_divisor = (definition.each_way_divisor or 1) if is_each_way else None
                self.blotter.betting_type = betting_type = definition.raw.get("bettingType")
                self.blotter.is_line = betting_type == "LINE"
                for order in self.blotter if self.blotter.is_line else ():
                    self.take_for_line(order)
        self.latest_book = book

    def take_for_line(self, order: Order) -> None:
        """Take an order's price for a line if the market is one: the bet of an adopted order does not say so.

        What was asked for here (`async_` is known then) says itself what it is.
        """
        kind, raw = order.order_type, self.definition.raw
        if not self.blotter.is_line or order.async_ is not None or not isinstance(kind, LimitOrder):
            return
        if kind.price_ladder_definition != "LINE_RANGE":
            fields = (
                ("min_unit_value", "lineMinUnit"),
                ("max_unit_value", "lineMaxUnit"),
                ("interval", "lineInterval"),
            )
            line = SimpleNamespace(**{name: raw.get(field) or 0.0 for name, field in fields})
            order.change_kind(replace(kind, price_ladder_definition="LINE_RANGE", line_range_info=line))

    def open_market(self) -> None:
        """Take a closed market up again."""
        self.closed = False
        self.told_closed.clear()
        self.orders_cleared = []
        self.market_cleared = []

    def close_market(self) -> None:
        """Note that the market has closed, and when."""
        self.closed = True
        self.date_time_closed = self.flumine.clock.now()

    @property
    def market_book_closed(self) -> bool:
        """Whether the latest book is CLOSED."""
        return self.status == "CLOSED"

    @property
    def publish_time(self) -> datetime | None:
        """When the latest book was published."""
        return None if self.latest_book is None else self.latest_book.publish_time

    @property
    def publish_ms(self) -> int | None:
        """When the latest book was published, milliseconds since 1970."""
        return None if self.latest_book is None else self.latest_book.publish_time_epoch

    @property
    def bet_delay(self) -> float:
        """Seconds that a bet is held, as the latest book has it."""
        return self.definition.bet_delay or 0

    @property
    def status(self) -> str | None:
        """The latest book's status."""
        return self.definition.status

    @property
    def market_name(self) -> str | None:
        """The catalogue's name of the market."""
        name: str | None = getattr(self.market_catalogue, "market_name", None)
        return name

    @property
    def event(self) -> dict[str | None, list["Market"]]:
        """Markets of the same event by market type: those of the same start, in soccer and golf all."""
        event: dict[str | None, list[Market]] = defaultdict(list)
        start, anytime = self.market_start_datetime, self.event_type_id in ("1", "3")
        for market in self.flumine.markets.events.get(self.event_id, ()):
            if anytime or market.market_start_datetime == start:
                event[market.market_type].append(market)
        return event

    def _described(self, part: str, name: str) -> Any:
        described = getattr(self.market_catalogue, part, None) if self.market_catalogue else None
        return getattr(described, name, None) if described else None

    @property
    def event_type_id(self) -> str | None:
        """The sport's id: "7" horse racing, "4339" greyhounds, "1" soccer."""
        return self._described("event_type", "id") or self.definition.event_type_id

    @property
    def event_id(self) -> str:
        """The event's id, empty where it is not known."""
        return self._described("event", "id") or self.definition.event_id or ""

    @property
    def competition_id(self) -> str | None:
        """The catalogue's competition."""
        competition: str | None = self._described("competition", "id")
        return competition

    @property
    def market_type(self) -> str | None:
        """WIN, PLACE, MATCH_ODDS, ..."""
        return self._described("description", "market_type") or self.definition.market_type

    @property
    def seconds_to_start(self) -> float:
        """Seconds until the market is due to start; negative after that."""
        start_ms = self.definition.market_time_ms
        if start_ms is not None:
            return (start_ms - self.flumine.clock.epoch_ms) / 1000
        return (self.market_start_datetime - self.flumine.clock.now()).total_seconds()

    @property
    def elapsed_seconds_closed(self) -> float | None:
        """Seconds since the market closed."""
        if self.closed and self.date_time_closed:
            return (self.flumine.clock.now() - self.date_time_closed).total_seconds()
        return None

    @property
    def market_start_datetime(self) -> datetime:
        """When the market is due to start; 1970 where that is not known."""
        if self.definition.market_time is not None:
            return self.definition.market_time
        start = getattr(self.market_catalogue, "market_start_time", None)
        if isinstance(start, datetime):
            return start if start.tzinfo else start.replace(tzinfo=UTC)  # of an older betfairlightweight
        return parse_datetime(start) or _EPOCH

    @property
    def market_start_hour_minute(self) -> str | None:
        """The start as four digits, "1430"."""
        return f"{self.market_start_datetime:%H%M}"

    @property
    def event_name(self) -> str | None:
        """The event's name."""
        return self._described("event", "name") or self.definition.event_name

    @property
    def country_code(self) -> str | None:
        """The event's country, two letters."""
        return self._described("event", "country_code") or self.definition.country_code

    @property
    def venue(self) -> str | None:
        """The course."""
        return self._described("event", "venue") or self.definition.venue

    @property
    def race_type(self) -> str | None:
        """Flat, Hurdle, Chase, ..."""
        return self._described("description", "race_type") or self.definition.race_type

    def cleared(self, client: ClientRole, customer_strategy_ref: str | None = None) -> dict[str, Any]:
        """Return profit and commission of a client's matched orders, as listClearedOrders names them.

        :param customer_strategy_ref: `Settings.customer_strategy_ref` if None.
        """
        orders = self.blotter.client_orders(client, matched_only=True)
        profit = round(sum(order.profit for order in orders), 2)
        return {
            "marketId": self.market_id,
            "eventId": self.event_id,
            "eventTypeId": self.event_type_id,
            "customerStrategyRef": customer_strategy_ref or self.flumine.settings.customer_strategy_ref,
            "lastMatchedDate": None,
            "placedDate": None,
            "settledDate": None,
            "betCount": len(orders),
            "betOutcome": "WON" if profit >= 0 else "LOST",
            "commission": round(max(profit * client.commission_base, 0), 2),
            "profit": profit,
        }

    @property
    def info(self) -> dict[str, Any]:
        """The market as plain data."""
        return {
            "market_id": self.market_id,
            "event_id": self.event_id,
            "event_type_id": self.event_type_id,
            "event_name": self.event_name,
            "market_name": self.market_name,
            "market_type": self.market_type,
            "market_start_datetime": self.market_start_datetime.isoformat(),
            "country_code": self.country_code,
            "venue": self.venue,
            "race_type": self.race_type,
            "closed": self.closed,
        }

    def __repr__(self) -> str:
        return f"<Market {self.market_id} {self.status}>"
