"""Clients: accounts at a venue, as descriptions; an execution made for each does the work."""

from collections.abc import Iterator
from typing import Any, ClassVar, overload

import attrs

from ..errors import ClientError, survivable
from ..order.order import Order
from ..order.package import OrderPackageType
from ..venue import BETFAIR, Venue
from .endpoints import Endpoints


class BaseClient:
    """An account.

    :param betting_client: betfairlightweight's APIClient where the account is real.
    :param transaction_limit: orders in a clock hour that MaxOrderCount lets pass, None is no limit. Betfair charges
        above 5,000 an hour today; 1,000 is the documented default.
    :param capital_base: for flumine's signature; nothing reads it.
    :param commission_base: share of a market's net profit, for the cleared summary of a simulation.
    :param interactive_login: log in without certificates.
    :param username: names the account; made up where there is no betting_client either.
    :param order_stream, order_stream_conflate_ms: whether there is an order stream, and its conflation (milliseconds).
    :param order_streaming_timeout: for flumine's signature; it changes nothing.
    :param best_price_execution: bets are matched at better prices than asked for (simulated execution).
    :param min_bet_validation: OrderValidation checks minimum stakes.
    :param paper_trade: execution is simulated over live data.
    :param market_recording_mode: no order stream, no orders, and no polls of balances and cleared orders.
    :param simulated_full_match: every bet placed is matched in full at its price.
    :param execution_cls, order_stream_cls: classes of your own in place of the built-in ones.
    :param endpoints: addresses other than Betfair's own, such as a local exchange's.
    :ivar commission_paid: 0.0, for flumine's attribute; nothing sets or reads it.
    :ivar faults: where exceptions of its controls are counted; None before it belongs to a framework.
    :raises ClientError: on a betting_client that is lightweight, or a number out of range.
    """

    VENUE: ClassVar[Venue] = BETFAIR
    ACCOUNT_DETAILS: ClassVar["SimulatedAccount | None"] = None
    is_simulated: ClassVar[bool] = False

    def __init__(
        self,
        betting_client: Any = None,
        transaction_limit: int | None = 1000,
        capital_base: float = 0,
        commission_base: float = 0.05,
        interactive_login: bool = False,
        username: str | None = None,
        order_stream: bool = True,
        order_stream_conflate_ms: int | None = None,
        order_streaming_timeout: float = 0.25,
        best_price_execution: bool = True,
        min_bet_validation: bool = True,
        paper_trade: bool = False,
        market_recording_mode: bool = False,
        simulated_full_match: bool = False,
        execution_cls: Any = None,
        order_stream_cls: Any = None,
        endpoints: Endpoints | None = None,
    ) -> None:
        if getattr(betting_client, "lightweight", False):
            raise ClientError("betting_client must not be lightweight: resources are needed")
        if transaction_limit is not None and not transaction_limit >= 0:
            raise ClientError(f"transaction_limit must be >= 0 or None, was {transaction_limit!r}")
        if not 0 <= commission_base < 1:
            raise ClientError(f"commission_base must be a share from 0 to below 1, was {commission_base!r}")
        self.betting_client = betting_client
        self.transaction_limit = transaction_limit
        self.capital_base = capital_base
        self.commission_base = commission_base
        self.interactive_login = interactive_login
        self.order_stream = order_stream
        self.order_stream_conflate_ms = order_stream_conflate_ms
        self.order_streaming_timeout = order_streaming_timeout
        self.best_price_execution = best_price_execution
        self.min_bet_validation = min_bet_validation
        self.paper_trade = paper_trade
        self.market_recording_mode = market_recording_mode
        self.simulated_full_match = simulated_full_match
        self.execution_cls = execution_cls
        self.order_stream_cls = order_stream_cls
        self.endpoints = Endpoints() if endpoints is None else endpoints
        if betting_client is not None:
            self.endpoints.apply(betting_client)
        self.account_details: Any = self.ACCOUNT_DETAILS
        self.account_funds: Any = None
        self.commission_paid = 0.0
        self.execution: Any = None
        self.trading_controls: list[Any] = []
        self.has_run = False
        self.faults: Any = None
        self._username = username

    @property
    def is_on_paper(self) -> bool:
        """Whether its bets are simulated: no money is at stake."""
        return self.is_simulated or self.paper_trade

    @property
    def venue(self) -> Venue:
        """The venue's ladders, minimum stakes and limits."""
        return self.VENUE

    @property
    def username(self) -> str:
        """The account's name; empty until the client was added to a framework, if none was given."""
        return getattr(self.betting_client, "username", None) or self._username or ""

    def begin_anew(self, is_simulation: bool) -> None:
        """Forget the controls and the execution of a run that has ended; an account at Betfair goes on counting.

        :param is_simulation: whether the run that is to begin is one: each counts its own hours.
        """
        if self.has_run and (self.is_on_paper or is_simulation):
            self.trading_controls.clear()
            self.execution = None
            self.has_run = False

    def name_default(self, username: str) -> None:
        """Take `username` if none was given."""
        self._username = self._username or username

    @property
    def currency_code(self) -> str:
        """The account's currency, GBP where it is not known."""
        return getattr(self.account_details, "currency_code", None) or "GBP"

    @property
    def min_bet_size(self) -> float | None:
        """Smallest stake, in the account's currency."""
        return self.venue.currency(self.currency_code).min_bet_size

    @property
    def min_bet_payout(self) -> float | None:
        """A smaller stake is allowed from this payout (price x size) on."""
        return self.venue.currency(self.currency_code).min_bet_payout

    @property
    def min_bsp_liability(self) -> float | None:
        """Smallest liability of a lay at the starting price."""
        return self.venue.currency(self.currency_code).min_bsp_liability

    def accept(self, order: Order, package_type: OrderPackageType) -> None:
        """Tell the client's controls that a request was accepted."""
        for control in self.trading_controls:
            try:
                control.accept(order, package_type)
            except survivable() as error:
                self._control_raised(control, "accept", error)

    def release(self, order: Order, package_type: OrderPackageType) -> None:
        """Tell the client's controls that an accepted request will not be counted by the exchange after all."""
        for control in self.trading_controls:
            try:
                control.release(order, package_type)
            except survivable() as error:
                self._control_raised(control, "release", error)

    def add_transaction(self, count: int, failed: bool = False) -> None:
        """Tell the client's controls that the exchange has counted transactions."""
        for control in self.trading_controls:
            try:
                control.add_transaction(count, failed)
            except survivable() as error:
                self._control_raised(control, "add_transaction", error)

    def _control_raised(self, control: Any, method: str, error: BaseException) -> None:
        """Count it: the other controls still hear of the request, and it goes on."""
        if self.faults is None:
            raise error
        self.faults.record(type(control).__name__, method, error)

    def _count(self, name: str) -> int | None:
        for control in self.trading_controls:
            count = getattr(control, name, None)
            if count is not None:
                return int(count)
        return None

    @property
    def current_transaction_count_total(self) -> int | None:
        """Transactions in this clock hour."""
        return self._count("current_transaction_count_total")

    @property
    def transaction_count_total(self) -> int | None:
        """Transactions ever."""
        return self._count("transaction_count_total")

    @property
    def info(self) -> dict[str, Any]:
        """The client as plain data, without credentials."""
        return {
            "username": self.username,
            "venue": self.venue.name,
            "simulated": self.is_simulated,
            "paper_trade": self.paper_trade,
            "transaction_limit": self.transaction_limit,
            "current_transaction_count_total": self.current_transaction_count_total,
            "transaction_count_total": self.transaction_count_total,
            "best_price_execution": self.best_price_execution,
            "order_stream": self.order_stream,
            "order_stream_conflate_ms": self.order_stream_conflate_ms,
            "order_streaming_timeout": self.order_streaming_timeout,
        }

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.username}>"


