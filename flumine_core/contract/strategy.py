"""The base class of strategies, and what a strategy remembers of a runner."""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ..clock import Clock, LiveClock, to_datetime
from ..errors import SettingsError
from ..order.ids import OrderIds
from ..order.order import Order
from ..order.roles import NAME_HASH_LENGTH
from .streams import BaseStream, MarketStream, check_is_description

if TYPE_CHECKING:
    from ..book.marketbook import MarketBook
    from ..market.market import Market
    from .client import BaseClient
    from .ports import Framework


class RunnerContext:
    """What a strategy did on one runner of one market.

    :ivar trades: ids of all trades, in order; `live_trades`: of those not complete.
    """

    __slots__ = (
        "_clock",
        "_known",
        "invested",
        "last_placed_ms",
        "last_reset_ms",
        "live_trades",
        "selection_id",
        "trades",
    )

    def __init__(self, selection_id: int, clock: Clock) -> None:
        self.selection_id = selection_id
        self.invested = False
        self.trades: list[str] = []
        self.live_trades: list[str] = []
        self.last_placed_ms: int | None = None
        self.last_reset_ms: int | None = None
        self._known: set[str] = set()
        self._clock = clock

    def place(self, trade_id: str) -> None:
        """Note an order placed for a trade."""
        self.invested = True
        self.last_placed_ms = self._clock.epoch_ms
        if trade_id not in self._known:
            self._known.add(trade_id)
            self.trades.append(trade_id)
            self.live_trades.append(trade_id)
        elif trade_id not in self.live_trades:
            self.live_trades.append(trade_id)

    def reset(self, trade_id: str) -> None:
        """Note that a trade is complete."""
        self.last_reset_ms = self._clock.epoch_ms
        if trade_id in self.live_trades:
            self.live_trades.remove(trade_id)

    def restore(
        self,
        invested: bool,
        trades: list[str],
        live_trades: list[str],
        last_placed_ms: int | None,
        last_reset_ms: int | None,
    ) -> None:
        """Take over what an earlier run of the strategy has remembered."""
        self.invested = invested
        self.trades = trades
        self.live_trades = live_trades
        self.last_placed_ms = last_placed_ms
        self.last_reset_ms = last_reset_ms
        self._known = set(trades)

    @property
    def executable_orders(self) -> bool:
        """Whether any trade is live."""
        return bool(self.live_trades)

    @property
    def trade_count(self) -> int:
        """How many trades there were."""
        return len(self.trades)

    @property
    def live_trade_count(self) -> int:
        """How many trades are live."""
        return len(self.live_trades)

    @property
    def datetime_last_placed(self) -> datetime | None:
        """When an order was last placed."""
        return None if self.last_placed_ms is None else to_datetime(self.last_placed_ms)

    @property
    def datetime_last_reset(self) -> datetime | None:
        """When a trade last became complete."""
        return None if self.last_reset_ms is None else to_datetime(self.last_reset_ms)

    @property
    def placed_elapsed_seconds(self) -> float | None:
        """Seconds since an order was last placed."""
        return None if self.last_placed_ms is None else (self._clock.epoch_ms - self.last_placed_ms) / 1000

    @property
    def reset_elapsed_seconds(self) -> float | None:
        """Seconds since a trade last became complete."""
        return None if self.last_reset_ms is None else (self._clock.epoch_ms - self.last_reset_ms) / 1000


