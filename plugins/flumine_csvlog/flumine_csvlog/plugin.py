"""The logging control `csvlog`: its options, and what becomes of each event."""

from os.path import expanduser
from pathlib import Path
from typing import Any

from flumine_core import FlumineCoreError, LoggingControl
from flumine_core.events import (
    ClearedMarketsEvent,
    ClearedOrdersEvent,
    ClearedOrdersMetaEvent,
    CloseMarketEvent,
    ConfigEvent,
    EndFlumineEvent,
    MarketEvent,
    OrderStatusEvent,
    RefusalEvent,
)

from .ledger import Ledger
from .rows import COLUMNS, Info, Row, cleared_row, order_row, refusal_row, start_of
from .writer import LostError, Rotation, Writer


class CsvLog(LoggingControl):
    """Writes orders, trades, markets, what was cleared, and refusals as CSV.

    :param directory: where the files go; made if need be. `~` is the user's home.
    :param rotation: None appends to the same files in every run; "day" (of the market's start, in UTC), "market" and
        "run" have a directory each.
    :param columns: kind -> the columns to write, in this order; an empty list leaves the kind out.
    :param gzip: compress the files.
    :param status_changes: also write order_status.csv, one row a change of an order.
    :raises FlumineCoreError: if `columns` names a kind or column that there is not.
    """

    NAME = "CSV_LOG"

    def __init__(
        self,
        directory: Path = Path("csvlog"),
        rotation: Rotation | None = None,
        columns: dict[str, list[str]] | None = None,
        gzip: bool = False,
        status_changes: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        chosen = {**COLUMNS, **_checked(columns or {})}
        if not status_changes:
            del chosen["order_status"]
        kinds = {kind: names for kind, names in chosen.items() if names}
        # that of Path raises where there is no such user
        self._writer = Writer(Path(expanduser(directory)), kinds, rotation, gzip)  # noqa: PTH111
        self._ledger = Ledger(self._put)
        self._days: dict[str, str] = {}

    def _put(self, kind: str, row: Row, market_id: str) -> None:
        try:
            self._writer.put(kind, row, market_id, self._days.get(market_id, "unknown"))
        except LostError as error:
            self._raised("lost rows", error)

    def _note_day(self, market: Info) -> None:
        start = start_of(market)
        if start is not None:
            self._days[market["market_id"]] = start[:10]

    def process_config(self, event: ConfigEvent) -> None:
        """Make the files, so that what is wrong with the directory shows at once."""
        self._writer.open()

    def process_market(self, event: MarketEvent) -> None:
        """Take note of a market and its day."""
        self._note_day(event.event)
        self._ledger.take_market(event.event)

    def process_close_market(self, event: CloseMarketEvent) -> None:
        """Write a closed market."""
        self._note_day(event.market_book)
        self._ledger.close_market(event.market_book)
        self._writer.flush()

    def process_order_status(self, event: OrderStatusEvent) -> None:
        """Take note of an order; write its change where that is asked for."""
        if self._ledger.take_order(event.event) and "order_status" in self._writer.columns:
            self._put("order_status", order_row(event.event), event.event["market_id"])
            self._writer.flush()

    def process_cleared_orders_meta(self, event: ClearedOrdersMetaEvent) -> None:
        """Write the orders of a cleared market, and their trades."""
        self._ledger.clear_orders(event.event)
        self._writer.flush()

    def process_cleared_orders(self, event: ClearedOrdersEvent) -> None:
        """Write the bets that the exchange has cleared."""
        for cleared in event.cleared_orders:
            self._put("cleared_orders", cleared_row(cleared), event.market_id)
        self._writer.flush()

    def process_cleared_markets(self, event: ClearedMarketsEvent) -> None:
        """Write the profit and commission of cleared markets."""
        for cleared in event.cleared_markets:
            self._put("cleared_markets", cleared_row(cleared), cleared["market_id"])
        self._writer.flush()

    def process_refusal(self, event: RefusalEvent) -> None:
        """Write a refusal."""
        self._put("refusals", refusal_row(event.event, event.epoch_ms), event.event.market_id)
        self._writer.flush()

    def process_end_flumine(self, event: EndFlumineEvent) -> None:
        """Write what is left, and close the files."""
        self._ledger.finish()
        self._writer.close()


def _checked(columns: dict[str, list[str]]) -> dict[str, list[str]]:
    for kind, names in columns.items():
        if kind not in COLUMNS:
            raise FlumineCoreError(f"columns must be of {', '.join(COLUMNS)}, was {kind!r}")
        for name in names:
            if name not in COLUMNS[kind]:
                raise FlumineCoreError(f"columns of {kind} must be of {', '.join(COLUMNS[kind])}, was {name!r}")
    return columns
