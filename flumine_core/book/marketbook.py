"""One market at one publish time: a snapshot, built as far as somebody reads it."""

from collections.abc import Collection, Container, Sequence
from copy import deepcopy
from datetime import datetime
from typing import TYPE_CHECKING, Any

from msgspec import Struct, structs

from ..clock import to_datetime
from ..garbage import tracked
from .change import RunnerChange, plain_change
from .definition import Definition, RunnerKey, fit
from .items import Items
from .price import Number
from .runner import RunnerBook, RunnerRecord

if TYPE_CHECKING:
    from betfairlightweight.resources import MarketDefinition
    from betfairlightweight.resources.bettingresources import KeyLine, PriceLadderDescription

    from .cache import MarketBookCache


@tracked
class MarketBook(Items, Struct, eq=False, weakref=True):
    """A market book as betfairlightweight's, with all its attributes; kept, it stays as it is.

    :ivar publish_time_epoch: milliseconds since 1970; `publish_time` is the same as an aware datetime.
    :ivar definition: the market definition in force, the same object until another arrives.
    :ivar total_matched: pounds, both sides, None or 0 where the stream does not carry it.
    :ivar built: the runners as the framework reads them, None until they are built.
    :ivar house_references: how many references the framework itself holds; whoever else holds one keeps the book.
    """

    market_id: str
    publish_time_epoch: int
    definition: Definition
    streaming_unique_id: int
    _total_matched: Number | None
    _cache: "MarketBookCache"
    _since: int
    """How many changes the cache had taken when the book before this one was delivered."""
    _upto: int
    """How many it had taken when this book was made."""
    _line: bytes | None = None
    built: list[RunnerBook] | None = None
    _touched: Sequence[RunnerRecord | RunnerChange] | None = None
    house_references: int = 0
    streaming_snap: bool = True
    _shown: list[RunnerBook] | None = None

    def __copy__(self) -> "MarketBook":
        """Return a book with the same runners in a list of its own, which stays as it is."""
        if self.built is None:
            self._cache.complete(self)
        return structs.replace(self, _shown=None)

    def __deepcopy__(self, memo: dict[int, Any]) -> "MarketBook":
        """Return a book with runners and ladders of its own, which stays as it is."""
        copied = self.__copy__()
        copied.built = deepcopy(self.built, memo)
        return copied

    def __reduce__(self) -> tuple[type["MarketBook"], tuple[Any, ...]]:
        """Pickle a book that stays as it is."""
        copied = self.__copy__()
        copied.house_references = 0
        copied._touched = [
            RunnerChange(id=each.key[0], hc=each.key[1], trd=None if each.trd is None else [])
            for each in self._touched or ()
        ]
        return MarketBook, structs.astuple(copied)

    @property
    def runners(self) -> list[RunnerBook]:
        """The runners in order of first appearance, in a list that a strategy may sort as it likes."""
        shown = self._shown
        if shown is None:
            runners = self.built
            if runners is None:
                runners = self._cache.complete(self)
            shown = self._shown = runners.copy()
        return shown

    @property
    def changed(self) -> Collection[RunnerKey]:
        """Which runners, as (selection id, handicap), changed with this book."""
        if self.built is None:
            self._cache.complete(self)
        return {each.key: None for each in self._touched or ()}

    def traded_among(self, keys: Container[RunnerKey]) -> dict[RunnerKey, RunnerBook]:
        """Return those of `keys` whose traded volume changed with this book, each with its runner.

        What a runner brought is the difference between its `traded_before` and its traded volume.
        """
        runners = self.built
        if runners is None:
            runners = self._cache.complete(self)
        found = {}
        for each in self._touched or ():
            if each.trd is not None and (key := each.key) in keys:
                runner = runners[self._cache.index[key]]
                if runner.traded_before is not None:
                    found[key] = runner
        return found

    @property
    def is_first(self) -> bool:
        """Whether its stream has delivered no book of the market before it, or none before an image."""
        return self._since == 0

    @property
    def is_read(self) -> bool:
        """Whether somebody has read the runners, so that they are built."""
        return self.built is not None

    def withdraw(self) -> None:
        """Have what changed with this book, if it is its cache's latest, count as changed with the next one."""
        if self._cache.book is self:
            self._cache.withdraw(self, self._touched or ())

    def complete_if_superseded(self) -> None:
        """Build the runners if the cache has made another book since, so that this one may be kept."""
        if self.built is None and self._cache.book is not self:
            self._cache.complete(self)

    def runner(self, selection_id: int, handicap: float = 0) -> RunnerBook | None:
        """Return one runner, None where there is no such runner (yet)."""
        runners = self.built
        if runners is None:
            runners = self._cache.complete(self)
        index = self._cache.index.get((selection_id, handicap))
        return None if index is None or index >= len(runners) else runners[index]

    @property
    def number_of_runners(self) -> int:
        """How many runners there are, removed ones included."""
        return len(self.runners)

    @property
    def publish_time(self) -> datetime:
        """When Betfair published this, as an aware UTC datetime."""
        return to_datetime(self.publish_time_epoch)

    @property
    def status(self) -> str | None:
        """OPEN, SUSPENDED, CLOSED or INACTIVE."""
        return self.definition.status

    @property
    def inplay(self) -> bool | None:
        """Whether the market is in play."""
        return self.definition.in_play

    @property
    def version(self) -> int | None:
        """Changes whenever the market changes materially."""
        return self.definition.version

    @property
    def bet_delay(self) -> int | None:
        """Seconds that a bet is held before it is matched."""
        return self.definition.bet_delay

    @property
    def bsp_reconciled(self) -> bool | None:
        """Whether the starting prices are known."""
        return self.definition.bsp_reconciled

    @property
    def complete(self) -> bool | None:
        """Whether no runners may be added."""
        return self.definition.complete

    @property
    def cross_matching(self) -> bool | None:
        """Whether bets are cross matched."""
        return self.definition.cross_matching

    @property
    def runners_voidable(self) -> bool | None:
        """Whether runners may be voided."""
        return self.definition.runners_voidable

    @property
    def number_of_winners(self) -> int | None:
        """How many runners win."""
        return self.definition.number_of_winners

    @property
    def number_of_active_runners(self) -> int | None:
        """How many runners are ACTIVE."""
        return self.definition.number_of_active_runners

    @property
    def total_matched(self) -> Number | None:
        """Pounds matched on the market, both sides."""
        if self.built is None and self._cache.is_market_total_calculated:
            self._cache.complete(self)
        return self._total_matched

    @property
    def market_definition(self) -> "MarketDefinition | None":
        """The definition as betfairlightweight's object."""
        return self.definition.resource if self.definition.raw else None

    @property
    def price_ladder_definition(self) -> "PriceLadderDescription | None":
        """The market's price ladder as betfairlightweight's object."""
        from betfairlightweight.resources.bettingresources import PriceLadderDescription

        raw = self.definition.raw.get("priceLadderDefinition")
        return PriceLadderDescription(**fit(raw, PriceLadderDescription)) if raw else None

    @property
    def key_line_description(self) -> "KeyLine | None":
        """The key line of a handicap market as betfairlightweight's object."""
        from betfairlightweight.resources.bettingresources import KeyLine

        raw = self.definition.raw.get("keyLineDefinition")
        return KeyLine(**raw) if raw else None

    @property
    def streaming_update(self) -> dict[str, Any] | None:
        """The change that made this book, as received; None where the cache was not given the line."""
        return None if self._line is None else plain_change(self._line, self.market_id)

    @property
    def bet_delay_models(self) -> None:
        """None, as on betfairlightweight's streamed books: see `market_definition.bet_delay_models`."""
        return

    @property
    def is_market_data_delayed(self) -> None:
        """None: a stream does not say."""
        return

    @property
    def last_match_time(self) -> None:
        """None: a stream does not say."""
        return

    @property
    def suspend_reason(self) -> None:
        """None: see `market_definition.suspend_reason`."""
        return

    @property
    def total_available(self) -> None:
        """None: a stream does not say."""
        return

    def __repr__(self) -> str:
        return f"<MarketBook {self.market_id} {self.publish_time_epoch}>"