class BaseStrategy:
    """A strategy: override what you need, place orders through `market` or the four methods at the end.

    :param market_filter: live, the market subscription's filter ({} is every market, None no stream); in simulation a
        mapping with `markets` (paths or globs) and optionally `listener_kwargs`, `event_processing`, `event_groups`
        (event id to name of a group), `market_types`, `country_codes`. A stream description here is taken as `stream`.
    :param market_data_filter: live, the fields and ladder levels to subscribe to.
    :param streaming_timeout: seconds without an update after which open markets are delivered again.
    :param conflate_ms: milliseconds over which Betfair conflates.
    :param stream_class: MarketStream (books) or DataStream (raw data).
    :param name: the class name if None.
    :param context: a dict of your own.
    :param max_selection_exposure: pounds at risk on one runner, the new order included; None is no limit.
    :param max_order_exposure: pounds at risk by one order; None is no limit.
    :param max_market_exposure: pounds at risk on a market; None is no limit.
    :param client: whose account its orders go to, unless they name another; the framework's first if None.
    :param max_trade_count: trades on one runner of a market, ever.
    :param max_live_trade_count: trades on one runner that are not complete.
    :param multi_order_trades: further orders of a live trade are always allowed.
    :param stream, streams: stream descriptions in place of `market_filter`.
    :raises SettingsError: on a filter that is no mapping, what is no class of streams, or both `stream` and `streams`.
    """

    def __init__(
        self,
        market_filter: Mapping[str, Any] | Any = None,
        market_data_filter: Mapping[str, Any] | Any = None,
        streaming_timeout: float | None = None,
        conflate_ms: int | None = None,
        stream_class: type[BaseStream] = MarketStream,
        name: str | None = None,
        context: dict[str, Any] | None = None,
        max_selection_exposure: float | None = 100,
        max_order_exposure: float | None = 10,
        max_market_exposure: float | None = None,
        client: "BaseClient | None" = None,
        max_trade_count: int = 1_000_000,
        max_live_trade_count: int = 1,
        multi_order_trades: bool = False,
        stream: Any = None,
        streams: list[Any] | None = None,
    ) -> None:
        if isinstance(market_filter, BaseStream):  # as flumine's first parameter
            if stream is not None:
                raise SettingsError("give one stream, two were given")
            market_filter, stream = None, market_filter
        if isinstance(market_data_filter, list):  # as flumine's second one
            market_data_filter, streams = None, market_data_filter
        if isinstance(streaming_timeout, str):
            raise SettingsError(
                f"streaming_timeout must be seconds > 0, was {streaming_timeout!r}: "
                "flumine has its arguments in another order, name them"
            )
        if stream is not None and streams is not None:
            raise SettingsError("give either stream or streams, both were given")
        is_number = isinstance(streaming_timeout, int | float)
        if streaming_timeout is not None and not (is_number and streaming_timeout > 0):
            raise SettingsError(f"streaming_timeout must be seconds > 0, was {streaming_timeout!r}")
        if not (isinstance(stream_class, type) and issubclass(stream_class, BaseStream)):
            raise SettingsError(f"stream_class must be a class of streams, was {stream_class!r}")
        check_is_description(stream_class)
        self.market_filter = market_filter
        self.market_data_filter = market_data_filter
        self.streaming_timeout = streaming_timeout
        self.conflate_ms = conflate_ms
        self.stream_class = stream_class
        self._name = name
        self.context: dict[str, Any] = {} if context is None else context
        self.max_selection_exposure = max_selection_exposure
        self.max_order_exposure = max_order_exposure
        self.max_market_exposure = max_market_exposure
        self.client = client
        self.max_trade_count = max_trade_count
        self.max_live_trade_count = max_live_trade_count
        self.multi_order_trades = multi_order_trades
        self.streams: list[Any] = [stream] if stream is not None else list(streams or ())
        self.clients: Any = None
        self._subscriptions_changed: Callable[[], None] | None = None
        self.clock: Clock = LiveClock()
        self._own_clock: Clock = self.clock
        self.order_sep = self._own_sep = "-"
        self.use_ids(OrderIds())
        self._contexts: dict[str, dict[tuple[int, float], RunnerContext]] = {}

    def bind(self, framework: "Framework", ids: OrderIds) -> None:
        """Take the framework's clock, clients, separator and ids; the kernel calls this when the strategy is added.

        :raises SettingsError: if a subclass has set `clock` or `order_sep`.
        """
        if self.clock is not self._own_clock:
            raise SettingsError(owned_by_base(self, "clock"))
        if self.order_sep != self._own_sep:
            raise SettingsError(owned_by_base(self, "order_sep"))
        self.clock = self._own_clock = framework.clock
        self.order_sep = self._own_sep = framework.settings.order_sep
        self.clients = framework.clients
        self._subscriptions_changed = framework.subscriptions_changed
        self.use_ids(ids)

    def use_ids(self, ids: OrderIds) -> None:
        """Take the numbers of orders and trades from `ids`."""
        self.next_order_id: Callable[[str], str] = ids.next_order_id
        self.next_trade_id: Callable[[str], str] = ids.next_trade_id

    def add(self, flumine: "Framework") -> None:
        """Do what is to be done when the strategy is added to a framework."""

    def start(self, flumine: "Framework") -> None:
        """Do what is to be done when the run starts, before the streams do."""

    def process_new_market(self, market: "Market", market_book: "MarketBook") -> None:
        """Process a market seen for the first time."""

    def process_market_catalogue(self, market: "Market", market_catalogue: Any) -> None:
        """Process a market's catalogue, new or changed."""

    def check_market_book(self, market: "Market", market_book: "MarketBook") -> bool | None:
        """Return True if `process_market_book` is to be called with this book."""
        return False

    def process_market_book(self, market: "Market", market_book: "MarketBook") -> None:
        """Process a book that `check_market_book` let through."""

    def check_sports_data(self, market: "Market", sports_data: Any) -> bool | None:
        """Return True if `process_sports_data` is to be called with this update."""
        return False

    def process_sports_data(self, market: "Market", sports_data: Any) -> None:
        """Process a race or cricket update."""

    def process_raw_data(self, clk: str | None, publish_time: int, datum: dict[str, Any]) -> None:
        """Process one change as it was received (DataStream); `publish_time` in milliseconds since 1970."""

    def process_orders(self, market: "Market", orders: list[Order]) -> None:
        """Process all of this strategy's orders on a market; called on every book once there are any.

        `orders` is the blotter's own list: what you place meanwhile is appended to it.
        """

    def process_closed_market(self, market: "Market", market_book: Any) -> None:
        """Process a market that has closed and whose orders are settled."""

    def finish(self, flumine: "Framework") -> None:
        """Do what is to be done when the run ends."""

    def validate_order(self, runner_context: RunnerContext, order: Order) -> bool:
        """Return False to refuse an order, having put the reason into `order.violation_msg`.

        Called once an order by the control StrategyExposure. This one keeps `reset_seconds`, `place_reset_seconds`,
        `max_trade_count` and `max_live_trade_count`; an elapsed time of exactly 0 passes, as in flumine.
        """
        trade = order.trade
        if self.multi_order_trades and trade.id in runner_context.live_trades:
            return True
        if trade.reset_seconds:
            elapsed = runner_context.reset_elapsed_seconds
            if elapsed and elapsed < trade.reset_seconds:
                order.violation_msg = f"reset_seconds must be {trade.reset_seconds}, {elapsed} had elapsed"
                return False
        if trade.place_reset_seconds:
            elapsed = runner_context.placed_elapsed_seconds
            if elapsed and elapsed < trade.place_reset_seconds:
                order.violation_msg = f"place_reset_seconds must be {trade.place_reset_seconds}, {elapsed} had elapsed"
                return False
        count = len(runner_context.trades)
        if count >= self.max_trade_count and (count > self.max_trade_count or trade.id not in runner_context.trades):
            order.violation_msg = f"trade count must stay within {self.max_trade_count}, was {count}"
            return False
        count = len(runner_context.live_trades)
        if count >= self.max_live_trade_count and (
            count > self.max_live_trade_count or trade.id not in runner_context.live_trades
        ):
            order.violation_msg = f"live trade count must stay within {self.max_live_trade_count}, was {count}"
            return False
        return True

    def place_order(self, market: "Market", order: Order, **options: Any) -> bool:
        """Place an order; False where a control refused it. Options as of `market.place_order`."""
        options.setdefault("client", self.client)
        return market.place_order(order, **options)

    def cancel_order(self, market: "Market", order: Order, size_reduction: float | None = None, **options: Any) -> bool:
        """Cancel an order, or `size_reduction` pounds of it."""
        return market.cancel_order(order, size_reduction, **options)

    def update_order(self, market: "Market", order: Order, new_persistence_type: str, **options: Any) -> bool:
        """Change an order's persistence type."""
        return market.update_order(order, new_persistence_type, **options)

    def replace_order(self, market: "Market", order: Order, new_price: float, **options: Any) -> bool:
        """Cancel what remains of an order and place it again at another price."""
        return market.replace_order(order, new_price, **options)

    def get_runner_context(self, market_id: str, selection_id: int, handicap: float = 0) -> RunnerContext:
        """Return what this strategy did on a runner; forgotten when the market leaves."""
        contexts = self._contexts.get(market_id)
        if contexts is None:
            contexts = self._contexts[market_id] = {}
        context = contexts.get((selection_id, handicap))
        if context is None:
            context = contexts[(selection_id, handicap)] = RunnerContext(selection_id, self.clock)
        return context

    def has_executable_orders(self, market_id: str, selection_id: int, handicap: float = 0) -> bool:
        """Whether any trade on a runner is live."""
        return self.get_runner_context(market_id, selection_id, handicap).executable_orders

    def remove_market(self, market_id: str) -> None:
        """Forget the runner contexts of a market."""
        self._contexts.pop(market_id, None)

    def market_cached(self, market_id: str) -> bool:
        """Whether any of the strategy's streams has brought this market."""
        return any(market_id in getattr(stream, "market_ids", ()) for stream in self.streams)

    def subscribe_to_stream(self, stream: Any) -> None:
        """Add a stream description, or while the framework runs one of its streams."""
        self._subscribe([*self.streams, stream])

    def unsubscribe_from_stream(self, stream: Any) -> None:
        """Remove a stream description if it is there."""
        self._subscribe([other for other in self.streams if other is not stream])

    def replace_stream(self, stream: Any, new_stream: Any) -> None:
        """Put one stream description in another's place."""
        self._subscribe([new_stream if other is stream else other for other in self.streams])

    def _subscribe(self, streams: list[Any]) -> None:
        self.streams = streams
        if self._subscriptions_changed is not None:
            self._subscriptions_changed()

    def now(self) -> datetime:
        """Return the time as the framework has it: recorded in simulation, real when live."""
        return self.clock.now()

    @property
    def stream_ids(self) -> set[int]:
        """Ids of the strategy's streams."""
        return {stream.stream_id for stream in self.streams if stream.stream_id is not None}

    @property
    def name(self) -> str:
        """The strategy's name; its hash opens every customerOrderRef."""
        return self._name or type(self).__name__

    @cached_property
    def name_hash(self) -> str:
        """What opens the customerOrderRef of each of the strategy's orders."""
        import hashlib  # brings OpenSSL, 3.5 MB, which most simulations never need

        return hashlib.sha1(self.name.encode(), usedforsecurity=False).hexdigest()[:NAME_HASH_LENGTH]

    @property
    def info(self) -> dict[str, Any]:
        """The strategy as plain data."""
        return {
            "strategy_name": self.name,
            "stream_ids": sorted(self.stream_ids),
            "max_selection_exposure": self.max_selection_exposure,
            "max_order_exposure": self.max_order_exposure,
            "max_market_exposure": self.max_market_exposure,
            "max_live_trade_count": self.max_live_trade_count,
            "max_trade_count": self.max_trade_count,
            "context": {str(key): str(value) for key, value in self.context.items()},
            "name_hash": self.name_hash,
        }

    def __str__(self) -> str:
        return self.name


def owned_by_base(strategy: BaseStrategy, attribute: str) -> str:
    """Return what tells an author that a strategy has overwritten an attribute which it must not."""
    return (
        f"strategy {strategy.name} has set {attribute} to {getattr(strategy, attribute)!r}: "
        "BaseStrategy owns that name, take another for yours"
    )
