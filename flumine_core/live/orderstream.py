"""The live order stream: every bet of an account as it changes, none left out."""

from collections.abc import Iterator, Sequence
from typing import Any

from ..contract.streams import OrderStream
from ..errors import DataError
from ..events import CurrentOrdersEvent, Event
from ..settings import Settings
from .bet import Bet
from .message import StreamMessage, decode_plain, shown
from .socket import StreamSocket
from .subscription import Account, LiveStream, Reporter


class LiveOrderStream(LiveStream):
    """Bets of one account, for its execution; every message becomes an event, in order.

    Each connection subscribes afresh, so that its first event holds all bets that are still executable: what
    completed meanwhile is not among them, and has to be asked for.
    """

    change_op = "ocm"

    def __init__(self, description: OrderStream, account: Account, settings: Settings, reporter: Reporter) -> None:
        super().__init__(description.stream_id or 0, account, settings, reporter)
        self.description = description

    def subscribe(self, connection: StreamSocket, initial_clk: str | None, clk: str | None) -> int:
        """Subscribe to all bets, of whichever strategy unless `own_orders_only` is set."""
        wanted: dict[str, Any] = {"includeOverallPosition": False, "partitionMatchedByStrategyRef": True}
        references = self.description.customer_strategy_refs
        if references:
            wanted["customerStrategyRefs"] = list(references)
        return int(
            connection.subscribe_to_orders(
                wanted, None, None, self.description.conflate_ms or 0, self.heartbeat_ms, True
            )
        )

    def take(self, messages: Sequence[StreamMessage], is_first: bool) -> Iterator[Event]:
        """Yield one event with all bets of a message."""
        bets: list[Bet] = []
        for message in messages:
            for raw in message.oc or ():
                try:
                    bets.extend(_bets_of(decode_plain(raw)))
                except DataError as error:
                    self._bad(f"{error}, was {shown(bytes(raw))}")
                    self._resync("an order change could not be read")
                    yield from self.missed()
        if bets or is_first:
            yield CurrentOrdersEvent((), bets, self.account, is_first, True if is_first else None)

    def missed(self) -> Iterator[Event]:
        """Say that something may have been missed, as after a connection, so that bets are asked for."""
        yield CurrentOrdersEvent((), (), self.account, False, True)

    def dropped(self) -> Iterator[Event]:
        """Say that bets may change unseen."""
        self._clk = None
        yield CurrentOrdersEvent((), (), self.account, False, False)


def _bets_of(change: dict[str, Any]) -> Iterator[Bet]:
    """Yield the bets of one market's order changes.

    :raises DataError: where it is not as documented.
    """
    market_id = change.get("id")
    if not isinstance(market_id, str):
        raise DataError(f"an order change must hold the market's id, was {market_id!r}")
    for runner in _dicts(change, "orc"):
        selection_id = runner.get("id")
        if not isinstance(selection_id, int):
            raise DataError(f"an order change must hold the runner's id, was {selection_id!r}")
        for bet in _dicts(runner, "uo"):
            yield Bet.from_stream(market_id, selection_id, runner.get("hc"), bet)


def _dicts(change: dict[str, Any], name: str) -> list[dict[str, Any]]:
    found = change.get(name) or []
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise DataError(f"{name} must be a list of objects, was {found!r}")
    return found