class BetfairClient(BaseClient):
    """An account at Betfair, trading real money, or on paper with `paper_trade=True`."""


@attrs.frozen
class SimulatedAccount:
    """What betfairlightweight's AccountDetails say of an account, as far as a simulation has it."""

    currency_code: str = "GBP"
    discount_rate: float = 0


class SimulatedClient(BaseClient):
    """An account that exists in simulations alone; its currency is GBP, unless a subclass has other details."""

    ACCOUNT_DETAILS = SimulatedAccount()
    is_simulated: ClassVar[bool] = True


class Clients:
    """The clients of a framework; the first added is the default."""

    def __init__(self) -> None:
        self._clients: list[BaseClient] = []

    def add_client(self, client: BaseClient) -> None:
        """Add a client.

        :raises ClientError: if there is one of its name already.
        """
        kind = type(client).__name__.removesuffix("Client").lower() or "client"
        taken = {other.username for other in self._clients}
        number = 1
        while (default := kind if number == 1 else f"{kind}-{number}") in taken:
            number += 1
        client.name_default(default)
        if client.username in taken:
            raise ClientError(f"two clients must not share a username, was {client.username!r}")
        self._clients.append(client)

    @overload
    def get_client(self, username: str, /) -> BaseClient: ...

    @overload
    def get_client(self, venue_type: Venue | None, username: str) -> BaseClient | None: ...

    def get_client(self, *names: Any, **named: Any) -> BaseClient | None:
        """Return a client by username, or as in flumine by `venue_type` (any if None) and `username`.

        :returns: None where there is none at that venue.
        :raises ClientError: if no venue was asked for and there is none.
        """
        names = (*names, *(named.pop(name) for name in ("venue_type", "username") if name in named))
        if named or not 1 <= len(names) <= 2:
            raise TypeError("get_client takes a username, or venue_type and username")
        venue, username = (None, *names)[-2:]
        for client in self._clients:
            if client.username == username and venue in (None, client.venue):
                return client
        if len(names) > 1:
            return None
        known = ", ".join(client.username for client in self._clients) or "none"
        raise ClientError(f"no client of username {username!r}, there are: {known}")

    @overload
    def get_default(self) -> BaseClient: ...

    @overload
    def get_default(self, venue_type: Venue | None) -> BaseClient | None: ...

    def get_default(self, venue_type: Venue | None = None) -> BaseClient | None:
        """Return the first client, or the first at a venue (None where there is none).

        :raises ClientError: if there is no client at all.
        """
        if venue_type is not None:
            return next((client for client in self._clients if client.venue == venue_type), None)
        if not self._clients:
            raise ClientError("a client must be added first")
        return self._clients[0]

    @property
    def simulated(self) -> bool:
        """Whether any client's execution is simulated."""
        return any(client.is_on_paper for client in self._clients)

    @property
    def info(self) -> dict[str, Any]:
        """All clients as plain data."""
        return {client.username: client.info for client in self._clients}

    def __iter__(self) -> Iterator[BaseClient]:
        return iter(self._clients)

    def __len__(self) -> int:
        return len(self._clients)
